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
pub use head::{Field, Head, Span};

/// How much a peer may send as a head.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The request line, in bytes without its CRLF; more is a 414.
    pub request_line: usize,
    /// The whole head, in bytes; more is a 431.
    pub head: usize,
}

/// The most fields that a request may have; more is a 431.
pub const MAX_FIELDS: usize = 100;

impl Default for Limits {
    fn default() -> Self {
        Self { request_line: 8 << 10, head: 64 << 10 }
    }
}

/// Why a request is not taken: the status to answer with, and the reason for people. The connection is to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the answer, 400 to 505.
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

    /// Any other status.
    const fn with(status: u16, reason: &'static str) -> Self {
        Self { status, reason }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.reason, self.status)
    }
}
