//! Reading without a lock.
//!
//! An item does not change while it is part of a chain: a new value is a new item, which takes the place of the old one by
//! one store to the link before it. What is taken out of a chain gets another version before its memory serves for
//! something else. So a reader notes an item's version, reads, and believes what it read if the version is the same
//! afterwards. As each link tells the version of the item that it leads to, a reader cannot slip from one chain into
//! another unnoticed; items come into a chain at its head alone, and keep their order, so one that is there all the time is
//! not missed either.
//!
//! Readers wait for no writer, not even for one that was killed in the middle: the chains are whole at every moment. A
//! reader who is disturbed again and again by writers of the same chain tries anew, and in the end asks for the
//! lock (`Cache`).

use super::layout::SUSPECT;
use super::table::{Damage, Item, Link, Sizes, Table, short};
use crate::atomic::{Ordering, fence, relax};

/// How often a reader tries anew before it asks for the lock.
const TRIES: u32 = if cfg!(loom) { 3 } else { 100 };

/// Somebody changed what was being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Disturbed;

/// What is known of an item before its value is read.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub item: Item<'a>,
    version: u64,
    pub sizes: Sizes,
    /// When it expires (ms); 0: never.
    pub expires: u64,
    first_block: u64,
}

impl Seen<'_> {
    pub(super) fn is_over(&self, now: u64) -> bool {
        self.expires != 0 && self.expires <= now
    }

    /// Whether all that was read of the item so far belongs together.
    #[inline]
    pub(super) fn is_still_so(&self) -> bool {
        fence(Ordering::Acquire);
        self.item.version().load(Ordering::Relaxed) == self.version
    }

    /// Copies the beginning of its value, as much as `out` takes; `out` is not longer than the value.
    #[inline]
    pub(super) fn copy(&self, table: Table<'_>, out: &mut [u8]) -> Result<(), Disturbed> {
        table.copy_value(self.first_block, out).map_err(|Damage| Disturbed)
    }
}

impl<'a> Table<'a> {
    /// Looks `key` up and gives what `take` makes of its entry; `None`: there is none, or it has expired.
    #[inline]
    pub(super) fn read<T>(
        self,
        key: &[u8],
        now: u64,
        mut take: impl FnMut(Seen<'a>) -> Result<T, Disturbed>,
    ) -> Result<Option<T>, Disturbed> {
        let hash = self.hash(key);
        for _ in 0..TRIES {
            if let Ok(found) = self.walk(key, hash, now, &mut take) {
                return Ok(found);
            }
            relax();
        }
        Err(Disturbed)
    }

    #[inline]
    fn walk<T>(
        self,
        key: &[u8],
        hash: u64,
        now: u64,
        take: &mut impl FnMut(Seen<'a>) -> Result<T, Disturbed>,
    ) -> Result<Option<T>, Disturbed> {
        let mut word = self.words[self.bucket(hash)].load(Ordering::Acquire);
        for _ in 0..=self.layout.slots() {
            let Some(link) = Link::from_word(word) else { return Ok(None) };
            let (item, version) = self.follow(link)?;
            let next = item.next().load(Ordering::Relaxed);
            if item.hash().load(Ordering::Relaxed) == hash && item.has_key(key) {
                let seen = self.see(item, version)?;
                if seen.is_over(now) {
                    return Ok(None);
                }
                let taken = take(seen)?;
                return if seen.is_still_so() { Ok(Some(taken)) } else { Err(Disturbed) };
            }
            fence(Ordering::Acquire);
            if item.version().load(Ordering::Relaxed) != version {
                return Err(Disturbed);
            }
            word = next;
        }
        self.set(SUSPECT, 1); // a chain without an end
        Err(Disturbed)
    }

    #[inline]
    fn follow(self, link: Link) -> Result<(Item<'a>, u64), Disturbed> {
        let item = self.item(link.index).ok_or(Disturbed)?;
        let version = item.version().load(Ordering::Acquire);
        if short(version) == link.version && version.is_multiple_of(2) {
            Ok((item, version))
        } else {
            Err(Disturbed)
        }
    }

    #[inline]
    fn see(self, item: Item<'a>, version: u64) -> Result<Seen<'a>, Disturbed> {
        let seen = Seen {
            item,
            version,
            sizes: item.sizes(),
            expires: item.expires().load(Ordering::Relaxed),
            first_block: item.first_block().load(Ordering::Relaxed),
        };
        // The sizes decide on how much memory is asked for, so they are not believed unchecked.
        if seen.is_still_so() && self.can_be(seen.sizes) { Ok(seen) } else { Err(Disturbed) }
    }

    /// Gives what `take` makes of each entry in the bucket `number` that has not expired, in the order of the chain.
    pub(super) fn read_bucket<T>(
        self,
        number: usize,
        now: u64,
        mut take: impl FnMut(Seen<'a>) -> Result<T, Disturbed>,
    ) -> Result<Vec<T>, Disturbed> {
        for _ in 0..TRIES {
            if let Ok(entries) = self.walk_bucket(number, now, &mut take) {
                return Ok(entries);
            }
            relax();
        }
        Err(Disturbed)
    }

    fn walk_bucket<T>(
        self,
        number: usize,
        now: u64,
        take: &mut impl FnMut(Seen<'a>) -> Result<T, Disturbed>,
    ) -> Result<Vec<T>, Disturbed> {
        let mut entries = Vec::new();
        let mut word = self.words[self.layout.buckets_at + number].load(Ordering::Acquire);
        for _ in 0..=self.layout.slots() {
            let Some(link) = Link::from_word(word) else { return Ok(entries) };
            let (item, version) = self.follow(link)?;
            let next = item.next().load(Ordering::Relaxed);
            let seen = self.see(item, version)?;
            if !seen.is_over(now) {
                entries.push(take(seen)?);
            }
            if !seen.is_still_so() {
                return Err(Disturbed);
            }
            word = next;
        }
        self.set(SUSPECT, 1);
        Err(Disturbed)
    }
}
