//! Marks: how often what lies elsewhere, and of which there are copies in shared memory, has been written by this server.
//!
//! A copy bears the mark that its key had before the original was read, and is good for as long as the key has that mark. Who
//! writes the original changes the mark afterwards, before anybody is told of it, so a copy that was made of what was read
//! before, but comes in late, is never believed. Nobody waits for anybody, and the dead hold nothing.
//!
//! Many keys have a mark in common, and all of a cache have one more: a copy may be dropped without need, no more than that.

use std::hash::Hasher as _;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use siphasher::sip::SipHasher13;

use crate::atomic::{AtomicU64, Ordering};
use crate::region::{AdoptError, Kind, PARAMETER_COUNT, Region};

const KIND: Kind = Kind { name: "the marks of copies", number: 7, version: 1 };
/// How many there are; a power of two.
const MARKS: usize = 4096;

/// The mark of a key, at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(u64);

impl Mark {
    /// The bytes that a copy bears.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.to_le_bytes()
    }

    /// What a copy bears.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_le_bytes(bytes))
    }
}

/// All of them.
#[derive(Debug)]
pub struct Marks {
    region: Region,
}

impl Marks {
    /// New ones.
    pub fn new() -> io::Result<Self> {
        Ok(Self { region: Region::new(KIND, "goherd marks", [0; PARAMETER_COUNT], MARKS)? })
    }

    /// Takes them over by their descriptor.
    pub fn adopt(fd: OwnedFd) -> Result<Self, AdoptError> {
        let region = Region::adopt(KIND, fd)?;
        region.expect_words(KIND, Some(MARKS))?;
        Ok(Self { region })
    }

    /// The mark that `key` of the cache `name` has now.
    #[must_use]
    pub fn of(&self, name: &str, key: &[u8]) -> Mark {
        // Both only grow, so that their sum is another one once either has.
        Mark(self.word(name, None).load(Ordering::SeqCst) + self.word(name, Some(key)).load(Ordering::SeqCst))
    }

    /// Gives `key` another mark.
    pub fn change(&self, name: &str, key: &[u8]) {
        self.word(name, Some(key)).fetch_add(1, Ordering::SeqCst);
    }

    /// Gives all keys of the cache `name` another mark.
    pub fn change_all(&self, name: &str) {
        self.word(name, None).fetch_add(1, Ordering::SeqCst);
    }

    fn word(&self, name: &str, key: Option<&[u8]>) -> &AtomicU64 {
        // Without a secret: who finds keys that have a mark in common makes this server ask more often.
        let mut hasher = SipHasher13::new();
        hasher.write(name.as_bytes());
        if let Some(key) = key {
            hasher.write_u8(0);
            hasher.write(key);
        }
        let words = self.region.words();
        let place = hasher.finish() % words.len() as u64;
        &words[usize::try_from(place).expect("smaller than a length")]
    }
}

impl AsFd for Marks {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.region.as_fd()
    }
}

#[cfg(test)]
#[cfg(not(any(loom, miri)))]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_another_one_after_a_change() {
        let marks = Marks::new().unwrap();
        let before = marks.of("a", b"k");
        assert_eq!(marks.of("a", b"k"), before);
        marks.change("a", b"k");
        let changed = marks.of("a", b"k");
        assert_ne!(changed, before);
        marks.change_all("a");
        assert_ne!(marks.of("a", b"k"), changed);
        assert_eq!(Mark::from_bytes(changed.to_bytes()), changed);
    }

    #[test]
    fn other_processes_see_the_same_marks() {
        let marks = Marks::new().unwrap();
        marks.change("a", b"k");
        let others = Marks::adopt(marks.as_fd().try_clone_to_owned().unwrap()).unwrap();
        assert_eq!(others.of("a", b"k"), marks.of("a", b"k"));
        others.change("a", b"k");
        assert_eq!(others.of("a", b"k"), marks.of("a", b"k"));
    }
}
