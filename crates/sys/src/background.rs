//! Going on in the background: fork(2), setsid(2), and the descriptors 0, 1 and 2 turned away from the terminal.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};

use crate::process::{Fork, close_stdin, fork_alone};

/// Which of the two processes came out of [`leave`].
#[derive(Debug)]
pub enum Left {
    /// The one that was started, once it is known whether the other goes on. It has nothing left to do.
    Starter {
        /// Whether the other goes on.
        settled: bool,
    },
    /// The one that goes on, if it can.
    Server(Unsettled),
}

/// A process whose starter waits to hear whether it goes on. If it ends before, that is the answer.
#[derive(Debug)]
pub struct Unsettled {
    starter: OwnedFd,
}

/// Leaves the terminal to the starter: the server is a new process, in a session of its own. Its descriptors 0, 1 and 2 stay what
/// they were until it has [settled](Unsettled::settle), so that it can still say what is wrong.
pub fn leave() -> io::Result<Left> {
    let (verdict, starter) = pipe_with(PipeFlags::CLOEXEC)?;
    match fork_alone()? {
        Fork::Parent(_) => {
            drop(starter);
            Ok(Left::Starter { settled: hears(&verdict) })
        }
        Fork::Child => {
            rustix::process::setsid()?;
            Ok(Left::Server(Unsettled { starter }))
        }
    }
}

/// Waits for a byte, or for the end.
fn hears(verdict: &OwnedFd) -> bool {
    loop {
        match rustix::io::read(verdict, &mut [0_u8]) {
            Err(Errno::INTR) => {}
            read => return read == Ok(1),
        }
    }
}

impl Unsettled {
    /// Writes to `log` from now on, reads nothing, and lets the starter end.
    pub fn settle(self, log: &File) -> io::Result<()> {
        close_stdin()?;
        rustix::stdio::dup2_stdout(log)?;
        rustix::stdio::dup2_stderr(log)?;
        let _starter_was_killed = rustix::io::write(&self.starter, &[1]);
        Ok(())
    }
}
