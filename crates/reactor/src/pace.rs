//! Watching over a leader that went off to handle a request without waking another to lead.
//!
//! While requests follow each other closely and handling one is brief, waking a follower for each costs more than it
//! saves, so the application does not ([`Mode::LeadBusy`](crate::Mode)). Should a handler then block after all, nobody
//! polls. A thread of the worker looks every [`TICK_MICROS`] whether somebody has, and if not rings the *alarm*, an
//! eventfd on which the application keeps a goroutine parked. The thread sleeps while there is nothing to watch.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use goherd_sys::eventfd::EventFd;

/// How often the watch looks, in microseconds. A stall is noticed within three looks. A shorter tick costs more than it
/// gives: on a machine whose processors are all busy, a thread that wakes drives another from its own.
pub const TICK_MICROS: u32 = 2000;

#[derive(Debug)]
pub(crate) struct Pace {
    /// Counts the times that somebody came to poll.
    turns: AtomicU64,
    /// The last who polled went off with a request; nobody has polled since.
    alone: AtomicBool,
    /// The watch is at work.
    watched: AtomicBool,
    /// Calls the watch to work.
    pub call: EventFd,
    /// Wakes the application.
    pub alarm: EventFd,
    /// `turns` at the watch's last look, and how many looks ago it changed: the watch's own.
    seen: AtomicU64,
    still: AtomicU32,
}

impl Pace {
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {
            turns: AtomicU64::new(0),
            alone: AtomicBool::new(false),
            watched: AtomicBool::new(false),
            call: EventFd::new()?,
            alarm: EventFd::new()?,
            seen: AtomicU64::new(0),
            still: AtomicU32::new(0),
        })
    }

    /// Somebody polls.
    pub fn turn(&self) {
        self.turns.fetch_add(1, Ordering::Relaxed);
        self.alone.store(false, Ordering::SeqCst);
    }

    /// How often somebody has come to poll.
    pub fn turns(&self) -> u64 {
        self.turns.load(Ordering::Relaxed)
    }

    /// Who polled goes off with a request, and may have woken nobody: from now on somebody watches.
    pub fn goes_off(&self) {
        self.alone.store(true, Ordering::SeqCst);
        if !self.watched.load(Ordering::SeqCst) && !self.watched.swap(true, Ordering::SeqCst) {
            self.call.signal();
        }
    }

    /// One look of the watch; `true`: it is to look again after a tick, else when it is called.
    pub fn look(&self) -> bool {
        self.call.clear();
        if !self.watched.load(Ordering::SeqCst) {
            return false;
        }
        let turns = self.turns();
        if self.seen.swap(turns, Ordering::Relaxed) != turns {
            self.still.store(0, Ordering::Relaxed);
            return true;
        }
        if !self.alone.load(Ordering::SeqCst) {
            // The leader is parked, so there is nothing to watch. Who goes off at this very moment either finds the watch
            // asleep and calls it, or is found here.
            self.watched.store(false, Ordering::SeqCst);
            return self.alone.load(Ordering::SeqCst) && !self.watched.swap(true, Ordering::SeqCst);
        }
        if self.still.fetch_add(1, Ordering::Relaxed) > 0 {
            self.alarm.signal();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watch_sleeps_until_somebody_goes_off() {
        let pace = Pace::new().unwrap();
        assert!(!pace.look());
        pace.turn();
        assert!(!pace.call.clear());
        pace.goes_off();
        assert!(pace.call.clear());
        assert!(pace.look());
        pace.turn();
        assert!(pace.look(), "somebody polled since");
        assert!(!pace.look(), "the leader is parked");
        pace.turn();
        pace.goes_off();
        assert!(pace.call.clear(), "the watch was asleep");
    }

    #[test]
    fn who_stays_away_for_two_looks_sets_off_the_alarm() {
        let pace = Pace::new().unwrap();
        pace.turn();
        pace.goes_off();
        assert!(pace.look());
        assert!(pace.look());
        assert!(!pace.alarm.clear());
        assert!(pace.look());
        assert!(pace.alarm.clear());
        pace.turn();
        pace.goes_off();
        assert!(pace.look());
        assert!(!pace.alarm.clear());
    }
}
