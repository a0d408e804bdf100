//! A mapping that forked processes share.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// The length of shared memory is fixed, so that no access to a mapping of it ever fails.
const FIXED: SealFlags = SealFlags::GROW.union(SealFlags::SHRINK).union(SealFlags::SEAL);

/// A mapping of anonymous memory, shared with every process forked after it was made. It starts as zeroes.
#[derive(Debug)]
pub struct Shared {
    address: NonNull<u8>,
    length: usize,
    fd: OwnedFd,
}

// SAFETY: the mapping is plain memory, reachable from any thread; who touches its bytes must synchronise (crate shm
// holds atomics alone there).
unsafe impl Send for Shared {}
// SAFETY: as above; `Shared` itself has no interior state.
unsafe impl Sync for Shared {}

impl Shared {
    /// `length` bytes (at least one), shown as `name` in /proc.
    pub fn new(name: &str, length: usize) -> io::Result<Self> {
        let fd = memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        ftruncate(&fd, length as u64)?;
        fcntl_add_seals(&fd, FIXED)?;
        Self::map(fd, length)
    }

    /// Maps memory that another life of this server made with [`Shared::new`] and left behind as `fd`.
    pub fn adopt(fd: OwnedFd) -> io::Result<Self> {
        if !fcntl_get_seals(&fd).is_ok_and(|seals| seals.contains(FIXED)) {
            return Err(io::Error::other("the descriptor is not of shared memory made by Goherd"));
        }
        let length = usize::try_from(fstat(&fd)?.st_size).map_err(io::Error::other)?;
        Self::map(fd, length)
    }

    /// `fd` is a memory file of `length` bytes, which cannot change any more.
    fn map(fd: OwnedFd, length: usize) -> io::Result<Self> {
        let (protection, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
        // SAFETY: the address is left to the kernel, so no mapping of ours is replaced, and the file is as long as
        // the mapping and stays so (sealed).
        let address = unsafe { mmap(std::ptr::null_mut(), length, protection, flags, &fd, 0) }?;
        let address = NonNull::new(address.cast()).expect("mmap never answers with page 0 unless asked to");
        Ok(Self { address, length, fd })
    }

    /// The first byte. It is page-aligned; the mapping lives as long as `self`.
    #[must_use]
    pub fn address(&self) -> NonNull<u8> {
        self.address
    }

    /// The length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether it has no bytes: never, the kernel refuses such a mapping.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl AsFd for Shared {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: address and length are those of the mmap in `map`, and borrows of the memory borrow `self`.
        let _unmapped = unsafe { munmap(self.address.as_ptr().cast(), self.length) };
    }
}
