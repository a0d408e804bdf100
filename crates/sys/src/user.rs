//! The user and group database (getpwnam_r(3), getgrnam_r(3)) and dropping privileges (setresuid(2) and its kin).

use std::ffi::CString;
use std::io;

use rustix::process::{Gid, Uid};

/// A user or group number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(pub u32);

/// Whom a worker becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The user, if it is to change.
    pub user: Option<Id>,
    /// The group, if it is to change.
    pub group: Option<Id>,
}

/// Whether this process has root's rights.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The number of the user called `name`, which may be a number itself; `None`: there is no such user.
pub fn find_user(name: &str) -> io::Result<Option<Id>> {
    if let Ok(number) = name.parse() {
        return Ok(Some(Id(number)));
    }
    let name = CString::new(name)?;
    // SAFETY: `passwd` is plain data (pointers and integers) for which all zeroes is a value; getpwnam_r fills it.
    let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
    lookup(|buffer| {
        let mut found = std::ptr::null_mut();
        // SAFETY: every pointer is to a live local or to `buffer`, whose true length is passed; the entry's strings
        // point into `buffer` but only its integer is used, below.
        let error = unsafe {
            libc::getpwnam_r(name.as_ptr(), &raw mut entry, buffer.as_mut_ptr(), buffer.len(), &raw mut found)
        };
        (error, !found.is_null())
    })
    .map(|found| found.then_some(Id(entry.pw_uid)))
}

/// The number of the group called `name`, which may be a number itself; `None`: there is no such group.
pub fn find_group(name: &str) -> io::Result<Option<Id>> {
    if let Ok(number) = name.parse() {
        return Ok(Some(Id(number)));
    }
    let name = CString::new(name)?;
    // SAFETY: `group` is plain data (pointers and integers) for which all zeroes is a value; getgrnam_r fills it.
    let mut entry: libc::group = unsafe { std::mem::zeroed() };
    lookup(|buffer| {
        let mut found = std::ptr::null_mut();
        // SAFETY: as in `find_user`: live locals, the buffer's true length, and only the integer is used.
        let error = unsafe {
            libc::getgrnam_r(name.as_ptr(), &raw mut entry, buffer.as_mut_ptr(), buffer.len(), &raw mut found)
        };
        (error, !found.is_null())
    })
    .map(|found| found.then_some(Id(entry.gr_gid)))
}

/// Calls `query` with a buffer that grows while it is reported too small; `true`: an entry was found.
fn lookup(mut query: impl FnMut(&mut [libc::c_char]) -> (libc::c_int, bool)) -> io::Result<bool> {
    for size in [1 << 10, 1 << 14, 1 << 18, 1 << 22] {
        match query(&mut vec![0; size]) {
            (libc::ERANGE, _) => {}
            (0 | libc::ENOENT | libc::ESRCH, found) => return Ok(found),
            (error, _) => return Err(io::Error::from_raw_os_error(error)),
        }
    }
    Err(io::Error::from_raw_os_error(libc::ERANGE))
}

/// Makes this process `identity`, for good: groups first, then the user, so that nothing is left to take back.
///
/// The supplementary groups are cut to the one group. Call it while the process has one thread: rustix changes the
/// calling thread alone, and threads made later inherit from it.
pub fn become_identity(identity: Identity) -> io::Result<()> {
    if let Some(Id(group)) = identity.group {
        let group = Gid::from_raw(group);
        rustix::thread::set_thread_groups(&[group])?;
        rustix::thread::set_thread_res_gid(group, group, group)?;
    }
    if let Some(Id(user)) = identity.user {
        let user = Uid::from_raw(user);
        rustix::thread::set_thread_res_uid(user, user, user)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_root_by_name_and_by_number() {
        assert_eq!(find_user("root").unwrap(), Some(Id(0)));
        assert_eq!(find_group("root").unwrap(), Some(Id(0)));
        assert_eq!(find_user("65534").unwrap(), Some(Id(65534)));
        assert_eq!(find_user("no such user here").unwrap(), None);
        assert_eq!(find_group("no such group here").unwrap(), None);
        assert!(find_user("nul\0inside").is_err());
    }
}
