//! How long a handler may take, and what becomes of a request that it does not answer in time.
//!
//! When the time is over, the peer is answered, or cut off if an answer has begun, in the handler's stead, and the handler
//! is told. If it does not return within the grace it is *stuck*: nothing but the end of the process ends it, to which the
//! worker around sees.
//!
//! LIFECYCLE of a handler: in time ──limit──▸ late ──grace──▸ stuck; over as soon as it returns.

use std::sync::atomic::Ordering;

use goherd_proto::http1::Refusal;
use goherd_sys::clock::Millis;
use goherd_sys::stderr;

use crate::connection::{Connection, Origin, Phase, Progress, Shared};
use crate::exchange::Failure;
use crate::input::Input;
use crate::lead::{Event, Lead, Reactor, Wake};
use crate::table::{ExchangeId, Slot, locked};
use crate::tally::Tallied;

/// What the count of the alarm rises by when the application is asked to write its stacks down; no number of true alarms
/// comes to that.
pub const STACKS: u64 = 1 << 32;

/// How long a handler may take, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Harakiri {
    /// For a request, from when a core takes it; 0: as long as it likes.
    pub limit: u64,
    /// To return when that is over; after it the handler is stuck.
    pub grace: u64,
}

impl Default for Harakiri {
    fn default() -> Self {
        Self { limit: 0, grace: 500 }
    }
}

/// A request that a core handles, until the core says that it has answered it or given up.
#[derive(Debug)]
pub(crate) struct Handler {
    /// The address of its wake-ups.
    pub core: u32,
    began: Millis,
    /// When its next stage begins; `None`: never.
    pub due: Option<Millis>,
    stage: Stage,
    remains: Option<Box<Remains>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    InTime,
    Late,
    Stuck,
}

/// What is kept of a request that has lost its connection while a core handles it.
#[derive(Debug, Default)]
struct Remains {
    /// The request line, fit for the log.
    line: Option<String>,
    /// The memory in which the application may read the head and the peer's name, until its first operation.
    _view: Option<View>,
}

/// What a [`View`](crate::View) was made of.
pub(crate) type View = (Option<Box<Input>>, Origin);

impl Handler {
    pub fn new(core: u32, began: Millis, limit: u64) -> Self {
        let mut handler = Self { core, began, due: None, stage: Stage::InTime, remains: None };
        handler.limit(limit);
        handler
    }

    fn limit(&mut self, limit: u64) {
        self.due = (limit > 0).then(|| self.began.after(limit));
    }

    /// Whether a stage has begun.
    fn turn(&mut self, now: Millis, grace: u64) -> Option<Stage> {
        self.due.filter(|due| *due <= now)?;
        (self.stage, self.due) = match self.stage {
            Stage::InTime => (Stage::Late, Some(now.after(grace))),
            Stage::Late | Stage::Stuck => (Stage::Stuck, None),
        };
        Some(self.stage)
    }

    /// From now on it may take as long as it likes: it has made the connection its own.
    pub fn exempt(&mut self) {
        self.due = None;
    }

    /// Its connection comes to its end.
    pub fn outlives(&mut self, connection: &Connection) {
        let line = &mut self.remains.get_or_insert_default().line;
        *line = line.take().or_else(|| connection.request_line());
    }

    /// What the log says of it: the core, the request line, and its age.
    fn describe(&self, now: Millis) -> String {
        let line = self.remains.as_ref().and_then(|remains| remains.line.as_deref());
        let line = line.map_or_else(|| "a request".to_owned(), |line| format!("\"{line}\""));
        format!("core {} has handled {line} for {} ms", self.core, now.since(self.began))
    }
}

impl Connection {
    /// The handler has taken too long: the peer is answered in its stead, or cut off if an answer has begun. Gives whether
    /// it is answered, which waits of the handler are over, and what the application may still read.
    fn overtake(&mut self, shared: &Shared) -> (Progress, bool, Wake, View) {
        const TOO_LONG: Refusal = Refusal::with(504, "took too long");
        let exchange = &self.exchange;
        let wake =
            Wake { core: 0, readable: exchange.waits_to_read, writable: exchange.waits_to_write, gone: true };
        let cut = exchange.is_streaming() || self.origin.protocol.is_service();
        let refusal = exchange.refusal.unwrap_or(TOO_LONG);
        let answer = if cut { Vec::new() } else { self.refusal(refusal, shared) };
        let own = self.origin.clone();
        let mut view = (self.input.take(), std::mem::replace(&mut self.origin, own));
        if cut {
            return (self.cut_off(), false, wake, view);
        }
        if let Some(unsent) = view.0.as_mut().map(|input| std::mem::take(&mut input.out)) {
            self.input.get_or_insert_with(|| shared.pool.take()).out = unsent;
        }
        (self.send_refusal(refusal, &answer, shared), true, wake, view)
    }
}

impl Reactor {
    /// Gives the handler of an exchange `limit` milliseconds, counted from when it was taken, in place of what it had; 0:
    /// as long as it likes.
    pub fn limit(&self, id: ExchangeId, limit: u64) -> Result<(), Failure> {
        let slot = self.table.lock(id.slot()).filter(|slot| slot.sequence == id.sequence());
        let mut slot = slot.ok_or(Failure::Ended)?;
        let Slot { connection: Some(connection), handler: Some(handler), .. } = &mut *slot else {
            return Err(Failure::Ended);
        };
        if connection.phase != Phase::Busy {
            return Err(Failure::Ended);
        }
        handler.limit(limit);
        if let Some(due) = handler.due {
            self.timers.by(due);
        }
        Ok(())
    }

    /// Looks after the time of the handler in `slot`; gives when to look again.
    pub(crate) fn mind_handler(
        &self,
        index: u32,
        slot: &mut Slot,
        lead: &mut Lead,
        now: Millis,
    ) -> Option<Millis> {
        match slot.handler.as_mut()?.turn(now, self.shared.harakiri.grace) {
            Some(Stage::Late) => self.overtake(index, slot, lead, now),
            Some(Stage::Stuck) => self.give_up(slot, now),
            Some(Stage::InTime) | None => {}
        }
        slot.handler.as_ref()?.due
    }

    fn overtake(&self, index: u32, slot: &mut Slot, lead: &mut Lead, now: Millis) {
        let id = ExchangeId::new(index, slot.sequence);
        let Some(handler) = slot.handler.as_mut() else { return };
        let mut outcome = "its peer is gone";
        let mut wake = Wake { gone: true, ..Wake::default() };
        let mut progress = None;
        if let Some(connection) =
            slot.connection.as_mut().filter(|connection| connection.phase == Phase::Busy)
        {
            handler.outlives(connection);
            let (step, answered, waits, view) = connection.overtake(&self.shared);
            handler.remains.get_or_insert_default()._view = Some(view);
            outcome = if answered { "answered 504 in its stead" } else { "cut its answer off" };
            (wake, progress) = (waits, Some(step));
        }
        lead.wakes.push_back(Event::Wake(id, Wake { core: handler.core, ..wake }));
        self.shared.tally.late();
        let told = format!("{}: harakiri: {}: {outcome}", self.shared.name, handler.describe(now));
        if let Some(progress) = progress {
            self.settle(index, slot, progress, Some(now));
        }
        stderr::line(&told);
    }

    fn give_up(&self, slot: &Slot, now: Millis) {
        self.stuck.fetch_add(1, Ordering::SeqCst);
        if let Some(handler) = &slot.handler {
            stderr::line(&format!(
                "{}: harakiri: {}, and does not return: this worker takes nothing new, and ends when the others have \
                 returned",
                self.shared.name,
                handler.describe(now)
            ));
        }
        self.call_watch();
    }

    /// `handler` has returned.
    pub(crate) fn returned(&self, handler: &Handler) {
        self.shared.tally.handled(handler.began, Millis::lately());
        if handler.stage == Stage::Stuck {
            self.stuck.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// What was counted so far.
    #[must_use]
    pub fn tallied(&self) -> Tallied {
        self.shared.tally.read()
    }

    /// How many handlers are stuck.
    #[must_use]
    pub fn stuck(&self) -> u32 {
        self.stuck.load(Ordering::SeqCst)
    }

    /// Whether nothing is left but handlers that are stuck.
    #[must_use]
    pub fn has_only_stuck(&self) -> bool {
        self.table.used().filter_map(|index| self.table.lock(index)).all(|slot| {
            slot.connection.is_none()
                && slot.handler.as_ref().is_none_or(|handler| handler.stage == Stage::Stuck)
        })
    }

    /// Answers 503 to those requests that wait for a core: none will come.
    pub fn turn_away(&self) {
        const TOO_LATE: Refusal = Refusal::with(503, "came to a worker that cannot handle it any more");
        for index in self.table.used() {
            let Some(mut slot) = self.table.lock(index) else { continue };
            let waiting = slot.connection.as_mut().filter(|connection| connection.queued);
            let Some(connection) = waiting else { continue };
            connection.queued = false;
            let progress = match connection.advance(&self.shared) {
                Progress::Request => connection.refuse(TOO_LATE, &self.shared),
                progress => progress,
            };
            self.settle(index, &mut slot, progress, None);
        }
    }

    /// Asks the application for its stacks, with the alarm.
    pub fn ask_for_stacks(&self) {
        self.alarm().add(STACKS);
    }

    /// Looks after time limits if no leader does, though it is time, on a thread that does nothing else; gives after how
    /// many microseconds it is to look again; `None`: when [`Reactor::watch_timer`] is readable.
    #[must_use]
    pub fn look_at_time(&self) -> Option<u32> {
        match self.timers.waits_for(Millis::now())? {
            0 => {
                self.sweep(&mut locked(self.lead()));
                self.kick(); // wake-ups may wait for a leader
                None
            }
            left => Some(u32::try_from(left * 1000).unwrap_or(u32::MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_is_late_and_then_stuck() {
        let mut handler = Handler::new(1, Millis(1000), 300);
        assert_eq!((handler.due, handler.turn(Millis(1299), 50)), (Some(Millis(1300)), None));
        assert_eq!((handler.turn(Millis(1310), 50), handler.due), (Some(Stage::Late), Some(Millis(1360))));
        assert_eq!(handler.turn(Millis(1359), 50), None);
        assert_eq!((handler.turn(Millis(1360), 50), handler.due), (Some(Stage::Stuck), None));
        assert_eq!(handler.turn(Millis(9999), 50), None);
    }

    #[test]
    fn a_limit_counts_from_the_beginning_and_0_is_none() {
        let mut handler = Handler::new(1, Millis(1000), 0);
        assert_eq!(handler.due, None);
        handler.limit(10);
        assert_eq!(handler.due, Some(Millis(1010)));
        handler.limit(0);
        assert_eq!((handler.due, handler.turn(Millis(9999), 1)), (None, None));
    }

    #[test]
    fn the_log_tells_what_is_known() {
        let mut handler = Handler::new(3, Millis(1000), 0);
        assert_eq!(handler.describe(Millis(1500)), "core 3 has handled a request for 500 ms");
        handler.remains.get_or_insert_default().line = Some("GET /a".to_owned());
        assert_eq!(handler.describe(Millis(2000)), "core 3 has handled \"GET /a\" for 1000 ms");
    }
}
