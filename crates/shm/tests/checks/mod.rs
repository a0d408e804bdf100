//! What must hold for any bytes as the file of a cache. `../store_seeds.rs` calls it with the files of `fuzz/seeds/store`, and the
//! fuzzer (`make fuzz`) with what it can think of.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use goherd_shm::cache::{Cache, Entry, Settings};
use goherd_shm::seats::{Seat, Seats};
use goherd_shm::store;
use goherd_sys::clock::Millis;

const HEAD: usize = 24;
const ENTRY_HEAD: usize = 20;
const NOW: Millis = Millis(1_000);
const WALL_MS: u64 = 1_800_000_000_000;

/// `bytes` are the file, as they are and with all checksums put right.
pub fn store(bytes: &[u8]) {
    restored(bytes);
    restored(&mended(bytes));
}

fn restored(bytes: &[u8]) {
    let seats = Arc::new(Seats::new(4).expect("there is memory"));
    let seat = seats.sit().expect("a seat is free");
    let path = file();
    fs::write(&path, bytes).expect("it can be written");
    let cache = cache();
    let outcome = store::restore(&cache, &seat, &path, NOW, WALL_MS);
    let entries = sorted(&cache, &seat);
    if let Ok(restored) = outcome {
        // Entries with the same key count each time, and are one.
        assert!(restored.entries >= entries.len() as u64, "{restored:?}, {entries:?}");
        store::save(&cache, &seat, &path, NOW, WALL_MS).expect("it can be saved");
        let again = self::cache();
        let count = store::restore(&again, &seat, &path, NOW, WALL_MS).expect("it is whole").entries;
        assert_eq!((count, sorted(&again, &seat)), (entries.len() as u64, entries));
    } else {
        assert!(entries.is_empty(), "{outcome:?}, and yet {entries:?}");
    }
    fs::remove_file(&path).expect("it is there");
}

fn cache() -> Cache {
    let settings = Settings { items: 8, key_size: 16, block_size: 16, blocks: 16, purge_lru: false };
    Cache::new("check", &settings).expect("there is memory")
}

fn sorted(cache: &Cache, seat: &Seat) -> Vec<(Vec<u8>, Vec<u8>)> {
    let pair = |Entry { key, value, .. }| (key, value);
    let mut entries: Vec<_> = cache.entries(seat, NOW).map(pair).collect();
    entries.sort();
    entries
}

fn file() -> PathBuf {
    let folder = if PathBuf::from("/dev/shm").is_dir() { "/dev/shm".into() } else { std::env::temp_dir() };
    folder.join(format!("goherd-store-{}-{:?}", std::process::id(), std::thread::current().id()))
}

/// The same with right checksums, which no fuzzer would find.
fn mended(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes.len() < HEAD {
        return bytes;
    }
    let sum = crc32fast::hash(&bytes[..HEAD - 4]);
    bytes[HEAD - 4..HEAD].copy_from_slice(&sum.to_le_bytes());
    let mut at = HEAD;
    while let Some(head) = bytes.get(at..at + ENTRY_HEAD) {
        let length = |place: usize| {
            u32::from_le_bytes(head[place..place + 4].try_into().expect("they are four")) as usize
        };
        let is_end = length(0) == u32::MAX as usize && length(4) == u32::MAX as usize;
        let size = if is_end { Some(0) } else { length(0).checked_add(length(4)) };
        let Some(parts) =
            size.and_then(|size| bytes.get(at + ENTRY_HEAD..(at + ENTRY_HEAD).checked_add(size)?))
        else {
            break;
        };
        let mut sum = crc32fast::Hasher::new();
        sum.update(&head[..ENTRY_HEAD - 4]);
        sum.update(parts);
        let next = at + ENTRY_HEAD + parts.len();
        bytes[at + ENTRY_HEAD - 4..at + ENTRY_HEAD].copy_from_slice(&sum.finalize().to_le_bytes());
        at = next;
    }
    bytes
}
