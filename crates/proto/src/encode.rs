//! The head of an answer, as bytes (RFC 9112 §4 and §5).

use std::time::{Duration, SystemTime};

use crate::fields::{self, Malformed};
use crate::status;

/// How an answer begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// With a status line (RFC 9112 §4): HTTP/1 and uwsgi.
    Http,
    /// With a field called Status (RFC 3875 §6.3.3): SCGI and FastCGI.
    Cgi,
}

/// What the server adds to what the application said.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// How the answer begins.
    pub form: Form,
    /// 100 to 999.
    pub status: u16,
    /// What Content-Length says; `None`: there is none.
    pub length: Option<u64>,
    /// The body goes out in chunks (RFC 9112 §7.1).
    pub chunked: bool,
    /// What Connection says: close, keep-alive; `None`: nothing.
    pub connection: Option<&'static str>,
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
                said.close |= has_token(field.value, b"close");
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
/// The application's Connection, Content-Length and Transfer-Encoding give way to the server's own. An empty Date stands
/// for none at all. The block must have passed [`inspect`]; what is malformed in it is left out.
pub fn head(out: &mut Vec<u8>, frame: &Frame<'_>, block: &[u8]) {
    status_line(out, frame.form, frame.status);
    let (mut dated, mut says) = (false, false);
    for field in fields::walk(block).flatten() {
        let servers = match field.name.len() {
            4 if field.name.eq_ignore_ascii_case(b"date") => {
                dated = true;
                field.value.is_empty()
            }
            10 if field.name.eq_ignore_ascii_case(b"connection") => match frame.connection {
                Some("close") => {
                    let says_close = has_token(field.value, b"close");
                    says |= says_close;
                    !says_close
                }
                Some(_) => is_persistence(field.value),
                None => has_token(field.value, b"close"),
            },
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
    if let Some(length) = frame.length {
        put(out, b"Content-Length", decimal(length, &mut [0; 20]));
    }
    if frame.chunked {
        put(out, b"Transfer-Encoding", b"chunked");
    }
    if let Some(connection) = frame.connection.filter(|_| !says) {
        put(out, b"Connection", connection.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends an interim answer (RFC 9110 §15.2): a status and the application's fields, but for those that belong to the
/// final one.
pub fn interim(out: &mut Vec<u8>, status: u16, block: &[u8]) {
    status_line(out, Form::Http, status);
    for field in fields::walk(block).flatten() {
        let of_final_ones = [&b"content-length"[..], b"transfer-encoding", b"date"];
        if !of_final_ones.iter().any(|name| field.name.eq_ignore_ascii_case(name)) {
            put(out, field.name, field.value);
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends what ends a body in chunks (RFC 9112 §7.1.2): the last chunk and the trailer fields of `block`, which must
/// have passed [`inspect`].
pub fn last_chunk(out: &mut Vec<u8>, block: &[u8]) {
    out.extend_from_slice(b"0\r\n");
    for field in fields::walk(block).flatten() {
        put(out, field.name, field.value);
    }
    out.extend_from_slice(b"\r\n");
}

fn has_token(value: &[u8], token: &[u8]) -> bool {
    value.split(|&byte| byte == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(token))
}

/// Whether a Connection field speaks of nothing but whether the connection goes on.
fn is_persistence(value: &[u8]) -> bool {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).all(|token| {
        token.is_empty() || token.eq_ignore_ascii_case(b"close") || token.eq_ignore_ascii_case(b"keep-alive")
    })
}

fn status_line(out: &mut Vec<u8>, form: Form, status: u16) {
    if (form, status) == (Form::Http, 200) {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    out.extend_from_slice(if form == Form::Http { b"HTTP/1.1 " } else { b"Status: " });
    let number = &mut [0; 20];
    let digits = decimal(status.into(), number);
    out.extend_from_slice(digits);
    out.push(b' ');
    match status::reason(status) {
        "" => out.extend_from_slice(&[b"status code ", digits].concat()), // as net/http
        reason => out.extend_from_slice(reason.as_bytes()),
    }
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

/// The methods that a server hands on: what a 405 of its own must tell (RFC 9110 §15.5.6).
const METHODS: &[u8] = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE";

/// A whole answer in plain text that the server itself gives; its length is settled here, the rest by `frame`. `to_head`:
/// HEAD was asked, so that the text stays here (RFC 9110 §9.3.2).
#[must_use]
pub fn plain(frame: &Frame<'_>, text: &str, to_head: bool) -> Vec<u8> {
    let mut block = Vec::new();
    if frame.status == 405 {
        fields::push(&mut block, b"Allow", METHODS);
    }
    fields::push(&mut block, b"Content-Type", b"text/plain; charset=utf-8");
    fields::push(&mut block, b"X-Content-Type-Options", b"nosniff");
    let mut out = Vec::with_capacity(256 + text.len());
    head(&mut out, &Frame { length: Some(text.len() as u64), ..*frame }, &block);
    if !to_head {
        out.extend_from_slice(text.as_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &[u8] = b"Sun, 22 Nov 2026 00:00:00 GMT";

    const PLAIN: Frame<'_> =
        Frame { form: Form::Http, status: 200, length: None, chunked: false, connection: None, date: DATE };

    fn encode(frame: &Frame<'_>, fields: &[(&str, &str)]) -> String {
        let mut out = Vec::new();
        head(&mut out, frame, &block(fields));
        String::from_utf8(out).unwrap()
    }

    fn block(fields: &[(&str, &str)]) -> Vec<u8> {
        let mut block = Vec::new();
        for (name, value) in fields {
            crate::fields::push(&mut block, name.as_bytes(), value.as_bytes());
        }
        block
    }

    #[test]
    fn the_server_settles_framing_and_persistence() {
        let fields =
            [("Connection", "keep-alive"), ("Content-Length", "9"), ("Transfer-Encoding", "x"), ("A", "b")];
        assert_eq!(
            encode(&Frame { length: Some(5), connection: Some("close"), ..PLAIN }, &fields),
            "HTTP/1.1 200 OK\r\nA: b\r\nDate: Sun, 22 Nov 2026 00:00:00 GMT\r\nContent-Length: 5\r\n\
             Connection: close\r\n\r\n"
        );
        let chunked = encode(&Frame { chunked: true, ..PLAIN }, &[]);
        assert!(chunked.ends_with(" GMT\r\nTransfer-Encoding: chunked\r\n\r\n"), "{chunked}");
    }

    #[test]
    fn the_application_s_date_counts_and_an_empty_one_is_none() {
        let frame = Frame { status: 404, length: Some(0), ..PLAIN };
        let dated = encode(&frame, &[("Date", "mine")]);
        assert_eq!(dated, "HTTP/1.1 404 Not Found\r\nDate: mine\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(encode(&frame, &[("Date", "")]), "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    }

    #[test]
    fn other_forms_of_a_beginning() {
        let frame = Frame { form: Form::Cgi, date: b"", ..PLAIN };
        assert_eq!(encode(&frame, &[("A", "b")]), "Status: 200 OK\r\nA: b\r\n\r\n");
        let odd = encode(&Frame { status: 799, date: b"", ..PLAIN }, &[]);
        assert_eq!(odd, "HTTP/1.1 799 status code 799\r\n\r\n");
        let mut out = Vec::new();
        interim(&mut out, 103, &block(&[("Link", "</a>"), ("Content-Length", "5")]));
        assert_eq!(out, b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
        out.clear();
        last_chunk(&mut out, &block(&[("X-Sum", "1")]));
        assert_eq!(out, b"0\r\nX-Sum: 1\r\n\r\n");
    }

    #[test]
    fn the_application_s_connection_field_stands_where_it_does_not_contradict() {
        for (connection, said, sent) in [
            (Some("close"), "x-y", "close"),
            (Some("close"), "x-y, Close", "x-y, Close"),
            (Some("keep-alive"), "keep-alive", "keep-alive"),
            (None, "keep-alive", "keep-alive"),
            (None, "x-y", "x-y"),
        ] {
            let head = encode(&Frame { connection, date: b"", ..PLAIN }, &[("Connection", said)]);
            assert_eq!(head, format!("HTTP/1.1 200 OK\r\nConnection: {sent}\r\n\r\n"), "{said}");
        }
    }

    #[test]
    fn the_server_s_own_answers() {
        let of =
            |status, to_head| String::from_utf8(plain(&Frame { status, ..PLAIN }, "text", to_head)).unwrap();
        assert!(of(400, false).ends_with("\r\nContent-Length: 4\r\n\r\ntext"));
        assert!(of(400, true).ends_with("\r\nContent-Length: 4\r\n\r\n"));
        assert!(of(405, false).contains("\r\nAllow: GET, "));
        assert!(!of(400, false).contains("Allow"));
    }

    #[test]
    fn an_upgrade_keeps_its_connection_field() {
        let head = encode(&Frame { status: 101, ..PLAIN }, &[("Connection", "Upgrade")]);
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
