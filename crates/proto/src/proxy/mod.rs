//! The PROXY protocol, versions 1 (a line of text) and 2 (binary): which client a proxy in front speaks for.
//!
//! In: what has come so far on a new connection. Out: the header, "more bytes, please", or a refusal; whoever does not
//! send a header is told by the first wrong byte.

mod v1;
mod v2;

use std::net::SocketAddr;

use crate::http1::Refusal;

/// A whole header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// How many bytes it is: consume them.
    pub length: usize,
    /// The client; `None`: the proxy speaks for itself, or for somebody without an Internet address.
    pub source: Option<SocketAddr>,
}

/// Looks for a header at the front of `input`; `None`: more bytes are needed.
pub fn read(input: &[u8]) -> Result<Option<Header>, Refusal> {
    for (signature, read) in [(v1::SIGNATURE, v1::read as Reader), (v2::SIGNATURE, v2::read)] {
        if let Some(rest) = input.strip_prefix(signature) {
            let header = read(rest)?;
            return Ok(header.map(|header| Header { length: signature.len() + header.length, ..header }));
        }
        if signature.starts_with(input) {
            return Ok(None);
        }
    }
    Err(Refusal::silent("does not begin with a PROXY header"))
}

/// Reads what follows a signature; its length is without it.
type Reader = fn(&[u8]) -> Result<Option<Header>, Refusal>;

/// A header that is none.
const MALFORMED: Refusal = Refusal::silent("has a malformed PROXY header");
