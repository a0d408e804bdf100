//! Putting right what a dead writer left, or whatever else happened to the memory: what hangs in the chains and makes sense
//! is kept, all else is free.
//!
//! Readers go on meanwhile. Being killed here is no harm either: the next one begins anew.

use super::layout::{
    BYTES, CHANGING, EARLIEST, FREE_BLOCK, FREE_ITEM, FRESH_BLOCK, FRESH_ITEM, LIVE, REPAIRS, SUSPECT,
    USED_BLOCKS,
};
use super::table::{Damage, Link, Table};
use super::write::Place;
use crate::atomic::Ordering;

/// What was found in use.
struct Found {
    items: Vec<bool>,
    blocks: Vec<bool>,
}

impl Table<'_> {
    /// Counts all anew, under the lock.
    pub(super) fn repair(self) {
        self.set(CHANGING, 1);
        for word in [LIVE, USED_BLOCKS, BYTES, EARLIEST, FREE_ITEM, FREE_BLOCK] {
            self.set(word, 0);
        }
        let mut found =
            Found { items: vec![false; self.layout.slots()], blocks: vec![false; self.layout.block_slots()] };
        for number in 0..self.layout.buckets {
            self.keep_chain(self.layout.buckets_at + number, &mut found);
        }
        self.free_items(&found.items);
        self.free_blocks(&found.blocks);
        self.count(REPAIRS, 1);
        self.set(SUSPECT, 0);
        self.words[CHANGING].store(0, Ordering::Release);
    }

    /// Keeps the chain of a bucket, up to the first link that makes no sense.
    fn keep_chain(self, bucket: usize, found: &mut Found) {
        let mut before = bucket;
        while let Some(link) = Link::from_word(self.get(before)) {
            let Ok(place) = self.place(before, link) else { break };
            let hash = place.item.hash().load(Ordering::Relaxed);
            if found.items[place.index] || self.bucket(hash) != bucket || self.keep(place, found).is_err() {
                break;
            }
            before = place.item.next_at();
        }
        self.words[before].store(0, Ordering::Release);
    }

    fn keep(self, place: Place<'_>, found: &mut Found) -> Result<(), Damage> {
        let bytes = place.item.sizes().value;
        let mut blocks = Vec::new();
        let first = place.item.first_block().load(Ordering::Relaxed);
        self.each_block(first, bytes, |block| blocks.push(block))?;
        for (kept, block) in blocks.iter().enumerate() {
            if std::mem::replace(&mut found.blocks[*block], true) {
                for mine in &blocks[..kept] {
                    found.blocks[*mine] = false;
                }
                return Err(Damage);
            }
        }
        found.items[place.index] = true;
        self.count(LIVE, 1);
        self.count(BYTES, bytes as u64);
        self.count(USED_BLOCKS, blocks.len() as u64);
        self.note_expiry(place.item.expires().load(Ordering::Relaxed));
        Ok(())
    }

    fn free_items(self, in_use: &[bool]) {
        let fresh = self.fresh_items().max(beyond_last(in_use));
        self.set(FRESH_ITEM, fresh as u64);
        for index in (0..fresh).rev().filter(|index| !in_use[*index]) {
            if let Some(item) = self.item(index) {
                self.give_up(item);
                self.free_item(index, item);
            }
        }
    }

    fn free_blocks(self, in_use: &[bool]) {
        let fresh = self.fresh_blocks().max(beyond_last(in_use));
        self.set(FRESH_BLOCK, fresh as u64);
        for index in (0..fresh).rev().filter(|index| !in_use[*index]) {
            if let Some(next) = self.next_block(index) {
                next.store(self.get(FREE_BLOCK), Ordering::Relaxed);
                self.set(FREE_BLOCK, index as u64 + 1);
            }
        }
    }
}

fn beyond_last(in_use: &[bool]) -> usize {
    in_use.iter().rposition(|used| *used).map_or(0, |last| last + 1)
}
