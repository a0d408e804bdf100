//! timerfd_create(2): a moment that a set of descriptors can wait for.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime,
};

use crate::clock::Millis;
use crate::epoll::timespec;

/// Readable once its moment has come.
#[derive(Debug)]
pub struct TimerFd {
    fd: OwnedFd,
}

impl TimerFd {
    /// One without a moment, non-blocking, closed on exec.
    pub fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        Ok(Self { fd: timerfd_create(TimerfdClockId::Monotonic, flags)? })
    }

    /// Makes `moment` the one that is waited for, in place of any other. A moment that is past is now.
    pub fn set(&self, moment: Millis) {
        let spec = Itimerspec { it_interval: timespec(0), it_value: timespec(moment.0.max(1)) };
        // It fails for a moment that is no time at all, which none of ours is.
        let _never = timerfd_settime(&self.fd, TimerfdTimerFlags::ABSTIME, &spec);
    }

    /// Makes it silent until it is set again.
    pub fn clear(&self) {
        let _silent_already = rustix::io::read(&self.fd, &mut [0_u8; 8]);
    }
}

impl AsFd for TimerFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epoll::{Batch, Epoll, Watch};

    #[test]
    fn is_readable_after_its_moment_and_silent_when_cleared() {
        let (timer, epoll, mut batch) = (TimerFd::new().unwrap(), Epoll::new().unwrap(), Batch::new(1));
        epoll.add(&timer, 1, Watch::Readable).unwrap();
        epoll.wait(&mut batch, Some(0)).unwrap();
        assert!(batch.is_empty());
        timer.set(Millis(0));
        epoll.wait(&mut batch, Some(5000)).unwrap();
        assert!(!batch.is_empty());
        timer.clear();
        timer.set(Millis::now().after(1));
        epoll.wait(&mut batch, Some(5000)).unwrap();
        assert!(!batch.is_empty());
        timer.clear();
        epoll.wait(&mut batch, Some(0)).unwrap();
        assert!(batch.is_empty());
    }
}
