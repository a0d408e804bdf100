//! Reading a request's body: to the application, or to nobody.

use goherd_proto::encode;
use goherd_proto::http1::chunked::Piece;
use goherd_proto::http1::{Body, Chunked};
use goherd_sys::socket::Transfer;

use crate::connection::Connection;
use crate::exchange::Read;

/// What of a body has not been consumed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Remaining {
    /// So many bytes.
    Length(u64),
    /// What the decoder finds.
    Chunked(Chunked),
}

impl Default for Remaining {
    fn default() -> Self {
        Self::Length(0)
    }
}

impl From<Body> for Remaining {
    fn from(body: Body) -> Self {
        match body {
            Body::Length(length) => Self::Length(length),
            Body::Chunked => Self::Chunked(Chunked::default()),
        }
    }
}

impl Remaining {
    /// Whether the body is complete.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Length(0))
    }

    /// Whether more than `bytes` are known to be left.
    pub fn exceeds(&self, bytes: u64) -> bool {
        matches!(self, Self::Length(left) if *left > bytes)
    }

    fn took(&mut self, count: usize) {
        match self {
            Self::Length(left) => *left -= count as u64,
            Self::Chunked(chunked) => chunked.took(count as u64),
        }
    }
}

/// What stands at the front of the input.
enum Front {
    Data(u64),
    End,
    Stopped(Read),
}

impl Connection {
    /// Reads data into `buffer`, which is not empty.
    pub(crate) fn read_body(&mut self, buffer: &mut [u8]) -> Read {
        self.exchange.consume_head(self.input.as_deref_mut());
        let left = match self.front() {
            Front::Data(left) => left,
            Front::End => return Read::End,
            Front::Stopped(read) => return read,
        };
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.read_some(&mut buffer[..most]);
        if let Read::Bytes(count) = read {
            self.exchange.body.took(count);
        }
        read
    }

    /// Goes on to the next data, or to where there is none.
    fn front(&mut self) -> Front {
        loop {
            let chunked = match &mut self.exchange.body {
                Remaining::Length(0) => return Front::End,
                Remaining::Length(left) => return Front::Data(*left),
                Remaining::Chunked(chunked) => chunked,
            };
            let Some(input) = &mut self.input else { return Front::Stopped(Read::Broken) };
            match chunked.next(input.unread()) {
                Ok(Piece::Data(left)) => return Front::Data(left),
                Ok(Piece::Framing(count)) => input.consume(count),
                Ok(Piece::End(count)) => {
                    input.consume(count);
                    self.exchange.body = Remaining::Length(0);
                }
                Ok(Piece::More) => {
                    if let Some(stopped) = self.receive_framing() {
                        return Front::Stopped(stopped);
                    }
                }
                Err(refusal) => {
                    self.exchange.refusal = Some(refusal);
                    return Front::Stopped(Read::Broken);
                }
            }
        }
    }

    /// Receives into the input; `Some`: nothing came.
    fn receive_framing(&mut self) -> Option<Read> {
        if !self.invite() {
            return Some(Read::Broken);
        }
        match self.input.as_mut()?.fill(&self.stream).0 {
            Transfer::Done(_) => None,
            Transfer::WouldBlock => Some(self.wait_to_read()),
            Transfer::Ended | Transfer::Broken => Some(Read::Broken),
        }
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> Read {
        if let Some(input) = self.input.as_mut().filter(|input| !input.unread().is_empty()) {
            let count = buffer.len().min(input.unread().len());
            buffer[..count].copy_from_slice(&input.unread()[..count]);
            input.consume(count);
            return Read::Bytes(count);
        }
        if !self.invite() {
            return Read::Broken;
        }
        match self.stream.receive(buffer) {
            Transfer::Done(count) => Read::Bytes(count),
            Transfer::WouldBlock => self.wait_to_read(),
            Transfer::Ended | Transfer::Broken => Read::Broken,
        }
    }

    fn wait_to_read(&mut self) -> Read {
        self.readable = false;
        self.exchange.waits_to_read = true;
        Read::WouldBlock
    }

    /// Tells a peer that waits for it to send the body (RFC 9110 §10.1.1); `false`: it is gone.
    fn invite(&mut self) -> bool {
        if !std::mem::take(&mut self.exchange.expects_continue) || self.exchange.is_streaming() {
            return true;
        }
        if let Some(input) = &mut self.input {
            input.out.extend_from_slice(encode::CONTINUE);
        }
        !matches!(self.flush(), Transfer::Ended | Transfer::Broken)
    }
}
