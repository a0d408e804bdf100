//! The scoreboard: one line per worker on which it writes what it does, and which everyone may read.
//!
//! A line is written by its own worker, and by the master between two lives of it; so there is nothing to lock.

use std::io;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use goherd_sys::memory::Shared;

/// What a worker is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// No process has this line.
    Vacant = 0,
    /// Forked, loading the application, not yet in `uwsgi.Run()`.
    Starting = 1,
    /// Serving.
    Ready = 2,
    /// Finishing what it has; it takes nothing new.
    Draining = 3,
}

impl Phase {
    fn from_byte(byte: u8) -> Self {
        match byte {
            1 => Self::Starting,
            2 => Self::Ready,
            3 => Self::Draining,
            _ => Self::Vacant,
        }
    }
}

/// One worker's line: a cache line pair of its own, so that no worker slows its neighbour.
#[derive(Debug)]
#[repr(C, align(128))]
pub struct Slot {
    pid: AtomicU32,
    phase: AtomicU8,
    requests: AtomicU64,
}

impl Slot {
    /// Begins a life: the process `pid` starts, with all counters at 0.
    pub fn begin(&self, pid: u32) {
        self.requests.store(0, Ordering::Relaxed);
        self.pid.store(pid, Ordering::Relaxed);
        self.set_phase(Phase::Starting);
    }

    /// Ends a life, whoever notices it.
    pub fn end(&self) {
        self.set_phase(Phase::Vacant);
        self.pid.store(0, Ordering::Relaxed);
    }

    /// Says what the worker is about from now on.
    pub fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// What the worker is about.
    #[must_use]
    pub fn phase(&self) -> Phase {
        Phase::from_byte(self.phase.load(Ordering::Acquire))
    }

    /// The process number, 0 while vacant.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.load(Ordering::Relaxed)
    }

    /// Counts one request taken.
    pub fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// The requests that this life of the worker has taken.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

/// The lines of all workers.
#[derive(Debug)]
pub struct Scoreboard {
    memory: Shared,
    count: usize,
}

impl Scoreboard {
    /// A board of `count` vacant lines, shared with every process forked from now on.
    pub fn new(count: usize) -> io::Result<Self> {
        let memory = Shared::new("goherd-scoreboard", count.max(1) * size_of::<Slot>())?;
        Ok(Self { memory, count })
    }

    /// All lines, by worker number less one.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        let first = self.memory.address().cast::<Slot>();
        // SAFETY: the mapping is page-aligned (so aligned to 128), at least `count` slots long, lives as long as
        // `self`, and every bit pattern is a value of the atomics that a Slot is made of.
        unsafe { std::slice::from_raw_parts(first.as_ptr(), self.count) }
    }

    /// The line of the worker `number`, counted from 1.
    ///
    /// # Panics
    ///
    /// If the board has no such line: the numbers come from the same setting as its length.
    #[must_use]
    pub fn slot(&self, number: u32) -> &Slot {
        let index = (number as usize).checked_sub(1).expect("workers are counted from 1");
        &self.slots()[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_a_worker_s_life() {
        let board = Scoreboard::new(3).unwrap();
        assert_eq!(board.slots().len(), 3);
        let slot = board.slot(2);
        assert_eq!((slot.phase(), slot.pid(), slot.requests()), (Phase::Vacant, 0, 0));
        slot.begin(42);
        slot.count_request();
        slot.set_phase(Phase::Ready);
        assert_eq!((slot.phase(), slot.pid(), slot.requests()), (Phase::Ready, 42, 1));
        slot.end();
        assert_eq!((slot.phase(), slot.pid()), (Phase::Vacant, 0));
    }

    #[test]
    fn an_unknown_phase_reads_as_vacant() {
        assert_eq!(Phase::from_byte(200), Phase::Vacant);
    }

    #[test]
    fn lines_do_not_share_cache_lines() {
        assert_eq!(size_of::<Slot>(), 128);
    }
}
