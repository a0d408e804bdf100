//! The descriptors of this process: how many it may have (RLIMIT_NOFILE of getrlimit(2), which children inherit), and which of
//! them the programs get that it starts.

use std::io;
use std::os::fd::{BorrowedFd, RawFd};

use rustix::io::{FdFlags, fcntl_setfd};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How many this user may have.
#[must_use]
pub fn most() -> u64 {
    getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX)
}

/// Lets this process have as many as this user may. Gives how many that are.
pub fn raise() -> io::Result<u64> {
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most })?;
    Ok(most.unwrap_or(u64::MAX))
}

/// Lets this process have `count`, for good: without root's rights it never gets more again.
pub fn set(count: u64) -> io::Result<()> {
    Ok(setrlimit(Resource::Nofile, Rlimit { current: Some(count), maximum: Some(count) })?)
}

/// Puts /dev/null where a descriptor from 0 to 2 is closed: whoever started this process may have left none open, and what is
/// opened next would be taken for its input or its log. Rust's own start-up does so, and a program of another language that
/// carries the server has had none. Call it before anything is opened.
pub fn fill_standard() -> io::Result<()> {
    for number in 0..=2 {
        // SAFETY: fcntl with F_GETFD reads a flag, or fails for a number that is not a descriptor's.
        let is_open = unsafe { libc::fcntl(number, libc::F_GETFD) } != -1;
        // SAFETY: the path is a text that ends with a NUL. The lowest number that is free is this one, and it stays taken for
        // the life of the process.
        if !is_open && unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) } == -1 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Lets no program that this process starts have more than the descriptors 0, 1 and 2 of all that are open now: whoever
/// started this process may have left some open.
pub fn keep_from_programs() -> io::Result<()> {
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let number = entry?.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok());
        if let Some(number @ 3..) = number {
            // SAFETY: the number was just read from the list of those that are open, and the borrow ends with this call. One that
            // has been closed meanwhile is an error, which nobody minds.
            let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
            let _closed_already = fcntl_setfd(descriptor, FdFlags::CLOEXEC);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_get_nothing_that_was_open() {
        use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
        // SAFETY: dup of the descriptor 2 takes no memory of ours.
        let number = unsafe { libc::dup(2) };
        // SAFETY: it was just made, and nobody else knows of it.
        let open = unsafe { OwnedFd::from_raw_fd(number) };
        assert_eq!(rustix::io::fcntl_getfd(&open).unwrap(), FdFlags::empty());
        keep_from_programs().unwrap();
        assert_eq!(rustix::io::fcntl_getfd(&open).unwrap(), FdFlags::CLOEXEC);
        assert_eq!(open.as_raw_fd(), number);
    }

    #[test]
    fn the_soft_limit_is_raised_to_the_hard_one() {
        let raised = raise().unwrap();
        assert_eq!(raised, most());
        assert_eq!(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX), raised);
    }

    #[test]
    fn nobody_may_have_more_than_the_kernel_can_count() {
        let kind = set(u64::MAX - 1).unwrap_err().kind();
        assert_eq!(kind, io::ErrorKind::PermissionDenied);
    }
}
