//! What a cache promises to one process, over memory that Miri can see through.

use std::sync::Arc;

use super::*;
use crate::atomic::killable::killed_after;
use crate::seats::Seats;
use goherd_sys::Pid;

const NOW: Millis = Millis(1_000_000);
const LATER: Millis = Millis(1_000_100);

struct Case {
    cache: Cache,
    seats: Arc<Seats>,
    seat: Seat,
}

fn small() -> Settings {
    Settings { items: 4, key_size: 20, block_size: 16, blocks: 8, purge_lru: false }
}

fn case(settings: &Settings) -> Case {
    let seats = Arc::new(Seats::owned(2));
    let nobody = Pid::new(1 << 30).unwrap(); // beyond what Linux gives
    let seat = seats.sit_as(nobody, 0).unwrap();
    Case { cache: Cache::owned(settings), seats, seat }
}

impl Case {
    fn put(&self, key: &str, value: &str) -> Result<(), CacheError> {
        self.put_by(key, value, Ttl::Endless, Rule::Always, NOW)
    }

    fn put_by(&self, key: &str, value: &str, ttl: Ttl, rule: Rule, now: Millis) -> Result<(), CacheError> {
        self.cache.put(&self.seat, key.as_bytes(), value.as_bytes(), ttl, rule, now)
    }

    fn get(&self, key: &str) -> Option<String> {
        self.get_at(key, NOW)
    }

    fn get_at(&self, key: &str, now: Millis) -> Option<String> {
        let value = self.cache.get(&self.seat, key.as_bytes(), now)?;
        Some(String::from_utf8_lossy(&value).into_owned())
    }

    fn delete(&self, key: &str) -> bool {
        self.cache.delete(&self.seat, key.as_bytes(), NOW).unwrap()
    }

    fn add(&self, key: &str, by: i64) -> Result<i64, CacheError> {
        self.cache.add_to(&self.seat, key.as_bytes(), by, Ttl::Endless, NOW)
    }

    fn keys(&self) -> Vec<String> {
        let keys = self.cache.keys(&self.seat, NOW);
        let mut keys: Vec<_> = keys.map(|key| String::from_utf8_lossy(&key).into_owned()).collect();
        keys.sort();
        keys
    }
}

#[test]
fn values_of_all_sizes_come_back() {
    let case = case(&small());
    for length in [0, 1, 7, 8, 15, 16, 17, 31, 32, 33, 128] {
        let value = "abcdefghij".repeat(13)[..length].to_owned();
        assert_eq!(case.put("key", &value), Ok(()));
        assert_eq!(case.get("key").as_deref(), Some(value.as_str()), "{length}");
        assert_eq!(case.cache.stats().blocks, length.div_ceil(16) as u64);
    }
    assert_eq!(case.cache.stats().items, 1);
    assert_eq!(case.get("kex"), None);
    assert_eq!(case.get("keyy"), None);
    assert_eq!(case.get(""), None);
    let mut buffer = [b'-'; 4];
    case.put("key", "0123456789").unwrap();
    assert_eq!(case.cache.get_slice(&case.seat, b"key", &mut buffer, NOW), Some(10));
    assert_eq!(&buffer, b"0123");
    let mut buffer = [b'-'; 12];
    assert_eq!(case.cache.get_slice(&case.seat, b"key", &mut buffer, NOW), Some(10));
    assert_eq!(&buffer, b"0123456789--");
}

#[test]
fn keys_of_all_lengths_are_told_apart() {
    let case = case(&Settings { items: 25, blocks: 25, ..small() });
    let key = |length: usize| "x".repeat(length);
    for length in 1..=20 {
        case.put(&key(length), &length.to_string()).unwrap();
    }
    for length in 1..=20 {
        assert_eq!(case.get(&key(length)), Some(length.to_string()));
    }
    assert_eq!(case.keys().len(), 20);
}

#[test]
fn rules_say_when_a_put_takes_place() {
    let case = case(&small());
    let put = |value, rule| case.put_by("key", value, Ttl::Endless, rule, NOW);
    assert_eq!(put("a", Rule::IfPresent), Err(CacheError::Missing));
    assert_eq!(put("b", Rule::IfAbsent), Ok(()));
    assert_eq!(put("c", Rule::IfAbsent), Err(CacheError::Exists));
    assert_eq!(case.get("key").as_deref(), Some("b"));
    assert_eq!(put("d", Rule::IfPresent), Ok(()));
    assert_eq!(put("e", Rule::Always), Ok(()));
    assert_eq!(case.get("key").as_deref(), Some("e"));
    assert!(case.delete("key"));
    assert!(!case.delete("key"));
    assert!(!case.cache.exists(&case.seat, b"key", NOW));
}

#[test]
fn sizes_beyond_the_settings_are_refused_with_the_figures() {
    let case = case(&small());
    let refusal = |key: &str, value: &str| case.put(key, value).unwrap_err().to_string();
    assert_eq!(
        refusal(&"k".repeat(21), ""),
        "the key has 21 bytes, and the cache takes keys of up to 20 (keysize)"
    );
    assert_eq!(refusal("", ""), "the key is empty");
    assert_eq!(
        refusal("k", &"v".repeat(129)),
        "the value has 129 bytes, and all blocks of the cache have 128"
    );
    assert_eq!(case.get(&"k".repeat(1000)), None);
}

#[test]
fn a_full_cache_refuses_what_is_new_and_takes_what_replaces() {
    let case = case(&small());
    for key in ["a", "b", "c", "d"] {
        case.put(key, "0123456789abcdefg").unwrap(); // two blocks each
    }
    assert_eq!(case.put("e", ""), Err(CacheError::Full));
    assert_eq!(case.put("a", &"new".repeat(11)), Err(CacheError::Full)); // three blocks
    assert_eq!(case.get("a").as_deref(), Some("0123456789abcdefg"));
    assert_eq!(case.put("a", &"new".repeat(10)), Ok(())); // two, where there is one beside
    assert_eq!(case.get("a").unwrap().len(), 30);
    assert!(case.delete("b"));
    assert_eq!(case.put("e", "x"), Ok(()));
    let stats = case.cache.stats();
    assert_eq!((stats.full, stats.items, stats.blocks, stats.bytes), (2, 4, 7, 30 + 17 + 17 + 1));
    assert_eq!(stats.purged, 0);
}

#[test]
fn with_purge_lru_what_was_not_used_for_longest_goes() {
    let case = case(&Settings { purge_lru: true, ..small() });
    for (key, at) in [("a", 1), ("b", 2), ("c", 3), ("d", 4)] {
        case.put_by(key, "v", Ttl::Endless, Rule::Always, NOW.after(at)).unwrap();
    }
    assert!(case.get_at("a", NOW.after(5)).is_some());
    case.put_by("e", "v", Ttl::Endless, Rule::Always, NOW.after(6)).unwrap();
    assert_eq!(case.keys(), ["a", "c", "d", "e"]);
    // A value that needs all blocks drops all others.
    case.put_by("a", &"v".repeat(128), Ttl::Endless, Rule::Always, NOW.after(7)).unwrap();
    assert_eq!(case.keys(), ["a"]);
    assert_eq!(case.cache.stats().purged, 4);
    assert_eq!(case.cache.stats().full, 0);
}

#[test]
fn entries_expire_by_the_time_that_is_passed_in() {
    let case = case(&small());
    case.put_by("a", "v", Ttl::Millis(100), Rule::Always, NOW).unwrap();
    case.put_by("b", "v", Ttl::Millis(101), Rule::Always, NOW).unwrap();
    case.put("c", "v").unwrap();
    assert_eq!(case.cache.ttl(&case.seat, b"a", NOW.after(99)), Some(Ttl::Millis(1)));
    assert_eq!(case.cache.ttl(&case.seat, b"c", LATER), Some(Ttl::Endless));
    assert_eq!(case.cache.ttl(&case.seat, b"a", LATER), None);
    assert_eq!(case.get_at("a", LATER), None);
    assert!(case.get_at("b", LATER).is_some());
    assert_eq!(case.put_by("a", "w", Ttl::Endless, Rule::IfPresent, LATER), Err(CacheError::Missing));
    assert_eq!(case.put_by("a", "w", Ttl::Endless, Rule::IfAbsent, LATER), Ok(()));
    assert_eq!(case.get_at("a", LATER).as_deref(), Some("w"));
    assert_eq!(case.cache.sweep(&case.seat, LATER), Ok(0));
    assert_eq!(case.cache.sweep(&case.seat, LATER.after(1)), Ok(1));
    assert_eq!(case.cache.stats().expired, 2);
    assert_eq!(case.keys(), ["a", "c"]);
}

#[test]
fn a_full_cache_takes_back_the_room_of_what_expired() {
    let case = case(&small());
    for key in ["a", "b", "c", "d"] {
        case.put_by(key, "v", Ttl::Millis(100), Rule::Always, NOW).unwrap();
    }
    assert_eq!(case.put_by("e", "v", Ttl::Endless, Rule::Always, NOW.after(99)), Err(CacheError::Full));
    assert_eq!(case.put_by("e", "v", Ttl::Endless, Rule::Always, LATER), Ok(()));
    assert_eq!((case.cache.stats().items, case.cache.stats().expired), (1, 4));
}

#[test]
fn numbers_are_added_to_as_text() {
    let case = case(&small());
    assert_eq!(case.add("n", 5), Ok(5));
    assert_eq!(case.add("n", -7), Ok(-2));
    assert_eq!(case.get("n").as_deref(), Some("-2"));
    case.put("n", "9223372036854775807").unwrap();
    assert_eq!(case.add("n", 1), Err(CacheError::Overflow));
    case.put("n", "-9223372036854775808").unwrap();
    assert_eq!(case.add("n", -1), Err(CacheError::Overflow));
    assert_eq!(case.get("n").as_deref(), Some("-9223372036854775808"));
    assert_eq!(case.add("n", 1), Ok(i64::MIN + 1));
    for text in ["", "x", " 1", "1.5", "9223372036854775808", "000000000000000000001"] {
        case.put("n", text).unwrap();
        assert_eq!(case.add("n", 1), Err(CacheError::NotANumber), "{text:?}");
    }
}

#[test]
fn a_number_keeps_its_time() {
    let case = case(&small());
    let add = |now| case.cache.add_to(&case.seat, b"n", 1, Ttl::Millis(100), now);
    assert_eq!(add(NOW), Ok(1));
    assert_eq!(add(NOW.after(60)), Ok(2));
    assert_eq!(case.cache.ttl(&case.seat, b"n", NOW.after(60)), Some(Ttl::Millis(40)));
    assert_eq!(add(LATER), Ok(1));
}

#[test]
fn clearing_leaves_nothing() {
    let case = case(&Settings { items: 40, blocks: 40, ..small() });
    for number in 0..40 {
        case.put(&number.to_string(), "v").unwrap();
    }
    case.cache.clear(&case.seat, NOW).unwrap();
    assert_eq!(case.keys(), Vec::<String>::new());
    let stats = case.cache.stats();
    assert_eq!((stats.items, stats.bytes, stats.blocks), (0, 0, 0));
    case.put("1", "again").unwrap();
    assert_eq!(case.get("1").as_deref(), Some("again"));
}

#[test]
fn hits_and_misses_are_counted() {
    let case = case(&small());
    case.put("a", "v").unwrap();
    let (_hit, _miss) = (case.get("a"), case.get("b"));
    let _neither = case.cache.exists(&case.seat, b"a", NOW);
    assert_eq!((case.cache.stats().hits, case.cache.stats().misses), (1, 1));
    assert_eq!(case.cache.stats().changed_at, NOW);
}

#[test]
fn entries_are_listed_with_values_and_times() {
    let case = case(&small());
    case.put_by("a", "0123456789abcdefXYZ", Ttl::Millis(100), Rule::Always, NOW).unwrap();
    case.put_by("b", "", Ttl::Millis(1), Rule::Always, NOW).unwrap();
    let entries: Vec<_> = case.cache.entries(&case.seat, NOW.after(1)).collect();
    let only = Entry { key: b"a".to_vec(), value: b"0123456789abcdefXYZ".to_vec(), ttl: Ttl::Millis(99) };
    assert_eq!(entries, [only]);
}

/// What a writer does, to be killed at each of its stores.
type Deed = fn(&Case);

#[test]
fn a_writer_may_be_killed_at_every_store() {
    let deeds: [(&str, Deed); 6] = [
        ("replace", |case| case.put("a", "a: new value, in three blocks").unwrap()),
        ("replace in place", |case| case.put("b", &format!("b: {}", "v".repeat(77))).unwrap()),
        ("insert", |case| case.put("d", "d: new").unwrap()),
        ("delete", |case| assert!(case.delete("b"))),
        ("clear", |case| case.cache.clear(&case.seat, NOW).unwrap()),
        ("repair", |case| case.cache.table().repair()),
    ];
    for (name, deed) in deeds {
        let mut stores = 0;
        while killed_at(stores, name, deed) {
            stores += if cfg!(miri) { 9 } else { 1 }; // it takes its time
        }
        assert!(stores > 5, "{name} is more than {stores} stores");
    }
}

/// Kills `deed` after so many stores, then looks what others find.
fn killed_at(stores: u32, name: &str, deed: Deed) -> bool {
    let case = case(&small());
    case.put("a", "a: old").unwrap();
    case.put("b", "b: old value, of two blocks").unwrap();
    case.put("c", "c: old value, of two blocks").unwrap();
    let killed = killed_after(stores, || deed(&case));
    let after = format!("{name}, killed after {stores} stores");
    let read = |key: &str| {
        let value = case.get(key);
        assert!(value.as_deref().is_none_or(|value| value.starts_with(key)), "{after}: {value:?}");
        value
    };
    let (a, c) = (read("a"), read("c"));
    if name != "clear" {
        assert!(a.is_some() && c.is_some(), "{after}: an entry is lost that was not being written");
        assert!(read("b").is_some() || ["delete", "replace in place"].contains(&name), "{after}");
    }
    // The next writer finds the lock held by a process that lives no more.
    let next = case.seats.sit_as(Pid::new(8).unwrap(), 0).unwrap();
    case.cache.delete(&next, b"none", NOW).unwrap();
    assert_eq!((read("a"), read("c")), (a, c), "{after}");
    case.cache.clear(&next, NOW).unwrap();
    let stats = case.cache.stats();
    assert_eq!((stats.items, stats.blocks, stats.bytes), (0, 0, 0), "{after}: something leaked");
    // All room is there: all blocks by one value, all items.
    let room = |key: &str, value: &str| {
        case.cache.put(&next, key.as_bytes(), value.as_bytes(), Ttl::Endless, Rule::Always, NOW)
    };
    assert_eq!(room("a", &"v".repeat(128)), Ok(()), "{after}");
    for key in ["a", "b", "c", "d"] {
        assert_eq!(room(key, "0123456789abcdefg"), Ok(()), "{after}");
    }
    killed
}

#[test]
fn whatever_bytes_lie_in_the_memory_nothing_panics_and_nothing_runs_for_ever() {
    let case = case(&Settings { purge_lru: true, ..small() });
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let rounds = if cfg!(miri) { 20 } else { 2000 };
    for round in 0..rounds {
        for key in ["a", "b", "c"] {
            let _full_perhaps = case.put(key, "a value that needs more than one block");
        }
        let words = case.cache.region.words();
        for _ in 0..=(random() % 4) {
            let word = usize::try_from(random() % words.len() as u64).unwrap();
            if word != layout::LOCK {
                let small = random() % 12;
                words[word].store(if round % 2 == 0 { random() } else { small }, Ordering::Relaxed);
            }
        }
        let _any = (case.get("a"), case.get("b"), case.keys(), case.cache.stats());
        let _any = (case.cache.delete(&case.seat, b"b", NOW), case.add("n", 1));
        let _any = case.put("d", "0123456789012345678901234567890123456789");
        let _any = case.cache.sweep(&case.seat, LATER);
        if round % 50 == 0 {
            case.cache.table().repair();
            case.cache.clear(&case.seat, NOW).unwrap();
            assert_eq!(case.put("a", "in order again"), Ok(()));
            assert_eq!(case.get("a").as_deref(), Some("in order again"));
        }
    }
}

#[test]
fn readers_and_writers_of_many_threads_see_whole_values_and_miss_nothing_that_is_there() {
    let seats = Arc::new(Seats::owned(8));
    let cache =
        Cache::owned(&Settings { items: 16, key_size: 8, block_size: 16, blocks: 64, purge_lru: false });
    let writes = if cfg!(miri) { 40 } else { 5000 };
    let seat = || seats.sit().unwrap();
    // "stays" is written all the time and never deleted; all others come and go.
    let mine = seat();
    let value = |number: usize, length: usize| vec![b'a' + u8::try_from(number % 26).unwrap(); length];
    cache.put(&mine, b"stays", &value(0, 40), Ttl::Endless, Rule::Always, NOW).unwrap();
    std::thread::scope(|scope| {
        for _ in 2..4 {
            let (cache, seat) = (&cache, seat());
            scope.spawn(move || {
                let mut buffer = Vec::new();
                for _ in 0..writes {
                    assert!(cache.get_into(&seat, b"stays", &mut buffer, NOW), "an entry was missed");
                    assert!(buffer.iter().all(|byte| *byte == buffer[0]), "a torn value: {buffer:?}");
                    if cache.get_into(&seat, b"k3", &mut buffer, NOW) {
                        assert!(buffer.iter().all(|byte| *byte == buffer[0]), "a torn value: {buffer:?}");
                    }
                    let listed = cache.keys(&seat, NOW).filter(|key| key == b"stays").count();
                    assert_eq!(listed, 1);
                }
            });
        }
        scope.spawn(|| {
            let seat = seat();
            for number in 0..writes {
                let key = format!("k{}", number % 12);
                let put = value(number, number % 60);
                let _full = cache.put(&seat, key.as_bytes(), &put, Ttl::Endless, Rule::Always, NOW);
                cache.delete(&seat, format!("k{}", number * 7 % 12).as_bytes(), NOW).unwrap();
            }
        });
        for number in 0..writes {
            cache.put(&mine, b"stays", &value(number, 33), Ttl::Endless, Rule::Always, NOW).unwrap();
        }
    });
    assert_eq!(cache.stats().repairs, 0);
}

#[test]
fn links_that_make_no_sense_are_put_right_by_the_reader_who_comes_upon_them() {
    let case = case(&Settings { items: 1, ..small() });
    case.put("a", "v").unwrap();
    let bucket = case.cache.table().layout.buckets_at;
    let words = case.cache.region.words();
    words[bucket].fetch_add(7 << 32, Ordering::Relaxed); // the version of an item that is none
    assert_eq!(case.get("a"), None);
    assert_eq!(case.cache.stats().repairs, 1);
    assert_eq!(case.put("a", "w"), Ok(()));
    assert_eq!(case.get("a").as_deref(), Some("w"));
}

#[test]
fn a_holder_that_lives_and_does_not_go_on_keeps_writers_for_a_moment_and_readers_not_at_all() {
    let case = case(&small());
    let seats = Arc::new(Seats::owned(2));
    let (stopped, other) = (seats.sit().unwrap(), seats.sit().unwrap());
    case.put("a", "v").unwrap();
    case.cache.lock(&stopped).unwrap();
    let put = case.cache.put(&other, b"a", b"w", Ttl::Endless, Rule::Always, NOW);
    assert_eq!(put, Err(CacheError::Busy));
    assert_eq!(case.get("a").as_deref(), Some("v"));
    assert_eq!(case.keys(), ["a"]);
}

#[test]
#[cfg_attr(miri, ignore = "hands memory on")]
fn a_cache_is_adopted_with_what_is_in_it() {
    use std::os::fd::AsFd;
    let case = Case { cache: Cache::new("test", &small()).unwrap(), ..case(&small()) };
    case.put("a", "v").unwrap();
    let adopted = Cache::adopt(case.cache.as_fd().try_clone_to_owned().unwrap()).unwrap();
    assert_eq!(adopted.settings(), small());
    assert_eq!(adopted.get(&case.seat, b"a", NOW), Some(b"v".to_vec()));
    let refused = Cache::adopt(Seats::new(3).unwrap().as_fd().try_clone_to_owned().unwrap());
    assert_eq!(refused.unwrap_err().to_string(), "the descriptor is not of a cache");
}
