//! One connection, as a state machine.
//!
//! LIFECYCLE
//! ```text
//! Waiting ──head complete──▸ Queued ──core takes it──▸ Busy ──answer sent──▸ Waiting
//!    │                                                  │ └─not all sent─▸ Flushing ──sent──▸ (as from Busy)
//!    │ refused                                          └─body unread─▸ Discarding ──end of body──▸ Waiting
//!    └────────────▸ Lingering (answered, reads until the peer ends, so that no reset eats the answer) ──▸ closed
//! ```

use goherd_proto::encode;
use goherd_proto::http1::{Limits, Refusal};
use goherd_sys::socket::{Stream, Transfer};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::date::Date;
use crate::exchange::{Exchange, Read};
use crate::input::{Input, Pool};

/// An unread body longer than this is not worth reading for the sake of the connection (net/http has the same bound).
pub(crate) const MAX_DISCARDED: u64 = 256 << 10;

/// What all connections of a reactor have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub pool: Pool,
    pub date: Date,
    pub limits: Limits,
    pub draining: AtomicBool,
}

impl Shared {
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
}

/// What a step on a connection came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is nothing to do until the peer moves.
    Waiting,
    /// A request is complete enough to be taken.
    Request,
    /// The connection has ended and is to be removed.
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Waiting,
    Queued,
    Busy,
    Flushing,
    Discarding,
    Lingering,
}

#[derive(Debug)]
pub(crate) struct Connection {
    pub stream: Stream,
    /// `address:port` of the peer; "@" for a unix socket, as Go has it.
    pub peer: Box<str>,
    /// The token of the listener that it came through.
    pub door: u64,
    pub phase: Phase,
    /// It stands in the queue of those that a core is to look at.
    pub queued: bool,
    /// Bytes, or the end, may be there to receive: epoll said so and no receive has found nothing since.
    pub readable: bool,
    /// The peer has ended its side.
    pub peer_ended: bool,
    pub input: Option<Box<Input>>,
    pub exchange: Exchange,
    /// How much more is read and thrown away before the connection is ended.
    patience: u64,
}

impl Connection {
    pub fn new(stream: Stream, peer: Box<str>, door: u64) -> Self {
        Self {
            stream,
            peer,
            door,
            phase: Phase::Waiting,
            queued: false,
            readable: false,
            peer_ended: false,
            input: None,
            exchange: Exchange::default(),
            patience: 0,
        }
    }

    /// Goes on as far as what has been received, and can be, allows.
    pub fn advance(&mut self, shared: &Shared) -> Progress {
        match self.phase {
            Phase::Waiting => self.read_head(shared),
            Phase::Queued => Progress::Request,
            Phase::Busy => Progress::Waiting,
            Phase::Flushing => self.flush_and_finish(shared),
            Phase::Discarding => self.discard(shared),
            Phase::Lingering => self.linger_on(),
        }
    }

    fn read_head(&mut self, shared: &Shared) -> Progress {
        loop {
            if let Some(input) = self.input.as_mut().filter(|input| !input.unread().is_empty()) {
                match input.find_head(&shared.limits) {
                    Ok(true) => {
                        self.phase = Phase::Queued;
                        return Progress::Request;
                    }
                    Ok(false) => {}
                    Err(refusal) => return self.refuse(refusal, shared),
                }
            }
            if !self.readable {
                return self.wait(shared);
            }
            let input = self.input.get_or_insert_with(|| shared.pool.take());
            let (transfer, filled) = input.fill(&self.stream);
            match transfer {
                Transfer::Done(_) => self.readable = filled || self.peer_ended,
                Transfer::WouldBlock => self.readable = false,
                Transfer::Ended | Transfer::Broken => return Progress::Closed,
            }
        }
    }

    /// Waits for the peer, without a buffer if there is nothing in it; not while draining: no request is under way here.
    fn wait(&mut self, shared: &Shared) -> Progress {
        if shared.is_draining() {
            return Progress::Closed;
        }
        if self.input.as_ref().is_some_and(|input| input.unread().is_empty()) {
            self.release_input(shared);
        }
        Progress::Waiting
    }

    pub fn release_input(&mut self, shared: &Shared) {
        if let Some(input) = self.input.take() {
            shared.pool.give_back(input);
        }
    }

    /// Answers in the application's stead, for a request that it is not to see, and ends the connection.
    pub fn refuse(&mut self, refusal: Refusal, shared: &Shared) -> Progress {
        let text = format!("{}: the request {}\n", refusal.status, refusal.reason);
        let answer = encode::plain(refusal.status, &text, 1, true, &shared.date.now(), true);
        let _lost_with_the_peer = self.stream.send([&answer, b"", b""]);
        self.linger(shared)
    }

    /// Called when the answer is sent: on to the next request, or to the end.
    pub fn finish(&mut self, shared: &Shared) -> Progress {
        self.exchange.consume_head(self.input.as_deref_mut());
        if !self.exchange.keep_alive || self.exchange.body_is_a_burden() || self.exchange.refusal.is_some() {
            return self.end(shared);
        }
        self.phase = Phase::Discarding;
        self.patience = MAX_DISCARDED;
        self.discard(shared)
    }

    /// Sends what is left of the answer, then finishes.
    fn flush_and_finish(&mut self, shared: &Shared) -> Progress {
        match self.flush() {
            Transfer::Done(_) => self.finish(shared),
            Transfer::WouldBlock => Progress::Waiting,
            Transfer::Ended | Transfer::Broken => Progress::Closed,
        }
    }

    /// Sends what waits in `input.out`; `Done(_)`: nothing waits any more.
    pub fn flush(&mut self) -> Transfer {
        let Some(input) = &mut self.input else { return Transfer::Done(0) };
        let mut sent = 0;
        while sent < input.out.len() {
            match self.stream.send([&input.out[sent..], b"", b""]) {
                Transfer::Done(n) => sent += n,
                other => {
                    input.out.drain(..sent);
                    return other;
                }
            }
        }
        input.out.clear();
        Transfer::Done(sent)
    }

    fn discard(&mut self, shared: &Shared) -> Progress {
        while !self.exchange.body.is_over() {
            match self.read_body(&mut [0; 4096]) {
                Read::End => break,
                Read::WouldBlock => return Progress::Waiting,
                Read::Bytes(n) if self.spend(n) => {}
                Read::Bytes(_) => return self.linger(shared),
                Read::Broken if self.exchange.refusal.is_some() => return self.linger(shared),
                Read::Broken => return Progress::Closed,
            }
        }
        self.phase = Phase::Waiting;
        self.read_head(shared)
    }

    /// Ends the connection after an answer: at once when nothing of the peer is unread, else lingering.
    fn end(&mut self, shared: &Shared) -> Progress {
        let unread = self.input.as_ref().is_some_and(|input| !input.unread().is_empty());
        if unread || self.readable || !self.exchange.body.is_over() {
            return self.linger(shared);
        }
        Progress::Closed
    }

    /// Ends our side and reads on: closing with bytes unread would reset the connection, and the reset could overtake
    /// the answer (RFC 9112 §9.6).
    fn linger(&mut self, shared: &Shared) -> Progress {
        self.release_input(shared);
        self.stream.end_sending();
        self.phase = Phase::Lingering;
        self.patience = MAX_DISCARDED;
        self.readable = true;
        self.linger_on()
    }

    /// Reads `count` bytes for nobody's sake; `false`: that was too many.
    fn spend(&mut self, count: usize) -> bool {
        let left = self.patience.checked_sub(count as u64);
        self.patience = left.unwrap_or(0);
        left.is_some()
    }

    fn linger_on(&mut self) -> Progress {
        let mut scratch = [0; 4096];
        while self.readable {
            match self.stream.receive(&mut scratch) {
                Transfer::Done(n) if self.spend(n) => {}
                Transfer::WouldBlock => self.readable = false,
                // The last of them: it will not stop sending.
                Transfer::Ended | Transfer::Broken | Transfer::Done(_) => return Progress::Closed,
            }
        }
        Progress::Waiting
    }
}
