//! What a process is given by the fork that made it.

use std::fmt;
use std::sync::Arc;

use goherd_sys::control::Control;
use goherd_sys::socket::Listener;

use crate::{Commons, Scoreboard};

/// What a process of a server is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// It takes requests.
    Worker,
    /// It works in the background, on messages and signals.
    Mule,
    /// It works off folders of tasks.
    Spooler,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Worker, Self::Mule, Self::Spooler];

    /// The word for it: "worker" and its like.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Worker => "worker",
            Self::Mule => "mule",
            Self::Spooler => "spooler",
        }
    }
}

/// A process as its server knows it: "worker 2", "mule 1". One that replaces another is called the same. Workers come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Who {
    /// What it is for.
    pub role: Role,
    /// Its number among those of its role, from 1.
    pub number: u32,
}

impl Who {
    /// The worker `number`.
    #[must_use]
    pub fn worker(number: u32) -> Self {
        Self { role: Role::Worker, number }
    }

    /// The mule `number`.
    #[must_use]
    pub fn mule(number: u32) -> Self {
        Self { role: Role::Mule, number }
    }

    /// The spooler `number`.
    #[must_use]
    pub fn spooler(number: u32) -> Self {
        Self { role: Role::Spooler, number }
    }

    /// Its number as a worker; 0: it is none.
    #[must_use]
    pub fn as_worker(self) -> u32 {
        if self.is_crew() { 0 } else { self.number }
    }

    /// Whether it is one of the crew: it has no doors, and nobody but a successor of the same name does its work.
    #[must_use]
    pub fn is_crew(self) -> bool {
        self.role != Role::Worker
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.role.word(), self.number)
    }
}

/// A new process's share.
#[derive(Debug)]
pub struct Birth {
    /// What it is, and its number.
    pub who: Who,
    /// Its line of the scoreboard, from 1.
    pub line: u32,
    /// What it is made from.
    pub generation: u32,
    /// The number of that in the table of signals, which goes on counting when another program takes over.
    pub edition: u32,
    /// Its end of the socket to the master.
    pub control: Control,
    /// Its copies of the listening sockets; none but workers have any.
    pub listeners: Vec<Listener>,
    /// The memory that all share by name and number.
    pub commons: Arc<Commons>,
    /// The board.
    pub scoreboard: Arc<Scoreboard>,
    /// It takes no connections until it is told to: the server is paused.
    pub paused: bool,
}
