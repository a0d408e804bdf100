//! How many signals wait in each process: a full queue drops, counts, and says so once a second at most.

use std::collections::HashMap;
use std::hash::Hash;

use goherd_sys::clock::Millis;

/// The least time between two lines of the log about dropped signals.
const LINE_EVERY_MS: u64 = 1000;

/// What becomes of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Send it.
    Send,
    /// Drop it.
    Drop {
        /// So many were dropped since the last line of the log, this one among them: write a line now.
        line: Option<u64>,
    },
}

/// The queues of all processes. `P` names a process.
#[derive(Clone, Debug)]
pub struct Queues<P> {
    most: u32,
    waiting: HashMap<P, u32>,
    dropped: u64,
    unsaid: u64,
    last_line: Option<Millis>,
}

impl<P: Eq + Hash> Queues<P> {
    /// Queues that take `most` signals each.
    #[must_use]
    pub fn new(most: u32) -> Self {
        Self { most, waiting: HashMap::new(), dropped: 0, unsaid: 0, last_line: None }
    }

    /// A signal for `process`.
    pub fn offer(&mut self, process: P, now: Millis) -> Offer {
        let waiting = self.waiting.entry(process).or_default();
        if *waiting < self.most {
            *waiting += 1;
            return Offer::Send;
        }
        self.drop_one(now)
    }

    /// A signal could not be sent after all: its process takes nothing.
    pub fn refused(&mut self, process: &P, now: Millis) -> Offer {
        self.taken(process, 1);
        self.drop_one(now)
    }

    fn drop_one(&mut self, now: Millis) -> Offer {
        self.dropped += 1;
        self.unsaid += 1;
        if self.last_line.is_some_and(|last| now.since(last) < LINE_EVERY_MS) {
            return Offer::Drop { line: None };
        }
        self.last_line = Some(now);
        Offer::Drop { line: Some(std::mem::take(&mut self.unsaid)) }
    }

    /// `process` has taken so many signals from its queue.
    pub fn taken(&mut self, process: &P, count: u32) {
        if let Some(waiting) = self.waiting.get_mut(process) {
            *waiting = waiting.saturating_sub(count);
        }
    }

    /// `process` has ended, and its queue with it. Gives how many signals were in it.
    pub fn end(&mut self, process: &P) -> u32 {
        self.waiting.remove(process).unwrap_or(0)
    }

    /// How many signals wait for `process`.
    #[must_use]
    pub fn waiting(&self, process: &P) -> u32 {
        self.waiting.get(process).copied().unwrap_or(0)
    }

    /// How many were dropped in all.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_drops_and_says_so_once_a_second() {
        let mut queues = Queues::new(2);
        let mut offer = |ms| queues.offer('a', Millis(ms));
        assert_eq!([offer(0), offer(1)], [Offer::Send; 2]);
        assert_eq!(offer(2), Offer::Drop { line: Some(1) });
        assert_eq!([offer(3), offer(1001)], [Offer::Drop { line: None }; 2]);
        assert_eq!(offer(1002), Offer::Drop { line: Some(3) });
        assert_eq!((queues.dropped(), queues.waiting(&'a')), (4, 2));
        assert_eq!(queues.offer('b', Millis(1003)), Offer::Send);
        queues.taken(&'a', 1);
        assert_eq!(queues.offer('a', Millis(1004)), Offer::Send);
        assert_eq!(queues.end(&'a'), 2);
        assert_eq!(queues.waiting(&'a'), 0);
    }

    #[test]
    fn what_cannot_be_sent_is_dropped() {
        let mut queues = Queues::new(9);
        assert_eq!(queues.offer('a', Millis(0)), Offer::Send);
        assert_eq!(queues.refused(&'a', Millis(0)), Offer::Drop { line: Some(1) });
        assert_eq!((queues.waiting(&'a'), queues.dropped()), (0, 1));
    }
}
