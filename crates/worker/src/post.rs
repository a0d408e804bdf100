//! What comes to a process besides requests: signals, in the order in which they were sent.
//!
//! Whoever reads the control socket puts them in; the application waits on a descriptor, and takes them out one at a time.

use std::collections::VecDeque;
use std::io;
use std::os::fd::RawFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use goherd_bridge::Post;
use goherd_sys::epoll::{Batch, Epoll, Watch};
use goherd_sys::eventfd::EventFd;

/// The token of the call for signals.
const SIGNALS: u64 = 0;

/// The post of a process.
#[derive(Debug)]
pub(crate) struct Mailbox {
    /// What the application waits for.
    epoll: Epoll,
    /// There are signals.
    call: EventFd,
    signals: Mutex<Signals>,
}

#[derive(Debug, Default)]
struct Signals {
    waiting: VecDeque<u8>,
    /// The handler of one is at work.
    busy: bool,
    /// The process is to end when they have been handled.
    last: bool,
}

/// What [`Mailbox::next_signal`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A signal.
    Signal(u8),
    /// None for now.
    Nothing,
    /// None any more.
    End,
}

impl Mailbox {
    pub fn new() -> io::Result<Self> {
        let (epoll, call) = (Epoll::new()?, EventFd::new()?);
        epoll.add(&call, SIGNALS, Watch::Readable)?;
        Ok(Self { epoll, call, signals: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Signals> {
        self.signals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The descriptor that is readable when there is something.
    pub fn raw(&self) -> RawFd {
        self.epoll.raw()
    }

    /// A signal has come.
    pub fn put(&self, signal: u8) {
        self.lock().waiting.push_back(signal);
        self.call.signal();
    }

    /// What there is, since it was asked last.
    pub fn next(&self) -> Option<Post> {
        let mut batch = Batch::new(1);
        self.epoll.wait(&mut batch, Some(0)).ok()?;
        let readiness = batch.next()?;
        debug_assert_eq!(readiness.token, SIGNALS);
        self.call.clear();
        Some(Post::Signals)
    }

    /// The next signal; the handler of the one before is over.
    pub fn next_signal(&self) -> Next {
        let mut signals = self.lock();
        let next = signals.waiting.pop_front();
        signals.busy = next.is_some();
        match next {
            Some(signal) => Next::Signal(signal),
            None if signals.last => Next::End,
            None => Next::Nothing,
        }
    }

    /// The process is to end: says whether it may at once. Else [`Next::End`] follows when all signals have been handled.
    pub fn is_over(&self) -> bool {
        let mut signals = self.lock();
        signals.last = true;
        !signals.busy && signals.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_taken_in_their_order_and_before_the_end() {
        let mailbox = Mailbox::new().unwrap();
        assert_eq!((mailbox.next(), mailbox.next_signal()), (None, Next::Nothing));
        [7, 7, 0].into_iter().for_each(|signal| mailbox.put(signal));
        assert_eq!([mailbox.next(), mailbox.next()], [Some(Post::Signals), None]);
        assert_eq!([mailbox.next_signal(), mailbox.next_signal()], [Next::Signal(7); 2]);
        assert!(!mailbox.is_over(), "one waits");
        assert_eq!(mailbox.next_signal(), Next::Signal(0));
        assert!(!mailbox.is_over(), "one is being handled");
        assert_eq!(mailbox.next_signal(), Next::End);
        assert!(mailbox.is_over());
    }
}
