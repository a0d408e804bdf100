//! epoll(7): which descriptors have something to say.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use rustix::event::{Timespec, epoll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

/// How a descriptor is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// Both directions and the peer's half-close, edge-triggered: for connections, which are registered once.
    Connection,
    /// Readable, level-triggered, waking one of the processes that watch (EPOLLEXCLUSIVE): for listening sockets.
    Shared,
    /// Readable, level-triggered: for descriptors of this process alone.
    Readable,
    /// The peer's half-close or end, level-triggered, and nothing that it sends: for who has said all and waits for that.
    End,
    /// Room for more bytes, or the peer's end, level-triggered.
    Writable,
    /// Not for now: registered, and silent.
    Muted,
}

impl Watch {
    fn flags(self) -> epoll::EventFlags {
        use epoll::EventFlags as F;
        match self {
            Self::Connection => F::IN | F::OUT | F::RDHUP | F::ET,
            Self::Shared => F::IN | F::EXCLUSIVE,
            Self::Readable => F::IN,
            Self::End => F::RDHUP,
            Self::Writable => F::OUT | F::RDHUP,
            Self::Muted => F::empty(),
        }
    }
}

/// What epoll reported of one descriptor.
#[derive(Clone, Copy, Debug)]
pub struct Readiness {
    /// The token that the descriptor was registered with.
    pub token: u64,
    /// Bytes, or a connection, or the end of the stream can be read.
    pub readable: bool,
    /// Bytes can be written again.
    pub writable: bool,
    /// The peer will send nothing more (EPOLLRDHUP), or the connection is gone (EPOLLHUP, EPOLLERR).
    pub peer_ended: bool,
}

/// A set of watched descriptors.
#[derive(Debug)]
pub struct Epoll {
    fd: OwnedFd,
}

impl Epoll {
    /// An empty set, closed on exec, and O_NONBLOCK so that Go's `os.NewFile` takes it into its own poller.
    pub fn new() -> io::Result<Self> {
        let fd = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let flags = fcntl_getfl(&fd)?;
        fcntl_setfl(&fd, flags | OFlags::NONBLOCK)?;
        Ok(Self { fd })
    }

    /// Watches `fd`; its events carry `token`.
    pub fn add(&self, fd: impl AsFd, token: u64, watch: Watch) -> io::Result<()> {
        Ok(epoll::add(&self.fd, fd, epoll::EventData::new_u64(token), watch.flags())?)
    }

    /// Changes how `fd`, which is watched already, is watched.
    pub fn change(&self, fd: impl AsFd, token: u64, watch: Watch) -> io::Result<()> {
        Ok(epoll::modify(&self.fd, fd, epoll::EventData::new_u64(token), watch.flags())?)
    }

    /// Watches `fd` no longer.
    pub fn remove(&self, fd: impl AsFd) -> io::Result<()> {
        Ok(epoll::delete(&self.fd, fd)?)
    }

    /// Fills `batch` with what is ready; waits for up to `timeout_ms` (`Some(0)`: not at all, `None`: for ever).
    ///
    /// A signal that interrupts the wait makes an empty batch.
    pub fn wait(&self, batch: &mut Batch, timeout_ms: Option<u64>) -> io::Result<()> {
        batch.clear();
        let timeout = timeout_ms.map(timespec);
        match epoll::wait(&self.fd, batch.buffer.as_mut_slice(), timeout.as_ref()) {
            Ok(filled) => {
                batch.filled = filled;
                Ok(())
            }
            Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Blocks until something is ready, or a signal comes.
    pub fn park(&self) {
        use rustix::event::{PollFd, PollFlags, poll};
        let _interrupted = poll(&mut [PollFd::new(&self.fd, PollFlags::IN)], None);
    }

    /// The descriptor's number, for a poller in which this set is nested.
    #[must_use]
    pub fn raw(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl AsFd for Epoll {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The events of one wait, taken one after another.
pub struct Batch {
    buffer: Vec<epoll::Event>,
    filled: usize,
    next: usize,
}

// SAFETY: an event's data is one of our u64 tokens; rustix's type holds a pointer only for those who put one there.
unsafe impl Send for Batch {}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("left", &self.len()).finish_non_exhaustive()
    }
}

impl Batch {
    /// Room for `size` events a wait.
    #[must_use]
    pub fn new(size: usize) -> Self {
        let empty = epoll::Event { flags: epoll::EventFlags::empty(), data: epoll::EventData::new_u64(0) };
        Self { buffer: vec![empty; size.max(1)], filled: 0, next: 0 }
    }

    /// Whether the last wait filled in nothing, or all of it was taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.next >= self.filled
    }

    /// How many are left to be taken.
    #[must_use]
    pub fn len(&self) -> usize {
        self.filled - self.next
    }

    fn clear(&mut self) {
        self.filled = 0;
        self.next = 0;
    }
}

impl Iterator for Batch {
    type Item = Readiness;

    fn next(&mut self) -> Option<Readiness> {
        use epoll::EventFlags as F;
        if self.is_empty() {
            return None;
        }
        let event = self.buffer[self.next];
        self.next += 1;
        let flags = event.flags;
        Some(Readiness {
            token: event.data.u64(),
            readable: flags.intersects(F::IN | F::RDHUP | F::HUP | F::ERR),
            writable: flags.intersects(F::OUT | F::HUP | F::ERR),
            peer_ended: flags.intersects(F::RDHUP | F::HUP | F::ERR),
        })
    }
}

/// A span of time as the kernel takes it.
pub(crate) fn micros_as_timespec(micros: u32) -> Timespec {
    Timespec { tv_sec: (micros / 1_000_000).into(), tv_nsec: (micros % 1_000_000 * 1000).into() }
}

/// The same of milliseconds.
pub(crate) fn timespec(ms: u64) -> Timespec {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    Timespec { tv_sec: ms / 1000, tv_nsec: (ms % 1000) * 1_000_000 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eventfd::EventFd;

    #[test]
    fn reports_what_is_ready_with_its_token() {
        let epoll = Epoll::new().unwrap();
        let wake = EventFd::new().unwrap();
        let mut batch = Batch::new(4);
        epoll.add(&wake, 7, Watch::Readable).unwrap();
        epoll.wait(&mut batch, Some(0)).unwrap();
        assert!(batch.is_empty());

        wake.signal();
        epoll.wait(&mut batch, Some(1000)).unwrap();
        let event = batch.next().unwrap();
        assert_eq!((event.token, event.readable, event.peer_ended), (7, true, false));
        assert!(batch.next().is_none());

        epoll.remove(&wake).unwrap();
        epoll.wait(&mut batch, Some(0)).unwrap();
        assert!(batch.is_empty());
    }
}
