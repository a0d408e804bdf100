//! A request and its answer, as the application handles them: by the number of the exchange, from any thread.
//!
//! Each operation locks the connection for one step and never waits for the network: what cannot go on now says so, and
//! a [`Wake`](crate::Wake) from [`Reactor::next`] tells the core when to try again.

use goherd_proto::encode::{self, Frame, Framing, Said};
use goherd_proto::fields::Malformed;
use goherd_proto::http1::{Head, Refusal};
use goherd_proto::status;
use goherd_sys::socket::Transfer;

use crate::body::Remaining;
use crate::connection::{Connection, MAX_DISCARDED, Phase, Progress, Shared};
use crate::input::Input;
use crate::lead::Reactor;
use crate::table::ExchangeId;

/// How much of an answer in chunks is taken at a time: what the peer does not take at once is kept, so this bounds what
/// a slow peer costs.
const MAX_CHUNK: usize = 64 << 10;

/// A body up to this length is copied behind its head: one piece leaves more cheaply than two (send(2), not sendmsg(2)).
const MAX_COPIED: usize = 4 << 10;

/// What the application sees of a request. The bytes stay in place until the exchange's first other operation.
#[derive(Debug)]
pub struct View<'a> {
    /// For the operations on this exchange.
    pub id: ExchangeId,
    /// The head, field names in canonical form.
    pub bytes: &'a [u8],
    /// Where everything is in `bytes`.
    pub head: &'a Head,
    /// The peer's address, `ip:port`, "@" for a unix socket.
    pub peer: &'a str,
    /// The number of the listener, in the order of [`Settings::listeners`](crate::Settings).
    pub door: u64,
    /// The peer has ended its side already; no wake-up will say so again.
    pub peer_ended: bool,
    /// How many events the leader has fetched beside this one.
    pub backlog: usize,
}

/// Why an operation was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The exchange has ended, or the peer is gone.
    Ended,
    /// The head of the answer has been sent already, or (for parts of a body) has not been.
    OutOfTurn,
    /// The answer's fields are not fit to be sent; nothing was.
    Malformed(Malformed),
    /// The status is not one of 200 to 999.
    Status,
}

/// What reading a body came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// So many bytes; never 0.
    Bytes(usize),
    /// The body is complete.
    End,
    /// A wake-up will say when there is more.
    WouldBlock,
    /// The peer left before the body was complete.
    Broken,
}

/// What writing a part of an answer came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// So many bytes are taken.
    Taken(usize),
    /// A wake-up will say when the peer takes more.
    WouldBlock,
}

/// The state of a connection's current exchange.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    /// The core that handles it: the address of its wake-ups.
    pub core: u32,
    /// The part of the request's body that was neither read nor discarded.
    pub body: Remaining,
    /// What was found wrong in the body: it takes the place of the application's answer.
    pub refusal: Option<Refusal>,
    /// The peer waits for a "100 Continue" before it sends the body.
    pub expects_continue: bool,
    pub keep_alive: bool,
    pub waits_to_read: bool,
    pub waits_to_write: bool,
    /// `input.out` holds what the peer did not take: it must go before anything else.
    pub blocked: bool,
    /// The core has been told that the peer is gone.
    pub told_gone: bool,
    head_consumed: bool,
    minor: u8,
    is_head: bool,
    /// How the body of a streamed answer goes out; its length is what is still to come.
    streaming: Option<Framing>,
}

impl Exchange {
    fn begin(head: &Head, bytes: &[u8], core: u32, keep_alive: bool, told_gone: bool) -> Self {
        Self {
            core,
            body: head.framing.body.into(),
            expects_continue: head.framing.expects_continue,
            keep_alive: head.framing.keep_alive && keep_alive,
            told_gone,
            minor: head.minor,
            is_head: head.method.of(bytes) == b"HEAD",
            ..Self::default()
        }
    }

    /// Drops the head from the input: from now on the body is at the front.
    pub fn consume_head(&mut self, input: Option<&mut Input>) {
        if let Some(input) = input.filter(|_| !std::mem::replace(&mut self.head_consumed, true)) {
            input.consume(input.head.length);
        }
    }

    /// Whether what is unread of the body is too much to read, or may never come.
    pub fn body_is_a_burden(&self) -> bool {
        self.body.exceeds(MAX_DISCARDED) || (self.expects_continue && !self.body.is_over())
    }

    /// Whether the head of an answer in parts has been given.
    pub fn is_streaming(&self) -> bool {
        self.streaming.is_some()
    }

    /// The framing of an answer whose length is `length`, if it is known.
    fn framing(&mut self, code: u16, length: Option<u64>) -> Framing {
        match length {
            _ if !status::allows_body(code) => Framing::None,
            Some(length) => Framing::Length(length),
            None if self.is_head => Framing::None,
            None if self.minor > 0 => Framing::Chunked,
            None => {
                self.keep_alive = false;
                Framing::UntilClose
            }
        }
    }

    fn sends_body(&self, code: u16) -> bool {
        !self.is_head && status::allows_body(code)
    }
}

impl Connection {
    /// A core takes the request that is complete.
    pub fn begin(&mut self, core: u32, shared: &Shared) {
        if let Some(input) = &self.input {
            let keep_alive = !shared.is_draining();
            self.exchange =
                Exchange::begin(&input.head, input.head_bytes(), core, keep_alive, self.peer_ended);
        }
        self.phase = Phase::Busy;
    }

    /// Writes the head of an answer to `input.out`.
    fn put_head(
        &mut self,
        code: u16,
        framing: Framing,
        block: &[u8],
        shared: &Shared,
    ) -> Result<(), Failure> {
        let input = self.input.as_mut().ok_or(Failure::Ended)?;
        let frame = Frame {
            status: code,
            minor: self.exchange.minor,
            framing,
            close: !self.exchange.keep_alive,
            date: &shared.date.now(),
        };
        encode::head(&mut input.out, &frame, block);
        Ok(())
    }

    fn respond(&mut self, code: u16, said: Said, block: &[u8], body: &[u8], shared: &Shared) -> Progress {
        let sends_body = self.exchange.sends_body(code);
        self.settle_persistence(said, shared);
        let declared = said.content_length.unwrap_or(body.len() as u64);
        if sends_body && declared != body.len() as u64 {
            self.exchange.keep_alive = false;
        }
        let length = (sends_body || said.content_length.is_some() || !body.is_empty()).then_some(declared);
        let framing = self.exchange.framing(code, length);
        if self.put_head(code, framing, block, shared).is_err() {
            return Progress::Closed;
        }
        let most = if sends_body { usize::try_from(declared).unwrap_or(usize::MAX) } else { 0 };
        let mut body = &body[..body.len().min(most)];
        if let Some(input) = self.input.as_mut().filter(|_| body.len() <= MAX_COPIED) {
            input.out.extend_from_slice(body);
            body = b"";
        }
        match self.send_or_keep(body, b"") {
            Some(true) => self.finish(shared),
            Some(false) => {
                self.phase = Phase::Flushing;
                Progress::Waiting
            }
            None => Progress::Closed,
        }
    }

    /// Sends `input.out`, then `body` and `end`; gives how much of those two went. `None`: the peer is gone.
    fn send_some(&mut self, body: &[u8], end: &[u8]) -> Option<usize> {
        let input = self.input.as_mut()?;
        let sent = match self.stream.send([&input.out, body, end]) {
            Transfer::Done(n) => n,
            Transfer::WouldBlock => 0,
            Transfer::Ended | Transfer::Broken => return None,
        };
        let of_out = sent.min(input.out.len());
        input.out.drain(..of_out);
        Some(sent - of_out)
    }

    /// The same, and what does not go is kept in `input.out`; `true`: all went.
    fn send_or_keep(&mut self, body: &[u8], end: &[u8]) -> Option<bool> {
        let mut sent = self.send_some(body, end)?;
        let input = self.input.as_mut()?;
        for piece in [body, end] {
            let of_piece = sent.min(piece.len());
            input.out.extend_from_slice(&piece[of_piece..]);
            sent -= of_piece;
        }
        Some(input.out.is_empty())
    }

    /// Settles whether the connection goes on after this answer, as far as that is known when its head is written.
    fn settle_persistence(&mut self, said: Said, shared: &Shared) {
        self.exchange.keep_alive &= !said.close && !self.exchange.body_is_a_burden() && !shared.is_draining();
    }

    fn start(&mut self, code: u16, said: Said, block: &[u8], shared: &Shared) -> Result<(), Failure> {
        if self.exchange.streaming.is_some() {
            return Err(Failure::OutOfTurn);
        }
        self.settle_persistence(said, shared);
        let framing = self.exchange.framing(code, said.content_length);
        self.put_head(code, framing, block, shared)?;
        self.exchange.streaming = Some(if self.exchange.sends_body(code) { framing } else { Framing::None });
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<Write, Failure> {
        let framing = self.exchange.streaming.ok_or(Failure::OutOfTurn)?;
        if self.exchange.blocked && self.flush_part()? == Write::WouldBlock {
            return Ok(Write::WouldBlock);
        }
        match framing {
            Framing::None => Ok(Write::Taken(bytes.len())),
            Framing::Chunked => self.write_chunk(bytes),
            Framing::UntilClose => self.write_plain(bytes),
            Framing::Length(left) => {
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                let wrote = self.write_plain(&bytes[..most])?;
                if let Write::Taken(n) = wrote {
                    self.exchange.streaming = Some(Framing::Length(left - n as u64));
                }
                Ok(wrote)
            }
        }
    }

    fn write_plain(&mut self, bytes: &[u8]) -> Result<Write, Failure> {
        let sent = self.send_some(bytes, b"").ok_or(Failure::Ended)?;
        if sent == 0 && !bytes.is_empty() {
            return Ok(self.block());
        }
        Ok(Write::Taken(sent))
    }

    /// One chunk, taken whole: what does not go at once is kept.
    fn write_chunk(&mut self, bytes: &[u8]) -> Result<Write, Failure> {
        let bytes = &bytes[..bytes.len().min(MAX_CHUNK)];
        if bytes.is_empty() {
            return Ok(Write::Taken(0)); // a chunk of length 0 would end the body
        }
        if let Some(input) = &mut self.input {
            input.out.extend_from_slice(format!("{:x}\r\n", bytes.len()).as_bytes());
        }
        self.exchange.blocked = !self.send_or_keep(bytes, b"\r\n").ok_or(Failure::Ended)?;
        Ok(Write::Taken(bytes.len()))
    }

    /// Sends what is kept.
    fn flush_part(&mut self) -> Result<Write, Failure> {
        match self.flush() {
            Transfer::Done(_) => {
                self.exchange.blocked = false;
                Ok(Write::Taken(0))
            }
            Transfer::WouldBlock => Ok(self.block()),
            Transfer::Ended | Transfer::Broken => Err(Failure::Ended),
        }
    }

    /// The peer takes more: what was kept for it goes on, whether the application waits for that or not.
    pub fn go_on_flushing(&mut self) {
        if self.exchange.blocked {
            self.exchange.blocked = self.flush() == Transfer::WouldBlock;
        }
    }

    fn block(&mut self) -> Write {
        self.exchange.blocked = true;
        self.exchange.waits_to_write = true;
        Write::WouldBlock
    }

    fn end_answer(&mut self, shared: &Shared) -> Result<Progress, Failure> {
        match self.exchange.streaming.ok_or(Failure::OutOfTurn)? {
            Framing::Chunked => {
                if let Some(input) = &mut self.input {
                    input.out.extend_from_slice(b"0\r\n\r\n");
                }
            }
            Framing::Length(left) => self.exchange.keep_alive &= left == 0,
            Framing::None | Framing::UntilClose => {}
        }
        self.phase = Phase::Flushing;
        Ok(self.advance(shared))
    }
}

impl Reactor {
    /// Answers with the whole of an answer. The fields come as a block (see `goherd_proto::fields`).
    ///
    /// What the peer does not take at once is sent later, without the application. A body longer than the declared
    /// Content-Length is cut, a shorter one ends the connection.
    pub fn respond(&self, id: ExchangeId, status: u16, block: &[u8], body: &[u8]) -> Result<(), Failure> {
        let said = check(status, block)?;
        self.step(id, |connection, shared| {
            if connection.exchange.is_streaming() {
                return (Err(Failure::OutOfTurn), Progress::Waiting);
            }
            let progress = match connection.exchange.refusal {
                Some(refusal) => connection.refuse(refusal, shared),
                None => connection.respond(status, said, block, body, shared),
            };
            (Ok(()), progress)
        })
    }

    /// Begins an answer in parts: [`Reactor::write`] and [`Reactor::finish`] follow. Nothing is sent before the first
    /// of them or [`Reactor::flush`].
    pub fn start(&self, id: ExchangeId, status: u16, block: &[u8]) -> Result<(), Failure> {
        let said = check(status, block)?;
        self.step(id, |connection, shared| match connection.exchange.refusal {
            Some(refusal) if !connection.exchange.is_streaming() => {
                (Err(Failure::Ended), connection.refuse(refusal, shared))
            }
            _ => (connection.start(status, said, block, shared), Progress::Waiting),
        })
    }

    /// Sends a part of the body.
    pub fn write(&self, id: ExchangeId, bytes: &[u8]) -> Result<Write, Failure> {
        self.step(id, |connection, _| (connection.write(bytes), Progress::Waiting))
    }

    /// Sends what the exchange holds back. After `WouldBlock` a wake-up comes.
    pub fn flush(&self, id: ExchangeId) -> Result<Write, Failure> {
        self.step(id, |connection, _| (connection.flush_part(), Progress::Waiting))
    }

    /// Ends an answer in parts; the exchange is over.
    pub fn finish(&self, id: ExchangeId) -> Result<(), Failure> {
        self.step(id, |connection, shared| match connection.end_answer(shared) {
            Ok(progress) => (Ok(()), progress),
            Err(failure) => (Err(failure), Progress::Waiting),
        })
    }

    /// Ends the connection as it stands: the peer sees that the answer is not whole. The exchange is over.
    pub fn abort(&self, id: ExchangeId) -> Result<(), Failure> {
        self.step(id, |_, _| (Ok(()), Progress::Closed))
    }

    /// Reads from the request's body into `buffer`, which must not be empty.
    pub fn read(&self, id: ExchangeId, buffer: &mut [u8]) -> Result<Read, Failure> {
        self.step(id, |connection, _| (Ok(connection.read_body(buffer)), Progress::Waiting))
    }
}

fn check(code: u16, block: &[u8]) -> Result<Said, Failure> {
    if !(200..=999).contains(&code) {
        return Err(Failure::Status);
    }
    encode::inspect(block).map_err(Failure::Malformed)
}
