//! What a process takes out of its inboxes.
//!
//! The inboxes are watched by an epoll set, whose descriptor Go's poller watches. Whoever parks on it has had nothing from
//! epoll itself before, so whatever comes then makes it readable anew (see the reactor's `lead.rs`).

use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::sync::{Arc, Mutex, PoisonError};

use goherd_shm::inboxes::{Inboxes, NamedInbox, Purpose};
use goherd_shm::{Role, Who};
use goherd_sys::epoll::{Batch, Epoll, Watch};
use goherd_sys::eventfd::EventFd;
use goherd_sys::inbox::Inbox;

/// The token of the nudge; inboxes have the tokens from 0 on.
const NUDGE: u64 = u64::MAX;

/// All of a process's inboxes.
#[derive(Debug)]
pub(crate) struct Mail {
    /// Calls, which are taken at once.
    pub calls: Intake,
    /// Messages; none but mules get any.
    pub messages: Option<Intake>,
}

impl Mail {
    /// That of `who`: calls are heard from now on, messages when they are opened.
    pub fn new(all: &Inboxes, who: Who) -> io::Result<Self> {
        let calls = Intake::new(all, Purpose::Calls, who)?;
        calls.open()?;
        let messages = (who.role == Role::Mule).then(|| Intake::new(all, Purpose::Messages, who));
        Ok(Self { calls, messages: messages.transpose()? })
    }
}

/// The inboxes of a process that are for one purpose.
#[derive(Debug)]
pub(crate) struct Intake {
    inboxes: Vec<Arc<NamedInbox>>,
    epoll: Epoll,
    nudge: EventFd,
    /// One event at a time: epoll gives those that it has not given for longest first, so that no inbox is kept waiting by
    /// another.
    batch: Mutex<Batch>,
}

impl Intake {
    /// Those of `who`, none of which is open yet.
    pub fn new(all: &Inboxes, purpose: Purpose, who: Who) -> io::Result<Self> {
        let (epoll, nudge) = (Epoll::new()?, EventFd::new()?);
        epoll.add(&nudge, NUDGE, Watch::Readable)?;
        Ok(Self { inboxes: all.of(purpose, who), epoll, nudge, batch: Mutex::new(Batch::new(1)) })
    }

    /// Takes things from now on.
    pub fn open(&self) -> io::Result<()> {
        let exits = self.inboxes.iter().map(|named| named.inbox.ends().1);
        (0..).zip(exits).try_for_each(|(token, exit)| self.epoll.add(exit, token, Watch::Readable))
    }

    /// The descriptor that is readable when there may be something.
    pub fn raw_fd(&self) -> RawFd {
        self.epoll.raw()
    }

    /// Makes whoever waits look.
    pub fn nudge(&self) {
        self.nudge.signal();
    }

    /// Takes a message, into `buffer`; gives its length.
    pub fn message(&self, buffer: &mut [u8]) -> Option<usize> {
        self.look(|inbox| inbox.receive(buffer))
    }

    /// Takes a socket.
    pub fn socket(&self) -> Option<OwnedFd> {
        self.look(Inbox::receive_socket)
    }

    /// Whether something waits.
    pub fn has_something(&self) -> bool {
        self.look(|inbox| inbox.has_something().then_some(())).is_some()
    }

    /// What `take` finds in an inbox that has something, as epoll says. Somebody else may be faster: then the next is tried.
    fn look<T>(&self, mut take: impl FnMut(&Inbox) -> Option<T>) -> Option<T> {
        let mut batch = self.batch.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            self.epoll.wait(&mut batch, Some(0)).ok()?;
            let token = batch.next()?.token;
            if token == NUDGE {
                let _it_was_meant_for_us = self.nudge.clear();
                continue;
            }
            let inbox = usize::try_from(token).ok().and_then(|index| self.inboxes.get(index));
            if let Some(taken) = inbox.and_then(|named| take(&named.inbox)) {
                return Some(taken);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use goherd_shm::inboxes::{Addressees, Farm};

    use super::*;

    fn inboxes() -> Inboxes {
        let farms = vec![Farm { name: "f".to_owned(), mules: vec![1] }];
        let wanted = Addressees { workers: 1, mules: 2, spoolers: 0, farms };
        Inboxes::default().renewed(&wanted).unwrap()
    }

    fn send(all: &Inboxes, to: &str, message: &str) {
        all.find(Purpose::Messages, to).unwrap().send(message.as_bytes()).unwrap();
    }

    fn take(intake: &Intake) -> Option<String> {
        let mut buffer = [0; 16];
        let length = intake.message(&mut buffer)?;
        Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
    }

    #[test]
    fn nothing_is_taken_before_it_is_open() {
        let all = inboxes();
        let intake = Intake::new(&all, Purpose::Messages, Who::mule(1)).unwrap();
        send(&all, "mule1", "one");
        assert_eq!(take(&intake), None);
        intake.open().unwrap();
        assert!(intake.has_something());
        assert_eq!(take(&intake).as_deref(), Some("one"));
        assert_eq!(take(&intake), None);
    }

    #[test]
    fn no_inbox_keeps_another_waiting() {
        let all = inboxes();
        let intake = Intake::new(&all, Purpose::Messages, Who::mule(1)).unwrap();
        intake.open().unwrap();
        for _ in 0..4 {
            send(&all, "mule1", "own");
        }
        send(&all, "farm_f", "farm");
        send(&all, "", "any");
        send(&all, "mule2", "another's");
        let first: Vec<_> = (0..3).filter_map(|_| take(&intake)).collect();
        for message in ["own", "farm", "any"] {
            assert!(first.iter().any(|taken| taken == message), "{first:?}");
        }
        assert_eq!((0..9).filter_map(|_| take(&intake)).count(), 3);
    }

    #[test]
    fn each_message_is_taken_once() {
        let all = inboxes();
        let two: Vec<_> =
            [1, 2].map(|number| Intake::new(&all, Purpose::Messages, Who::mule(number)).unwrap()).into();
        two.iter().for_each(|intake| intake.open().unwrap());
        for number in 0..10 {
            send(&all, "mule", &number.to_string());
        }
        let taken: Vec<_> = (0..10).filter_map(|turn| take(&two[turn % 2])).collect();
        assert_eq!(taken, (0..10).map(|number| number.to_string()).collect::<Vec<_>>());
        assert_eq!((take(&two[0]), take(&two[1])), (None, None));
    }
}
