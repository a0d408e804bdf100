//! Where does the head end? Each byte is looked at once, however slowly the head arrives.

use super::{Limits, Refusal};

/// The search for the empty line that ends a head, continued as bytes come in.
#[derive(Clone, Copy, Debug, Default)]
pub struct EndOfHead {
    /// Bytes looked at so far.
    seen: usize,
    /// Where the line being read starts.
    line: usize,
    /// Whether the request line is complete.
    past_request_line: bool,
}

impl EndOfHead {
    /// Looks at the bytes of `buffer` (which starts with the head) that are new since the last call.
    ///
    /// `Ok(Some(n))`: the head is the first `n` bytes. `Ok(None)`: more bytes, please.
    pub fn find(&mut self, buffer: &[u8], limits: &Limits) -> Result<Option<usize>, Refusal> {
        if self.seen == 0 && buffer.first().is_some_and(|&byte| !is_token(byte)) {
            return Err(Refusal::bad("does not begin with a method"));
        }
        for feed in memchr::memchr_iter(b'\n', &buffer[self.seen..]) {
            let feed = self.seen + feed;
            self.check_limits(&buffer[..feed], limits)?; // as if the line had come without its end
            let end = feed.checked_sub(1).filter(|&cr| buffer[cr] == b'\r' && cr >= self.line);
            let Some(end) = end else {
                return Err(Refusal::bad("has a line that ends in LF without CR")); // RFC 9112 §2.2
            };
            if end == self.line {
                return within(feed + 1, limits).map(Some);
            }
            if !self.past_request_line && !ends_in_a_version(&buffer[self.line..end]) {
                return Err(Refusal::bad("has a malformed request line")); // whoever speaks HTTP/0.9 sends no more
            }
            self.past_request_line = true;
            self.line = feed + 1;
        }
        self.seen = buffer.len();
        self.check_limits(buffer, limits).map(|()| None)
    }

    /// Whether so much may have come of a head that has not ended. A CR may be the end of its line.
    fn check_limits(&self, come: &[u8], limits: &Limits) -> Result<(), Refusal> {
        let line = &come[self.line..];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !self.past_request_line && line.len() > limits.request_line {
            return Err(Refusal::with(414, "has too long a request line"));
        }
        within(come.len(), limits).map(drop)
    }
}

fn within(length: usize, limits: &Limits) -> Result<usize, Refusal> {
    if length > limits.head {
        return Err(Refusal::with(431, "has too long a head"));
    }
    Ok(length)
}

/// Whether a request line ends in HTTP-version (RFC 9112 §2.3).
fn ends_in_a_version(line: &[u8]) -> bool {
    matches!(line, [.., b' ', b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'])
}

/// tchar of RFC 9110 §5.6.2: what methods and field names are made of.
#[must_use]
pub fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What field values are made of (RFC 9110 §5.5).
pub(crate) fn is_field_byte(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(bytes: &[u8]) -> Result<Option<usize>, u16> {
        EndOfHead::default().find(bytes, &Limits::default()).map_err(|refusal| refusal.status)
    }

    #[test]
    fn finds_the_empty_line() {
        assert_eq!(find(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nrest"), Ok(Some(27)));
        assert_eq!(find(b"GET / HTTP/1.1\r\nHost: x\r\n\r"), Ok(None));
        assert_eq!(find(b""), Ok(None));
    }

    #[test]
    fn finds_the_same_when_bytes_come_one_by_one() {
        let bytes = b"GET / HTTP/1.1\r\nHost: x\r\n\r\nrest";
        let mut end = EndOfHead::default();
        let found = (1..=bytes.len()).find_map(|n| end.find(&bytes[..n], &Limits::default()).unwrap());
        assert_eq!(found, Some(27));
    }

    #[test]
    fn refuses_what_can_never_become_a_head() {
        assert_eq!(find(b"GET / HTTP/1.1\nHost: x\n\n"), Err(400));
        assert_eq!([find(b"GET /\r\n"), find(b"hello\r\n"), find(b"GET / HTTP/1\r\n")], [Err(400); 3]);
        assert_eq!(find(b"GET / HTTP/1.1\r\nHost: x\n"), Err(400));
        assert_eq!(find(b"\x16\x03\x01"), Err(400));
        assert_eq!(find(b"\n"), Err(400));
        assert_eq!(find(b" GET / HTTP/1.1\r\n\r\n"), Err(400));
    }

    #[test]
    fn limits_have_their_own_statuses() {
        assert_eq!(find(&[b'A'; 9000]), Err(414));
        let long_line = [b"GET /", &[b'a'; 9000][..], b" HTTP/1.1\r\n\r\n"].concat();
        assert_eq!(find(&long_line), Err(414));
        let long_head = [b"GET / HTTP/1.1\r\nX: ", &[b'a'; 66_000][..]].concat();
        assert_eq!(find(&long_head), Err(431));
    }

    #[test]
    fn limits_are_the_same_when_bytes_come_one_by_one() {
        let limits = Limits { request_line: 14, head: 40, ..Limits::default() };
        for (bytes, expected) in [
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", Ok(Some(27))), // the longest request line
            ("GET /a HTTP/1.1\r\nHost: x\r\n\r\n", Err(414)),
            ("GET /a HTTP/1.1\nHost: x\n\n", Err(414)),
            ("GET / HTTP/1.1\r\r\n", Err(414)),
            ("GET / HTTP/1.1\r\nHost: 6789012345678901\r\n\r\n", Err(431)),
            ("GET / HTTP/1.1\r\nHost: 6789012345678901234\n", Err(431)),
            ("GET / HTTP/1.1\r\nHost: 678901234567890\r\n\r\n", Err(431)),
            ("GET / HTTP/1.1\r\nHost: 67890123456789\r\n\r\n", Ok(Some(40))), // the longest head
        ] {
            let bytes = bytes.as_bytes();
            for step in [1, 2, bytes.len()] {
                let mut end = EndOfHead::default();
                let arrivals = (step..bytes.len()).step_by(step).chain([bytes.len()]);
                let found =
                    arrivals.map(|come| end.find(&bytes[..come], &limits)).find(|found| *found != Ok(None));
                let found = found.unwrap_or(Ok(None)).map_err(|refusal| refusal.status);
                assert_eq!(found, expected, "{:?} in steps of {step}", String::from_utf8_lossy(bytes));
            }
        }
    }
}
