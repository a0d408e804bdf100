//! The head of an answer, as bytes (RFC 9112 §4 and §5).

use std::time::{Duration, SystemTime};

use crate::fields::{self, Malformed};
use crate::status;

/// How the end of an answer's body is told (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// No body, and no field about it: 1xx, 204, 304.
    None,
    /// So many bytes; said in a Content-Length.
    Length(u64),
    /// In chunks.
    Chunked,
    /// By the end of the connection: for an HTTP/1.0 peer.
    UntilClose,
}

/// What the server adds to what the application said.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// 100 to 999.
    pub status: u16,
    /// The minor version of the request: 1.0 needs to be told that the connection goes on.
    pub minor: u8,
    /// How the body ends.
    pub framing: Framing,
    /// Whether the connection ends with this answer.
    pub close: bool,
    /// The date of now, for answers that have none of their own.
    pub date: &'a [u8],
}

/// What the application said about matters that are the server's to settle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// A Content-Length that is a number.
    pub content_length: Option<u64>,
    /// `Connection: close`.
    pub close: bool,
}

/// Reads a block of fields for what concerns the server, and checks all of it.
pub fn inspect(block: &[u8]) -> Result<Said, Malformed> {
    let mut said = Said::default();
    for field in fields::walk(block) {
        let field = field?;
        match field.name.len() {
            10 if field.name.eq_ignore_ascii_case(b"connection") => {
                said.close |= field
                    .value
                    .split(|&byte| byte == b',')
                    .any(|t| t.trim_ascii().eq_ignore_ascii_case(b"close"));
            }
            14 if field.name.eq_ignore_ascii_case(b"content-length") => {
                said.content_length =
                    std::str::from_utf8(field.value).ok().and_then(|text| text.parse().ok());
            }
            _ => {}
        }
    }
    Ok(said)
}

/// Appends the head to `out`: status line, the application's fields, the server's.
///
/// The application's Connection, Content-Length and Transfer-Encoding give way to the server's own. The block must have
/// passed [`inspect`]; what is malformed in it is left out.
pub fn head(out: &mut Vec<u8>, frame: &Frame<'_>, block: &[u8]) {
    status_line(out, frame.status);
    let mut dated = false;
    for field in fields::walk(block).flatten() {
        let servers = match field.name.len() {
            4 => {
                dated |= field.name.eq_ignore_ascii_case(b"date");
                false
            }
            10 => field.name.eq_ignore_ascii_case(b"connection") && is_persistence(field.value),
            14 => field.name.eq_ignore_ascii_case(b"content-length"),
            17 => field.name.eq_ignore_ascii_case(b"transfer-encoding"),
            _ => false,
        };
        if !servers {
            put(out, field.name, field.value);
        }
    }
    if !dated && !frame.date.is_empty() {
        put(out, b"Date", frame.date);
    }
    match frame.framing {
        Framing::Length(length) => put(out, b"Content-Length", decimal(length, &mut [0; 20])),
        Framing::Chunked => put(out, b"Transfer-Encoding", b"chunked"),
        Framing::None | Framing::UntilClose => {}
    }
    if frame.close {
        put(out, b"Connection", b"close");
    } else if frame.minor == 0 {
        put(out, b"Connection", b"keep-alive");
    }
    out.extend_from_slice(b"\r\n");
}

/// Whether a Connection field speaks of nothing but whether the connection goes on.
fn is_persistence(value: &[u8]) -> bool {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).all(|token| {
        token.is_empty() || token.eq_ignore_ascii_case(b"close") || token.eq_ignore_ascii_case(b"keep-alive")
    })
}

fn status_line(out: &mut Vec<u8>, status: u16) {
    if status == 200 {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(decimal(status.into(), &mut [0; 20]));
    out.push(b' ');
    out.extend_from_slice(status::reason(status).as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn put(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// `number` in decimal digits, at the end of `room`.
fn decimal(mut number: u64, room: &mut [u8; 20]) -> &[u8] {
    let mut start = room.len();
    loop {
        start -= 1;
        room[start] = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        if number == 0 {
            return &room[start..];
        }
    }
}

/// The interim answer that tells a waiting peer to send its body (RFC 9110 §15.2.1).
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// An HTTP date (RFC 9110 §5.6.7) of so many seconds since 1970.
#[must_use]
pub fn date(unix_seconds: u64) -> String {
    // The last second of the year 9999: beyond it the format has no room.
    let seconds = unix_seconds.min(253_402_300_799);
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

/// A whole answer in plain text that the server itself gives. The connection is closed after it if `close`.
#[must_use]
pub fn plain(status: u16, text: &str, minor: u8, close: bool, date: &[u8], with_body: bool) -> Vec<u8> {
    let mut block = Vec::new();
    fields::push(&mut block, b"Content-Type", b"text/plain; charset=utf-8");
    fields::push(&mut block, b"X-Content-Type-Options", b"nosniff");
    let framing = Framing::Length(text.len() as u64);
    let mut out = Vec::with_capacity(256 + text.len());
    head(&mut out, &Frame { status, minor, framing, close, date }, &block);
    if with_body {
        out.extend_from_slice(text.as_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &[u8] = b"Sun, 22 Nov 2026 00:00:00 GMT";

    fn encode(status: u16, minor: u8, framing: Framing, close: bool, fields: &[(&str, &str)]) -> String {
        let mut block = Vec::new();
        for (name, value) in fields {
            crate::fields::push(&mut block, name.as_bytes(), value.as_bytes());
        }
        let mut out = Vec::new();
        head(&mut out, &Frame { status, minor, framing, close, date: DATE }, &block);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_server_settles_framing_and_persistence() {
        let fields =
            [("Connection", "keep-alive"), ("Content-Length", "9"), ("Transfer-Encoding", "x"), ("A", "b")];
        assert_eq!(
            encode(200, 1, Framing::Length(5), true, &fields),
            "HTTP/1.1 200 OK\r\nA: b\r\nDate: Sun, 22 Nov 2026 00:00:00 GMT\r\nContent-Length: 5\r\n\
             Connection: close\r\n\r\n"
        );
    }

    #[test]
    fn a_1_0_peer_is_told_that_the_connection_goes_on() {
        let head = encode(404, 0, Framing::Length(0), false, &[("Date", "mine")]);
        assert_eq!(
            head,
            "HTTP/1.1 404 Not Found\r\nDate: mine\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"
        );
    }

    #[test]
    fn an_upgrade_keeps_its_connection_field() {
        let head = encode(101, 1, Framing::None, false, &[("Connection", "Upgrade")]);
        assert!(head.contains("Connection: Upgrade\r\n"), "{head}");
    }

    #[test]
    fn what_the_application_says_is_found() {
        let mut block = Vec::new();
        crate::fields::push(&mut block, b"content-length", b"12");
        crate::fields::push(&mut block, b"Connection", b"a, Close");
        assert_eq!(inspect(&block), Ok(Said { content_length: Some(12), close: true }));
        crate::fields::push(&mut block, b"X", b"a\nb");
        assert_eq!(inspect(&block), Err(Malformed::Value));
    }

    #[test]
    fn numbers_and_dates() {
        assert_eq!(decimal(0, &mut [0; 20]), b"0");
        assert_eq!(decimal(u64::MAX, &mut [0; 20]), b"18446744073709551615");
        assert_eq!(date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert!(date(u64::MAX).contains("9999"));
    }
}
