//! The server: what was asked for (`config`) is turned into parts that do it.
//!
//! In: what the process was called with. Out: what it is to do next. The binary starts it, and so does `libgoherd`.
//!
//! Only this crate knows the whole configuration; the parts get settings of their own.

#![forbid(unsafe_code)]

mod background;
mod caches;
mod log;
mod pidfile;
mod reload;
mod runtime;
mod serve;
mod settings;
mod sockets;
mod spools;
mod tools;
mod vacuum;

use goherd_config::{Call, Request};
use goherd_master::Handover;
use goherd_master::handover::{self, Question};
use goherd_sys::{descriptors, inherited, process, signal};

use reload::Server;
use settings::Failure;
use sockets::Sources;

/// Whose main it is that workers run.
#[derive(Clone, Debug)]
pub enum Application {
    /// That of the libraries which the configuration names.
    Loaded,
    /// That of the program around, which was started under this name.
    Own(String),
}

/// What a process is to do after [`main`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Exit with this code.
    Exit(u8),
    /// Be the application, [`Application::Own`]: the process is a worker.
    Application,
}

/// Does what `call` asks for. Call it in a process with one thread. In a worker it returns only for
/// [`Application::Own`].
#[must_use]
pub fn main(call: &Call, application: &Application) -> Next {
    run(call, application).unwrap_or_else(|error| Next::Exit(log::failure(&*error)))
}

fn run(call: &Call, application: &Application) -> Result<Next, Failure> {
    signal::ignore_broken_pipes()?;
    descriptors::fill_standard()?;
    let trial = trial()?;
    let handover = Handover::take()?;
    let inherited = inherited::take()?;
    descriptors::keep_from_programs()?;
    let server = || Server::new(call, application);
    Ok(Next::Exit(match goherd_config::parse(call)? {
        Request::Help(text) | Request::ShowConfig(text) => log::answer(text.trim_end()),
        Request::Tool(tool) => tools::run(&tool)?,
        Request::Version => log::answer(concat!("goherd ", env!("CARGO_PKG_VERSION"))),
        Request::Check(config) => serve::check(&config, &inherited, application).map(|()| 0)?,
        Request::Run(config) => {
            return match (trial, handover) {
                (Some(question), _) => serve::try_out(&config, server()?, &question.listeners),
                (None, None) => serve::run(&config, server()?, Sources::from_outside(inherited), None),
                (None, Some(mut handover)) => {
                    let sources = reload::handed_over(&mut handover);
                    serve::run(&config, server()?, sources, Some(handover))
                }
            };
        }
    }))
}

/// What a running server asks, if it tries out this program before that may take its place.
fn trial() -> Result<Option<Question>, Failure> {
    let Some(question) = Question::asked() else { return Ok(None) };
    if question.version != handover::VERSION {
        return Err(format!(
            "this program takes over from a server with version {} of what is handed on, and the running one has \
             version {}: restart the server",
            handover::VERSION,
            question.version
        )
        .into());
    }
    process::end_with_parent()?;
    Ok(Some(question))
}
