//! The cost of a signal: from where it is raised, by way of the master, to its handler.

use std::process::Command;

use super::server::Launch;
use super::{Contestant, Server, Toolchain, apps};
use crate::cases::CASES;
use crate::results::Spread;
use crate::{Outcome, http, places};

/// What was measured with a toolchain.
pub struct Figures {
    /// For people.
    pub title: &'static str,
    /// Microseconds of one signal.
    pub trip: Spread,
}

/// Measures with both toolchains, as far as this machine has them, so many times.
pub fn measure(rounds: usize) -> Outcome<Vec<Figures>> {
    let all = [(Toolchain::Go, "standard Go"), (Toolchain::Gccgo, "gccgo")];
    let possible = all.into_iter().filter(|(toolchain, _)| Contestant::Goherd(*toolchain).lacks().is_none());
    possible.map(|(toolchain, title)| trips(toolchain, title, rounds)).collect()
}

fn trips(toolchain: Toolchain, title: &'static str, rounds: usize) -> Outcome<Figures> {
    eprintln!("signal: {title}");
    apps::build_library(toolchain)?;
    let mut command = Command::new(places::goherd()?);
    command.args(["--http-socket", "127.0.0.1:0", "--go-load"]).arg(apps::library(toolchain)?);
    let launch = Launch { command, address: None, workers_to_await: 1 };
    let mut trips = Vec::new();
    for _ in 0..rounds {
        let server = Server::start("signal", &launch, &CASES[0].request)?;
        let nanos: f64 = http::text(server.address, "/signals")?.parse()?;
        trips.push(nanos / 1e3);
    }
    Ok(Figures { title, trip: Spread::of(trips.into_iter()).ok_or("no round was measured")? })
}
