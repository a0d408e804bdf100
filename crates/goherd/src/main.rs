//! The binary: the server, with the command line of the process.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(goherd_server::main(std::env::args_os()))
}
