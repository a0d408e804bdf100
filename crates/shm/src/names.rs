//! Places in shared memory that are found by name, and made on the first use of the name: a fixed number of them.
//!
//! A name is written under a lock and published by its length, the last store; so readers take no lock, and a name whose
//! writer was killed is not there.

use std::fmt;

use crate::atomic::{AtomicU64, Ordering};
use crate::lock::Lock;
use crate::region::LINE;
use crate::seats::Seat;

/// The longest name, in bytes.
pub const LONGEST_NAME: usize = 63;

/// Words of a place: the length of its name, the name, then what it is for.
const LENGTH: usize = 0;
const NAME: usize = 1;
const NAME_WORDS: usize = 8;
/// The first word that is for the place's owner; it is the first of a line.
pub(crate) const FIRST_OWN: usize = LINE;
/// Words of a place.
const PLACE: usize = 2 * LINE;

/// How long to wait for others that make a place.
const PATIENCE_MS: u64 = 1000;

/// Why a name has no place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameError {
    /// It is empty, too long, or has something else than letters, digits and `_ . : / -`.
    Malformed(String),
    /// All places have names already.
    NoRoom {
        /// The name that had to be refused.
        name: String,
        /// How many places there are.
        count: usize,
    },
    /// Another process holds the table's lock and does not go on, though it lives.
    Busy,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(name) => write!(
                f,
                "{name:?} is no name: 1 to {LONGEST_NAME} letters, digits or any of _ . : / - make one"
            ),
            Self::NoRoom { name, count } => {
                write!(f, "there is no room for {name:?}: all {count} places have other names")
            }
            Self::Busy => write!(f, "another process holds the lock of the names and does not go on"),
        }
    }
}

impl std::error::Error for NameError {}

/// How many words a table of `count` places takes.
pub(crate) fn words_for(count: usize) -> usize {
    LINE + count * PLACE
}

/// How many places a table of so many words has; `None`: it is none.
#[cfg(not(loom))]
pub(crate) fn count_in(words: usize) -> Option<usize> {
    let places = words.checked_sub(LINE)?;
    places.is_multiple_of(PLACE).then_some(places / PLACE)
}

/// Whether the word `at` of a table is the word `own` of a place.
pub(crate) fn is_own(at: usize, own: usize) -> bool {
    at >= LINE && (at - LINE) % PLACE == own
}

/// The places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'a> {
    lock: Lock<'a>,
    places: &'a [AtomicU64],
}

impl<'a> Names<'a> {
    /// `words` are [`words_for`] some places.
    pub(crate) fn new(words: &'a [AtomicU64]) -> Self {
        let (head, places) = words.split_at(LINE);
        Self { lock: Lock::new(&head[0]), places }
    }

    /// The places with names, in the order of their making, as name and words.
    pub(crate) fn iter(self) -> impl Iterator<Item = (String, &'a [AtomicU64])> {
        self.places.chunks_exact(PLACE).filter_map(|place| Some((name_of(place)?, place)))
    }

    /// The words of the place `name`, if it has been made.
    pub(crate) fn find(self, name: &str) -> Option<&'a [AtomicU64]> {
        self.iter().find(|(found, _)| found == name).map(|(_, place)| place)
    }

    /// The words of the place `name`, made if it is not there yet. `prepare` fills a new one before anybody sees it.
    pub(crate) fn find_or_make(
        self,
        name: &str,
        seat: &Seat,
        prepare: impl Fn(&[AtomicU64]),
    ) -> Result<&'a [AtomicU64], NameError> {
        if !is_name(name) {
            return Err(NameError::Malformed(name.to_owned()));
        }
        if let Some(place) = self.find(name) {
            return Ok(place);
        }
        let alive = |life| seat.seats().alive(life);
        self.lock.take(seat.life(), alive, Some(PATIENCE_MS)).map_err(|_| NameError::Busy)?;
        let place = self.find(name).map_or_else(|| self.make(name, prepare), Ok);
        self.lock.release(seat.life());
        place
    }

    fn make(self, name: &str, prepare: impl Fn(&[AtomicU64])) -> Result<&'a [AtomicU64], NameError> {
        let mut places = self.places.chunks_exact(PLACE);
        let free = places.find(|place| place[LENGTH].load(Ordering::Relaxed) == 0);
        let place = free
            .ok_or_else(|| NameError::NoRoom { name: name.to_owned(), count: self.places.len() / PLACE })?;
        prepare(place);
        for (word, bytes) in place[NAME..].iter().zip(name.as_bytes().chunks(size_of::<u64>())) {
            let mut padded = [0; size_of::<u64>()];
            padded[..bytes.len()].copy_from_slice(bytes);
            word.store(u64::from_ne_bytes(padded), Ordering::Relaxed);
        }
        place[LENGTH].store(name.len() as u64, Ordering::Release);
        Ok(place)
    }
}

fn name_of(place: &[AtomicU64]) -> Option<String> {
    let length = usize::try_from(place[LENGTH].load(Ordering::Acquire)).ok()?;
    let words = &place[NAME..NAME + NAME_WORDS];
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes()).collect();
    let name = bytes.get(..length).filter(|name| !name.is_empty())?;
    Some(String::from_utf8_lossy(name).into_owned())
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:/-".contains(&byte);
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(allowed)
}
