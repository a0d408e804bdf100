//! The application as a program of its own: net/http with all its defaults, on all cores.

use std::process::Command;

use super::server::Launch;
use super::{Toolchain, apps};
use crate::Outcome;

/// On a port of the kernel's choice.
pub fn launch(toolchain: Toolchain) -> Outcome<Launch> {
    Ok(Launch { command: Command::new(apps::program(toolchain)?), address: None, workers_to_await: 0 })
}
