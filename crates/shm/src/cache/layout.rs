//! Where a cache has what: word numbers, computed from its settings alone, never from what lies in the memory.
//!
//! ```text
//! head ─ hits and misses, in stripes ─ buckets ─ items ─ next blocks ─ blocks
//! ```
//! A bucket is the link to the first item of its chain. A link names an item and the version that it must have. The value of
//! an item lies in a chain of blocks. There is one item and one block more than the settings say: an entry's new value is
//! put beside the old one before it takes its place.

use std::fmt;

use super::CacheError;
use crate::region::{LINE, PARAMETER_COUNT};

/// How large a cache is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The most entries: 1 to [`MOST_ITEMS`].
    pub items: u32,
    /// The longest key, in bytes: 1 to [`LONGEST_KEY`].
    pub key_size: u32,
    /// How many bytes of a value a block takes: 1 to [`LARGEST_BLOCK`], rounded up to a multiple of 8.
    pub block_size: u32,
    /// How many blocks there are for all values together: 1 to [`MOST_ITEMS`]. A value takes as many as it fills.
    pub blocks: u32,
    /// A full cache drops what was not used for longest, instead of refusing what is new.
    pub purge_lru: bool,
}

/// The most items, and the most blocks, of a cache.
pub const MOST_ITEMS: u32 = 1 << 30;
/// The longest key that can be asked for, in bytes.
pub const LONGEST_KEY: u32 = 65_535;
/// The largest block that can be asked for, in bytes.
pub const LARGEST_BLOCK: u32 = 1 << 30;

/// The settings ask for what cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingsError {
    /// A figure is beyond its range.
    Range {
        /// The setting.
        name: &'static str,
        /// What it was.
        found: u32,
        /// The most that it may be; the least is 1.
        most: u32,
    },
    /// All together are more memory than there are addresses.
    TooLarge,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range { name, found, most } => {
                write!(f, "a cache's {name} must be 1 to {most}, and {found} was asked for")
            }
            Self::TooLarge => write!(f, "the cache would take more memory than there are addresses"),
        }
    }
}

impl std::error::Error for SettingsError {}

/// The word that is the lock.
pub(super) const LOCK: usize = 0;
/// How often it was taken.
pub(super) const TURNS: usize = 1;
/// Not 0 while the structure is being changed, or after whoever changed it died.
pub(super) const CHANGING: usize = LINE;
/// Readers set it when what they find makes no sense.
pub(super) const SUSPECT: usize = LINE + 1;
/// The free items and blocks: the first of a list (its number, from 1), and how many were ever in use.
pub(super) const FREE_ITEM: usize = LINE + 2;
pub(super) const FRESH_ITEM: usize = LINE + 3;
pub(super) const FREE_BLOCK: usize = LINE + 4;
pub(super) const FRESH_BLOCK: usize = LINE + 5;
/// How many items, blocks and bytes of values are in use.
pub(super) const LIVE: usize = LINE + 6;
pub(super) const USED_BLOCKS: usize = LINE + 7;
pub(super) const BYTES: usize = LINE + 8;
/// No entry expires before this time (ms); 0: none does.
pub(super) const EARLIEST: usize = LINE + 9;
/// The item at which the next search for something to drop begins.
pub(super) const HAND: usize = LINE + 10;
/// Statistics.
pub(super) const FULL: usize = LINE + 11;
pub(super) const PURGED: usize = LINE + 12;
pub(super) const EXPIRED: usize = LINE + 13;
pub(super) const REPAIRS: usize = LINE + 14;
pub(super) const CHANGED_AT: usize = LINE + 15;

/// Hits and misses are counted in several places, so that readers on different cores do not wait for each other.
pub(super) const STRIPES: usize = if cfg!(loom) { 1 } else { 64 };
const HEAD_WORDS: usize = 2 * LINE;

/// Words of an item before its key: a cache line.
pub(super) const ITEM_HEAD: usize = if cfg!(loom) { 7 } else { 8 };

/// The figures.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub items: usize,
    pub blocks: usize,
    /// Always a power of two.
    pub buckets: usize,
    pub key_size: usize,
    pub block_words: usize,
    pub purge_lru: bool,
    /// Keys of the hash: random, so that nobody can choose keys that fall into one bucket.
    pub seeds: [u64; 2],
    pub stride: usize,
    pub buckets_at: usize,
    pub items_at: usize,
    pub next_blocks_at: usize,
    pub blocks_at: usize,
    /// All words.
    pub words: usize,
}

impl Layout {
    pub(super) fn new(settings: &Settings, seeds: [u64; 2]) -> Result<Self, SettingsError> {
        let Settings { items, key_size, block_size, blocks, purge_lru } = *settings;
        for (name, found, most) in [
            ("items", items, MOST_ITEMS),
            ("keysize", key_size, LONGEST_KEY),
            ("blocksize", block_size, LARGEST_BLOCK),
            ("blocks", blocks, MOST_ITEMS),
        ] {
            if !(1..=most).contains(&found) {
                return Err(SettingsError::Range { name, found, most });
            }
        }
        let (items, blocks) = (items as usize, blocks as usize);
        let block_words = (block_size as usize).div_ceil(size_of::<u64>());
        let buckets = items.next_power_of_two();
        let stride = item_words(key_size as usize);
        let buckets_at = HEAD_WORDS + STRIPES * LINE;
        let sizes = || {
            let items_at = buckets_at.checked_add(buckets)?.checked_next_multiple_of(LINE)?;
            let next_blocks_at = items_at.checked_add((items + 1).checked_mul(stride)?)?;
            let blocks_at = next_blocks_at.checked_add(blocks + 1)?.checked_next_multiple_of(LINE)?;
            let words = blocks_at.checked_add((blocks + 1).checked_mul(block_words)?)?;
            words.checked_mul(2 * size_of::<u64>())?; // with room for the region's head
            Some((items_at, next_blocks_at, blocks_at, words))
        };
        let (items_at, next_blocks_at, blocks_at, words) = sizes().ok_or(SettingsError::TooLarge)?;
        let key_size = key_size as usize;
        Ok(Self {
            items,
            blocks,
            buckets,
            key_size,
            block_words,
            purge_lru,
            seeds,
            stride,
            buckets_at,
            items_at,
            next_blocks_at,
            blocks_at,
            words,
        })
    }

    /// What a region's head notes of the settings.
    #[cfg(not(loom))]
    pub(super) fn parameters(settings: &Settings, seeds: [u64; 2]) -> [u64; PARAMETER_COUNT] {
        let Settings { items, key_size, block_size, blocks, purge_lru } = *settings;
        let [first, second] = seeds;
        let sizes = [items, key_size, block_size, blocks].map(u64::from);
        [sizes[0], sizes[1], sizes[2], sizes[3], purge_lru.into(), first, second, 0]
    }

    /// The settings that a region's head notes.
    #[cfg(not(loom))]
    pub(super) fn noted(parameters: [u64; PARAMETER_COUNT]) -> (Settings, [u64; 2]) {
        let [items, key_size, block_size, blocks, purge_lru, first, second, _] = parameters;
        let [items, key_size, block_size, blocks] =
            [items, key_size, block_size, blocks].map(|figure| u32::try_from(figure).unwrap_or(0));
        (Settings { items, key_size, block_size, blocks, purge_lru: purge_lru != 0 }, [first, second])
    }

    /// Items that there is memory for.
    pub(super) fn slots(&self) -> usize {
        self.items + 1
    }

    /// Blocks that there is memory for.
    pub(super) fn block_slots(&self) -> usize {
        self.blocks + 1
    }

    /// Fails if no entry can have this key.
    pub(super) fn check_key(&self, key: &[u8]) -> Result<(), CacheError> {
        let (length, most) = (key.len(), self.key_size);
        if (1..=most).contains(&length) { Ok(()) } else { Err(CacheError::KeySize { length, most }) }
    }

    /// The longest value, in bytes.
    pub(super) fn longest_value(&self) -> usize {
        (self.blocks * self.block_words * size_of::<u64>()).min(u32::MAX as usize)
    }

    /// How many blocks a value of so many bytes fills.
    pub(super) fn blocks_for(&self, bytes: usize) -> usize {
        bytes.div_ceil(self.block_words * size_of::<u64>())
    }
}

fn item_words(key_size: usize) -> usize {
    let words = ITEM_HEAD + key_size.div_ceil(size_of::<u64>());
    if cfg!(loom) { words } else { words.next_multiple_of(8) }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings { items: 100, key_size: 20, block_size: 100, blocks: 50, purge_lru: false }
    }

    #[test]
    fn parts_follow_each_other_on_lines_of_their_own() {
        let layout = Layout::new(&settings(), [0; 2]).unwrap();
        assert_eq!((layout.buckets, layout.stride, layout.block_words), (128, 16, 13));
        assert!(layout.items_at >= layout.buckets_at + 128 && layout.items_at.is_multiple_of(LINE));
        assert!(layout.next_blocks_at >= layout.items_at + 101 * 16);
        assert!(layout.blocks_at >= layout.next_blocks_at + 51 && layout.blocks_at.is_multiple_of(LINE));
        assert_eq!(layout.words, layout.blocks_at + 51 * 13);
        assert_eq!(layout.longest_value(), 50 * 104);
        assert_eq!([0, 1, 104, 105].map(|bytes| layout.blocks_for(bytes)), [0, 1, 1, 2]);
    }

    #[test]
    fn settings_are_read_back_from_the_head() {
        let parameters = Layout::parameters(&settings(), [7, 8]);
        assert_eq!(Layout::noted(parameters), (settings(), [7, 8]));
    }

    #[test]
    fn what_cannot_be_is_said() {
        let refusal = |settings: Settings| Layout::new(&settings, [0; 2]).unwrap_err().to_string();
        let none = refusal(Settings { items: 0, ..settings() });
        assert_eq!(none, "a cache's items must be 1 to 1073741824, and 0 was asked for");
        assert!(refusal(Settings { key_size: 65_536, ..settings() }).contains("keysize"));
        assert!(refusal(Settings { block_size: 0, ..settings() }).contains("blocksize"));
        assert!(refusal(Settings { blocks: u32::MAX, ..settings() }).contains("blocks"));
        let huge =
            Settings { block_size: LARGEST_BLOCK, blocks: MOST_ITEMS, items: MOST_ITEMS, ..settings() };
        // 2^60 bytes of blocks: a number that addresses have room for, and that the kernel will refuse.
        assert!(Layout::new(&huge, [0; 2]).is_ok());
    }
}
