//! What the command `goherd` does beside serving: building applications, beginning them, looking at them, and asking servers
//! that run.

mod ask;
mod build;
mod cache;
mod inspect;
mod new;
mod place;

use std::io::Write;

use goherd_config::{Peer, Tool};
use goherd_proto::service::{RPC, Status, call, signal};

use crate::log;
use crate::settings::Failure;
use ask::Connection;

/// The code to exit with when what was asked for is not there.
const MISSING: u8 = 1;
/// The code of errors of the tools that ask a server.
const UNASKED: u8 = 2;

/// Does it; gives the code to exit with.
pub fn run(tool: &Tool) -> Result<u8, Failure> {
    let asked = match tool {
        Tool::Build(asked) => return build::build(asked),
        Tool::New(name) => return new::new(name).map(|()| 0),
        Tool::Inspect(file) => return inspect::inspect(file).map(|text| log::answer(&text)),
        Tool::Cache(tool) => cache::cache(tool).map_err(|error| format!("cache: {error}")),
        Tool::Signal { peer, number } => raise(peer, *number).map_err(|error| format!("signal: {error}")),
        Tool::Rpc { peer, name, arguments } => {
            rpc(peer, name, arguments).map_err(|error| format!("rpc: {error}"))
        }
        Tool::Misused(sentence) => Err(sentence.clone()),
    };
    Ok(asked.unwrap_or_else(|sentence| {
        log::failure(&*Failure::from(sentence));
        UNASKED
    }))
}

/// Writes bytes to stdout as they are; a reader that has had enough is no error.
fn print(bytes: &[u8]) -> Result<u8, Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(0),
    }
}

fn raise(peer: &Peer, number: u8) -> Result<u8, Failure> {
    let mut connection = Connection::open(peer)?;
    connection.send(&signal::encode(number), b"");
    match signal::taken(connection.bytes()?) {
        Some(true) => Ok(0),
        Some(false) => {
            log::failure(&*Failure::from(format!(
                "signal: {} does not take signal {number}: it is not registered there, or too many signals wait",
                peer.address
            )));
            Ok(MISSING)
        }
        None => Err(connection.no_answer()),
    }
}

fn rpc(peer: &Peer, name: &[u8], arguments: &[Vec<u8>]) -> Result<u8, Failure> {
    let arguments: Vec<_> = arguments.iter().map(Vec::as_slice).collect();
    let millis = u64::try_from(peer.timeout.as_millis()).unwrap_or(u64::MAX).max(1);
    let packet = call::encode(name, &arguments, millis).ok_or_else(|| {
        format!(
            "it has too much to say: up to {} arguments of up to {} bytes",
            call::MOST_ARGUMENTS,
            call::LONGEST_ARGUMENT
        )
    })?;
    let mut connection = Connection::open(peer)?;
    connection.send(&packet, b"");
    let (answer, result) = connection.answer(RPC)?;
    match answer.status {
        Some(Status::Ok) => print(&result),
        Some(Status::Failed | Status::Unknown) => {
            log::failure(&*Failure::from(format!("rpc: {}", answer.reason)));
            Ok(MISSING)
        }
        _ => Err(connection.no_answer()),
    }
}
