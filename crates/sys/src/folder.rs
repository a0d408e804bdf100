//! Folders of files: what happens in one (inotify(7)), whether it may be used (access(2)), and files that are only files.

use std::ffi::{CStr, OsString};
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use rustix::fs::inotify::{self, ReadFlags, WatchFlags};
use rustix::fs::{Access, Mode, OFlags};
use rustix::io::Errno;

/// Bytes of changes that are read at a time: some of the longest names.
const ROOM: usize = 8 << 10;

/// What happened in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A file is there, whole: it was moved there, or whoever wrote it has closed it.
    Appeared(OsString),
    /// A name is there no more.
    Gone(OsString),
    /// There were more changes than the kernel keeps, or the folder itself was moved or deleted: look at all of it.
    Lost,
}

/// Watches a folder. Its descriptor, non-blocking and closed on exec, is readable when there are changes.
#[derive(Debug)]
pub struct FolderWatch {
    fd: OwnedFd,
}

impl FolderWatch {
    /// Begins to watch.
    pub fn new(folder: &Path) -> io::Result<Self> {
        let fd = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
        let what = WatchFlags::MOVED_TO
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        inotify::add_watch(&fd, folder, what)?;
        Ok(Self { fd })
    }

    /// Gives the changes since the last call to `each`.
    pub fn changes(&self, mut each: impl FnMut(Change)) -> io::Result<()> {
        let mut room = [MaybeUninit::uninit(); ROOM];
        let mut reader = inotify::Reader::new(&self.fd, &mut room);
        loop {
            match reader.next() {
                Ok(event) => each(change(event.events(), event.file_name())),
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn change(what: ReadFlags, name: Option<&CStr>) -> Change {
    let Some(name) = name.map(|name| OsString::from_vec(name.to_bytes().to_vec())) else {
        return Change::Lost;
    };
    let gone = what.intersects(ReadFlags::MOVED_FROM | ReadFlags::DELETE);
    if gone { Change::Gone(name) } else { Change::Appeared(name) }
}

impl AsFd for FolderWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Whether this process may list the folder, and make, rename and remove files in it; else why not.
pub fn may_use(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::access(folder, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK)?)
}

/// Opens an ordinary file for reading: no link, no pipe, no folder, and without waiting for anybody.
pub fn open_ordinary(path: &Path) -> io::Result<File> {
    if cfg!(miri) {
        return File::open(path); // it knows no such flags
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if file.metadata()?.is_file() { Ok(file) } else { Err(Errno::LOOP.into()) }
}

/// Whether the error is about the thing itself, which no later attempt would open: it is a link, or not an ordinary file, or
/// somebody else's.
#[must_use]
pub fn never_opens(error: &io::Error) -> bool {
    let never = [Errno::LOOP, Errno::ACCESS, Errno::PERM, Errno::NXIO];
    Errno::from_io_error(error).is_some_and(|errno| never.contains(&errno))
}

/// Makes what happened to the names in a folder last. File systems that cannot be asked for that keep their own order.
pub fn sync(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        Err(error) if Errno::from_io_error(&error) == Some(Errno::INVAL) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::PathBuf;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("goherd-sys-{name}-{}", std::process::id()));
        let _absent = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        path
    }

    #[test]
    fn what_happens_in_a_folder_is_told_once() {
        let folder = folder("watch");
        let watch = FolderWatch::new(&folder).unwrap();
        let take = || {
            let mut changes = Vec::new();
            watch.changes(|change| changes.push(change)).unwrap();
            changes
        };
        assert_eq!(take(), []);
        fs::write(folder.join("a"), "").unwrap();
        fs::rename(folder.join("a"), folder.join("b")).unwrap();
        fs::remove_file(folder.join("b")).unwrap();
        let (appeared, gone) = (|n: &str| Change::Appeared(n.into()), |n: &str| Change::Gone(n.into()));
        assert_eq!(take(), [appeared("a"), gone("a"), appeared("b"), gone("b")]);
        assert_eq!(take(), []);
        fs::remove_dir(&folder).unwrap();
        assert!(take().contains(&Change::Lost));
    }

    #[test]
    fn only_ordinary_files_are_opened() {
        let folder = folder("ordinary");
        fs::write(folder.join("file"), "x").unwrap();
        std::os::unix::fs::symlink("file", folder.join("link")).unwrap();
        assert!(open_ordinary(&folder.join("file")).is_ok());
        for path in [folder.join("link"), folder.clone()] {
            assert!(never_opens(&open_ordinary(&path).unwrap_err()), "{}", path.display());
        }
        assert!(!never_opens(&open_ordinary(&folder.join("absent")).unwrap_err()));
        may_use(&folder).unwrap();
        sync(&folder).unwrap();
        assert!(may_use(&folder.join("file")).is_err());
        fs::remove_dir_all(&folder).unwrap();
    }
}
