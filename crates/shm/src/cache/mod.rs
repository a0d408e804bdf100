//! The cache: keys and values that all processes share, in one memory made before the first fork.
//!
//! In: keys and values as bytes, times as an argument. Out: copies. Readers take no lock and wait for nobody (`read`); writers
//! take turns under a lock that a dead process cannot keep (`lock`). Whoever is killed at any instruction costs at
//! most the entry it was writing (`repair`). Readers see an old value or a new one, never parts of both.
//!
//! Times are those of the monotonic clock, so nothing expires early or late when the wall clock is set. An entry that has
//! expired is not seen any more; its room is taken back by [`Cache::sweep`], or when room is needed.
//!
//! The two Go APIs are made of the same operations: the old plugin's `CacheSet` is [`Rule::IfAbsent`], its `CacheUpdate` is
//! [`Rule::Always`].

mod layout;
#[cfg(test)]
#[cfg(loom)]
mod model;
mod read;
mod repair;
mod table;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;
mod write;

use std::fmt;
#[cfg(not(loom))]
use std::os::fd::OwnedFd;
use std::os::fd::{AsFd, BorrowedFd};

use goherd_sys::clock::Millis;

pub use layout::{LARGEST_BLOCK, LONGEST_KEY, MOST_ITEMS, Settings, SettingsError};

use crate::atomic::{AtomicU64, Ordering};
#[cfg(not(loom))]
use crate::region::AdoptError;
use crate::region::{Kind, LINE, Region};
use crate::seats::{Life, Seat};
use layout::{BYTES, CHANGED_AT, EXPIRED, FULL, LIVE, Layout, PURGED, REPAIRS, STRIPES, TURNS, USED_BLOCKS};
use read::{Disturbed, Seen};
use table::Table;
use write::{Order, Stop};

const KIND: Kind = Kind { name: "a cache", number: 3, version: 1 };

/// Where the stripes of hits and misses begin.
const STRIPES_AT: usize = 2 * LINE;

/// How long a writer waits for a lock that stays in one hand, before it is told [`CacheError::Busy`]. The lock is held for
/// microseconds: whoever keeps it for longer has been stopped.
pub const PATIENCE_MS: u64 = 100;

/// How many buckets or items are looked through at a time by what looks through all of them, so that writers in between do
/// not wait for the whole.
const PORTION: usize = 1024;

/// When a put takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Always: it replaces an entry with that key.
    Always,
    /// Only if there is no entry with that key, else [`CacheError::Exists`].
    IfAbsent,
    /// Only if there is an entry with that key, else [`CacheError::Missing`].
    IfPresent,
}

/// How long an entry lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ttl {
    /// Until it is deleted, or dropped to make room.
    Endless,
    /// For so many milliseconds from now on.
    Millis(u64),
}

impl Ttl {
    /// The moment at which it is over, in words: 0 is never.
    fn ends(self, now: Millis) -> u64 {
        match self {
            Self::Endless => 0,
            Self::Millis(millis) => now.after(millis).0.max(1),
        }
    }

    fn left(ends: u64, now: Millis) -> Self {
        if ends == 0 { Self::Endless } else { Self::Millis(Millis(ends).since(now)) }
    }
}

/// Why an operation is not done. The cache is as it was, except where said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheError {
    /// The key is empty or longer than `keysize`.
    KeySize {
        /// Its length in bytes.
        length: usize,
        /// The most that it may have.
        most: usize,
    },
    /// The value is larger than all blocks together.
    ValueSize {
        /// Its length in bytes.
        length: usize,
        /// The most that it may have.
        most: usize,
    },
    /// There is an entry with this key.
    Exists,
    /// There is no entry with this key.
    Missing,
    /// There is no room: all items or too many blocks are in use, and nothing may be dropped. It is counted.
    Full,
    /// The entry is not a whole number of 64 bits with a sign, in decimal.
    NotANumber,
    /// The sum would not be a number of 64 bits with a sign.
    Overflow,
    /// Another process holds the cache's lock and does not go on, though it lives.
    Busy,
    /// The memory was written to by something else than Goherd, again and again.
    Damaged,
}

impl fmt::Display for CacheError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeySize { length: 0, .. } => write!(f, "the key is empty"),
            Self::KeySize { length, most } => {
                write!(f, "the key has {length} bytes, and the cache takes keys of up to {most} (keysize)")
            }
            Self::ValueSize { length, most } => {
                write!(f, "the value has {length} bytes, and all blocks of the cache have {most}")
            }
            Self::Exists => write!(f, "there is an entry with this key"),
            Self::Missing => write!(f, "there is no entry with this key"),
            Self::Full => write!(f, "the cache is full (items, blocks, purge_lru)"),
            Self::NotANumber => write!(f, "the entry is not a whole number of 64 bits in decimal"),
            Self::Overflow => write!(f, "the sum is not a number of 64 bits"),
            Self::Busy => write!(f, "another process holds the cache's lock and does not go on"),
            Self::Damaged => write!(f, "the cache's memory is damaged"),
        }
    }
}

impl std::error::Error for CacheError {}

/// An entry, copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
    /// How long it lives on.
    pub ttl: Ttl,
}

/// Figures for people and for the stats server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Entries, those that have expired and were not swept yet among them.
    pub items: u64,
    /// Bytes of their values.
    pub bytes: u64,
    /// Blocks in use.
    pub blocks: u64,
    /// Reads that found an entry.
    pub hits: u64,
    /// Reads that found none.
    pub misses: u64,
    /// Puts that were refused for want of room.
    pub full: u64,
    /// Entries dropped to make room.
    pub purged: u64,
    /// Entries whose time was over.
    pub expired: u64,
    /// How often a writer found the structure half changed, its predecessor having been killed.
    pub repairs: u64,
    /// When the cache was last changed, 0 if never.
    pub changed_at: Millis,
}

/// A cache. All operations are safe from any thread of any process that has it.
#[derive(Debug)]
pub struct Cache {
    region: Region,
    layout: Layout,
}

#[cfg(not(loom))]
impl Cache {
    /// An empty cache, shared with every process forked from now on. `name` is what /proc shows of its memory, which takes
    /// room only as far as it is used.
    pub fn new(name: &str, settings: &Settings) -> std::io::Result<Self> {
        use std::hash::{BuildHasher, Hasher, RandomState};
        let seeds = [0, 1].map(|_| RandomState::new().build_hasher().finish());
        let layout = Layout::new(settings, seeds).map_err(std::io::Error::other)?;
        let parameters = Layout::parameters(settings, seeds);
        let region = Region::new(KIND, &format!("goherd-cache-{name}"), parameters, layout.words)?;
        Ok(Self { region, layout })
    }

    /// Takes over the cache of the master that this one replaces, with all that is in it.
    pub fn adopt(fd: OwnedFd) -> Result<Self, AdoptError> {
        let region = Region::adopt(KIND, fd)?;
        let (settings, seeds) = Layout::noted(region.parameters());
        let layout = Layout::new(&settings, seeds).ok();
        region.expect_words(KIND, layout.as_ref().map(|layout| layout.words))?;
        Ok(Self { region, layout: layout.expect("it had a number of words") })
    }

    /// The settings it was made with, which tell whether an adopted cache is what the configuration asks for now.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Layout::noted(self.region.parameters()).0
    }
}

impl Cache {
    /// The same in memory of this process alone.
    #[cfg(test)]
    pub(crate) fn owned(settings: &Settings) -> Self {
        let layout = Layout::new(settings, [1, 2]).expect("a test's settings are good");
        let region = Region::owned(KIND, [0; crate::region::PARAMETER_COUNT], layout.words);
        Self { region, layout }
    }

    #[inline]
    fn table(&self) -> Table<'_> {
        Table::new(self.region.words(), &self.layout)
    }

    /// A copy of the value of `key`.
    #[must_use]
    pub fn get(&self, seat: &Seat, key: &[u8], now: Millis) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        self.get_into(seat, key, &mut value, now).then_some(value)
    }

    /// Replaces what is in `value` by the value of `key`; `false`: there is none, and `value` holds nothing of use.
    ///
    /// It takes memory only if the vector has too little.
    #[inline]
    pub fn get_into(&self, seat: &Seat, key: &[u8], value: &mut Vec<u8>, now: Millis) -> bool {
        let table = self.table();
        let found = self.read(seat, key, now, |seen| {
            value.resize(seen.sizes.value, 0);
            seen.copy(table, value)
        });
        self.count_read(found.is_some());
        found.is_some()
    }

    /// Copies the beginning of the value of `key`, as much as `buffer` takes, and gives the length of all of it.
    #[inline]
    pub fn get_slice(&self, seat: &Seat, key: &[u8], buffer: &mut [u8], now: Millis) -> Option<usize> {
        let table = self.table();
        let found = self.read(seat, key, now, |seen| {
            let length = seen.sizes.value.min(buffer.len());
            seen.copy(table, &mut buffer[..length])?;
            Ok(seen.sizes.value)
        });
        self.count_read(found.is_some());
        found
    }

    /// Whether there is an entry `key`. It counts as no use of it.
    #[must_use]
    pub fn exists(&self, seat: &Seat, key: &[u8], now: Millis) -> bool {
        self.look(seat, key, now, |_| Ok(())).is_some()
    }

    /// How long the entry `key` lives on; `None`: there is none.
    #[must_use]
    pub fn ttl(&self, seat: &Seat, key: &[u8], now: Millis) -> Option<Ttl> {
        self.look(seat, key, now, |seen| Ok(Ttl::left(seen.expires, now)))
    }

    #[inline]
    fn read<'a, T>(
        &'a self,
        seat: &Seat,
        key: &[u8],
        now: Millis,
        mut take: impl FnMut(Seen<'a>) -> Result<T, Disturbed>,
    ) -> Option<T> {
        let purges = self.layout.purge_lru;
        self.look(seat, key, now, |seen| {
            let taken = take(seen)?;
            // Readers of one entry on several cores would take its line from each other, if all of them wrote.
            if purges && seen.item.used().load(Ordering::Relaxed) != now.0 {
                seen.item.used().store(now.0, Ordering::Relaxed);
            }
            Ok(taken)
        })
    }

    #[inline]
    fn look<'a, T>(
        &'a self,
        seat: &Seat,
        key: &[u8],
        now: Millis,
        mut take: impl FnMut(Seen<'a>) -> Result<T, Disturbed>,
    ) -> Option<T> {
        let table = self.table();
        match table.read(key, now.0, &mut take) {
            Ok(found) => found,
            Err(Disturbed) => self.undisturbed(seat, || table.read(key, now.0, &mut take))?,
        }
    }

    /// Reads while no writer writes: for one who was disturbed too often. Whoever is disturbed even then has come upon links that
    /// make no sense, and counts all anew. `None`: the lock is kept by a process that does not go on.
    #[cold]
    fn undisturbed<T>(&self, seat: &Seat, mut read: impl FnMut() -> Result<T, Disturbed>) -> Option<T> {
        let lock = self.lock(seat).ok()?;
        let found = read().or_else(|Disturbed| {
            self.table().repair();
            read()
        });
        lock.release(seat.life());
        found.ok()
    }

    /// Puts `value` under `key`, if `rule` allows it.
    ///
    /// While the new value is written the old one can be read, except where both together do not fit: then there is none for
    /// that moment, nor ever if this process is killed in it.
    pub fn put(
        &self,
        seat: &Seat,
        key: &[u8],
        value: &[u8],
        ttl: Ttl,
        rule: Rule,
        now: Millis,
    ) -> Result<(), CacheError> {
        let order = Order { key, value, expires: ttl.ends(now), rule, now: now.0 };
        self.change(seat, |table| table.put(order))
    }

    /// Adds `by`, which may be negative, to the number that the entry `key` is, and gives the sum.
    ///
    /// Numbers are text in decimal, as [`Cache::get`] shows them: 64 bits with a sign. An absent entry counts from 0
    /// and lives for `ttl`; one that is there lives as long as it would have. On overflow, and if the entry is no number, it
    /// stays as it is.
    pub fn add_to(&self, seat: &Seat, key: &[u8], by: i64, ttl: Ttl, now: Millis) -> Result<i64, CacheError> {
        self.change(seat, |table| table.add_to(key, by, ttl.ends(now), now.0))
    }

    /// Deletes the entry `key`; `false`: there was none.
    pub fn delete(&self, seat: &Seat, key: &[u8], now: Millis) -> Result<bool, CacheError> {
        self.change(seat, |table| table.delete(key, now.0))
    }

    /// Deletes all entries that are there when it is called. What others put meanwhile may be deleted too.
    pub fn clear(&self, seat: &Seat, now: Millis) -> Result<(), CacheError> {
        portions(self.layout.buckets)
            .try_for_each(|buckets| self.change(seat, |table| table.clear(buckets.clone(), now.0)))
    }

    /// Frees what has expired, and gives how many entries that were. For the master to call every few seconds; it costs nothing
    /// while there is nothing to do.
    pub fn sweep(&self, seat: &Seat, now: Millis) -> Result<u64, CacheError> {
        if !self.table().is_sweep_due(now.0) {
            return Ok(0);
        }
        let mut swept = 0;
        for items in portions(self.table().fresh_items()) {
            swept += self.change(seat, |table| table.sweep(items.clone(), None, now.0))?;
        }
        self.change(seat, |table| {
            table.find_earliest();
            Ok(())
        })?;
        Ok(swept)
    }

    /// The keys of all entries. Writers are not kept waiting: an entry is listed if it is there all the time, not if it comes
    /// or goes meanwhile, and none is listed twice for being written to.
    pub fn keys<'a>(&'a self, seat: &'a Seat, now: Millis) -> impl Iterator<Item = Vec<u8>> + 'a {
        self.buckets(0..self.layout.buckets, seat, now, |seen| Ok(seen.item.key(seen.sizes.key)))
    }

    /// The keys in a portion of the cache, as [`Cache::keys`] lists them; `None`: there are only so many portions.
    #[must_use]
    pub fn keys_in(&self, portion: usize, seat: &Seat, now: Millis) -> Option<Vec<Vec<u8>>> {
        let buckets = portions(self.layout.buckets).nth(portion)?;
        Some(self.buckets(buckets, seat, now, |seen| Ok(seen.item.key(seen.sizes.key))).collect())
    }

    /// Copies of all entries, as [`Cache::keys`] lists them.
    pub fn entries<'a>(&'a self, seat: &'a Seat, now: Millis) -> impl Iterator<Item = Entry> + 'a {
        let table = self.table();
        self.buckets(0..self.layout.buckets, seat, now, move |seen| {
            let mut value = vec![0; seen.sizes.value];
            seen.copy(table, &mut value)?;
            Ok(Entry { key: seen.item.key(seen.sizes.key), value, ttl: Ttl::left(seen.expires, now) })
        })
    }

    fn buckets<'a, T: 'a>(
        &'a self,
        buckets: std::ops::Range<usize>,
        seat: &'a Seat,
        now: Millis,
        mut take: impl FnMut(Seen<'a>) -> Result<T, Disturbed> + 'a,
    ) -> impl Iterator<Item = T> + 'a {
        let table = self.table();
        buckets.flat_map(move |number| {
            table.read_bucket(number, now.0, &mut take).unwrap_or_else(|Disturbed| {
                self.undisturbed(seat, || table.read_bucket(number, now.0, &mut take)).unwrap_or_default()
            })
        })
    }

    /// Puts right what the life `dead` left half done, if it held the lock; says whether it did. For whoever reaped that
    /// process; without it, the next writer finds out within a few milliseconds.
    pub fn release_all_of(&self, seat: &Seat, dead: Life) -> bool {
        let lock = self.table().lock();
        if lock.holder() != Some(dead) {
            return false;
        }
        let alive = |life| life != dead && seat.seats().alive(life);
        if lock.take(seat.life(), alive, Some(0)).is_ok() {
            let _in_order = self.table().change(|_| Ok(()));
            lock.release(seat.life());
        }
        true
    }

    /// Fails if no entry can have this key: it is empty, or too long.
    pub fn check_key(&self, key: &[u8]) -> Result<(), CacheError> {
        self.layout.check_key(key)
    }

    /// The longest key that it takes, in bytes.
    #[must_use]
    pub fn longest_key(&self) -> usize {
        self.layout.key_size
    }

    /// The longest value that it takes, in bytes.
    #[must_use]
    pub fn longest_value(&self) -> usize {
        self.layout.longest_value()
    }

    /// How often writers have had their turn: as long as it is the same, nothing has changed.
    #[must_use]
    pub fn turns(&self) -> u64 {
        self.table().get(TURNS)
    }

    /// How many chains there are, over which the hashes of keys are spread.
    #[must_use]
    pub fn chains(&self) -> u64 {
        self.layout.buckets as u64
    }

    /// The figures now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let table = self.table();
        let stripes = (0..STRIPES).map(|number| STRIPES_AT + number * LINE);
        let (hits, misses) = stripes.fold((0_u64, 0_u64), |(hits, misses), at| {
            (hits.wrapping_add(table.get(at)), misses.wrapping_add(table.get(at + 1)))
        });
        Stats {
            items: table.get(LIVE),
            bytes: table.get(BYTES),
            blocks: table.get(USED_BLOCKS),
            hits,
            misses,
            full: table.get(FULL),
            purged: table.get(PURGED),
            expired: table.get(EXPIRED),
            repairs: table.get(REPAIRS),
            changed_at: Millis(table.get(CHANGED_AT)),
        }
    }

    #[inline]
    fn count_read(&self, hit: bool) {
        let stripe = &self.region.words()[STRIPES_AT + stripe() * LINE..][..2];
        stripe[usize::from(!hit)].fetch_add(1, Ordering::Relaxed);
    }

    fn change<T>(&self, seat: &Seat, deed: impl Fn(Table<'_>) -> Result<T, Stop>) -> Result<T, CacheError> {
        let lock = self.lock(seat)?;
        let result = self.table().change(deed);
        lock.release(seat.life());
        result
    }

    fn lock(&self, seat: &Seat) -> Result<crate::lock::Lock<'_>, CacheError> {
        let table = self.table();
        let alive = |life| seat.seats().alive(life);
        let mut turn = table.get(TURNS);
        while table.lock().take(seat.life(), alive, Some(PATIENCE_MS)).is_err() {
            // Among many writers one may have to wait for long; but while they take turns, none of them is stuck.
            if std::mem::replace(&mut turn, table.get(TURNS)) == turn {
                return Err(CacheError::Busy);
            }
        }
        table.count_turn();
        Ok(table.lock())
    }
}

impl AsFd for Cache {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.region.as_fd()
    }
}

fn portions(all: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..all).step_by(PORTION).map(move |first| first..(first + PORTION).min(all))
}

/// Which of the places for counting is this thread's.
#[inline]
fn stripe() -> usize {
    use std::cell::Cell;
    thread_local! {
        static MINE: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    MINE.with(|mine| {
        if mine.get() == usize::MAX {
            mine.set(goherd_sys::process::thread_number() as usize % STRIPES);
        }
        mine.get()
    })
}

/// A word of shared memory can be told from outside by its atomic alone.
const _: () = assert!(size_of::<u64>() == 8 && (cfg!(loom) || size_of::<AtomicU64>() == 8));
