//! Why a folder does not do what it is asked for.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::{OrderError, TaskError};

/// The reasons.
#[derive(Debug)]
pub enum SpoolError {
    /// The system refuses something.
    Io {
        /// What was tried.
        deed: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// What was handed over is no task.
    Task(TaskError),
    /// It asks for what cannot be.
    Order(OrderError),
}

impl SpoolError {
    pub(crate) fn io(deed: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::Io { deed, path, error }
    }

    /// The system's number of the error, if it is the system's.
    #[must_use]
    pub fn os_error(&self) -> Option<i32> {
        match self {
            Self::Io { error, .. } => error.raw_os_error(),
            Self::Task(_) | Self::Order(_) => None,
        }
    }
}

impl fmt::Display for SpoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { deed, path, error } => write!(f, "cannot {deed} {}: {error}", path.display()),
            Self::Task(error) => write!(f, "{error}"),
            Self::Order(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for SpoolError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            Self::Task(error) => Some(error),
            Self::Order(error) => Some(error),
        }
    }
}

impl From<TaskError> for SpoolError {
    fn from(error: TaskError) -> Self {
        Self::Task(error)
    }
}

impl From<OrderError> for SpoolError {
    fn from(error: OrderError) -> Self {
        Self::Order(error)
    }
}
