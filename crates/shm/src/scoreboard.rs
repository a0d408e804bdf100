//! The scoreboard: one line per worker on which it writes what it does, and which everyone may read.
//!
//! A line is written by its own worker, and by the master between two lives of it; so there is nothing to lock.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
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
    ended: AtomicU64,
    signals_sent: AtomicU64,
    signals_taken: AtomicU64,
    said: AtomicU64,
    heard: AtomicU64,
}

impl Slot {
    /// Begins a life: the process `pid` starts, with all counters at 0.
    pub fn begin(&self, pid: u32) {
        for counter in
            [&self.requests, &self.ended, &self.signals_sent, &self.signals_taken, &self.said, &self.heard]
        {
            counter.store(0, Ordering::Relaxed);
        }
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

    /// Counts one request taken; gives how many that makes in this life.
    pub fn count_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Counts one request whose handler is over.
    pub fn count_end(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    /// How many requests have been taken and their handlers are not over.
    #[must_use]
    pub fn busy(&self) -> u64 {
        let ended = self.ended.load(Ordering::Relaxed);
        self.requests().saturating_sub(ended)
    }

    /// The requests that this life of the worker has taken.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

/// How the two ends of a control socket know how full it is, without telling each other.
impl Slot {
    /// Counts a signal that the master has sent to this process.
    pub fn count_signal_sent(&self) {
        self.signals_sent.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a signal whose handler begins, or that has none.
    pub fn count_signal_taken(&self) {
        self.signals_taken.fetch_add(1, Ordering::Relaxed);
    }

    /// How many signals wait for their handlers.
    #[must_use]
    pub fn signals_waiting(&self) -> u64 {
        let taken = self.signals_taken.load(Ordering::Relaxed);
        self.signals_sent.load(Ordering::Relaxed).saturating_sub(taken)
    }

    /// Counts something that this process is about to tell the master of signals, unless there are `most` such things that the
    /// master has not heard yet.
    pub fn count_said(&self, most: u64) -> bool {
        let heard = self.heard.load(Ordering::Relaxed);
        let has_room = |said: u64| (said.saturating_sub(heard) < most).then_some(said + 1);
        self.said.fetch_update(Ordering::Relaxed, Ordering::Relaxed, has_room).is_ok()
    }

    /// Counts that the master has heard it, or never will.
    pub fn count_heard(&self) {
        self.heard.fetch_add(1, Ordering::Relaxed);
    }
}

/// The lines of all workers.
#[derive(Debug)]
pub struct Scoreboard {
    memory: Shared,
}

/// The lines of a board: enough for the most workers, each with three that it has replaced and that finish. Pages that
/// nobody writes to take no memory.
pub const LINES: usize = 4096;

impl Scoreboard {
    /// A board of vacant lines, shared with every process forked from now on.
    pub fn new() -> io::Result<Self> {
        Ok(Self { memory: Shared::new("goherd-scoreboard", LINES * size_of::<Slot>())? })
    }

    /// The board that the program before this one has made.
    pub fn adopt(fd: OwnedFd) -> io::Result<Self> {
        let memory = Shared::adopt(fd)?;
        if memory.len() != LINES * size_of::<Slot>() {
            let sentence = format!("the scoreboard has {} bytes", memory.len());
            return Err(io::Error::new(io::ErrorKind::InvalidData, sentence));
        }
        Ok(Self { memory })
    }

    /// All lines, by number less one.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        let first = self.memory.address().cast::<Slot>();
        // SAFETY: the mapping is page-aligned (so aligned to 128), [`LINES`] slots long, lives as long as
        // `self`, and every bit pattern is a value of the atomics that a Slot is made of.
        unsafe { std::slice::from_raw_parts(first.as_ptr(), LINES) }
    }

    /// The line `number`, counted from 1.
    ///
    /// # Panics
    ///
    /// If the board has no such line: the master gives the numbers out, and stays within [`LINES`].
    #[must_use]
    pub fn slot(&self, number: u32) -> &Slot {
        let index = (number as usize).checked_sub(1).expect("lines are counted from 1");
        &self.slots()[index]
    }
}

impl AsFd for Scoreboard {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.memory.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_a_worker_s_life() {
        let board = Scoreboard::new().unwrap();
        assert_eq!(board.slots().len(), LINES);
        let slot = board.slot(2);
        assert_eq!((slot.phase(), slot.pid(), slot.requests()), (Phase::Vacant, 0, 0));
        slot.begin(42);
        assert_eq!((slot.count_request(), slot.count_request()), (1, 2));
        slot.count_end();
        slot.set_phase(Phase::Ready);
        assert_eq!((slot.phase(), slot.pid(), slot.requests(), slot.busy()), (Phase::Ready, 42, 2, 1));
        slot.end();
        assert_eq!((slot.phase(), slot.pid()), (Phase::Vacant, 0));
        slot.begin(43);
        assert_eq!((slot.requests(), slot.busy()), (0, 0));
    }

    #[test]
    fn a_line_tells_how_much_waits_in_either_direction() {
        let board = Scoreboard::new().unwrap();
        let slot = board.slot(1);
        slot.begin(42);
        slot.count_signal_sent();
        slot.count_signal_sent();
        slot.count_signal_taken();
        assert_eq!(slot.signals_waiting(), 1);
        assert_eq!([slot.count_said(2), slot.count_said(2), slot.count_said(2)], [true, true, false]);
        slot.count_heard();
        assert_eq!([slot.count_said(2), slot.count_said(2)], [true, false]);
        slot.begin(43);
        assert_eq!((slot.signals_waiting(), slot.count_said(1)), (0, true));
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
