//! Memory behind a descriptor (memfd_create(2)): a mapping that forked processes share, and sealed copies of files. And how
//! much of it a process may have.

#[cfg(miri)]
mod miri;
mod sealed;
#[cfg(not(miri))]
mod shared;

use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};

#[cfg(miri)]
pub use miri::Shared;
pub use sealed::{Bytes, Sealed};
#[cfg(not(miri))]
pub use shared::Shared;

/// Lets this process map `bytes` at most, for good: RLIMIT_AS of getrlimit(2).
pub fn limit_address_space(bytes: u64) -> io::Result<()> {
    let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
    Ok(setrlimit(Resource::As, limit)?)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use rustix::fs::ftruncate;

    use super::*;

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
        let sealed = std::fs::File::open(Sealed::new("test", b"x").unwrap().path()).unwrap();
        assert!(Shared::adopt(sealed.into()).is_err());
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
