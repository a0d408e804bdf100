//! A request and its answer, as the application handles them: by the number of the exchange, from any thread.
//!
//! Each operation locks the connection for one step and never waits for the network: what cannot go on now says so, and
//! a [`Wake`](crate::Wake) from [`Reactor::next`] tells the core when to try again.

use std::os::fd::{BorrowedFd, OwnedFd};

use goherd_proto::encode::{self, Said};
use goherd_proto::fields::Malformed;
use goherd_proto::http1::{Head, Refusal};
use goherd_proto::service::call::Form;
use goherd_proto::{Protocol, status};

use crate::answer::Streaming;
use crate::body::Remaining;
use crate::connection::{Connection, MAX_DISCARDED, Phase, Progress, Shared};
use crate::input::Input;
use crate::lead::Reactor;
use crate::table::ExchangeId;

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
    /// The address that the peer has connected to; `None`: the listener's own.
    pub local: Option<&'a str>,
    /// The number of the listener, in the order of [`Settings::doors`](crate::Settings).
    pub door: u32,
    /// The peer came over TLS, as the web server in front says.
    pub https: bool,
    /// It is a call of a function, in this form: `goherd_proto::service::call` says what is where.
    pub call: Option<Form>,
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
    /// The status is not one of 101 and 200 to 999, or for an interim answer of 100 and 102 to 199.
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
    /// The part of the request's body that was neither read nor discarded.
    pub body: Remaining,
    /// What was found wrong in the body: it takes the place of the application's answer.
    pub refusal: Option<Refusal>,
    /// The peer waits for a "100 Continue" before it sends the body.
    pub expects_continue: bool,
    /// It did when the exchange began, so that it may send the body or not.
    pub expected_continue: bool,
    pub keep_alive: bool,
    /// The peer has said that it sends no more requests.
    pub is_last: bool,
    /// The peer has offered to go on in another protocol.
    pub upgrade: bool,
    pub waits_to_read: bool,
    pub waits_to_write: bool,
    /// `input.out` holds what the peer did not take: it must go before anything else.
    pub blocked: bool,
    /// The core has been told that the peer is gone.
    pub told_gone: bool,
    pub head_consumed: bool,
    pub minor: u8,
    pub is_head: bool,
    /// An answer in parts has begun.
    pub streaming: Option<Streaming>,
    /// How much of the request's body was read for nobody, before the answer.
    pub discarded: u64,
    /// How much of it has been read.
    pub body_bytes: u64,
}

impl Exchange {
    fn begin(input: &Input, keep_alive: bool, told_gone: bool) -> Self {
        let (head, bytes) = (input.head(), input.head_bytes());
        Self {
            body: Remaining::of(input),
            expects_continue: head.framing.expects_continue,
            expected_continue: head.framing.expects_continue,
            keep_alive: head.framing.keep_alive && keep_alive,
            is_last: head.framing.close,
            upgrade: head.framing.upgrade,
            told_gone,
            minor: head.minor,
            is_head: head.method.of(bytes) == b"HEAD",
            ..Self::default()
        }
    }

    /// Drops the head from the input: from now on the body is at the front.
    pub fn consume_head(&mut self, input: Option<&mut Input>) {
        if let Some(input) = input.filter(|_| !std::mem::replace(&mut self.head_consumed, true)) {
            input.consume_head();
        }
    }

    /// Whether what is unread of the body is too much to read, or may never come.
    pub fn body_is_a_burden(&self) -> bool {
        self.body.exceeds(MAX_DISCARDED)
            || (self.discarded > MAX_DISCARDED && !self.body.is_over())
            || (self.expected_continue && !self.body.is_over())
    }

    /// Whether the head of an answer in parts has been given.
    pub fn is_streaming(&self) -> bool {
        self.streaming.is_some()
    }

    /// Whether an answer with this status has a body that is sent.
    pub fn sends_body(&self, code: u16) -> bool {
        !self.is_head && status::allows_body(code)
    }
}

impl Connection {
    /// A core takes the request that is complete.
    pub fn begin(&mut self, shared: &Shared) {
        self.requests = self.requests.saturating_add(1);
        if let Some(input) = &self.input {
            let keep_alive = !shared.is_draining() && self.requests < shared.max_requests;
            self.exchange = Exchange::begin(input, keep_alive, self.peer_ended);
        }
        self.begin_waiting(shared);
        self.phase = Phase::Busy;
    }

    /// Goes on to the body, while the request is being handled.
    pub fn begin_body(&mut self) {
        if let Some(input) = self.input.as_mut().filter(|_| !self.exchange.head_consumed) {
            input.keep_line();
        }
        self.exchange.consume_head(self.input.as_deref_mut());
    }

    /// The line of the request that is being handled, fit for the log; `None`: it is known no more.
    pub fn request_line(&self) -> Option<String> {
        const MOST: usize = 120;
        let line = self.input.as_ref()?.request_line(self.exchange.head_consumed);
        let end = if line.len() > MOST { "…" } else { "" };
        Some(format!("{}{end}", line[..line.len().min(MOST)].escape_ascii()))
    }
}

impl Reactor {
    /// Answers with the whole of an answer. The fields come as a block (see `goherd_proto::fields`).
    ///
    /// What the peer does not take at once is sent later, without the application. A body longer than the declared
    /// Content-Length is cut, a shorter one ends the connection.
    ///
    /// As with [`Reactor::finish`] and [`Reactor::abort`], `Ok` means that this ended the exchange, also if its peer was
    /// gone or answered already: its handler is over. It does so once for each exchange.
    pub fn respond(&self, id: ExchangeId, status: u16, block: &[u8], body: &[u8]) -> Result<(), Failure> {
        let said = check(is_final(status), block)?;
        self.last_step(id, |connection, shared| {
            if connection.exchange.is_streaming() {
                return (Err(Failure::OutOfTurn), Progress::Waiting);
            }
            connection.look_ahead(shared);
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
        let said = check(is_final(status), block)?;
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

    /// Sends an interim answer (RFC 9110 §15.2) at once, before the head of the final one.
    pub fn interim(&self, id: ExchangeId, status: u16, block: &[u8]) -> Result<(), Failure> {
        check(status == 100 || (102..200).contains(&status), block)?;
        self.step(id, |connection, _| (connection.interim(status, block), Progress::Waiting))
    }

    /// Sends up to `count` bytes of `file` as a part of the body, from the file's own position on, which moves with them.
    /// `Taken(0)`: the file has no more. `OutOfTurn`: this body cannot go out in this way; write it.
    pub fn send_file(&self, id: ExchangeId, file: BorrowedFd<'_>, count: u64) -> Result<Write, Failure> {
        self.step(id, |connection, _| (connection.send_file(file, count), Progress::Waiting))
    }

    /// Ends an answer in parts, with the block of its trailer fields (sent if the body goes out in chunks); the exchange
    /// is over. So is one whose connection was taken over with [`Reactor::hijack`].
    pub fn finish(&self, id: ExchangeId, trailers: &[u8]) -> Result<(), Failure> {
        check(true, trailers)?;
        self.last_step(id, |connection, shared| match connection.end_answer(trailers, shared) {
            Ok(progress) => (Ok(()), progress),
            Err(failure) => (Err(failure), Progress::Waiting),
        })
    }

    /// Copies what the peer has sent beyond the head of this request, and nobody has read, to `buffer`; gives how much.
    /// For [`Reactor::hijack`]; call it until it gives 0.
    pub fn unread(&self, id: ExchangeId, buffer: &mut [u8]) -> Result<usize, Failure> {
        self.step(id, |connection, _| {
            connection.begin_body();
            let Some(input) = &mut connection.input else { return (Ok(0), Progress::Waiting) };
            let count = buffer.len().min(input.unread().len());
            buffer[..count].copy_from_slice(&input.unread()[..count]);
            input.consume(count);
            (Ok(count), Progress::Waiting)
        })
    }

    /// Gives the connection to the application, which is to speak another protocol on it. `Ok(None)`: something of the
    /// answer is still to be sent; a wake-up will say when to try again. The connection counts as one, for
    /// [`Reactor::drain`], until [`Reactor::finish`].
    pub fn hijack(&self, id: ExchangeId) -> Result<Option<OwnedFd>, Failure> {
        let ready = self.step(id, |connection, _| {
            let may = connection.origin.protocol == Protocol::Http && connection.exchange.refusal.is_none();
            let flushed = if may { connection.flush_part() } else { Err(Failure::OutOfTurn) };
            (flushed, Progress::Waiting)
        })?;
        if ready == Write::WouldBlock {
            return Ok(None);
        }
        self.detach(id).map(|stream| Some(stream.into_fd()))
    }

    /// Copies the block of trailer fields that the request's body ended with to `buffer`, if it has room for all; gives
    /// the block's length.
    pub fn trailers(&self, id: ExchangeId, buffer: &mut [u8]) -> Result<usize, Failure> {
        self.step(id, |connection, _| {
            let trailers = connection.input.as_ref().map_or(&[][..], |input| &input.trailers);
            if let Some(room) = buffer.get_mut(..trailers.len()) {
                room.copy_from_slice(trailers);
            }
            (Ok(trailers.len()), Progress::Waiting)
        })
    }

    /// Ends the connection as it stands: the peer sees that the answer is not whole. The exchange is over.
    pub fn abort(&self, id: ExchangeId) -> Result<(), Failure> {
        self.last_step(id, |connection, _| (Ok(()), connection.cut_off()))
    }

    /// Nobody waits for the request's body any more, so that the peer may take its time.
    pub fn read_no_more(&self, id: ExchangeId) -> Result<(), Failure> {
        self.step(id, |connection, _| {
            connection.exchange.waits_to_read = false;
            (Ok(()), Progress::Waiting)
        })
    }

    /// Reads from the request's body into `buffer`, which must not be empty.
    pub fn read(&self, id: ExchangeId, buffer: &mut [u8]) -> Result<Read, Failure> {
        self.step(id, |connection, shared| (Ok(connection.read_body(buffer, shared)), Progress::Waiting))
    }
}

fn is_final(code: u16) -> bool {
    code == 101 || (200..=999).contains(&code)
}

fn check(status_is_right: bool, block: &[u8]) -> Result<Said, Failure> {
    if !status_is_right {
        return Err(Failure::Status);
    }
    encode::inspect(block).map_err(Failure::Malformed)
}
