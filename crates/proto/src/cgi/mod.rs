//! Variables to a request (RFC 3875 §4.1): what a web server in front says about the request that it hands on.
//!
//! In: the variables of one packet, as `uwsgi`, `scgi` and `fastcgi` find them. Out: the same [`Head`] that
//! HTTP/1 gives, by the same rules. Variables are data: none of them names a file, a module or a setting of the server.

mod known;
mod peer;
mod target;
pub(crate) mod variables;

use std::borrow::Cow;

use crate::http1::end::{is_field_byte, is_token};
use crate::http1::{Body, Head, Limits, Refusal, Span, framing};
use known::Known;
pub use variables::Variable;

/// The most variables that a request may have; more is a 431.
const MAX_VARIABLES: usize = 256;

/// Fields that are between the client and the web server in front, or that would contradict the variables. `Proxy` would
/// become the `HTTP_PROXY` of programs that the application starts (CVE-2016-5385).
const DROPPED: [&[u8]; 8] = [
    b"CONNECTION",
    b"CONTENT_LENGTH",
    b"CONTENT_TYPE",
    b"EXPECT",
    b"KEEP_ALIVE",
    b"PROXY",
    b"TRANSFER_ENCODING",
    b"UPGRADE",
];

/// A request. Made once and used for one request after another, so that its memory is.
#[derive(Debug, Default)]
pub struct Request {
    /// What the spans of the head point into.
    pub bytes: Vec<u8>,
    /// The head; its length is that of `bytes`, not of what came over the wire. Field names are in the form of Go's
    /// `net/http`. Whether the connection goes on is for the caller to say.
    pub head: Head,
    /// The client, in the form of Go's `RemoteAddr`; `@` if it has no address.
    pub peer: String,
    /// The client speaks TLS to the web server.
    pub https: bool,
    /// CONTENT_LENGTH was said, be it 0.
    pub says_length: bool,
}

impl Request {
    /// Reads the variables of one request. After a refusal, what is in `self` means nothing.
    pub fn read<'a>(
        &mut self,
        variables: impl Iterator<Item = Variable<'a>>,
        limits: &Limits,
    ) -> Result<(), Refusal> {
        self.bytes.clear();
        self.head.fields.clear();
        let mut known = Known::default();
        for (count, variable) in variables.enumerate() {
            let (name, value) = checked(variable?)?;
            if count >= MAX_VARIABLES {
                return Err(Refusal::with(431, "has too many variables"));
            }
            if !known.take(name, value)?
                && let Some(name) = field_name(name)
            {
                self.field(name, value, limits)?;
            }
        }
        self.settle(&known, limits)
    }

    /// Completes the request with the variables that are not fields.
    fn settle(&mut self, known: &Known<'_>, limits: &Limits) -> Result<(), Refusal> {
        self.request_line(known, limits)?;
        self.https = known.is_https();
        peer::write(&mut self.peer, known);
        self.known_fields(known, limits)?;
        let length = length(known)?;
        self.says_length = known.content_length.is_some_and(|length| !length.is_empty());
        if length > limits.body {
            return Err(Refusal::with(413, "has too long a body"));
        }
        self.head.framing = framing::Framing { body: Body::Length(length), ..Default::default() };
        self.head.length = self.bytes.len();
        self.head.canonicalize(&mut self.bytes);
        self.head.host = crate::http1::target::authority(&self.head, &self.bytes)?;
        Ok(())
    }

    fn request_line(&mut self, known: &Known<'_>, limits: &Limits) -> Result<(), Refusal> {
        let method = known.method.unwrap_or_default();
        if method.is_empty() {
            return Err(Refusal::bad("has no REQUEST_METHOD"));
        }
        if !method.iter().all(|&byte| is_token(byte)) {
            return Err(Refusal::bad("has a malformed REQUEST_METHOD"));
        }
        self.head.method = append(&mut self.bytes, method);
        self.head.target = target::append(&mut self.bytes, known)?;
        self.head.minor = minor(known)?;
        let line = method.len() + self.head.target.of(&self.bytes).len() + "  HTTP/1.1".len();
        if line > limits.request_line {
            return Err(Refusal::with(414, "has too long a request line"));
        }
        Ok(())
    }

    fn known_fields(&mut self, known: &Known<'_>, limits: &Limits) -> Result<(), Refusal> {
        let fields = [
            (&b"Host"[..], &*host(known)),
            (b"Content-Type", known.content_type.unwrap_or_default()),
            (b"Content-Length", known.content_length.unwrap_or_default()),
        ];
        for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
            self.field(name, value, limits)?;
        }
        Ok(())
    }

    fn field(&mut self, name: &[u8], value: &[u8], limits: &Limits) -> Result<(), Refusal> {
        if self.head.fields.len() >= limits.fields {
            return Err(Refusal::with(431, "has too many fields"));
        }
        if name.len() + value.len() > limits.field {
            return Err(Refusal::with(431, "has too long a field"));
        }
        if !value.iter().all(|&byte| is_field_byte(byte)) {
            return Err(Refusal::bad("has a malformed field value"));
        }
        let start = self.bytes.len();
        let name = append(&mut self.bytes, name);
        for underscore in self.bytes[start..].iter_mut().filter(|byte| **byte == b'_') {
            *underscore = b'-';
        }
        let value = append(&mut self.bytes, value.trim_ascii());
        self.head.fields.push(crate::http1::Field { name, value });
        Ok(())
    }
}

fn append(bytes: &mut Vec<u8>, part: &[u8]) -> Span {
    let start = bytes.len();
    bytes.extend_from_slice(part);
    Span::between(start, bytes.len())
}

/// No variable can end a line or a string somewhere else.
fn checked<'a>((name, value): (&'a [u8], &'a [u8])) -> Result<(&'a [u8], &'a [u8]), Refusal> {
    if name.is_empty() {
        return Err(Refusal::silent(variables::NAMELESS));
    }
    if [name, value].iter().any(|part| memchr::memchr3(b'\r', b'\n', 0, part).is_some()) {
        return Err(Refusal::bad("has a variable with a CR, LF or NUL in it"));
    }
    Ok((name, value))
}

/// What follows `HTTP_` in the name of a field to hand on. Only the one form that CGI gives to a name counts: hyphens and
/// lower-case letters would let two variables be one field (`HTTP_X-REAL-IP`).
fn field_name(name: &[u8]) -> Option<&[u8]> {
    let name = name.strip_prefix(b"HTTP_").filter(|name| !name.is_empty())?;
    let plain = name.iter().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_'));
    (plain && !DROPPED.contains(&name)).then_some(name)
}

/// The version that the client speaks, as one of HTTP/1: what is newer has all that 1.1 has.
fn minor(known: &Known<'_>) -> Result<u8, Refusal> {
    match known.protocol.unwrap_or_default() {
        b"HTTP/1.0" => Ok(0),
        b"" | b"HTTP/2.0" | b"HTTP/3.0" | [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'1'..=b'9'] => Ok(1),
        _ => Err(Refusal::bad("has a malformed SERVER_PROTOCOL")),
    }
}

/// The Host of the client, or else what the web server calls itself.
fn host<'a>(known: &Known<'a>) -> Cow<'a, [u8]> {
    let said = known.host.unwrap_or_default();
    let name = known.server_name.unwrap_or_default();
    if !said.is_empty() || name.is_empty() {
        return said.into();
    }
    match (known.server_port.unwrap_or_default(), known.is_https()) {
        (b"", _) | (b"80", false) | (b"443", true) => name.into(),
        (port, _) => [name, b":", port].concat().into(),
    }
}

fn length(known: &Known<'_>) -> Result<u64, Refusal> {
    match known.content_length.unwrap_or_default() {
        b"" => Ok(0),
        digits => framing::content_length(digits),
    }
}

#[cfg(test)]
mod tests;
