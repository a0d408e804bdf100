//! How new connections get in, and what happens when there is no room for them: they wait in the kernel, and those that have
//! waited longest for another request are closed to make room, as any server may do at any time.

use std::sync::atomic::{AtomicBool, Ordering};

use goherd_sys::clock::Millis;
use goherd_sys::epoll::Watch;
use goherd_sys::socket::{Accepted, Stream};

use crate::connection::{Connection, Origin};
use crate::doors::Door;
use crate::lead::{Lead, Mode, Reactor};
use crate::rarely::Rarely;
use crate::table::locked;

/// After how long accepting is tried again when descriptors were wanting.
const RETRY_MS: u64 = 100;
/// A connection that has waited that long for its next request may be closed for one that waits to be let in.
const IDLE_MS: u64 = 500;
/// So many of them are closed at a time.
const MOST_CLOSED: usize = 32;
/// How often it is told that no connection can be taken.
const TOLD_MS: u64 = 10_000;
/// Connections accepted at a time, so that a flood of them does not keep the others waiting.
const ACCEPTS: usize = 32;

#[derive(Debug)]
pub(crate) struct Arrivals {
    /// Doors are shut for want of descriptors or slots.
    shut: AtomicBool,
    /// It is time to try again.
    may_open: AtomicBool,
    told: Rarely,
}

impl Default for Arrivals {
    fn default() -> Self {
        Self { shut: AtomicBool::new(false), may_open: AtomicBool::new(false), told: Rarely::new(TOLD_MS) }
    }
}

impl Arrivals {
    /// There is room again; `true`: the leader, who may be parked, is to hear of it.
    pub fn may_go_on(&self) -> bool {
        self.may_open.store(true, Ordering::SeqCst);
        self.shut.load(Ordering::SeqCst)
    }
}

impl Reactor {
    /// Opens the doors for a core that can take requests; where the server answers itself, in any case.
    pub(crate) fn mind_doors(&self, lead: &mut Lead, mode: Mode) {
        let for_cores = mode != Mode::Steward && !lead.doors.is_open();
        if (!for_cores && lead.doors.own_are_open()) || lead.paused || self.shared.is_draining() {
            return;
        }
        if lead.exhausted && !self.arrivals.may_open.swap(false, Ordering::AcqRel) {
            return;
        }
        lead.exhausted =
            lead.doors.open_own(&self.epoll).is_err() || (for_cores && lead.doors.open(&self.epoll).is_err());
        if lead.exhausted {
            self.retry_soon(lead);
        }
        self.arrivals.shut.store(lead.exhausted, Ordering::SeqCst);
    }

    /// Lets in whoever waits, for a core whose turn it is while the steward leads.
    pub(crate) fn let_in(&self) {
        let mut lead = locked(self.lead());
        self.mind_doors(&mut lead, Mode::Lead);
        if lead.doors.is_open() {
            self.accept_all(&mut lead);
        }
    }

    /// Takes the connections that wait at all doors, which are open.
    pub(crate) fn accept_all(&self, lead: &mut Lead) {
        lead.doors.tokens().for_each(|token| self.accept(lead, token));
    }

    /// Takes the connections that wait at the door `token`.
    pub(crate) fn accept(&self, lead: &mut Lead, token: u64) {
        for _ in 0..ACCEPTS {
            if self.table.is_full() {
                return self.exhausted(lead);
            }
            let Some(door) = lead.doors.get(token) else { return };
            match door.listener.accept() {
                Accepted::Nobody => return,
                Accepted::Stream(stream, peer) => {
                    let peer = peer.map_or_else(|| "@".into(), |peer| peer.to_string().into_boxed_str());
                    let origin = origin(door, token, peer, &stream);
                    if !self.admit(Connection::new(stream, origin)) {
                        return self.exhausted(lead);
                    }
                }
                Accepted::Exhausted(error) => {
                    self.arrivals.told.tell(|| {
                        let name = &self.shared.name;
                        format!("{name}: no connection can be accepted: {error}; those that come wait in the kernel")
                    });
                    return self.exhausted(lead);
                }
            }
        }
    }

    /// Takes a new connection in; `false`: there was no room, and it is closed.
    fn admit(&self, connection: Connection) -> bool {
        let Ok((index, generation)) = self.table.insert(Box::new(connection)) else { return false };
        let Some(mut slot) = self.table.lock(index) else { return false };
        let token = u64::from(generation) << 32 | u64::from(index);
        let watched = slot.connection.as_mut().is_some_and(|connection| {
            self.watch_over(connection, connection.now);
            self.epoll.add(&connection.stream, token, Watch::Connection).is_ok()
        });
        if !watched {
            self.close(index, &mut slot);
        }
        watched
    }

    fn retry_soon(&self, lead: &mut Lead) {
        let retry = Millis::now().after(RETRY_MS);
        lead.retry = Some(retry);
        self.timers.by(retry);
    }

    /// Shuts the doors until a connection ends: those that come go to a neighbour, or wait in the kernel.
    fn exhausted(&self, lead: &mut Lead) {
        lead.exhausted = true;
        self.arrivals.shut.store(true, Ordering::SeqCst);
        lead.doors.shut_all(&self.epoll);
        lead.doors.pass_on(&self.epoll);
        self.retry_soon(lead);
        self.make_room(lead, Millis::now());
    }

    /// Closes connections that have waited long for their next request, if they were not looked for just now.
    fn make_room(&self, lead: &mut Lead, now: Millis) {
        if lead.made_room.is_some_and(|then| now.since(then) < RETRY_MS) {
            return;
        }
        lead.made_room = Some(now);
        let idle = |index| {
            let slot = self.table.lock(index)?;
            let since = slot.connection.as_ref()?.idle_since()?;
            (now.since(since) >= IDLE_MS).then_some((since, index))
        };
        let mut idle: Vec<_> = self.table.used().filter_map(idle).collect();
        idle.sort_unstable();
        for (since, index) in idle.into_iter().take(MOST_CLOSED) {
            let Some(mut slot) = self.table.lock(index) else { continue };
            let connection = slot.connection.as_mut().filter(|it| it.idle_since() == Some(since));
            if let Some(progress) = connection.map(|connection| connection.give_up(&self.shared)) {
                self.settle(index, &mut slot, progress, None);
            }
        }
        self.kick(); // there may be room now, or a request that came at the last moment
    }

    /// Lets accepting be tried again if it is time for that; gives when it will be, if not.
    pub(crate) fn retry_accepting(&self, lead: &mut Lead, now: Millis) -> Option<Millis> {
        if lead.retry.is_some_and(|due| due <= now) {
            lead.retry = None;
            let _heard_here = self.arrivals.may_go_on();
        }
        lead.retry
    }
}

fn origin(door: &Door, token: u64, peer: Box<str>, stream: &Stream) -> Origin {
    let local = door.has_many_addresses().then(|| stream.local_address()).flatten();
    Origin {
        peer,
        local: local.map(|local| local.to_string().into_boxed_str()),
        door: u32::try_from(token).unwrap_or(u32::MAX),
        protocol: door.protocol,
        behind_proxy: door.behind_proxy,
    }
}
