//! Calls of functions, in two forms, and what is answered.
//!
//! uWSGI's form (modifier2 0) is an array: the name and the arguments, each behind its length as a u16. Its answer is the
//! result alone, and there is none when the call fails.
//!
//! Goherd's form (modifier2 17) has variables: `name`, `size`, and `millis`, the time that the caller has. After them come `size`
//! bytes, the arguments, each behind its length as a u32. Its answer has a status, and a reason when the call fails.

use super::{DICTIONARY, HEADER, Header, Packer, RPC, number};
use crate::cgi::Request;
use crate::cgi::variables::take_bytes;
use crate::http1::framing::Framing;
use crate::http1::{Body, Field, Refusal, Span};
use crate::uwsgi;

/// The most arguments of a call, and the most bytes of one: uWSGI's limits.
pub const MOST_ARGUMENTS: usize = 254;
/// The most bytes of an argument.
pub const LONGEST_ARGUMENT: usize = 65_535;
/// The most bytes of a result.
pub const LONGEST_RESULT: usize = 16 << 20;

/// What all arguments of a call together are at most, with their lengths.
const MOST: u64 = (MOST_ARGUMENTS * (LONGEST_ARGUMENT + 4)) as u64;

/// How the arguments come, and what the answer is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// uWSGI's.
    Array,
    /// Goherd's.
    Dictionary,
}

/// The beginning of a call. The arguments follow, in [`Call::size`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call<'a> {
    /// The form.
    pub form: Form,
    /// The name of the function; never empty.
    pub name: &'a [u8],
    /// How long the caller waits, in milliseconds; 0: nobody has said.
    pub millis: u64,
    /// How many bytes of arguments follow.
    pub size: u64,
    /// How many bytes of the input this is.
    pub length: usize,
}

impl<'a> Call<'a> {
    /// Looks for one at the front of `input`; `None`: more bytes are needed.
    pub fn find(input: &'a [u8]) -> Result<Option<Self>, Refusal> {
        const NAMELESS: Refusal = Refusal::silent("has no name of a function");
        let Some(header) = Header::read(input, RPC, &[0, DICTIONARY])? else { return Ok(None) };
        let call = if header.modifier2 == DICTIONARY { dictionary(header)? } else { array(header)? };
        match call {
            Some(Call { name: b"", .. }) => Err(NAMELESS),
            call => Ok(call),
        }
    }

    /// Writes it down as a request, as which the application takes it: the method is RPC, the target the name, and a field
    /// `Millis` the time, if the caller has said it; the arguments are the body.
    pub fn describe(&self, request: &mut Request) {
        let (bytes, head) = (&mut request.bytes, &mut request.head);
        bytes.clear();
        let mut append = |part: &[u8]| {
            let start = bytes.len();
            bytes.extend_from_slice(part);
            Span::between(start, bytes.len())
        };
        head.fields.clear();
        head.method = append(b"RPC");
        head.target = append(self.name);
        if self.millis > 0 {
            let (name, value) = (append(b"Millis"), append(self.millis.to_string().as_bytes()));
            head.fields.push(Field { name, value });
        }
        head.host = Span::default();
        head.minor = 1;
        head.framing = Framing { body: Body::Length(self.size), keep_alive: true, ..Framing::default() };
        head.length = request.bytes.len();
        request.https = false;
        request.peer.clear();
    }
}

fn array(header: Header<'_>) -> Result<Option<Call<'_>>, Refusal> {
    const SHORT: Refusal = Refusal::silent("has an argument that is cut short");
    if header.size < 2 {
        return Err(SHORT);
    }
    let Some((&length, rest)) = header.rest.split_first_chunk() else { return Ok(None) };
    let length = usize::from(u16::from_le_bytes(length));
    let left = header.size - 2;
    if length > left {
        return Err(SHORT);
    }
    let call = rest.get(..length).map(|name| Call {
        form: Form::Array,
        name,
        millis: 0,
        size: (left - length) as u64,
        length: HEADER + 2 + length,
    });
    Ok(call)
}

fn dictionary(header: Header<'_>) -> Result<Option<Call<'_>>, Refusal> {
    let Some(packed) = header.packed() else { return Ok(None) };
    let length = HEADER + packed.len();
    let mut call = Call { form: Form::Dictionary, name: b"", millis: 0, size: 0, length };
    for variable in uwsgi::variables(packed) {
        let (name, value) = variable?;
        match name {
            b"name" => call.name = value,
            b"size" => call.size = number(value)?,
            b"millis" => call.millis = number(value)?,
            _ => {} // of a later version
        }
    }
    if call.size > MOST {
        return Err(Refusal::silent("has more arguments than a call may have"));
    }
    Ok(Some(call))
}

/// The packet of a call in Goherd's form, with its arguments; `None`: the name, an argument, or their number is too long.
#[must_use]
pub fn encode(name: &[u8], arguments: &[&[u8]], millis: u64) -> Option<Vec<u8>> {
    if arguments.len() > MOST_ARGUMENTS {
        return None;
    }
    let mut packed = Vec::new();
    for argument in arguments {
        let length = u32::try_from(argument.len()).ok().filter(|_| argument.len() <= LONGEST_ARGUMENT)?;
        packed.extend_from_slice(&length.to_le_bytes());
        packed.extend_from_slice(argument);
    }
    let mut packer = Packer::new(RPC, DICTIONARY);
    let mut fits = packer.put("name", name) && packer.put_number("size", packed.len());
    if millis > 0 {
        fits &= packer.put_number("millis", millis);
    }
    packer.bytes.extend_from_slice(&packed);
    fits.then_some(packer.bytes)
}

/// The arguments that the bytes after a call are; `None`: they are malformed.
#[must_use]
pub fn arguments(form: Form, mut packed: &[u8]) -> Option<Vec<&[u8]>> {
    let mut found = Vec::new();
    while !packed.is_empty() {
        let length = match form {
            Form::Array => take_bytes(&mut packed, 2)
                .and_then(|bytes| Some(u32::from(u16::from_le_bytes(bytes.try_into().ok()?)))),
            Form::Dictionary => {
                take_bytes(&mut packed, 4).and_then(|bytes| Some(u32::from_le_bytes(bytes.try_into().ok()?)))
            }
        }?;
        let length = usize::try_from(length).ok().filter(|length| *length <= LONGEST_ARGUMENT)?;
        if found.len() == MOST_ARGUMENTS {
            return None;
        }
        found.push(take_bytes(&mut packed, length)?);
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array_packet(parts: &[&[u8]]) -> Vec<u8> {
        let packed: Vec<u8> = parts
            .iter()
            .flat_map(|part| [&u16::try_from(part.len()).unwrap().to_le_bytes()[..], part].concat())
            .collect();
        [&[RPC][..], &u16::try_from(packed.len()).unwrap().to_le_bytes(), &[0], &packed].concat()
    }

    #[test]
    fn an_array_is_a_name_and_arguments() {
        let packet = array_packet(&[b"sum", b"1", b"", b"22"]);
        let call = Call::find(&packet).unwrap().unwrap();
        assert_eq!((call.form, call.name, call.millis), (Form::Array, &b"sum"[..], 0));
        let rest = &packet[call.length..];
        assert_eq!(rest.len() as u64, call.size);
        assert_eq!(arguments(call.form, rest).unwrap(), [&b"1"[..], b"", b"22"]);
        assert!((0..call.length).all(|end| Call::find(&packet[..end]) == Ok(None)));
        let alone = array_packet(&[b"f"]);
        assert_eq!(Call::find(&alone).unwrap().unwrap().size, 0);
    }

    #[test]
    fn a_dictionary_is_read_as_it_was_written() {
        let long = vec![7; LONGEST_ARGUMENT];
        let packet = encode(b"f", &[b"", &long, b"x"], 250).unwrap();
        let call = Call::find(&packet).unwrap().unwrap();
        assert_eq!((call.form, call.name, call.millis), (Form::Dictionary, &b"f"[..], 250));
        assert_eq!(arguments(call.form, &packet[call.length..]).unwrap(), [&b""[..], &long, b"x"]);
        assert!((0..call.length).all(|end| Call::find(&packet[..end]) == Ok(None)));
    }

    #[test]
    fn a_call_is_a_request() {
        let mut request = Request::default();
        for (millis, fields) in [(0, 0), (250, 1)] {
            let packet = encode(b"f", &[b"x"], millis).unwrap();
            Call::find(&packet).unwrap().unwrap().describe(&mut request);
            let (head, bytes) = (&request.head, &request.bytes);
            assert_eq!([head.method, head.target].map(|span| span.of(bytes)), [&b"RPC"[..], b"f"]);
            assert_eq!((head.fields.len(), head.framing.body), (fields, Body::Length(5)));
            assert!(head.fields.iter().all(|field| field.value.of(bytes) == b"250"));
        }
    }

    #[test]
    fn a_call_has_limits() {
        assert!(encode(b"f", &[&[0; LONGEST_ARGUMENT + 1]], 0).is_none());
        assert!(encode(b"f", &[&b""[..]; MOST_ARGUMENTS + 1], 0).is_none());
        assert!(encode(&[b'f'; 65_535], &[], 0).is_none());
        let packet = encode(b"f", &[&[1; LONGEST_ARGUMENT][..]; MOST_ARGUMENTS], 0).unwrap();
        let call = Call::find(&packet).unwrap().unwrap();
        assert_eq!(call.size, MOST);
        assert_eq!(arguments(call.form, &packet[call.length..]).unwrap().len(), MOST_ARGUMENTS);
        assert!(arguments(Form::Array, &[0; 2 * (MOST_ARGUMENTS + 1)]).is_none());
        assert!(arguments(Form::Dictionary, b"\0\0\x01\0").is_none());
    }

    #[test]
    fn what_is_wrong_ends_the_connection() {
        let many = format!("{}", MOST + 1);
        let too_many = {
            let mut packer = Packer::new(RPC, DICTIONARY);
            packer.put("name", b"f");
            packer.put("size", many.as_bytes());
            packer.bytes
        };
        for (packet, reason) in [
            (array_packet(&[]), "cut short"),
            (array_packet(&[b"", b"x"]), "no name"),
            (b"\xad\x03\0\0\x05\0f".to_vec(), "cut short"),
            (b"\xad\x01\0\0".to_vec(), "cut short"),
            (b"\xad\0\0\x11".to_vec(), "no name"),
            (too_many, "more arguments"),
            (b"\xad\x03\0\x02".to_vec(), "a modifier"),
            (b"\x6f".to_vec(), "a modifier"),
        ] {
            let refusal = Call::find(&packet).unwrap_err();
            assert!(refusal.is_silent() && refusal.reason.contains(reason), "{packet:?}: {refusal}");
        }
    }
}
