//! Goherd with the application as a library.

use std::process::Command;

use super::server::Launch;
use super::{Toolchain, apps};
use crate::{Outcome, places};

/// More than there are busy connections.
const GOROUTINES: &str = "256";

/// With so many workers, on a port of the kernel's choice.
pub fn launch(toolchain: Toolchain, workers: usize) -> Outcome<Launch> {
    let mut command = Command::new(places::goherd()?);
    command.args(["--http-socket", "127.0.0.1:0", "--goroutines", GOROUTINES, "--processes"]);
    command.arg(workers.to_string()).arg("--go-load").arg(apps::library(toolchain)?);
    Ok(Launch { command, address: None, workers_to_await: workers })
}
