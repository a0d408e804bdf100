//! The words of a cache by their meaning. Everything read from them is compared with the layout before it is used as a number
//! of something, so that whatever bytes are there lead to no place outside.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::layout::{ITEM_HEAD, LOCK, Layout, TURNS};
use crate::atomic::{AtomicU64, Ordering};
use crate::lock::Lock;

/// A word's bytes.
const WORD: usize = size_of::<u64>();

/// A cache's memory, and where it has what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a> {
    pub words: &'a [AtomicU64],
    pub layout: &'a Layout,
}

/// What lies in the memory makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damage;

/// The way to an item: which one (from 0), and the version that it has if the link is a good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub index: usize,
    pub version: u32,
}

impl Link {
    /// What a word says; `None`: the end of a chain.
    pub(super) fn from_word(word: u64) -> Option<Self> {
        let index = usize::try_from((word & u64::from(u32::MAX)).checked_sub(1)?).ok()?;
        let version = u32::try_from(word >> 32).expect("32 bits are left");
        Some(Self { index, version })
    }

    pub(super) fn to_word(self) -> u64 {
        u64::from(self.version) << 32 | (self.index as u64 + 1)
    }
}

/// The low half of an item's version, as links have it.
pub(super) fn short(version: u64) -> u32 {
    u32::try_from(version & u64::from(u32::MAX)).expect("masked to 32 bits")
}

/// Whether an item with this version is part of a chain, as far as writers know.
pub(super) fn is_linked(version: u64) -> bool {
    version != 0 && version.is_multiple_of(2)
}

impl<'a> Table<'a> {
    /// # Panics
    ///
    /// If the memory is shorter than the layout: whoever made it or adopted it has compared them.
    pub(super) fn new(words: &'a [AtomicU64], layout: &'a Layout) -> Self {
        assert!(words.len() >= layout.words, "a region has the length of its layout");
        Self { words, layout }
    }

    pub(super) fn lock(self) -> Lock<'a> {
        Lock::new(&self.words[LOCK])
    }

    /// Counts that the lock was taken, with the lock held.
    pub(super) fn count_turn(self) {
        self.set(TURNS, self.get(TURNS).wrapping_add(1));
    }

    /// A word of the head.
    pub(super) fn get(self, word: usize) -> u64 {
        self.words[word].load(Ordering::Relaxed)
    }

    pub(super) fn set(self, word: usize, value: u64) {
        self.words[word].store(value, Ordering::Relaxed);
    }

    /// Counts in the head, under the lock; what is nonsense already does not overflow.
    pub(super) fn count(self, word: usize, by: u64) {
        self.set(word, self.get(word).saturating_add(by));
    }

    pub(super) fn uncount(self, word: usize, by: u64) {
        self.set(word, self.get(word).saturating_sub(by));
    }

    /// A word of the head that counts what the layout has `most` of.
    pub(super) fn bounded(self, word: usize, most: usize) -> usize {
        usize::try_from(self.get(word)).unwrap_or(most).min(most)
    }

    #[inline]
    pub(super) fn hash(self, key: &[u8]) -> u64 {
        let [first, second] = self.layout.seeds;
        let mut hasher = SipHasher13::new_with_keys(first, second);
        hasher.write(key);
        hasher.finish()
    }

    /// The word of the bucket for `hash`.
    #[inline]
    pub(super) fn bucket(self, hash: u64) -> usize {
        let number = usize::try_from(hash & (self.layout.buckets as u64 - 1)).expect("less than the buckets");
        self.layout.buckets_at + number
    }

    /// The item `index`, if there is one.
    #[inline]
    pub(super) fn item(self, index: usize) -> Option<Item<'a>> {
        if index >= self.layout.slots() {
            return None;
        }
        let at = self.layout.items_at + index * self.layout.stride;
        Some(Item { words: &self.words[at..at + self.layout.stride], at })
    }

    /// The word that names the block after the block `index`.
    #[inline]
    pub(super) fn next_block(self, index: usize) -> Option<&'a AtomicU64> {
        (index < self.layout.block_slots()).then(|| &self.words[self.layout.next_blocks_at + index])
    }

    /// The bytes of the block `index`.
    #[inline]
    pub(super) fn block(self, index: usize) -> Option<&'a [AtomicU64]> {
        if index >= self.layout.block_slots() {
            return None;
        }
        let at = self.layout.blocks_at + index * self.layout.block_words;
        Some(&self.words[at..at + self.layout.block_words])
    }

    /// Whether these can be the sizes of an item.
    #[inline]
    pub(super) fn can_be(self, sizes: Sizes) -> bool {
        sizes.key <= self.layout.key_size && sizes.value <= self.layout.longest_value()
    }

    /// Calls `visit` with each block of a value of `bytes` bytes, the first of which `first` names.
    pub(super) fn each_block(
        self,
        first: u64,
        bytes: usize,
        mut visit: impl FnMut(usize),
    ) -> Result<(), Damage> {
        let mut named = first;
        for _ in 0..self.layout.blocks_for(bytes) {
            let index = number_of(named).ok_or(Damage)?;
            let next = self.next_block(index).ok_or(Damage)?;
            visit(index);
            named = next.load(Ordering::Relaxed);
        }
        Ok(())
    }

    /// Copies the beginning of a value, as much as `out` takes. `out` is not longer than the value.
    #[inline]
    pub(super) fn copy_value(self, first: u64, out: &mut [u8]) -> Result<(), Damage> {
        let mut named = first;
        for part in out.chunks_mut(self.layout.block_words * WORD) {
            let index = number_of(named).ok_or(Damage)?;
            copy_bytes(self.block(index).ok_or(Damage)?, part);
            if part.len() == self.layout.block_words * WORD {
                named = self.next_block(index).ok_or(Damage)?.load(Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

/// Items and blocks are numbered from 1 in words, so that 0 is none.
pub(super) fn number_of(word: u64) -> Option<usize> {
    usize::try_from(word.checked_sub(1)?).ok()
}

/// How long an item's key and value are, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    pub key: usize,
    pub value: usize,
}

impl Sizes {
    fn from_word(word: u64) -> Self {
        let half = |bits: u64| usize::try_from(bits & u64::from(u32::MAX)).expect("masked to 32 bits");
        Self { key: half(word >> 32), value: half(word) }
    }

    fn to_word(self) -> u64 {
        (self.key as u64) << 32 | self.value as u64
    }
}

/// Words of an item.
const VERSION: usize = 0;
const NEXT: usize = 1;
const HASH: usize = 2;
const SIZES: usize = 3;
const EXPIRES: usize = 4;
const FIRST_BLOCK: usize = 5;
const USED: usize = 6;

/// An entry, or room for one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'a> {
    words: &'a [AtomicU64],
    /// The number of its first word.
    at: usize,
}

impl<'a> Item<'a> {
    /// Even: it lies still. Odd: it is free, or being written.
    #[inline]
    pub(super) fn version(self) -> &'a AtomicU64 {
        &self.words[VERSION]
    }

    #[inline]
    pub(super) fn next(self) -> &'a AtomicU64 {
        &self.words[NEXT]
    }

    /// The number of the word that links to the next item.
    pub(super) fn next_at(self) -> usize {
        self.at + NEXT
    }

    #[inline]
    pub(super) fn hash(self) -> &'a AtomicU64 {
        &self.words[HASH]
    }

    #[inline]
    pub(super) fn sizes(self) -> Sizes {
        Sizes::from_word(self.words[SIZES].load(Ordering::Relaxed))
    }

    pub(super) fn set_sizes(self, sizes: Sizes) {
        self.words[SIZES].store(sizes.to_word(), Ordering::Relaxed);
    }

    /// When it expires (ms); 0: never.
    #[inline]
    pub(super) fn expires(self) -> &'a AtomicU64 {
        &self.words[EXPIRES]
    }

    /// The number of its first block, from 1; 0: its value is empty.
    #[inline]
    pub(super) fn first_block(self) -> &'a AtomicU64 {
        &self.words[FIRST_BLOCK]
    }

    /// When it was last used (ms), roughly.
    #[inline]
    pub(super) fn used(self) -> &'a AtomicU64 {
        &self.words[USED]
    }

    #[inline]
    pub(super) fn has_key(self, key: &[u8]) -> bool {
        if self.sizes().key != key.len() {
            return false;
        }
        let (whole, rest) = key.as_chunks::<WORD>();
        let words = &self.words[ITEM_HEAD..];
        let same =
            |word: &AtomicU64, bytes: [u8; WORD]| word.load(Ordering::Relaxed) == u64::from_ne_bytes(bytes);
        words.len() >= key.len().div_ceil(WORD)
            && whole.iter().zip(words).all(|(bytes, word)| same(word, *bytes))
            && (rest.is_empty() || same(&words[whole.len()], padded(rest)))
    }

    pub(super) fn set_key(self, key: &[u8]) {
        store_bytes(&self.words[ITEM_HEAD..], key);
    }

    /// The key, of which `length` bytes are in use.
    pub(super) fn key(self, length: usize) -> Vec<u8> {
        let words = &self.words[ITEM_HEAD..];
        let mut key = vec![0; length.min(words.len() * WORD)];
        copy_bytes(words, &mut key);
        key
    }
}

/// The last word of some bytes.
fn padded(bytes: &[u8]) -> [u8; WORD] {
    let mut word = [0; WORD];
    word[..bytes.len()].copy_from_slice(bytes);
    word
}

#[inline]
fn copy_bytes(words: &[AtomicU64], out: &mut [u8]) {
    let (whole, rest) = out.as_chunks_mut::<WORD>();
    for (bytes, word) in whole.iter_mut().zip(words) {
        *bytes = word.load(Ordering::Relaxed).to_ne_bytes();
    }
    if let Some(word) = words.get(whole.len()) {
        rest.copy_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes()[..rest.len()]);
    }
}

pub(super) fn store_bytes(words: &[AtomicU64], bytes: &[u8]) {
    for (part, word) in bytes.chunks(WORD).zip(words) {
        word.store(u64::from_ne_bytes(padded(part)), Ordering::Relaxed);
    }
}
