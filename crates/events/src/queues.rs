//! Signals that find no room in the queue of a process are dropped and counted, and the log hears of it once a second at most.

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

/// The queues of all processes.
#[derive(Clone, Debug)]
pub struct Queues {
    most: u64,
    dropped: u64,
    unsaid: u64,
    last_line: Option<Millis>,
}

impl Queues {
    /// Queues that take `most` signals each.
    #[must_use]
    pub fn new(most: u64) -> Self {
        Self { most, dropped: 0, unsaid: 0, last_line: None }
    }

    /// A signal for a process for which so many wait already.
    pub fn offer(&mut self, waiting: u64, now: Millis) -> Offer {
        if waiting < self.most { Offer::Send } else { self.drop_one(now) }
    }

    /// A signal cannot be sent: there is nobody to take it, or its process takes nothing.
    pub fn drop_one(&mut self, now: Millis) -> Offer {
        self.dropped += 1;
        self.unsaid += 1;
        if self.last_line.is_some_and(|last| now.since(last) < LINE_EVERY_MS) {
            return Offer::Drop { line: None };
        }
        self.last_line = Some(now);
        Offer::Drop { line: Some(std::mem::take(&mut self.unsaid)) }
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
        let mut offer = |waiting, ms| queues.offer(waiting, Millis(ms));
        assert_eq!([offer(0, 0), offer(1, 1)], [Offer::Send; 2]);
        assert_eq!(offer(2, 2), Offer::Drop { line: Some(1) });
        assert_eq!([offer(2, 3), offer(2, 1001)], [Offer::Drop { line: None }; 2]);
        assert_eq!(offer(1, 1002), Offer::Send);
        assert_eq!(offer(2, 1002), Offer::Drop { line: Some(3) });
        assert_eq!(queues.drop_one(Millis(1003)), Offer::Drop { line: None });
        assert_eq!(queues.dropped(), 5);
    }
}
