//! The functions for tasks: to put them into a folder from any process, and to run them in a spooler.
//!
//! They are like those of `abi`, but for one thing: those that say so wait for the disk, as a write to a file does. Go calls them so
//! that its other goroutines run meanwhile.
//!
//! # Safety
//!
//! The caller's duty is that of `abi`.

#![allow(non_camel_case_types, reason = "these are names of C")]
#![allow(
    clippy::missing_safety_doc,
    reason = "one duty for all, above; the functions' comments go to C as they stand"
)]

use std::ffi::OsStr;
use std::os::fd::{AsFd as _, AsRawFd as _, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use goherd_spool::{Folder, Job, Moment, Next, Outcome, SpoolError, Spooler, Task};
use goherd_sys::clock::{self, Millis};
use goherd_sys::eventfd::EventFd;
use goherd_sys::stderr;

use crate::abi::{GOHERD_EAGAIN, GOHERD_EENDED, GOHERD_ENOSERVER, borrow, borrow_mut};
use crate::context::{Context, context};
use crate::shared::GOHERD_EMISSING;

/// What was handed over is no task.
pub const GOHERD_ETASK: i64 = -30;
/// An error of the system: so much less the system's number of it.
pub const GOHERD_ESYSTEM: i64 = -1000;

/// `goherd_spool_end`: the task is done.
pub const GOHERD_TASK_DONE: u32 = 0;
/// `goherd_spool_end`: it has failed, and is to be tried again.
pub const GOHERD_TASK_FAILED: u32 = 1;
/// `goherd_spool_end`: it has failed, and is not to be tried again.
pub const GOHERD_TASK_GIVEN_UP: u32 = 2;
/// `goherd_spool_end`: it was interrupted because the process is to end. It is tried again, and this try does not count.
pub const GOHERD_TASK_INTERRUPTED: u32 = 3;

/// A task that is to run. It has numbers alone, so that Go may allocate it.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct goherd_task {
    /// The address of its block: pairs of `uint32_t` key length, `uint32_t` value length, key, value. It and the name are valid
    /// until `goherd_spool_end`.
    pub block: usize,
    /// The length of the block in bytes.
    pub block_length: usize,
    /// The address of the task's name, which stays the same when it is tried again.
    pub name: usize,
    /// The length of the name in bytes.
    pub name_length: u32,
    /// Which try this is, from 1.
    pub tries: u32,
}

/// The folders of tasks that a process knows.
#[derive(Debug, Default)]
pub struct Spools {
    /// As they are called in the configuration, with what they are.
    folders: Vec<(PathBuf, Folder)>,
    desk: Option<Desk>,
}

/// What a spooler works with.
#[derive(Debug)]
struct Desk {
    state: Mutex<State>,
    events: RawFd,
    notice: Arc<EventFd>,
    mercy: u64,
}

#[derive(Debug)]
struct State {
    spooler: Spooler,
    /// The task at hand, with its name as text.
    job: Option<(Job, String)>,
}

impl Spools {
    /// These folders, of which the first is that of tasks that name none.
    #[must_use]
    pub fn new(folders: Vec<(PathBuf, Folder)>) -> Self {
        Self { folders, desk: None }
    }

    /// The process is a spooler. `notice` becomes readable when it is to end, for which it has `mercy` milliseconds then; 0: as
    /// many as it likes.
    #[must_use]
    pub fn with_spooler(self, spooler: Spooler, notice: Arc<EventFd>, mercy: u64) -> Self {
        let events = spooler.raw_fd();
        let state = Mutex::new(State { spooler, job: None });
        Self { desk: Some(Desk { state, events, notice, mercy }), ..self }
    }

    /// The folder that a task asks for, by the name that it has in the configuration or by its path.
    fn folder_of(&self, task: &Task) -> Result<&Folder, String> {
        let first = self.folders.first().map(|(_, folder)| folder);
        let Some(wanted) = task.get(b"spooler") else {
            return first.ok_or_else(|| "the server has no spooler (option spooler)".to_owned());
        };
        let wanted = PathBuf::from(OsStr::from_bytes(wanted));
        let found = self.folders.iter().find(|(name, folder)| *name == wanted || folder.path() == wanted);
        found.map(|(_, folder)| folder).ok_or_else(|| {
            let names: Vec<_> = self.folders.iter().map(|(name, _)| name.display().to_string()).collect();
            format!(
                "the server has no spooler {} (option spooler): there is {}",
                wanted.display(),
                if names.is_empty() { "none".to_owned() } else { names.join(", ") }
            )
        })
    }
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts the task that the block of `length` bytes is (see `goherd_task`) into its folder. It waits for the disk. 0: the task is on
/// the disk; or an error: then a sentence that says which, ended by a NUL, is in the `text_length` bytes at `text`, as far as it
/// fits. `GOHERD_EMISSING`: there is no such folder; `GOHERD_ETASK`; less than `GOHERD_ESYSTEM`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_spool_put(
    block: *const u8,
    length: usize,
    text: *mut u8,
    text_length: usize,
) -> i64 {
    // SAFETY: the caller says that so many bytes are there, unchanged during the call.
    let block = unsafe { borrow(block, length) };
    // SAFETY: the caller says that so many bytes are its own to be written during the call.
    let text = unsafe { borrow_mut(text, text_length) };
    let Some(context) = context() else { return GOHERD_ENOSERVER };
    let (code, sentence) = match put(&context.spools, block) {
        Ok(()) => return 0,
        Err(refused) => refused,
    };
    let room = text.len().saturating_sub(1);
    let written = sentence.len().min(room);
    text[..written].copy_from_slice(&sentence.as_bytes()[..written]);
    if let Some(end) = text.get_mut(written) {
        *end = 0;
    }
    code
}

fn put(spools: &Spools, block: &[u8]) -> Result<(), (i64, String)> {
    let task = Task::of_block(block.to_vec()).map_err(|error| (GOHERD_ETASK, error.to_string()))?;
    let folder = spools.folder_of(&task).map_err(|reason| (GOHERD_EMISSING, reason))?;
    match folder.put(&task, clock::unix_nanos()) {
        Ok(_) => Ok(()),
        Err(error @ SpoolError::Io { .. }) => {
            Err((GOHERD_ESYSTEM - i64::from(error.os_error().unwrap_or(0)), error.to_string()))
        }
        Err(error) => Err((GOHERD_ETASK, error.to_string())),
    }
}

/// The descriptor that is readable when there may be a task to run. It stays the server's. An error in a process that is no
/// spooler.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_spool() -> i64 {
    with_desk(|_, desk| desk.events.into())
}

/// The descriptor, an eventfd, that is readable when the process is to end. From then on it has as many milliseconds as are written
/// to `mercy`; 0: as many as it likes. It stays the server's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_spool_notice(mercy: *mut u64) -> i64 {
    with_desk(|_, desk| {
        if !mercy.is_null() {
            // SAFETY: not null, so the caller's own to be written.
            unsafe { mercy.write(desk.mercy) };
        }
        desk.notice.as_fd().as_raw_fd().into()
    })
}

/// Takes the next task that is due, and describes it in `task`: 0, and `goherd_spool_end` is to be called when it has run;
/// `GOHERD_EAGAIN`: there is none, wait for `goherd_spool`; `GOHERD_EENDED`: the process ends. It waits for the disk. One goroutine
/// at a time calls it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_spool_next(task: *mut goherd_task) -> i64 {
    with_desk(|context, desk| {
        if task.is_null() || !context.host.task_begins() {
            return GOHERD_EENDED;
        }
        let Some(found) = next(context, desk) else {
            context.host.no_task();
            return GOHERD_EAGAIN;
        };
        context.host.took_task();
        // SAFETY: not null; the caller's own, of this type, and not shared with another thread during the call.
        unsafe { task.write(found) };
        0
    })
}

fn next(context: &Context, desk: &Desk) -> Option<goherd_task> {
    let mut state = desk.state();
    let job = loop {
        let now = (Millis::now(), wall());
        match state.spooler.next(now.0, now.1, &mut |line| say(context, line)) {
            Next::Run(job) => break job,
            Next::AskAgain => {}
            Next::Wait => return None,
        }
    };
    let name = job.id.to_string();
    let (job, name) = state.job.insert((job, name));
    Some(goherd_task {
        block: job.task.block().as_ptr() as usize,
        block_length: job.task.block().len(),
        name: name.as_ptr() as usize,
        name_length: u32::try_from(name.len()).unwrap_or(0),
        tries: job.tries,
    })
}

/// Says what became of the task at hand: `GOHERD_TASK_DONE` or its like, and why, in the `length` bytes at `reason`. It waits for
/// the disk. If the process was to end after the task, it ends here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_spool_end(outcome: u32, reason: *const u8, length: usize) -> i64 {
    // SAFETY: the caller says that so many bytes are there, unchanged during the call.
    let reason = unsafe { borrow(reason, length) };
    let reason = || String::from_utf8_lossy(reason).into_owned();
    with_desk(|context, desk| {
        let outcome = match outcome {
            GOHERD_TASK_DONE => Outcome::Done,
            GOHERD_TASK_GIVEN_UP => Outcome::GivenUp(reason()),
            GOHERD_TASK_INTERRUPTED => Outcome::Interrupted,
            _ => Outcome::Failed(reason()),
        };
        let mut state = desk.state();
        if state.job.take().is_none() {
            return GOHERD_EMISSING;
        }
        state.spooler.end(outcome, wall(), &mut |line| say(context, line));
        drop(state);
        context.host.task_ended();
        0
    })
}

fn wall() -> Moment {
    Moment(clock::unix_millis())
}

fn say(context: &Context, line: &str) {
    stderr::line(&format!("{}: {line}", context.who));
}

fn with_desk(function: impl FnOnce(&Context, &Desk) -> i64) -> i64 {
    let Some(context) = context() else { return GOHERD_ENOSERVER };
    context.spools.desk.as_ref().map_or(GOHERD_ENOSERVER, |desk| function(context, desk))
}

/// For the linker, as `abi::keep_exports`.
pub(crate) fn exports() -> [*const (); 5] {
    [
        goherd_spool_put as *const (),
        goherd_spool as *const (),
        goherd_spool_notice as *const (),
        goherd_spool_next as *const (),
        goherd_spool_end as *const (),
    ]
}
