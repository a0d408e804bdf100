//! How a step of an exchange is made: the slot is locked, the step is checked to be that of the request at hand, done, and
//! what it came to is filed away.

use goherd_sys::clock::Millis;
use goherd_sys::socket::Stream;

use crate::connection::{Connection, Phase, Progress, Shared};
use crate::exchange::Failure;
use crate::lead::Reactor;
use crate::table::ExchangeId;

impl Reactor {
    /// One step of an exchange, by whoever handles it.
    pub(crate) fn step<T>(
        &self,
        id: ExchangeId,
        step: impl FnOnce(&mut Connection, &Shared) -> (Result<T, Failure>, Progress),
    ) -> Result<T, Failure> {
        let mut slot = self.table.lock(id.slot()).ok_or(Failure::Ended)?;
        if slot.sequence != id.sequence() {
            return Err(Failure::Ended);
        }
        let connection = slot
            .connection
            .as_mut()
            .filter(|connection| connection.phase == Phase::Busy)
            .ok_or(Failure::Ended)?;
        let now = Millis::lately();
        connection.now = now;
        let (result, progress) = step(connection, &self.shared);
        self.settle(id.slot(), &mut slot, progress, Some(now));
        result
    }

    /// The step that ends an exchange, and with it the work of its handler; a failure lets both go on.
    pub(crate) fn last_step(
        &self,
        id: ExchangeId,
        step: impl FnOnce(&mut Connection, &Shared) -> (Result<(), Failure>, Progress),
    ) -> Result<(), Failure> {
        let slot = self.table.lock(id.slot()).filter(|slot| slot.sequence == id.sequence());
        let mut slot = slot.ok_or(Failure::Ended)?;
        let handler = slot.handler.take().ok_or(Failure::Ended)?;
        let Some(connection) = slot.connection.as_mut() else {
            self.returned(&handler);
            self.vacate(id.slot());
            self.kick(); // it may have been the last one of a reactor that drains
            return Ok(());
        };
        if connection.phase != Phase::Busy {
            self.returned(&handler); // answered in its stead already
            return Ok(());
        }
        let now = Millis::lately();
        connection.now = now;
        let (result, progress) = step(connection, &self.shared);
        match result {
            Ok(()) => self.returned(&handler),
            Err(_) => slot.handler = Some(handler),
        }
        self.settle(id.slot(), &mut slot, progress, Some(now));
        result
    }

    /// Takes the connection of an exchange out of the reactor; its slot stays taken until its handler is over.
    pub(crate) fn detach(&self, id: ExchangeId) -> Result<Stream, Failure> {
        let slot = self.table.lock(id.slot()).filter(|slot| slot.sequence == id.sequence());
        let mut slot = slot.ok_or(Failure::Ended)?;
        let mut connection =
            slot.connection.take_if(|connection| connection.phase == Phase::Busy).ok_or(Failure::Ended)?;
        if let Some(handler) = &mut slot.handler {
            handler.exempt();
        }
        connection.release_input(&self.shared);
        let _not_watched = self.epoll.remove(&connection.stream);
        Ok(connection.stream)
    }
}
