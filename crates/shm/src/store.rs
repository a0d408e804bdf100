//! A cache in a file, so that it outlives the server.
//!
//! The file is written beside its place and moved there whole: a crash leaves the old one or the new one. Reading checks all
//! of it before the first entry is taken: what is damaged is refused, with the reason, and the cache stays as it was.
//!
//! Format, all numbers little-endian: the head (magic, version, wall time of the saving in ms, CRC-32 of these), then for each
//! entry its head (length of the key, 4 bytes; length of the value, 4; time left in ms, 8, all ones for ever; CRC-32
//! of these 16 and of key and value), key and value; then an entry's head with lengths of all ones and the number of entries.
//!
//! Times to live run on while the server is down, by the wall clock: it is the only one that does. If it was set back
//! meanwhile, entries live as long as they had left when they were saved, never longer.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use goherd_sys::clock::Millis;
use goherd_sys::folder;

use crate::cache::{Cache, CacheError, Entry, Rule, Ttl};
use crate::seats::Seat;

const MAGIC: [u8; 8] = *b"goherd\0C";
const VERSION: u32 = 1;
const HEAD: usize = 24;
const ENTRY_HEAD: usize = 20;
const END: u32 = u32::MAX;
const ENDLESS: u64 = u64::MAX;

/// Why a cache is not saved or not restored.
#[derive(Debug)]
pub enum StoreError {
    /// The file cannot be read or written.
    Io {
        /// What was done with it.
        deed: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The file does not hold a whole cache.
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: Fault,
    },
    /// The cache does not take an entry.
    Cache(CacheError),
}

/// What is wrong with the bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does not begin as such files do.
    NoStore,
    /// Another version of the format.
    Version(u32),
    /// The bytes of its numbers are in the order of another machine.
    ByteOrder,
    /// It ends too early, after so many whole entries.
    Truncated(u64),
    /// What follows so many whole entries does not have its checksum.
    Damaged(u64),
    /// Something follows its end.
    Longer,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStore => write!(f, "it is no stored cache"),
            Self::Version(found) => {
                write!(f, "its format has version {found}, and this Goherd reads version {VERSION}")
            }
            Self::ByteOrder => write!(f, "a machine with the other byte order wrote it"),
            Self::Truncated(entries) => write!(f, "it ends too early, after {entries} entries"),
            Self::Damaged(entries) => write!(f, "it is damaged after {entries} entries"),
            Self::Longer => write!(f, "something follows its end"),
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { deed, path, error } => write!(f, "cannot {deed} {}: {error}", path.display()),
            Self::Refused { path, fault } => {
                write!(f, "cannot restore a cache from {}: {fault}", path.display())
            }
            Self::Cache(error) => write!(f, "cannot restore a cache: {error}"),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            Self::Refused { .. } => None,
            Self::Cache(error) => Some(error),
        }
    }
}

/// What came of restoring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Entries that are in the cache now.
    pub entries: u64,
    /// Entries whose time was over meanwhile.
    pub expired: u64,
    /// Entries for which the cache has no room: it is smaller than the one that was saved.
    pub refused: u64,
}

/// Saves all entries in `path`, and gives how many those are. `now` and `wall_ms` (milliseconds since 1970) are the same moment
/// by both clocks. One process at a time saves a cache; others may write to it meanwhile.
pub fn save(cache: &Cache, seat: &Seat, path: &Path, now: Millis, wall_ms: u64) -> Result<u64, StoreError> {
    let new = beside(path);
    let saved = write_new(&new, cache.entries(seat, now), wall_ms)
        .and_then(|count| fs::rename(&new, path).map(|()| count).map_err(failed("replace", path)));
    match saved {
        Err(error) => {
            let _half_of_one_is_of_no_use = fs::remove_file(&new);
            Err(error)
        }
        Ok(count) => {
            // The new name is on the disk when the folder is. Not every file system offers that, and none loses the file for it.
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let _synced = folder::sync(parent.unwrap_or(Path::new(".")));
            Ok(count)
        }
    }
}

/// Writes entries to a file that nobody else has made.
fn write_new(path: &Path, entries: impl Iterator<Item = Entry>, wall_ms: u64) -> Result<u64, StoreError> {
    // What lies there is left of a saving that was cut short, or a trap: a link to a file of somebody else's.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("remove", path)(error)),
        Ok(()) | Err(_) => {}
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut out = BufWriter::new(file.map_err(failed("create", path))?);
    let count = write_all(&mut out, entries, wall_ms).map_err(failed("write", path))?;
    let file = out.into_inner().map_err(|error| failed("write", path)(error.into_error()))?;
    file.sync_all().map_err(failed("write", path))?;
    Ok(count)
}

fn failed(deed: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_path_buf();
    move |error| StoreError::Io { deed, path, error }
}

/// Puts the entries of the file `path` into `cache`, where they replace those with the same keys. `now` and `wall_ms`
/// are the same moment by both clocks. On an error about the file, nothing has been put.
pub fn restore(
    cache: &Cache,
    seat: &Seat,
    path: &Path,
    now: Millis,
    wall_ms: u64,
) -> Result<Restored, StoreError> {
    read_file(path, |_, _| Ok(()))?;
    let mut restored = Restored::default();
    read_file(path, |saved_ms, entry| {
        let down_ms = wall_ms.saturating_sub(saved_ms);
        let ttl = match entry.ttl {
            Ttl::Endless => Ttl::Endless,
            Ttl::Millis(left) if left <= down_ms => {
                restored.expired += 1;
                return Ok(());
            }
            Ttl::Millis(left) => Ttl::Millis(left - down_ms),
        };
        match cache.put(seat, &entry.key, &entry.value, ttl, Rule::Always, now) {
            Ok(()) => restored.entries += 1,
            Err(CacheError::Full | CacheError::KeySize { .. } | CacheError::ValueSize { .. }) => {
                restored.refused += 1;
            }
            Err(error) => return Err(StoreError::Cache(error)),
        }
        Ok(())
    })?;
    Ok(restored)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

fn read_file(path: &Path, visit: impl FnMut(u64, Entry) -> Result<(), StoreError>) -> Result<(), StoreError> {
    let unread = |error| failed("read", path)(error);
    let file = folder::open_ordinary(path).map_err(unread)?;
    let length = file.metadata().map_err(unread)?.len();
    read_all(&mut Source { input: BufReader::new(file), left: length }, visit).map_err(|stop| match stop {
        Stop::Io(error) => unread(error),
        Stop::Fault(fault) => StoreError::Refused { path: path.to_path_buf(), fault },
        Stop::Visitor(error) => error,
    })
}

fn write_all(out: &mut impl Write, entries: impl Iterator<Item = Entry>, wall_ms: u64) -> io::Result<u64> {
    let mut head = Vec::from(MAGIC);
    head.extend(VERSION.to_le_bytes());
    head.extend(wall_ms.to_le_bytes());
    head.extend(crc32fast::hash(&head).to_le_bytes());
    out.write_all(&head)?;
    let mut count = 0;
    for entry in entries {
        let ttl = match entry.ttl {
            Ttl::Endless => ENDLESS,
            Ttl::Millis(left) => left.min(ENDLESS - 1),
        };
        let lengths = [&entry.key, &entry.value].map(|bytes| u32::try_from(bytes.len()).unwrap_or(END));
        out.write_all(&entry_head(lengths, ttl, &[&entry.key, &entry.value]))?;
        out.write_all(&entry.key)?;
        out.write_all(&entry.value)?;
        count += 1;
    }
    out.write_all(&entry_head([END, END], count, &[]))?;
    out.flush()?;
    Ok(count)
}

fn entry_head(lengths: [u32; 2], ttl: u64, parts: &[&[u8]]) -> Vec<u8> {
    let mut head: Vec<u8> = lengths.iter().flat_map(|length| length.to_le_bytes()).collect();
    head.extend(ttl.to_le_bytes());
    let mut sum = crc32fast::Hasher::new();
    sum.update(&head);
    parts.iter().for_each(|part| sum.update(part));
    head.extend(sum.finalize().to_le_bytes());
    head
}

/// Why reading ends early.
#[derive(Debug)]
enum Stop<E> {
    Io(io::Error),
    Fault(Fault),
    Visitor(E),
}

/// Bytes, and how many there are still: no length that the file claims asks for more memory than it has bytes.
struct Source<R> {
    input: R,
    left: u64,
}

impl<R: Read> Source<R> {
    /// The next `length` bytes, or `fault` if there are fewer.
    fn take<E>(&mut self, length: usize, fault: Fault) -> Result<Vec<u8>, Stop<E>> {
        self.left = self.left.checked_sub(length as u64).ok_or(Stop::Fault(fault))?;
        let mut bytes = vec![0; length];
        self.input.read_exact(&mut bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Stop::Fault(fault),
            _ => Stop::Io(error),
        })?;
        Ok(bytes)
    }
}

/// Calls `visit` with the time of the saving and each entry. Entries before a fault are visited too.
fn read_all<R: Read, E>(
    source: &mut Source<R>,
    mut visit: impl FnMut(u64, Entry) -> Result<(), E>,
) -> Result<(), Stop<E>> {
    let saved_ms = read_head(source)?;
    let mut count = 0;
    loop {
        let head = source.take(ENTRY_HEAD, Fault::Truncated(count))?;
        let lengths = [u32_at(&head, 0), u32_at(&head, 4)];
        let ttl = u64_at(&head, 8);
        if lengths == [END, END] {
            if head != entry_head(lengths, count, &[]) {
                return Err(Stop::Fault(Fault::Damaged(count)));
            }
            return if source.left == 0 { Ok(()) } else { Err(Stop::Fault(Fault::Longer)) };
        }
        let [key, value] = lengths.map(|length| source.take(length as usize, Fault::Truncated(count)));
        let (key, value) = (key?, value?);
        if head != entry_head(lengths, ttl, &[&key, &value]) {
            return Err(Stop::Fault(Fault::Damaged(count)));
        }
        let ttl = if ttl == ENDLESS { Ttl::Endless } else { Ttl::Millis(ttl) };
        visit(saved_ms, Entry { key, value, ttl }).map_err(Stop::Visitor)?;
        count += 1;
    }
}

fn read_head<R: Read, E>(source: &mut Source<R>) -> Result<u64, Stop<E>> {
    let head = source.take(HEAD, Fault::NoStore)?;
    if !head.starts_with(&MAGIC) {
        return Err(Stop::Fault(Fault::NoStore));
    }
    match u32_at(&head, 8) {
        VERSION => {}
        found if found == VERSION.swap_bytes() => return Err(Stop::Fault(Fault::ByteOrder)),
        found => return Err(Stop::Fault(Fault::Version(found))),
    }
    if crc32fast::hash(&head[..HEAD - 4]) != u32_at(&head, HEAD - 4) {
        return Err(Stop::Fault(Fault::Damaged(0)));
    }
    Ok(u64_at(&head, 12))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes were cut"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes were cut"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::cache::Settings;
    use crate::seats::Seats;

    const NOW: Millis = Millis(5_000);
    const WALL: u64 = 1_800_000_000_000;

    fn cache(items: u32) -> (Cache, Seat) {
        let settings = Settings { items, key_size: 30, block_size: 16, blocks: 4 * items, purge_lru: false };
        (Cache::new("store", &settings).unwrap(), Arc::new(Seats::new(1).unwrap()).sit().unwrap())
    }

    /// A folder that goes away with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("goherd-store-{}-{name}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn file(&self) -> PathBuf {
            self.0.join("cache")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _gone = fs::remove_dir_all(&self.0);
        }
    }

    fn filled(items: u32) -> (Cache, Seat) {
        let (cache, seat) = cache(items);
        let put =
            |key: &[u8], value: &[u8], ttl| cache.put(&seat, key, value, ttl, Rule::Always, NOW).unwrap();
        put(b"endless", b"a value of more than one block", Ttl::Endless);
        put(b"empty", b"", Ttl::Millis(1_000));
        put(b"long", &[0xff; 60], Ttl::Millis(100_000));
        (cache, seat)
    }

    fn entries(cache: &Cache, seat: &Seat, now: Millis) -> Vec<Entry> {
        let mut entries: Vec<_> = cache.entries(seat, now).collect();
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        entries
    }

    #[test]
    fn a_cache_comes_back_with_what_is_left_of_its_times() {
        let folder = Folder::new("back");
        let (old, seat) = filled(8);
        assert_eq!(save(&old, &seat, &folder.file(), NOW, WALL).unwrap(), 3);
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
        let (new, seat) = cache(8);
        // After a boot of the machine the monotonic clock has begun anew.
        let restored = restore(&new, &seat, &folder.file(), Millis(7), WALL + 30_000).unwrap();
        assert_eq!(restored, Restored { entries: 2, expired: 1, refused: 0 });
        let left: Vec<_> = entries(&new, &seat, Millis(7)).into_iter().map(|entry| entry.ttl).collect();
        assert_eq!(left, [Ttl::Endless, Ttl::Millis(70_000)]);
        assert_eq!(new.get(&seat, b"endless", NOW).unwrap(), b"a value of more than one block");
        // The wall clock was set back: nobody lives longer than was left.
        let (new, seat) = cache(8);
        restore(&new, &seat, &folder.file(), Millis(7), WALL - 1_000_000).unwrap();
        assert_eq!(entries(&new, &seat, Millis(7)), entries(&old, &seat, NOW));
    }

    #[test]
    fn what_lies_beside_the_file_is_no_trap() {
        let folder = Folder::new("trap");
        let (cache, seat) = filled(8);
        let (precious, new) = (folder.0.join("precious"), folder.0.join("cache.new"));
        fs::write(&precious, "precious").unwrap();
        std::os::unix::fs::symlink(&precious, &new).unwrap();
        assert_eq!(save(&cache, &seat, &folder.file(), NOW, WALL).unwrap(), 3);
        assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
        // What cannot be saved leaves the old file, and nothing else.
        fs::remove_file(folder.file()).unwrap();
        fs::create_dir(folder.file()).unwrap();
        let error = save(&cache, &seat, &folder.file(), NOW, WALL).unwrap_err().to_string();
        assert!(error.contains("cannot replace "), "{error}");
        assert!(!new.exists());
        let error = restore(&cache, &seat, &folder.file(), NOW, WALL).unwrap_err().to_string();
        assert!(error.contains("cannot read "), "{error}");
    }

    #[test]
    fn a_smaller_cache_takes_what_it_has_room_for() {
        let folder = Folder::new("smaller");
        let (old, seat) = filled(8);
        save(&old, &seat, &folder.file(), NOW, WALL).unwrap();
        let (new, seat) = cache(1);
        let restored = restore(&new, &seat, &folder.file(), NOW, WALL).unwrap();
        assert_eq!((restored.entries, restored.refused), (1, 2));
    }

    fn stored() -> Vec<u8> {
        let (cache, seat) = filled(8);
        let mut bytes = Vec::new();
        write_all(&mut bytes, cache.entries(&seat, NOW), WALL).unwrap();
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Vec<Entry>, Fault> {
        let mut entries = Vec::new();
        let mut source = Source { input: bytes, left: bytes.len() as u64 };
        let visit = |_, entry| {
            entries.push(entry);
            Ok::<(), ()>(())
        };
        match read_all(&mut source, visit) {
            Ok(()) => Ok(entries),
            Err(Stop::Fault(fault)) => Err(fault),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_that_is_not_whole_is_refused_with_the_reason_and_nothing_is_put() {
        let folder = Folder::new("refused");
        let refusal = |bytes: &[u8]| {
            fs::write(folder.file(), bytes).unwrap();
            let (cache, seat) = cache(8);
            let error = restore(&cache, &seat, &folder.file(), NOW, WALL).unwrap_err().to_string();
            assert_eq!(cache.stats().items, 0);
            error.rsplit_once(": ").unwrap().1.to_owned()
        };
        let whole = stored();
        assert_eq!(refusal(b""), "it is no stored cache");
        assert_eq!(refusal(b"<html>, a page of more than 24 bytes"), "it is no stored cache");
        assert_eq!(refusal(&whole[..whole.len() - 1]), "it ends too early, after 3 entries");
        assert_eq!(refusal(&[&whole[..], b"x"].concat()), "something follows its end");
        let with = |at: usize, bytes: &[u8]| [&whole[..at], bytes, &whole[at + bytes.len()..]].concat();
        let version = refusal(&with(8, &2_u32.to_le_bytes()));
        assert_eq!(version, "its format has version 2, and this Goherd reads version 1");
        assert_eq!(refusal(&with(8, &1_u32.to_be_bytes())), "a machine with the other byte order wrote it");
        assert_eq!(refusal(&with(12, &[0; 4])), "it is damaged after 0 entries");
        // A length of all the memory there is: no more is asked for than the file has.
        assert_eq!(refusal(&with(HEAD + 4, &[0xfe; 4])), "it ends too early, after 0 entries");
        let missing = restore(&cache(1).0, &cache(1).1, &folder.0.join("none"), NOW, WALL).unwrap_err();
        assert!(missing.to_string().starts_with("cannot read /"), "{missing}");
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_the_old_one() {
        let folder = Folder::new("old");
        let (cache, seat) = filled(8);
        save(&cache, &seat, &folder.file(), NOW, WALL).unwrap();
        let before = fs::read(folder.file()).unwrap();
        fs::create_dir(beside(&folder.file())).unwrap();
        let error = save(&cache, &seat, &folder.file(), NOW, WALL).unwrap_err().to_string();
        assert!(error.starts_with("cannot remove /") && error.contains("cache.new"), "{error}");
        assert_eq!(fs::read(folder.file()).unwrap(), before);
    }

    proptest! {
        #[test]
        fn no_flipped_bit_goes_unnoticed(at in 0_usize..10_000, bit in 0_u8..8) {
            let mut bytes = stored();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            prop_assert!(read(&bytes).is_err());
        }

        #[test]
        fn no_cut_goes_unnoticed(at in 0_usize..10_000) {
            let bytes = stored();
            prop_assert!(read(&bytes[..at % bytes.len()]).is_err());
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(read(&bytes).is_err());
            let mut behind_a_head = stored()[..HEAD].to_vec();
            behind_a_head.extend(&bytes);
            prop_assert!(read(&behind_a_head).is_err());
        }

        #[test]
        fn what_is_written_is_read(
            written in proptest::collection::vec(
                (proptest::collection::vec(any::<u8>(), 1..20), proptest::collection::vec(any::<u8>(), 0..50), any::<u64>()),
                0..10,
            ),
        ) {
            let written: Vec<_> = written
                .into_iter()
                .map(|(key, value, left)| Entry { key, value, ttl: Ttl::Millis(left / 2) })
                .collect();
            let mut bytes = Vec::new();
            write_all(&mut bytes, written.iter().cloned(), WALL).unwrap();
            prop_assert_eq!(read(&bytes), Ok(written));
        }
    }
}
