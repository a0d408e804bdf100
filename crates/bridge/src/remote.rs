//! The functions by which the Go package reaches caches that lie elsewhere, in Redis.
//!
//! None of them waits for anybody. A cache has so many lines; on each there is one call at a time, which is asked, and taken
//! when the line's descriptor is readable: Go's poller waits for that.
//!
//! # Safety
//!
//! The caller's duty is that of `abi`.

#![allow(
    clippy::missing_safety_doc,
    reason = "one duty for all, above; the functions' comments go to C as they stand"
)]

use std::os::fd::AsRawFd as _;

use goherd_redis::{Answer, AskError, Call, Failure, Reason, Remote};
use goherd_shm::Seat;
use goherd_shm::cache::Rule;

use crate::abi::{GOHERD_EAGAIN, borrow, borrow_mut, signed};
use crate::context::{Remotes, Share};
use crate::shared::{
    GOHERD_EBUSY, GOHERD_EEXISTS, GOHERD_EFULL, GOHERD_EKEY, GOHERD_EMISSING, GOHERD_ENDLESS, GOHERD_ENUMBER,
    GOHERD_EVALUE, GOHERD_IF_ABSENT, GOHERD_IF_PRESENT, GOHERD_USUAL, with_share,
};

/// The number of the first cache that lies elsewhere.
pub const GOHERD_REMOTE: u32 = 65536;

/// Redis refuses. `goherd_remote_reason` says why.
pub const GOHERD_EDENIED: i64 = -30;
/// Redis cannot be reached, or does not answer in time. `goherd_remote_reason` says more.
pub const GOHERD_EUNREACHABLE: i64 = -31;

/// `goherd_remote_ask`: for the value of `key`.
pub const GOHERD_ASK_GET: u32 = 1;
/// `goherd_remote_ask`: to put `value`, for `millis`, if `number` (`GOHERD_ALWAYS` and its like) allows it.
pub const GOHERD_ASK_PUT: u32 = 2;
/// `goherd_remote_ask`: to add `number` to what `key` is; an absent entry counts from 0 and lives for `millis`.
pub const GOHERD_ASK_ADD: u32 = 3;
/// `goherd_remote_ask`: to delete `key`.
pub const GOHERD_ASK_DELETE: u32 = 4;
/// `goherd_remote_ask`: for how many milliseconds `key` lives on.
pub const GOHERD_ASK_TTL: u32 = 5;
/// `goherd_remote_ask`: for a portion of all keys, by `number`: 0, then what the one before has given.
pub const GOHERD_ASK_KEYS: u32 = 6;
/// `goherd_remote_ask`: to delete a portion of all entries, by `number` as above.
pub const GOHERD_ASK_CLEAR: u32 = 7;

/// How many calls to a cache that lies elsewhere can be under way: its lines, numbered from 0; or an error.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_remote_lines(cache: u32) -> i64 {
    with_remote(cache, |remote, _| remote.settings().lines.into())
}

/// For how many milliseconds, at most, a call is to be waited for; or an error.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_remote_patience(cache: u32) -> i64 {
    with_remote(cache, |remote, _| {
        i64::try_from(remote.settings().patience().as_millis()).unwrap_or(i64::MAX)
    })
}

/// The longest key that the cache takes, in bytes, or the longest value, if `of_values` is not 0; or an error.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_remote_longest(cache: u32, of_values: u32) -> i64 {
    with_remote(cache, |remote, _| {
        signed(if of_values == 0 { remote.settings().longest_key } else { remote.longest_value() })
    })
}

/// Makes a line usable and gives its descriptor, which is readable when there is something to take, is non-blocking, and stays
/// the server's; or an error.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_remote_line(cache: u32, line: u32) -> i64 {
    with_remote(cache, |remote, _| match remote.descriptor(line) {
        Ok(descriptor) => descriptor.as_raw_fd().into(),
        Err(_) => GOHERD_EMISSING,
    })
}

/// Copies the beginning of the value of a key into the `length` bytes at `buffer`, as much as they take, if shared memory has a
/// copy of it that is good: gives the length of all of it. `GOHERD_EMISSING`: ask.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_remote_near(
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
    with_remote(cache, |remote, seat| remote.near(seat, key, buffer).map_or(GOHERD_EMISSING, signed))
}

/// Begins a call on a line: `what` is `GOHERD_ASK_GET` or its like, which say what the rest means. 0 or an error;
/// `GOHERD_EBUSY`: the one before is not over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_remote_ask(
    cache: u32,
    line: u32,
    what: u32,
    key: *const u8,
    key_length: usize,
    value: *const u8,
    value_length: usize,
    number: i64,
    millis: u64,
) -> i64 {
    // SAFETY: the caller says that so many bytes are there, unchanged during the call.
    let key = unsafe { borrow(key, key_length) }.to_vec();
    // SAFETY: as above.
    let value = unsafe { borrow(value, value_length) };
    with_remote(cache, |remote, _| {
        let ttl = match millis {
            GOHERD_USUAL => remote.settings().usual_ttl,
            GOHERD_ENDLESS.. => None,
            millis => Some(millis),
        };
        let cursor = number.cast_unsigned();
        let call = match what {
            GOHERD_ASK_GET => Call::Get { key },
            GOHERD_ASK_PUT => Call::Put { key, value: value.to_vec(), ttl, rule: rule(number) },
            GOHERD_ASK_ADD => Call::Add { key, by: number, ttl },
            GOHERD_ASK_DELETE => Call::Delete { key },
            GOHERD_ASK_TTL => Call::Ttl { key },
            GOHERD_ASK_KEYS => Call::Keys { cursor },
            GOHERD_ASK_CLEAR => Call::Clear { cursor },
            _ => return GOHERD_EMISSING,
        };
        match remote.ask(line, call) {
            Ok(()) => 0,
            Err(AskError::NoLine) => GOHERD_EMISSING,
            Err(AskError::Busy) => GOHERD_EBUSY,
            Err(AskError::Failed(reason)) => code(reason),
        }
    })
}

/// What has come of the call on a line: the length of what it has given, of which as much is at `buffer` as its `length` bytes
/// take; or an error; `GOHERD_EAGAIN`: it is not over. It stays until all of it was taken, or the next call. `number` gets the
/// sum, the milliseconds that an entry lives on (at most `GOHERD_ENDLESS`), or what to ask for next (0: that was all).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_remote_take(
    cache: u32,
    line: u32,
    buffer: *mut u8,
    length: usize,
    number: *mut i64,
) -> i64 {
    // SAFETY: the caller says that so many bytes are its own to be written during the call.
    let buffer = unsafe { borrow_mut(buffer, length) };
    with_remote(cache, |remote, seat| {
        let taken = remote.take(line, seat, |result| {
            let (given, bytes) = match result {
                Err(failure) => return ((code(failure.reason), 0), false),
                Ok(Answer::Done) => (0, &[][..]),
                Ok(Answer::Value(value)) => (0, &value[..]),
                Ok(Answer::Number(number)) => (*number, &[][..]),
                Ok(Answer::Keys { block, next }) => (next.cast_signed(), &block[..]),
                Ok(Answer::Next(next)) => (next.cast_signed(), &[][..]),
            };
            let fits = bytes.len().min(buffer.len());
            buffer[..fits].copy_from_slice(&bytes[..fits]);
            ((signed(bytes.len()), given), fits == bytes.len())
        });
        let Some((length, given)) = taken else { return GOHERD_EAGAIN };
        if !number.is_null() {
            // SAFETY: not null, so the caller's own to be written.
            unsafe { number.write(given) };
        }
        length
    })
}

/// Copies what Redis, or the way to it, has said of the call that came to nothing into the `length` bytes at `buffer`, as much
/// as they take: gives the length of all of it, or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_remote_reason(cache: u32, line: u32, buffer: *mut u8, length: usize) -> i64 {
    // SAFETY: the caller says that so many bytes are its own to be written during the call.
    let buffer = unsafe { borrow_mut(buffer, length) };
    with_remote(cache, |remote, seat| {
        let taken = remote.take(line, seat, |result| {
            let text = if let Err(Failure { text, .. }) = result { text.as_bytes() } else { &[] };
            let fits = text.len().min(buffer.len());
            buffer[..fits].copy_from_slice(&text[..fits]);
            (signed(text.len()), false)
        });
        taken.unwrap_or(0)
    })
}

/// The number of a cache that lies elsewhere, if this is the name of one.
pub(crate) fn find(remotes: &Remotes, name: &[u8]) -> Option<i64> {
    let is_it = |remote: &Remote| {
        if name.is_empty() { remotes.first } else { remote.settings().name.as_bytes() == name }
    };
    Some(i64::from(GOHERD_REMOTE) + signed(remotes.caches.iter().position(is_it)?))
}

fn with_remote(cache: u32, operation: impl FnOnce(&Remote, &Seat) -> i64) -> i64 {
    with_share(|Share { remotes, seat, .. }| {
        let number = cache.checked_sub(GOHERD_REMOTE);
        let found = number.and_then(|number| remotes.caches.get(number as usize));
        found.map_or(GOHERD_EMISSING, |remote| operation(remote, seat))
    })
}

fn rule(number: i64) -> Rule {
    match u32::try_from(number) {
        Ok(GOHERD_IF_ABSENT) => Rule::IfAbsent,
        Ok(GOHERD_IF_PRESENT) => Rule::IfPresent,
        _ => Rule::Always,
    }
}

fn code(reason: Reason) -> i64 {
    match reason {
        Reason::Missing => GOHERD_EMISSING,
        Reason::Exists => GOHERD_EEXISTS,
        Reason::Key => GOHERD_EKEY,
        Reason::Value => GOHERD_EVALUE,
        Reason::Full => GOHERD_EFULL,
        Reason::NotANumber => GOHERD_ENUMBER,
        Reason::Refused => GOHERD_EDENIED,
        Reason::Unreachable => GOHERD_EUNREACHABLE,
    }
}

/// For the linker, as `abi::keep_exports`.
pub(crate) fn exports() -> [*const (); 8] {
    [
        goherd_remote_lines as *const (),
        goherd_remote_patience as *const (),
        goherd_remote_longest as *const (),
        goherd_remote_line as *const (),
        goherd_remote_near as *const (),
        goherd_remote_ask as *const (),
        goherd_remote_take as *const (),
        goherd_remote_reason as *const (),
    ]
}
