//! What is in a request's head: places of its parts in the bytes, and what the server needs to know of them.

use std::mem::MaybeUninit;

use super::framing::{self, Framing};
use super::target;
use super::{Body, Limits, Refusal};

/// A part of the head: from the byte `start` up to, and not with, the byte `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// The bytes themselves.
    #[must_use]
    pub fn of(self, head: &[u8]) -> &[u8] {
        head.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// Where `part`, which lies in `whole`, lies in it.
    pub(super) fn locate(part: &[u8], whole: &[u8]) -> Self {
        let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
        Self::between(start, start + part.len())
    }

    /// From `start` up to `end`. Input is never so long that a number does not fit.
    pub(crate) fn between(start: usize, end: usize) -> Self {
        let offset = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { start: offset(start), end: offset(end) }
    }
}

/// Up to so many fields need no memory beyond the stack's while they are read.
const USUAL_FIELDS: usize = 100;

/// One field of the head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Field {
    /// Its name.
    pub name: Span,
    /// Its value, without the white space around it.
    pub value: Span,
}

impl Field {
    /// Its bytes, without the colon and the white space.
    fn size(&self) -> usize {
        let of = |span: Span| (span.end - span.start) as usize;
        of(self.name) + of(self.value)
    }
}

/// A request's head. Made once and used for one request after another, so that its memory is.
#[derive(Debug, Default)]
pub struct Head {
    /// GET, POST, …, as sent.
    pub method: Span,
    /// The request target, as sent.
    pub target: Span,
    /// The authority that the request is for: the target's in absolute-form, else the Host field's (RFC 9112 §3.2.2).
    pub host: Span,
    /// The minor version that the peer speaks: 0, or 1 and more.
    pub minor: u8,
    /// All fields in their order, Host among them.
    pub fields: Vec<Field>,
    /// The length of the head in bytes.
    pub length: usize,
    /// What follows the head.
    pub framing: Framing,
}

impl Head {
    /// Reads `bytes`, which are one whole head, found by [`super::EndOfHead`].
    pub fn parse(&mut self, bytes: &[u8], limits: &Limits) -> Result<(), Refusal> {
        self.fields.clear();
        self.length = bytes.len();
        let minor = self.parse_lines(bytes, limits)?;
        self.minor = minor;
        if self.fields.iter().any(|field| field.size() > limits.field) {
            return Err(Refusal::with(431, "has too long a field"));
        }
        self.framing = framing::of(self, bytes)?;
        self.host = target::authority(self, bytes)?;
        match self.framing.body {
            Body::Length(length) if length > limits.body => Err(Refusal::with(413, "has too long a body")),
            _ => Ok(()),
        }
    }

    fn parse_lines(&mut self, bytes: &[u8], limits: &Limits) -> Result<u8, Refusal> {
        let mut usual = [const { MaybeUninit::uninit() }; USUAL_FIELDS];
        let mut many = Vec::new();
        let room = if let Some(room) = usual.get_mut(..limits.fields) {
            room
        } else {
            many.resize_with(limits.fields, MaybeUninit::uninit);
            &mut many[..]
        };
        let mut request = httparse::Request::new(&mut []);
        match request.parse_with_uninit_headers(bytes, room) {
            Ok(httparse::Status::Complete(length)) if length == bytes.len() => {}
            Ok(_) => return Err(Refusal::bad("has a malformed head")),
            Err(httparse::Error::Version) => return self.parse_other_version(bytes, limits),
            Err(error) => return Err(refusal(error)),
        }
        let (Some(method), Some(path), Some(minor)) = (request.method, request.path, request.version) else {
            return Err(Refusal::bad("has a malformed request line"));
        };
        self.method = Span::locate(method.as_bytes(), bytes);
        self.target = Span::locate(path.as_bytes(), bytes);
        self.fields.extend(request.headers.iter().map(|field| Field {
            name: Span::locate(field.name.as_bytes(), bytes),
            value: Span::locate(field.value, bytes),
        }));
        Ok(minor)
    }

    /// HTTP/1.2 to 1.9 are answered as 1.1 (RFC 9110 §2.5); other major versions get a 505.
    fn parse_other_version(&mut self, bytes: &[u8], limits: &Limits) -> Result<u8, Refusal> {
        let line = bytes.split(|&byte| byte == b'\r').next().unwrap_or_default();
        let version = line.len().checked_sub(8).map(|start| (start, &line[start..]));
        match version {
            Some((start, [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'2'..=b'9'])) => {
                let mut as_1_1 = bytes.to_vec();
                as_1_1[start + 7] = b'1';
                self.parse_lines(&as_1_1, limits)
            }
            Some((_, [b'H', b'T', b'T', b'P', b'/', b'0' | b'2'..=b'9', b'.', b'0'..=b'9'])) => {
                Err(Refusal::with(505, "speaks a version other than HTTP/1"))
            }
            _ => Err(Refusal::bad("has a malformed request line")),
        }
    }

    /// Writes the field names in `bytes` in the form that Go's `net/http` gives them: `content-type` as `Content-Type`.
    pub fn canonicalize(&self, bytes: &mut [u8]) {
        for field in &self.fields {
            let name = bytes.get_mut(field.name.start as usize..field.name.end as usize).unwrap_or_default();
            canonicalize(name);
        }
    }
}

/// Writes a field name in the form that Go's `net/http` gives it.
pub fn canonicalize(name: &mut [u8]) {
    let mut first = true;
    for byte in name {
        if first {
            byte.make_ascii_uppercase();
        } else {
            byte.make_ascii_lowercase();
        }
        first = *byte == b'-';
    }
}

fn refusal(error: httparse::Error) -> Refusal {
    match error {
        httparse::Error::HeaderName => Refusal::bad("has a malformed field name"),
        httparse::Error::HeaderValue => Refusal::bad("has a malformed field value"),
        httparse::Error::TooManyHeaders => Refusal::with(431, "has too many fields"),
        _ => Refusal::bad("has a malformed request line"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> Result<Head, u16> {
        let mut head = Head::default();
        head.parse(bytes, &Limits::default()).map_err(|refusal| refusal.status).map(|()| head)
    }

    #[test]
    fn says_where_everything_is() {
        let bytes = b"POST /a?b=c HTTP/1.1\r\nhost: x:1\r\nx-y-z:  v v \r\ncontent-length: 3\r\n\r\n";
        let head = parse(bytes).unwrap();
        assert_eq!(head.method.of(bytes), b"POST");
        assert_eq!(head.target.of(bytes), b"/a?b=c");
        assert_eq!(head.host.of(bytes), b"x:1");
        assert_eq!(head.fields[1].name.of(bytes), b"x-y-z");
        assert_eq!(head.fields[1].value.of(bytes), b"v v");
        assert_eq!((head.minor, head.length, head.framing.body), (1, bytes.len(), framing::Body::Length(3)));

        let mut canonical = bytes.to_vec();
        head.canonicalize(&mut canonical);
        assert_eq!(head.fields[1].name.of(&canonical), b"X-Y-Z");
        assert_eq!(head.fields[2].name.of(&canonical), b"Content-Length");
    }

    #[test]
    fn versions() {
        assert_eq!(parse(b"GET / HTTP/1.0\r\n\r\n").unwrap().minor, 0);
        assert_eq!(parse(b"GET / HTTP/1.9\r\nHost: x\r\n\r\n").unwrap().minor, 1);
        for (version, status) in [
            ("HTTP/2.0", 505),
            ("HTTP/0.9", 505),
            ("http/1.1", 400),
            ("HTTP/1.10", 400),
            ("HTTP/1", 400),
            ("", 400),
        ] {
            let bytes = format!("GET / {version}\r\nHost: x\r\n\r\n");
            assert_eq!(parse(bytes.as_bytes()).unwrap_err(), status, "{version}");
        }
    }

    #[test]
    fn malformed_lines_are_refused() {
        for bytes in [
            "GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET / HTTP/1.1 x\r\nHost: x\r\n\r\n",
            "GET /\r\nHost: x\r\n\r\n",
            "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\n: v\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nX(: v\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nFoo\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
            "GET / HTTP/1.1\r\n X: a\r\nHost: x\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nX: \x7f\r\n\r\n",
        ] {
            assert_eq!(parse(bytes.as_bytes()).unwrap_err(), 400, "{bytes:?}");
        }
    }

    #[test]
    fn each_limit_has_its_status() {
        let with = |fields: &str, limits: &Limits| {
            let bytes = format!("POST / HTTP/1.1\r\nHost: x\r\n{fields}\r\n");
            Head::default().parse(bytes.as_bytes(), limits).map_err(|refusal| refusal.status)
        };
        let limits = Limits { body: 5, ..Limits::default() };
        assert_eq!(with(&"X: y\r\n".repeat(99), &limits), Ok(()));
        assert_eq!(with(&"X: y\r\n".repeat(100), &limits), Err(431));
        assert_eq!(with(&"X: y\r\n".repeat(150), &Limits { fields: 151, ..limits }), Ok(()));
        assert_eq!(with(&"X: y\r\n".repeat(150), &Limits { fields: 150, ..limits }), Err(431));
        assert_eq!(with(&format!("X: {}\r\n", "y".repeat(limits.field - 1)), &limits), Ok(()));
        assert_eq!(with(&format!("X: {}\r\n", "y".repeat(limits.field)), &limits), Err(431));
        assert_eq!(with("Content-Length: 5\r\n", &limits), Ok(()));
        assert_eq!(with("Content-Length: 6\r\n", &limits), Err(413));
    }
}
