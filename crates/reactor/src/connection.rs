//! One connection, as a state machine.
//!
//! LIFECYCLE
//! ```text
//! Waiting ──head complete──▸ Queued ──core takes it──▸ Busy ──answer sent──▸ Waiting
//!    │                                                  │ └─not all sent─▸ Flushing ──sent──▸ (as from Busy)
//!    │ refused                                          └─body unread─▸ Discarding ──end of body──▸ Waiting
//!    └────────────▸ Lingering (answered, reads until the peer ends, so that no reset eats the answer) ──▸ closed
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use goherd_proto::http1::{Limits, Refusal};
use goherd_proto::{Protocol, proxy};
use goherd_sys::clock::Millis;
use goherd_sys::socket::{Stream, Transfer};

use crate::answer;
use crate::date::Date;
use crate::exchange::{Exchange, Read};
use crate::harakiri::Harakiri;
use crate::input::{Input, Pool};
use crate::lead::Wake;
use crate::rarely::Rarely;
use crate::service::{Services, Serving};
use crate::tally::Tally;
use crate::wait::{Awaited, Times, Wait};

/// An unread body longer than this is not worth reading for the sake of the connection (net/http has the same bound).
pub(crate) const MAX_DISCARDED: u64 = 256 << 10;
/// How much is read after the last answer, so that it reaches a peer that is still sending: time bounds it as well.
const MAX_LINGERED: u64 = 16 << 20;

/// How long a peer may take to begin a request, to complete a head, or to end its side while draining, in milliseconds.
const TIME_IN_A_DRAIN: u64 = 1000;

/// What all connections of a reactor have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Who speaks in the log.
    pub name: String,
    pub pool: Pool,
    pub date: Date,
    pub limits: Limits,
    pub times: Times,
    pub harakiri: Harakiri,
    /// The most connections at a time.
    pub max_connections: u32,
    /// The most requests of one connection.
    pub max_requests: u32,
    pub draining: AtomicBool,
    /// Who answers where the server does so itself; `None`: nobody.
    pub services: Option<Arc<dyn Services>>,
    /// How many bytes such connections hold together, of those that hold more than a little.
    pub held: AtomicU64,
    /// What that may come to, where it is not one alone.
    pub most_held: u64,
    /// Tells of requests that are refused without an answer.
    pub refused: Rarely,
    pub tally: Tally,
}

impl Shared {
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// How long peers may take: to begin and to go away, less while draining, when everything waits for them.
    fn times(&self) -> Times {
        if !self.is_draining() {
            return self.times;
        }
        let less = |time: u64| if time == 0 { TIME_IN_A_DRAIN } else { time.min(TIME_IN_A_DRAIN) };
        let Times { head, idle, end, .. } = self.times;
        Times { head: less(head), idle: less(idle), end: less(end), ..self.times }
    }

    /// How long peers of this protocol may take for bytes.
    fn time_for_bytes(&self, protocol: Protocol) -> u64 {
        if protocol == Protocol::Http { self.times.http } else { self.times.socket }
    }
}

/// What a step on a connection came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is nothing to do until the peer moves.
    Waiting,
    /// A request is complete enough to be taken.
    Request,
    /// There is more to do at once, after others have had their turn.
    Again,
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

/// Where a connection comes from.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// `address:port` of the peer; "@" for a unix socket, as Go has it.
    pub peer: Box<str>,
    /// The address that the peer has connected to, unless it is the listener's own.
    pub local: Option<Box<str>>,
    /// The number of the listener that it came through.
    pub door: u32,
    pub protocol: Protocol,
    /// A PROXY header comes before anything else.
    pub behind_proxy: bool,
}

#[derive(Debug)]
pub(crate) struct Connection {
    pub stream: Stream,
    pub origin: Origin,
    pub phase: Phase,
    /// It stands in the queue of those that a core is to look at.
    pub queued: bool,
    /// Bytes, or the end, may be there to receive: epoll said so and no receive has found nothing since.
    pub readable: bool,
    /// The peer has ended its side.
    pub peer_ended: bool,
    pub input: Option<Box<Input>>,
    pub exchange: Exchange,
    /// When the application's last step began.
    pub now: Millis,
    /// How many requests there have been.
    pub requests: u32,
    /// How many bytes of bodies and answers have gone either way since somebody looked at the time.
    pub moved: u64,
    /// How many bytes of those were sent that are not counted yet.
    pub sent: u64,
    pub wait: Wait,
    /// How many bytes the peer had not taken when it was last found to take no more.
    pub untaken: Option<u64>,
    /// Where the server answers itself: how far that is.
    pub serving: Serving,
    /// How much more is read and thrown away before the connection is ended.
    tolerance: u64,
}

impl Connection {
    pub fn new(stream: Stream, origin: Origin) -> Self {
        Self {
            stream,
            origin,
            phase: Phase::Waiting,
            queued: false,
            readable: false,
            peer_ended: false,
            input: None,
            exchange: Exchange::default(),
            now: Millis::lately(),
            requests: 0,
            moved: 0,
            sent: 0,
            wait: Wait::default(),
            untaken: None,
            serving: Serving::default(),
            tolerance: 0,
        }
    }

    /// Goes on as far as what has been received, and can be, allows.
    pub fn advance(&mut self, shared: &Shared) -> Progress {
        match self.phase {
            Phase::Waiting | Phase::Flushing if self.origin.protocol.is_answered_here() => self.serve(shared),
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
            match self.find_head(shared) {
                Ok(true) => {
                    self.phase = Phase::Queued;
                    return Progress::Request;
                }
                Ok(false) => {}
                Err(refusal) => return self.refuse(refusal, shared),
            }
            if !self.readable {
                return self.rest(shared);
            }
            if self.fill(shared).is_none() {
                return Progress::Closed;
            }
        }
    }

    /// Receives into the input; gives how much came. `None`: the peer has ended.
    pub fn fill(&mut self, shared: &Shared) -> Option<usize> {
        let input = self.input.get_or_insert_with(|| shared.pool.take());
        let (transfer, filled) = input.fill(&self.stream);
        match transfer {
            Transfer::Done(count) => {
                self.readable = filled || self.peer_ended;
                Some(count)
            }
            Transfer::WouldBlock => {
                self.readable = false;
                Some(0)
            }
            Transfer::Ended | Transfer::Broken => None,
        }
    }

    /// Looks for a whole head in what has been received.
    fn find_head(&mut self, shared: &Shared) -> Result<bool, Refusal> {
        let origin = &mut self.origin;
        let Some(input) = self.input.as_mut().filter(|input| !input.unread().is_empty()) else {
            return Ok(false);
        };
        if origin.behind_proxy {
            let Some(header) = proxy::read(input.unread())? else { return Ok(false) };
            input.consume(header.length);
            origin.behind_proxy = false;
            if let Some(source) = header.source {
                origin.peer = source.to_string().into_boxed_str();
            }
        }
        let found = input.find_head(origin.protocol, &shared.limits, shared.max_connections)?;
        if !found && !input.out.is_empty() {
            let _sent_later_or_lost_with_the_peer = self.flush();
        }
        Ok(found)
    }

    /// Waits for the peer, without a buffer if there is nothing in it.
    pub fn rest(&mut self, shared: &Shared) -> Progress {
        if self.input.as_ref().is_none_or(|input| input.is_idle()) {
            self.release_input(shared);
        }
        Progress::Waiting
    }

    /// A drain begins while the peer is waited for. What has arrived and was not looked at yet may be a request: it is
    /// still answered. So is what arrives soon, if the connection is new, or had an answer not long ago: its peer may be
    /// sending the next request just now.
    pub fn drain(&mut self, shared: &Shared, now: Millis) -> Progress {
        let soon = self.requests == 0 || self.wait.hasten(now, TIME_IN_A_DRAIN);
        if !matches!(self.wait.awaited, Awaited::Next | Awaited::Bytes) {
            self.wait = Wait::default(); // there is less time now
        }
        if soon {
            self.readable = true;
            return self.advance(shared);
        }
        self.give_up(shared)
    }

    /// Ends it, unless something has arrived that was not looked at yet.
    pub fn give_up(&mut self, shared: &Shared) -> Progress {
        self.readable = true;
        match self.advance(shared) {
            Progress::Waiting if self.input.is_none() => Progress::Closed,
            progress => progress,
        }
    }

    /// Since when it has nothing to do but to wait for its next request, if that is so.
    pub fn idle_since(&self) -> Option<Millis> {
        let is_idle = self.phase == Phase::Waiting && !self.queued && self.input.is_none();
        self.wait.since_answered().filter(|_| is_idle)
    }

    pub fn release_input(&mut self, shared: &Shared) {
        if let Some(input) = self.input.take() {
            shared.pool.give_back(input);
        }
    }

    /// Answers in the application's stead, for a request that it is not to see, and ends the connection.
    pub fn refuse(&mut self, refusal: Refusal, shared: &Shared) -> Progress {
        if self.origin.protocol != Protocol::Http || refusal.is_silent() {
            shared.refused.tell(|| {
                let Origin { peer, protocol, .. } = &self.origin;
                format!(
                    "{}: refused a request over {protocol} from {peer}: it {}",
                    shared.name, refusal.reason
                )
            });
        }
        if refusal.is_silent() || self.origin.protocol.is_service() {
            return Progress::Closed;
        }
        let answer = self.refusal(refusal, shared);
        self.send_refusal(refusal, &answer, shared)
    }

    /// The bytes of that answer.
    pub fn refusal(&mut self, refusal: Refusal, shared: &Shared) -> Vec<u8> {
        self.now = Millis::lately();
        answer::refusal(self, refusal, shared)
    }

    /// Whether the request that is refused is a HEAD: no answer to it has a body. It may have come in part.
    pub fn was_asked_head(&self) -> bool {
        match (self.phase, &self.input) {
            (Phase::Waiting | Phase::Queued, Some(input)) => input.unread().starts_with(b"HEAD "),
            _ => self.exchange.is_head,
        }
    }

    /// Sends them, behind what could not be sent yet.
    pub fn send_refusal(&mut self, refusal: Refusal, answer: &[u8], shared: &Shared) -> Progress {
        self.exchange.refusal = Some(refusal);
        self.input.get_or_insert_with(|| shared.pool.take()).out.extend_from_slice(answer);
        self.phase = Phase::Flushing;
        self.flush_and_finish(shared)
    }

    /// Called when the answer is sent: on to the next request, or to the end.
    pub fn finish(&mut self, shared: &Shared) -> Progress {
        if self.exchange.refusal.is_some() {
            return self.linger(shared);
        }
        self.exchange.consume_head(self.input.as_deref_mut());
        let exchange = &self.exchange;
        if !exchange.keep_alive || exchange.body_is_a_burden() || self.has_jumped_ahead() {
            return self.end(shared);
        }
        self.phase = Phase::Discarding;
        self.tolerance = MAX_DISCARDED.saturating_sub(self.exchange.discarded);
        self.discard(shared)
    }

    /// Whether the peer has offered an upgrade and gone on as if it had been accepted, though it was refused: what follows
    /// is not HTTP.
    fn has_jumped_ahead(&self) -> bool {
        self.exchange.upgrade && self.exchange.body.is_over() && self.may_have_more()
    }

    /// Whether there are bytes of the peer beyond what was consumed, as far as is known.
    fn may_have_more(&self) -> bool {
        self.readable || self.input.as_ref().is_some_and(|input| !input.unread().is_empty())
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
                Transfer::Done(n) => {
                    sent += n;
                    self.moved += n as u64;
                    self.sent += n as u64;
                }
                other => {
                    input.out.drain(..sent);
                    self.untaken = self.stream.untaken();
                    return other;
                }
            }
        }
        input.out.clear();
        Transfer::Done(sent)
    }

    fn discard(&mut self, shared: &Shared) -> Progress {
        while !self.exchange.body.is_over() {
            match self.read_body(&mut [0; 4096], shared) {
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

    /// Ends the connection after an answer: at once when the peer sends nothing more, else lingering.
    fn end(&mut self, shared: &Shared) -> Progress {
        if self.may_have_more() || !self.exchange.body.is_over() || !self.exchange.is_last {
            return self.linger(shared);
        }
        Progress::Closed
    }

    /// Ends our side and reads on: closing with bytes unread would reset the connection, and the reset could overtake
    /// the answer (RFC 9112 §9.6).
    pub fn linger(&mut self, shared: &Shared) -> Progress {
        self.release_input(shared);
        self.stream.end_sending();
        self.phase = Phase::Lingering;
        self.tolerance = MAX_LINGERED;
        self.readable = true;
        self.linger_on()
    }

    /// What holds the connection up.
    fn awaited(&self) -> Awaited {
        let exchange = &self.exchange;
        match self.phase {
            _ if self.queued => Awaited::Nothing, // a core is to look first
            Phase::Waiting if self.serving.receives => Awaited::Bytes,
            Phase::Waiting if self.requests == 0 || self.input.is_some() => Awaited::Head,
            Phase::Waiting => Awaited::Next,
            Phase::Flushing | Phase::Discarding => Awaited::Bytes,
            Phase::Busy if exchange.waits_to_read || exchange.waits_to_write || exchange.blocked => {
                Awaited::Bytes
            }
            Phase::Queued | Phase::Busy => Awaited::Nothing,
            Phase::Lingering => Awaited::End,
        }
    }

    /// Settles how long that may last: until when; `None`: as long as it likes.
    pub fn mind_time(&mut self, shared: &Shared, now: Millis) -> Option<Millis> {
        let bytes = shared.time_for_bytes(self.origin.protocol);
        let moved = std::mem::take(&mut self.moved);
        self.wait.turn(self.awaited(), moved, now, &shared.times(), bytes);
        self.wait.due
    }

    /// An exchange begins: its bytes have their own time.
    pub fn begin_waiting(&mut self, shared: &Shared) {
        self.wait.begin(shared.time_for_bytes(self.origin.protocol));
    }

    /// Whether the peer takes what was sent, though not so much that more could be: then it has more time.
    pub fn takes(&mut self) -> bool {
        let (before, now) = (self.untaken, self.stream.untaken());
        self.untaken = now;
        let taken = before.zip(now).map_or(0, |(before, now)| before.saturating_sub(now));
        self.moved += taken;
        taken > 0
    }

    /// The peer has taken too long. Gives which waits of the core, who names itself, are over with that, if one is busy here.
    pub fn expire(&mut self, shared: &Shared) -> (Progress, Option<Wake>) {
        const TOO_LATE: Refusal = Refusal::with(408, "came too slowly");
        let exchange = &mut self.exchange;
        let (readable, writable) = (exchange.waits_to_read, exchange.waits_to_write);
        match self.phase {
            Phase::Waiting if self.input.is_some() && self.origin.protocol == Protocol::Http => {
                (self.refuse(TOO_LATE, shared), None)
            }
            Phase::Busy if !exchange.blocked && !writable => {
                exchange.refusal = Some(TOO_LATE);
                exchange.waits_to_read = false;
                (Progress::Waiting, Some(Wake { readable, ..Wake::default() }))
            }
            Phase::Busy => (Progress::Closed, Some(Wake { core: 0, readable, writable, gone: true })),
            _ => (Progress::Closed, None),
        }
    }

    /// Reads `count` bytes for nobody's sake; `false`: that was too many.
    fn spend(&mut self, count: usize) -> bool {
        let left = self.tolerance.checked_sub(count as u64);
        self.tolerance = left.unwrap_or(0);
        left.is_some()
    }

    fn linger_on(&mut self) -> Progress {
        let mut scratch = [0; 16 << 10];
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
