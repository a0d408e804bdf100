//! Changing the cache, under its lock.
//!
//! Whoever is killed between any two stores leaves chains that readers can walk and entries that are whole. What is not part
//! of a chain then, an item that was being written or was just taken out, is lost to use until the next writer, who finds
//! the word CHANGING set, counts all anew (`repair`).

use super::layout::{
    BYTES, CHANGED_AT, CHANGING, EARLIEST, EXPIRED, FREE_BLOCK, FREE_ITEM, FRESH_BLOCK, FRESH_ITEM, FULL,
    HAND, LIVE, PURGED, SUSPECT, USED_BLOCKS,
};
use super::table::{Damage, Item, Link, Sizes, Table, is_linked, number_of, short, store_bytes};
use super::{CacheError, Rule};
use crate::atomic::{AtomicU64, Ordering, fence};

/// To find something to drop, so many entries are compared: with no more in the cache, it is the one that was not used
/// for longest.
const COMPARED: usize = 32;

/// Why a change is not made.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Damaged,
    Refused(CacheError),
}

impl From<Damage> for Stop {
    fn from(_: Damage) -> Self {
        Self::Damaged
    }
}

impl From<CacheError> for Stop {
    fn from(error: CacheError) -> Self {
        Self::Refused(error)
    }
}

/// Where an item hangs.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub index: usize,
    pub item: Item<'a>,
    /// The number of the word that links to it.
    before: usize,
}

/// What is to be put into the cache.
#[derive(Clone, Copy)]
pub(super) struct Order<'b> {
    pub key: &'b [u8],
    pub value: &'b [u8],
    /// When it expires (ms); 0: never.
    pub expires: u64,
    pub rule: Rule,
    pub now: u64,
}

impl<'a> Table<'a> {
    /// Does `deed`, with everything in order before it. Call it with the lock held.
    pub(super) fn change<T>(self, deed: impl Fn(Self) -> Result<T, Stop>) -> Result<T, CacheError> {
        if self.get(CHANGING) != 0 || self.get(SUSPECT) != 0 {
            self.repair();
        }
        for _ in 0..2 {
            self.set(CHANGING, 1);
            fence(Ordering::Release);
            match deed(self) {
                Err(Stop::Damaged) => self.repair(),
                Err(Stop::Refused(error)) => return self.done(Err(error)),
                Ok(value) => return self.done(Ok(value)),
            }
        }
        self.done(Err(CacheError::Damaged))
    }

    fn done<T>(self, result: T) -> T {
        self.words[CHANGING].store(0, Ordering::Release);
        result
    }

    /// Puts an entry in place.
    pub(super) fn put(self, order: Order<'_>) -> Result<(), Stop> {
        let Order { key, value, rule, now, .. } = order;
        self.layout.check_key(key)?;
        if value.len() > self.layout.longest_value() {
            let (length, most) = (value.len(), self.layout.longest_value());
            return Err(CacheError::ValueSize { length, most }.into());
        }
        let hash = self.hash(key);
        let old = self.find(key, hash)?;
        let present = old.is_some_and(|place| !is_over(place.item, now));
        match rule {
            Rule::IfAbsent if present => return Err(CacheError::Exists.into()),
            Rule::IfPresent if !present => return Err(CacheError::Missing.into()),
            Rule::Always | Rule::IfAbsent | Rule::IfPresent => {}
        }
        if old.is_some() && !present {
            self.count(EXPIRED, 1);
        }
        if self.make_room(old, value.len(), now)? == Room::InPlaceOfTheOld {
            self.remove(self.find(key, hash)?.ok_or(Stop::Damaged)?)?;
        }
        self.write(order, hash)
    }

    /// Writes the entry and links it: where its older value is, or else at the head of its chain.
    fn write(self, order: Order<'_>, hash: u64) -> Result<(), Stop> {
        // Readers that see anything of what follows see as well that the memory had been taken out of its former use.
        fence(Ordering::Release);
        let first = self.take_blocks(order.value)?;
        let (index, item) = self.take_item()?;
        // Making room may have moved what hangs before it.
        let old = self.find(order.key, hash)?;
        let before = old.map_or_else(|| self.bucket(hash), |place| place.before);
        let next = old.map_or(&self.words[before], |place| place.item.next()).load(Ordering::Relaxed);

        let version = item.version().load(Ordering::Relaxed) | 1;
        item.version().store(version, Ordering::Relaxed);
        fence(Ordering::Release);
        item.next().store(next, Ordering::Relaxed);
        item.hash().store(hash, Ordering::Relaxed);
        item.set_sizes(Sizes { key: order.key.len(), value: order.value.len() });
        item.expires().store(order.expires, Ordering::Relaxed);
        item.first_block().store(first, Ordering::Relaxed);
        item.used().store(order.now, Ordering::Relaxed);
        item.set_key(order.key);
        let version = version.wrapping_add(1);
        item.version().store(version, Ordering::Release);
        let link = Link { index, version: short(version) };
        self.words[before].store(link.to_word(), Ordering::Release);

        self.count(LIVE, 1);
        self.count(BYTES, order.value.len() as u64);
        self.note_expiry(order.expires);
        self.set(CHANGED_AT, order.now);
        if let Some(old) = old {
            self.retire(old.index, old.item)?;
        }
        Ok(())
    }

    /// Adds `by` to the number that the entry is, text in decimal. An absent one counts from 0 and expires at `expires`.
    pub(super) fn add_to(self, key: &[u8], by: i64, expires: u64, now: u64) -> Result<i64, Stop> {
        let old = self.find(key, self.hash(key))?.filter(|place| !is_over(place.item, now));
        let (number, expires) = match old {
            Some(place) => (self.number(place.item)?, place.item.expires().load(Ordering::Relaxed)),
            None => (0, expires),
        };
        let sum = number.checked_add(by).ok_or(CacheError::Overflow)?;
        let text = sum.to_string();
        self.put(Order { key, value: text.as_bytes(), expires, rule: Rule::Always, now })?;
        Ok(sum)
    }

    fn number(self, item: Item<'_>) -> Result<i64, Stop> {
        let mut text = [0; 20]; // as long as numbers get
        let length = item.sizes().value;
        let text = text.get_mut(..length).ok_or(CacheError::NotANumber)?;
        self.copy_value(item.first_block().load(Ordering::Relaxed), text)?;
        let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
        Ok(number.ok_or(CacheError::NotANumber)?)
    }

    /// Takes the entry out; `false`: there was none, or it had expired.
    pub(super) fn delete(self, key: &[u8], now: u64) -> Result<bool, Stop> {
        let Some(place) = self.find(key, self.hash(key))? else { return Ok(false) };
        let over = is_over(place.item, now);
        self.remove(place)?;
        if over {
            self.count(EXPIRED, 1);
        }
        self.set(CHANGED_AT, now);
        Ok(!over)
    }

    /// Takes everything out of some buckets.
    pub(super) fn clear(self, buckets: std::ops::Range<usize>, now: u64) -> Result<(), Stop> {
        for number in buckets {
            let before = self.layout.buckets_at + number;
            while let Some(link) = Link::from_word(self.get(before)) {
                self.remove(self.place(before, link)?)?;
            }
        }
        self.set(CHANGED_AT, now);
        Ok(())
    }

    /// Takes out what has expired among some items, but for the item `keep`. Gives how many those were.
    pub(super) fn sweep(
        self,
        items: std::ops::Range<usize>,
        keep: Option<usize>,
        now: u64,
    ) -> Result<u64, Stop> {
        let mut swept = 0;
        for index in items.filter(|index| Some(*index) != keep) {
            let item = self.item(index).ok_or(Stop::Damaged)?;
            if is_linked(item.version().load(Ordering::Relaxed)) && is_over(item, now) {
                self.remove(self.place_of(index, item)?)?;
                self.count(EXPIRED, 1);
                swept += 1;
            }
        }
        Ok(swept)
    }

    /// Whether something may have expired.
    pub(super) fn is_sweep_due(self, now: u64) -> bool {
        let earliest = self.get(EARLIEST);
        earliest != 0 && earliest <= now
    }

    /// Sweeps all items, if one may have expired.
    fn sweep_all(self, keep: Option<usize>, now: u64) -> Result<u64, Stop> {
        if !self.is_sweep_due(now) {
            return Ok(0);
        }
        let swept = self.sweep(0..self.fresh_items(), keep, now)?;
        self.find_earliest();
        Ok(swept)
    }

    /// Finds out when the next entry will expire.
    pub(super) fn find_earliest(self) {
        self.set(EARLIEST, 0);
        for item in (0..self.fresh_items()).filter_map(|index| self.item(index)) {
            if is_linked(item.version().load(Ordering::Relaxed)) {
                self.note_expiry(item.expires().load(Ordering::Relaxed));
            }
        }
    }

    pub(super) fn note_expiry(self, expires: u64) {
        let earliest = self.get(EARLIEST);
        if expires != 0 && (earliest == 0 || expires < earliest) {
            self.set(EARLIEST, expires);
        }
    }

    /// Items that were ever in use: all others lie untouched.
    pub(super) fn fresh_items(self) -> usize {
        self.bounded(FRESH_ITEM, self.layout.slots())
    }

    pub(super) fn fresh_blocks(self) -> usize {
        self.bounded(FRESH_BLOCK, self.layout.block_slots())
    }

    /// Sees to it that a value of so many bytes can be written, in place of `old` if there is one.
    fn make_room(self, old: Option<Place<'_>>, bytes: usize, now: u64) -> Result<Room, Stop> {
        let blocks = |bytes| self.layout.blocks_for(bytes) as u64;
        let (most, need) = (self.layout.blocks as u64, blocks(bytes));
        let olds = old.map_or(0, |place| blocks(place.item.sizes().value));
        loop {
            let used = self.get(USED_BLOCKS);
            let items_left = old.is_some() || self.get(LIVE) < self.layout.items as u64;
            if items_left && used.saturating_sub(olds).saturating_add(need) <= most {
                let both = used.saturating_add(need) <= most + 1;
                return Ok(if old.is_none() || both { Room::Beside } else { Room::InPlaceOfTheOld });
            }
            let keep = old.map(|place| place.index);
            if self.sweep_all(keep, now)? == 0 && !(self.layout.purge_lru && self.drop_one(keep)?) {
                self.count(FULL, 1);
                return Err(CacheError::Full.into());
            }
        }
    }

    /// Drops one of the entries that were not used for long; `false`: there is none but `keep`.
    fn drop_one(self, keep: Option<usize>) -> Result<bool, Stop> {
        let items = self.fresh_items();
        let hand = self.bounded(HAND, items);
        let mut compared = 0;
        let mut oldest: Option<(u64, usize, Item<'_>)> = None;
        for index in (hand..items).chain(0..hand).filter(|index| Some(*index) != keep) {
            let item = self.item(index).ok_or(Stop::Damaged)?;
            if !is_linked(item.version().load(Ordering::Relaxed)) {
                continue;
            }
            let used = item.used().load(Ordering::Relaxed);
            if oldest.is_none_or(|(time, ..)| used < time) {
                oldest = Some((used, index, item));
            }
            compared += 1;
            if compared == COMPARED {
                self.set(HAND, index as u64 + 1);
                break;
            }
        }
        let Some((_, index, item)) = oldest else { return Ok(false) };
        self.remove(self.place_of(index, item)?)?;
        self.count(PURGED, 1);
        Ok(true)
    }

    /// Finds the item of `key`, expired or not.
    pub(super) fn find(self, key: &[u8], hash: u64) -> Result<Option<Place<'a>>, Damage> {
        self.find_where(self.bucket(hash), |place| {
            place.item.hash().load(Ordering::Relaxed) == hash && place.item.has_key(key)
        })
    }

    /// Where the item `index` hangs, which is in a chain.
    fn place_of(self, index: usize, item: Item<'_>) -> Result<Place<'a>, Damage> {
        let bucket = self.bucket(item.hash().load(Ordering::Relaxed));
        self.find_where(bucket, |place| place.index == index)?.ok_or(Damage)
    }

    fn find_where(
        self,
        bucket: usize,
        wanted: impl Fn(Place<'a>) -> bool,
    ) -> Result<Option<Place<'a>>, Damage> {
        let mut before = bucket;
        for _ in 0..=self.layout.slots() {
            let Some(link) = Link::from_word(self.get(before)) else { return Ok(None) };
            let place = self.place(before, link)?;
            if wanted(place) {
                return Ok(Some(place));
            }
            before = place.item.next_at();
        }
        Err(Damage)
    }

    /// The item that `link` leads to, if the link is good.
    pub(super) fn place(self, before: usize, link: Link) -> Result<Place<'a>, Damage> {
        let item = self.item(link.index).ok_or(Damage)?;
        let version = item.version().load(Ordering::Relaxed);
        let good = is_linked(version) && short(version) == link.version && self.can_be(item.sizes());
        if good { Ok(Place { index: link.index, item, before }) } else { Err(Damage) }
    }

    fn remove(self, place: Place<'_>) -> Result<(), Damage> {
        let next = place.item.next().load(Ordering::Relaxed);
        self.words[place.before].store(next, Ordering::Release);
        self.retire(place.index, place.item)
    }

    /// Frees an item that is in no chain any more, and its blocks.
    fn retire(self, index: usize, item: Item<'_>) -> Result<(), Damage> {
        self.give_up(item);
        self.uncount(LIVE, 1);
        let bytes = item.sizes().value;
        self.uncount(BYTES, bytes as u64);
        let first = item.first_block().load(Ordering::Relaxed);
        let mut last = None;
        self.each_block(first, bytes, |block| last = self.next_block(block))?;
        if let Some(last) = last {
            last.store(self.get(FREE_BLOCK), Ordering::Relaxed);
            self.set(FREE_BLOCK, first);
            self.uncount(USED_BLOCKS, self.layout.blocks_for(bytes) as u64);
        }
        self.free_item(index, item);
        Ok(())
    }

    /// Tells readers that the item is not what they came for any more.
    pub(super) fn give_up(self, item: Item<'_>) {
        let version = item.version().load(Ordering::Relaxed);
        item.version().store(version | 1, Ordering::Relaxed);
        fence(Ordering::Release);
    }

    pub(super) fn free_item(self, index: usize, item: Item<'_>) {
        item.next().store(self.get(FREE_ITEM), Ordering::Relaxed);
        self.set(FREE_ITEM, index as u64 + 1);
    }

    fn take_item(self) -> Result<(usize, Item<'a>), Damage> {
        let next = |index: usize| self.item(index).map(Item::next);
        let index = self.take_free([FREE_ITEM, FRESH_ITEM], self.layout.slots(), next)?;
        let item = self.item(index).ok_or(Damage)?;
        let in_use = is_linked(item.version().load(Ordering::Relaxed));
        if in_use { Err(Damage) } else { Ok((index, item)) }
    }

    /// Writes `value` into free blocks. Gives the number of the first.
    fn take_blocks(self, value: &[u8]) -> Result<u64, Damage> {
        let next_block = |index| self.next_block(index);
        let mut first = 0;
        let mut last: Option<&AtomicU64> = None;
        for part in value.chunks(self.layout.block_words * size_of::<u64>()) {
            let index = self.take_free([FREE_BLOCK, FRESH_BLOCK], self.layout.block_slots(), next_block)?;
            self.count(USED_BLOCKS, 1);
            store_bytes(self.block(index).ok_or(Damage)?, part);
            let number = index as u64 + 1;
            match last {
                Some(last) => last.store(number, Ordering::Relaxed),
                None => first = number,
            }
            last = self.next_block(index);
        }
        Ok(first)
    }

    /// Takes the first of a list of free ones, or else one that was never in use.
    fn take_free(
        self,
        [list, fresh]: [usize; 2],
        most: usize,
        next: impl Fn(usize) -> Option<&'a AtomicU64>,
    ) -> Result<usize, Damage> {
        if let Some(index) = number_of(self.get(list)) {
            self.set(list, next(index).ok_or(Damage)?.load(Ordering::Relaxed));
            return Ok(index);
        }
        let index = self.bounded(fresh, most);
        if index == most {
            return Err(Damage);
        }
        self.set(fresh, index as u64 + 1);
        Ok(index)
    }
}

fn is_over(item: Item<'_>, now: u64) -> bool {
    let expires = item.expires().load(Ordering::Relaxed);
    expires != 0 && expires <= now
}

/// Whether the old value of an entry can stay until the new one is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Beside,
    InPlaceOfTheOld,
}
