//! What the server says before it serves, and the code that it exits with.

use std::error::Error;
use std::io::Write;

use goherd_sys::stderr;

/// Says why the server does not start.
pub fn failure(error: &dyn Error) -> u8 {
    stderr::line(&error.to_string());
    1
}

/// Prints what was asked for. A reader that has closed the pipe, as `head` does, has had enough: no error.
pub fn answer(text: &str) -> u8 {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => failure(&error),
        _ => 0,
    }
}
