//! eventfd(2): a wake-up that any thread or process sharing the descriptor can send.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{EventfdFlags, eventfd};

/// A counter which is readable while it is not zero.
#[derive(Debug)]
pub struct EventFd {
    fd: OwnedFd,
}

impl EventFd {
    /// A silent one, non-blocking, closed on exec.
    pub fn new() -> io::Result<Self> {
        Ok(Self { fd: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)? })
    }

    /// One that another process has made, with what it counts.
    #[must_use]
    pub fn adopt(fd: OwnedFd) -> Self {
        Self { fd }
    }

    /// Makes it readable. A full counter is readable already, so there is no error worth a report.
    pub fn signal(&self) {
        self.add(1);
    }

    /// The same, for somebody who reads the counter: it rises by `count`, if it has room for that.
    pub fn add(&self, count: u64) {
        let _full = rustix::io::write(&self.fd, &count.to_ne_bytes());
    }

    /// Makes it silent again; says whether it had been signalled.
    pub fn clear(&self) -> bool {
        rustix::io::read(&self.fd, &mut [0_u8; 8]).is_ok()
    }
}

/// Blocks until `fd` is readable, for up to `micros` microseconds.
pub fn wait(fd: impl AsFd, micros: u32) {
    use rustix::event::{PollFd, PollFlags, poll};
    let timeout = crate::epoll::micros_as_timespec(micros);
    let _interrupted = poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&timeout));
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_a_signal_until_cleared() {
        let event = EventFd::new().unwrap();
        assert!(!event.clear());
        event.signal();
        event.signal();
        assert!(event.clear());
        assert!(!event.clear());
    }
}
