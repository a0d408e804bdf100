//! A signal that another raises: a packet without anything in it, whose modifier2 is the signal's number. The answer is a
//! packet of the modifier 255 whose modifier2 tells whether the signal was taken.

use super::{HEADER, Header, SIGNAL};
use crate::http1::Refusal;

/// Looks for one at the front of `input`: the signal's number, and how many bytes to consume.
pub fn find(input: &[u8]) -> Result<Option<(u8, usize)>, Refusal> {
    let all: [u8; 256] = std::array::from_fn(|number| u8::try_from(number).unwrap_or(u8::MAX));
    let Some(header) = Header::read(input, SIGNAL, &all)? else { return Ok(None) };
    if header.size > 0 {
        return Err(Refusal::silent("has something in a packet that is to be empty"));
    }
    Ok(Some((header.modifier2, HEADER)))
}

/// The packet that raises the signal.
#[must_use]
pub fn encode(number: u8) -> [u8; HEADER] {
    [SIGNAL, 0, 0, number]
}

/// The answer to it.
#[must_use]
pub fn answer(taken: bool) -> [u8; HEADER] {
    [255, 0, 0, u8::from(taken)]
}

/// Whether an answer says that it was taken; `None`: it is no such answer.
#[must_use]
pub fn taken(answer: [u8; HEADER]) -> Option<bool> {
    [false, true].into_iter().find(|&taken| self::answer(taken) == answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_in_the_header() {
        for number in 0..=255 {
            let packet = encode(number);
            assert_eq!(find(&packet), Ok(Some((number, 4))));
            assert!((0..4).all(|end| find(&packet[..end]) == Ok(None)));
        }
        assert!(find(b"\x6e\x01\0\x05").is_err());
        assert!(find(b"\x6f").is_err() && find(b"GET / HTTP/1.1\r\n").is_err());
    }

    #[test]
    fn answers_say_whether_it_was_taken() {
        assert_eq!([true, false].map(|taken| super::taken(answer(taken))), [Some(true), Some(false)]);
        assert_eq!(taken(*b"HTTP"), None);
    }
}
