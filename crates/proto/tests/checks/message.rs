//! A request's head apart from the bytes it lies in, and the rules that each one obeys, whatever protocol brought it.

use goherd_proto::http1::end::is_token;
use goherd_proto::http1::framing::Framing;
use goherd_proto::http1::{Body, EndOfHead, Head, Limits, Span};

/// Wide enough for any head that was accepted and written anew.
const WIDE: Limits =
    Limits { request_line: usize::MAX, head: usize::MAX, field: usize::MAX, fields: 1000, body: u64::MAX };

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    method: Vec<u8>,
    target: Vec<u8>,
    host: Vec<u8>,
    minor: u8,
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
    pub framing: Framing,
}

impl Message {
    /// What `head` says of `bytes`. All of it must lie in them.
    pub fn of(head: &Head, bytes: &[u8]) -> Self {
        let part = |span: Span| {
            assert!(
                span.start <= span.end && span.end as usize <= bytes.len(),
                "{span:?} of {}",
                bytes.len()
            );
            span.of(bytes).to_vec()
        };
        assert_eq!(head.length, bytes.len());
        Self {
            method: part(head.method),
            target: part(head.target),
            host: part(head.host),
            minor: head.minor,
            fields: head.fields.iter().map(|field| (part(field.name), part(field.value))).collect(),
            framing: head.framing,
        }
    }

    /// The rules of RFC 9110 and RFC 9112, and the limits.
    pub fn assert_sound(&self, limits: &Limits) {
        assert!(!self.method.is_empty() && self.method.iter().all(|&byte| is_token(byte)), "{self:?}");
        assert!(!self.target.is_empty() && self.target.iter().all(u8::is_ascii_graphic), "{self:?}");
        assert!(self.minor <= 1, "{self:?}");
        let line = self.method.len() + self.target.len() + "  HTTP/1.1".len();
        assert!(line <= limits.request_line, "{self:?}");
        self.assert_fields(limits);
        self.assert_host();
        self.assert_framing(limits);
    }

    fn assert_fields(&self, limits: &Limits) {
        assert!(self.fields.len() <= limits.fields, "{self:?}");
        for (name, value) in &self.fields {
            assert!(!name.is_empty() && name.iter().all(|&byte| is_token(byte)), "{self:?}");
            assert!(value.iter().all(|&byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f)), "{self:?}");
            assert_eq!(value.trim_ascii(), value, "{self:?}");
            assert!(name.len() + value.len() <= limits.field, "{self:?}");
        }
    }

    /// One Host, which HTTP/1.0 may do without; it is the authority, unless the target has one.
    fn assert_host(&self) {
        let hosts: Vec<_> = self.all("host").collect();
        assert!(hosts.len() == 1 || (hosts.is_empty() && self.minor == 0), "{self:?}");
        assert!(!self.host.iter().any(|byte| b" \t,/?#@\\\"<>".contains(byte)), "{self:?}");
        let in_target = self.target.first() != Some(&b'/') && self.target != b"*";
        if let Some(host) = hosts.first() {
            assert!(host.eq_ignore_ascii_case(&self.host), "{self:?}");
        } else if !in_target {
            assert!(self.host.is_empty(), "{self:?}");
        }
        if in_target {
            let authority = self.target.split(|&byte| byte == b'/').nth(2).unwrap_or_default();
            assert!(authority.starts_with(&self.host) && !self.host.is_empty(), "{self:?}");
        }
    }

    /// A length or chunks, never both, and what the fields say.
    fn assert_framing(&self, limits: &Limits) {
        let lengths: Vec<_> = self.all("content-length").collect();
        let codings: Vec<_> = self.all("transfer-encoding").collect();
        let expected = match (&lengths[..], &codings[..]) {
            ([], []) => Body::Length(0),
            ([], [coding]) if coding.eq_ignore_ascii_case(b"chunked") && self.minor > 0 => Body::Chunked,
            ([length], []) => {
                let text = String::from_utf8_lossy(length);
                let number = text.parse().unwrap_or(u64::MAX);
                assert!(number.to_string() == text && number <= limits.body, "{self:?}");
                Body::Length(number)
            }
            _ => unreachable!("two framings: {self:?}"),
        };
        assert_eq!(self.framing.body, expected, "{self:?}");
    }

    fn all<'a>(&'a self, wanted: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let of_that_name = |(name, _): &&(Vec<u8>, Vec<u8>)| name.eq_ignore_ascii_case(wanted.as_bytes());
        self.fields.iter().filter(of_that_name).map(|(_, value)| &value[..])
    }

    /// The message that comes out of this one when it is written as HTTP/1 and read.
    pub fn again(&self) -> Self {
        let bytes = self.written();
        let length = EndOfHead::default().find(&bytes, &WIDE);
        assert_eq!(length, Ok(Some(bytes.len())), "{self:?}");
        let mut head = Head::default();
        assert_eq!(head.parse(&bytes, &WIDE), Ok(()), "{self:?}");
        Self::of(&head, &bytes)
    }

    fn written(&self) -> Vec<u8> {
        let version = format!(" HTTP/1.{}\r\n", self.minor);
        let mut bytes = [&self.method, &b" "[..], &self.target, version.as_bytes()].concat();
        for (name, value) in &self.fields {
            bytes.extend([name, &b": "[..], value, b"\r\n"].concat());
        }
        bytes.extend(b"\r\n");
        bytes
    }

    /// The same head, found by cutting at line ends, spaces and colons alone.
    pub fn assert_is_in(&self, bytes: &[u8]) {
        let text: String = bytes.iter().map(|&byte| char::from(byte)).collect();
        let own = |bytes: &[u8]| bytes.iter().map(|&byte| char::from(byte)).collect::<String>();
        let lines = text.strip_suffix("\r\n\r\n").expect("an accepted head ends with an empty line");
        let mut lines = lines.split("\r\n");
        let start = lines.next().and_then(|line| line.rsplit_once(" HTTP/1."));
        let (start, minor) = start.expect("an accepted head has a version");
        assert_eq!(start, format!("{} {}", own(&self.method), own(&self.target)));
        assert_eq!(minor == "0", self.minor == 0);
        let fields: Vec<_> = lines
            .map(|line| line.split_once(':').expect("an accepted field has a colon"))
            .map(|(name, value)| (name.to_owned(), value.trim_matches([' ', '\t']).to_owned()))
            .collect();
        let found: Vec<_> = self.fields.iter().map(|(name, value)| (own(name), own(value))).collect();
        assert_eq!(found, fields);
    }
}
