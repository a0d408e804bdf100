//! UNIX signals as something to read (signalfd(2)) instead of something that interrupts.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// A signal's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Signum(pub i32);

impl Signum {
    /// A child ended.
    pub const CHLD: Self = Self(libc::SIGCHLD);
    /// The terminal is gone; by custom: read everything anew.
    pub const HUP: Self = Self(libc::SIGHUP);
    /// Ctrl-C.
    pub const INT: Self = Self(libc::SIGINT);
    /// The end that cannot be refused.
    pub const KILL: Self = Self(libc::SIGKILL);
    /// Ctrl-\.
    pub const QUIT: Self = Self(libc::SIGQUIT);
    /// A polite end.
    pub const TERM: Self = Self(libc::SIGTERM);
    /// Ctrl-Z.
    pub const TSTP: Self = Self(libc::SIGTSTP);
    /// Background input; by custom: one more.
    pub const TTIN: Self = Self(libc::SIGTTIN);
    /// Background output; by custom: one less.
    pub const TTOU: Self = Self(libc::SIGTTOU);
    /// For the user.
    pub const USR1: Self = Self(libc::SIGUSR1);
    /// For the user, too.
    pub const USR2: Self = Self(libc::SIGUSR2);

    /// The name that people know, `SIGKILL`, or `signal 42` for one without a name.
    #[must_use]
    pub fn name(self) -> String {
        let names = [
            (libc::SIGABRT, "SIGABRT"),
            (libc::SIGALRM, "SIGALRM"),
            (libc::SIGBUS, "SIGBUS"),
            (libc::SIGFPE, "SIGFPE"),
            (libc::SIGHUP, "SIGHUP"),
            (libc::SIGILL, "SIGILL"),
            (libc::SIGINT, "SIGINT"),
            (libc::SIGKILL, "SIGKILL"),
            (libc::SIGPIPE, "SIGPIPE"),
            (libc::SIGQUIT, "SIGQUIT"),
            (libc::SIGSEGV, "SIGSEGV"),
            (libc::SIGSYS, "SIGSYS"),
            (libc::SIGTERM, "SIGTERM"),
            (libc::SIGTRAP, "SIGTRAP"),
            (libc::SIGUSR1, "SIGUSR1"),
            (libc::SIGUSR2, "SIGUSR2"),
            (libc::SIGXCPU, "SIGXCPU"),
            (libc::SIGXFSZ, "SIGXFSZ"),
        ];
        names
            .iter()
            .find(|(number, _)| *number == self.0)
            .map_or_else(|| format!("signal {}", self.0), |(_, name)| (*name).to_owned())
    }
}

/// A descriptor that is readable while one of its signals waits. The signals are blocked for as long as it lives.
#[derive(Debug)]
pub struct SignalFd {
    fd: OwnedFd,
}

impl SignalFd {
    /// Blocks `signals` in this thread (call it before there are others) and makes them readable instead.
    pub fn new(signals: &[Signum]) -> io::Result<Self> {
        keep(signals)?;
        let set = set_of(signals);
        // SAFETY: -1 asks for a new descriptor, the set is initialised and outlives the call.
        let fd = unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just made this descriptor for us and nobody else has it.
        Ok(Self { fd: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    /// Takes the next signal that waits.
    pub fn take(&self) -> Option<Signum> {
        const SIZE: usize = size_of::<libc::signalfd_siginfo>();
        let mut info = MaybeUninit::<libc::signalfd_siginfo>::uninit();
        // SAFETY: the buffer is exactly one record long; the kernel writes whole records only.
        let n = unsafe { libc::read(self.fd.as_raw_fd(), info.as_mut_ptr().cast(), SIZE) };
        if usize::try_from(n) != Ok(SIZE) {
            return None;
        }
        // SAFETY: the kernel has filled the whole record.
        let info = unsafe { info.assume_init() };
        i32::try_from(info.ssi_signo).ok().map(Signum)
    }
}

impl AsFd for SignalFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Lets these signals wait, until somebody reads them.
pub fn keep(signals: &[Signum]) -> io::Result<()> {
    set_mask(libc::SIG_BLOCK, &set_of(signals))
}

/// Lets this process hear of its children's ends: whoever has started it may have had no ear for those of its own
/// (SIGCHLD ignored), which exec(2) leaves so, and then they end unseen.
pub fn hear_of_children() -> io::Result<()> {
    // SAFETY: default actions run no code of ours, and that of SIGCHLD is to do nothing.
    match unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) } {
        libc::SIG_ERR => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Lets a write to somebody who has gone fail, instead of ending the process. Rust's own start-up does so, and a program
/// of another language that carries the server has had none.
pub fn ignore_broken_pipes() -> io::Result<()> {
    // SAFETY: to ignore a signal runs no code.
    match unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) } {
        libc::SIG_ERR => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// What Rust's start-up changes: it ignores SIGPIPE, and handles the others to tell of stacks that overflow. A Go runtime would
/// pass such signals on to its handler, which then takes a `kill -SEGV` for a fault that will happen again, and forgets it.
const CHANGED_BY_RUST: [libc::c_int; 3] = [libc::SIGPIPE, libc::SIGSEGV, libc::SIGBUS];

/// Gives a forked child a clean slate: no signal blocked, and the default action for every one that the parent or Rust
/// had changed, as a Go runtime expects of a new process.
pub fn reset() -> io::Result<()> {
    for signal in CHANGED_BY_RUST {
        // SAFETY: default actions run no code of ours, and nobody waits for what the handlers would have told.
        let previous = unsafe { libc::signal(signal, libc::SIG_DFL) };
        if previous == libc::SIG_ERR {
            return Err(io::Error::last_os_error());
        }
    }
    set_mask(libc::SIG_SETMASK, &set_of(&[]))
}

/// Keeps every signal away from this thread: for threads that a Go runtime knows nothing about.
pub fn block_all_in_thread() -> io::Result<()> {
    set_mask(libc::SIG_SETMASK, &all())
}

/// Does something on this thread while every signal is kept away from it: threads that are started so never see one.
pub fn without_signals<T>(action: impl FnOnce() -> T) -> io::Result<T> {
    let (all, mut old) = (all(), set_of(&[]));
    // SAFETY: both sets are initialised, and live until the call is over.
    match unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut old) } {
        0 => {}
        error => return Err(io::Error::from_raw_os_error(error)),
    }
    let done = action();
    set_mask(libc::SIG_SETMASK, &old)?;
    Ok(done)
}

fn all() -> libc::sigset_t {
    let mut set = set_of(&[]);
    // SAFETY: the set is initialised; sigfillset cannot fail.
    let _always_zero = unsafe { libc::sigfillset(&raw mut set) };
    set
}

fn set_of(signals: &[Signum]) -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset initialises the set it is given and cannot fail.
    let _always_zero = unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: initialised by the line above.
    let mut set = unsafe { set.assume_init() };
    for signal in signals {
        // SAFETY: the set is initialised; a bad number is refused by an error value and leaves it as it was.
        let _refused = unsafe { libc::sigaddset(&raw mut set, signal.0) };
    }
    set
}

fn set_mask(how: libc::c_int, set: &libc::sigset_t) -> io::Result<()> {
    // SAFETY: the set is initialised, and the old mask is not asked for.
    match unsafe { libc::pthread_sigmask(how, set, std::ptr::null_mut()) } {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_ones_that_people_know() {
        assert_eq!(Signum::KILL.name(), "SIGKILL");
        assert_eq!(Signum(42).name(), "signal 42");
    }

    #[test]
    fn a_blocked_signal_is_read() {
        let signals = SignalFd::new(&[Signum(libc::SIGUSR2)]).unwrap();
        assert_eq!(signals.take(), None);
        // SAFETY: the signal is blocked in this thread, so it only becomes readable.
        unsafe { libc::raise(libc::SIGUSR2) };
        assert_eq!(signals.take(), Some(Signum(libc::SIGUSR2)));
    }
}
