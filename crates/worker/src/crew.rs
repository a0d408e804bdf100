//! A life without doors: a mule or a spooler, which has no connections and so no reactor.
//!
//! In: the control socket, heard by a thread of its own. Out: messages let in, and the end of the process: at once where the
//! application is not ready, else after the work at hand, whether the master orders that or is gone.
//!
//! LIFECYCLE: starting ──`uwsgi.Run()`──▸ ready ──the one before it is gone──▸ begun ──drain order, or master gone──▸ exit 0

use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use goherd_shm::ToWorker;
use goherd_sys::control::{Heard, Received};
use goherd_sys::eventfd::EventFd;
use goherd_sys::{process, stderr};

use crate::host::Desk;

/// Hears the master for as long as there is one; then it ends the process, which may finish for `mercy` milliseconds.
pub(crate) fn watch(desk: &Arc<Desk>, mercy: u64) {
    let Ok(silence) = EventFd::new() else { process::exit_now(1) };
    loop {
        match desk.control.wait(true, silence.as_fd(), None, None) {
            Heard::End => break,
            // The master says only one thing to those who are not ready.
            Heard::Message if desk.gives_up() => process::exit_now(0),
            Heard::Message => hear(desk),
            Heard::Nothing => {}
        }
    }
    if desk.gives_up() {
        desk.end_unready()
    }
    let _it_is_told_once = desk.is_alone();
    desk.leave();
    std::thread::sleep(Duration::from_millis(mercy));
    desk.end_at_last()
}

fn hear(desk: &Desk) {
    while let Received::Message(bytes) = desk.control.receive() {
        match ToWorker::decode(&bytes) {
            Some(ToWorker::Begin) => desk.begin(),
            Some(ToWorker::Drain) => desk.leave(),
            Some(ToWorker::Finish) => desk.finish(),
            Some(ToWorker::Signal(signal)) => desk.hear_signal(signal),
            Some(ToWorker::Pause | ToWorker::Resume) => {} // there are no doors
            None => stderr::line(&format!("{}: the master said something unknown", desk.who)),
        }
    }
}
