//! Who may hold a lock: every process takes a seat when it begins, and the locks it holds name its *life* there.
//!
//! A process number alone would not do, as the kernel gives it to another process later. A life is the number of a seat and
//! how often that seat has been taken: it is never a later process's. For as long as the seat is not given to
//! another, the table tells the process number and the time at which the process began, by which anybody can find out
//! whether it lives still, without the master.
//!
//! A seat is a process's, not a thread's: a goroutine may take a lock on one thread and give it back on another, and threads
//! come and go under it. (For the same reason the kernel's robust futexes, whose owners are threads, are of no use here.)

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use goherd_sys::Pid;
use goherd_sys::trace::{self, Trace};

use crate::atomic::{AtomicU64, Ordering};
use crate::region::{AdoptError, Kind, PARAMETER_COUNT, Region};

const KIND: Kind = Kind { name: "the table of seats", number: 1, version: 1 };

/// The most seats that a table has.
pub const MOST_SEATS: usize = 1 << SEAT_BITS;
const SEAT_BITS: u32 = 12;
/// A life has 31 bits, so that a lock's word has one more for itself.
const LIFE_BITS: u32 = 31;
const TERMS: u32 = 1 << (LIFE_BITS - SEAT_BITS);

/// Words of a seat: who has it (process number in the high half, 0 if nobody; in the low half the number of the term), and
/// when that process began (0 if it has not said so yet).
const SEAT_WORDS: usize = 2;

/// The time of one process on one seat. Never 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Life(u32);

impl Life {
    fn new(seat: usize, term: u32) -> Self {
        let seat = u32::try_from(seat).expect("there are at most MOST_SEATS");
        Self(term << SEAT_BITS | seat)
    }

    /// The life that a lock's word names; `None` for a number that is none.
    pub(crate) fn from_number(number: u64) -> Option<Self> {
        let number = u32::try_from(number).ok()?;
        (number >> LIFE_BITS == 0 && number >> SEAT_BITS != 0).then_some(Self(number))
    }

    pub(crate) fn number(self) -> u64 {
        u64::from(self.0)
    }

    fn seat(self) -> usize {
        self.0 as usize % MOST_SEATS
    }

    fn term(self) -> u32 {
        self.0 >> SEAT_BITS
    }
}

impl fmt::Debug for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "life {} on seat {}", self.term(), self.seat())
    }
}

/// The table of all seats.
#[derive(Debug)]
pub struct Seats {
    region: Region,
}

#[cfg(not(loom))]
impl Seats {
    /// A table of `count` empty seats (1 to [`MOST_SEATS`]), shared with every process forked from now on.
    pub fn new(count: usize) -> io::Result<Self> {
        let words = count.clamp(1, MOST_SEATS) * SEAT_WORDS;
        Ok(Self { region: Region::new(KIND, "goherd-seats", [0; PARAMETER_COUNT], words)? })
    }

    /// Takes over the table of the master that this one replaces.
    pub fn adopt(fd: OwnedFd) -> Result<Self, AdoptError> {
        let region = Region::adopt(KIND, fd)?;
        let words = region.words().len();
        let whole = words.is_multiple_of(SEAT_WORDS) && (1..=MOST_SEATS).contains(&(words / SEAT_WORDS));
        region.expect_words(KIND, whole.then_some(words))?;
        Ok(Self { region })
    }
}

impl Seats {
    /// A table in memory of this process alone.
    #[cfg(any(test, loom))]
    pub(crate) fn owned(count: usize) -> Self {
        Self { region: Region::owned(KIND, [0; PARAMETER_COUNT], count * SEAT_WORDS) }
    }

    /// Gives this process a seat. Each process needs one of its own: call it after the fork, not before. When all are taken,
    /// those of processes that live no more are given away again.
    pub fn sit(self: &Arc<Self>) -> Result<Seat, NoSeat> {
        let me = Pid::me();
        let began = match trace::of(me) {
            Trace::Alive { began } => began,
            Trace::Gone | Trace::Hidden => 0,
        };
        self.sit_as(me, began)
    }

    pub(crate) fn sit_as(self: &Arc<Self>, pid: Pid, began: u64) -> Result<Seat, NoSeat> {
        for bury_first in [false, true] {
            for (index, (claim, start)) in self.rows().enumerate() {
                let mut seen = Claim::of(claim);
                if bury_first && seen.pid.is_some() && !self.alive(seen.life(index)) {
                    Self::vacate(claim, start, seen);
                    seen = Claim::of(claim);
                }
                let next = Claim { pid: Some(pid), term: seen.next_term() };
                if seen.pid.is_none() && seen.replace(claim, next) {
                    start.store(began, Ordering::Release);
                    return Ok(Seat { seats: Arc::clone(self), life: next.life(index) });
                }
            }
        }
        Err(NoSeat { count: self.rows().count() })
    }

    /// Notes that the process `pid` has ended, as whoever reaped it knows. Gives the lives it had, mostly one, whose locks are
    /// to be released.
    pub fn bury(&self, pid: Pid) -> Vec<Life> {
        let mut lives = Vec::new();
        for (index, (claim, start)) in self.rows().enumerate() {
            let seen = Claim::of(claim);
            if seen.pid == Some(pid) && Self::vacate(claim, start, seen) {
                lives.push(seen.life(index));
            }
        }
        lives
    }

    fn vacate(claim: &AtomicU64, start: &AtomicU64, seen: Claim) -> bool {
        start.store(0, Ordering::Relaxed);
        seen.replace(claim, Claim { pid: None, ..seen })
    }

    /// Whether this life goes on. In doubt it does: whoever reaps the process knows better.
    pub(crate) fn alive(&self, life: Life) -> bool {
        let Some((claim, start)) = self.rows().nth(life.seat()) else { return false };
        let seen = Claim::of(claim);
        let Some(pid) = seen.pid.filter(|_| seen.term == life.term()) else { return false };
        match (trace::of(pid), start.load(Ordering::Acquire)) {
            (Trace::Gone, _) => false,
            (Trace::Hidden, _) | (Trace::Alive { .. }, 0) => true,
            (Trace::Alive { began }, noted) => began == noted,
        }
    }

    /// The process that leads this life, as the table has it.
    #[must_use]
    pub fn process(&self, life: Life) -> Option<Pid> {
        let (claim, _) = self.rows().nth(life.seat())?;
        let seen = Claim::of(claim);
        seen.pid.filter(|_| seen.term == life.term())
    }

    fn rows(&self) -> impl Iterator<Item = (&AtomicU64, &AtomicU64)> {
        self.region.words().chunks_exact(SEAT_WORDS).map(|row| (&row[0], &row[1]))
    }
}

impl AsFd for Seats {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.region.as_fd()
    }
}

/// The first word of a seat.
#[derive(Clone, Copy)]
struct Claim {
    pid: Option<Pid>,
    term: u32,
}

impl Claim {
    fn of(word: &AtomicU64) -> Self {
        let value = word.load(Ordering::Acquire);
        let pid = i32::try_from(value >> 32).ok().and_then(Pid::new);
        let term = u32::try_from(value & u64::from(u32::MAX)).expect("masked to 32 bits");
        Self { pid, term: term % TERMS }
    }

    fn number(self) -> u64 {
        let pid = self.pid.map_or(0, |pid| u64::from(pid.get().unsigned_abs()));
        pid << 32 | u64::from(self.term)
    }

    /// Terms are counted from 1, and begin anew after half a million: long after the last lock of the first was released.
    fn next_term(self) -> u32 {
        if self.term + 1 < TERMS { self.term + 1 } else { 1 }
    }

    fn life(self, seat: usize) -> Life {
        Life::new(seat, self.term)
    }

    fn replace(self, word: &AtomicU64, next: Self) -> bool {
        word.compare_exchange(self.number(), next.number(), Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

/// A process's place in the table, by which it takes locks. A forked child must not use its parent's.
#[derive(Debug)]
pub struct Seat {
    seats: Arc<Seats>,
    life: Life,
}

impl Seat {
    /// This process's life.
    #[must_use]
    pub fn life(&self) -> Life {
        self.life
    }

    /// The table.
    #[must_use]
    pub fn seats(&self) -> &Seats {
        &self.seats
    }
}

/// All seats are taken by processes that live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSeat {
    count: usize,
}

impl fmt::Display for NoSeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "all {} seats of the shared memory are taken by processes that live", self.count)
    }
}

impl std::error::Error for NoSeat {}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    fn table(count: usize) -> Arc<Seats> {
        Arc::new(Seats::owned(count))
    }

    /// A number that no process has: beyond what Linux gives.
    fn nobody() -> Pid {
        Pid::new(1 << 30).unwrap()
    }

    #[test]
    fn a_life_is_never_another_one_s() {
        let seats = table(2);
        let first = seats.sit_as(nobody(), 5).unwrap().life();
        let second = seats.sit_as(Pid::new(1 << 29).unwrap(), 5).unwrap().life();
        assert_ne!(first, second);
        assert_eq!(seats.process(first), Some(nobody()));
        assert_eq!(seats.bury(nobody()), [first]);
        assert_eq!(seats.bury(nobody()), []);
        assert_eq!(seats.process(first), None);
        let third = seats.sit_as(nobody(), 5).unwrap().life();
        assert_eq!(third.seat(), first.seat());
        assert_ne!(third, first);
        assert!(!seats.alive(first));
        assert_eq!(Life::from_number(third.number()), Some(third));
    }

    #[test]
    fn numbers_that_are_no_lives_are_dead() {
        for number in [0, 1, MOST_SEATS as u64 - 1, 1 << 31, u64::MAX] {
            assert_eq!(Life::from_number(number), None, "{number}");
        }
        assert!(!table(1).alive(Life::new(700, 1)));
    }

    #[test]
    fn the_living_and_the_dead_are_told_apart() {
        let seats = Arc::new(Seats::new(3).unwrap());
        let me = seats.sit().unwrap();
        assert!(seats.alive(me.life()));
        let dead = seats.sit_as(nobody(), 5).unwrap();
        assert!(!seats.alive(dead.life()));
        // The same number, given to another process (to this one) since.
        let reused = seats.sit_as(Pid::me(), 1).unwrap();
        assert!(!seats.alive(reused.life()));
        // A full table gives away the seats of the dead, and then no more.
        let (fourth, fifth) = (seats.sit().unwrap(), seats.sit().unwrap());
        assert!(seats.alive(fourth.life()) && seats.alive(fifth.life()) && !seats.alive(dead.life()));
        let full = seats.sit().unwrap_err().to_string();
        assert_eq!(full, "all 3 seats of the shared memory are taken by processes that live");
        #[cfg(not(miri))] // which knows no descriptors of memory
        let seats = Seats::adopt(seats.as_fd().try_clone_to_owned().unwrap()).unwrap();
        assert!(seats.alive(me.life()));
    }

    #[test]
    fn terms_begin_anew_after_the_last() {
        let seats = table(1);
        let (claim, _) = seats.rows().next().unwrap();
        claim.store(u64::from(TERMS - 1), Ordering::Relaxed);
        assert_eq!(seats.sit_as(nobody(), 5).unwrap().life().term(), 1);
    }

    #[test]
    fn whatever_bytes_a_table_holds_it_answers() {
        let seats = table(2);
        for value in [u64::MAX, 1 << 63, u64::from(TERMS) << 1 | 7 << 32] {
            for word in seats.region.words() {
                word.store(value, Ordering::Relaxed);
            }
            let _either_way = seats.alive(Life::new(1, 1));
            seats.bury(nobody());
        }
    }
}
