//! Packets of the uwsgi protocol that ask for a service in place of a web request: the cache (modifier 111), a signal (110),
//! a call of a function (173). docs/remote.md describes them for others.
//!
//! In: what has come so far. Out: what is asked for, "more bytes, please", or a refusal, as early as one can be; and in
//! the other direction the bytes of packets and answers. A packet begins with `modifier1 u8, size u16, modifier2 u8`, numbers
//! are little-endian.

pub mod answer;
pub mod cache;
pub mod call;
pub mod signal;

use crate::http1::Refusal;

pub use answer::{Answer, Status};
pub use cache::{Command, Order};
pub use call::Call;

/// The modifier1 of a signal.
pub const SIGNAL: u8 = 110;
/// The modifier1 of an order to the cache.
pub const CACHE: u8 = 111;
/// The modifier1 of a call.
pub const RPC: u8 = 173;

/// The modifier2 of packets that hold variables, after which as many bytes follow as their variable `size` says: uWSGI's
/// number for its cache, and Goherd's own form of calls.
pub const DICTIONARY: u8 = 17;

/// The bytes before what is packed.
pub const HEADER: usize = 4;

const OTHER: Refusal = Refusal::silent("asks for a modifier that this socket does not serve");
const NOT_A_NUMBER: Refusal = Refusal::silent("has a variable that should be a number, and is none");

/// The front of a packet.
#[derive(Clone, Copy, Debug)]
struct Header<'a> {
    modifier2: u8,
    size: usize,
    /// What has come of the rest.
    rest: &'a [u8],
}

impl<'a> Header<'a> {
    /// Reads it, if the packet has this `modifier1` and one of these `modifiers2`.
    fn read(input: &'a [u8], modifier1: u8, modifiers2: &[u8]) -> Result<Option<Self>, Refusal> {
        if input.first().is_some_and(|&found| found != modifier1)
            || input.get(3).is_some_and(|found| !modifiers2.contains(found))
        {
            return Err(OTHER);
        }
        let &[_, low, high, modifier2, ref rest @ ..] = input else { return Ok(None) };
        Ok(Some(Self { modifier2, size: u16::from_le_bytes([low, high]).into(), rest }))
    }

    /// What is packed, when all of it has come.
    fn packed(self) -> Option<&'a [u8]> {
        self.rest.get(..self.size)
    }
}

/// A number in decimal, as a variable has it.
fn number(digits: &[u8]) -> Result<u64, Refusal> {
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(digits).ok().filter(|_| plain);
    text.and_then(|text| text.parse().ok()).ok_or(NOT_A_NUMBER)
}

/// The same with a sign.
fn signed_number(digits: &[u8]) -> Result<i64, Refusal> {
    let plain = digits.strip_prefix(b"-").unwrap_or(digits);
    let text = std::str::from_utf8(digits).ok().filter(|_| plain.first().is_some_and(u8::is_ascii_digit));
    text.and_then(|text| text.parse().ok()).ok_or(NOT_A_NUMBER)
}

/// Variables in a packet of at most 65535 bytes.
#[derive(Debug)]
struct Packer {
    bytes: Vec<u8>,
}

impl Packer {
    fn new(modifier1: u8, modifier2: u8) -> Self {
        Self { bytes: vec![modifier1, 0, 0, modifier2] }
    }

    /// Adds a variable; one that has no room any more is left out.
    fn put(&mut self, name: &str, value: &[u8]) -> bool {
        let lengths = (u16::try_from(name.len()), u16::try_from(value.len()));
        let (Ok(name_length), Ok(value_length)) = lengths else { return false };
        let after = self.bytes.len() - HEADER + 4 + name.len() + value.len();
        let Ok(size) = u16::try_from(after) else { return false };
        self.bytes.extend_from_slice(&name_length.to_le_bytes());
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.extend_from_slice(&value_length.to_le_bytes());
        self.bytes.extend_from_slice(value);
        self.bytes[1..3].copy_from_slice(&size.to_le_bytes());
        true
    }

    fn put_number(&mut self, name: &str, value: impl std::fmt::Display) -> bool {
        self.put(name, value.to_string().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_plain() {
        assert_eq!(number(b"18446744073709551615"), Ok(u64::MAX));
        for wrong in [&b""[..], b"+1", b"-1", b" 1", b"1 ", b"1_0", b"18446744073709551616", b"\xff"] {
            assert_eq!(number(wrong), Err(NOT_A_NUMBER), "{wrong:?}");
        }
        assert_eq!(signed_number(b"-9223372036854775808"), Ok(i64::MIN));
        for wrong in [&b""[..], b"-", b"+1", b"--1", b"- 1", b"9223372036854775808"] {
            assert_eq!(signed_number(wrong), Err(NOT_A_NUMBER), "{wrong:?}");
        }
    }

    #[test]
    fn what_has_no_room_is_left_out() {
        let mut packer = Packer::new(CACHE, DICTIONARY);
        assert!(packer.put("a", b"1"));
        assert!(!packer.put("b", &[0; 65_536]));
        assert!(!packer.put("b", &[0; 65_530]));
        assert_eq!(packer.bytes, b"\x6f\x06\0\x11\x01\0a\x01\x001");
    }
}
