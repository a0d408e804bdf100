//! The date of now as HTTP writes it, made once a second: the monotonic clock, which is read for every answer anyway, says
//! when the second is over.

use std::sync::Mutex;

use goherd_proto::encode;
use goherd_sys::clock::{self, Millis};

use crate::table::locked;

/// Length of an HTTP date (RFC 9110 §5.6.7).
pub(crate) const LENGTH: usize = 29;

#[derive(Debug)]
pub(crate) struct Date {
    made: Mutex<Made>,
}

#[derive(Debug)]
struct Made {
    /// From when on it is another second.
    stale: Millis,
    text: [u8; LENGTH],
}

impl Date {
    pub fn new() -> Self {
        Self { made: Mutex::new(Made { stale: Millis(0), text: [b' '; LENGTH] }) }
    }

    /// The date at `now`.
    pub fn at(&self, now: Millis) -> [u8; LENGTH] {
        let mut made = locked(&self.made);
        if made.stale <= now {
            let (seconds, left) = clock::unix_seconds();
            if let Ok(text) = encode::date(seconds).as_bytes().try_into() {
                *made = Made { stale: now.after(left), text };
            }
        }
        made.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_date() {
        let (date, now) = (Date::new(), Millis::now());
        let text = date.at(now);
        assert!(text.ends_with(b" GMT"), "{text:?}");
        let stale = date.made.lock().unwrap().stale;
        assert!(now < stale && stale <= now.after(1000), "{stale:?}");
    }
}
