//! Copies that nobody can change any more, in memory behind a descriptor.

use std::fs::File;
use std::io::{self, Write as _};
use std::ops::Deref;
use std::os::fd::AsRawFd;
use std::ptr::NonNull;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// An unchangeable copy of some bytes, with a path through which this process and its children can open it.
#[derive(Debug)]
pub struct Sealed {
    file: File,
}

impl Sealed {
    /// Copies `bytes`. `name` is what /proc and backtraces show of it.
    pub fn new(name: &str, bytes: &[u8]) -> io::Result<Self> {
        Self::fill(name, |copy| copy.write_all(bytes))
    }

    /// Copies what is in `original`, from where it is read next. The kernel does that: no byte comes by this process.
    pub fn of(name: &str, original: &mut File) -> io::Result<Self> {
        Self::fill(name, |copy| io::copy(original, copy).map(drop))
    }

    fn fill(name: &str, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<Self> {
        let mut file = File::from(memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
        fill(&mut file)?;
        // Nobody has mapped it to write. WRITE would look for such mappings, and fails with EBUSY when the kernel is at
        // work on one of the pages itself (moves it, say).
        fcntl_add_seals(
            &file,
            SealFlags::FUTURE_WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL,
        )?;
        Ok(Self { file })
    }

    /// A path that opens the copy, in this process and in processes forked from it.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/proc/self/fd/{}", self.file.as_raw_fd())
    }

    /// All of it, to look at.
    pub fn bytes(&self) -> io::Result<Bytes> {
        let length = usize::try_from(self.file.metadata()?.len()).map_err(io::Error::other)?;
        if length == 0 {
            return Ok(Bytes { address: NonNull::dangling(), length }); // there is no such mapping
        }
        // SAFETY: the address is left to the kernel, so no mapping of ours is replaced.
        let address =
            unsafe { mmap(std::ptr::null_mut(), length, ProtFlags::READ, MapFlags::PRIVATE, &self.file, 0) }?;
        let address = NonNull::new(address.cast()).expect("mmap never answers with page 0 unless asked to");
        Ok(Bytes { address, length })
    }
}

/// The bytes of a [`Sealed`] copy.
#[derive(Debug)]
pub struct Bytes {
    address: NonNull<u8>,
    length: usize,
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: so many bytes are mapped there until the value goes, of a file whose length and content are sealed; of none
        // the address is dangling, and aligned as bytes need it.
        unsafe { std::slice::from_raw_parts(self.address.as_ptr(), self.length) }
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        if self.length > 0 {
            // SAFETY: address and length are those of the mmap in `bytes`, and borrows of the memory borrow `self`.
            let _unmapped = unsafe { munmap(self.address.as_ptr().cast(), self.length) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_bytes_are_read_back_and_cannot_be_written() {
        let copy = Sealed::new("test", b"library").unwrap();
        assert_eq!(std::fs::read(copy.path()).unwrap(), b"library");
        assert_eq!(&copy.bytes().unwrap()[..], b"library");
        assert!(std::fs::write(copy.path(), b"other").is_err());
        let written = rustix::io::pwrite(&copy.file, b"other", 0);
        assert_eq!(written, Err(rustix::io::Errno::PERM), "nor through the descriptor that it was made with");
        let (protection, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
        // SAFETY: the address is left to the kernel, and nothing uses what is mapped.
        let mapped = unsafe { mmap(std::ptr::null_mut(), 7, protection, flags, &copy.file, 0) };
        assert_eq!(mapped.err(), Some(rustix::io::Errno::PERM));
    }

    #[test]
    fn a_file_is_copied_whole_and_the_copy_stays_what_it_was() {
        let path = std::env::temp_dir().join(format!("goherd-sealed-{}", std::process::id()));
        let content: Vec<u8> = (0..1_000_003_u32).map(|number| (number % 251) as u8).collect();
        std::fs::write(&path, &content).unwrap();
        let copy = Sealed::of("test", &mut File::open(&path).unwrap()).unwrap();
        std::fs::write(&path, b"overwritten in place").unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(copy.bytes().unwrap()[..] == content[..]);
    }

    #[test]
    fn what_is_empty_or_no_file_is_no_mapping() {
        assert_eq!(&Sealed::new("test", b"").unwrap().bytes().unwrap()[..], b"");
        let folder = &mut File::open("/").unwrap();
        assert_eq!(Sealed::of("test", folder).unwrap_err().kind(), io::ErrorKind::IsADirectory);
    }
}
