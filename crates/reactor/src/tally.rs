//! What the reactor counts for people to look at: bytes sent, and how long handlers were at work.
//!
//! The counters are those of this process; the worker around copies them to where others see them.

use std::sync::atomic::{AtomicU64, Ordering};

use goherd_sys::clock::Millis;

/// The counters.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    sent: AtomicU64,
    handling: AtomicU64,
    late: AtomicU64,
}

/// What they were at some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tallied {
    /// Bytes sent to peers, as far as the reactor sent them.
    pub sent: u64,
    /// For how many milliseconds the handlers that are over were at work, taken together. The clock ticks every few
    /// milliseconds: it is right for many, and means little for one.
    pub handling: u64,
    /// Handlers whose time was over before they were.
    pub late: u64,
}

impl Tally {
    /// So many bytes were sent.
    pub fn sent(&self, bytes: u64) {
        if bytes > 0 {
            self.sent.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    /// A handler is over that began then.
    pub fn handled(&self, began: Millis, now: Millis) {
        match now.since(began) {
            0 => {} // as mostly
            millis => {
                self.handling.fetch_add(millis, Ordering::Relaxed);
            }
        }
    }

    /// A handler has taken too long.
    pub fn late(&self) {
        self.late.fetch_add(1, Ordering::Relaxed);
    }

    /// All of it.
    pub fn read(&self) -> Tallied {
        Tallied {
            sent: self.sent.load(Ordering::Relaxed),
            handling: self.handling.load(Ordering::Relaxed),
            late: self.late.load(Ordering::Relaxed),
        }
    }
}
