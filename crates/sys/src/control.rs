//! A pair of connected sockets over which two related processes pass short messages (socketpair(2), SOCK_SEQPACKET).
//!
//! Message borders are kept, and the end of one process is seen by the other as the end of the stream: that is how a
//! worker learns of its master's death.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair};

use crate::epoll::micros_as_timespec;

/// The longest message, in bytes; a longer one is cut by [`Control::send`].
pub const MAX_MESSAGE: usize = 4096;

/// One end of the pair.
#[derive(Debug)]
pub struct Control {
    fd: OwnedFd,
}

/// What [`Control::receive`] found.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// One whole message.
    Message(Vec<u8>),
    /// Nothing for now.
    Nothing,
    /// The other end is closed in every process that had it.
    Closed,
}

/// What ended [`Control::wait`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The other end is closed in every process that had it.
    End,
    /// There is a message, which is still to be received.
    Message,
    /// Something else.
    Nothing,
}

impl Control {
    /// Both ends, non-blocking and closed on exec.
    pub fn pair() -> io::Result<(Self, Self)> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (a, b) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        Ok((Self { fd: a }, Self { fd: b }))
    }

    /// An end that another program had, in this process's place.
    #[must_use]
    pub fn adopt(fd: OwnedFd) -> Self {
        Self { fd }
    }

    /// A second descriptor of this end.
    pub fn duplicate(&self) -> io::Result<OwnedFd> {
        self.fd.try_clone()
    }

    /// Sends one message, whole or not at all. Empty messages cannot be told from the end, so they are refused.
    pub fn send(&self, message: &[u8]) -> io::Result<()> {
        if message.is_empty() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let message = &message[..message.len().min(MAX_MESSAGE)];
        send(&self.fd, message, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// Takes the next message.
    pub fn receive(&self) -> Received {
        let mut buffer = [0_u8; MAX_MESSAGE];
        loop {
            return match recv(&self.fd, &mut buffer, RecvFlags::empty()) {
                Ok((0, _)) => Received::Closed,
                Ok((n, _)) => Received::Message(buffer[..n].to_vec()),
                Err(rustix::io::Errno::INTR) => continue,
                Err(rustix::io::Errno::AGAIN) => Received::Nothing,
                Err(_) => Received::Closed,
            };
        }
    }

    /// Blocks until the other end is closed in every process that had it, a message has come if `messages` are of interest,
    /// `call` or `timer` is readable, or `micros` microseconds are over.
    #[must_use]
    pub fn wait(
        &self,
        messages: bool,
        call: BorrowedFd<'_>,
        timer: Option<BorrowedFd<'_>>,
        micros: Option<u32>,
    ) -> Heard {
        use rustix::event::{PollFd, PollFlags, poll};
        let of_interest = if messages { PollFlags::IN } else { PollFlags::empty() };
        let mut watched = [
            PollFd::new(&self.fd, of_interest),
            PollFd::from_borrowed_fd(call, PollFlags::IN),
            PollFd::from_borrowed_fd(timer.unwrap_or(call), PollFlags::IN),
        ];
        let _interrupted = poll(&mut watched, micros.map(micros_as_timespec).as_ref());
        let heard = watched[0].revents();
        if heard.intersects(PollFlags::HUP | PollFlags::ERR) {
            Heard::End
        } else if heard.intersects(PollFlags::IN) {
            Heard::Message
        } else {
            Heard::Nothing
        }
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_borders_and_sees_the_end() {
        let (a, b) = Control::pair().unwrap();
        assert_eq!(b.receive(), Received::Nothing);
        a.send(b"one").unwrap();
        a.send(b"two").unwrap();
        assert_eq!(b.receive(), Received::Message(b"one".to_vec()));
        assert_eq!(b.receive(), Received::Message(b"two".to_vec()));
        assert!(a.send(b"").is_err());
        drop(a);
        assert_eq!(b.receive(), Received::Closed);
    }
}
