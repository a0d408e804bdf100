//! The functions by which the processes of a server reach each other: messages to mules, calls of functions, and the work that a
//! process has at hand, with which it does not end.
//!
//! They are like those of `abi`.
//!
//! # Safety
//!
//! The caller's duty is that of `abi`.

#![allow(
    clippy::missing_safety_doc,
    reason = "one duty for all, above; the functions' comments go to C as they stand"
)]

use std::os::fd::{AsFd as _, IntoRawFd as _};

use goherd_shm::inboxes::Purpose;
use goherd_sys::inbox::{self, Inbox, Refused};

use crate::abi::{GOHERD_EAGAIN, GOHERD_EENDED, GOHERD_ENOSERVER, borrow, borrow_mut, signed};
use crate::context::{Host, Taking, context};
use crate::shared::{GOHERD_EFULL, GOHERD_EMISSING, GOHERD_EVALUE};

/// The longest message to a mule, in bytes.
pub const GOHERD_LONGEST_MESSAGE: usize = 65_536;
const _: () = assert!(GOHERD_LONGEST_MESSAGE == inbox::LONGEST_MESSAGE);

/// Puts a message into the inbox of `to`: a mule (`mule2`), whichever mule takes it first (`mule`, or nothing), or one of a farm
/// (`farm_NAME`). 0; `GOHERD_EMISSING`: there is no such mule or farm; `GOHERD_EFULL`: its inbox has no room;
/// `GOHERD_EVALUE`: the message is too long.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_send(
    to: *const u8,
    to_length: usize,
    message: *const u8,
    length: usize,
) -> i64 {
    // SAFETY: the caller says that so many bytes are there, unchanged during the call.
    let to = unsafe { borrow(to, to_length) };
    // SAFETY: the same.
    let message = unsafe { borrow(message, length) };
    with_inbox(Purpose::Messages, to, |inbox| refusal(inbox.send(message)))
}

/// The descriptor that is readable when there may be a message for this mule, which from now on is said to listen. It stays the
/// server's. An error in a process that is no mule.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_messages() -> i64 {
    with_host(|host| host.messages().map_or(GOHERD_ENOSERVER, i64::from))
}

/// Takes a message, into the `length` bytes at `buffer`, which are to be `GOHERD_LONGEST_MESSAGE`: gives its length;
/// `GOHERD_EAGAIN`: there is none; `GOHERD_EENDED`: the process ends. What was taken is work at hand until
/// `goherd_work_ended` is called. With a length of 0 it takes nothing and gives 0 if there is one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_message(buffer: *mut u8, length: usize) -> i64 {
    // SAFETY: the caller says that so many bytes are its own to be written during the call.
    let buffer = unsafe { borrow_mut(buffer, length) };
    with_host(|host| {
        if buffer.is_empty() {
            return if host.has_message() { 0 } else { GOHERD_EAGAIN };
        }
        taken(host.take_message(buffer), signed)
    })
}

/// Calls a process: a worker (`worker2`), a mule, a farm, a spooler, or whichever of a kind takes it first. Gives a socket of the
/// caller's own, into which to write the question, and from which to read the answer: it ends if the process does. Errors as
/// `goherd_send`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_call(to: *const u8, length: usize) -> i64 {
    // SAFETY: the caller says that so many bytes are there, unchanged during the call.
    let to = unsafe { borrow(to, length) };
    with_inbox(Purpose::Calls, to, |inbox| {
        let Ok((ours, theirs)) = inbox::line() else { return GOHERD_EFULL };
        match inbox.send_socket(theirs.as_fd()) {
            Ok(()) => ours.into_raw_fd().into(),
            refused => refusal(refused),
        }
    })
}

/// The descriptor that is readable when there may be a call for this process. It stays the server's.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_calls() -> i64 {
    with_host(|host| host.calls().into())
}

/// Takes a call: gives a socket, from now on the caller's own, from which to read the question, and into which to write the
/// answer. Errors as `goherd_message`. It is work at hand until `goherd_work_ended` is called.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_next_call() -> i64 {
    with_host(|host| taken(host.take_call(), |socket| socket.into_raw_fd().into()))
}

/// Some work begins, with which the process does not end before `goherd_work_ended` is called: 0, or `GOHERD_EENDED`: the process
/// ends, and the work is not to begin.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_work_begins() -> i64 {
    with_host(|host| if host.work_begins() { 0 } else { GOHERD_EENDED })
}

/// Some work has ended. If the process was to end after it, it ends here.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_work_ended() {
    with_host(|host| {
        host.work_ended();
        0
    });
}

fn with_host(function: impl FnOnce(&dyn Host) -> i64) -> i64 {
    context().map_or(GOHERD_ENOSERVER, |context| function(&*context.host))
}

fn with_inbox(purpose: Purpose, to: &[u8], function: impl FnOnce(&Inbox) -> i64) -> i64 {
    let Some(context) = context() else { return GOHERD_ENOSERVER };
    let to = std::str::from_utf8(to).unwrap_or("?");
    context.shared.commons.inboxes.find(purpose, to).map_or(GOHERD_EMISSING, function)
}

fn refusal(sent: Result<(), Refused>) -> i64 {
    match sent {
        Ok(()) => 0,
        Err(Refused::Full) => GOHERD_EFULL,
        Err(Refused::TooLong) => GOHERD_EVALUE,
    }
}

fn taken<T>(taking: Taking<T>, number: impl FnOnce(T) -> i64) -> i64 {
    match taking {
        Taking::Taken(it) => number(it),
        Taking::Nothing => GOHERD_EAGAIN,
        Taking::Ending => GOHERD_EENDED,
    }
}

pub(crate) fn exports() -> [*const (); 8] {
    [
        goherd_send as *const (),
        goherd_messages as *const (),
        goherd_message as *const (),
        goherd_call as *const (),
        goherd_calls as *const (),
        goherd_next_call as *const (),
        goherd_work_begins as *const (),
        goherd_work_ended as *const (),
    ]
}
