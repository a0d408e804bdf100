//! The server: what was asked for (`config`) is turned into parts that do it.
//!
//! In: a command line. Out: the code to exit with. The binary starts it, and so does `libgoherd`.
//!
//! Only this crate knows the whole configuration; the parts get settings of their own.

#![forbid(unsafe_code)]

mod log;
mod serve;
mod settings;
mod sockets;

use std::ffi::OsString;

use goherd_config::Request;
use goherd_sys::{inherited, signal};

/// Does what `args` ask for, the program's name first, and gives the code to exit with. Call it in a process with one
/// thread. In a worker it does not return.
#[must_use]
pub fn main(args: impl IntoIterator<Item = OsString>) -> u8 {
    if let Err(error) = signal::ignore_broken_pipes() {
        return log::failure(&error);
    }
    let inherited = match inherited::take() {
        Ok(inherited) => inherited,
        Err(error) => return log::failure(&error),
    };
    let asked = match goherd_config::parse(args) {
        Ok(asked) => asked,
        Err(error) => return log::failure(&error),
    };
    match asked {
        Request::Help(text) | Request::ShowConfig(text) => log::answer(text.trim_end()),
        Request::Version => log::answer(concat!("goherd ", env!("CARGO_PKG_VERSION"))),
        Request::Check(config) => {
            serve::check(&config, &inherited).map_or_else(|error| log::failure(&*error), |()| 0)
        }
        Request::Run(config) => serve::run(&config, inherited).unwrap_or_else(|error| log::failure(&*error)),
    }
}
