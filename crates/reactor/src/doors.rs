//! The doors through which connections come in: the listening sockets, open while this process can take requests.
//!
//! All workers listen on the same sockets. The kernel is asked to wake one of them for a connection (EPOLLEXCLUSIVE), and
//! wakes all that are idle where the epoll set is nested in another, as it is in Go. A worker
//! that is woken and has no core free shuts its doors and passes the wake-up on through the *baton*, an eventfd that all
//! workers share: the connection goes to a neighbour who is free, and waits in the kernel if nobody is.
//!
//! Where the server answers itself (`service.rs`), no core is needed: those doors are open as soon as somebody drives the
//! reactor.

use std::io;
use std::sync::Arc;

use goherd_proto::Protocol;
use goherd_sys::epoll::{Epoll, Watch};
use goherd_sys::eventfd::EventFd;
use goherd_sys::socket::{Endpoint, Listener};

/// The token of the baton; listeners have the tokens from 0 on.
pub(crate) const BATON: u64 = 1 << 31;

/// A socket that listens, and what is spoken there.
#[derive(Debug)]
pub struct Door {
    /// Where connections come in.
    pub listener: Listener,
    /// What their peers speak.
    pub protocol: Protocol,
    /// Each connection begins with a PROXY header that says where it really comes from.
    pub behind_proxy: bool,
}

impl Door {
    /// Whether connections to several addresses of this machine come in here.
    pub(crate) fn has_many_addresses(&self) -> bool {
        matches!(self.listener.endpoint(), Endpoint::Inet(address) if address.ip().is_unspecified())
    }
}

#[derive(Debug)]
pub(crate) struct Doors {
    doors: Vec<Door>,
    baton: Arc<EventFd>,
    open: bool,
    own_open: bool,
}

impl Doors {
    pub fn new(doors: Vec<Door>, baton: Arc<EventFd>) -> Self {
        Self { doors, baton, open: false, own_open: false }
    }

    /// The doors at which the server answers itself, or the others, with their tokens.
    fn of(&self, own: bool) -> impl Iterator<Item = (u64, &Door)> {
        (0..).zip(&self.doors).filter(move |(_, door)| door.protocol.is_answered_here() == own)
    }

    /// Whether that with this token is one at which the server answers itself, and is open.
    pub fn is_own(&self, token: u64) -> bool {
        self.own_open && self.get(token).is_some_and(|door| door.protocol.is_answered_here())
    }

    /// Whether there is none of them that is shut.
    pub fn own_are_open(&self) -> bool {
        self.own_open || self.of(true).next().is_none()
    }

    /// Opens them, if they are not open already.
    pub fn open_own(&mut self, epoll: &Epoll) -> io::Result<()> {
        if self.own_are_open() {
            return Ok(());
        }
        self.own_open = true;
        let watched =
            self.of(true).try_for_each(|(token, door)| epoll.add(&door.listener, token, Watch::Shared));
        if watched.is_err() {
            self.shut_own(epoll); // all of them or none
        }
        watched
    }

    fn shut_own(&mut self, epoll: &Epoll) {
        if std::mem::take(&mut self.own_open) {
            for (_, door) in self.of(true) {
                let _not_watched = epoll.remove(&door.listener);
            }
        }
    }

    /// Lets nobody in anywhere.
    pub fn shut_all(&mut self, epoll: &Epoll) {
        self.shut_own(epoll);
        self.shut(epoll);
    }

    /// Whether connections are let in for cores.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Lets connections in for cores, if that is not so already.
    pub fn open(&mut self, epoll: &Epoll) -> io::Result<()> {
        if self.open || self.of(false).next().is_none() {
            return Ok(());
        }
        self.open = true;
        let watched = self
            .of(false)
            .try_for_each(|(token, door)| epoll.add(&door.listener, token, Watch::Shared))
            .and_then(|()| epoll.add(&*self.baton, BATON, Watch::Shared));
        if watched.is_err() {
            self.shut(epoll); // all of them or none
        }
        watched
    }

    /// Lets no more connections in for cores; they wait in the kernel, or go to a neighbour.
    pub fn shut(&mut self, epoll: &Epoll) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        for (_, door) in self.of(false) {
            let _not_watched = epoll.remove(&door.listener);
        }
        let _not_watched = epoll.remove(&*self.baton);
    }

    /// Shuts the doors after a wake-up that somebody else should have.
    pub fn pass_on(&mut self, epoll: &Epoll) {
        self.shut(epoll);
        self.baton.signal();
    }

    /// Takes the baton: all listeners are to be tried.
    pub fn take_baton(&self) {
        self.baton.clear();
    }

    /// Shuts the doors for good: the sockets are closed in this process.
    pub fn wall_up(&mut self, epoll: &Epoll) {
        self.shut_all(epoll);
        self.doors.clear();
    }

    /// The door with this token.
    pub fn get(&self, token: u64) -> Option<&Door> {
        self.doors.get(usize::try_from(token).ok()?)
    }

    /// The tokens of all doors.
    pub fn tokens(&self) -> std::ops::Range<u64> {
        0..self.doors.len() as u64
    }
}
