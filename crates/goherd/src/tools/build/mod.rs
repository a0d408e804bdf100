//! `goherd build`: an application, with the compiler and the flags that its shape needs.
//!
//! In: the application's folder, or files of it for gccgo. Out: one file. What the compiler needs beside the application stands
//! in a folder of its own meanwhile ([`desk`]): nothing is written into the application's ([`view`]).

mod desk;
mod gccgo;
mod view;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use goherd_config::Build;
use goherd_sys::signal::{SignalFd, Signum};
use goherd_sys::stderr;

use super::place::{Parts, parts};
use crate::settings::Failure;
use desk::{Desk, ini_in_c};
use view::View;

/// The file that brings the server into an executable.
const EMBED: &str = "package main\n\nimport _ \"uwsgi/embed\"\n";

/// Builds; gives the code to exit with. What the compiler says is shown as it is.
pub(super) fn build(asked: &Build) -> Result<u8, Failure> {
    check(asked)?;
    let gccgo = gccgo::name();
    let by_gccgo = asked.gccgo.unwrap_or_else(|| version("go").is_none() && version(&gccgo).is_some());
    let compiler = if by_gccgo { &gccgo } else { "go" };
    let Some(version) = version(compiler) else {
        return Err(format!("build: {compiler} is not on this machine, or not in PATH").into());
    };
    let (parts, desk, out) = (parts()?, Desk::new()?, out(asked)?);
    stderr::line(&format!(
        "building {} with {version} as {}",
        out.display(),
        if asked.monolith { "one executable with its server" } else { "a library" }
    ));
    // Ctrl-C ends the compiler; this process is then to leave nothing behind.
    let interrupts = SignalFd::new(&[Signum::INT])?;
    let (begun, made) = (Instant::now(), desk.place("made"));
    if by_gccgo {
        gccgo::make(asked, &parts, &desk, &made)?;
    } else {
        make_with_go(asked, &parts, &desk, &made)?;
    }
    if interrupts.take().is_some() {
        return Err("build: interrupted".into());
    }
    put(&made, &out)?;
    stderr::line(&format!("built {} in {:.1} s", out.display(), begun.elapsed().as_secs_f32()));
    Ok(0)
}

/// Finds out what is wrong before anything is done.
fn check(asked: &Build) -> Result<(), Failure> {
    if asked.ini.is_some() && !asked.monolith {
        return Err("build: --ini is for --shape mono: a library is served with goherd app.ini".into());
    }
    for path in asked.app.iter().chain(&asked.ini) {
        fs::metadata(path).map_err(|error| format!("build: {}: {error}; check the path", path.display()))?;
    }
    let is_go = |path: &Path| path.is_dir() || path.extension().is_some_and(|end| end == "go");
    if let Some(other) = asked.app.iter().find(|path| !is_go(path)) {
        return Err(format!("build: {} is neither a folder nor a file of Go", other.display()).into());
    }
    if asked.app.len() > 1 && asked.app.iter().any(|path| path.is_dir()) {
        return Err("build: name one folder, that of the application's main package, or files of Go".into());
    }
    Ok(())
}

/// What a compiler calls itself; `None`: it is not here.
fn version(compiler: &str) -> Option<String> {
    let argument = if compiler == "go" { "version" } else { "--version" };
    let output = Command::new(compiler).arg(argument).stdin(Stdio::null()).output().ok()?;
    let said = String::from_utf8_lossy(&output.stdout);
    output.status.success().then(|| said.lines().next().unwrap_or(compiler).to_owned())
}

/// The file to make: in this folder, or in the one that is named, called after the application.
fn out(asked: &Build) -> Result<PathBuf, Failure> {
    let folder = match &asked.out {
        Some(out) if out.is_dir() => out.as_path(),
        Some(out) => return Ok(out.clone()),
        None => Path::new(""),
    };
    let app = fs::canonicalize(&asked.app[0])?;
    let name = if app.is_dir() { app.file_name() } else { app.file_stem() };
    let mut name = name.map_or_else(|| OsString::from("app"), OsString::from);
    if !asked.monolith {
        name.push(".so");
    }
    Ok(folder.join(name))
}

/// Gives the whole file its name at once: whoever loads it meanwhile gets the old one or the new one.
fn put(made: &Path, out: &Path) -> Result<(), Failure> {
    let mut part = out.as_os_str().to_owned();
    part.push(".part");
    let done = fs::copy(made, &part).and_then(|_length| fs::rename(&part, out));
    done.map_err(|error| format!("build: cannot write {}: {error}", out.display()).into())
}

fn make_with_go(asked: &Build, parts: &Parts, desk: &Desk, made: &Path) -> Result<(), Failure> {
    let [folder] = &asked.app[..] else {
        return Err("build: go builds one folder: name that of the application's main package".into());
    };
    if !folder.is_dir() {
        return Err(format!("build: {} is no folder: name that of the main package", folder.display()).into());
    }
    let mut view = View::new(folder, &parts.package, desk)?;
    if asked.monolith {
        let embed = desk.write("embed.go", EMBED)?;
        view.lay_over(fs::canonicalize(folder)?.join("goherd_embed.go"), embed);
    }
    if let Some(ini) = &asked.ini {
        let constant = format!("package embed\n\n/*\n{}*/\nimport \"C\"\n", ini_in_c(ini)?);
        view.lay_over(parts.package.join("embed/goherd_ini.go"), desk.write("ini.go", constant)?);
    }
    let mut command = view.go("build", desk)?;
    if !asked.monolith {
        command.arg("-buildmode=c-shared");
    }
    must_succeed(command.arg("-o").arg(made).arg(".").env("CGO_ENABLED", "1"))
}

/// Runs a compiler, which shows by itself what is wrong.
fn must_succeed(command: &mut Command) -> Result<(), Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|error| format!("build: cannot run {name}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("build: {name} has failed ({status})").into()) }
}
