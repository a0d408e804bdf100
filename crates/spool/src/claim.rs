//! A task at hand: its file, locked, so that no other process takes it while this one lives.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use goherd_sys::folder;

use crate::{Folder, Moment, Name, Retries, SpoolError, Task, Unread};

/// A task of which this process has the lock. Dropping it gives the task back as it stands.
#[derive(Debug)]
pub struct Claim {
    folder: Folder,
    name: Name,
    file: File,
}

/// What came of reaching for a task.
#[derive(Debug)]
pub enum Claimed {
    /// It is this process's, and this try is counted.
    Mine(Claim, Task),
    /// Another process is at it.
    Held,
    /// It is not there under this name: done, or renamed.
    Gone,
    /// It was set aside, for a reason: where it is now.
    SetAside(Option<PathBuf>, String),
}

impl Claim {
    /// Reaches for the task `name`.
    pub fn take(folder: &Folder, name: &Name, retries: Retries, now: Moment) -> Result<Claimed, SpoolError> {
        let path = folder.place(name);
        let set_aside = |reason: String| {
            let file_name = name.to_string();
            folder
                .set_aside(file_name.as_ref(), file_name.as_ref(), &reason)
                .map(|place| Claimed::SetAside(place, reason))
        };
        let file = match folder::open_ordinary(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Claimed::Gone),
            Err(error) if folder::never_opens(&error) => {
                return set_aside(format!("it cannot be opened: {error}"));
            }
            Err(error) => return Err(SpoolError::io("open", path)(error)),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Claimed::Held),
            Err(TryLockError::Error(error)) => return Err(SpoolError::io("lock", path)(error)),
        }
        // Between the opening and the lock the file may have been done, or renamed.
        if !is_still_at(&file, &path).map_err(SpoolError::io("look at", &path))? {
            return Ok(Claimed::Gone);
        }
        let length = file.metadata().map_err(SpoolError::io("look at", &path))?.len();
        let task = match Task::read(&file, length) {
            Ok(task) => task,
            Err(Unread::Fault(fault)) => return set_aside(fault.to_string()),
            Err(Unread::Io(error)) => return Err(SpoolError::io("read", path)(error)),
        };
        let Some(begun) = retries.begin(name, now) else {
            let tries = name.tries;
            let reason =
                format!("it was tried {tries} times, and its process ended while it ran the last time");
            return Ok(Claimed::SetAside(folder.set_task_aside(name, &reason)?, reason));
        };
        let mut claim = Self { folder: folder.clone(), name: name.clone(), file };
        claim.rename(begun)?;
        Ok(Claimed::Mine(claim, task))
    }

    /// Its name while it runs.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    fn rename(&mut self, name: Name) -> Result<(), SpoolError> {
        let (from, to) = (self.folder.place(&self.name), self.folder.place(&name));
        fs::rename(&from, &to).map_err(SpoolError::io("rename", from))?;
        self.name = name;
        self.sync()
    }

    fn sync(&self) -> Result<(), SpoolError> {
        folder::sync(self.folder.path())
            .map_err(SpoolError::io("make last what changed in", self.folder.path()))
    }

    /// The task is done: when this has answered, it never runs again.
    pub fn done(self) -> Result<(), SpoolError> {
        let path = self.folder.place(&self.name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(SpoolError::io("remove the task that is done,", path)(error));
            }
            _ => {}
        }
        self.sync()
    }

    /// The task is to run again under this name, and is free.
    pub fn again(mut self, name: Name) -> Result<(), SpoolError> {
        self.rename(name)?;
        // A child that is being made at this moment may have the file open too: the lock ends for both.
        self.file.unlock().map_err(SpoolError::io("unlock", self.folder.place(&self.name)))
    }

    /// The task is not to run again. Gives where it is now.
    pub fn set_aside(self, reason: &str) -> Result<Option<PathBuf>, SpoolError> {
        self.folder.set_task_aside(&self.name, reason)
    }
}

/// Whether `path` still names the file that was opened.
fn is_still_at(file: &File, path: &std::path::Path) -> io::Result<bool> {
    let there = match fs::symlink_metadata(path) {
        Ok(there) => there,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let here = file.metadata()?;
    Ok((here.dev(), here.ino()) == (there.dev(), there.ino()))
}
