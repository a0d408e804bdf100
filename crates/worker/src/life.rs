//! The steps of a worker's life, in their order.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use goherd_bridge::{App, Context, Host, LoadError, Share, Started};
use goherd_proto::Protocol;
use goherd_reactor::{Door, Harakiri, Limits, Reactor, Times};
use goherd_shm::{Birth, ToMaster};
use goherd_sys::control::Control;
use goherd_sys::eventfd::EventFd;
use goherd_sys::signal;
use goherd_sys::socket::Listener;
use goherd_sys::{process, stderr};

use crate::confinement::Confinement;
use crate::host::{Counter, Desk};
use crate::native;
use crate::post::Mailbox;
use crate::watch::Watch;

/// The stack of the thread that watches. It may have to answer in a handler's stead, and discards what peers send then.
const WATCHER_STACK: usize = 256 << 10;

/// What all workers of a server have in common.
#[derive(Debug)]
pub struct Settings {
    /// The application.
    pub app: App,
    /// `os.Args`.
    pub args: Vec<String>,
    /// Variables to add to the environment.
    pub env: Vec<(String, String)>,
    /// How many requests a worker handles at a time.
    pub cores: u32,
    /// Where it lives.
    pub folder: PathBuf,
    /// What a worker gives up.
    pub confinement: Confinement,
    /// What is spoken at each listener, in their order.
    pub doors: Vec<DoorSettings>,
    /// The most connections of one worker.
    pub max_connections: u32,
    /// The most requests of one connection.
    pub max_requests: u32,
    /// How much a peer may send.
    pub limits: Limits,
    /// How long it may take.
    pub times: Times,
    /// How long a handler may take; 0: as long as it likes.
    pub harakiri: Duration,
    /// How long one that takes longer may take to notice that.
    pub harakiri_grace: Duration,
    /// How many requests the life of a worker is for; 0: as many as come.
    pub max_requests_per_life: u64,
    /// How many more it is for with each worker's number.
    pub max_requests_delta: u32,
    /// The options, for the application: name and value, each followed by a NUL.
    pub options: Arc<[u8]>,
    /// The wake-up that workers pass among themselves.
    pub baton: Arc<EventFd>,
}

/// What is spoken at a listener.
#[derive(Clone, Copy, Debug, Default)]
pub struct DoorSettings {
    /// The protocol of its peers.
    pub protocol: Protocol,
    /// Each connection begins with a PROXY header.
    pub behind_proxy: bool,
}

impl Settings {
    fn harakiri(&self) -> Harakiri {
        Harakiri { limit: millis(self.harakiri), grace: millis(self.harakiri_grace) }
    }
}

/// How many requests the life of the worker `number` is for, `delta` more with each; 0: as many as come.
fn requests_of_a_life(all: u64, delta: u32, number: u32) -> u64 {
    if all == 0 { 0 } else { all.saturating_add(u64::from(delta) * u64::from(number)) }
}

/// A time in milliseconds, of which none but 0 becomes 0.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_micros().div_ceil(1000)).unwrap_or(u64::MAX)
}

impl DoorSettings {
    fn with(self, listener: Listener) -> Door {
        Door { listener, protocol: self.protocol, behind_proxy: self.behind_proxy }
    }
}

/// Lives. Call it in a process that was just forked and has one thread. It returns only if the application is the
/// program's own, and the process is to go on as that.
pub fn run(settings: &Settings, birth: Birth) {
    let Birth { number, line, edition, control, listeners, commons, scoreboard, .. } = birth;
    let life = requests_of_a_life(settings.max_requests_per_life, settings.max_requests_delta, number);
    let post = match Mailbox::new() {
        Ok(post) => post,
        Err(error) => fail(&control, error.to_string()),
    };
    let desk = Arc::new(Desk::new(number, line, control, scoreboard, life, post));
    let seat = commons.seats.sit().map_err(io::Error::other);
    let failure = match seat.and_then(|seat| Ok((seat, settle_in(settings, listeners, &desk)?))) {
        Ok((seat, reactor)) => match live(settings, &reactor, &desk, Share { commons, seat, edition }) {
            Ok(()) => return,
            Err(error) => error.to_string(),
        },
        Err(error) => error.to_string(),
    };
    fail(&desk.control, failure)
}

/// Tells the master why there is no worker here, and ends the process.
fn fail(control: &Control, reason: String) -> ! {
    let _gone = control.send(&ToMaster::Failed(reason).encode());
    process::exit_now(1)
}

/// Makes the process a worker, still without any code of the application.
fn settle_in(settings: &Settings, listeners: Vec<Listener>, desk: &Arc<Desk>) -> io::Result<Arc<Reactor>> {
    process::lead_own_group()?;
    signal::reset()?;
    process::close_stdin()?;
    std::env::set_current_dir(&settings.folder).map_err(|error| {
        io::Error::other(format!("chdir: cannot go to {}: {error}", settings.folder.display()))
    })?;
    settings.confinement.enter(&settings.app)?;
    let doors = listeners.into_iter().zip(&settings.doors);
    let reactor = Reactor::new(goherd_reactor::Settings {
        name: format!("worker {}", desk.number),
        doors: doors.map(|(listener, door)| door.with(listener)).collect(),
        baton: Arc::clone(&settings.baton),
        max_connections: settings.max_connections,
        max_requests: settings.max_requests,
        limits: settings.limits,
        times: settings.times,
        harakiri: settings.harakiri(),
    })?;
    reactor.watch_control(&desk.control)?;
    let reactor = Arc::new(reactor);
    let watch = Watch::new(Arc::clone(desk), Arc::clone(&reactor), settings);
    thread::Builder::new().name("watch".to_owned()).stack_size(WATCHER_STACK).spawn(move || {
        let _all_signals_then = signal::block_all_in_thread();
        watch.watch();
    })?;
    Ok(reactor)
}

/// Loads the application and serves; answers with the reason why not, or when the application is the program's own.
fn live(
    settings: &Settings,
    reactor: &Arc<Reactor>,
    desk: &Arc<Desk>,
    shared: Share,
) -> Result<(), LoadError> {
    let context = Context::new(
        Arc::clone(reactor),
        Box::new(Counter(Arc::clone(desk))),
        shared,
        desk.number,
        settings.cores,
        settings.args.clone(),
        settings.env.clone(),
    );
    let context = goherd_bridge::install(context.with_options(Arc::clone(&settings.options)));
    match goherd_bridge::load::start(&settings.app, context)? {
        Started::Own => Ok(()),
        Started::Go => process::sleep_for_ever(),
        Started::NoMain => {
            stderr::line(&format!("worker {}: no Go main to run: answering 404 to everything", desk.number));
            native::serve(reactor, &Counter(Arc::clone(desk)) as &dyn Host)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_have_lives_of_different_lengths() {
        assert_eq!([1, 2, 3].map(|number| requests_of_a_life(100, 10, number)), [110, 120, 130]);
        assert_eq!(requests_of_a_life(0, 10, 1), 0, "there is no limit");
        assert_eq!(requests_of_a_life(u64::MAX, u32::MAX, 2), u64::MAX);
    }

    #[test]
    fn a_short_time_is_not_none() {
        let times = [Duration::ZERO, Duration::from_micros(1), Duration::from_millis(1500)];
        assert_eq!(times.map(millis), [0, 1, 1500]);
    }
}
