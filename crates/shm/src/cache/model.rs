//! What lock and cache promise, in the orders in which two processes can meet, as loom tries them out (`make model`).
//!
//! The writer is the first thread, the reader the second: of the accesses to a word, loom remembers for each load the
//! last store, but for a store only the last access, which is often the writer's own load. So it finds the orders worth trying
//! when stores come first.

use std::sync::Arc;

use goherd_sys::Pid;
use loom::thread;

use super::read::Disturbed;
use super::write::Order;
use super::{Cache, Rule, Settings};
use crate::atomic::{AtomicU64, Ordering};
use crate::lock::{Lock, Taken};
use crate::seats::{Life, Seats};

const NOW: u64 = 5;

fn model(test: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.max_branches = 20_000;
    builder.check(test);
}

fn lives() -> [Life; 3] {
    let seats = Arc::new(Seats::owned(3));
    [1, 2, 3].map(|pid| seats.sit_as(Pid::new(pid).unwrap(), 0).unwrap().life())
}

/// Takes the lock, adds 1 by two steps, releases it.
fn add_one(word: &AtomicU64, total: &AtomicU64, me: Life, dead: Life) -> Taken {
    let lock = Lock::new(word);
    let taken = lock.take(me, |life| life != dead, None).unwrap();
    total.store(total.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    assert!(lock.release(me));
    taken
}

#[test]
fn a_lock_is_held_by_one_at_a_time() {
    model(|| {
        let [a, b, dead] = lives();
        let shared = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
        let other = Arc::clone(&shared);
        let thread = thread::spawn(move || add_one(&other.0, &other.1, b, dead));
        add_one(&shared.0, &shared.1, a, dead);
        thread.join().unwrap();
        assert_eq!(shared.1.load(Ordering::Relaxed), 2);
        assert_eq!(shared.0.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn the_lock_of_a_dead_holder_goes_to_one_alone() {
    model(|| {
        let [a, b, dead] = lives();
        let shared = Arc::new((AtomicU64::new(dead.number()), AtomicU64::new(0)));
        let other = Arc::clone(&shared);
        let thread = thread::spawn(move || add_one(&other.0, &other.1, b, dead));
        let mine = add_one(&shared.0, &shared.1, a, dead);
        let taken = [mine, thread.join().unwrap()];
        assert_eq!(taken.iter().filter(|taken| **taken == Taken::FromTheDead).count(), 1);
        assert_eq!(shared.1.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn the_master_releases_what_the_dead_held_while_another_takes_it_over() {
    model(|| {
        let [a, _, dead] = lives();
        let shared = Arc::new((AtomicU64::new(dead.number()), AtomicU64::new(0)));
        let other = Arc::clone(&shared);
        let master = thread::spawn(move || Lock::new(&other.0).release_of(dead));
        let taken = add_one(&shared.0, &shared.1, a, dead);
        assert_eq!(master.join().unwrap(), taken == Taken::Free);
        assert_eq!(shared.0.load(Ordering::Relaxed), 0);
    });
}

fn cache(items: u32) -> Cache {
    Cache::owned(&Settings { items, key_size: 8, block_size: 8, blocks: 2 * items, purge_lru: false })
}

fn put(cache: &Cache, key: &[u8], value: &[u8]) {
    let order = Order { key, value, expires: 0, rule: Rule::Always, now: NOW };
    cache.table().change(|table| table.put(order)).unwrap();
}

/// The value of `key`, if nobody disturbed the reader for long.
fn get(cache: &Cache, key: &[u8]) -> Result<Option<Vec<u8>>, Disturbed> {
    let table = cache.table();
    table.read(key, NOW, |seen| {
        let mut value = vec![0; seen.sizes.value];
        seen.copy(table, &mut value).map(|()| value)
    })
}

#[test]
fn a_reader_sees_the_old_value_or_the_new_one() {
    model(|| {
        let cache = Arc::new(cache(1));
        put(&cache, b"k", b"old-old-");
        let reader = Arc::clone(&cache);
        let thread = thread::spawn(move || match get(&reader, b"k") {
            Ok(Some(value)) => assert!([&b"old-old-"[..], b"new-new-", b"3rd"].contains(&&*value)),
            Ok(None) => panic!("an entry was missed"),
            Err(Disturbed) => {}
        });
        put(&cache, b"k", b"new-new-");
        put(&cache, b"k", b"3rd");
        thread.join().unwrap();
    });
}

/// Two keys of one bucket, and one of another.
fn neighbours(cache: &Cache) -> [Vec<u8>; 3] {
    let bucket = |key: &[u8]| cache.table().bucket(cache.table().hash(key));
    let first = bucket(b"0");
    let keys = || (1..).map(|number: u32| number.to_string().into_bytes());
    let near = keys().find(|key| bucket(key) == first).unwrap();
    let far = keys().find(|key| bucket(key) != first).unwrap();
    [b"0".to_vec(), near, far]
}

#[test]
fn a_reader_does_not_slip_from_an_item_into_another_chain() {
    model(|| {
        let cache = Arc::new(cache(2));
        let [stays, goes, comes] = neighbours(&cache);
        put(&cache, &stays, b"here");
        put(&cache, &goes, b"");
        let reader = Arc::clone(&cache);
        let thread = thread::spawn(move || {
            let found = get(&reader, &stays);
            assert!(matches!(&found, Err(Disturbed) | Ok(Some(_))), "an entry was missed");
        });
        let deed = |table: super::Table<'_>| table.delete(&goes, NOW);
        assert_eq!(cache.table().change(deed), Ok(true));
        put(&cache, &comes, b"");
        thread.join().unwrap();
        assert_eq!(cache.stats().items, 2);
    });
}

#[test]
fn a_repair_leaves_readers_what_is_whole() {
    model(|| {
        let cache = Arc::new(cache(2));
        let [stays, other, _] = neighbours(&cache);
        put(&cache, &stays, b"here");
        put(&cache, &other, b"there");
        let reader = Arc::clone(&cache);
        let thread = thread::spawn(move || {
            assert_eq!(get(&reader, &stays), Ok(Some(b"here".to_vec())));
        });
        cache.table().repair();
        thread.join().unwrap();
    });
}
