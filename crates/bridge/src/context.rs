//! What the ABI functions need to know of the process they are called in.

use std::io;
use std::os::fd::RawFd;
use std::sync::{Arc, OnceLock};

use goherd_reactor::Reactor;
use goherd_shm::{Commons, Scoreboard, Seat, ToMaster};

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
    /// The last connection of a draining reactor has ended: the process ends, now or when the last signal has been handled.
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
}

/// One per process.
pub struct Context {
    /// The connections.
    pub reactor: Arc<Reactor>,
    /// The worker around.
    pub host: Box<dyn Host>,
    /// What it shares with all others.
    pub shared: Share,
    /// The worker's number, from 1.
    pub worker: u32,
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
        reactor: Arc<Reactor>,
        host: Box<dyn Host>,
        shared: Share,
        worker: u32,
        cores: u32,
        args: Vec<String>,
        env: Vec<(String, String)>,
    ) -> Self {
        let args_block = args.iter().flat_map(|arg| [arg.as_bytes(), b"\0"].concat()).collect();
        let env_block = env
            .iter()
            .flat_map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes(), b"\0"].concat())
            .collect();
        let options = Arc::default();
        Self { reactor, host, shared, worker, cores, args, env, options, args_block, env_block }
    }

    /// The same with the options, as [`Context::options`] has them.
    #[must_use]
    pub fn with_options(mut self, options: Arc<[u8]>) -> Self {
        self.options = options;
        self
    }
}

static CONTEXT: OnceLock<Context> = OnceLock::new();

/// Makes `context` the one of this process. Call it once, after the fork and before [`crate::load::start`].
pub fn install(context: Context) -> &'static Context {
    CONTEXT.get_or_init(|| context)
}

pub(crate) fn context() -> Option<&'static Context> {
    CONTEXT.get()
}
