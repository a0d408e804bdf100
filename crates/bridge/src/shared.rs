//! The functions by which the Go package reaches what all processes share: caches, locks, metrics, things done once.
//!
//! They are like those of `abi`, but that they may wait for another process for as long as that changes a structure: for
//! microseconds, and at most for a moment if it was stopped or killed at it. Whoever waits for a lock asks again.
//!
//! # Safety
//!
//! The caller's duty is that of `abi`.

#![allow(
    clippy::missing_safety_doc,
    reason = "one duty for all, above; the functions' comments go to C as they stand"
)]

use goherd_shm::cache::{CacheError, Rule, Ttl};
use goherd_shm::commons::NamedCache;
use goherd_shm::locks::LockError;
use goherd_shm::metrics::{Metric, MetricError, What};
use goherd_shm::names::NameError;
use goherd_shm::once::{Begun, OnceError};
use goherd_shm::{Cache, Commons, Seat, Taken};
use goherd_sys::clock::Millis;

use crate::abi::{GOHERD_EAGAIN, GOHERD_ENOSERVER, borrow, borrow_mut, signed};
use crate::context::{Share, context};
use crate::remote;

/// There is no such entry, cache, lock or metric.
pub const GOHERD_EMISSING: i64 = -7;
/// There is an entry with this key.
pub const GOHERD_EEXISTS: i64 = -8;
/// There is no room.
pub const GOHERD_EFULL: i64 = -9;
/// The key is empty or longer than `goherd_cache_longest` says.
pub const GOHERD_EKEY: i64 = -10;
/// The value is longer than `goherd_cache_longest` says.
pub const GOHERD_EVALUE: i64 = -11;
/// The entry is not a number.
pub const GOHERD_ENUMBER: i64 = -12;
/// The sum is no number of 64 bits.
pub const GOHERD_EOVERFLOW: i64 = -13;
/// Another process holds what is needed and does not go on, though it lives.
pub const GOHERD_EBUSY: i64 = -14;
/// Something other than Goherd has written to the shared memory.
pub const GOHERD_EDAMAGED: i64 = -15;
/// It is no name: those have 1 to 63 letters, digits or any of `_ . : / -`.
pub const GOHERD_ENAME: i64 = -16;
/// The metric is of the other kind.
pub const GOHERD_EKIND: i64 = -17;
/// This process does not hold it.
pub const GOHERD_ENOTHELD: i64 = -18;

/// `goherd_cache_put`: always.
pub const GOHERD_ALWAYS: u32 = 0;
/// `goherd_cache_put`: only if there is no entry with that key.
pub const GOHERD_IF_ABSENT: u32 = 1;
/// `goherd_cache_put`: only if there is one.
pub const GOHERD_IF_PRESENT: u32 = 2;

/// The time of an entry that lives until it is deleted.
pub const GOHERD_ENDLESS: u64 = 9_223_372_036_854_775_807;
/// The time that entries of this cache usually live.
pub const GOHERD_USUAL: u64 = 0;

/// A metric that only grows.
pub const GOHERD_COUNTER: u32 = 1;
/// A metric that goes up and down.
pub const GOHERD_GAUGE: u32 = 2;

/// The number of the cache with this name, the first one for an empty name, or an error. One that lies elsewhere has a number
/// from `GOHERD_REMOTE` on, and is reached by other functions than those of shared memory: `goherd_remote_ask` and its like.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_cache_find(name: *const u8, length: usize) -> i64 {
    // SAFETY: the caller says that so many bytes are there, unchanged during the call.
    let name = unsafe { borrow(name, length) };
    with_share(|Share { commons, remotes, .. }| {
        if let Some(number) = remote::find(remotes, name) {
            return number;
        }
        let found = commons.caches.iter().position(|cache| name.is_empty() || cache.name.as_bytes() == name);
        found.map_or(GOHERD_EMISSING, signed)
    })
}

/// The longest key that the cache takes, in bytes, or the longest value, if `of_values` is not 0; or an error.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_cache_longest(cache: u32, of_values: u32) -> i64 {
    with_cache(cache, |NamedCache { cache, .. }, _| {
        signed(if of_values == 0 { cache.longest_key() } else { cache.longest_value() })
    })
}

/// Copies the beginning of the value of a key into the `length` bytes at `buffer`, as much as they take: gives the length of
/// all of it, or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_cache_get(
    cache: u32,
    key: *const u8,
    key_length: usize,
    buffer: *mut u8,
    length: usize,
) -> i64 {
    // SAFETY: the caller says that so many bytes are there, unchanged during the call.
    let key = unsafe { borrow(key, key_length) };
    // SAFETY: the caller says that so many bytes are its own to be written during the call.
    let buffer = unsafe { borrow_mut(buffer, length) };
    with_cache(cache, |NamedCache { cache, .. }, seat| {
        cache.get_slice(seat, key, buffer, Millis::lately()).map_or_else(|| no_entry(cache, key), signed)
    })
}

/// Puts an entry, which lives for `millis` milliseconds (or `GOHERD_USUAL`, `GOHERD_ENDLESS`), if `rule` (`GOHERD_ALWAYS` and
/// its like) allows it: 0 or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_cache_put(
    cache: u32,
    key: *const u8,
    key_length: usize,
    value: *const u8,
    value_length: usize,
    millis: u64,
    rule: u32,
) -> i64 {
    // SAFETY: the caller says that so many bytes are there, unchanged during the call.
    let key = unsafe { borrow(key, key_length) };
    // SAFETY: as above.
    let value = unsafe { borrow(value, value_length) };
    let rule = match rule {
        GOHERD_IF_ABSENT => Rule::IfAbsent,
        GOHERD_IF_PRESENT => Rule::IfPresent,
        _ => Rule::Always,
    };
    with_cache(cache, |named, seat| {
        let put = named.cache.put(seat, key, value, ttl(named, millis), rule, Millis::lately());
        put.map_or_else(cache_error, |()| 0)
    })
}

/// Adds `by` to the number that an entry is, and writes the sum to `sum`: 0 or an error. An absent entry counts from 0 and
/// lives for `millis` milliseconds, as for `goherd_cache_put`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_cache_add(
    cache: u32,
    key: *const u8,
    key_length: usize,
    by: i64,
    millis: u64,
    sum: *mut i64,
) -> i64 {
    // SAFETY: the caller says that so many bytes are there, unchanged during the call.
    let key = unsafe { borrow(key, key_length) };
    with_cache(cache, |named, seat| {
        match named.cache.add_to(seat, key, by, ttl(named, millis), Millis::lately()) {
            Err(error) => cache_error(error),
            Ok(_) if sum.is_null() => 0,
            Ok(total) => {
                // SAFETY: not null, so the caller's own to be written.
                unsafe { sum.write(total) };
                0
            }
        }
    })
}

/// Deletes an entry: 0 or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_cache_delete(cache: u32, key: *const u8, key_length: usize) -> i64 {
    // SAFETY: the caller says that so many bytes are there, unchanged during the call.
    let key = unsafe { borrow(key, key_length) };
    with_cache(cache, |NamedCache { cache, .. }, seat| match cache.delete(seat, key, Millis::lately()) {
        Ok(true) => 0,
        Ok(false) => no_entry(cache, key),
        Err(error) => cache_error(error),
    })
}

/// For how many milliseconds an entry lives on, at most `GOHERD_ENDLESS`, or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_cache_ttl(cache: u32, key: *const u8, key_length: usize) -> i64 {
    // SAFETY: the caller says that so many bytes are there, unchanged during the call.
    let key = unsafe { borrow(key, key_length) };
    with_cache(cache, |NamedCache { cache, .. }, seat| match cache.ttl(seat, key, Millis::lately()) {
        None => no_entry(cache, key),
        Some(Ttl::Endless) => i64::MAX,
        Some(Ttl::Millis(left)) => i64::try_from(left).unwrap_or(i64::MAX),
    })
}

/// Deletes all entries: 0 or an error.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_cache_clear(cache: u32) -> i64 {
    with_cache(cache, |NamedCache { cache, .. }, seat| {
        cache.clear(seat, Millis::lately()).map_or_else(cache_error, |()| 0)
    })
}

/// Writes the keys of a portion of the cache, each behind its length as a `uint32_t`, into the `length` bytes at `buffer`:
/// gives how many bytes they are, of which nothing is written if they are more than `length`; or an error. The portions
/// are numbered from 0, and after the last one comes `GOHERD_EMISSING`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_cache_keys(cache: u32, portion: u32, buffer: *mut u8, length: usize) -> i64 {
    // SAFETY: the caller says that so many bytes are its own to be written during the call.
    let buffer = unsafe { borrow_mut(buffer, length) };
    with_cache(cache, |NamedCache { cache, .. }, seat| {
        let Some(keys) = cache.keys_in(portion as usize, seat, Millis::lately()) else {
            return GOHERD_EMISSING;
        };
        let mut block = Vec::new();
        for key in keys {
            block.extend(u32::try_from(key.len()).unwrap_or(0).to_ne_bytes());
            block.extend(key);
        }
        if let Some(room) = buffer.get_mut(..block.len()) {
            room.copy_from_slice(&block);
        }
        signed(block.len())
    })
}

/// Tries to take the lock with this number: 0, 1 if its holder died with it, or an error; `GOHERD_EAGAIN`: it is held.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_lock(number: u32) -> i64 {
    with_share(|Share { commons, seat, .. }| match commons.locks.lock(number, seat, Some(0)) {
        Ok(Taken::Free) => 0,
        Ok(Taken::FromTheDead) => 1,
        Err(error) => lock_error(error),
    })
}

/// Releases the lock with this number: 0 or an error.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_unlock(number: u32) -> i64 {
    with_share(|Share { commons, seat, .. }| {
        commons.locks.unlock(number, seat).map_or_else(lock_error, |()| 0)
    })
}

/// How many locks there are, numbered from 0; or an error.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_locks() -> i64 {
    with_share(|Share { commons, .. }| commons.locks.count().into())
}

/// The number of the metric with this name, made if there is none: `GOHERD_COUNTER` or `GOHERD_GAUGE`; or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_metric(name: *const u8, length: usize, what: u32) -> i64 {
    // SAFETY: the caller says that so many bytes are there, unchanged during the call.
    let name = unsafe { borrow(name, length) };
    let what = if what == GOHERD_COUNTER { What::Counter } else { What::Gauge };
    with_name(name, |name, Share { commons, seat, .. }| match commons.metrics.register(name, what, seat) {
        Ok(metric) => i64::from(metric.number()),
        Err(MetricError::Name(error)) => name_error(&error),
        Err(MetricError::OtherKind { .. }) => GOHERD_EKIND,
    })
}

/// Adds to a metric: 0 or an error.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_metric_add(metric: u32, by: i64) -> i64 {
    with_metric(metric, |commons, metric| {
        commons.metrics.add(metric, by);
        0
    })
}

/// Sets a metric: 0 or an error.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_metric_set(metric: u32, value: i64) -> i64 {
    with_metric(metric, |commons, metric| {
        commons.metrics.set(metric, value);
        0
    })
}

/// The value of a metric; 0 also if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_metric_value(metric: u32) -> i64 {
    let value = |context: &crate::Context| {
        let metrics = &context.shared.commons.metrics;
        metrics.numbered(metric).map(|metric| metrics.value(metric))
    };
    context().and_then(value).unwrap_or(0)
}

/// Begins what is to be done once: 1 if the caller is to do it and then to call `goherd_once_end`, 0 if it is done; or an
/// error, `GOHERD_EAGAIN` while a process is at it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_once_begin(name: *const u8, length: usize) -> i64 {
    // SAFETY: the caller says that so many bytes are there, unchanged during the call.
    let name = unsafe { borrow(name, length) };
    with_name(name, |name, Share { commons, seat, .. }| match commons.once.begin(name, seat, Some(0)) {
        Ok(Begun::Run) => 1,
        Ok(Begun::Done) => 0,
        Err(error) => once_error(&error),
    })
}

/// Ends it: it is done, or if `done` is 0 somebody else is to try. 0 or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_once_end(name: *const u8, length: usize, done: u32) -> i64 {
    // SAFETY: the caller says that so many bytes are there, unchanged during the call.
    let name = unsafe { borrow(name, length) };
    with_name(name, |name, Share { commons, seat, .. }| {
        let ended =
            if done == 0 { commons.once.give_up(name, seat) } else { commons.once.finish(name, seat) };
        ended.map_or_else(|error| once_error(&error), |()| 0)
    })
}

#[inline]
pub(crate) fn with_share(operation: impl FnOnce(&Share) -> i64) -> i64 {
    context().map_or(GOHERD_ENOSERVER, |context| operation(&context.shared))
}

#[inline]
fn with_cache(cache: u32, operation: impl FnOnce(&NamedCache, &Seat) -> i64) -> i64 {
    with_share(|Share { commons, seat, .. }| {
        commons.caches.get(cache as usize).map_or(GOHERD_EMISSING, |cache| operation(cache, seat))
    })
}

fn with_metric(metric: u32, operation: impl FnOnce(&Commons, Metric) -> i64) -> i64 {
    with_share(|Share { commons, .. }| {
        commons.metrics.numbered(metric).map_or(GOHERD_EMISSING, |metric| operation(commons, metric))
    })
}

fn with_name(name: &[u8], operation: impl FnOnce(&str, &Share) -> i64) -> i64 {
    with_share(|share| std::str::from_utf8(name).map_or(GOHERD_ENAME, |name| operation(name, share)))
}

fn ttl(named: &NamedCache, millis: u64) -> Ttl {
    match millis {
        GOHERD_USUAL => named.usual_ttl,
        GOHERD_ENDLESS.. => Ttl::Endless,
        millis => Ttl::Millis(millis),
    }
}

/// Why there is no entry `key`.
#[cold]
fn no_entry(cache: &Cache, key: &[u8]) -> i64 {
    cache.check_key(key).map_or_else(cache_error, |()| GOHERD_EMISSING)
}

fn cache_error(error: CacheError) -> i64 {
    match error {
        CacheError::KeySize { .. } => GOHERD_EKEY,
        CacheError::ValueSize { .. } => GOHERD_EVALUE,
        CacheError::Exists => GOHERD_EEXISTS,
        CacheError::Missing => GOHERD_EMISSING,
        CacheError::Full => GOHERD_EFULL,
        CacheError::NotANumber => GOHERD_ENUMBER,
        CacheError::Overflow => GOHERD_EOVERFLOW,
        CacheError::Busy => GOHERD_EBUSY,
        CacheError::Damaged => GOHERD_EDAMAGED,
    }
}

fn lock_error(error: LockError) -> i64 {
    match error {
        LockError::Unknown { .. } => GOHERD_EMISSING,
        LockError::Busy { .. } => GOHERD_EAGAIN,
        LockError::NotHeld { .. } => GOHERD_ENOTHELD,
    }
}

fn name_error(error: &NameError) -> i64 {
    match error {
        NameError::Malformed(_) => GOHERD_ENAME,
        NameError::NoRoom { .. } => GOHERD_EFULL,
        NameError::Busy => GOHERD_EBUSY,
    }
}

fn once_error(error: &OnceError) -> i64 {
    match error {
        OnceError::Name(error) => name_error(error),
        OnceError::Busy { .. } => GOHERD_EAGAIN,
        OnceError::NotBegun { .. } => GOHERD_ENOTHELD,
    }
}

/// For the linker, as `abi::keep_exports`.
pub(crate) fn exports() -> [*const (); 18] {
    [
        goherd_cache_find as *const (),
        goherd_cache_longest as *const (),
        goherd_cache_get as *const (),
        goherd_cache_put as *const (),
        goherd_cache_add as *const (),
        goherd_cache_delete as *const (),
        goherd_cache_ttl as *const (),
        goherd_cache_clear as *const (),
        goherd_cache_keys as *const (),
        goherd_lock as *const (),
        goherd_unlock as *const (),
        goherd_locks as *const (),
        goherd_metric as *const (),
        goherd_metric_add as *const (),
        goherd_metric_set as *const (),
        goherd_metric_value as *const (),
        goherd_once_begin as *const (),
        goherd_once_end as *const (),
    ]
}
