//! How the family is to live: what a configuration says of it. Times are in milliseconds; 0 is "never" or "no limit".

use goherd_shm::{Role, Who};
use goherd_sys::clock::Millis;

/// The most workers that a family can have.
pub const MAX_WORKERS: u32 = 1024;

/// The plan of one generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many workers to keep alive, 1..=[`MAX_WORKERS`].
    pub workers: u32,
    /// Who else is to be kept alive: mules and spoolers, no two of a name. They are not counted where workers are.
    pub crew: Vec<Who>,
    /// How long a worker may take to become ready.
    pub start_timeout: u64,
    /// How long a worker that is to go may finish what is under way.
    pub mercy: u64,
    /// How long one of the crew may.
    pub crew_mercy: u64,
    /// How long the server goes on accepting after it was told to end.
    pub shutdown_delay: u64,
    /// How old a worker gets at least, whatever it has reached.
    pub min_lifetime: u64,
    /// After how long a worker is replaced.
    pub max_lifetime: u64,
    /// How much longer each worker lives, times its number.
    pub max_lifetime_delta: u64,
    /// How many bytes of memory a worker may hold before it is replaced.
    pub reload_on_rss: u64,
    /// The same, before all others whose turn it is, and however young it is.
    pub evil_reload_on_rss: u64,
    /// Fewer workers while there is little to do.
    pub cheaper: Option<Cheaper>,
    /// After how long without a request there are to be no workers at all.
    pub idle: u64,
    /// Then the server ends.
    pub die_on_idle: bool,
    /// The server is to end as soon as a worker is ready, or cannot be: it is tried out, and serves nobody.
    pub trial: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            workers: 1,
            crew: Vec::new(),
            start_timeout: 30_000,
            mercy: 60_000,
            crew_mercy: 60_000,
            shutdown_delay: 0,
            min_lifetime: 10_000,
            max_lifetime: 0,
            max_lifetime_delta: 0,
            reload_on_rss: 0,
            evil_reload_on_rss: 0,
            cheaper: None,
            idle: 0,
            die_on_idle: false,
            trial: false,
        }
    }
}

/// Workers that follow the load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cheaper {
    /// The least workers.
    pub least: u32,
    /// How many there are at first.
    pub initial: u32,
    /// How many are added at a time.
    pub step: u32,
    /// For how long the load must be high, or low, before something is done about it.
    pub overload: u64,
    /// What high and low mean.
    pub algorithm: Algorithm,
    /// How many requests a worker handles at a time.
    pub cores: u32,
}

/// How the load is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// High: every core of every worker is busy. Low: two workers have nothing to do.
    Spare,
    /// By how much of their time workers are busy, in percent.
    Busyness {
        /// More than this is high.
        max: u32,
        /// Less than this is low.
        min: u32,
    },
}

impl Plan {
    /// Whether anything here depends on what workers use and do.
    pub(super) fn needs_samples(&self) -> bool {
        self.reload_on_rss > 0 || self.evil_reload_on_rss > 0 || self.cheaper.is_some() || self.idle > 0
    }

    /// How many of `workers` there are before anything is known of the load.
    pub(super) fn at_first(&self, workers: u32) -> u32 {
        self.cheaper.as_ref().map_or(workers, |cheaper| cheaper.initial)
    }

    /// How many workers there are at least, unless nobody is wanted at all.
    pub(super) fn least(&self) -> u32 {
        self.cheaper.as_ref().map_or(1, |cheaper| cheaper.least)
    }

    /// How long a member of this role may finish what is under way.
    pub(super) fn mercy_for(&self, role: Role) -> u64 {
        if role == Role::Worker { self.mercy } else { self.crew_mercy }
    }

    /// When a worker that was born then has lived long enough.
    pub(super) fn end_of_life(&self, who: Who, born: Millis) -> Option<Millis> {
        let delta = self.max_lifetime_delta.saturating_mul(u64::from(who.number));
        (self.max_lifetime > 0 && !who.is_crew()).then(|| born.after(self.max_lifetime.saturating_add(delta)))
    }
}
