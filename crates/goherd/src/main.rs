//! The binary: the server, with what the process was called with.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use goherd_server::{Application, Next};

fn main() -> ExitCode {
    let call = goherd_config::Call::new(std::env::args_os()).with_environment(std::env::vars_os());
    match goherd_server::main(&call, &Application::Loaded) {
        Next::Exit(code) => ExitCode::from(code),
        Next::Application => unreachable!("a worker with a loaded application does not return"),
    }
}
