//! The binary: what was asked for (`config`) is turned into parts that do it.
//!
//! Only this crate knows the whole configuration; the parts get settings of their own.

#![forbid(unsafe_code)]

mod background;
mod log;
mod pidfile;
mod reload;
mod runtime;
mod serve;
mod settings;
mod sockets;
mod vacuum;

use std::process::ExitCode;

use goherd_config::Request;
use goherd_master::Handover;
use goherd_master::handover::{self, Question};
use goherd_sys::{descriptors, inherited, process};

use settings::Failure;
use sockets::Sources;

fn main() -> ExitCode {
    begin().unwrap_or_else(|error| log::failure(&*error))
}

fn begin() -> Result<ExitCode, Failure> {
    let trial = trial()?;
    let handover = Handover::take()?;
    let inherited = inherited::take()?;
    descriptors::keep_from_programs()?;
    match goherd_config::parse(std::env::args_os())? {
        Request::Help(text) | Request::ShowConfig(text) => Ok(log::answer(text.trim_end())),
        Request::Version => Ok(log::answer(concat!("goherd ", env!("CARGO_PKG_VERSION")))),
        Request::Check(config) => serve::check(&config, &inherited).map(|()| ExitCode::SUCCESS),
        Request::Run(config) => match (trial, handover) {
            (Some(question), _) => serve::try_out(&config, &question.listeners),
            (None, None) => serve::run(&config, Sources::from_outside(inherited), None),
            (None, Some(mut handover)) => {
                let sources = reload::handed_over(&mut handover);
                serve::run(&config, sources, Some(handover))
            }
        },
    }
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
