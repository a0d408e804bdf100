//! The functions by which the Go package reaches the post of its process, and the table of signals.
//!
//! They are like those of `shared`. What is refused is refused in a sentence, which the caller has room for.
//!
//! # Safety
//!
//! The caller's duty is that of `abi`.

#![allow(
    clippy::missing_safety_doc,
    reason = "one duty for all, above; the functions' comments go to C as they stand"
)]

use goherd_events::{Cron, Receiver};
use goherd_shm::inboxes::{Inboxes, Purpose};
use goherd_shm::signals::{LONGEST_TEXT, SignalError, Source};

use crate::abi::{GOHERD_EAGAIN, GOHERD_ENOSERVER, borrow, borrow_mut};
use crate::context::{Context, Post, Share, context};

/// It cannot be done; a sentence says why.
pub const GOHERD_EREFUSED: i64 = -19;

/// `goherd_post_next`: signals wait; take them with `goherd_signal_next`.
pub const GOHERD_SIGNALS: u32 = 1;

/// `goherd_signal_add`: every `millis` milliseconds.
pub const GOHERD_TIMER: u32 = 1;
/// `goherd_signal_add`: the same, `times` times; 0: for ever.
pub const GOHERD_RBTIMER: u32 = 2;
/// `goherd_signal_add`: at the times that the five fields of the text tell.
pub const GOHERD_CRON: u32 = 3;
/// `goherd_signal_add`: when the file or folder changes whose path the text is.
pub const GOHERD_MONITOR: u32 = 4;

/// `goherd_signal_add`: of no signal. Nothing is added; it is looked whether that could be. `goherd_signal_allot`: no signal.
pub const GOHERD_NO_SIGNAL: u32 = 4_294_967_295;

/// The longest time between two signals, in milliseconds: 100 years.
const LONGEST_MS: u64 = 100 * 366 * 24 * 60 * 60 * 1000;

/// The descriptor that is readable when something has come with the post, and stays the server's; or an error.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_post() -> i64 {
    context().map_or(GOHERD_ENOSERVER, |context| context.host.post().into())
}

/// What has come with the post: `GOHERD_SIGNALS`; `GOHERD_NOTHING`: nothing more, so that the caller may wait.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_post_next() -> u32 {
    match context().and_then(|context| context.host.next_in_post()) {
        Some(Post::Signals) => GOHERD_SIGNALS,
        None => crate::abi::GOHERD_NOTHING,
    }
}

/// The next signal, whose handler the caller is to run before it calls this again; or `GOHERD_EAGAIN`.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_signal_next() -> i64 {
    context().map_or(GOHERD_ENOSERVER, |context| context.host.next_signal().map_or(GOHERD_EAGAIN, i64::from))
}

/// Has the server raise a signal: 0 or an error; `GOHERD_EAGAIN`: try again soon.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_signal_raise(signal: u32) -> i64 {
    let Some(context) = context() else { return GOHERD_ENOSERVER };
    let Ok(signal) = u8::try_from(signal) else { return GOHERD_EREFUSED };
    if context.host.raise(signal) { 0 } else { GOHERD_EAGAIN }
}

/// Whether somebody has registered a signal: 1 or 0, or an error.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_signal_registered(signal: u32) -> i64 {
    context().map_or(GOHERD_ENOSERVER, |context| {
        let Share { commons, edition, .. } = &*context.shared;
        let registered = |signal| commons.signals.is_registered(signal, *edition);
        u8::try_from(signal).is_ok_and(registered).into()
    })
}

/// Has a signal delivered to `receiver`: 0, or an error, with a sentence in the `why_length` bytes at `why`, ended by a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_signal_register(
    signal: u32,
    receiver: *const u8,
    receiver_length: usize,
    why: *mut u8,
    why_length: usize,
) -> i64 {
    // SAFETY: the caller says that so many bytes are there, unchanged during the call.
    let receiver = unsafe { borrow(receiver, receiver_length) };
    // SAFETY: the caller says that so many bytes are its own to be written during the call.
    let why = unsafe { borrow_mut(why, why_length) };
    change(why, |context| {
        let (signal, receiver) = (number(signal)?, text(receiver)?);
        let Share { commons, seat, edition, .. } = &*context.shared;
        check(receiver, &commons.inboxes)?;
        in_force(commons.signals.register(seat, *edition, signal, receiver))?;
        Ok(0)
    })
}

/// Finds a signal for what is called `name`, the same one for every process that calls it so, and has it delivered to
/// `receiver`: the signal, or an error, with a sentence as for `goherd_signal_register`. `GOHERD_NO_SIGNAL`: newer code is in
/// force, whose signals are others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_signal_allot(
    name: *const u8,
    name_length: usize,
    receiver: *const u8,
    receiver_length: usize,
    why: *mut u8,
    why_length: usize,
) -> i64 {
    // SAFETY: the caller says that so many bytes are there, unchanged during the call.
    let name = unsafe { borrow(name, name_length) };
    // SAFETY: as above.
    let receiver = unsafe { borrow(receiver, receiver_length) };
    // SAFETY: the caller says that so many bytes are its own to be written during the call.
    let why = unsafe { borrow_mut(why, why_length) };
    change(why, |context| {
        let (name, receiver) = (text(name)?, text(receiver)?);
        let Share { commons, seat, edition, .. } = &*context.shared;
        check(receiver, &commons.inboxes)?;
        let signal = in_force(commons.signals.allot(seat, *edition, name, receiver))?;
        Ok(signal.map_or(GOHERD_NO_SIGNAL.into(), i64::from))
    })
}

/// Adds what raises a signal: `kind` is `GOHERD_TIMER` or its like. 0 or an error, with a sentence as for
/// `goherd_signal_register`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_signal_add(
    kind: u32,
    signal: u32,
    millis: u64,
    times: u32,
    what: *const u8,
    what_length: usize,
    why: *mut u8,
    why_length: usize,
) -> i64 {
    // SAFETY: the caller says that so many bytes are there, unchanged during the call.
    let what = unsafe { borrow(what, what_length) };
    // SAFETY: the caller says that so many bytes are its own to be written during the call.
    let why = unsafe { borrow_mut(why, why_length) };
    change(why, |context| {
        if signal == GOHERD_NO_SIGNAL {
            return source(kind, 0, millis, times, text(what)?).map(|_| 0);
        }
        let source = source(kind, number(signal)?, millis, times, text(what)?)?;
        let Share { commons, seat, edition, .. } = &*context.shared;
        in_force(commons.signals.add(seat, *edition, &source))?;
        Ok(0)
    })
}

fn source(kind: u32, signal: u8, every_ms: u64, times: u32, what: &str) -> Result<Source, String> {
    if [GOHERD_TIMER, GOHERD_RBTIMER].contains(&kind) && !(1..=LONGEST_MS).contains(&every_ms) {
        return Err(format!(
            "{every_ms} milliseconds are no time between two signals: it is 1 to {LONGEST_MS}"
        ));
    }
    if what.len() > LONGEST_TEXT {
        return Err(said(SignalError::TooLong { length: what.len() }));
    }
    Ok(match kind {
        GOHERD_TIMER => Source::Timer { signal, every_ms },
        GOHERD_RBTIMER => Source::RbTimer { signal, every_ms, times },
        GOHERD_CRON => {
            let cron = Cron::parse(what).map_err(said)?;
            Source::Cron { signal, fields: cron.as_str().to_owned() }
        }
        GOHERD_MONITOR if what.is_empty() => return Err("the path is empty".to_owned()),
        GOHERD_MONITOR => Source::Monitor { signal, path: what.to_owned() },
        _ => return Err(format!("{kind} is no source of signals")),
    })
}

/// Whether some text is a receiver, and one that this server may have: workers come and go, mules and farms do not.
fn check(receiver: &str, all: &Inboxes) -> Result<(), String> {
    let one = match receiver.parse().map_err(said)? {
        Receiver::Mule(_) => "mule",
        Receiver::Farm(_) | Receiver::NthFarm(_) => "farm",
        _ => return Ok(()),
    };
    all.find(Purpose::Messages, receiver).map(|_| ()).ok_or_else(|| {
        format!("the server has no {one} called {receiver:?}: the options mules and farm say which there are")
    })
}

/// What came of a registration; `None`: it means nothing, as newer code is in force. That is no failure of the code that registers
/// it: its process was starting when a reload came to the newer one, and is about to be replaced.
fn in_force<T>(registered: Result<T, SignalError>) -> Result<Option<T>, String> {
    match registered {
        Ok(result) => Ok(Some(result)),
        Err(SignalError::Outdated) => Ok(None),
        Err(error) => Err(said(error)),
    }
}

fn number(signal: u32) -> Result<u8, String> {
    u8::try_from(signal).map_err(|_| format!("there is no signal {signal}: they are numbered from 0 to 255"))
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "a text is not UTF-8".to_owned())
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Changes the table, tells the master, and puts the reason why not where the caller wants it.
fn change(why: &mut [u8], deed: impl FnOnce(&Context) -> Result<i64, String>) -> i64 {
    let Some(context) = context() else { return GOHERD_ENOSERVER };
    match deed(context) {
        Ok(result) => {
            context.host.registered();
            result
        }
        Err(reason) => {
            let end = reason.len().min(why.len().saturating_sub(1));
            why[..end].copy_from_slice(&reason.as_bytes()[..end]);
            if let Some(last) = why.get_mut(end) {
                *last = 0;
            }
            GOHERD_EREFUSED
        }
    }
}

/// For the linker, as `abi::keep_exports`.
pub(crate) fn exports() -> [*const (); 8] {
    [
        goherd_post as *const (),
        goherd_post_next as *const (),
        goherd_signal_next as *const (),
        goherd_signal_raise as *const (),
        goherd_signal_registered as *const (),
        goherd_signal_register as *const (),
        goherd_signal_allot as *const (),
        goherd_signal_add as *const (),
    ]
}

#[cfg(test)]
mod tests {
    use goherd_shm::inboxes::{Addressees, Farm};

    use super::*;

    #[test]
    fn mules_and_farms_are_receivers_if_the_server_has_them() {
        let farms = vec![Farm { name: "mail".to_owned(), mules: vec![2] }];
        let wanted = Addressees { workers: 1, mules: 2, spoolers: 0, farms };
        let all = Inboxes::default().renewed(&wanted).unwrap();
        for receiver in ["", "mules", "mule", "mule0", "mule2", "farm_mail", "farm1", "worker9", "spooler"] {
            assert_eq!(check(receiver, &all), Ok(()), "{receiver}");
        }
        for (receiver, part) in [
            ("mule3", "no mule called \"mule3\""),
            ("farm_post", "no farm called \"farm_post\""),
            ("farm2", "no farm called \"farm2\""),
            ("all", "\"all\" is no receiver"),
        ] {
            let refused = check(receiver, &all).unwrap_err();
            assert!(refused.contains(part), "{refused}");
        }
        assert_eq!(check("mules", &Inboxes::default()), Ok(()), "that is each of none");
    }

    #[test]
    fn sources_are_read_and_what_is_none_is_refused() {
        let timer = source(GOHERD_TIMER, 3, 5, 0, "");
        assert_eq!(timer, Ok(Source::Timer { signal: 3, every_ms: 5 }));
        let cron = source(GOHERD_CRON, 3, 0, 0, " */5  * * * mon");
        assert_eq!(cron, Ok(Source::Cron { signal: 3, fields: "*/5 * * * mon".to_owned() }));
        for (kind, millis, what, part) in [
            (GOHERD_TIMER, 0, "", "0 milliseconds are no time"),
            (GOHERD_RBTIMER, u64::MAX, "", "no time between two signals"),
            (GOHERD_CRON, 0, "61 * * * *", "\"61\" is no minute"),
            (GOHERD_MONITOR, 0, "", "the path is empty"),
            (GOHERD_MONITOR, 0, &"p".repeat(256), "up to 255 bytes, and this has 256"),
            (9, 0, "", "9 is no source"),
        ] {
            let refused = source(kind, 1, millis, 0, what).unwrap_err();
            assert!(refused.contains(part), "{refused}");
        }
        assert!(number(256).unwrap_err().contains("no signal 256"));
    }
}
