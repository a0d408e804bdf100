//! The shapes of an application under Goherd: how large the file is, how soon it answers, how much memory it takes.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use super::server::Launch;
use super::{Contestant, Server, Toolchain, apps};
use crate::cases::CASES;
use crate::results::Spread;
use crate::{Outcome, places, processes};

/// A way to build the application.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// A library that the server loads.
    Library(Toolchain),
    /// One executable with the server; with gccgo, libgo stays a library.
    Monolith(Toolchain),
    /// The same with libgo in it.
    MonolithWithLibgo,
}

/// What was measured of it.
pub struct Figures {
    /// For people.
    pub title: &'static str,
    /// Of the file, in bytes.
    pub size: u64,
    /// From the start of the process to the first answer, in milliseconds.
    pub start: Spread,
    /// The proportional set size of master and worker after it, in bytes.
    pub memory: Spread,
}

const ALL: [Shape; 5] = [
    Shape::Library(Toolchain::Go),
    Shape::Monolith(Toolchain::Go),
    Shape::Library(Toolchain::Gccgo),
    Shape::Monolith(Toolchain::Gccgo),
    Shape::MonolithWithLibgo,
];

/// Measures all that this machine can build, each so many times.
pub fn measure(rounds: usize) -> Outcome<Vec<Figures>> {
    let possible = ALL.into_iter().filter(|shape| Contestant::Goherd(shape.toolchain()).lacks().is_none());
    possible.map(|shape| shape.measure(rounds)).collect()
}

impl Shape {
    fn toolchain(self) -> Toolchain {
        match self {
            Self::Library(toolchain) | Self::Monolith(toolchain) => toolchain,
            Self::MonolithWithLibgo => Toolchain::Gccgo,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Library(Toolchain::Go) => "library, standard Go",
            Self::Library(Toolchain::Gccgo) => "library, gccgo",
            Self::Monolith(Toolchain::Go) => "one executable, standard Go",
            Self::Monolith(Toolchain::Gccgo) => "one executable, gccgo",
            Self::MonolithWithLibgo => "one executable, gccgo and libgo",
        }
    }

    fn build(self) -> Outcome<PathBuf> {
        match self {
            Self::Library(toolchain) => {
                apps::build_library(toolchain).and_then(|()| apps::library(toolchain))
            }
            Self::Monolith(toolchain) => apps::build_monolith(toolchain, &[]),
            Self::MonolithWithLibgo => apps::build_monolith(Toolchain::Gccgo, &["-static-libgo"]),
        }
    }

    fn measure(self, rounds: usize) -> Outcome<Figures> {
        eprintln!("shape: {}", self.title());
        let file = self.build()?;
        let mut command = Command::new(match self {
            Self::Library(_) => places::goherd()?,
            Self::Monolith(_) | Self::MonolithWithLibgo => file.clone(),
        });
        command.args(["--http-socket", "127.0.0.1:0"]);
        if let Self::Library(_) = self {
            command.arg("--go-load").arg(&file);
        }
        let launch = Launch { command, address: None, workers_to_await: 1 };
        let (mut starts, mut sizes) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let begun = Instant::now();
            let server = Server::start("shape", &launch, &CASES[0].request)?;
            starts.push(begun.elapsed().as_secs_f64() * 1e3);
            sizes.push(processes::memory(&server.processes()?)?);
        }
        let spread = |values: Vec<f64>| Spread::of(values.into_iter()).ok_or("no round was measured");
        let size = std::fs::metadata(file)?.len();
        Ok(Figures { title: self.title(), size, start: spread(starts)?, memory: spread(sizes)? })
    }
}
