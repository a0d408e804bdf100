//! What must hold for any bytes in the file of a cache: for tests (`seeds.rs`) and for the fuzzer.
//!
//! A file is read whole or refused with a sentence. What was read is what a file of it gives again.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use goherd_shm::cache::{Entry, Settings};
use goherd_shm::{Cache, Seat, Seats, store};
use goherd_sys::clock::Millis;

const NOW: Millis = Millis(5_000);
const WALL: u64 = 1_800_000_000_000;
/// Of the file's head, and of an entry's; each ends with its checksum.
const HEAD: usize = 24;
const ENTRY_HEAD: usize = 20;

/// As they are, and with right checksums, which hardly any input has by itself.
pub fn store(bytes: &[u8]) {
    reads_or_refuses(bytes);
    reads_or_refuses(&with_right_sums(bytes));
}

fn cache() -> (Cache, Seat) {
    let settings = Settings { items: 8, key_size: 40, block_size: 32, blocks: 24, purge_lru: false };
    let cache = Cache::new("check", &settings).expect("memory can be had");
    let seats = Arc::new(Seats::new(2).expect("memory can be had"));
    (cache, seats.sit().expect("there is a seat"))
}

fn reads_or_refuses(bytes: &[u8]) {
    let file = File::of(bytes);
    let (first, seat) = cache();
    let restored = match store::restore(&first, &seat, &file.path, NOW, WALL) {
        Ok(restored) => restored,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert_eq!(entries(&first, &seat), [], "nothing is put of a file that is refused: {error}");
            return;
        }
    };
    let found = entries(&first, &seat);
    assert!(found.len() as u64 <= restored.entries, "keys may come twice");
    store::save(&first, &seat, &file.path, NOW, WALL).expect("the file can be written");
    let (second, seat) = cache();
    let again = store::restore(&second, &seat, &file.path, NOW, WALL).expect("what was saved is read");
    assert_eq!((again.entries, again.expired, again.refused), (found.len() as u64, 0, 0));
    assert_eq!(entries(&second, &seat), found);
}

fn entries(cache: &Cache, seat: &Seat) -> Vec<Entry> {
    let mut entries: Vec<_> = cache.entries(seat, NOW).collect();
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    entries
}

/// The same with the checksums that a reader wants, as far as there are heads to have one.
fn with_right_sums(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes.len() < HEAD {
        return bytes;
    }
    let sum = crc32fast::hash(&bytes[..HEAD - 4]);
    bytes[HEAD - 4..HEAD].copy_from_slice(&sum.to_le_bytes());
    let mut at = HEAD;
    while let Some(head) = bytes.get(at..at + ENTRY_HEAD) {
        let length =
            |from: usize| u32::from_le_bytes([head[from], head[from + 1], head[from + 2], head[from + 3]]);
        let (key, value) = (length(0), length(4));
        let is_end = key == u32::MAX && value == u32::MAX;
        let body = if is_end { 0 } else { key as usize + value as usize };
        let end = (at + ENTRY_HEAD).saturating_add(body).min(bytes.len());
        let mut sum = crc32fast::Hasher::new();
        sum.update(&bytes[at..at + ENTRY_HEAD - 4]);
        sum.update(&bytes[at + ENTRY_HEAD..end]);
        bytes[at + ENTRY_HEAD - 4..at + ENTRY_HEAD].copy_from_slice(&sum.finalize().to_le_bytes());
        at = end;
    }
    bytes
}

/// A file that goes away with the check.
struct File {
    path: PathBuf,
}

impl File {
    fn of(bytes: &[u8]) -> Self {
        // Memory, where there is such a folder: a fuzzer writes thousands a second.
        let folder = PathBuf::from("/dev/shm");
        let folder = if folder.is_dir() { folder } else { std::env::temp_dir() };
        let name = format!("goherd-check-{}-{:?}", std::process::id(), std::thread::current().id());
        let path = folder.join(name);
        let mut file = std::fs::File::create(&path).expect("a file can be made");
        file.write_all(bytes).expect("a file can be written");
        Self { path }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.path);
    }
}
