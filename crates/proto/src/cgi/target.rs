//! The request target out of variables.

use super::known::Known;
use crate::http1::{Refusal, Span};

/// Appends the target as the client sent it, or else one with the same path and query.
pub(super) fn append(bytes: &mut Vec<u8>, known: &Known<'_>) -> Result<Span, Refusal> {
    let start = bytes.len();
    match known.request_uri.unwrap_or_default() {
        b"" => append_parts(bytes, known)?,
        target => bytes.extend_from_slice(target),
    }
    Ok(Span::between(start, bytes.len()))
}

fn append_parts(bytes: &mut Vec<u8>, known: &Known<'_>) -> Result<(), Refusal> {
    let start = bytes.len();
    for path in [known.script_name, known.path_info] {
        encode(bytes, path.unwrap_or_default());
    }
    match &bytes[start..] {
        [] => return Err(Refusal::bad("has neither REQUEST_URI nor PATH_INFO")),
        [b'/', ..] | b"*" => {}
        _ => return Err(Refusal::bad("has a path that does not begin with a slash")),
    }
    let query = known.query.unwrap_or_default();
    if !query.is_empty() {
        bytes.push(b'?');
        bytes.extend_from_slice(query);
    }
    Ok(())
}

/// Paths come decoded: what may not stand in one as it is (RFC 3986 §3.3) is encoded again.
fn encode(bytes: &mut Vec<u8>, path: &[u8]) {
    const DIGITS: [u8; 16] = *b"0123456789ABCDEF";
    for &byte in path {
        if byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(&byte) {
            bytes.push(byte);
        } else {
            bytes.extend([b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
    }
}
