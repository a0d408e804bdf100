//! The steps of a worker's life, in their order.

use std::io;
use std::sync::Arc;
use std::thread;

use goherd_bridge::{App, Context, Host, LoadError, Started};
use goherd_proto::Protocol;
use goherd_reactor::{Door, Limits, Reactor, Times};
use goherd_shm::{Birth, ToMaster};
use goherd_sys::eventfd::EventFd;
use goherd_sys::signal;
use goherd_sys::socket::Listener;
use goherd_sys::user::{Identity, become_identity};
use goherd_sys::{process, stderr};

use crate::host::{Counter, Desk};
use crate::native;

/// The stack of the thread that watches: it makes two system calls.
const WATCHER_STACK: usize = 64 << 10;

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
    /// Whom a worker becomes.
    pub identity: Identity,
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

impl DoorSettings {
    fn with(self, listener: Listener) -> Door {
        Door { listener, protocol: self.protocol, behind_proxy: self.behind_proxy }
    }
}

/// Lives. Call it in a process that was just forked and has one thread. It returns only if the application is the
/// program's own, and the process is to go on as that.
pub fn run(settings: &Settings, birth: Birth) {
    let number = birth.number;
    let desk = Arc::new(Desk::new(number, birth.control, birth.scoreboard));
    let failure = match settle_in(settings, birth.listeners, &desk) {
        Ok(reactor) => match live(settings, &reactor, &desk) {
            Ok(()) => return,
            Err(error) => error.to_string(),
        },
        Err(error) => error.to_string(),
    };
    desk.tell(&ToMaster::Failed(failure));
    process::exit_now(1)
}

/// Makes the process a worker, still without any code of the application.
fn settle_in(settings: &Settings, listeners: Vec<Listener>, desk: &Arc<Desk>) -> io::Result<Arc<Reactor>> {
    process::lead_own_group()?;
    signal::reset()?;
    process::close_stdin()?;
    become_identity(settings.identity)
        .map_err(|error| io::Error::other(format!("uid/gid: cannot drop privileges: {error}")))?;
    let doors = listeners.into_iter().zip(&settings.doors);
    let reactor = Reactor::new(goherd_reactor::Settings {
        name: format!("worker {}", desk.number),
        doors: doors.map(|(listener, door)| door.with(listener)).collect(),
        baton: Arc::clone(&settings.baton),
        max_connections: settings.max_connections,
        max_requests: settings.max_requests,
        limits: settings.limits,
        times: settings.times,
    })?;
    reactor.watch_control(&desk.control)?;
    let reactor = Arc::new(reactor);
    let (desk, watched) = (Arc::clone(desk), Arc::clone(&reactor));
    thread::Builder::new().name("watch".to_owned()).stack_size(WATCHER_STACK).spawn(move || {
        let _all_signals_then = signal::block_all_in_thread();
        desk.watch(&watched);
    })?;
    Ok(reactor)
}

/// Loads the application and serves; answers with the reason why not, or when the application is the program's own.
fn live(settings: &Settings, reactor: &Arc<Reactor>, desk: &Arc<Desk>) -> Result<(), LoadError> {
    let context = goherd_bridge::install(Context::new(
        Arc::clone(reactor),
        Box::new(Counter(Arc::clone(desk))),
        desk.number,
        settings.cores,
        settings.args.clone(),
        settings.env.clone(),
    ));
    match goherd_bridge::load::start(&settings.app, context)? {
        Started::Own => Ok(()),
        Started::Go => process::sleep_for_ever(),
        Started::NoMain => {
            stderr::line(&format!("worker {}: no Go main to run: answering 404 to everything", desk.number));
            native::serve(reactor, &Counter(Arc::clone(desk)) as &dyn Host)
        }
    }
}
