//! uwsgi packets: `modifier1 u8, size u16, modifier2 u8`, then `size` bytes of variables, each a `u16 length, name, u16
//! length, value`; numbers are little-endian. The body follows, as long as CONTENT_LENGTH says.
//!
//! In: what has come so far. Out: the packet, "more bytes, please", or a refusal, as early as one can be.

use crate::cgi::Variable;
use crate::cgi::variables::{take_bytes, walk};
use crate::http1::{Limits, Refusal};

/// The modifiers that ask for a web request: 0 is the default, 11 the one given to Go. Others asked uWSGI to run code, to
/// reload or to change its cache; nothing here does such a thing for a peer.
const SERVED: [u8; 2] = [0, 11];

/// The bytes before the variables.
const HEADER: usize = 4;

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
        variables(self.packed)
    }
}

/// The same of what is packed in any packet.
pub(crate) fn variables<'a>(packed: &'a [u8]) -> impl Iterator<Item = Variable<'a>> + use<'a> {
    walk(packed, take)
}

/// Looks for a packet at the front of `input`; `None`: more bytes are needed.
pub fn find<'a>(input: &'a [u8], limits: &Limits) -> Result<Option<Packet<'a>>, Refusal> {
    if input.first().is_some_and(|modifier1| !SERVED.contains(modifier1))
        || input.get(3).is_some_and(|&modifier2| modifier2 != 0)
    {
        return Err(Refusal::silent("asks for a modifier that this socket does not serve"));
    }
    let &[_, low, high, ref after @ ..] = input else { return Ok(None) };
    let size = usize::from(u16::from_le_bytes([low, high]));
    if size == 0 {
        return Err(Refusal::silent("has no variables"));
    }
    if size > limits.head {
        return Err(Refusal::silent("has too long a packet"));
    }
    let packed = after.get(1..1 + size);
    Ok(packed.map(|packed| Packet { length: HEADER + size, packed }))
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    Some((take_text(rest)?, take_text(rest)?))
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk()?;
    *rest = after;
    take_bytes(rest, u16::from_le_bytes(*length).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgi::Request;

    fn text(text: &str) -> Vec<u8> {
        let length = u16::try_from(text.len()).unwrap();
        [&length.to_le_bytes(), text.as_bytes()].concat()
    }

    fn packed(variables: &[(&str, &str)]) -> Vec<u8> {
        variables.iter().flat_map(|(name, value)| [text(name), text(value)].concat()).collect()
    }

    fn packet(modifier1: u8, packed: &[u8], modifier2: u8) -> Vec<u8> {
        let [low, high] = u16::try_from(packed.len()).unwrap().to_le_bytes();
        [&[modifier1, low, high, modifier2], packed].concat()
    }

    const GET: [(&str, &str); 3] = [("REQUEST_METHOD", "GET"), ("PATH_INFO", "/"), ("HTTP_HOST", "x")];

    /// The variables and the length of a packet; `None`: more bytes are needed.
    type Found = Option<(Vec<(String, String)>, usize)>;

    fn found(input: &[u8]) -> Result<Found, Refusal> {
        let Some(packet) = find(input, &Limits::default())? else { return Ok(None) };
        let own = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let variables: Result<_, _> = packet.variables().map(|v| v.map(|(n, v)| (own(n), own(v)))).collect();
        Ok(Some((variables?, packet.length)))
    }

    /// The same of every beginning of `input`: the first answer that is not "more".
    fn by_byte(input: &[u8]) -> Result<Found, Refusal> {
        (0..=input.len()).map(|end| found(&input[..end])).find(|found| *found != Ok(None)).unwrap_or(Ok(None))
    }

    fn refused(input: &[u8]) -> Refusal {
        let refusal = found(input).unwrap_err();
        assert_eq!(by_byte(input), Err(refusal), "{input:?}");
        assert_eq!(refusal.status, 0, "{input:?}");
        refusal
    }

    #[test]
    fn a_packet_is_found_when_it_is_whole() {
        for modifier1 in SERVED {
            let bytes = packet(modifier1, &packed(&[("A", "1"), ("EMPTY", "")]), 0);
            let variables = vec![("A".to_owned(), "1".to_owned()), ("EMPTY".to_owned(), String::new())];
            let expected = Ok(Some((variables, bytes.len())));
            assert_eq!(found(&[&bytes[..], b"body"].concat()), expected);
            assert_eq!(by_byte(&bytes), expected);
            assert!((0..bytes.len()).all(|end| found(&bytes[..end]) == Ok(None)));
        }
    }

    #[test]
    fn a_packet_is_a_request() {
        let bytes = packet(0, &packed(&GET), 0);
        let found = find(&bytes, &Limits::default()).unwrap().unwrap();
        let mut request = Request::default();
        request.read(found.variables(), &Limits::default()).unwrap();
        assert_eq!(request.head.target.of(&request.bytes), b"/");
    }

    #[test]
    fn u1_u4_sizes_are_judged_by_the_header() {
        assert_eq!(refused(&[0, 0, 0, 0]).reason, "has no variables");
        assert_eq!(refused(&[0, 0, 0]).reason, "has no variables");
        let limits = Limits { head: 4096, ..Limits::default() };
        assert!(find(&[0, 0, 0x10, 0], &limits).unwrap().is_none());
        assert_eq!(find(&[0, 1, 0x10], &limits).unwrap_err().status, 0);
        assert_eq!(found(&[0, 0xff, 0xff, 0]), Ok(None));
    }

    #[test]
    fn u2_u3_variables_fill_their_packet_exactly() {
        let whole = packed(&GET);
        for cut in 1..whole.len() {
            let result = found(&packet(0, &whole[..cut], 0));
            let ends = [packed(&GET[..1]).len(), packed(&GET[..2]).len()];
            assert_eq!(result.is_ok(), ends.contains(&cut), "cut at {cut}");
        }
        for tail in [
            &b"\x01"[..],
            b"\x00\x00",
            b"\x05\x00abc",
            b"\x01\x00a\x05\x00abc",
            b"\x01\x00a",
            b"\x01\x00a\x00",
        ] {
            refused(&packet(0, &[&whole[..], tail].concat(), 0));
        }
        assert_eq!(refused(&packet(0, b"\0\0\x01\0v", 0)).reason, "has a variable without a name");
        refused(&packet(0, b"\xff\xffa", 0));
        refused(&packet(0, b"\x01\0a\xff\xffv", 0));
    }

    #[test]
    fn nothing_comes_after_a_malformed_variable() {
        let bytes = packet(0, b"\0\0\0\0\x01\0a\x01\0b", 0);
        let found = find(&bytes, &Limits::default()).unwrap().unwrap();
        assert_eq!(found.variables().count(), 1);
    }

    #[test]
    fn u5_u10_other_modifiers_are_refused_at_their_byte() {
        for modifier1 in (0..=255).filter(|modifier1| !SERVED.contains(modifier1)) {
            let refusal = refused(&packet(modifier1, &packed(&GET), 0));
            assert_eq!(refusal.reason, "asks for a modifier that this socket does not serve");
            assert_eq!(found(&[modifier1]), Err(refusal));
        }
        for modifier2 in 1..=255 {
            refused(&packet(0, &packed(&GET), modifier2));
        }
        refused(b"GET / HTTP/1.1\r\n\r\n");
    }

    #[test]
    fn any_byte_may_be_any_other() {
        let bytes = packet(0, &packed(&GET), 0);
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
