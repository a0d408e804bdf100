//! The folder's files: tasks are put into it, listed, set aside.
//!
//! A new task is written in `tmp/`, made to last, and renamed into the folder, which is made to last then: a crash leaves all
//! of it or nothing. What is no task, or was tried too often, goes to `failed/`, with the reason beside it in a file `….why`.
//! Whoever takes a file holds a lock on it (`flock`), which ends with its process.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use goherd_sys::folder;

use crate::{Id, Moment, Name, Order, SpoolError, Task};

/// The folder in it where tasks are written.
pub const TEMPORARY: &str = "tmp";
/// The folder in it where files lie that are not run.
pub const FAILED: &str = "failed";

/// How old a file in `tmp/` is that nobody writes any more, in any case.
const ABANDONED: Duration = Duration::from_secs(3600);

/// A folder of tasks.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// What is in a folder.
#[derive(Debug, Default)]
pub struct Listing {
    /// Tasks, by their names.
    pub tasks: Vec<Name>,
    /// What is neither a task nor a folder, and whose name does not begin with a dot.
    pub strangers: Vec<OsString>,
}

impl Folder {
    /// The folder at `path`, which is made if it is missing (with the mode 0700), as are the two folders in it. It is an error
    /// if this process may not use it.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, SpoolError> {
        let folder = Self { path: path.into() };
        make_folder(&folder.path)?;
        folder::may_use(&folder.path).map_err(SpoolError::io("list, write and rename in", &folder.path))?;
        for inner in [TEMPORARY, FAILED].map(|name| folder.path.join(name)) {
            make_folder(&inner)?;
            folder::may_use(&inner).map_err(SpoolError::io("list, write and rename in", &inner))?;
        }
        Ok(folder)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn place(&self, name: &Name) -> PathBuf {
        self.path.join(name.to_string())
    }

    /// Puts a task into the folder. When this has answered, the task outlives a crash of the machine. `now` is the time
    /// of the wall clock in nanoseconds since 1970.
    pub fn put(&self, task: &Task, now_nanos: u64) -> Result<Name, SpoolError> {
        let order = Order::of(task)?;
        let name = Name {
            priority: order.priority,
            due: order.at.unwrap_or(Moment(now_nanos / 1_000_000)).min(Moment::LAST),
            tries: 0,
            id: Id::new(now_nanos),
        };
        let (new, place) = (self.path.join(TEMPORARY).join(name.to_string()), self.place(&name));
        let file = self.create(&new).map_err(SpoolError::io("create", &new))?;
        let done = write(file, task).map_err(SpoolError::io("write the task to", &new)).and_then(|()| {
            fs::rename(&new, &place)
                .map_err(SpoolError::io("move the task into the spooler's folder as", &place))
        });
        if done.is_err() {
            let _gone_with_the_sweep = fs::remove_file(&new);
        }
        done?;
        folder::sync(&self.path)
            .map_err(SpoolError::io("make the task last (it may run all the same) in", &self.path))?;
        Ok(name)
    }

    /// A file of our own, and locked: what is not is swept away some day.
    fn create(&self, new: &Path) -> io::Result<File> {
        let open = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(new);
        let file = match open() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make_folder(&self.path.join(TEMPORARY)).map_err(|_| error)?;
                open()?
            }
            other => other?,
        };
        let _swept_if_it_takes_an_hour = file.try_lock();
        Ok(file)
    }

    /// What is in the folder now.
    pub fn list(&self) -> Result<Listing, SpoolError> {
        let failed = || SpoolError::io("list", &self.path);
        let mut listing = Listing::default();
        for entry in fs::read_dir(&self.path).map_err(failed())? {
            let entry = entry.map_err(failed())?;
            let file_name = entry.file_name();
            match file_name.to_str().and_then(Name::parse) {
                Some(name) => listing.tasks.push(name),
                None if is_left_alone(&file_name) => {}
                None if entry.file_type().is_ok_and(|kind| kind.is_dir()) => {}
                None => listing.strangers.push(file_name),
            }
        }
        Ok(listing)
    }

    /// Moves a task to `failed/`, under a name that says nothing of its tries: once it is moved back, it has them all again.
    pub fn set_task_aside(&self, name: &Name, reason: &str) -> Result<Option<PathBuf>, SpoolError> {
        let new = Name { tries: 0, ..name.clone() };
        self.set_aside(name.to_string().as_ref(), new.to_string().as_ref(), reason)
    }

    /// Moves a file to `failed/`, beside the reason, and calls it `new` there. Gives where it is now; `None`: somebody else was
    /// faster.
    pub fn set_aside(
        &self,
        file_name: &OsStr,
        new: &OsStr,
        reason: &str,
    ) -> Result<Option<PathBuf>, SpoolError> {
        let from = self.path.join(file_name);
        if fs::symlink_metadata(&from).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            return Ok(None);
        }
        let failed = self.path.join(FAILED);
        make_folder(&failed)?;
        let to = free_name(&failed, new);
        // The reason comes first, so that no file is there without. A disk that is full keeps none: the log has it.
        let why = with_end(&to, ".why");
        let _told_in_the_log = fs::write(&why, format!("{reason}\n"));
        match fs::rename(&from, &to) {
            Ok(()) => {}
            Err(error) => {
                // Somebody else may have been faster, and chosen the same name: then the reason is theirs.
                if fs::symlink_metadata(&to).is_err() {
                    let _nothing_to_explain = fs::remove_file(&why);
                }
                return match error.kind() {
                    ErrorKind::NotFound => Ok(None),
                    _ => Err(SpoolError::io("set aside", from)(error)),
                };
            }
        }
        for folder in [&failed, &self.path] {
            folder::sync(folder).map_err(SpoolError::io("make last what was set aside in", folder))?;
        }
        Ok(Some(to))
    }

    /// Removes what writers have left in `tmp/` that died over it: such a task was never accepted.
    pub fn sweep(&self, now: SystemTime) {
        let Ok(entries) = fs::read_dir(self.path.join(TEMPORARY)) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            let Ok(file) = folder::open_ordinary(&path) else { continue };
            let changed = file.metadata().and_then(|meta| meta.modified());
            let is_old = changed.is_ok_and(|then| now.duration_since(then).is_ok_and(|age| age > ABANDONED));
            if is_old && file.try_lock().is_ok() {
                let _next_time = fs::remove_file(&path);
            }
        }
    }
}

/// Writes all of it, and makes it last. Nobody holds the file afterwards, also not a child that is being made meanwhile.
fn write(mut file: File, task: &Task) -> io::Result<()> {
    file.write_all(&task.head())?;
    file.write_all(task.block())?;
    file.sync_all()?;
    file.unlock()
}

/// Files whose name begins with a dot: of editors, of tools that copy, of version control.
pub(crate) fn is_left_alone(file_name: &OsStr) -> bool {
    file_name.as_encoded_bytes().starts_with(b".")
}

fn make_folder(path: &Path) -> Result<(), SpoolError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(SpoolError::io("make the folder", path)(error))
        }
        _ => Ok(()),
    }
}

/// A path in `folder` at which there is nothing: `name`, or with a number behind it.
fn free_name(folder: &Path, name: &OsStr) -> PathBuf {
    let first = folder.join(name);
    let others = (2..1000).map(|number| with_end(&first, &format!(".{number}")));
    let mut free =
        std::iter::once(first.clone()).chain(others).filter(|path| fs::symlink_metadata(path).is_err());
    free.next().unwrap_or(first)
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}
