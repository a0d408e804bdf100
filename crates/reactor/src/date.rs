//! The date of now as HTTP writes it, made once a second.

use std::sync::Mutex;

use goherd_proto::encode;
use goherd_sys::clock;

use crate::table::locked;

/// Length of an HTTP date (RFC 9110 §5.6.7).
pub(crate) const LENGTH: usize = 29;

#[derive(Debug)]
pub(crate) struct Date {
    made: Mutex<(u64, [u8; LENGTH])>,
}

impl Date {
    pub fn new() -> Self {
        Self { made: Mutex::new((u64::MAX, [b' '; LENGTH])) }
    }

    pub fn now(&self) -> [u8; LENGTH] {
        let seconds = clock::unix_seconds();
        let mut made = locked(&self.made);
        if made.0 != seconds {
            let text = encode::date(seconds);
            if let Ok(bytes) = text.as_bytes().try_into() {
                *made = (seconds, bytes);
            }
        }
        made.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_date() {
        let date = Date::new().now();
        assert!(date.ends_with(b" GMT"), "{date:?}");
    }
}
