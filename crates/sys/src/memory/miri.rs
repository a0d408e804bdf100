//! [`Shared`] as Miri can have it, which knows neither mappings nor memory files: memory of this process alone, so that the
//! algorithms on it can be run there.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;

/// As a mapping's.
const ALIGNMENT: usize = 4096;

/// Memory that starts as zeroes.
#[derive(Debug)]
pub struct Shared {
    address: NonNull<u8>,
    length: usize,
}

// SAFETY: it is plain memory, reachable from any thread; who touches its bytes must synchronise.
unsafe impl Send for Shared {}
// SAFETY: as above; `Shared` itself has no interior state.
unsafe impl Sync for Shared {}

impl Shared {
    /// `length` bytes (at least one).
    pub fn new(_name: &str, length: usize) -> io::Result<Self> {
        let layout = layout(length)?;
        // SAFETY: the layout is not of length 0.
        let address = unsafe { alloc_zeroed(layout) };
        Ok(Self { address: NonNull::new(address).ok_or(io::ErrorKind::OutOfMemory)?, length })
    }

    /// There is nothing to take over.
    pub fn adopt(_fd: OwnedFd) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The first byte.
    #[must_use]
    pub fn address(&self) -> NonNull<u8> {
        self.address
    }

    /// The length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether it has no bytes: never.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

fn layout(length: usize) -> io::Result<Layout> {
    Layout::from_size_align(length.max(1), ALIGNMENT).map_err(io::Error::other)
}

impl AsFd for Shared {
    fn as_fd(&self) -> BorrowedFd<'_> {
        unreachable!("a test that hands memory on is no test for Miri")
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let layout = layout(self.length).expect("it was one when the memory was made");
        // SAFETY: the memory was made with this layout, and borrows of it borrow `self`.
        unsafe { dealloc(self.address.as_ptr(), layout) };
    }
}
