//! Whose time is over: all handlers and all connections are looked at when the timer comes, which is set to the earliest of
//! their times.

use goherd_sys::clock::Millis;

use crate::connection::Connection;
use crate::lead::{Event, Lead, Reactor, Wake};
use crate::table::{ExchangeId, Slot};
use crate::wait::Awaited;

impl Reactor {
    /// Looks after the time of every handler and every connection.
    pub(crate) fn sweep(&self, lead: &mut Lead) {
        self.timers.came();
        let now = Millis::now();
        let mut next = self.retry_accepting(lead, now);
        for index in self.table.used() {
            let Some(mut slot) = self.table.lock(index) else { continue };
            let handler = self.mind_handler(index, &mut slot, lead, now);
            let peer = self.mind_peer(index, &mut slot, lead, now);
            next = [next, handler, peer].into_iter().flatten().min();
        }
        if let Some(due) = next {
            self.timers.by(due);
        }
    }

    /// Looks after the time of the peer in `slot`; gives when to look again.
    fn mind_peer(&self, index: u32, slot: &mut Slot, lead: &mut Lead, now: Millis) -> Option<Millis> {
        let connection = slot.connection.as_mut()?;
        let due = connection.mind_time(&self.shared, now);
        if !connection.wait.is_over(now) {
            return due;
        }
        if connection.wait.awaited == Awaited::Bytes && connection.takes() {
            return connection.mind_time(&self.shared, now);
        }
        lead.wakes.extend(self.expire(index, slot));
        None
    }

    /// Ends what a peer has taken too long for.
    fn expire(&self, index: u32, slot: &mut Slot) -> Option<Event> {
        let id = ExchangeId::new(index, slot.sequence);
        let core = slot.handler.as_ref().map_or(0, |handler| handler.core);
        let (progress, wake) = slot.connection.as_mut()?.expire(&self.shared);
        self.settle(index, slot, progress, None);
        wake.map(|wake| Event::Wake(id, Wake { core, ..wake }))
    }

    /// Sees to it that somebody looks when the peer's time is over.
    pub(crate) fn watch_over(&self, connection: &mut Connection, now: Millis) {
        if let Some(due) = connection.mind_time(&self.shared, now) {
            self.timers.by(due);
        }
    }
}
