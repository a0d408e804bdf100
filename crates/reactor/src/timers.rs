//! Time limits: one timer for all connections, armed for the earliest of their deadlines.
//!
//! A deadline that moves further away costs nothing: the timer comes too early then, every connection is looked at, and
//! it is set anew. Deadlines are rounded up to [`GRAIN`], so that it comes a few times a second at most.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use goherd_sys::clock::Millis;
use goherd_sys::timerfd::TimerFd;

use crate::table::locked;

/// How exactly deadlines are kept, in milliseconds: a power of two.
const GRAIN: u64 = 256;
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
        for (due, armed) in [(1000, 1024), (2000, 1024), (1024, 1024), (255, 256), (256, 256)] {
            timers.by(Millis(due));
            assert_eq!(timers.armed.load(Ordering::Relaxed), armed, "{due}");
        }
        timers.came();
        timers.by(Millis(5000));
        assert_eq!(timers.armed.load(Ordering::Relaxed), 5120);
    }
}
