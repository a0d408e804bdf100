//! The user and group database (getpwnam_r(3), getgrnam_r(3)) and dropping privileges (setresuid(2) and its kin,
//! chroot(2), PR_SET_NO_NEW_PRIVS).

use std::ffi::CString;
use std::io;
use std::path::Path;

use rustix::process::{Gid, Uid};

/// A user or group number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(pub u32);

/// Whom a worker becomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The user, if it is to change.
    pub user: Option<Id>,
    /// The group, if it is to change.
    pub group: Option<Id>,
    /// The groups that it is in besides.
    pub more_groups: Vec<Id>,
}

/// Whether this process has root's rights.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The user and the group that this process is.
#[must_use]
pub fn own() -> (Id, Id) {
    (Id(rustix::process::geteuid().as_raw()), Id(rustix::process::getegid().as_raw()))
}

/// A user and the group that the database names beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// The user.
    pub id: Id,
    /// Its own group; `None` for a number that is in no database.
    pub group: Option<Id>,
}

/// The user called `name`, which may be a number; `None`: there is no such user.
pub fn find_user(name: &str) -> io::Result<Option<User>> {
    // SAFETY: `passwd` is plain data (pointers and integers) for which all zeroes is a value; the query fills it.
    let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
    let number = name.parse().ok();
    let name = CString::new(name)?;
    let found = lookup(|buffer| {
        let mut found = std::ptr::null_mut();
        let (buffer, length) = (buffer.as_mut_ptr(), buffer.len());
        let error = match number {
            // SAFETY: every pointer is to a live local or to the buffer, whose true length is passed; the entry's strings
            // point into the buffer, but only its integers are used, below.
            Some(number) => unsafe {
                libc::getpwuid_r(number, &raw mut entry, buffer, length, &raw mut found)
            },
            // SAFETY: as above.
            None => unsafe {
                libc::getpwnam_r(name.as_ptr(), &raw mut entry, buffer, length, &raw mut found)
            },
        };
        (error, !found.is_null())
    })?;
    Ok(match (found, number) {
        (true, _) => Some(User { id: Id(entry.pw_uid), group: Some(Id(entry.pw_gid)) }),
        (false, Some(number)) => Some(User { id: Id(number), group: None }),
        (false, None) => None,
    })
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
/// If the group changes, or there are more groups, the supplementary groups are those and no others. Call it while the process
/// has one thread: rustix changes the calling thread alone, and threads made later inherit from it.
pub fn become_identity(identity: &Identity) -> io::Result<()> {
    let Identity { user, group, more_groups } = identity;
    let groups: Vec<Gid> = group.iter().chain(more_groups).map(|group| Gid::from_raw(group.0)).collect();
    if !groups.is_empty() {
        rustix::thread::set_thread_groups(&groups)?;
    }
    if let Some(Id(group)) = *group {
        let group = Gid::from_raw(group);
        rustix::thread::set_thread_res_gid(group, group, group)?;
    }
    if let Some(Id(user)) = *user {
        let user = Uid::from_raw(user);
        rustix::thread::set_thread_res_uid(user, user, user)?;
    }
    Ok(())
}

/// Makes `root` the root of the file system for this process, for good, and goes there.
pub fn stay_in(root: &Path) -> io::Result<()> {
    rustix::process::chroot(root)?;
    Ok(rustix::process::chdir("/")?)
}

/// Lets no program that this process starts have more rights than the process itself. Call it while the process has one
/// thread: threads made later inherit it.
pub fn gain_nothing() -> io::Result<()> {
    Ok(rustix::thread::set_no_new_privs(true)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_root_by_name_and_by_number() {
        assert_eq!(find_user("root").unwrap(), Some(User { id: Id(0), group: Some(Id(0)) }));
        assert_eq!(find_user("0").unwrap(), find_user("root").unwrap());
        assert_eq!(find_group("root").unwrap(), Some(Id(0)));
        let nowhere = 4_000_000_001;
        assert_eq!(find_user("4000000001").unwrap(), Some(User { id: Id(nowhere), group: None }));
        assert_eq!(find_user("no such user here").unwrap(), None);
        assert_eq!(find_group("no such group here").unwrap(), None);
        assert!(find_user("nul\0inside").is_err());
    }
}
