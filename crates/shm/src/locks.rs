//! The numbered locks of applications, `uwsgi.Mutex(n)`: lock 0 is always there.
//!
//! A lock belongs to the process that took it; any thread of that process may release it. What a process held when it died is
//! free for the next, who is told so: what the lock guards may be half done.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use goherd_sys::Pid;

use crate::lock::{Lock, Taken};
use crate::region::{AdoptError, Kind, LINE, PARAMETER_COUNT, Region};
use crate::seats::{Life, Seat};

const KIND: Kind = Kind { name: "the table of locks", number: 2, version: 1 };

/// The most locks that there are.
pub const MOST_LOCKS: u32 = 1 << 16;

/// The locks.
#[derive(Debug)]
pub struct Locks {
    region: Region,
}

/// Why a lock is not taken or released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockError {
    /// There is no lock with this number.
    Unknown {
        /// The number.
        number: u32,
        /// How many there are; they are counted from 0.
        count: u32,
    },
    /// A process that lives holds it, and the time to wait is over.
    Busy {
        /// The lock.
        number: u32,
    },
    /// This process does not hold it.
    NotHeld {
        /// The lock.
        number: u32,
    },
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { number, count: 1 } => {
                write!(f, "there is no lock {number}: there is lock 0 alone (option locks)")
            }
            Self::Unknown { number, count } => {
                write!(f, "there is no lock {number}: there are locks 0 to {} (option locks)", count - 1)
            }
            Self::Busy { number } => write!(f, "lock {number} was not released in time"),
            Self::NotHeld { number } => write!(f, "lock {number} is not held by this process"),
        }
    }
}

impl std::error::Error for LockError {}

impl Locks {
    /// `count` free locks (1 to [`MOST_LOCKS`]), shared with every process forked from now on.
    pub fn new(count: u32) -> io::Result<Self> {
        let words = count.clamp(1, MOST_LOCKS) as usize * LINE;
        Ok(Self { region: Region::new(KIND, "goherd-locks", [0; PARAMETER_COUNT], words)? })
    }

    /// Takes over the locks of the master that this one replaces, as they are held.
    pub fn adopt(fd: OwnedFd) -> Result<Self, AdoptError> {
        let region = Region::adopt(KIND, fd)?;
        let words = region.words().len();
        let whole = words.is_multiple_of(LINE) && (1..=MOST_LOCKS as usize).contains(&(words / LINE));
        region.expect_words(KIND, whole.then_some(words))?;
        Ok(Self { region })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.region.words().len() / LINE).unwrap_or(MOST_LOCKS)
    }

    /// Takes the lock `number`, within `patience_ms` milliseconds: 0 only tries, `None` waits for as long as it takes. It
    /// blocks the calling thread. A process that holds the lock already waits like any other.
    pub fn lock(&self, number: u32, seat: &Seat, patience_ms: Option<u64>) -> Result<Taken, LockError> {
        let alive = |life| seat.seats().alive(life);
        self.get(number)?.take(seat.life(), alive, patience_ms).map_err(|_| LockError::Busy { number })
    }

    /// Releases the lock `number`, which this process holds.
    pub fn unlock(&self, number: u32, seat: &Seat) -> Result<(), LockError> {
        if self.get(number)?.release(seat.life()) { Ok(()) } else { Err(LockError::NotHeld { number }) }
    }

    /// The process that holds the lock `number`, for statistics.
    #[must_use]
    pub fn holder(&self, number: u32, seat: &Seat) -> Option<Pid> {
        seat.seats().process(self.get(number).ok()?.holder()?)
    }

    /// Releases all that the life `dead` held, and gives their numbers. For whoever reaped that process.
    pub fn release_all_of(&self, dead: Life) -> Vec<u32> {
        let all = (0..self.count()).filter_map(|number| Some((number, self.get(number).ok()?)));
        all.filter(|(_, lock)| lock.release_of(dead)).map(|(number, _)| number).collect()
    }

    fn get(&self, number: u32) -> Result<Lock<'_>, LockError> {
        let word = self.region.words().get(number as usize * LINE);
        word.map(Lock::new).ok_or(LockError::Unknown { number, count: self.count() })
    }
}

impl AsFd for Locks {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.region.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::{Duration, Instant};

    use super::*;
    use crate::seats::Seats;

    fn seats() -> Arc<Seats> {
        Arc::new(Seats::new(4).unwrap())
    }

    #[test]
    fn a_lock_is_held_by_one_process_at_a_time() {
        let (locks, seats) = (Locks::new(2).unwrap(), seats());
        let (a, b) = (seats.sit().unwrap(), seats.sit().unwrap());
        assert_eq!(locks.lock(0, &a, None), Ok(Taken::Free));
        assert_eq!(locks.holder(0, &b), Some(Pid::me()));
        assert_eq!(locks.lock(0, &b, Some(0)), Err(LockError::Busy { number: 0 }));
        assert_eq!(locks.lock(0, &a, Some(20)), Err(LockError::Busy { number: 0 }));
        assert_eq!(locks.lock(1, &b, Some(0)), Ok(Taken::Free));
        assert_eq!(locks.unlock(0, &b), Err(LockError::NotHeld { number: 0 }));
        assert_eq!(locks.unlock(0, &a), Ok(()));
        assert_eq!(locks.unlock(0, &a), Err(LockError::NotHeld { number: 0 }));
        assert_eq!(locks.lock(0, &b, Some(0)), Ok(Taken::Free));
    }

    #[test]
    fn what_the_dead_held_is_released_or_taken_over() {
        let (locks, seats) = (Locks::new(3).unwrap(), seats());
        let gone = Pid::new(1 << 30).unwrap();
        let (me, dead) = (seats.sit().unwrap(), seats.sit_as(gone, 1).unwrap());
        for number in 0..3 {
            locks.lock(number, &dead, Some(0)).unwrap();
        }
        assert_eq!(locks.lock(2, &me, Some(0)), Ok(Taken::FromTheDead));
        assert_eq!(seats.bury(gone), [dead.life()]);
        assert_eq!(locks.release_all_of(dead.life()), [0, 1]);
        assert_eq!(locks.lock(0, &me, Some(0)), Ok(Taken::Free));
    }

    #[test]
    fn a_word_of_nonsense_is_a_dead_holder() {
        let (locks, seats) = (Locks::new(1).unwrap(), seats());
        let me = seats.sit().unwrap();
        for nonsense in [1, u64::MAX, 1 << 31, 77 << 40] {
            locks.region.words()[0].store(nonsense, Ordering::Relaxed);
            assert_eq!(locks.lock(0, &me, Some(0)), Ok(Taken::FromTheDead), "{nonsense}");
            locks.unlock(0, &me).unwrap();
        }
    }

    #[test]
    fn a_waiter_goes_on_soon_after_the_holder_let_go() {
        let (locks, seats) = (Locks::new(1).unwrap(), seats());
        let (a, b) = (seats.sit().unwrap(), seats.sit().unwrap());
        locks.lock(0, &a, None).unwrap();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| locks.lock(0, &b, Some(60_000)));
            let waiting = &locks.region.words()[0];
            while waiting.load(Ordering::Relaxed) >> 31 == 0 {
                std::thread::yield_now();
            }
            let begun = Instant::now();
            locks.unlock(0, &a).unwrap();
            assert_eq!(waiter.join().unwrap(), Ok(Taken::Free));
            assert!(begun.elapsed() < Duration::from_secs(20));
        });
    }

    #[test]
    fn threads_of_many_processes_count_without_losing_one() {
        let (locks, seats) = (Locks::new(1).unwrap(), seats());
        let total = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let me = seats.sit().unwrap();
                    for _ in 0..5000 {
                        locks.lock(0, &me, None).unwrap();
                        total.store(total.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                        locks.unlock(0, &me).unwrap();
                    }
                });
            }
        });
        assert_eq!(total.into_inner(), 20_000);
    }

    #[test]
    fn unknown_locks_are_named() {
        let (locks, seats) = (Locks::new(0).unwrap(), seats());
        let me = seats.sit().unwrap();
        let refusal = locks.lock(1, &me, None).unwrap_err().to_string();
        assert_eq!(refusal, "there is no lock 1: there is lock 0 alone (option locks)");
        let refusal = Locks::new(8).unwrap().unlock(9, &me).unwrap_err().to_string();
        assert_eq!(refusal, "there is no lock 9: there are locks 0 to 7 (option locks)");
    }

    #[test]
    #[cfg_attr(miri, ignore = "hands memory on")]
    fn locks_are_adopted_as_they_are_held() {
        let (locks, seats) = (Locks::new(2).unwrap(), seats());
        let (a, b) = (seats.sit().unwrap(), seats.sit().unwrap());
        locks.lock(1, &a, None).unwrap();
        let adopted = Locks::adopt(locks.as_fd().try_clone_to_owned().unwrap()).unwrap();
        assert_eq!(adopted.count(), 2);
        assert_eq!(adopted.lock(1, &b, Some(0)), Err(LockError::Busy { number: 1 }));
        assert!(Locks::adopt(seats.as_fd().try_clone_to_owned().unwrap()).is_err());
    }
}
