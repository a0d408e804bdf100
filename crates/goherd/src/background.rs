//! `daemonize`: the server goes on in the background, and whoever started it hears whether it does.

use std::fs::File;
use std::path::Path;

use goherd_sys::background::{Left, leave};
use goherd_sys::{Pid, stderr};

use crate::settings::Failure;

/// Opens the log file, to which lines are added.
pub fn open_log(path: Option<&Path>) -> Result<Option<File>, Failure> {
    let open = |path: &Path| {
        File::options().append(true).create(true).open(path).map_err(|error| -> Failure {
            format!("daemonize: cannot write the log {}: {error}", path.display()).into()
        })
    };
    path.map(open).transpose()
}

/// Goes into the background if there is a log file to go with. `last` is what the server does as the process that it stays; what
/// is wrong there is still said at the terminal. `Some` is the exit code of the process that was the starter alone.
pub fn enter(log: Option<&File>, last: impl FnOnce() -> Result<(), Failure>) -> Result<Option<u8>, Failure> {
    let Some(log) = log else { return last().map(|()| None) };
    let failed = |error: std::io::Error| format!("daemonize: cannot go into the background: {error}");
    match leave().map_err(failed)? {
        Left::Starter { settled } => Ok(Some(u8::from(!settled))),
        Left::Server(unsettled) => {
            last()?;
            stderr::line(&format!("going on in the background, master pid {}", Pid::me()));
            unsettled.settle(log).map_err(failed)?;
            Ok(None)
        }
    }
}
