//! Goherd with the application as a library.

use std::process::Command;

use super::server::Launch;
use super::{Toolchain, apps};
use crate::cases::Load;
use crate::{Outcome, places};

/// More than there are busy connections.
const GOROUTINES: &str = "256";

/// Room for what bench/app/gets.go puts.
const CACHE: &str = "name=bench,items=2000,blocksize=128,keysize=32";

/// With so many workers, on a port of the kernel's choice.
pub fn launch(toolchain: Toolchain, workers: usize, load: Load) -> Outcome<Launch> {
    let mut command = Command::new(places::goherd()?);
    command.args(["--http-socket", "127.0.0.1:0", "--goroutines", GOROUTINES, "--processes"]);
    command.arg(workers.to_string()).arg("--go-load").arg(apps::library(toolchain)?);
    if load == Load::Gets {
        command.args(["--cache2", CACHE]);
    }
    Ok(Launch { command, address: None, workers_to_await: workers })
}
