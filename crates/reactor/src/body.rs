//! Reading a request's body: to the application, or to nobody.

use goherd_proto::body::Piece;
use goherd_proto::encode;
use goherd_proto::fastcgi::Stdin;
use goherd_proto::http1::{Body, Chunked, Refusal};
use goherd_sys::socket::Transfer;

use crate::connection::{Connection, MAX_DISCARDED, Shared};
use crate::exchange::Read;
use crate::input::Input;

/// What of a body has not been consumed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Remaining {
    /// So many bytes.
    Length(u64),
    /// What is found between the sizes of chunks.
    Chunked(Chunked),
    /// What is found in FastCGI's records.
    Records(Stdin),
}

impl Default for Remaining {
    fn default() -> Self {
        Self::Length(0)
    }
}

impl Remaining {
    /// All of the body that follows the head in `input`.
    pub fn of(input: &Input) -> Self {
        match (input.records(), input.head().framing.body) {
            (Some(records), _) => Self::Records(records),
            (None, Body::Length(length)) => Self::Length(length),
            (None, Body::Chunked) => Self::Chunked(Chunked::default()),
        }
    }

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
            Self::Records(records) => records.took(count as u64),
        }
    }

    /// What stands at the front of `input`; `None`: the data itself.
    fn next(&mut self, input: &[u8]) -> Option<Result<Piece, Refusal>> {
        match self {
            Self::Length(_) => None,
            Self::Chunked(chunked) => Some(chunked.next(input)),
            Self::Records(records) => Some(records.next(input)),
        }
    }
}

const TOO_SHORT: Refusal = Refusal::bad("has a body that ends too soon");

/// What stands at the front of the input.
enum Front {
    Data(u64),
    End,
    Stopped(Read),
}

impl Connection {
    /// Reads data into `buffer`, which is not empty.
    pub(crate) fn read_body(&mut self, buffer: &mut [u8], shared: &Shared) -> Read {
        self.exchange.waits_to_read = false;
        self.begin_body();
        if self.exchange.refusal.is_some() {
            return Read::Broken;
        }
        if !self.exchange.body.is_over() && !self.invite() {
            return Read::Broken;
        }
        let left = match self.front() {
            Front::Data(left)
                if self.exchange.body_bytes.saturating_add(left) > shared.limits.body
                    && !self.origin.protocol.is_service() =>
            {
                return self.break_off(Refusal::with(413, "has too long a body"));
            }
            Front::Data(left) => left,
            Front::End => return Read::End,
            Front::Stopped(read) => return read,
        };
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.read_some(&mut buffer[..most]);
        if let Read::Bytes(count) = read {
            self.moved += count as u64;
            self.exchange.body.took(count);
            self.exchange.body_bytes += count as u64;
        }
        read
    }

    /// Looks through what has come of a body in pieces that nobody has read, before the answer to it is begun: what is
    /// wrong in it takes the answer's place.
    pub(crate) fn look_ahead(&mut self, shared: &Shared) {
        if matches!(self.exchange.body, Remaining::Length(_)) || self.exchange.expects_continue {
            return;
        }
        while self.exchange.discarded <= MAX_DISCARDED {
            let Read::Bytes(count) = self.read_body(&mut [0; 4096], shared) else { break };
            self.exchange.discarded += count as u64;
        }
        self.exchange.waits_to_read = false;
    }

    /// Goes on to the next data, or to where there is none.
    fn front(&mut self) -> Front {
        loop {
            match self.exchange.body {
                Remaining::Length(0) => return Front::End,
                Remaining::Length(left) => return Front::Data(left),
                _ => {}
            }
            let Some(input) = &mut self.input else { return Front::Stopped(Read::Broken) };
            match self.exchange.body.next(input.unread()) {
                None => {}
                Some(Ok(Piece::Data(left))) => return Front::Data(left),
                Some(Ok(Piece::Framing(count))) => input.consume(count),
                Some(Ok(Piece::Trailer { length, name, value })) => input.take_trailer(length, name, value),
                Some(Ok(Piece::End(count))) => {
                    input.consume(count);
                    self.exchange.body = Remaining::Length(0);
                }
                Some(Ok(Piece::More)) => {
                    if let Some(stopped) = self.receive_framing() {
                        return Front::Stopped(stopped);
                    }
                }
                Some(Err(refusal)) => return Front::Stopped(self.break_off(refusal)),
            }
        }
    }

    /// The body is not what it should be: that takes the place of the application's answer.
    fn break_off(&mut self, refusal: Refusal) -> Read {
        self.exchange.refusal = Some(refusal);
        Read::Broken
    }

    /// Receives into the input; `Some`: nothing came.
    fn receive_framing(&mut self) -> Option<Read> {
        match self.input.as_mut()?.fill(&self.stream).0 {
            Transfer::Done(_) => None,
            Transfer::WouldBlock => Some(self.wait_to_read()),
            Transfer::Ended => Some(self.break_off(TOO_SHORT)),
            Transfer::Broken => Some(Read::Broken),
        }
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> Read {
        if let Some(input) = self.input.as_mut().filter(|input| !input.unread().is_empty()) {
            let count = buffer.len().min(input.unread().len());
            buffer[..count].copy_from_slice(&input.unread()[..count]);
            input.consume(count);
            return Read::Bytes(count);
        }
        match self.stream.receive(buffer) {
            Transfer::Done(count) => Read::Bytes(count),
            Transfer::WouldBlock => self.wait_to_read(),
            Transfer::Ended => self.break_off(TOO_SHORT),
            Transfer::Broken => Read::Broken,
        }
    }

    fn wait_to_read(&mut self) -> Read {
        self.readable = false;
        self.exchange.waits_to_read = true;
        Read::WouldBlock
    }

    /// Tells a peer that waits for it to send the body (RFC 9110 §10.1.1), unless it has the answer's head already;
    /// `false`: it is gone.
    fn invite(&mut self) -> bool {
        if !std::mem::take(&mut self.exchange.expects_continue) {
            return true;
        }
        if self.exchange.is_streaming() {
            self.exchange.keep_alive = false; // it may send it or not
            return true;
        }
        if let Some(input) = &mut self.input {
            input.out.extend_from_slice(encode::CONTINUE);
        }
        let flushed = self.flush();
        self.exchange.blocked = flushed == Transfer::WouldBlock;
        !matches!(flushed, Transfer::Ended | Transfer::Broken)
    }
}
