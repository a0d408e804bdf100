//! What a connection waits for its peer to do, and for how long.
//!
//! Heads, the next request and the end have a time for the whole of them. Bytes, of a body or of an answer, have a
//! *credit*: waiting spends it, each byte earns [`MILLIS_PER_BYTE`], up to the limit that it began with. So a peer that
//! stalls is given up after the limit, one that trickles a little later, and one that is merely slow never. Time in which
//! the application, not the peer, is what all wait for does not count.

use goherd_sys::clock::Millis;

/// What a byte earns: peers that move 500 bytes a second are never given up.
const MILLIS_PER_BYTE: u64 = 2;

/// How long a peer may take, each in milliseconds; 0 means as long as it likes.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// For the head of a request, from its first byte; for the first one, from when the connection was taken.
    pub head: u64,
    /// Until the next request begins.
    pub idle: u64,
    /// For the next bytes of a body, or to take those of an answer, over HTTP.
    pub http: u64,
    /// The same over the other protocols.
    pub socket: u64,
    /// To end its side after the last answer.
    pub end: u64,
}

impl Default for Times {
    fn default() -> Self {
        Self { head: 10_000, idle: 75_000, http: 60_000, socket: 60_000, end: 5_000 }
    }
}

/// What the peer is to do next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// Nothing: it is the application's turn.
    #[default]
    Nothing,
    /// To send the rest of a head.
    Head,
    /// To begin another request.
    Next,
    /// To send bytes of a body, or to take some of an answer.
    Bytes,
    /// To end its side.
    End,
}

/// A wait, with what it has cost so far.
#[derive(Debug, Default)]
pub(crate) struct Wait {
    pub awaited: Awaited,
    since: Millis,
    /// When it is over; `None`: never.
    pub due: Option<Millis>,
    /// What is left for bytes in this exchange, in milliseconds.
    credit: u64,
}

impl Wait {
    /// An exchange begins: nothing is awaited, and `bytes` is the credit for its bytes.
    pub fn begin(&mut self, bytes: u64) {
        *self = Self { credit: bytes, ..Self::default() };
    }

    /// It is `awaited` that holds the connection up now, at the time `now`, after so many bytes have `moved`. `bytes` is
    /// the limit for bytes.
    pub fn turn(&mut self, awaited: Awaited, moved: u64, now: Millis, times: &Times, bytes: u64) {
        if self.awaited == awaited && (awaited != Awaited::Bytes || moved == 0) {
            return;
        }
        if self.awaited == Awaited::Bytes {
            let left = self.credit.saturating_sub(now.since(self.since));
            self.credit = left.saturating_add(moved.saturating_mul(MILLIS_PER_BYTE)).min(bytes);
        }
        let (limit, time) = match awaited {
            Awaited::Nothing => (0, 0),
            Awaited::Head => (times.head, times.head),
            Awaited::Next => (times.idle, times.idle),
            Awaited::Bytes => (bytes, self.credit),
            Awaited::End => (times.end, times.end),
        };
        (self.awaited, self.since) = (awaited, now);
        self.due = (limit > 0).then(|| now.after(time));
    }

    /// Bounds the wait for another request to `limit` milliseconds, if it has not lasted that long yet.
    pub fn hasten(&mut self, now: Millis, limit: u64) -> bool {
        let may = self.awaited == Awaited::Next && now.since(self.since) < limit;
        if may {
            self.due = Some(self.since.after(limit));
        }
        may
    }

    /// Since when another request is waited for, if it is that.
    pub fn since_answered(&self) -> Option<Millis> {
        (self.awaited == Awaited::Next).then_some(self.since)
    }

    /// Whether it has lasted too long.
    pub fn is_over(&self, now: Millis) -> bool {
        self.due.is_some_and(|due| due <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times = Times { head: 100, idle: 1000, http: 600, socket: 0, end: 10 };

    fn turn(wait: &mut Wait, awaited: Awaited, moved: u64, now: u64) -> Option<u64> {
        wait.turn(awaited, moved, Millis(now), &TIMES, TIMES.http);
        wait.due.map(|due| due.0)
    }

    #[test]
    fn a_head_that_trickles_in_gets_no_more_time() {
        let mut wait = Wait::default();
        assert_eq!(turn(&mut wait, Awaited::Head, 0, 10), Some(110));
        assert_eq!(turn(&mut wait, Awaited::Head, 50, 90), Some(110));
        assert!(wait.is_over(Millis(110)) && !wait.is_over(Millis(109)));
        wait.begin(TIMES.http);
        assert_eq!((wait.due, turn(&mut wait, Awaited::Next, 0, 200)), (None, Some(1200)));
    }

    #[test]
    fn bytes_earn_time_and_waiting_spends_it() {
        let mut wait = Wait::default();
        wait.begin(TIMES.http);
        assert_eq!(turn(&mut wait, Awaited::Bytes, 0, 1000), Some(1600));
        assert_eq!(turn(&mut wait, Awaited::Bytes, 0, 1100), Some(1600), "no byte came");
        assert_eq!(turn(&mut wait, Awaited::Bytes, 10, 1200), Some(1200 + 400 + 20));
        assert_eq!(turn(&mut wait, Awaited::Nothing, 0, 1300), None);
        assert_eq!(
            turn(&mut wait, Awaited::Bytes, 0, 5000),
            Some(5000 + 320),
            "the application took its time"
        );
        assert_eq!(turn(&mut wait, Awaited::Bytes, 100_000, 5100), Some(5700), "no more than the limit");
    }

    #[test]
    fn a_limit_of_0_is_none() {
        let mut wait = Wait::default();
        wait.begin(0);
        wait.turn(Awaited::Bytes, 0, Millis(5), &TIMES, TIMES.socket);
        assert_eq!(wait.due, None);
    }
}
