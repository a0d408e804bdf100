//! A shared memory of 64-bit words, with a head that says what lies in it.
//!
//! All that processes share, but for the scoreboard, is made of such words and reached through `&[AtomicU64]`: no layout
//! of the compiler's, no address, no torn access. Numbers found in the words name other words of the same region, and are
//! compared with its size before they are used.
//!
//! The head lets a master that has been upgraded adopt a region by its descriptor: it is refused unless kind, layout version
//! and length are what this version of Goherd would have made.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

#[cfg(not(loom))]
use goherd_sys::memory::Shared;

use crate::atomic::{AtomicU64, Ordering};

/// Words of the head; the body begins on a cache line pair of its own.
const HEAD: usize = 16;
/// "goherd" and the version of the head itself, in the order of memory.
const MAGIC: u64 = u64::from_le_bytes(*b"goherd\0\x01");
/// Where the head has what.
const KIND: usize = 1;
const LENGTH: usize = 2;
const PARAMETERS: usize = 3;

/// How many numbers a kind of region can note in its head.
pub(crate) const PARAMETER_COUNT: usize = 8;

/// Words of a cache line pair: what different processes write at the same time is kept that far apart.
pub(crate) const LINE: usize = 16;

/// What lies in a region, with the version of its layout: the version changes with every change of the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// What it is, for people.
    pub name: &'static str,
    /// A number of its own.
    pub number: u32,
    /// The version of the layout.
    pub version: u32,
}

impl Kind {
    fn word(self) -> u64 {
        u64::from(self.number) << 32 | u64::from(self.version)
    }
}

/// Why a descriptor is not taken over.
#[derive(Debug)]
pub enum AdoptError {
    /// It cannot be mapped.
    Map(io::Error),
    /// It is shared memory of something else.
    Foreign {
        /// What was expected.
        expected: &'static str,
    },
    /// Another version of Goherd made it, with another layout.
    Version {
        /// What it is.
        kind: &'static str,
        /// Its version.
        found: u32,
        /// The version that this Goherd knows.
        known: u32,
    },
    /// Its size does not fit what its head says.
    Size {
        /// What it is.
        kind: &'static str,
        /// Words that there are.
        found: u64,
        /// Words that there should be.
        expected: u64,
    },
}

impl fmt::Display for AdoptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Map(error) => write!(f, "the shared memory cannot be mapped: {error}"),
            Self::Foreign { expected } => write!(f, "the descriptor is not of {expected}"),
            Self::Version { kind, found, known } => {
                write!(f, "the layout of {kind} has version {found}, and this Goherd knows version {known}")
            }
            Self::Size { kind, found, expected } => {
                write!(f, "the memory of {kind} has {found} words, and {expected} by what its head says")
            }
        }
    }
}

impl std::error::Error for AdoptError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Map(error) => Some(error),
            _ => None,
        }
    }
}

/// The words.
#[derive(Debug)]
pub(crate) struct Region {
    backing: Backing,
}

#[derive(Debug)]
enum Backing {
    #[cfg(not(loom))]
    Mapped(Shared),
    /// For loom and Miri, which know no mappings.
    #[cfg(any(test, loom))]
    Owned(Box<[AtomicU64]>),
}

impl Region {
    /// `words` zeroes for `kind`, shown as `name` in /proc, with `parameters` noted in the head.
    #[cfg(not(loom))]
    pub(crate) fn new(
        kind: Kind,
        name: &str,
        parameters: [u64; PARAMETER_COUNT],
        words: usize,
    ) -> io::Result<Self> {
        let bytes = words
            .checked_add(HEAD)
            .and_then(|all| all.checked_mul(size_of::<AtomicU64>()))
            .filter(|bytes| isize::try_from(*bytes).is_ok());
        let bytes = bytes.ok_or_else(|| io::Error::other("more memory than there are addresses"))?;
        let region = Self { backing: Backing::Mapped(Shared::new(name, bytes)?) };
        region.write_head(kind, parameters);
        Ok(region)
    }

    /// The same in memory of this process alone.
    #[cfg(any(test, loom))]
    pub(crate) fn owned(kind: Kind, parameters: [u64; PARAMETER_COUNT], words: usize) -> Self {
        let backing = Backing::Owned((0..HEAD + words).map(|_| AtomicU64::new(0)).collect());
        let region = Self { backing };
        region.write_head(kind, parameters);
        region
    }

    fn write_head(&self, kind: Kind, parameters: [u64; PARAMETER_COUNT]) {
        let head = self.all();
        for (word, value) in head[PARAMETERS..].iter().zip(parameters) {
            word.store(value, Ordering::Relaxed);
        }
        head[KIND].store(kind.word(), Ordering::Relaxed);
        head[LENGTH].store(head.len() as u64, Ordering::Relaxed);
        head[0].store(MAGIC, Ordering::Release);
    }

    /// Takes over the region behind `fd`, which must be of this kind.
    #[cfg(not(loom))]
    pub(crate) fn adopt(kind: Kind, fd: OwnedFd) -> Result<Self, AdoptError> {
        let shared = Shared::adopt(fd).map_err(AdoptError::Map)?;
        if shared.len() < HEAD * size_of::<AtomicU64>() {
            return Err(AdoptError::Foreign { expected: kind.name });
        }
        let region = Self { backing: Backing::Mapped(shared) };
        region.check_head(kind)?;
        Ok(region)
    }

    fn check_head(&self, kind: Kind) -> Result<(), AdoptError> {
        let head = self.all();
        let found = head[KIND].load(Ordering::Relaxed);
        if head[0].load(Ordering::Acquire) != MAGIC || found >> 32 != kind.word() >> 32 {
            return Err(AdoptError::Foreign { expected: kind.name });
        }
        let found = u32::try_from(found & u64::from(u32::MAX)).expect("masked to 32 bits");
        if found != kind.version {
            return Err(AdoptError::Version { kind: kind.name, found, known: kind.version });
        }
        let (found, expected) = (head.len() as u64, head[LENGTH].load(Ordering::Relaxed));
        if found == expected { Ok(()) } else { Err(AdoptError::Size { kind: kind.name, found, expected }) }
    }

    /// Fails unless the body is of the length that the parameters ask for.
    #[cfg(not(loom))]
    pub(crate) fn expect_words(&self, kind: Kind, expected: Option<usize>) -> Result<(), AdoptError> {
        let found = self.words().len();
        if expected == Some(found) {
            return Ok(());
        }
        let expected = expected.map_or(u64::MAX, |words| words as u64);
        Err(AdoptError::Size { kind: kind.name, found: found as u64, expected })
    }

    /// The numbers noted in the head.
    #[cfg(not(loom))]
    pub(crate) fn parameters(&self) -> [u64; PARAMETER_COUNT] {
        std::array::from_fn(|i| self.all()[PARAMETERS + i].load(Ordering::Relaxed))
    }

    /// The body.
    #[inline]
    pub(crate) fn words(&self) -> &[AtomicU64] {
        &self.all()[HEAD..]
    }

    #[inline]
    fn all(&self) -> &[AtomicU64] {
        match &self.backing {
            #[cfg(not(loom))]
            Backing::Mapped(shared) => {
                let first = shared.address().cast::<AtomicU64>();
                // SAFETY: the mapping is page-aligned, has that many whole words, whose number never changes (sealed), and
                // lives as long as `self`; every bit pattern is a value of an atomic integer; and no process
                // of this server touches the memory by anything but atomics of this size.
                unsafe { std::slice::from_raw_parts(first.as_ptr(), shared.len() / size_of::<AtomicU64>()) }
            }
            #[cfg(any(test, loom))]
            Backing::Owned(words) => words,
        }
    }
}

impl AsFd for Region {
    /// # Panics
    ///
    /// For a region in memory of this process alone, which only tests have.
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.backing {
            #[cfg(not(loom))]
            Backing::Mapped(shared) => shared.as_fd(),
            #[cfg(any(test, loom))]
            Backing::Owned(_) => {
                unreachable!("tests alone have such regions, and they ask for no descriptor")
            }
        }
    }
}

#[cfg(test)]
#[cfg(not(any(loom, miri)))]
mod tests {
    use super::*;

    const TEST: Kind = Kind { name: "a test", number: 1, version: 3 };

    fn copy_of(region: &Region) -> OwnedFd {
        region.as_fd().try_clone_to_owned().unwrap()
    }

    #[test]
    fn a_region_is_adopted_with_its_words_and_parameters() {
        let region = Region::new(TEST, "test", [9, 8, 7, 6, 5, 4, 3, 2], 5).unwrap();
        region.words()[4].store(42, Ordering::Relaxed);
        let adopted = Region::adopt(TEST, copy_of(&region)).unwrap();
        assert_eq!(adopted.parameters(), [9, 8, 7, 6, 5, 4, 3, 2]);
        assert_eq!(adopted.words().len(), 5);
        assert_eq!(adopted.words()[4].load(Ordering::Relaxed), 42);
    }

    #[test]
    fn what_is_not_the_same_is_refused_in_a_sentence() {
        let region = Region::new(TEST, "test", [0; PARAMETER_COUNT], 5).unwrap();
        let refusal = |kind| Region::adopt(kind, copy_of(&region)).unwrap_err().to_string();
        assert_eq!(refusal(Kind { name: "a cache", number: 2, ..TEST }), "the descriptor is not of a cache");
        let version = refusal(Kind { version: 4, ..TEST });
        assert_eq!(version, "the layout of a test has version 3, and this Goherd knows version 4");
        region.all()[LENGTH].store(7, Ordering::Relaxed);
        assert_eq!(refusal(TEST), "the memory of a test has 21 words, and 7 by what its head says");
        let tiny = Shared::new("test", 8).unwrap();
        let error = Region::adopt(TEST, tiny.as_fd().try_clone_to_owned().unwrap()).unwrap_err();
        assert!(matches!(error, AdoptError::Foreign { .. }), "{error}");
    }

    #[test]
    fn more_memory_than_addresses_is_an_error() {
        assert!(Region::new(TEST, "test", [0; PARAMETER_COUNT], usize::MAX / 8).is_err());
    }
}
