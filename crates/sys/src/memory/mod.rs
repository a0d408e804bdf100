//! Memory behind a descriptor (memfd_create(2)): a mapping that forked processes share, and sealed copies of files. And how
//! much of it a process may have.

#[cfg(miri)]
mod miri;
#[cfg(not(miri))]
mod shared;

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::process::{Resource, Rlimit, setrlimit};

#[cfg(miri)]
pub use miri::Shared;
#[cfg(not(miri))]
pub use shared::Shared;

/// An unchangeable copy of some bytes, with a path through which this process and its children can open it.
#[derive(Debug)]
pub struct Sealed {
    fd: OwnedFd,
}

impl Sealed {
    /// Copies `bytes`. `name` is what /proc and backtraces show of it.
    pub fn new(name: &str, bytes: &[u8]) -> io::Result<Self> {
        let fd = memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        let mut rest = bytes;
        while !rest.is_empty() {
            match rustix::io::write(&fd, rest) {
                Ok(n) => rest = &rest[n..],
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // Nobody has mapped it to write. WRITE would look for such mappings, and fails with EBUSY when the kernel is at
        // work on one of the pages itself (moves it, say).
        fcntl_add_seals(
            &fd,
            SealFlags::FUTURE_WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL,
        )?;
        Ok(Self { fd })
    }

    /// A path that opens the copy, in this process and in processes forked from it.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/proc/self/fd/{}", self.fd.as_raw_fd())
    }
}

/// Lets this process map `bytes` at most, for good: RLIMIT_AS of getrlimit(2).
pub fn limit_address_space(bytes: u64) -> io::Result<()> {
    let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
    Ok(setrlimit(Resource::As, limit)?)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use rustix::fs::ftruncate;
    use rustix::mm::{MapFlags, ProtFlags, mmap};

    use super::*;

    #[test]
    fn sealed_bytes_are_read_back_and_cannot_be_written() {
        let copy = Sealed::new("test", b"library").unwrap();
        assert_eq!(std::fs::read(copy.path()).unwrap(), b"library");
        assert!(std::fs::write(copy.path(), b"other").is_err());
        let written = rustix::io::pwrite(&copy.fd, b"other", 0);
        assert_eq!(written, Err(rustix::io::Errno::PERM), "nor through the descriptor that it was made with");
        let (protection, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
        // SAFETY: the address is left to the kernel, and nothing uses what is mapped.
        let mapped = unsafe { mmap(std::ptr::null_mut(), 7, protection, flags, &copy.fd, 0) };
        assert_eq!(mapped.err(), Some(rustix::io::Errno::PERM));
    }

    #[test]
    fn shared_memory_is_adopted_by_its_descriptor_and_nothing_else_is() {
        let shared = Shared::new("test", 4096).unwrap();
        // SAFETY: within the mapping, which nobody else uses here.
        unsafe { shared.address().write(7) };
        let copy = Shared::adopt(shared.as_fd().try_clone_to_owned().unwrap()).unwrap();
        assert_eq!(copy.len(), 4096);
        // SAFETY: as above.
        assert_eq!(unsafe { copy.address().read() }, 7);
        assert!(ftruncate(&shared, 8192).is_err());
        assert!(Shared::adopt(std::fs::File::open("/dev/null").unwrap().into()).is_err());
        assert!(Shared::adopt(Sealed::new("test", b"x").unwrap().fd).is_err());
    }

    #[test]
    fn shared_memory_starts_as_zeroes_and_holds_what_is_written() {
        let shared = Shared::new("test", 8192).unwrap();
        assert_eq!(shared.len(), 8192);
        // SAFETY: within the mapping, which nobody else uses here.
        let first = unsafe { shared.address().as_ref() };
        assert_eq!(*first, 0);
    }
}
