//! A lock between processes whose holder may be killed at any instruction.
//!
//! Its word names the life (see `seats`) that holds it, and one bit says that somebody sleeps on it. Waiters sleep on a futex
//! for a few milliseconds at a time; one that has slept for so long without a change looks whether the holder lives, and takes
//! the lock over if not. The master, which learns of deaths first, releases what the dead held at once.
//!
//! Why not the kernel's robust futexes, or pthread's robust mutexes on them: there the owner is a thread. Goroutines move
//! between threads, so the one that unlocks would not be the owner; and Go ends threads whose goroutines hold locks.
//!
//! What the lock guards may be found half changed by whoever takes it over. That is noted where it lies, not here: the cache
//! has a word that says "being changed".

use crate::atomic::{AtomicU64, Ordering, relax};
use crate::seats::Life;

/// Somebody sleeps on the word.
const WAITING: u64 = 1 << 31;

/// How long a waiter sleeps before it looks whether the holder lives. At most so much later than the death of a holder
/// that nobody reaps do waiters go on.
const SLICE_MICROS: u32 = 8000;

/// Looks at the word before sleeping: what the lock guards takes a microsecond, mostly.
const SPINS: u32 = if cfg!(loom) { 1 } else { 100 };

/// How somebody came to hold a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was free.
    Free,
    /// Its holder died with it.
    FromTheDead,
}

/// The lock was not to be had in time: its holder lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Busy;

/// A word of shared memory as a lock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lock<'a> {
    word: &'a AtomicU64,
}

impl<'a> Lock<'a> {
    pub(crate) fn new(word: &'a AtomicU64) -> Self {
        Self { word }
    }

    /// Takes the lock for the life `me`, within `patience_ms` milliseconds (`None`: however long it takes). `alive` tells
    /// whether a life goes on.
    pub(crate) fn take(
        self,
        me: Life,
        alive: impl Fn(Life) -> bool,
        patience_ms: Option<u64>,
    ) -> Result<Taken, Busy> {
        if self.take_free(me.number()) || self.spin(me.number()) {
            return Ok(Taken::Free);
        }
        let mut patience = Waiting::new(patience_ms);
        loop {
            // Others may sleep as well: whoever comes from here wakes one more than may be needed when it lets go.
            if self.spin(me.number() | WAITING) {
                return Ok(Taken::Free);
            }
            let Some(seen) = self.announce() else { continue };
            if patience.is_over() || !patience.sleep(self.word, seen) {
                let dead = Life::from_number(seen & !WAITING).is_none_or(|holder| !alive(holder));
                if dead && self.swap(seen, me.number() | WAITING) {
                    return Ok(Taken::FromTheDead);
                }
            }
            if patience.is_over() {
                return if self.take_free(me.number() | WAITING) { Ok(Taken::Free) } else { Err(Busy) };
            }
        }
    }

    /// Lets go, if `me` holds it; `false` if not.
    pub(crate) fn release(self, me: Life) -> bool {
        // While we live nobody else changes a word that names us, but for the bit.
        if self.holder() != Some(me) {
            return false;
        }
        self.wake_after(self.word.swap(0, Ordering::Release));
        true
    }

    /// Lets go in place of the life `dead`, if that held it.
    pub(crate) fn release_of(self, dead: Life) -> bool {
        loop {
            let seen = self.word.load(Ordering::Relaxed);
            if seen & !WAITING != dead.number() {
                return false;
            }
            if self.swap(seen, 0) {
                self.wake_after(seen);
                return true;
            }
        }
    }

    /// Who holds it.
    pub(crate) fn holder(self) -> Option<Life> {
        Life::from_number(self.word.load(Ordering::Relaxed) & !WAITING)
    }

    /// Tries for a moment.
    fn spin(self, next: u64) -> bool {
        (0..SPINS).any(|_| {
            relax();
            self.take_free(next)
        })
    }

    fn take_free(self, next: u64) -> bool {
        self.word.load(Ordering::Relaxed) == 0 && self.swap(0, next)
    }

    /// Says on the word of a lock that is held that somebody sleeps. Gives the word as it then is.
    fn announce(self) -> Option<u64> {
        let seen = self.word.load(Ordering::Relaxed);
        if seen == 0 {
            return None;
        }
        (seen & WAITING != 0 || self.swap(seen, seen | WAITING)).then_some(seen | WAITING)
    }

    fn swap(self, seen: u64, next: u64) -> bool {
        self.word.compare_exchange(seen, next, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    fn wake_after(self, seen: u64) {
        if seen & WAITING != 0 {
            wake(self.word);
        }
    }
}

#[cfg(not(loom))]
use real::{Waiting, wake};

#[cfg(not(loom))]
mod real {
    use goherd_sys::clock::Millis;
    use goherd_sys::futex;

    use super::{AtomicU64, Ordering, SLICE_MICROS};

    pub(super) fn wake(word: &AtomicU64) {
        futex::wake(word, 1);
    }

    /// How long somebody still waits.
    pub(super) struct Waiting {
        until: Option<Millis>,
    }

    impl Waiting {
        pub(super) fn new(patience_ms: Option<u64>) -> Self {
            Self { until: patience_ms.map(|ms| Millis::now().after(ms)) }
        }

        pub(super) fn is_over(&self) -> bool {
            self.until.is_some_and(|until| until <= Millis::now())
        }

        /// Sleeps for a slice; `false`: the word is as it was.
        pub(super) fn sleep(&mut self, word: &AtomicU64, seen: u64) -> bool {
            let left = self.until.map_or(u64::MAX, |until| until.since(Millis::now()).saturating_mul(1000));
            let micros = u32::try_from(left).unwrap_or(u32::MAX).min(SLICE_MICROS);
            let low_half = u32::try_from(seen & u64::from(u32::MAX)).expect("masked to 32 bits");
            futex::wait(word, low_half, micros);
            word.load(Ordering::Relaxed) != seen
        }
    }
}

#[cfg(loom)]
use model::{Waiting, wake};

/// Sleeping, as loom can see it.
#[cfg(loom)]
mod model {
    use super::{AtomicU64, Ordering, relax};

    pub(super) fn wake(_word: &AtomicU64) {}

    pub(super) struct Waiting {
        endless: bool,
    }

    impl Waiting {
        pub(super) fn new(patience_ms: Option<u64>) -> Self {
            Self { endless: patience_ms.is_none() }
        }

        pub(super) fn is_over(&self) -> bool {
            !self.endless
        }

        pub(super) fn sleep(&mut self, word: &AtomicU64, seen: u64) -> bool {
            relax();
            word.load(Ordering::Relaxed) != seen
        }
    }
}
