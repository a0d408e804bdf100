//! inotify(7): what happens to files and folders.

use std::ffi::OsString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};

/// What is asked of every watch: the kernel knows one mask for each file, whoever watches it.
const CHANGES: WatchFlags = WatchFlags::MODIFY
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::CREATE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF);

/// The number of a watched file or folder, unlike any other of the same [`Inotify`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WatchId(i32);

/// Something has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// To a watched file or folder, or to the entry of this name in the folder.
    Of(WatchId, Option<OsString>),
    /// The watch is no more: what it watched was removed, or its file system was.
    Gone(WatchId),
    /// More than the kernel remembers.
    TooMuch,
}

/// A list of watched files and folders, readable when one of them has changed.
#[derive(Debug)]
pub struct Inotify {
    fd: OwnedFd,
}

impl Inotify {
    /// An empty one, non-blocking, closed on exec.
    pub fn new() -> io::Result<Self> {
        Ok(Self { fd: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)? })
    }

    /// Watches what is at `path` now, also if it is renamed. The same file has the same number, by whatever path.
    pub fn watch(&self, path: &Path) -> io::Result<WatchId> {
        Ok(WatchId(inotify::add_watch(&self.fd, path, CHANGES)?))
    }

    /// Takes what has happened.
    #[must_use]
    pub fn take(&self) -> Vec<Change> {
        let mut buffer = [MaybeUninit::uninit(); 16 << 10];
        let mut reader = Reader::new(&self.fd, &mut buffer);
        let mut changes = Vec::new();
        while let Ok(event) = reader.next() {
            let watch = WatchId(event.wd());
            changes.push(if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                Change::TooMuch
            } else if event.events().intersects(ReadFlags::IGNORED | ReadFlags::UNMOUNT) {
                Change::Gone(watch)
            } else {
                let name =
                    event.file_name().map(|name| std::ffi::OsStr::from_bytes(name.to_bytes()).to_owned());
                Change::Of(watch, name)
            });
        }
        changes
    }
}

impl AsFd for Inotify {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn changes_of_files_and_entries_are_told() {
        let folder = std::env::temp_dir().join(format!("goherd-inotify-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("file");
        let inotify = Inotify::new().unwrap();
        let around = inotify.watch(&folder).unwrap();
        assert_eq!(inotify.take(), []);
        fs::write(&file, "").unwrap();
        let own = inotify.watch(&file).unwrap();
        let created = inotify.take();
        fs::remove_file(&file).unwrap();
        let removed = inotify.take();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(created[0], Change::Of(around, Some("file".into())));
        assert!(removed.contains(&Change::Of(around, Some("file".into()))), "{removed:?}");
        assert!(removed.contains(&Change::Gone(own)) && inotify.watch(&file).is_err());
    }
}
