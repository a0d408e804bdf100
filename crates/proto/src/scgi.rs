//! SCGI: a netstring (`length:` bytes `,`) of variables, each `name NUL value NUL`; CONTENT_LENGTH is the first, and
//! `SCGI` is `1`. The body follows, as long as CONTENT_LENGTH says.
//!
//! In: what has come so far. Out: the packet, "more bytes, please", or a refusal, as early as one can be.

use crate::cgi::Variable;
use crate::cgi::variables::{take_bytes, walk};
use crate::http1::{Limits, Refusal};

/// The most digits of a length: far more than any limit, and too few to overflow.
const MAX_DIGITS: usize = 7;

/// A whole packet.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// How many bytes it is: consume them.
    pub length: usize,
    packed: &'a [u8],
}

impl<'a> Packet<'a> {
    /// The variables in their order, up to the first that is malformed.
    pub fn variables(&self) -> impl Iterator<Item = Variable<'a>> + use<'a> {
        walk(self.packed, take)
    }

    /// Whether the variables are there that SCGI wants.
    fn check(self) -> Result<Self, Refusal> {
        if !matches!(self.variables().next(), Some(Err(_) | Ok((b"CONTENT_LENGTH", _)))) {
            return Err(Refusal::silent("does not begin with CONTENT_LENGTH"));
        }
        let mut versions = self.variables().filter(|v| matches!(v, Err(_) | Ok((b"SCGI", _))));
        match versions.next() {
            Some(Ok((_, b"1"))) => Ok(self),
            Some(Err(refusal)) => Err(refusal),
            _ => Err(Refusal::silent("does not speak SCGI 1")),
        }
    }
}

/// Looks for a packet at the front of `input`; `None`: more bytes are needed.
pub fn find<'a>(input: &'a [u8], limits: &Limits) -> Result<Option<Packet<'a>>, Refusal> {
    let Some((size, digits)) = size(input)? else { return Ok(None) };
    if size > limits.head {
        return Err(Refusal::silent("has too long a packet"));
    }
    let after = &input[digits + 1..];
    let (Some(packed), Some(end)) = (after.get(..size), after.get(size)) else { return Ok(None) };
    if *end != b',' {
        return Err(Refusal::silent("has a netstring that does not end with its length"));
    }
    Packet { length: digits + 1 + size + 1, packed }.check().map(Some)
}

/// The length before the colon, and how many digits it has.
fn size(input: &[u8]) -> Result<Option<(usize, usize)>, Refusal> {
    const MALFORMED: Refusal = Refusal::silent("does not begin with a length");
    let digits = input.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits > MAX_DIGITS || input.first() == Some(&b'0') {
        return Err(MALFORMED);
    }
    match input.get(digits) {
        None => Ok(None),
        Some(b':') => {
            let text = std::str::from_utf8(&input[..digits]).ok();
            let size = text.and_then(|text| text.parse().ok()).ok_or(MALFORMED)?;
            Ok(Some((size, digits)))
        }
        Some(_) => Err(MALFORMED),
    }
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    Some((take_text(rest)?, take_text(rest)?))
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = memchr::memchr(0, rest)?;
    let text = take_bytes(rest, end)?;
    take_bytes(rest, 1)?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgi::Request;
    use crate::http1::Body;

    const POST: &str = "CONTENT_LENGTH\x003\0SCGI\x001\0REQUEST_METHOD\0POST\0REQUEST_URI\0/\0HTTP_HOST\0x\0";

    fn netstring(packed: &str) -> Vec<u8> {
        format!("{}:{packed},", packed.len()).into_bytes()
    }

    fn length(input: &[u8]) -> Result<Option<usize>, Refusal> {
        let Some(packet) = find(input, &Limits::default())? else { return Ok(None) };
        packet.variables().try_for_each(|variable| variable.map(drop))?;
        Ok(Some(packet.length))
    }

    /// The same of every beginning of `input`: the first answer that is not "more".
    fn by_byte(input: &[u8]) -> Result<Option<usize>, Refusal> {
        (0..=input.len())
            .map(|end| length(&input[..end]))
            .find(|found| *found != Ok(None))
            .unwrap_or(Ok(None))
    }

    fn refused(input: &[u8]) {
        let refusal = length(input).unwrap_err();
        assert_eq!(by_byte(input), Err(refusal), "{input:?}");
        assert_eq!(refusal.status, 0, "{input:?}");
    }

    fn read(input: &[u8]) -> Result<Request, u16> {
        let packet = find(input, &Limits::default()).unwrap().unwrap();
        let mut request = Request::default();
        let result = request.read(packet.variables(), &Limits::default());
        result.map_err(|refusal| refusal.status).map(|()| request)
    }

    #[test]
    fn a_packet_is_found_when_it_is_whole() {
        let bytes = netstring(POST);
        assert_eq!(length(&[&bytes[..], b"abc"].concat()), Ok(Some(bytes.len())));
        assert_eq!(by_byte(&bytes), Ok(Some(bytes.len())));
        assert!((0..bytes.len()).all(|end| length(&bytes[..end]) == Ok(None)));
    }

    #[test]
    fn a_packet_is_a_request() {
        let request = read(&netstring(POST)).unwrap();
        assert_eq!(request.head.method.of(&request.bytes), b"POST");
        assert_eq!(request.head.framing.body, Body::Length(3));
    }

    #[test]
    fn u1_lengths_are_short_numbers() {
        for bad in
            ["0:,", "05:", "00000001:", "12345678", "99999999:", "-1:", "+1:", " 1:", ":", "x", "1x", "1 :"]
        {
            refused(bad.as_bytes());
        }
        refused(b"65537:");
        assert_eq!(length(b"65536:"), Ok(None));
        refused(b"9999999:");
        refused(b"GET / HTTP/1.1\r\n\r\n");
        refused(&[0, 5, 0, 0]);
    }

    #[test]
    fn u2_a_netstring_ends_where_it_says() {
        let mut bytes = netstring(POST);
        *bytes.last_mut().unwrap() = b'x';
        refused(&bytes);
        refused(format!("{}:{POST},", POST.len() - 1).as_bytes());
        refused(format!("{}:{POST},,", POST.len() + 1).as_bytes());
    }

    #[test]
    fn u3_variables_fill_their_packet_exactly() {
        for tail in ["A", "A\0", "A\0b", "\0", "\0b\0", "\0\0"] {
            refused(&netstring(&format!("{POST}{tail}")));
            refused(&netstring(&format!("CONTENT_LENGTH\x000\0{tail}")));
            refused(&netstring(tail));
        }
        assert!(length(&netstring(&format!("{POST}A\0\0"))).is_ok());
    }

    #[test]
    fn u4_what_scgi_wants_is_there() {
        for bad in [
            "SCGI\x001\0CONTENT_LENGTH\x000\0",
            "CONTENT_LENGTH\x000\0",
            "CONTENT_LENGTH\x000\0SCGI\x002\0",
            "CONTENT_LENGTH\x000\0SCGI\0\0",
            "CONTENT_LENGTH\x000\0scgi\x001\0",
            "content_length\x000\0SCGI\x001\0",
        ] {
            refused(&netstring(bad));
        }
        assert_eq!(read(&netstring("CONTENT_LENGTH\x000\0SCGI\x001\0")).unwrap_err(), 400);
    }

    #[test]
    fn u6_a_malformed_length_of_the_body_is_a_400() {
        for bad in ["-1", "abc", "3 ", "99999999999999999999", "3\0CONTENT_LENGTH\x003"] {
            let changed = POST.replacen('3', bad, 1);
            assert_eq!(read(&netstring(&changed)).unwrap_err(), 400, "{bad:?}");
        }
    }

    #[test]
    fn any_byte_may_be_any_other() {
        let bytes = netstring(POST);
        let mut request = Request::default();
        for (place, byte) in (0..bytes.len()).flat_map(|place| (0..=255).map(move |byte| (place, byte))) {
            let mut changed = bytes.clone();
            changed[place] = byte;
            if let Ok(Some(packet)) = find(&changed, &Limits::default()) {
                let _ = request.read(packet.variables(), &Limits::default());
            }
        }
    }
}
