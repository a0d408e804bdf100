//! The scoreboard: one line per worker on which it writes what it does, and which everyone may read.
//!
//! A line is written by its own worker, and by the master between two lives of it; so there is nothing to lock. What a worker
//! number has done in the lives that are over is beside the lines: its *past*, which the master alone writes.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use goherd_sys::clock::Millis;
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
    number: AtomicU32,
    generation: AtomicU32,
    phase: AtomicU8,
    born: AtomicU64,
    requests: AtomicU64,
    ended: AtomicU64,
    panics: AtomicU64,
    late: AtomicU64,
    sent: AtomicU64,
    handling: AtomicU64,
    signals_sent: AtomicU64,
    signals_taken: AtomicU64,
    said: AtomicU64,
    heard: AtomicU64,
}

/// What a worker has done, beside taking requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deeds {
    /// Requests taken.
    pub requests: u64,
    /// Handlers that have panicked.
    pub panics: u64,
    /// Handlers that have taken too long (harakiri).
    pub late: u64,
    /// Bytes sent.
    pub sent: u64,
    /// For how many milliseconds handlers that are over were at work, taken together.
    pub handling: u64,
}

impl Slot {
    /// Begins a life: the process `pid` starts, with all counters at 0. It is born with this `number`, of this `generation`.
    pub fn begin(&self, pid: u32, number: u32, generation: u32, now: Millis) {
        let counters = [&self.requests, &self.ended, &self.panics, &self.late, &self.sent, &self.handling];
        let of_signals = [&self.signals_sent, &self.signals_taken, &self.said, &self.heard];
        for counter in counters.into_iter().chain(of_signals) {
            counter.store(0, Ordering::Relaxed);
        }
        self.number.store(number, Ordering::Relaxed);
        self.set_generation(generation);
        self.born.store(now.0, Ordering::Relaxed);
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

    /// The worker number that the process was born with; 0: it is none.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number.load(Ordering::Relaxed)
    }

    /// The generation of the process, 0 if that was another program's.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Notes the generation.
    pub fn set_generation(&self, generation: u32) {
        self.generation.store(generation, Ordering::Relaxed);
    }

    /// When the process was born.
    #[must_use]
    pub fn born(&self) -> Millis {
        Millis(self.born.load(Ordering::Relaxed))
    }

    /// Counts one request taken; gives how many that makes in this life.
    pub fn count_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Counts one request whose handler is over.
    pub fn count_end(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one handler that has panicked.
    pub fn count_panic(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes what the reactor counts: handlers that have taken too long, bytes sent, and the time of handlers.
    pub fn note(&self, late: u64, sent: u64, handling: u64) {
        self.late.store(late, Ordering::Relaxed);
        self.sent.store(sent, Ordering::Relaxed);
        self.handling.store(handling, Ordering::Relaxed);
    }

    /// What it has done in this life.
    #[must_use]
    pub fn deeds(&self) -> Deeds {
        Deeds {
            requests: self.requests(),
            panics: self.panics.load(Ordering::Relaxed),
            late: self.late.load(Ordering::Relaxed),
            sent: self.sent.load(Ordering::Relaxed),
            handling: self.handling.load(Ordering::Relaxed),
        }
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

    /// How many signals the master has sent to this process.
    #[must_use]
    pub fn signals_sent(&self) -> u64 {
        self.signals_sent.load(Ordering::Relaxed)
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

/// What the processes that had a worker number have done, and are no more.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Past {
    lives: AtomicU64,
    requests: AtomicU64,
    panics: AtomicU64,
    late: AtomicU64,
    sent: AtomicU64,
    handling: AtomicU64,
}

impl Past {
    /// A process was started under this number.
    pub fn begin(&self) {
        self.lives.fetch_add(1, Ordering::Relaxed);
    }

    /// One has ended, having done this.
    pub fn end(&self, deeds: Deeds) {
        let Deeds { requests, panics, late, sent, handling } = deeds;
        self.requests.fetch_add(requests, Ordering::Relaxed);
        self.panics.fetch_add(panics, Ordering::Relaxed);
        self.late.fetch_add(late, Ordering::Relaxed);
        self.sent.fetch_add(sent, Ordering::Relaxed);
        self.handling.fetch_add(handling, Ordering::Relaxed);
    }

    /// How many processes were started under this number.
    #[must_use]
    pub fn lives(&self) -> u64 {
        self.lives.load(Ordering::Relaxed)
    }

    /// What those have done that have ended.
    #[must_use]
    pub fn deeds(&self) -> Deeds {
        Deeds {
            requests: self.requests.load(Ordering::Relaxed),
            panics: self.panics.load(Ordering::Relaxed),
            late: self.late.load(Ordering::Relaxed),
            sent: self.sent.load(Ordering::Relaxed),
            handling: self.handling.load(Ordering::Relaxed),
        }
    }
}

impl std::ops::Add for Deeds {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            panics: self.panics + other.panics,
            late: self.late + other.late,
            sent: self.sent + other.sent,
            handling: self.handling + other.handling,
        }
    }
}

/// The lines of all workers, and the past of their numbers.
#[derive(Debug)]
pub struct Scoreboard {
    memory: Shared,
}

/// The lines of a board: enough for the most workers, each with three that it has replaced and that finish. Pages that
/// nobody writes to take no memory.
pub const LINES: usize = 4096;

/// How many worker numbers have a past.
pub const NUMBERS: usize = 1024;

/// The length of a board in bytes.
const LENGTH: usize = LINES * size_of::<Slot>() + NUMBERS * size_of::<Past>() + size_of::<AtomicU64>();

impl Scoreboard {
    /// A board of vacant lines, shared with every process forked from now on.
    pub fn new() -> io::Result<Self> {
        Ok(Self { memory: Shared::new("goherd-scoreboard", LENGTH)? })
    }

    /// The board that the program before this one has made.
    pub fn adopt(fd: OwnedFd) -> io::Result<Self> {
        let memory = Shared::adopt(fd)?;
        if memory.len() != LENGTH {
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

    /// Begins a life on the line `line`, as [`Slot::begin`] has it.
    pub fn begin(&self, line: u32, pid: u32, number: u32, generation: u32, now: Millis) {
        self.last_line().fetch_max(line.into(), Ordering::Relaxed);
        self.slot(line).begin(pid, number, generation, now);
        self.past(number).into_iter().for_each(Past::begin);
    }

    /// Ends the life on the line `line`.
    pub fn end(&self, line: u32) {
        let slot = self.slot(line);
        self.past(slot.number()).into_iter().for_each(|past| past.end(slot.deeds()));
        slot.end();
    }

    /// The lines that have been written to, by number less one: to look at others would take memory for them.
    #[must_use]
    pub fn used(&self) -> &[Slot] {
        let last = usize::try_from(self.last_line().load(Ordering::Relaxed)).unwrap_or(LINES);
        &self.slots()[..last.min(LINES)]
    }

    /// The last line on which a life was begun.
    fn last_line(&self) -> &AtomicU64 {
        // SAFETY: the mapping has [`LENGTH`] bytes.
        let last = unsafe { self.memory.address().byte_add(LENGTH - size_of::<AtomicU64>()) };
        // SAFETY: it is aligned, as all before it has a length of a multiple of 64, and lives as long as `self`; every bit
        // pattern is a value of an atomic integer.
        unsafe { last.cast::<AtomicU64>().as_ref() }
    }

    /// The past of the worker number `number`, from 1 to [`NUMBERS`].
    #[must_use]
    pub fn past(&self, number: u32) -> Option<&Past> {
        let index = (number as usize).checked_sub(1).filter(|index| *index < NUMBERS)?;
        // SAFETY: the mapping is longer than the lines.
        let behind_lines = unsafe { self.memory.address().byte_add(LINES * size_of::<Slot>()) };
        // SAFETY: behind the lines, whose length is a multiple of 128, there are [`NUMBERS`] pasts.
        let past = unsafe { behind_lines.cast::<Past>().add(index) };
        // SAFETY: the mapping lives as long as `self`, and every bit pattern is a value of the atomics that a Past is made of.
        Some(unsafe { past.as_ref() })
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
        board.begin(2, 42, 7, 3, Millis(5));
        assert_eq!((slot.number(), slot.generation(), slot.born()), (7, 3, Millis(5)));
        assert_eq!((slot.count_request(), slot.count_request()), (1, 2));
        slot.count_end();
        slot.set_phase(Phase::Ready);
        assert_eq!((slot.phase(), slot.pid(), slot.requests(), slot.busy()), (Phase::Ready, 42, 2, 1));
        board.end(2);
        assert_eq!((slot.phase(), slot.pid()), (Phase::Vacant, 0));
        slot.begin(43, 7, 3, Millis(5));
        assert_eq!((slot.requests(), slot.busy()), (0, 0));
    }

    #[test]
    fn a_number_has_a_past() {
        let board = Scoreboard::new().unwrap();
        assert!(board.past(0).is_none() && board.past(1025).is_none());
        assert!(board.used().is_empty());
        let (slot, past) = (board.slot(3), board.past(1024).unwrap());
        board.begin(3, 42, 1024, 1, Millis(0));
        assert_eq!(board.used().len(), 3);
        slot.count_request();
        slot.count_panic();
        slot.note(2, 300, 40);
        let deeds = Deeds { requests: 1, panics: 1, late: 2, sent: 300, handling: 40 };
        assert_eq!((slot.deeds(), past.deeds(), past.lives()), (deeds, Deeds::default(), 1));
        board.end(3);
        board.begin(1, 43, 1024, 1, Millis(0));
        assert_eq!((board.slot(1).deeds(), past.deeds()), (Deeds::default(), deeds));
        assert_eq!((board.used().len(), past.lives()), (3, 2));
        assert_eq!((deeds + deeds).sent, 600);
    }

    #[test]
    fn a_line_tells_how_much_waits_in_either_direction() {
        let board = Scoreboard::new().unwrap();
        let slot = board.slot(1);
        slot.begin(42, 1, 1, Millis(0));
        slot.count_signal_sent();
        slot.count_signal_sent();
        slot.count_signal_taken();
        assert_eq!(slot.signals_waiting(), 1);
        assert_eq!([slot.count_said(2), slot.count_said(2), slot.count_said(2)], [true, true, false]);
        slot.count_heard();
        assert_eq!([slot.count_said(2), slot.count_said(2)], [true, false]);
        slot.begin(43, 1, 1, Millis(0));
        assert_eq!((slot.signals_waiting(), slot.count_said(1)), (0, true));
    }

    #[test]
    fn an_unknown_phase_reads_as_vacant() {
        assert_eq!(Phase::from_byte(200), Phase::Vacant);
    }

    #[test]
    fn lines_do_not_share_cache_lines() {
        assert_eq!((size_of::<Slot>(), size_of::<Past>()), (128, 64));
    }
}
