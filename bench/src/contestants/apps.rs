//! The application in both shapes, by both toolchains, with the same source files for both.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::{fs, io};

use super::Toolchain;
use crate::{Outcome, places};

const LIBRARY_SOURCES: [&str; 4] = ["handlers.go", "signals.go", "gets.go", "goherd.go"];
const PROGRAM_SOURCES: [&str; 2] = ["handlers.go", "nethttp.go"];

/// The library that Goherd loads.
pub fn library(toolchain: Toolchain) -> Outcome<PathBuf> {
    Ok(places::scratch("apps")?.join(format!("{}.so", name(toolchain))))
}

/// The program that serves net/http.
pub fn program(toolchain: Toolchain) -> Outcome<PathBuf> {
    Ok(places::scratch("apps")?.join(name(toolchain)))
}

/// Builds the library.
pub fn build_library(toolchain: Toolchain) -> Outcome<()> {
    let mut command = match toolchain {
        Toolchain::Go => go(&["-buildmode=c-shared"]),
        Toolchain::Gccgo => gccgo(&["-fPIC", "-shared", "-I"]),
    };
    if toolchain == Toolchain::Gccgo {
        command.arg(folder_of_the_package()?);
    }
    run(command.arg("-o").arg(library(toolchain)?).args(LIBRARY_SOURCES))
}

/// Builds the program.
pub fn build_program(toolchain: Toolchain) -> Outcome<()> {
    let mut command = match toolchain {
        Toolchain::Go => go(&[]),
        Toolchain::Gccgo => gccgo(&[]),
    };
    run(command.arg("-o").arg(program(toolchain)?).args(PROGRAM_SOURCES))
}

/// Builds the executable that carries its server.
pub fn build_monolith(toolchain: Toolchain, arguments: &[&str]) -> Outcome<PathBuf> {
    let out = places::scratch("apps")?.join(format!("{}-monolith{}", name(toolchain), arguments.concat()));
    let server = places::goherd()?;
    let folder = server.parent().ok_or("the server is in no folder")?.display();
    let mut command = match toolchain {
        Toolchain::Go => go(arguments),
        Toolchain::Gccgo => gccgo(arguments),
    };
    command.env("CGO_LDFLAGS", format!("-L{folder}"));
    match toolchain {
        Toolchain::Go => command.arg("-o").arg(&out).args(LIBRARY_SOURCES).arg("embed.go"),
        Toolchain::Gccgo => command
            .arg("-I")
            .arg(folder_of_the_package()?)
            .arg("-o")
            .arg(&out)
            .args(LIBRARY_SOURCES)
            .arg(format!("-L{folder}"))
            .args(["-Wl,-u,goherd_constructor", "-l:libgoherd.a", "-lm", "-ldl"]),
    };
    run(&mut command)?;
    Ok(out)
}

fn name(toolchain: Toolchain) -> &'static str {
    match toolchain {
        Toolchain::Go => "go",
        Toolchain::Gccgo => "gccgo",
    }
}

fn go(arguments: &[&str]) -> Command {
    let mut command = Command::new("go");
    command.arg("build").args(arguments).envs([("GOTOOLCHAIN", "local"), ("GOWORK", "off")]);
    command
}

/// Optimised, as Go's own compiler does without being asked.
fn gccgo(arguments: &[&str]) -> Command {
    let mut command = Command::new("gccgo");
    command.arg("-O2").args(arguments);
    command
}

/// Where `gccgo -I` finds the package: the server, called `uwsgi`, carries its export data.
fn folder_of_the_package() -> Outcome<PathBuf> {
    let folder = places::scratch("package")?;
    let link = folder.join("uwsgi");
    match fs::remove_file(&link) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => symlink(places::goherd()?, link)?,
    }
    Ok(folder)
}

fn run(command: &mut Command) -> Outcome<()> {
    let output = command.current_dir(places::here().join("app")).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr)).into())
}
