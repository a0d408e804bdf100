//! HTTP/1.0 and HTTP/1.1 requests (RFC 9110, RFC 9112), read strictly: no byte string is read in two ways.
//!
//! [`end`] finds where a head ends, [`head`] says what is in it, [`target`] and [`framing`] hold the rules that a
//! general parser leaves open. What is refused is refused before an application sees any of it.

pub mod chunked;
pub mod end;
pub mod framing;
pub mod head;
pub mod target;

pub use chunked::Chunked;
pub use end::EndOfHead;
pub use framing::Body;
pub use head::{Field, Head, Span, canonicalize};

/// How much a peer may send.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The request line, in bytes without its CRLF; more is a 414.
    pub request_line: usize,
    /// The whole head, in bytes; more is a 431.
    pub head: usize,
    /// The name and the value of one field, in bytes; more is a 431.
    pub field: usize,
    /// How many fields there may be; more is a 431.
    pub fields: usize,
    /// The body, in bytes; more is a 413.
    pub body: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { request_line: 8 << 10, head: 64 << 10, field: 16 << 10, fields: 100, body: u64::MAX }
    }
}

/// Why a request is not taken: the status to answer with, if any, and the reason for people. The connection is to be
/// closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the answer, 400 to 505; 0: close without an answer, because whoever is there would not read one.
    pub status: u16,
    /// What is wrong, as the end of "the request …".
    pub reason: &'static str,
}

impl Refusal {
    /// A 400 (RFC 9110 §15.5.1).
    #[must_use]
    pub const fn bad(reason: &'static str) -> Self {
        Self { status: 400, reason }
    }

    /// The end of the connection without an answer: the peer does not speak the protocol of the socket.
    #[must_use]
    pub const fn silent(reason: &'static str) -> Self {
        Self { status: 0, reason }
    }

    /// Whether there is no answer.
    #[must_use]
    pub const fn is_silent(self) -> bool {
        self.status == 0
    }

    /// Any other status.
    #[must_use]
    pub const fn with(status: u16, reason: &'static str) -> Self {
        Self { status, reason }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.status {
            0 => f.write_str(self.reason),
            status => write!(f, "{} ({status})", self.reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_the_status_that_it_has() {
        assert_eq!(Refusal::bad("has no Host").to_string(), "has no Host (400)");
        assert_eq!(Refusal::silent("has no variables").to_string(), "has no variables");
    }
}
