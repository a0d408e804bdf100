//! Where connections live: numbered slots, each with a lock of its own, made in blocks as they are needed.
//!
//! A handle is a slot's number and a count that never repeats for the slot, so a handle of something that has ended is
//! told from what came after it.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::connection::Connection;
use crate::harakiri::Handler;

const BLOCK: usize = 256;

/// Names one exchange (a request and its answer) while it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeId(pub u64);

impl ExchangeId {
    pub(crate) fn new(slot: u32, sequence: u32) -> Self {
        Self(u64::from(sequence) << 32 | u64::from(slot))
    }

    pub(crate) fn slot(self) -> u32 {
        u32::try_from(self.0 & u64::from(u32::MAX)).unwrap_or(u32::MAX)
    }

    pub(crate) fn sequence(self) -> u32 {
        u32::try_from(self.0 >> 32).unwrap_or(0)
    }
}

/// A place for a connection.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    /// Counts the connections that have been here; 0 before the first.
    pub generation: u32,
    /// Counts the requests of all of them.
    pub sequence: u32,
    pub connection: Option<Box<Connection>>,
    /// Who handles the last of these requests. It may outlive the connection, and the slot is taken as long.
    pub handler: Option<Handler>,
}

type Block = Box<[Mutex<Slot>]>;

/// All slots. Blocks, once made, stay, so that a slot is found without a lock.
#[derive(Debug)]
pub(crate) struct Table {
    blocks: Box<[OnceLock<Block>]>,
    vacant: Mutex<Vacant>,
    capacity: u32,
}

#[derive(Debug, Default)]
struct Vacant {
    returned: Vec<u32>,
    never_used: u32,
}

impl Table {
    /// Room for `capacity` connections; memory is taken as they come.
    pub fn new(capacity: u32) -> Self {
        let blocks = (capacity as usize).div_ceil(BLOCK);
        Self { blocks: (0..blocks).map(|_| OnceLock::new()).collect(), vacant: Mutex::default(), capacity }
    }

    /// Locks the slot `index`.
    pub fn lock(&self, index: u32) -> Option<MutexGuard<'_, Slot>> {
        let block = self.blocks.get(index as usize / BLOCK)?.get()?;
        block.get(index as usize % BLOCK).map(locked)
    }

    /// Puts a connection into a vacant slot; answers with the slot's number and its generation, or gives it back when
    /// the table is full.
    pub fn insert(&self, connection: Box<Connection>) -> Result<(u32, u32), Box<Connection>> {
        let Some(index) = self.take_vacant() else { return Err(connection) };
        let block = self.blocks[index as usize / BLOCK]
            .get_or_init(|| (0..BLOCK).map(|_| Mutex::default()).collect());
        let mut slot = locked(&block[index as usize % BLOCK]);
        // Generation 0 is no connection's, so that small tokens are free for others (see lead.rs).
        slot.generation = slot.generation.wrapping_add(1).max(1);
        slot.connection = Some(connection);
        Ok((index, slot.generation))
    }

    fn take_vacant(&self) -> Option<u32> {
        let mut vacant = locked(&self.vacant);
        if let Some(index) = vacant.returned.pop() {
            return Some(index);
        }
        let index = vacant.never_used;
        if index >= self.capacity {
            return None;
        }
        vacant.never_used += 1;
        Some(index)
    }

    /// Makes the slot `index`, which is locked and whose connection has been taken out, vacant.
    pub fn give_back(&self, index: u32) {
        locked(&self.vacant).returned.push(index);
    }

    /// How many connections there are.
    pub fn len(&self) -> usize {
        let vacant = locked(&self.vacant);
        vacant.never_used as usize - vacant.returned.len()
    }

    /// Whether there is room for no more.
    pub fn is_full(&self) -> bool {
        self.len() >= self.capacity as usize
    }

    /// The numbers of all slots that have ever been used.
    pub fn used(&self) -> std::ops::Range<u32> {
        0..locked(&self.vacant).never_used
    }
}

/// Locks; a panic aborts the process, so no lock is ever poisoned.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_hold_both_numbers() {
        let id = ExchangeId::new(7, u32::MAX);
        assert_eq!((id.slot(), id.sequence()), (7, u32::MAX));
    }

    #[test]
    fn an_empty_table_has_no_slots_to_lock() {
        let table = Table::new(300);
        assert!(table.lock(0).is_none());
        assert!(table.lock(100_000).is_none());
        assert_eq!((table.len(), table.used()), (0, 0..0));
    }
}
