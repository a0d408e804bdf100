//! Queues between related processes, kept by the kernel (socketpair(2), SOCK_SEQPACKET): any process puts messages in, and one
//! of those that listen takes each out.
//!
//! Both ends stay open in everyone who inherits the queue, so what nobody has taken yet outlives whoever was to take it.
//! Besides bytes a socket can be sent along (SCM_RIGHTS): the way to ask something and to get an answer.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair, sockopt,
};

/// The longest message, in bytes.
pub const LONGEST_MESSAGE: usize = 65_536;
/// How many bytes a queue is to have room for, with what the kernel adds to each message. Without root's rights it is as many
/// as `net.core.wmem_max` allows.
const ROOM: usize = 4 << 20;
/// Every message begins with this, so that none is empty: an empty one could not be told from an end.
const MARK: [u8; 1] = *b"M";

/// A queue.
#[derive(Debug)]
pub struct Inbox {
    entry: OwnedFd,
    exit: OwnedFd,
}

/// Why something was not put into a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no room.
    Full,
    /// It is longer than [`LONGEST_MESSAGE`].
    TooLong,
}

impl Inbox {
    /// An empty one. Neither end blocks, and both are closed on exec.
    pub fn new() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (entry, exit) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        if sockopt::set_socket_send_buffer_size_force(&entry, ROOM).is_err() {
            let _smaller = sockopt::set_socket_send_buffer_size(&entry, ROOM);
        }
        Ok(Self { entry, exit })
    }

    /// One that another program had, in this process's place: where messages go in, and where they come out.
    #[must_use]
    pub fn adopt(entry: OwnedFd, exit: OwnedFd) -> Self {
        Self { entry, exit }
    }

    /// Where messages go in, and where they come out: the latter is readable when there is one.
    #[must_use]
    pub fn ends(&self) -> (BorrowedFd<'_>, BorrowedFd<'_>) {
        (self.entry.as_fd(), self.exit.as_fd())
    }

    /// Puts a message in, whole or not at all.
    pub fn send(&self, message: &[u8]) -> Result<(), Refused> {
        if message.len() > LONGEST_MESSAGE {
            return Err(Refused::TooLong);
        }
        self.put(message, &mut SendAncillaryBuffer::default())
    }

    /// Puts a socket in.
    pub fn send_socket(&self, socket: BorrowedFd<'_>) -> Result<(), Refused> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut along = SendAncillaryBuffer::new(&mut space);
        let sockets = [socket];
        let _there_is_room = along.push(SendAncillaryMessage::ScmRights(&sockets));
        self.put(b"", &mut along)
    }

    fn put(&self, bytes: &[u8], along: &mut SendAncillaryBuffer<'_, '_, '_>) -> Result<(), Refused> {
        loop {
            let parts = [IoSlice::new(&MARK), IoSlice::new(bytes)];
            match sendmsg(&self.entry, &parts, along, SendFlags::NOSIGNAL) {
                Ok(_whole) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(Errno::MSGSIZE) => return Err(Refused::TooLong),
                // No room, no memory, or too many sockets under way: all of that passes.
                Err(_) => return Err(Refused::Full),
            }
        }
    }

    /// Takes a message out, into `buffer`, which cuts it off if it is shorter than [`LONGEST_MESSAGE`]; gives its length. `None`:
    /// there is none.
    pub fn receive(&self, buffer: &mut [u8]) -> Option<usize> {
        self.take(buffer, &mut RecvAncillaryBuffer::default())
    }

    /// Takes a socket out; `None`: there is none.
    #[must_use]
    pub fn receive_socket(&self) -> Option<OwnedFd> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut along = RecvAncillaryBuffer::new(&mut space);
        loop {
            self.take(&mut [], &mut along)?;
            let socket = along.drain().find_map(|message| match message {
                RecvAncillaryMessage::ScmRights(mut sockets) => sockets.next(),
                _ => None,
            });
            if socket.is_some() {
                return socket; // without one, this process has too many descriptors: the sender sees the end
            }
        }
    }

    fn take(&self, buffer: &mut [u8], along: &mut RecvAncillaryBuffer<'_>) -> Option<usize> {
        let mut mark = [0_u8; MARK.len()];
        loop {
            let mut parts = [IoSliceMut::new(&mut mark), IoSliceMut::new(buffer)];
            match recvmsg(&self.exit, &mut parts, along, RecvFlags::CMSG_CLOEXEC) {
                Ok(taken) if taken.bytes >= MARK.len() => return Some(taken.bytes - MARK.len()),
                Err(Errno::INTR) => {}
                Ok(_) | Err(_) => return None,
            }
        }
    }

    /// Whether there is something to take.
    #[must_use]
    pub fn has_something(&self) -> bool {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let mut mark = [0_u8; 1];
        matches!(rustix::net::recv(&self.exit, &mut mark, flags), Ok((1.., _)))
    }
}

/// Two connected sockets for a question and its answer: neither blocks, and both are closed on exec.
pub fn line() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::{Read as _, Write as _};

    #[test]
    fn messages_come_out_whole_and_in_order() {
        let inbox = Inbox::new().unwrap();
        let mut buffer = vec![0; LONGEST_MESSAGE];
        assert!(!inbox.has_something());
        assert_eq!(inbox.receive(&mut buffer), None);
        let long = vec![7; LONGEST_MESSAGE];
        for message in [&b"one"[..], b"", &long] {
            inbox.send(message).unwrap();
        }
        assert!(inbox.has_something());
        for message in [&b"one"[..], b"", &long] {
            assert_eq!(inbox.receive(&mut buffer), Some(message.len()));
            assert_eq!(&buffer[..message.len()], message);
        }
        assert_eq!(inbox.receive(&mut buffer), None);
        assert_eq!(inbox.send(&vec![0; LONGEST_MESSAGE + 1]), Err(Refused::TooLong));
    }

    #[test]
    fn a_full_one_refuses_and_loses_nothing() {
        let inbox = Inbox::new().unwrap();
        let mut sent = 0_usize;
        while inbox.send(&sent.to_ne_bytes()).is_ok() {
            sent += 1;
        }
        assert_eq!(inbox.send(b"more"), Err(Refused::Full));
        assert!(sent >= 100, "{sent}");
        let mut buffer = [0; size_of::<usize>()];
        for expected in 0..sent {
            assert_eq!(inbox.receive(&mut buffer), Some(buffer.len()));
            assert_eq!(usize::from_ne_bytes(buffer), expected);
        }
        inbox.send(b"room again").unwrap();
    }

    #[test]
    fn what_was_sent_outlives_one_copy_of_the_ends() {
        let inbox = Inbox::new().unwrap();
        inbox.send(b"kept").unwrap();
        let (entry, exit) = inbox.ends();
        let copy = Inbox::adopt(entry.try_clone_to_owned().unwrap(), exit.try_clone_to_owned().unwrap());
        drop(inbox);
        let mut buffer = [0; 8];
        assert_eq!(copy.receive(&mut buffer), Some(4));
        assert_eq!(&buffer[..4], b"kept");
    }

    #[test]
    fn a_socket_goes_along_and_its_end_is_seen() {
        let inbox = Inbox::new().unwrap();
        assert!(inbox.receive_socket().is_none());
        let (ours, theirs) = line().unwrap();
        inbox.send_socket(theirs.as_fd()).unwrap();
        drop(theirs);
        let mut ours = File::from(ours);
        ours.write_all(b"question").unwrap();
        let mut theirs = File::from(inbox.receive_socket().unwrap());
        let mut buffer = [0; 8];
        theirs.read_exact(&mut buffer).unwrap();
        assert_eq!(&buffer, b"question");
        drop(theirs);
        assert_eq!(ours.read(&mut buffer).unwrap(), 0);
    }

    #[test]
    fn a_socket_in_a_queue_that_is_no_more_is_closed() {
        let inbox = Inbox::new().unwrap();
        let (ours, theirs) = line().unwrap();
        inbox.send_socket(theirs.as_fd()).unwrap();
        drop((theirs, inbox));
        assert_eq!(File::from(ours).read(&mut [0; 1]).unwrap(), 0);
    }
}
