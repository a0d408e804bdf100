//! Time limits: one timer for all connections, armed for the earliest of their deadlines.
//!
//! A deadline that moves further away costs nothing: the timer comes too early then, every connection is looked at, and
//! it is set anew. Deadlines are rounded up to [`GRAIN`], so that it comes a few times a second at most.
//!
//! Leaders see to it. If none does, because no goroutine gets to run, the worker's watch does ([`Timers::waits_for`]).

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use goherd_sys::clock::Millis;
use goherd_sys::timerfd::TimerFd;

use crate::table::locked;

/// How exactly deadlines are kept, in milliseconds: a power of two.
const GRAIN: u64 = 128;
/// For how long the timer is left to a leader, in milliseconds.
const LEADERS_TIME: u64 = 50;
/// The timer is not set.
const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub(crate) struct Timers {
    pub fd: TimerFd,
    /// When the timer comes.
    armed: AtomicU64,
    setting: Mutex<()>,
}

impl Timers {
    pub fn new() -> io::Result<Self> {
        Ok(Self { fd: TimerFd::new()?, armed: AtomicU64::new(NEVER), setting: Mutex::default() })
    }

    /// Sees to it that the timer comes by `due`, give or take a grain.
    pub fn by(&self, due: Millis) {
        let due = (due.0 | (GRAIN - 1)) + 1;
        if due >= self.armed.load(Ordering::Acquire) {
            return;
        }
        let _one_at_a_time = locked(&self.setting);
        if due < self.armed.load(Ordering::Acquire) {
            self.armed.store(due, Ordering::Release);
            self.fd.set(Millis(due));
        }
    }

    /// In how many milliseconds somebody other than a leader is to see to the timer; `None`: it has not come.
    pub fn waits_for(&self, now: Millis) -> Option<u64> {
        let armed = self.armed.load(Ordering::Acquire);
        (armed <= now.0).then(|| (armed + LEADERS_TIME).saturating_sub(now.0))
    }

    /// The timer has come: from now on deadlines set it anew.
    pub fn came(&self) {
        let _one_at_a_time = locked(&self.setting);
        self.fd.clear();
        self.armed.store(NEVER, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_earlier_deadline_sets_the_timer() {
        let timers = Timers::new().unwrap();
        for (due, armed) in [(1000, 1024), (2000, 1024), (1024, 1024), (255, 256), (256, 256), (127, 128)] {
            timers.by(Millis(due));
            assert_eq!(timers.armed.load(Ordering::Relaxed), armed, "{due}");
        }
        timers.came();
        timers.by(Millis(5000));
        assert_eq!(timers.armed.load(Ordering::Relaxed), 5120);
    }

    #[test]
    fn the_watch_leaves_the_timer_to_a_leader_for_a_while() {
        let timers = Timers::new().unwrap();
        assert_eq!(timers.waits_for(Millis(9999)), None);
        timers.by(Millis(1000));
        let waits = [1023, 1024, 1073, 1074, 2000].map(|now| timers.waits_for(Millis(now)));
        assert_eq!(waits, [None, Some(50), Some(1), Some(0), Some(0)]);
        timers.came();
        assert_eq!(timers.waits_for(Millis(2000)), None);
    }
}
