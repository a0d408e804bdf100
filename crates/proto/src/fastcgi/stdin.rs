//! The body: the content of STDIN records up to an empty one, and exactly as long as CONTENT_LENGTH says, if that is there:
//! nginx does not know the length of a body in chunks that it hands on while it comes (`fastcgi_request_buffering off`).
//!
//! In: the bytes that have come and are not consumed. Out: what to do with the first of them.

use super::record::{self, ABORTED, HEADER, MISPLACED, Record};
use crate::body::Piece;
use crate::http1::{Body, Refusal};

/// The state of one body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stdin {
    id: u16,
    /// Bytes of the body that are left; `None`: up to its end.
    left: Option<u64>,
    /// Those of them that are in the record.
    content: u16,
    /// Bytes of no interest that are left in the record.
    skip: usize,
    /// Records about the connection.
    management: u8,
}

impl Stdin {
    /// The body of the request `id`.
    #[must_use]
    pub fn new(id: u16, body: Body) -> Self {
        let left = match body {
            Body::Length(length) => Some(length),
            Body::Chunked => None,
        };
        Self { id, left, ..Self::default() }
    }

    /// Whether there is a body of a request without CONTENT_LENGTH: its first record tells, which is at the front of
    /// `input`. `None`: more bytes are needed.
    pub fn announced(id: u16, input: &[u8]) -> Result<Option<Body>, Refusal> {
        let is_data = |record: Record| record.kind == record::STDIN && record.id == id && record.content > 0;
        let body = |record| if is_data(record) { Body::Chunked } else { Body::Length(0) };
        Ok(Record::read(input)?.map(body))
    }

    /// Looks at `input`, the bytes that are not consumed.
    pub fn next(&mut self, input: &[u8]) -> Result<Piece, Refusal> {
        if self.content > 0 {
            return Ok(Piece::Data(self.content.into()));
        }
        if self.skip > 0 {
            return Ok(self.skip(input));
        }
        let Some(record) = Record::read(input)? else { return Ok(Piece::More) };
        match record.kind {
            _ if record.is_management() => {
                Record::count(&mut self.management)?;
                Ok(self.enter(record.rest()))
            }
            record::STDIN if record.id == self.id => self.stdin(&record, input),
            record::ABORT_REQUEST if record.id == self.id => Err(ABORTED),
            _ => Err(MISPLACED),
        }
    }

    /// So many bytes of data have been consumed, no more than [`Piece::Data`] said.
    pub fn took(&mut self, count: u64) {
        let taken = u16::try_from(count).unwrap_or(u16::MAX).min(self.content);
        self.content -= taken;
        self.left = self.left.map(|left| left.saturating_sub(taken.into()));
    }

    fn stdin(&mut self, record: &Record, input: &[u8]) -> Result<Piece, Refusal> {
        if self.left.is_some_and(|left| u64::from(record.content) > left) {
            return Err(Refusal::bad("has a body that is longer than its CONTENT_LENGTH"));
        }
        if record.content == 0 {
            return self.end(record, input);
        }
        self.content = record.content;
        Ok(self.enter(record.padding.into()))
    }

    fn end(&self, record: &Record, input: &[u8]) -> Result<Piece, Refusal> {
        if self.left.is_some_and(|left| left > 0) {
            return Err(Refusal::bad("has a body that is shorter than its CONTENT_LENGTH"));
        }
        Ok(record.whole(input).map_or(Piece::More, Piece::End))
    }

    /// Goes past a header; so many bytes that come after it and the data are of no interest.
    fn enter(&mut self, skip: usize) -> Piece {
        self.skip = skip;
        Piece::Framing(HEADER)
    }

    fn skip(&mut self, input: &[u8]) -> Piece {
        let count = input.len().min(self.skip);
        self.skip -= count;
        if count == 0 { Piece::More } else { Piece::Framing(count) }
    }
}
