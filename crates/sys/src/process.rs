//! Processes: fork(2), waitpid(2), kill(2), process groups, the end.

use std::io;
use std::num::NonZeroI32;

use rustix::process as rp;

use crate::signal::Signum;

/// A process number: positive, so that no slip makes `kill` mean "everyone".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pid(NonZeroI32);

impl Pid {
    /// `None` for numbers that are not a process's.
    #[must_use]
    pub fn new(number: i32) -> Option<Self> {
        NonZeroI32::new(number).filter(|n| n.get() > 0).map(Self)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> i32 {
        self.0.get()
    }

    /// This process.
    #[must_use]
    pub fn me() -> Self {
        Self::from_rustix(rp::getpid())
    }

    fn from_rustix(pid: rp::Pid) -> Self {
        Self(pid.as_raw_nonzero())
    }

    fn to_rustix(self) -> rp::Pid {
        rp::Pid::from_raw(self.get()).expect("a Pid is not zero")
    }
}

impl std::fmt::Display for Pid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Which of the two processes came out of a fork.
#[derive(Debug, PartialEq, Eq)]
pub enum Fork {
    /// The one that called; the child's number.
    Parent(Pid),
    /// The new one.
    Child,
}

/// Forks, if this process has one thread, as a fork needs it: a child of a process with several has only the one that
/// forked, and any lock which another held (the allocator's, for one) would be held in it for ever.
pub fn fork_alone() -> io::Result<Fork> {
    expect_one_thread()?;
    // SAFETY: one thread (no other can make a second one meanwhile), so the child may do whatever the parent could.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Fork::Child),
        pid => Ok(Fork::Parent(Pid::new(pid).expect("fork answers with a process number"))),
    }
}

/// Refuses what only a process with one thread may do.
pub(crate) fn expect_one_thread() -> io::Result<()> {
    match std::fs::read_dir("/proc/self/task")?.count() {
        1 => Ok(()),
        threads => {
            Err(io::Error::other(format!("this process has {threads} threads, and may have but one here")))
        }
    }
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It exited with this code.
    Exited(i32),
    /// A signal killed it.
    Killed(Signum),
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exited with code {code}"),
            Self::Killed(signal) => write!(f, "was killed by {}", signal.name()),
        }
    }
}

/// Takes one child that has ended, if there is one.
#[must_use]
pub fn reap() -> Option<(Pid, Ending)> {
    let (pid, status) = rp::wait(rp::WaitOptions::NOHANG).ok()??;
    let ending = match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Ending::Exited(code),
        (None, Some(signal)) => Ending::Killed(Signum(signal)),
        (None, None) => return None,
    };
    Some((Pid::from_rustix(pid), ending))
}

/// Sends `signal` to the process group that `leader` leads: the worker and the children of its handlers.
///
/// A group that is gone already is no error.
pub fn kill_group(leader: Pid, signal: Signum) {
    if let Some(signal) = rp::Signal::from_named_raw(signal.0) {
        let _gone = rp::kill_process_group(leader.to_rustix(), signal);
    }
}

/// Makes this process the leader of a group of its own.
pub fn lead_own_group() -> io::Result<()> {
    Ok(rp::setpgid(None, None)?)
}

/// Makes the child `pid` the leader of a group of its own, in case it has not come to that itself yet.
pub fn give_own_group(pid: Pid) {
    let _done_or_gone = rp::setpgid(Some(pid.to_rustix()), None);
}

/// What the kernel told this process at its start (getauxval(3)), as pairs of kind and value with the ending pair of
/// zeroes, as under a new process's stack. /proc/self/auxv has the same, but not for a process that dropped privileges.
#[must_use]
pub fn auxiliary_vector() -> Vec<[usize; 2]> {
    let kinds = [
        libc::AT_PAGESZ,
        libc::AT_CLKTCK,
        libc::AT_UID,
        libc::AT_EUID,
        libc::AT_GID,
        libc::AT_EGID,
        libc::AT_SECURE,
        libc::AT_RANDOM,
        libc::AT_HWCAP,
        libc::AT_HWCAP2,
        libc::AT_SYSINFO_EHDR,
        libc::AT_NULL,
    ];
    let words = |kind: libc::c_ulong| {
        // SAFETY: getauxval reads memory of the C library's own and answers 0 for a kind that is not there.
        let value = unsafe { libc::getauxval(kind) };
        [usize::try_from(kind).unwrap_or(0), usize::try_from(value).unwrap_or(0)]
    };
    kinds.into_iter().map(words).collect()
}

/// Ends this process at once, running nobody's exit handlers: they belong to the parent it was forked from, or to a Go
/// runtime that is still at work.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit takes any code, never returns and touches no memory of ours.
    unsafe { libc::_exit(code) }
}

/// Sleeps for ever; signals are handled meanwhile.
pub fn sleep_for_ever() -> ! {
    loop {
        // SAFETY: pause has no arguments and touches no memory of ours.
        unsafe { libc::pause() };
    }
}

/// Replaces the descriptor 0 by /dev/null, so that no worker reads the terminal.
pub fn close_stdin() -> io::Result<()> {
    let null = std::fs::File::open("/dev/null")?;
    Ok(rustix::stdio::dup2_stdin(null)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_positive_numbers_are_processes() {
        assert_eq!(Pid::new(0), None);
        assert_eq!(Pid::new(-1), None);
        assert!(Pid::me().get() > 0);
    }

    #[test]
    fn the_auxiliary_vector_names_the_page_size_and_ends() {
        let vector = auxiliary_vector();
        let page_size = vector.iter().find(|pair| pair[0] == 6).map(|pair| pair[1]); // AT_PAGESZ
        assert!(page_size.is_some_and(usize::is_power_of_two), "{vector:?}");
        assert_eq!(vector.last().map(|pair| pair[0]), Some(0));
    }

    #[test]
    fn endings_are_sentences() {
        assert_eq!(Ending::Exited(3).to_string(), "exited with code 3");
        assert_eq!(Ending::Killed(Signum::KILL).to_string(), "was killed by SIGKILL");
    }
}
