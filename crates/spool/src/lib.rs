//! The spooler's folder: work for later, in files that outlive processes and machines.
//!
//! In: tasks (maps of strings), times as arguments, what came of a run. Out: files, each task a file of its own, and the next
//! task that is due ([`Spooler`]). What is decided ([`Queue`], [`Retries`], [`Name`]) touches no file and no clock; what is
//! done is a thin layer below ([`Folder`], [`Claim`]).
//!
//! Invariants: a task is in the folder from the moment that [`Folder::put`] has answered until [`Claim::done`] is called, or in
//! `failed/`. It may run more than once (its process or the machine died before `done` was on the disk), never twice at a time,
//! and never again after `done` has answered. Nothing that was handed over is deleted but by `done`.

#![forbid(unsafe_code)]

mod claim;
mod error;
mod folder;
mod name;
mod order;
mod queue;
mod retries;
mod spooler;
mod task;

pub use claim::{Claim, Claimed};
pub use error::SpoolError;
pub use folder::{FAILED, Folder, Listing, TEMPORARY};
pub use name::{Id, Name};
pub use order::{LAST_PRIORITY, Order, OrderError};
pub use queue::Queue;
pub use retries::{Failure, Retries};
pub use spooler::{Job, Next, Outcome, Settings, Spooler};
pub use task::{Fault, LARGEST_TASK, LONGEST_KEY, Task, TaskError, Unread};

/// A moment of the wall clock: milliseconds since 1970 (UTC). It is the only clock that goes on while the machine is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub u64);

impl Moment {
    /// The last one that a name has room for, in the year 2286.
    pub const LAST: Self = Self(9_999_999_999_999);

    /// This moment, so many milliseconds later.
    #[must_use]
    pub fn after(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis)).min(Self::LAST)
    }
}
