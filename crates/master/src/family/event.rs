//! What the family hears, and what it has done.

use goherd_shm::Who;
use goherd_sys::process::Ending;

use super::{News, Plan, Sample, Status};

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Nothing but that time went by.
    Tick,
    /// A worker has been forked.
    Spawned {
        /// Its line of the scoreboard.
        line: u32,
        /// Its process.
        pid: i32,
    },
    /// A worker could not be forked.
    SpawnFailed {
        /// The line that it would have had.
        line: u32,
        /// Why.
        reason: String,
    },
    /// A worker takes requests from now on.
    Ready {
        /// Its line.
        line: u32,
    },
    /// A worker says that the application cannot be loaded.
    LoadFailed {
        /// Its line.
        line: u32,
        /// Why.
        reason: String,
    },
    /// A worker has taken as many requests as one life is for.
    Enough {
        /// Its line.
        line: u32,
    },
    /// A worker has a handler that does not return. It takes nothing new, and ends itself when all others have returned.
    Stuck {
        /// Its line.
        line: u32,
    },
    /// A worker has ended.
    Exited {
        /// Its line.
        line: u32,
        /// How.
        ending: Ending,
        /// How many requests it had taken.
        requests: u64,
    },
    /// What [`Action::Sample`] found.
    Sampled(Vec<Sample>),
    /// A connection waits, and there are no workers.
    Knock,
    /// The configuration and the application are to be read anew (SIGHUP).
    Reload,
    /// They were: a new generation can begin.
    Renewed {
        /// Its number.
        generation: u32,
        /// How it is to live.
        plan: Plan,
    },
    /// They could not be.
    RenewFailed(String),
    /// One worker more (SIGTTIN).
    More,
    /// One worker less (SIGTTOU).
    Less,
    /// No workers until a connection comes (`C`).
    Cheap,
    /// Take no new connections, or take them again (SIGTSTP).
    Pause,
    /// Statistics are wanted (SIGUSR1).
    Report,
    /// The server is to end when all that is under way is finished (SIGTERM).
    Finish,
    /// The server is to end now (SIGINT, SIGQUIT).
    Stop,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Fork a process.
    Spawn {
        /// The line of the scoreboard that is to be its.
        line: u32,
        /// What it is to be, and its number.
        who: Who,
        /// What it is to be made from.
        generation: u32,
    },
    /// Tell this worker to finish.
    Drain(u32),
    /// Tell this worker to take no new connections.
    Pause(u32),
    /// Tell this worker to take them again.
    Resume(u32),
    /// Tell this one of the crew that nobody else of its name is left: it is to begin.
    Begin(u32),
    /// Tell this one of the crew to do what waits for it already, and then to finish.
    Finish(u32),
    /// Kill this process, with its children.
    Kill(u32),
    /// Close the listening sockets: nobody will accept any more.
    CloseDoors,
    /// Look out for connections to the generation that serves, or do so no longer.
    WatchDoors(bool),
    /// Read configuration and application anew, for the generation of this number.
    Renew(u32),
    /// Nobody will be made from this generation any more.
    Forget(u32),
    /// The first worker of this generation is ready: what its code has registered is in force from now on.
    Promote(u32),
    /// Find out what workers use and do.
    Sample,
    /// Write statistics to the log.
    Report(Vec<Status>),
    /// Tell the service manager.
    Tell(News),
    /// Write a line to the log.
    Log(String),
    /// End, with this exit code. Nobody is left.
    Exit(i32),
}
