//! The steps of a worker's life, in their order.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use goherd_bridge::{App, Context, Host, LoadError, Remotes, Share, Spools, Started};
use goherd_proto::Protocol;
use goherd_reactor::{Door, Harakiri, Limits, MOST_HELD, Reactor, Times};
use goherd_redis::{Near, Remote};
use goherd_shm::{Birth, Commons, Role, ToMaster, Who};
use goherd_sys::control::Control;
use goherd_sys::eventfd::EventFd;
use goherd_sys::signal;
use goherd_sys::socket::Listener;
use goherd_sys::{process, stderr};

use crate::confinement::Confinement;
use crate::crew;
use crate::host::{Counter, Desk};
use crate::inbox::Mail;
use crate::native;
use crate::post::Mailbox;
use crate::services::Counters;
use crate::spool::SpoolSettings;
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
    /// How long a worker may go on finishing when its master is gone.
    pub worker_mercy: Duration,
    /// How long a mule or a spooler may.
    pub crew_mercy: Duration,
    /// How many requests the life of a worker is for; 0: as many as come.
    pub max_requests_per_life: u64,
    /// How many more it is for with each worker's number.
    pub max_requests_delta: u32,
    /// How tasks are worked off.
    pub spool: SpoolSettings,
    /// The options, for the application: name and value, each followed by a NUL.
    pub options: Arc<[u8]>,
    /// The wake-up that workers pass among themselves.
    pub baton: Arc<EventFd>,
    /// Caches that do not lie in shared memory.
    pub remotes: RemoteSettings,
}

/// Caches that lie in Redis.
#[derive(Clone, Debug, Default)]
pub struct RemoteSettings {
    /// They, in the order of the configuration.
    pub caches: Vec<goherd_redis::Settings>,
    /// The first of all caches is the first of these.
    pub first: bool,
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

    /// How long `who` may go on finishing when its master is gone, in milliseconds.
    pub(crate) fn mercy(&self, who: Who) -> u64 {
        millis(if who.is_crew() { self.crew_mercy } else { self.worker_mercy })
    }
}

/// How many requests the life of `who` is for, `delta` more with each worker; 0: as many as come.
fn requests_of_a_life(all: u64, delta: u32, who: Who) -> u64 {
    let limited = all > 0 && !who.is_crew();
    if limited { all.saturating_add(u64::from(delta) * u64::from(who.number)) } else { 0 }
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
    let Birth { who, line, edition, control, listeners, commons, scoreboard, paused, .. } = birth;
    let life = match who.role {
        Role::Spooler => settings.spool.max_tasks,
        _ => requests_of_a_life(settings.max_requests_per_life, settings.max_requests_delta, who),
    };
    let made = Mailbox::new().and_then(|post| Ok((post, Mail::new(&commons.inboxes, who)?)));
    let (post, mail) = match made {
        Ok(made) => made,
        Err(error) => fail(&control, error.to_string()),
    };
    let desk = Arc::new(Desk::new(who, line, control, scoreboard, mail, life, post));
    let share = share(settings, commons, who, edition).map(Arc::new);
    let failure = match share.and_then(|share| Ok((settle_in(settings, listeners, &desk, &share)?, share))) {
        Ok(((reactor, spools), share)) => {
            reactor.iter().filter(|_| paused).for_each(|reactor| reactor.pause());
            match live(settings, reactor, &desk, share, spools) {
                Ok(()) => return,
                Err(error) => error.to_string(),
            }
        }
        Err(error) => error.to_string(),
    };
    fail(&desk.control, failure)
}

/// Tells the master why there is no worker here, and ends the process.
fn fail(control: &Control, reason: String) -> ! {
    let _gone = control.send(&ToMaster::Failed(reason).encode());
    process::exit_now(1)
}

/// Makes the process what it is, still without any code of the application. A worker gets a reactor.
fn settle_in(
    settings: &Settings,
    listeners: Vec<Listener>,
    desk: &Arc<Desk>,
    share: &Arc<Share>,
) -> io::Result<(Option<Arc<Reactor>>, Spools)> {
    process::lead_own_group()?;
    signal::reset()?;
    process::close_stdin()?;
    let _all_are_alike_then = process::prefer_for_want_of_memory();
    std::env::set_current_dir(&settings.folder).map_err(|error| {
        io::Error::other(format!("chdir: cannot go to {}: {error}", settings.folder.display()))
    })?;
    settings.confinement.enter(&settings.app)?;
    let (spools, tasks) = settings.spool.open(desk.who)?;
    tasks.into_iter().for_each(|tasks| desk.has_tasks(tasks));
    share.remotes.caches.iter().try_for_each(Remote::begin)?; // threads: none may be there when privileges are given up
    if desk.who.is_crew() {
        let (desk, mercy) = (Arc::clone(desk), settings.mercy(desk.who));
        spawn_watch(move || crew::watch(&desk, mercy))?;
        return Ok((None, spools));
    }
    let doors = listeners.into_iter().zip(&settings.doors);
    let reactor = Reactor::new(goherd_reactor::Settings {
        name: desk.who.to_string(),
        doors: doors.map(|(listener, door)| door.with(listener)).collect(),
        baton: Arc::clone(&settings.baton),
        max_connections: settings.max_connections,
        max_requests: settings.max_requests,
        limits: settings.limits,
        times: settings.times,
        harakiri: settings.harakiri(),
        services: Some(Arc::new(Counters { share: Arc::clone(share), desk: Arc::clone(desk) })),
        most_held: MOST_HELD,
    })?;
    reactor.watch_control(&desk.control)?;
    let reactor = Arc::new(reactor);
    let watch = Watch::new(Arc::clone(desk), Arc::clone(&reactor), settings);
    spawn_watch(move || watch.watch())?;
    Ok((Some(reactor), spools))
}

/// Starts the thread that watches.
fn spawn_watch(watch: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let builder = thread::Builder::new().name("watch".to_owned()).stack_size(WATCHER_STACK);
    let started = builder.spawn(move || {
        let _all_signals_then = signal::block_all_in_thread();
        watch();
    });
    started.map(drop).map_err(|error| {
        io::Error::other(format!(
            "cannot start a thread: {error}: give the user more processes (ulimit -u), or more address space (limit-as)"
        ))
    })
}

/// The process's way to what all share, and to what lies elsewhere.
fn share(settings: &Settings, commons: Arc<Commons>, who: Who, edition: u32) -> io::Result<Share> {
    let seat = commons.seats.sit().map_err(io::Error::other)?;
    let remote = |settings: &goherd_redis::Settings| {
        let near = settings.near.and_then(|(millis, place)| {
            let copies = commons.near.get(place)?;
            let (cache, marks) = (Arc::clone(&copies.cache), Arc::clone(&commons.marks));
            Some(Near { name: settings.name.clone(), cache, marks, millis })
        });
        Remote::new(settings.clone(), &who.to_string(), Arc::clone(&commons.marks), near)
            .map_err(io::Error::other)
    };
    let caches = settings.remotes.caches.iter().map(remote).collect::<io::Result<_>>()?;
    Ok(Share { commons, seat, edition, remotes: Remotes { caches, first: settings.remotes.first } })
}

/// Loads the application and serves; answers with the reason why not, or when the application is the program's own.
fn live(
    settings: &Settings,
    reactor: Option<Arc<Reactor>>,
    desk: &Arc<Desk>,
    shared: Arc<Share>,
    spools: Spools,
) -> Result<(), LoadError> {
    let context = Context::new(
        reactor.clone(),
        Box::new(Counter(Arc::clone(desk))),
        shared,
        desk.who,
        settings.cores,
        settings.args.clone(),
        settings.env.clone(),
    );
    let context = context.with_spools(spools).with_options(Arc::clone(&settings.options));
    let context = goherd_bridge::install(context);
    match goherd_bridge::load::start(&settings.app, context)? {
        Started::Own => Ok(()),
        Started::Go => process::sleep_for_ever(),
        Started::NoMain => {
            let host = Counter(Arc::clone(desk));
            let Some(reactor) = reactor else {
                stderr::line(&format!("{}: no Go main to run: it has nothing to do", desk.who));
                host.ready();
                process::sleep_for_ever()
            };
            stderr::line(&format!("{}: no Go main to run: answering 404 to everything", desk.who));
            native::serve(&reactor, &host as &dyn Host)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_have_lives_of_different_lengths() {
        let life = |all, delta, number| requests_of_a_life(all, delta, Who::worker(number));
        assert_eq!([1, 2, 3].map(|number| life(100, 10, number)), [110, 120, 130]);
        assert_eq!(life(0, 10, 1), 0, "there is no limit");
        assert_eq!(life(u64::MAX, u32::MAX, 2), u64::MAX);
        assert_eq!(requests_of_a_life(100, 10, Who::mule(1)), 0, "mules have no requests");
    }

    #[test]
    fn a_short_time_is_not_none() {
        let times = [Duration::ZERO, Duration::from_micros(1), Duration::from_millis(1500)];
        assert_eq!(times.map(millis), [0, 1, 1500]);
    }
}
