//! What the ABI functions need to know of the process they are called in.

use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::sync::{Arc, OnceLock};

use goherd_reactor::Reactor;
use goherd_redis::Remote;
use goherd_shm::{Commons, Scoreboard, Seat, ToMaster, Who};

use crate::spool::Spools;

/// What there was when something was to be taken.
#[derive(Debug)]
pub enum Taking<T> {
    /// This; the process does not end before [`Host::work_ended`] is called for it.
    Taken(T),
    /// Nothing for now: its descriptor becomes readable when there is something.
    Nothing,
    /// The process ends: it takes nothing more.
    Ending,
}

/// The worker around the application, as the bridge sees it. Its methods are called on the application's threads.
pub trait Host: Send + Sync {
    /// `uwsgi.Run()` was reached: requests may come.
    fn ready(&self);
    /// The control descriptor has something to say.
    fn control(&self, reactor: &Reactor);
    /// A request was taken.
    fn took_request(&self);
    /// The handler of one is over, whatever has become of its connection: once for each that was taken.
    fn ended_request(&self, reactor: &Reactor);
    /// Tells the master something for the application.
    fn tell(&self, message: &ToMaster) -> io::Result<()>;
    /// What all workers are about.
    fn scoreboard(&self) -> &Scoreboard;
    /// A handler has panicked.
    fn panicked(&self);
    /// The application has written the stacks of its goroutines down, for which [`Reactor::ask_for_stacks`] had asked.
    fn stacks_told(&self);
    /// The last connection of a draining reactor has ended. It returns if there is other work at hand: then the process ends
    /// after that.
    fn drained(&self);
    /// The descriptor that is readable when there is something in the post.
    fn post(&self) -> RawFd;
    /// What has come with the post, if anything has.
    fn next_in_post(&self) -> Option<Post>;
    /// The next signal that waits for its handler, of which there is one at a time: asking is to say that the last one is over.
    fn next_signal(&self) -> Option<u8>;
    /// Has the master raise a signal; `false`: it has a lot to do, and this may be tried again.
    fn raise(&self, signal: u8) -> bool;
    /// Tells the master that the table of signals has changed.
    fn registered(&self);

    /// Some work begins; `false`: it must not, as the process ends.
    fn work_begins(&self) -> bool;
    /// It has ended. If the process was to end after it, this does not return.
    fn work_ended(&self);
    /// In a spooler: a task may be looked for, and the process does not end meanwhile; `false`: it ends.
    fn task_begins(&self) -> bool;
    /// There was none. If the process was to end, this does not return.
    fn no_task(&self);
    /// One was taken.
    fn took_task(&self);
    /// What came of it is on the disk. If the process was to end after it, this does not return.
    fn task_ended(&self);
    /// The descriptor that is readable when there may be a message, and is heard from now on; `None`: this is no mule.
    fn messages(&self) -> Option<RawFd>;
    /// Takes a message, into `buffer`; gives its length.
    fn take_message(&self, buffer: &mut [u8]) -> Taking<usize>;
    /// Whether a message waits that [`Self::take_message`] would take.
    fn has_message(&self) -> bool;
    /// The descriptor that is readable when there may be a call.
    fn calls(&self) -> RawFd;
    /// Takes a call: the socket from which to read the question, and into which to write the answer.
    fn take_call(&self) -> Taking<OwnedFd>;
}

/// What comes with the post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Post {
    /// Signals wait for their handlers.
    Signals,
}

/// A process's way to the memory that all share.
#[derive(Debug)]
pub struct Share {
    /// The memory.
    pub commons: Arc<Commons>,
    /// The place by which this process holds locks.
    pub seat: Seat,
    /// The number by which it registers signals.
    pub edition: u32,
    /// Its caches that lie elsewhere.
    pub remotes: Remotes,
}

/// Caches that do not lie in shared memory.
#[derive(Debug, Default)]
pub struct Remotes {
    /// They, in the order of the configuration.
    pub caches: Vec<Remote>,
    /// The first of all caches is the first of these.
    pub first: bool,
}

/// One per process.
pub struct Context {
    /// The connections; none but workers have any.
    pub reactor: Option<Arc<Reactor>>,
    /// The worker around.
    pub host: Box<dyn Host>,
    /// What it shares with all others.
    pub shared: Arc<Share>,
    /// The folders of tasks.
    pub spools: Spools,
    /// What the process is, and its number.
    pub who: Who,
    /// How many requests the application may handle at a time.
    pub cores: u32,
    /// `os.Args`.
    pub args: Vec<String>,
    /// Variables to add to the environment.
    pub env: Vec<(String, String)>,
    /// The options: name and value, each followed by a NUL.
    pub options: Arc<[u8]>,
    /// `args` as Go takes them: each followed by a NUL.
    pub(crate) args_block: Vec<u8>,
    /// `env` as Go takes it: `NAME=VALUE`, each followed by a NUL.
    pub(crate) env_block: Vec<u8>,
}

impl Context {
    /// Puts the parts together.
    #[must_use]
    pub fn new(
        reactor: Option<Arc<Reactor>>,
        host: Box<dyn Host>,
        shared: Arc<Share>,
        who: Who,
        cores: u32,
        args: Vec<String>,
        env: Vec<(String, String)>,
    ) -> Self {
        let args_block = args.iter().flat_map(|arg| [arg.as_bytes(), b"\0"].concat()).collect();
        let env_block = env
            .iter()
            .flat_map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes(), b"\0"].concat())
            .collect();
        let (spools, options) = (Spools::default(), Arc::default());
        Self { reactor, host, shared, spools, who, cores, args, env, options, args_block, env_block }
    }

    /// The same with the options, as [`Context::options`] has them.
    #[must_use]
    pub fn with_options(mut self, options: Arc<[u8]>) -> Self {
        self.options = options;
        self
    }

    /// The same with folders of tasks.
    #[must_use]
    pub fn with_spools(self, spools: Spools) -> Self {
        Self { spools, ..self }
    }
}

/// What the functions for connections need.
#[derive(Clone, Copy)]
pub(crate) struct Serving {
    pub reactor: &'static Reactor,
    pub host: &'static dyn Host,
}

/// `None` in a process that has no connections.
pub(crate) fn serving() -> Option<Serving> {
    let context = context()?;
    Some(Serving { reactor: context.reactor.as_deref()?, host: &*context.host })
}

static CONTEXT: OnceLock<Context> = OnceLock::new();

/// Makes `context` the one of this process. Call it once, after the fork and before [`crate::load::start`].
pub fn install(context: Context) -> &'static Context {
    CONTEXT.get_or_init(|| context)
}

pub(crate) fn context() -> Option<&'static Context> {
    CONTEXT.get()
}
