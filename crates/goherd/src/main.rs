//! The binary: what was asked for (`config`) is turned into parts that do it.
//!
//! Only this crate knows the whole configuration; the parts get settings of their own.

#![forbid(unsafe_code)]

mod log;
mod serve;
mod settings;
mod sockets;

use std::process::ExitCode;

use goherd_config::Request;
use goherd_sys::inherited;

fn main() -> ExitCode {
    let inherited = match inherited::take() {
        Ok(inherited) => inherited,
        Err(error) => return log::failure(&error),
    };
    let asked = match goherd_config::parse(std::env::args_os()) {
        Ok(asked) => asked,
        Err(error) => return log::failure(&error),
    };
    match asked {
        Request::Help(text) | Request::ShowConfig(text) => log::answer(text.trim_end()),
        Request::Version => log::answer(concat!("goherd ", env!("CARGO_PKG_VERSION"))),
        Request::Check(config) => serve::check(&config, &inherited)
            .map_or_else(|error| log::failure(&*error), |()| ExitCode::SUCCESS),
        Request::Run(config) => serve::run(&config, inherited).unwrap_or_else(|error| log::failure(&*error)),
    }
}
