//! What is to be done once by all processes together, by name: `uwsgi.Once(name, f)`.
//!
//! Whoever comes first runs it, holding a lock; the others wait for it, or come back later. If the one that runs it dies, the
//! next one runs it from the start. What was finished stays finished for the life of the server, reloads and
//! upgrades of the master included.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::atomic::{AtomicU64, Ordering};
use crate::lock::Lock;
use crate::names::{self, FIRST_OWN, NameError, Names};
use crate::region::{AdoptError, Kind, PARAMETER_COUNT, Region};
use crate::seats::{Life, Seat};

const KIND: Kind = Kind { name: "the table of things done once", number: 5, version: 1 };

/// Words of a thing to do.
const LOCK: usize = FIRST_OWN;
const DONE: usize = FIRST_OWN + 1;

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// Run it, then call [`Once::finish`], or [`Once::give_up`] if it failed.
    Run,
    /// It has been done.
    Done,
}

/// Why it is not known yet what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnceError {
    /// It cannot have this name.
    Name(NameError),
    /// Another process is at it, and the time to wait is over.
    Busy {
        /// The name.
        name: String,
    },
    /// This process did not begin it.
    NotBegun {
        /// The name.
        name: String,
    },
}

impl fmt::Display for OnceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => write!(f, "once: {error}"),
            Self::Busy { name } => write!(f, "another process is still at {name:?}"),
            Self::NotBegun { name } => write!(f, "this process is not at {name:?}"),
        }
    }
}

impl std::error::Error for OnceError {}

/// All things to be done once.
#[derive(Debug)]
pub struct Once {
    region: Region,
}

impl Once {
    /// Room for `count` names (1 to 65 536), shared with every process forked from now on.
    pub fn new(count: u32) -> io::Result<Self> {
        let words = names::words_for(count.clamp(1, 1 << 16) as usize);
        Ok(Self { region: Region::new(KIND, "goherd-once", [0; PARAMETER_COUNT], words)? })
    }

    /// Takes over what the master that this one replaces knew to be done.
    pub fn adopt(fd: OwnedFd) -> Result<Self, AdoptError> {
        let region = Region::adopt(KIND, fd)?;
        let words = region.words().len();
        region.expect_words(KIND, names::count_in(words).map(|_| words))?;
        Ok(Self { region })
    }

    /// Begins `name`, unless it is done. While another process is at it, waits for up to `patience_ms` milliseconds: 0 only
    /// asks, `None` waits for as long as it takes. It blocks the calling thread.
    pub fn begin(&self, name: &str, seat: &Seat, patience_ms: Option<u64>) -> Result<Begun, OnceError> {
        let prepare = |place: &[AtomicU64]| {
            place[LOCK].store(0, Ordering::Relaxed);
            place[DONE].store(0, Ordering::Relaxed);
        };
        let place = Names::new(self.region.words()).find_or_make(name, seat, prepare);
        let place = place.map_err(OnceError::Name)?;
        let is_done = || place[DONE].load(Ordering::Acquire) != 0;
        if is_done() {
            return Ok(Begun::Done);
        }
        let lock = Lock::new(&place[LOCK]);
        let alive = |life| seat.seats().alive(life);
        lock.take(seat.life(), alive, patience_ms).map_err(|_| OnceError::Busy { name: name.to_owned() })?;
        if is_done() {
            lock.release(seat.life());
            return Ok(Begun::Done);
        }
        Ok(Begun::Run)
    }

    /// Notes that `name` is done.
    pub fn finish(&self, name: &str, seat: &Seat) -> Result<(), OnceError> {
        self.end(name, seat, true)
    }

    /// Lets the next one run `name`.
    pub fn give_up(&self, name: &str, seat: &Seat) -> Result<(), OnceError> {
        self.end(name, seat, false)
    }

    fn end(&self, name: &str, seat: &Seat, done: bool) -> Result<(), OnceError> {
        let mine = |place: &&[AtomicU64]| Lock::new(&place[LOCK]).holder() == Some(seat.life());
        let place = Names::new(self.region.words()).find(name).filter(mine);
        let place = place.ok_or_else(|| OnceError::NotBegun { name: name.to_owned() })?;
        if done {
            place[DONE].store(1, Ordering::Release);
        }
        Lock::new(&place[LOCK]).release(seat.life());
        Ok(())
    }

    /// Lets the next one run what the life `dead` was at. For whoever reaped that process; without it, one that waits finds
    /// out within a few milliseconds.
    pub fn release_all_of(&self, dead: Life) {
        for (_, place) in Names::new(self.region.words()).iter() {
            Lock::new(&place[LOCK]).release_of(dead);
        }
    }
}

impl AsFd for Once {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.region.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::seats::Seats;

    #[test]
    fn one_runs_it_and_all_others_find_it_done() {
        let (once, seats) = (Once::new(4).unwrap(), Arc::new(Seats::new(4).unwrap()));
        let (a, b) = (seats.sit().unwrap(), seats.sit().unwrap());
        assert_eq!(once.begin("x", &a, None), Ok(Begun::Run));
        let busy = once.begin("x", &b, Some(0)).unwrap_err();
        assert_eq!(busy.to_string(), "another process is still at \"x\"");
        assert_eq!(once.finish("x", &b).unwrap_err().to_string(), "this process is not at \"x\"");
        assert_eq!(once.begin("y", &b, Some(0)), Ok(Begun::Run));
        once.give_up("y", &b).unwrap();
        once.finish("x", &a).unwrap();
        assert_eq!(once.begin("x", &b, Some(0)), Ok(Begun::Done));
        assert_eq!(once.begin("y", &a, Some(0)), Ok(Begun::Run));
        #[cfg(not(miri))] // which knows no descriptors of memory
        let once = Once::adopt(once.as_fd().try_clone_to_owned().unwrap()).unwrap();
        assert_eq!(once.begin("x", &b, Some(0)), Ok(Begun::Done));
        assert!(matches!(once.begin("", &b, None), Err(OnceError::Name(_))));
    }

    #[test]
    fn what_the_dead_were_at_is_run_by_the_next() {
        let (once, seats) = (Once::new(4).unwrap(), Arc::new(Seats::new(4).unwrap()));
        let gone = goherd_sys::Pid::new(1 << 30).unwrap();
        let (dead, next) = (seats.sit_as(gone, 1).unwrap(), seats.sit().unwrap());
        for name in ["x", "y"] {
            assert_eq!(once.begin(name, &dead, None), Ok(Begun::Run));
        }
        assert_eq!(once.begin("x", &next, Some(0)), Ok(Begun::Run));
        once.release_all_of(dead.life());
        assert_eq!(once.begin("y", &next, Some(0)), Ok(Begun::Run));
    }
}
