//! Who takes part: names, what each needs, and how each is started.

mod apps;
pub mod floor;
mod goherd;
mod net_http;
mod nginx;
pub mod redis;
mod server;
pub mod shapes;

use std::fmt;
use std::process::{Command, Stdio};
use std::time::Duration;

use server::Launch;
pub use server::Server;

use crate::Outcome;
use crate::cases::Case;

/// What Go applications are built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Toolchain {
    /// Standard Go.
    Go,
    /// GCC's.
    Gccgo,
}

/// One that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contestant {
    /// The application by itself.
    NetHttp(Toolchain),
    /// The application in workers of Goherd.
    Goherd(Toolchain),
    /// nginx's `return 200`: no application at all.
    Nginx,
    /// A bare epoll loop: what the kernel alone costs.
    Floor,
}

impl Contestant {
    /// All of them, as the report orders and colours them.
    pub const ALL: [Self; 6] = [
        Self::NetHttp(Toolchain::Go),
        Self::Goherd(Toolchain::Go),
        Self::NetHttp(Toolchain::Gccgo),
        Self::Goherd(Toolchain::Gccgo),
        Self::Nginx,
        Self::Floor,
    ];

    /// Whose figures its own are divided by: net/http, with the same toolchain if it has one.
    pub fn reference(self) -> Self {
        match self {
            Self::NetHttp(toolchain) | Self::Goherd(toolchain) => Self::NetHttp(toolchain),
            Self::Nginx | Self::Floor => Self::NetHttp(Toolchain::Go),
        }
    }

    /// The tool that it cannot do without, and which this machine lacks.
    pub fn lacks(self) -> Option<&'static str> {
        let (tool, version) = match self {
            Self::NetHttp(Toolchain::Go) | Self::Goherd(Toolchain::Go) => ("go", "version"),
            Self::NetHttp(Toolchain::Gccgo) | Self::Goherd(Toolchain::Gccgo) => ("gccgo", "--version"),
            Self::Nginx => ("nginx", "-v"),
            Self::Floor => return None,
        };
        let mut command = Command::new(tool);
        let runs = command.arg(version).stdout(Stdio::null()).stderr(Stdio::null()).status();
        (!runs.is_ok_and(|status| status.success())).then_some(tool)
    }

    /// Makes what it needs to start.
    pub fn build(self) -> Outcome<()> {
        match self {
            Self::NetHttp(toolchain) => apps::build_program(toolchain),
            Self::Goherd(toolchain) => apps::build_library(toolchain),
            Self::Nginx | Self::Floor => Ok(()),
        }
    }

    /// Starts it for a case, and waits until it answers.
    pub fn start(self, case: &Case) -> Outcome<Server> {
        Server::start(&self.to_string(), &self.launch(case)?, &case.request)
    }

    /// Starts it for a case, and ends it when it has answered; gives how long that took.
    pub fn time_to_first_answer(self, case: &Case) -> Outcome<Duration> {
        let launch = Launch { workers_to_await: 0, ..self.launch(case)? };
        Server::time_to_first_answer(&self.to_string(), &launch, &case.request)
    }

    /// Starts it with so many workers, and waits until it answers.
    pub fn start_with(self, workers: usize, case: &Case) -> Outcome<Server> {
        let launch = match self {
            Self::Goherd(toolchain) => goherd::launch(toolchain, workers, case.load)?,
            _ => return Err(format!("{self} has no workers").into()),
        };
        Server::start(&self.to_string(), &launch, &case.request)
    }

    fn launch(self, case: &Case) -> Outcome<Launch> {
        match self {
            Self::NetHttp(toolchain) => net_http::launch(toolchain),
            Self::Goherd(toolchain) => goherd::launch(toolchain, case.workers.count(), case.load),
            Self::Nginx => nginx::launch(&case.request),
            Self::Floor => floor::launch(&case.request),
        }
    }
}

impl fmt::Display for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NetHttp(Toolchain::Go) => "net/http",
            Self::NetHttp(Toolchain::Gccgo) => "net/http, gccgo",
            Self::Goherd(Toolchain::Go) => "Goherd",
            Self::Goherd(Toolchain::Gccgo) => "Goherd, gccgo",
            Self::Nginx => "nginx return 200",
            Self::Floor => "bare epoll loop",
        })
    }
}
