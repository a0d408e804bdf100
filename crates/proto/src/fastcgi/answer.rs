//! What goes back to the web server: the answer in records, and what it asks about the connection.

use super::pairs;
use super::record::{self, HEADER, Record};
use crate::http1::Refusal;

/// How a request may end, as END_REQUEST says it.
const REQUEST_COMPLETE: u8 = 0;
const UNKNOWN_ROLE: u8 = 3;

/// What goes before so many bytes of an answer.
#[must_use]
pub fn stdout_header(id: u16, length: u16) -> [u8; 8] {
    Record::header(record::STDOUT, id, length)
}

/// What goes after an answer: no more bytes of it, and the end of the request.
#[must_use]
pub fn end(id: u16) -> [u8; 24] {
    let mut bytes = [0; 24];
    bytes[..HEADER].copy_from_slice(&stdout_header(id, 0));
    bytes[HEADER..].copy_from_slice(&end_request(id, REQUEST_COMPLETE));
    bytes
}

/// The end of a request that wants an authorizer or a filter.
pub(super) fn unknown_role(id: u16) -> Vec<u8> {
    end_request(id, UNKNOWN_ROLE).into()
}

fn end_request(id: u16, protocol_status: u8) -> [u8; 16] {
    with_content(record::END_REQUEST, id, [0, 0, 0, 0, protocol_status, 0, 0, 0])
}

/// To a record about the connection of a kind that is not known.
pub(super) fn unknown_type(kind: u8) -> Vec<u8> {
    with_content(record::UNKNOWN_TYPE, 0, [kind, 0, 0, 0, 0, 0, 0, 0]).into()
}

fn with_content(kind: u8, id: u16, content: [u8; 8]) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..HEADER].copy_from_slice(&Record::header(kind, id, 8));
    bytes[HEADER..].copy_from_slice(&content);
    bytes
}

/// To the question of GET_VALUES: those of the values asked for that are known, each once.
pub(super) fn values(asked: &[u8], connections: u32) -> Result<Vec<u8>, Refusal> {
    let at_once = connections.to_string();
    let known = [
        (&b"FCGI_MAX_CONNS"[..], at_once.as_bytes()),
        (b"FCGI_MAX_REQS", at_once.as_bytes()),
        (b"FCGI_MPXS_CONNS", b"0"),
    ];
    let mut wanted = [false; 3];
    for pair in pairs::read(asked) {
        let (name, _) = pair?;
        for (wanted, (known, _)) in wanted.iter_mut().zip(known) {
            *wanted |= name == known;
        }
    }
    let mut content = Vec::new();
    for (_, (name, value)) in wanted.into_iter().zip(known).filter(|(wanted, _)| *wanted) {
        pairs::push(&mut content, name, value);
    }
    let length = u16::try_from(content.len()).unwrap_or(0);
    Ok([&Record::header(record::GET_VALUES_RESULT, 0, length)[..], &content].concat())
}
