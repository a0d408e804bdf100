//! Copies in shared memory of what was read: each bears the mark that its key had then.

use std::sync::Arc;

use goherd_shm::cache::{Rule, Ttl};
use goherd_shm::marks::{Mark, Marks};
use goherd_shm::{Cache, Seat};
use goherd_sys::clock::Millis;

/// The bytes of a mark, before the value.
const HEAD: usize = 8;
/// Values up to this length are read without memory of their own.
const BRIEF: usize = 4096;

/// The copies of one cache.
#[derive(Debug)]
pub struct Near {
    /// The name by which keys are marked.
    pub name: String,
    /// Where the copies are.
    pub cache: Arc<Cache>,
    /// What tells the good ones.
    pub marks: Arc<Marks>,
    /// For how many milliseconds one may be served.
    pub millis: u64,
}

impl Near {
    /// Copies the beginning of the value of `key` into `buffer`, as much as it takes, if there is a good copy of it; gives
    /// the length of all of it.
    #[must_use]
    pub fn get(&self, seat: &Seat, key: &[u8], buffer: &mut [u8]) -> Option<usize> {
        let now = Millis::lately();
        let mut brief = [0; HEAD + BRIEF];
        let length = self.cache.get_slice(seat, key, &mut brief, now)?;
        let long;
        let copy = if length <= brief.len() {
            &brief[..length]
        } else {
            long = self.cache.get(seat, key, now)?;
            &long[..]
        };
        let (mark, value) = copy.split_first_chunk::<HEAD>()?;
        if Mark::from_bytes(*mark) != self.marks.of(&self.name, key) {
            return None;
        }
        let fits = value.len().min(buffer.len());
        buffer[..fits].copy_from_slice(&value[..fits]);
        Some(value.len())
    }

    /// Keeps a copy of a value that has so many milliseconds left, and whose key had this mark before Redis was asked. What
    /// finds no room is not kept.
    pub fn keep(&self, seat: &Seat, key: &[u8], value: &[u8], mark: Mark, left: Option<u64>) {
        let millis = left.map_or(self.millis, |left| left.min(self.millis));
        if millis > 0 && self.marks.of(&self.name, key) == mark {
            let copy = [&mark.to_bytes(), value].concat();
            let now = Millis::now();
            let _no_room = self.cache.put(seat, key, &copy, Ttl::Millis(millis), Rule::Always, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use goherd_shm::Seats;
    use goherd_shm::cache::Settings;

    #[test]
    fn a_copy_is_good_until_its_key_is_written() {
        let seats = Arc::new(Seats::new(4).unwrap());
        let seat = seats.sit().unwrap();
        let settings = Settings { items: 8, key_size: 16, block_size: 64, blocks: 200, purge_lru: true };
        let cache = Arc::new(Cache::new("near", &settings).unwrap());
        let near =
            Near { name: "a".to_owned(), cache, marks: Arc::new(Marks::new().unwrap()), millis: 600_000 };
        let mut buffer = [0; 3];
        let mark = near.marks.of("a", b"k");
        assert_eq!(near.get(&seat, b"k", &mut buffer), None);
        near.keep(&seat, b"k", b"value", mark, None);
        assert_eq!(near.get(&seat, b"k", &mut buffer), Some(5));
        assert_eq!(&buffer, b"val");

        near.marks.change("a", b"k");
        assert_eq!(near.get(&seat, b"k", &mut buffer), None, "it was written");
        near.keep(&seat, b"k", b"value", mark, None);
        assert_eq!(near.get(&seat, b"k", &mut buffer), None, "it was read before it was written");

        let mark = near.marks.of("a", b"k");
        near.keep(&seat, b"k", b"", mark, None);
        assert_eq!(near.get(&seat, b"k", &mut buffer), Some(0), "an empty value is one");
        let long = vec![7; 9000];
        near.keep(&seat, b"k", &long, mark, None);
        let mut all = vec![0; 9000];
        assert_eq!(near.get(&seat, b"k", &mut all), Some(9000));
        assert_eq!(all, long);

        near.keep(&seat, b"over", b"v", near.marks.of("a", b"over"), Some(0));
        assert_eq!(near.get(&seat, b"over", &mut buffer), None, "it had no time left");
        near.marks.change_all("a");
        assert_eq!(near.get(&seat, b"k", &mut all), None, "all was cleared");
    }
}
