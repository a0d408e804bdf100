//! Where the server answers itself: orders to the cache, and signals that others raise. No core and no code of the application
//! has a part in it, so that they are answered also while all cores are busy.
//!
//! In: packets, one after another on a connection. Out: an answer to each, in their order. Who keeps on sending takes turns
//! with all other connections.
//!
//! Invariant: a value takes memory as it arrives, not as its packet announces it, and all such connections together hold
//! no more than [`Settings::most_held`](crate::Settings::most_held), unless one alone does.

use std::fmt::Debug;
use std::sync::atomic::Ordering;

use goherd_proto::Protocol;
use goherd_proto::http1::Refusal;
use goherd_proto::service::{self, Order, Status, answer, signal};
use goherd_sys::socket::Transfer;

use crate::connection::{Connection, Phase, Progress, Shared};

/// Steps of one connection until others have their turn.
const STEPS: usize = 64;
/// What connections usually may hold together of values that come and answers that go, in bytes.
pub const MOST_HELD: u64 = 256 << 20;
/// What each may hold without being counted.
const UNCOUNTED: usize = 128 << 10;

/// Who answers.
pub trait Services: Debug + Send + Sync {
    /// Looks at an order whose value is still to come; the failure, if it is plain already that it will not be done.
    fn look(&self, order: &Order<'_>) -> Option<(Status, String)>;

    /// Does what an order to the cache says, with its value, and writes the answer to `out`: at most about `most` bytes, or
    /// else that it is [`Status::Busy`].
    fn cache(&self, order: &Order<'_>, value: &[u8], most: u64, out: &mut Vec<u8>);

    /// Raises a signal; `false`: nobody has registered it.
    fn signal(&self, number: u8) -> bool;
}

/// How far answering is on a connection.
#[derive(Debug, Default)]
pub(crate) struct Serving {
    /// A value is on its way.
    pub receives: bool,
    /// It stands in the queue of those that go on at once.
    pub again: bool,
    /// The last answer is given, since what follows cannot be understood, or nothing is to follow.
    over: bool,
    /// What it holds, as far as that is counted.
    held: u64,
}

impl Connection {
    /// Answers what has come, and can come, in turns.
    pub fn serve(&mut self, shared: &Shared) -> Progress {
        for _ in 0..STEPS {
            match self.flush() {
                Transfer::Done(_) => self.phase = Phase::Waiting,
                Transfer::WouldBlock => {
                    self.phase = Phase::Flushing;
                    return Progress::Waiting;
                }
                Transfer::Ended | Transfer::Broken => return Progress::Closed,
            }
            if self.serving.over {
                let progress = self.linger(shared);
                self.hold(shared);
                return progress;
            }
            match self.answer_one(shared) {
                Ok(true) => {
                    self.hold(shared);
                    continue;
                }
                Ok(false) if !self.readable => {
                    let progress = self.rest(shared);
                    self.hold(shared);
                    return progress;
                }
                Ok(false) => {}
                Err(refusal) => return self.refuse(refusal, shared),
            }
            match self.fill(shared) {
                Some(count) if self.serving.receives => self.moved += count as u64,
                Some(_) => {}
                None => return Progress::Closed,
            }
            self.hold(shared);
        }
        Progress::Again
    }

    /// Answers what stands at the front; `false`: it is not whole.
    fn answer_one(&mut self, shared: &Shared) -> Result<bool, Refusal> {
        let Some(services) = &shared.services else {
            return Err(Refusal::silent("asks for what nobody here answers"));
        };
        let Some(input) = self.input.as_mut().filter(|input| !input.unread().is_empty()) else {
            return Ok(false);
        };
        let mut out = std::mem::take(&mut input.out);
        let most = shared.room_beside(self.serving.held);
        let step = match self.origin.protocol {
            Protocol::Signal => raise(&**services, input.unread(), &mut out),
            _ => obey(&**services, input.unread(), most, self.serving.receives, &mut out),
        };
        input.out = out;
        match step? {
            Step::More => return Ok(false),
            Step::Receive if self.serving.receives => return Ok(false),
            Step::Receive => {
                self.serving.receives = true;
                self.begin_waiting(shared);
                return Ok(false);
            }
            Step::Answered(count) => input.consume(count),
            Step::Refused => self.serving.over = true,
        }
        self.serving.receives = false;
        self.serving.over |= shared.is_draining();
        self.requests = self.requests.saturating_add(1);
        self.begin_waiting(shared);
        Ok(true)
    }

    /// Counts what this connection holds now.
    pub fn hold(&mut self, shared: &Shared) {
        let holds = self.input.as_ref().map_or(0, |input| input.unread().len() + input.out.len());
        let held = if holds <= UNCOUNTED { 0 } else { holds as u64 };
        let before = std::mem::replace(&mut self.serving.held, held);
        if held > before {
            shared.held.fetch_add(held - before, Ordering::Relaxed);
        } else if before > held {
            shared.held.fetch_sub(before - held, Ordering::Relaxed);
        }
    }
}

impl Shared {
    /// How much a connection may hold beside all others, which are all but the one that holds `own` bytes.
    fn room_beside(&self, own: u64) -> u64 {
        match self.held.load(Ordering::Relaxed).saturating_sub(own) {
            0 => u64::MAX,
            others => self.most_held.saturating_sub(others),
        }
    }
}

/// What came of looking at the front of the input.
enum Step {
    /// Nothing can be said yet.
    More,
    /// The packet is whole, and its value is not.
    Receive,
    /// It is answered; so many bytes are to be consumed.
    Answered(usize),
    /// It is answered, and what follows is part of what was refused.
    Refused,
}

fn raise(services: &dyn Services, input: &[u8], out: &mut Vec<u8>) -> Result<Step, Refusal> {
    let Some((number, length)) = signal::find(input)? else { return Ok(Step::More) };
    out.extend_from_slice(&signal::answer(services.signal(number)));
    Ok(Step::Answered(length))
}

fn obey(
    services: &dyn Services,
    input: &[u8],
    most: u64,
    looked: bool,
    out: &mut Vec<u8>,
) -> Result<Step, Refusal> {
    let Some(order) = Order::find(input)? else { return Ok(Step::More) };
    let come = &input[order.length..];
    let whole = usize::try_from(order.size).ok().and_then(|size| come.get(..size));
    if let Some(value) = whole {
        services.cache(&order, value, most, out);
        return Ok(Step::Answered(order.length + value.len()));
    }
    let failure = if looked { None } else { services.look(&order) };
    let too_much = || {
        let reason = "too many values are on their way to this worker: try again".to_owned();
        (input.len() > UNCOUNTED && input.len() as u64 > most).then_some((Status::Busy, reason))
    };
    match failure.or_else(too_much) {
        None => Ok(Step::Receive),
        Some((status, reason)) => {
            answer::write_failure(out, service::CACHE, status, &reason);
            Ok(Step::Refused)
        }
    }
}
