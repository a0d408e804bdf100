//! Lines for the log that would otherwise come as often as a peer likes.

use std::sync::Mutex;

use goherd_sys::clock::Millis;
use goherd_sys::stderr;

use crate::table::locked;

/// Tells something at most once in a while.
#[derive(Debug)]
pub(crate) struct Rarely {
    every_ms: u64,
    last: Mutex<Option<(Millis, u64)>>,
}

impl Rarely {
    pub fn new(every_ms: u64) -> Self {
        Self { every_ms, last: Mutex::new(None) }
    }

    /// Writes `line`, unless one was written a short while ago; then it is counted, and the next one says so.
    pub fn tell(&self, line: impl FnOnce() -> String) {
        if let Some(withheld) = self.admit(Millis::now()) {
            let more = if withheld > 0 {
                format!(" (and {withheld} times since the last such line)")
            } else {
                String::new()
            };
            stderr::line(&format!("{}{more}", line()));
        }
    }

    /// `Some`: a line may be written now, and so many were not before.
    fn admit(&self, now: Millis) -> Option<u64> {
        let mut last = locked(&self.last);
        match &mut *last {
            Some((before, withheld)) if now.since(*before) < self.every_ms => {
                *withheld += 1;
                None
            }
            last => Some(last.replace((now, 0)).map_or(0, |(_, withheld)| withheld)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_withheld_is_counted() {
        let rarely = Rarely::new(100);
        let admitted: Vec<_> = [5, 50, 104, 105, 106, 300].map(|ms| rarely.admit(Millis(ms))).into();
        assert_eq!(admitted, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
