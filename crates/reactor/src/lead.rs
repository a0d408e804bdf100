//! The reactor as its leader drives it: poll, and hand out one event after another.
//!
//! LEADING: [`Reactor::next`] never blocks. Who wants to wait does so on the reactor's epoll descriptor, and only after
//! `next` in a polling mode has answered [`Event::Nothing`]: then epoll itself had nothing to report, so whatever comes
//! makes the descriptor readable anew. (Parking after a batch that merely held no request loses wake-ups.)

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use goherd_proto::http1::Limits;
use goherd_sys::clock::Millis;
use goherd_sys::epoll::{Batch, Epoll, Readiness, Watch};
use goherd_sys::eventfd::EventFd;
use goherd_sys::socket::Endpoint;

use crate::arrivals::Arrivals;
use crate::connection::{Connection, Phase, Progress, Shared};
use crate::date::Date;
use crate::doors::{BATON, Door, Doors};
use crate::exchange::View;
use crate::harakiri::{Handler, Harakiri};
use crate::input::Pool;
use crate::line::Line;
use crate::pace::{Pace, TICK_MICROS};
use crate::rarely::Rarely;
use crate::service::Services;
use crate::table::{ExchangeId, Slot, Table, locked};
use crate::tally::Tally;
use crate::timers::Timers;
use crate::wait::{Times, Wait};

/// The token of the descriptor given to [`Reactor::watch_control`]. Tokens below 2^32 are no connection's.
const CONTROL: u64 = BATON + 1;
/// The token of the eventfd by which [`Reactor::kick`] interrupts a parked leader.
const KICK: u64 = BATON + 2;
/// The token of the timer.
const TIMER: u64 = BATON + 3;
/// Stands in the queue for the connections that wait at the doors; it is no slot.
const ARRIVALS: u32 = u32::MAX;
/// Events taken from epoll at a time.
const BATCH: usize = 128;
/// How often it is told that all cores are busy.
const FULL_MS: u64 = 60_000;
/// How often it is told that requests are refused without an answer.
const REFUSED_MS: u64 = 1_000;

/// What a reactor is made of.
#[derive(Debug)]
pub struct Settings {
    /// Who speaks in the log: "worker 1".
    pub name: String,
    /// Where connections come in.
    pub doors: Vec<Door>,
    /// Shared by all workers of these doors; see `doors.rs`.
    pub baton: Arc<EventFd>,
    /// The most connections at a time; more wait in the kernel.
    pub max_connections: u32,
    /// The most requests of one connection.
    pub max_requests: u32,
    /// How much a peer may send.
    pub limits: Limits,
    /// How long it may take.
    pub times: Times,
    /// How long a handler may take.
    pub harakiri: Harakiri,
    /// Who answers at the doors where the server does so itself.
    pub services: Option<Arc<dyn Services>>,
    /// How many bytes of values and answers connections may hold there together, where it is not one alone.
    pub most_held: u64,
}

/// What the caller of [`Reactor::next`] is out for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Poll, and take a request: a free core that leads.
    Lead,
    /// The same, while requests follow each other closely: the next is but microseconds away, so the caller waits for it on
    /// [`Reactor::raw_events`] for a moment, and parks, after a poll in the mode `Lead`, only if none comes. It may go off
    /// with its request without waking another to lead (see `pace.rs`).
    LeadBusy,
    /// Poll, deliver wake-ups, take no request: nobody is free, but somebody must look.
    Steward,
    /// Take a request that is waiting already, without polling: a core that has become free while another leads.
    Take,
}

/// Which of a core's waits are over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wake {
    /// The core, as it was named when it took the request.
    pub core: u32,
    /// The request's body can be read on.
    pub readable: bool,
    /// The answer can be written on.
    pub writable: bool,
    /// The peer has ended its side: it will probably not wait for the answer.
    pub gone: bool,
}

/// What [`Reactor::next`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Nothing, and (when polling) epoll had nothing to report: park on its descriptor.
    Nothing,
    /// A request, now the caller's: `inspect` has seen it.
    Request(ExchangeId),
    /// Somebody's wait is over.
    Wake(ExchangeId, Wake),
    /// In [`Mode::Steward`]: there is something to look at that may be a request; a free core should come and take it.
    Queued,
    /// The control descriptor has something to say.
    Control,
    /// The reactor is draining and its last connection has ended.
    Drained,
}

/// The connections of one process. Shared by all of its threads.
#[derive(Debug)]
pub struct Reactor {
    pub(crate) epoll: Epoll,
    /// What leaders park on: a set with `epoll` alone in it, muted while the leader does not park. Else whatever arrives
    /// would wake the poller that the set is nested in, though nobody waits.
    gate: Epoll,
    pub(crate) table: Table,
    pub(crate) shared: Shared,
    /// Slots with something for a core to look at, beside those in the leader's batch.
    ready: Line,
    /// How often a leader found something there.
    turns: AtomicUsize,
    /// Slots whose connections go on at once, after all others have had their turn.
    again: Line,
    pub(crate) arrivals: Arrivals,
    lead: Mutex<Lead>,
    kick: EventFd,
    pace: Pace,
    pub(crate) timers: Timers,
    /// Tells that all cores are busy.
    full: Rarely,
    /// How many handlers do not return.
    pub(crate) stuck: AtomicU32,
    endpoints: Vec<Endpoint>,
}

pub(crate) struct Lead {
    gate_is_open: bool,
    batch: Batch,
    pub doors: Doors,
    /// The doors stay shut until somebody says otherwise.
    pub paused: bool,
    /// No descriptor or no slot was left for a new connection.
    pub exhausted: bool,
    /// When to try again, if what was left none of was descriptors: they may become free without any connection's end.
    pub retry: Option<Millis>,
    /// When it was looked last for connections that can be done without.
    pub made_room: Option<Millis>,
    /// Wake-ups that nobody has been told of.
    pub wakes: VecDeque<Event>,
}

impl std::fmt::Debug for Lead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lead").field("doors", &self.doors).field("exhausted", &self.exhausted).finish()
    }
}

impl Reactor {
    /// A reactor with its doors shut; the first [`Mode::Lead`] opens them.
    pub fn new(settings: Settings) -> io::Result<Self> {
        let endpoints = settings.doors.iter().map(|door| door.listener.endpoint().clone()).collect();
        let (epoll, kick, timers) = (Epoll::new()?, EventFd::new()?, Timers::new()?);
        epoll.add(&kick, KICK, Watch::Readable)?;
        epoll.add(&timers.fd, TIMER, Watch::Readable)?;
        let gate = Epoll::new()?;
        gate.add(&epoll, 0, Watch::Readable)?;
        Ok(Self {
            epoll,
            gate,
            kick,
            timers,
            pace: Pace::new()?,
            table: Table::new(settings.max_connections),
            shared: Shared {
                name: settings.name,
                pool: Pool::default(),
                date: Date::new(),
                limits: settings.limits,
                times: settings.times,
                harakiri: settings.harakiri,
                max_connections: settings.max_connections,
                max_requests: settings.max_requests,
                draining: AtomicBool::new(false),
                services: settings.services,
                held: AtomicU64::new(0),
                most_held: settings.most_held,
                refused: Rarely::new(REFUSED_MS),
                tally: Tally::default(),
            },
            ready: Line::default(),
            turns: AtomicUsize::new(0),
            again: Line::default(),
            arrivals: Arrivals::default(),
            lead: Mutex::new(Lead {
                gate_is_open: true,
                batch: Batch::new(BATCH),
                doors: Doors::new(settings.doors, settings.baton),
                paused: false,
                exhausted: false,
                retry: None,
                made_room: None,
                wakes: VecDeque::new(),
            }),
            full: Rarely::new(FULL_MS),
            stuck: AtomicU32::new(0),
            endpoints,
        })
    }

    /// Reports [`Event::Control`] while `fd` is readable.
    pub fn watch_control(&self, fd: impl AsFd) -> io::Result<()> {
        self.epoll.add(fd, CONTROL, Watch::Readable)
    }

    /// Reports [`Event::Control`] no longer.
    pub fn forget_control(&self, fd: impl AsFd) -> io::Result<()> {
        self.epoll.remove(fd)
    }

    /// The descriptor to park on.
    #[must_use]
    pub fn raw_fd(&self) -> RawFd {
        self.gate.raw()
    }

    /// The descriptor that is readable when there may be an event, also while the one to park on is muted: for a wait of a
    /// moment in [`Mode::LeadBusy`].
    #[must_use]
    pub fn raw_events(&self) -> RawFd {
        self.epoll.raw()
    }

    /// Blocks until there may be an event: for a process whose own thread drives the reactor.
    pub fn park(&self) {
        self.epoll.park();
    }

    /// Where the connections with this `door` came in.
    #[must_use]
    pub fn endpoint(&self, door: u32) -> Option<&Endpoint> {
        self.endpoints.get(door as usize)
    }

    /// How many connections there are.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.table.len()
    }

    /// The next event. `core` names the caller in wake-ups; a request is shown to `inspect` before it is handed out.
    pub fn next(&self, core: u32, mode: Mode, inspect: &mut dyn FnMut(View<'_>)) -> Event {
        let event = match mode {
            Mode::Take => self.take_ready(core, inspect),
            Mode::Lead | Mode::LeadBusy if self.ready_goes_first() => {
                self.take_ready(core, inspect).or_else(|| self.poll(core, mode, inspect))
            }
            Mode::Lead | Mode::LeadBusy => {
                self.poll(core, mode, inspect).or_else(|| self.take_ready(core, inspect))
            }
            Mode::Steward => self.poll(core, mode, inspect),
        };
        match event {
            Some(event @ Event::Request(_)) => {
                if mode == Mode::LeadBusy {
                    self.pace.goes_off();
                }
                event
            }
            Some(event) => event,
            None if self.shared.is_draining() && self.table.len() == 0 => Event::Drained,
            None => Event::Nothing,
        }
    }

    /// What [`Reactor::look`] is to be called after, beside ticks: readable when there is something to watch.
    #[must_use]
    pub fn watch_call(&self) -> BorrowedFd<'_> {
        self.pace.call.as_fd()
    }

    pub(crate) fn alarm(&self) -> &EventFd {
        &self.pace.alarm
    }

    pub(crate) fn call_watch(&self) {
        self.pace.call.signal();
    }

    /// What [`Reactor::look_at_time`] is to be called after, beside the times that it gives.
    #[must_use]
    pub fn watch_timer(&self) -> BorrowedFd<'_> {
        self.timers.fd.as_fd()
    }

    /// How often somebody has come to poll.
    #[must_use]
    pub fn polls(&self) -> u64 {
        self.pace.turns()
    }

    /// The eventfd on which the application waits for the alarm of the watch.
    #[must_use]
    pub fn raw_alarm(&self) -> RawFd {
        self.pace.alarm.as_fd().as_raw_fd()
    }

    /// Looks whether somebody leads, on a thread that does nothing else; gives after how many microseconds it is to look
    /// again; `None`: when called.
    #[must_use]
    pub fn look(&self) -> Option<u32> {
        self.pace.look().then_some(TICK_MICROS)
    }

    /// Makes a parked leader look up: a steward then lets a core lead that has become free.
    pub fn kick(&self) {
        self.kick.signal();
    }

    /// Takes no new connections for now; those that are there go on.
    pub fn pause(&self) {
        let mut lead = locked(&self.lead);
        lead.paused = true;
        lead.doors.shut_all(&self.epoll);
    }

    /// Takes new connections again.
    pub fn resume(&self) {
        locked(&self.lead).paused = false;
        self.kick();
    }

    /// Takes no new connections and ends the others as soon as each has nothing under way. [`Event::Drained`] follows.
    pub fn drain(&self) {
        locked(&self.lead).doors.wall_up(&self.epoll);
        self.shared.draining.store(true, Ordering::Release);
        let now = Millis::now();
        for index in self.table.used() {
            let Some(mut slot) = self.table.lock(index) else { continue };
            let Some(connection) = slot.connection.as_mut() else { continue };
            match connection.phase {
                Phase::Waiting => {
                    let progress = connection.drain(&self.shared, now);
                    self.settle(index, &mut slot, progress, None);
                }
                Phase::Lingering => {
                    connection.wait = Wait::default(); // there is less time now
                    self.settle(index, &mut slot, Progress::Waiting, None);
                }
                Phase::Queued | Phase::Busy | Phase::Flushing | Phase::Discarding => {}
            }
        }
        self.kick(); // it may be the watch that drains, and there may be nothing left to wake the leader
    }

    /// Whether a leader is to take what stands in the queue before it polls: every other time, so that neither keeps the
    /// other from its turn.
    fn ready_goes_first(&self) -> bool {
        self.ready.len() > 0 && self.turns.fetch_add(1, Ordering::Relaxed).is_multiple_of(2)
    }

    fn poll(&self, core: u32, mode: Mode, inspect: &mut dyn FnMut(View<'_>)) -> Option<Event> {
        self.pace.turn();
        let mut lead = locked(&self.lead);
        self.mind_doors(&mut lead, mode);
        let parks = mode != Mode::LeadBusy;
        if !parks {
            self.turn_gate(&mut lead, false);
        }
        loop {
            if let Some(wake) = lead.wakes.pop_front() {
                return Some(wake);
            }
            while let Some(readiness) = lead.batch.next() {
                let event = self.handle(&mut lead, readiness, core, mode, inspect);
                if event.is_some() {
                    return event;
                }
            }
            let goes_on = self.go_on_again();
            if self.epoll.wait(&mut lead.batch, Some(0)).is_err() || lead.batch.is_empty() {
                if goes_on {
                    return Some(Event::Queued);
                }
                if parks && self.turn_gate(&mut lead, true) {
                    continue;
                }
                return None;
            }
        }
    }

    /// Lets the connections go on whose turn it is again; `true`: there are some whose turn it is again after that.
    fn go_on_again(&self) -> bool {
        for _ in 0..self.again.len() {
            let Some(index) = self.again.pop() else { break };
            let Some(mut slot) = self.table.lock(index) else { continue };
            let turn = |connection: &mut Connection| std::mem::take(&mut connection.serving.again);
            if slot.connection.as_mut().is_some_and(|connection| turn(connection))
                && let Some(progress) =
                    slot.connection.as_mut().map(|connection| connection.advance(&self.shared))
            {
                self.settle(index, &mut slot, progress, None);
            }
        }
        self.again.len() > 0
    }

    /// Opens the gate before the leader parks, shuts it when the leader is busy; `true`: it was opened now. What came while
    /// it was shut may make no edge for a poller in which the gate is nested, since the gate may be on its own list of
    /// ready ones from before: so who opens it looks once more.
    fn turn_gate(&self, lead: &mut Lead, open: bool) -> bool {
        if lead.gate_is_open == open {
            return false;
        }
        let watch = if open { Watch::Readable } else { Watch::Muted };
        lead.gate_is_open = self.gate.change(&self.epoll, 0, watch).is_ok() == open;
        lead.gate_is_open
    }

    fn handle(
        &self,
        lead: &mut Lead,
        readiness: Readiness,
        core: u32,
        mode: Mode,
        inspect: &mut dyn FnMut(View<'_>),
    ) -> Option<Event> {
        if let Ok(generation @ 1..) = u32::try_from(readiness.token >> 32) {
            let index = u32::try_from(readiness.token & u64::from(u32::MAX)).ok()?;
            let backlog = lead.batch.len() + self.ready.len() + self.again.len();
            let mut inspect = |view: View<'_>| inspect(View { backlog, ..view });
            return self.on_connection(index, generation, readiness, core, mode, &mut inspect);
        }
        match readiness.token {
            CONTROL => return Some(Event::Control),
            KICK => {
                self.kick.clear();
                self.mind_doors(lead, mode);
                return (mode == Mode::Steward).then_some(Event::Queued);
            }
            TIMER => {
                self.sweep(lead);
                self.mind_doors(lead, mode);
                return lead.wakes.pop_front();
            }
            token if lead.doors.is_own(token) => self.accept(lead, token),
            _ if !lead.doors.is_open() => {}
            _ if mode == Mode::Steward => {
                self.tell_full();
                lead.doors.pass_on(&self.epoll);
                self.ready.push(ARRIVALS); // if no neighbour takes them, they have their turn here
                return Some(Event::Queued);
            }
            BATON => {
                lead.doors.take_baton();
                self.accept_all(lead);
            }
            token => self.accept(lead, token),
        }
        None
    }

    /// Every core is busy, and somebody waits for one.
    fn tell_full(&self) {
        self.full.tell(|| {
            format!(
                "{}: the queue is full: every core is busy, so requests wait; goroutines sets how many there are",
                self.shared.name
            )
        });
    }

    pub(crate) fn lead(&self) -> &Mutex<Lead> {
        &self.lead
    }

    fn on_connection(
        &self,
        index: u32,
        generation: u32,
        readiness: Readiness,
        core: u32,
        mode: Mode,
        inspect: &mut dyn FnMut(View<'_>),
    ) -> Option<Event> {
        let mut slot = self.table.lock(index).filter(|slot| slot.generation == generation)?;
        let sequence = slot.sequence;
        let core_at_work = slot.handler.as_ref().map_or(0, |handler| handler.core);
        let connection = slot.connection.as_mut()?;
        connection.readable |= readiness.readable;
        connection.peer_ended |= readiness.peer_ended;
        match connection.phase {
            Phase::Busy => {
                if readiness.writable && connection.exchange.blocked {
                    connection.go_on_flushing();
                    self.watch_over(connection, Millis::lately());
                }
                let id = ExchangeId::new(index, sequence);
                return wake(connection, core_at_work, readiness).map(|wake| Event::Wake(id, wake));
            }
            Phase::Waiting if mode == Mode::Steward && !connection.origin.protocol.is_answered_here() => {
                if !readiness.peer_ended {
                    self.tell_full();
                }
                return self.enqueue(index, connection);
            }
            Phase::Flushing if !readiness.writable => return None,
            _ => {}
        }
        let progress = connection.advance(&self.shared);
        if progress == Progress::Request && mode != Mode::Steward {
            return Some(self.hand_out(index, &mut slot, core, inspect));
        }
        self.settle(index, &mut slot, progress, None)
    }

    /// Files away what a step came to, that was made at `now` if that is known. `Some`: the steward should call a core.
    pub(crate) fn settle(
        &self,
        index: u32,
        slot: &mut Slot,
        progress: Progress,
        now: Option<Millis>,
    ) -> Option<Event> {
        let connection = slot.connection.as_mut()?;
        self.shared.tally.sent(std::mem::take(&mut connection.sent));
        match progress {
            Progress::Waiting => self.watch_over(connection, now.unwrap_or_else(Millis::lately)),
            Progress::Again => {
                self.watch_over(connection, now.unwrap_or_else(Millis::lately));
                if !std::mem::replace(&mut connection.serving.again, true) {
                    self.again.push(index);
                }
            }
            Progress::Request => return self.enqueue(index, connection),
            Progress::Closed => self.close(index, slot),
        }
        None
    }

    fn enqueue(&self, index: u32, connection: &mut Connection) -> Option<Event> {
        if std::mem::replace(&mut connection.queued, true) {
            return None;
        }
        self.watch_over(connection, Millis::lately());
        self.ready.push(index);
        Some(Event::Queued)
    }

    fn take_ready(&self, core: u32, inspect: &mut dyn FnMut(View<'_>)) -> Option<Event> {
        while let Some(index) = self.ready.pop() {
            if index == ARRIVALS {
                self.let_in();
                continue;
            }
            let Some(mut slot) = self.table.lock(index) else { continue };
            let Some(connection) = slot.connection.as_mut().filter(|connection| connection.queued) else {
                continue;
            };
            connection.queued = false;
            match connection.advance(&self.shared) {
                Progress::Request => return Some(self.hand_out(index, &mut slot, core, inspect)),
                progress => self.settle(index, &mut slot, progress, None),
            };
        }
        None
    }

    /// Gives a complete request to `core`.
    fn hand_out(&self, index: u32, slot: &mut Slot, core: u32, inspect: &mut dyn FnMut(View<'_>)) -> Event {
        slot.sequence = slot.sequence.wrapping_add(1);
        let id = ExchangeId::new(index, slot.sequence);
        let handler = Handler::new(core, Millis::lately(), self.shared.harakiri.limit);
        if let Some(due) = handler.due {
            self.timers.by(due);
        }
        slot.handler = Some(handler);
        if let Some(connection) = slot.connection.as_mut() {
            connection.begin(&self.shared);
            if let Some(input) = &connection.input {
                inspect(View {
                    id,
                    bytes: input.head_bytes(),
                    head: input.head(),
                    peer: input.peer().unwrap_or(&connection.origin.peer),
                    local: connection.origin.local.as_deref(),
                    door: connection.origin.door,
                    https: input.https(),
                    call: input.call(),
                    peer_ended: connection.exchange.told_gone,
                    backlog: 0,
                });
            }
        }
        Event::Request(id)
    }

    /// Ends the connection. The slot is vacant then, unless the handler of its request goes on.
    pub(crate) fn close(&self, index: u32, slot: &mut Slot) {
        let Some(mut connection) = slot.connection.take() else { return };
        if let Some(handler) = &mut slot.handler {
            handler.outlives(&connection);
        }
        connection.release_input(&self.shared);
        connection.hold(&self.shared);
        drop(connection); // closes the descriptor, which takes it out of epoll
        if slot.handler.is_none() {
            self.vacate(index);
        }
    }

    pub(crate) fn vacate(&self, index: u32) {
        self.table.give_back(index);
        if self.arrivals.may_go_on() {
            self.kick();
        }
    }
}

/// Which waits of the core that is busy with `connection` are over.
fn wake(connection: &mut Connection, core: u32, readiness: Readiness) -> Option<Wake> {
    let exchange = &mut connection.exchange;
    let wake = Wake {
        core,
        readable: readiness.readable && std::mem::take(&mut exchange.waits_to_read),
        writable: readiness.writable && !exchange.blocked && std::mem::take(&mut exchange.waits_to_write),
        gone: readiness.peer_ended && !std::mem::replace(&mut exchange.told_gone, true),
    };
    (wake.readable || wake.writable || wake.gone).then_some(wake)
}
