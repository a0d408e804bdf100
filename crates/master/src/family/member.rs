//! The members of the family: processes, each on its line of the scoreboard; and the places that they fill.

use goherd_shm::Who;
use goherd_sys::clock::Millis;

/// The first delay of a throttled start after a young death; it doubles with each in a row.
const FIRST_DELAY_MS: u64 = 1000;
/// The longest such delay.
const LAST_DELAY_MS: u64 = 30_000;
/// The same where the system did not let us fork.
const FIRST_FORK_DELAY_MS: u64 = 100;
const LAST_FORK_DELAY_MS: u64 = 5_000;

/// A process, from the order to fork it until it is reaped.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// The place it is for.
    pub who: Who,
    pub generation: u32,
    pub pid: i32,
    pub born: Millis,
    pub stage: Stage,
    /// Why it is to be replaced when there is an opportunity.
    pub tired: Option<Tired>,
    /// What it said was wrong.
    pub failure: Option<String>,
    /// One of the crew: it was told that nobody else of its name is left.
    pub begun: bool,
    /// It was born while the server was paused, and takes no connections until it is told to.
    pub paused: bool,
}

impl Member {
    /// One that is to be forked.
    pub fn expected(who: Who, generation: u32, now: Millis) -> Self {
        let stage = Stage::Expected;
        let (tired, failure) = (None, None);
        Self { who, generation, pid: 0, born: now, stage, tired, failure, begun: false, paused: false }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// To be forked by an action that is under way.
    Expected,
    Starting,
    Ready {
        since: Millis,
    },
    /// Told to finish; killed when that takes too long.
    Draining {
        until: Millis,
    },
    /// Killed, and not reaped yet.
    Doomed,
}

/// Why a member is to be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tired {
    Requests,
    Lifetime,
    Memory(u64),
    /// So much that it is the first whose turn it is, however young.
    MuchMemory(u64),
}

impl Tired {
    /// Whether others wait for it.
    pub fn is_urgent(self) -> bool {
        matches!(self, Self::MuchMemory(_))
    }
}

impl std::fmt::Display for Tired {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Requests => f.write_str("has taken its max-requests"),
            Self::Lifetime => f.write_str("has lived for its max-worker-lifetime"),
            Self::Memory(bytes) => write!(f, "holds {} MiB of memory (reload-on-rss)", bytes >> 20),
            Self::MuchMemory(bytes) => write!(f, "holds {} MiB of memory (evil-reload-on-rss)", bytes >> 20),
        }
    }
}

/// A place that is to be filled, by one member at a time and by its successor while that starts.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    /// The line of who serves, or starts with nobody to serve meanwhile.
    pub current: Option<u32>,
    /// The line of who starts to take over.
    pub next: Option<u32>,
    /// Not before then is anybody started for this place.
    pub due: Millis,
    pub young_deaths: u32,
    pub failed_forks: u32,
}

impl Place {
    pub fn new(now: Millis) -> Self {
        Self { due: now, ..Self::default() }
    }

    /// Whoever was on `line` is here no more.
    pub fn leave(&mut self, line: u32) {
        self.current.take_if(|current| *current == line);
        self.next.take_if(|next| *next == line);
    }

    /// Puts off the next start after a young death; gives the delay in milliseconds.
    pub fn throttle(&mut self, now: Millis) -> u64 {
        let delay = doubled(FIRST_DELAY_MS, self.young_deaths, LAST_DELAY_MS);
        self.young_deaths += 1;
        self.due = now.after(delay);
        delay
    }

    /// Puts off the next start after a fork that failed.
    pub fn wait_to_fork(&mut self, now: Millis) -> u64 {
        let delay = doubled(FIRST_FORK_DELAY_MS, self.failed_forks, LAST_FORK_DELAY_MS);
        self.failed_forks += 1;
        self.due = now.after(delay);
        delay
    }
}

fn doubled(first: u64, times: u32, last: u64) -> u64 {
    (first << times.min(10)).min(last)
}
