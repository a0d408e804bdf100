//! Bodies in chunks (RFC 9112 §7.1): where the data is between sizes, extensions and trailers.
//!
//! In: the bytes that have come and are not consumed. Out: what to do with the first of them. A decoder holds numbers
//! alone; nothing is allocated, whatever sizes a peer names.

use super::end::{is_field_byte, is_token};
use super::{Refusal, Span};
pub use crate::body::Piece;

/// The longest line between chunks: a size with its extensions, or a trailer field.
const MAX_LINE: usize = 4 << 10;
/// The most bytes of extensions in one body, so that nobody pays kilobytes for each byte of data (CVE-2023-39326).
const MAX_EXTENSIONS: usize = 16 << 10;
/// The most bytes of trailer fields.
const MAX_TRAILERS: usize = 16 << 10;
/// The most trailer fields.
const MAX_TRAILER_FIELDS: u16 = 100;

const TOO_MANY: Refusal = Refusal::with(431, "has too long a trailer section");

/// The state of one body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chunked {
    place: Place,
    extensions: usize,
    trailers: usize,
    trailer_fields: u16,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Size,
    Data(u64),
    AfterData,
    Trailers,
}

impl Chunked {
    /// Looks at `input`, the bytes that are not consumed.
    pub fn next(&mut self, input: &[u8]) -> Result<Piece, Refusal> {
        match self.place {
            Place::Data(left) => Ok(Piece::Data(left)),
            Place::Size => self.size(input),
            Place::AfterData => self.after_data(input),
            Place::Trailers => self.trailer(input),
        }
    }

    /// So many bytes of data have been consumed, no more than [`Piece::Data`] said.
    pub fn took(&mut self, count: u64) {
        if let Place::Data(left) = self.place {
            self.place = if count < left { Place::Data(left - count) } else { Place::AfterData };
        }
    }

    fn size(&mut self, input: &[u8]) -> Result<Piece, Refusal> {
        let Some(line) = line(input)? else {
            // A size that cannot be one is told before its line ends.
            return size_of(input.strip_suffix(b"\r").unwrap_or(input), false).map(|_| Piece::More);
        };
        let (size, extension) = size_of(line, true)?;
        self.extensions += extension;
        if self.extensions > MAX_EXTENSIONS {
            return Err(Refusal::bad("has too many chunk extensions"));
        }
        self.place = if size == 0 { Place::Trailers } else { Place::Data(size) };
        Ok(Piece::Framing(line.len() + 2))
    }

    fn after_data(&mut self, input: &[u8]) -> Result<Piece, Refusal> {
        match input {
            [b'\r', b'\n', ..] => {
                self.place = Place::Size;
                Ok(Piece::Framing(2))
            }
            [] | [b'\r'] => Ok(Piece::More),
            _ => Err(Refusal::bad("has a chunk that is longer than its size")),
        }
    }

    fn trailer(&mut self, input: &[u8]) -> Result<Piece, Refusal> {
        let line = line(input).map_err(|refusal| if input.len() < MAX_LINE { refusal } else { TOO_MANY })?;
        let Some(line) = line else { return Ok(Piece::More) };
        if line.is_empty() {
            return Ok(Piece::End(2));
        }
        self.trailers += line.len();
        self.trailer_fields += 1;
        if self.trailers > MAX_TRAILERS || self.trailer_fields > MAX_TRAILER_FIELDS {
            return Err(TOO_MANY);
        }
        let (name, value) = trailer_field(line)?;
        let [name, value] = [name, value].map(|part| Span::locate(part, input));
        Ok(Piece::Trailer { length: line.len() + 2, name, value })
    }
}

/// The first line of `input`, without its CRLF; `None`: it has not ended.
fn line(input: &[u8]) -> Result<Option<&[u8]>, Refusal> {
    let end = memchr::memchr(b'\n', &input[..input.len().min(MAX_LINE)]);
    match end {
        None if input.len() >= MAX_LINE => Err(Refusal::bad("has too long a line between chunks")),
        None => Ok(None),
        Some(end) => match input[..end].split_last() {
            Some((b'\r', line)) if !line.contains(&b'\r') => Ok(Some(line)),
            _ => Err(Refusal::bad("has a line between chunks that does not end in CRLF")),
        },
    }
}

/// The size in a line, and how long its extensions are. `whole`: the line is complete.
fn size_of(line: &[u8], whole: bool) -> Result<(u64, usize), Refusal> {
    const MALFORMED: Refusal = Refusal::bad("has a malformed chunk size");
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let extension = &line[digits..];
    if digits > 16 || (digits == 0 && (whole || !line.is_empty())) {
        return Err(MALFORMED);
    }
    if !matches!(without_blanks(extension), [] | [b';', ..]) {
        return Err(MALFORMED);
    }
    if whole && !are_extensions(extension) {
        return Err(Refusal::bad("has a malformed chunk extension"));
    }
    let text = std::str::from_utf8(&line[..digits]).map_err(|_| MALFORMED)?;
    let size = if text.is_empty() { 0 } else { u64::from_str_radix(text, 16).map_err(|_| MALFORMED)? };
    if i64::try_from(size).is_err() {
        return Err(MALFORMED);
    }
    Ok((size, extension.len()))
}

/// *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] ) of RFC 9112 §7.1.1. White space is bad there, and to be
/// read (RFC 9110 §5.6.3); none may stand alone.
fn are_extensions(mut rest: &[u8]) -> bool {
    while let [b';', after @ ..] = without_blanks(rest) {
        let after = without_blanks(after);
        let name = token_length(after);
        rest = &after[name..];
        if name == 0 {
            return false;
        }
        if let [b'=', value @ ..] = without_blanks(rest) {
            let value = without_blanks(value);
            let Some(length) = value_length(value) else { return false };
            rest = &value[length..];
        }
    }
    rest.is_empty()
}

fn without_blanks(bytes: &[u8]) -> &[u8] {
    let blanks = bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    &bytes[blanks..]
}

fn token_length(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|&&byte| is_token(byte)).count()
}

fn value_length(bytes: &[u8]) -> Option<usize> {
    let [b'"', quoted @ ..] = bytes else { return Some(token_length(bytes)).filter(|&length| length > 0) };
    let mut escaped = false;
    for (place, &byte) in quoted.iter().enumerate() {
        match byte {
            b'"' if !escaped => return Some(place + 2),
            b'\t' | b' '..=b'~' | 0x80.. => escaped = byte == b'\\' && !escaped,
            _ => return None,
        }
    }
    None
}

/// A trailer is a field, and none that concerns framing or routing (RFC 9110 §6.5.1). Its name and its value.
fn trailer_field(line: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    let (name, rest) = line.split_at(token_length(line));
    let value = match rest {
        [b':', value @ ..] if !name.is_empty() && value.iter().all(|&byte| is_field_byte(byte)) => value,
        _ => return Err(Refusal::bad("has a malformed trailer field")),
    };
    let forbidden = [&b"content-length"[..], b"transfer-encoding", b"host", b"trailer", b"te", b"connection"];
    if forbidden.iter().any(|field| name.eq_ignore_ascii_case(field)) {
        return Err(Refusal::bad("has a trailer field that must be in the head"));
    }
    Ok((name, value.trim_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes `bytes`, of which `step` more come each time; gives the data with the trailer fields after it, a line
    /// each, and how many bytes the body was.
    fn decode(bytes: &[u8], step: usize) -> Result<(Vec<u8>, usize), u16> {
        let (mut chunked, mut data, mut at, mut come) = (Chunked::default(), Vec::new(), 0, 0);
        loop {
            match chunked.next(&bytes[at..come]).map_err(|refusal| refusal.status)? {
                Piece::Framing(n) => at += n,
                Piece::Trailer { length, name, value } => {
                    let input = &bytes[at..come];
                    data.extend_from_slice(&[b"\n", name.of(input), b"=", value.of(input)].concat());
                    at += length;
                }
                Piece::Data(left) if at < come => {
                    let n = usize::try_from(left).unwrap().min(come - at);
                    data.extend_from_slice(&bytes[at..at + n]);
                    at += n;
                    chunked.took(n as u64);
                }
                Piece::End(n) => return Ok((data, at + n)),
                Piece::Data(_) | Piece::More if come < bytes.len() => come = (come + step).min(bytes.len()),
                Piece::Data(_) | Piece::More => return Err(0),
            }
        }
    }

    /// The same, whole and byte by byte, which must agree.
    fn both(bytes: &[u8]) -> Result<(Vec<u8>, usize), u16> {
        let whole = decode(bytes, bytes.len());
        assert_eq!(whole, decode(bytes, 1), "{:?}", String::from_utf8_lossy(bytes));
        whole
    }

    #[test]
    fn data_is_found_between_the_framing() {
        for (body, data) in [
            ("0\r\n\r\n", ""),
            ("5\r\nhello\r\n0\r\n\r\n", "hello"),
            ("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"),
            ("5 ;\ta = b ; c\r\nhello\r\n0\t;a\r\n\r\n", "hello"),
            ("A;name=value;flag;q=\"a;\\\"b\"\r\n0123456789\r\n000\r\n\r\n", "0123456789"),
            (
                "1\r\nx\r\n0\r\nX-Sum: \t a b \r\nexpires:now\r\nE:\r\nF: \r\n\r\n",
                "x\nX-Sum=a b\nexpires=now\nE=\nF=",
            ),
        ] {
            let bytes = format!("{body}GET / HTTP/1.1\r\n");
            assert_eq!(both(bytes.as_bytes()), Ok((data.as_bytes().to_vec(), body.len())), "{body:?}");
        }
    }

    #[test]
    fn malformed_framing_is_refused() {
        for body in [
            "0x5\r\nhello\r\n",
            "+5\r\n",
            "-1\r\n",
            " 5\r\n",
            "5 \r\n",
            "5;a \r\n",
            "5;a= \r\n",
            "5 ; \r\n",
            "5 a;b\r\n",
            "1_0\r\n",
            "\r\n",
            "x\r\n",
            "FFFFFFFFFFFFFFFF0\r\n",
            "FFFFFFFFFFFFFFFF\r\n",
            "5\nhello\n",
            "5\rX\n",
            "5\r\nhello!!\r\n0\r\n\r\n",
            "5\r\nhello0\r\n\r\n",
            "5;\r\n",
            "5;bad[=x\r\n",
            "5;\0\r\n",
            "5;a\rX\r\n",
            "5;a=\r\n",
            "5;a=\"b\r\n",
            "5;\nhello",
            "0\r\n\n",
            "0\r\nBad Trailer: x\r\n\r\n",
            "0\r\nno colon\r\n\r\n",
            "0\r\n: x\r\n\r\n",
            "0\r\nX: a\r\n b\r\n\r\n",
            "0\r\nX: a\0b\r\n\r\n",
            "0\r\nContent-Length: 5\r\n\r\n",
            "0\r\ntransfer-encoding: chunked\r\n\r\n",
            "0\r\nHost: x\r\n\r\n",
        ] {
            assert_eq!(both(body.as_bytes()), Err(400), "{body:?}");
        }
    }

    #[test]
    fn a_body_that_stops_is_not_complete() {
        for body in ["", "5", "5\r\n", "5\r\nhel", "5\r\nhello", "5\r\nhello\r\n", "0\r\n", "0\r\nX: y\r\n"] {
            assert_eq!(both(body.as_bytes()), Err(0), "{body:?}");
        }
    }

    #[test]
    fn what_is_not_data_is_bounded() {
        let endless = [b"5;a=", &[b'x'; 5000][..]].concat();
        assert_eq!(both(&endless), Err(400));
        let many = format!("1;{}\r\nx\r\n", "e".repeat(4000)).repeat(5);
        assert_eq!(both(many.as_bytes()), Err(400));
        let trailers = format!("0\r\n{}", format!("X: {}\r\n", "y".repeat(4000)).repeat(5));
        assert_eq!(both(trailers.as_bytes()), Err(431));
    }
}
