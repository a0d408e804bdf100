//! The functions by which the application looks at its server, and asks something of it: status, options, log, alarms,
//! reload and end.
//!
//! # Safety
//!
//! The caller's duty is that of `abi`.

#![allow(non_camel_case_types, reason = "these are names of C")]
#![allow(
    clippy::missing_safety_doc,
    reason = "one duty for all, above; the functions' comments go to C as they stand"
)]

use std::io;

use goherd_shm::{Phase, Slot, ToMaster};
use goherd_sys::clock::{self, Millis};
use goherd_sys::stderr;

use crate::abi::{GOHERD_EENDED, GOHERD_ENOSERVER, borrow, goherd_bytes, lend, signed};
use crate::context::{Context, context};
use crate::shared::{GOHERD_EBUSY, GOHERD_ENAME};

/// The longest message of an alarm with its name, in bytes.
const LONGEST_ALARM: usize = goherd_sys::control::MAX_MESSAGE - 2;

/// `worker.phase`: it does not take requests yet.
pub const GOHERD_STARTING: u32 = 1;
/// `worker.phase`: it takes requests.
pub const GOHERD_READY: u32 = 2;
/// `worker.phase`: it finishes what it has.
pub const GOHERD_DRAINING: u32 = 3;

/// What a worker process is about.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct goherd_worker {
    /// Its number, from 1. While a worker is being replaced two processes have the same.
    pub number: u32,
    /// The process.
    pub pid: u32,
    /// `GOHERD_READY` and its like.
    pub phase: u32,
    /// Which reading of the configuration it was made from; 0: of a program before this one.
    pub generation: u32,
    /// Requests that it has taken.
    pub requests: u64,
    /// Those of them that are under way.
    pub busy: u64,
    /// When the process was born, in milliseconds since 1970.
    pub born: u64,
}

/// The server's version, a text.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_version() -> goherd_bytes {
    lend(env!("CARGO_PKG_VERSION").as_bytes())
}

/// The options that were set, and the defaults of others: name and value, each followed by a NUL. A name comes once for each
/// of its values.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_options() -> goherd_bytes {
    lend(context().map_or(&[], |context| &context.options))
}

/// Describes up to `count` worker processes at `workers`, and gives how many there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_workers(workers: *mut goherd_worker, count: usize) -> i64 {
    let Some(context) = context() else { return GOHERD_ENOSERVER };
    let (now, unix) = (Millis::now(), clock::unix_millis());
    let lines = context
        .host
        .scoreboard()
        .used()
        .iter()
        .filter(|slot| slot.phase() != Phase::Vacant && slot.number() != 0);
    let mut found = 0;
    for worker in lines.map(|slot| describe(slot, now, unix)) {
        if !workers.is_null() && found < count {
            // SAFETY: the caller says that there is room for `count`, and this is one of them.
            let place = unsafe { workers.add(found) };
            // SAFETY: as above; it is the caller's own to be written during the call.
            unsafe { place.write(worker) };
        }
        found += 1;
    }
    signed(found)
}

fn describe(slot: &Slot, now: Millis, unix: u64) -> goherd_worker {
    goherd_worker {
        number: slot.number(),
        pid: slot.pid(),
        phase: match slot.phase() {
            Phase::Vacant | Phase::Starting => GOHERD_STARTING,
            Phase::Ready => GOHERD_READY,
            Phase::Draining => GOHERD_DRAINING,
        },
        generation: slot.generation(),
        requests: slot.requests(),
        busy: slot.busy(),
        born: unix.saturating_sub(now.since(slot.born())),
    }
}

/// Writes the text to the server's log, a line for each of its lines.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_log(text: *const u8, length: usize) {
    // SAFETY: the caller says that so many bytes are there, unchanged during the call.
    let text = unsafe { borrow(text, length) };
    let who = context().map_or_else(String::new, |context| format!("{}: ", context.who));
    stderr::lines(&who, &String::from_utf8_lossy(text));
}

/// A handler has panicked: for statistics.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_panicked() {
    if let Some(context) = context() {
        context.host.panicked();
    }
}

/// Asks the master to read everything anew: 0 or an error, `GOHERD_EENDED` if there is no master any more, `GOHERD_EBUSY` if it
/// does not listen just now.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_reload() -> i64 {
    with_context(|context| told(context.host.tell(&ToMaster::Reload)))
}

/// Asks the master to finish and to end: 0 or an error, as for `goherd_reload`.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_stop() -> i64 {
    with_context(|context| told(context.host.tell(&ToMaster::Finish)))
}

/// Raises the alarm of this name: 0 or an error, as for `goherd_reload`. `GOHERD_ENAME`: the name is empty, too long, or has a
/// line break. A message that is too long is cut.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_raise_alarm(
    name: *const u8,
    name_length: usize,
    message: *const u8,
    message_length: usize,
) -> i64 {
    // SAFETY: the caller says that so many bytes are there, unchanged during the call.
    let name = unsafe { borrow(name, name_length) };
    // SAFETY: as above.
    let message = unsafe { borrow(message, message_length) };
    with_context(|context| {
        let Ok(name) = std::str::from_utf8(name) else { return GOHERD_ENAME };
        if name.is_empty() || name.contains('\n') || name.len() > LONGEST_ALARM {
            return GOHERD_ENAME;
        }
        let message = &message[..message.len().min(LONGEST_ALARM - name.len())];
        let message = String::from_utf8_lossy(message).into_owned();
        told(context.host.tell(&ToMaster::Alarm { name: name.to_owned(), message }))
    })
}

fn with_context(operation: impl FnOnce(&Context) -> i64) -> i64 {
    context().map_or(GOHERD_ENOSERVER, operation)
}

fn told(outcome: io::Result<()>) -> i64 {
    match outcome {
        Ok(()) => 0,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => GOHERD_EBUSY,
        Err(_) => GOHERD_EENDED,
    }
}

/// For the linker, as `abi::keep_exports`.
pub(crate) fn exports() -> [*const (); 8] {
    [
        goherd_version as *const (),
        goherd_options as *const (),
        goherd_workers as *const (),
        goherd_log as *const (),
        goherd_panicked as *const (),
        goherd_reload as *const (),
        goherd_stop as *const (),
        goherd_raise_alarm as *const (),
    ]
}
