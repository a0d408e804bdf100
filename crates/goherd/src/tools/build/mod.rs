//! `goherd build`: an application, with the compiler and the flags that its shape needs.
//!
//! In: the application's folder, or files of it for gccgo. Out: one file. What the compiler needs beside the application stands
//! in a folder of its own meanwhile, and is laid over the application's (`go build -overlay`): nothing is written there.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use goherd_config::Build;
use goherd_sys::{Pid, stderr};

use super::place::{Parts, parts};
use crate::settings::Failure;

/// The file that brings the server into an executable.
const EMBED: &str = "package main\n\nimport _ \"uwsgi/embed\"\n";

/// Builds; gives the code to exit with. What the compiler says is shown as it is.
pub(super) fn build(asked: &Build) -> Result<u8, Failure> {
    if asked.ini.is_some() && !asked.monolith {
        return Err("build: --ini is for --shape mono: a library is served with goherd app.ini".into());
    }
    for path in &asked.app {
        fs::metadata(path).map_err(|error| format!("build: {}: {error}; check the path", path.display()))?;
    }
    let gccgo = asked.gccgo.unwrap_or_else(|| version("go").is_none() && version("gccgo").is_some());
    let compiler = if gccgo { "gccgo" } else { "go" };
    let Some(version) = version(compiler) else {
        return Err(format!("build: {compiler} is not on this machine, or not in PATH").into());
    };
    let (parts, desk) = (parts()?, Desk::new()?);
    let out = out(asked)?;
    stderr::line(&format!(
        "building {} with {version} as {}",
        out.display(),
        if asked.monolith { "one executable with its server" } else { "a library" }
    ));
    let begun = Instant::now();
    let made = desk.0.join("made");
    let ini = asked.ini.as_deref().map(|ini| desk.object_of(ini)).transpose()?;
    let mut command = if gccgo {
        with_gccgo(asked, &parts, ini.as_deref())?
    } else {
        with_go(asked, &parts, ini.as_deref(), &desk)?
    };
    if gccgo {
        command.arg("-o").arg(&made);
    }
    let status = command.status().map_err(|error| format!("build: cannot run {compiler}: {error}"))?;
    if !status.success() {
        return Err(format!("build: {compiler} has failed ({status})").into());
    }
    put(&made, &out)?;
    stderr::line(&format!("built {} in {:.1} s", out.display(), begun.elapsed().as_secs_f32()));
    Ok(0)
}

/// What a compiler calls itself; `None`: it is not here.
fn version(compiler: &str) -> Option<String> {
    let argument = if compiler == "go" { "version" } else { "--version" };
    let output = Command::new(compiler).arg(argument).stdin(Stdio::null()).output().ok()?;
    let said = String::from_utf8_lossy(&output.stdout);
    output.status.success().then(|| said.lines().next().unwrap_or(compiler).to_owned())
}

/// The file to make: in this folder, called after the application.
fn out(asked: &Build) -> Result<PathBuf, Failure> {
    if let Some(out) = &asked.out {
        return Ok(out.clone());
    }
    let app = fs::canonicalize(&asked.app[0])?;
    let name = if app.is_dir() { app.file_name() } else { app.file_stem() };
    let mut name = name.map_or_else(|| OsString::from("app"), OsString::from);
    if !asked.monolith {
        name.push(".so");
    }
    Ok(PathBuf::from(name))
}

/// Gives the whole file its name at once: whoever loads it meanwhile gets the old one or the new one.
fn put(made: &Path, out: &Path) -> Result<(), Failure> {
    let mut part = out.as_os_str().to_owned();
    part.push(".part");
    let done = fs::copy(made, &part).and_then(|_length| fs::rename(&part, out));
    done.map_err(|error| format!("build: cannot write {}: {error}", out.display()).into())
}

fn with_go(asked: &Build, parts: &Parts, ini: Option<&Path>, desk: &Desk) -> Result<Command, Failure> {
    let [folder] = &asked.app[..] else {
        return Err("build: go builds one folder: name that of the application's main package".into());
    };
    if !folder.is_dir() {
        return Err(format!("build: {} is no folder: name that of the main package", folder.display()).into());
    }
    let folder = fs::canonicalize(folder)?;
    let mut laid_over = vec![desk.module(&folder, parts)?];
    let mut command = Command::new("go");
    command.current_dir(&folder).arg("build");
    if asked.monolith {
        let file = desk.0.join("embed.go");
        fs::write(&file, EMBED)?;
        laid_over.push((folder.join("goherd_embed.go"), file));
    } else {
        command.arg("-buildmode=c-shared");
    }
    if let Some(ini) = ini {
        command.arg(format!("-ldflags=-extldflags={}", ini.display()));
    }
    let overlay = desk.0.join("overlay.json");
    fs::write(&overlay, json(&laid_over)?)?;
    command.arg("-mod=mod").arg("-overlay").arg(&overlay).arg("-o").arg(desk.0.join("made")).arg(".");
    command.envs([("CGO_ENABLED", "1"), ("GOWORK", "off")]);
    Ok(command)
}

fn with_gccgo(asked: &Build, parts: &Parts, ini: Option<&Path>) -> Result<Command, Failure> {
    let mut command = Command::new("gccgo");
    if let Some(flags) = std::env::var_os("GCCGOFLAGS") {
        command.args(flags.to_string_lossy().split_whitespace());
    }
    command.arg("-I").arg(&parts.exports);
    if !asked.monolith {
        command.args(["-fPIC", "-shared"]);
    }
    for app in &asked.app {
        command.args(if app.is_dir() { sources(app)? } else { vec![app.clone()] });
    }
    if asked.monolith {
        command.args(ini).arg("-Wl,-u,goherd_constructor").arg("-L").arg(&parts.libraries);
        command.args(["-l:libgoherd.a", "-lm", "-ldl"]);
    }
    Ok(command)
}

/// The Go files of a folder, but for tests.
fn sources(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let files = fs::read_dir(folder)?.flatten().map(|file| file.path());
    let is_source = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.ends_with(".go") && !name.ends_with("_test.go")
    };
    let mut files: Vec<PathBuf> = files.filter(is_source).collect();
    files.sort();
    if files.is_empty() {
        return Err(format!("build: there are no Go files in {}", folder.display()).into());
    }
    Ok(files)
}

/// A file for `go build -overlay`.
fn json(laid_over: &[(PathBuf, PathBuf)]) -> Result<String, Failure> {
    let mut pairs = Vec::new();
    for (place, file) in laid_over {
        pairs.push(format!("{}: {}", quoted(place)?, quoted(file)?));
    }
    Ok(format!("{{\"Replace\": {{{}}}}}", pairs.join(", ")))
}

fn quoted(path: &Path) -> Result<String, Failure> {
    let text = path.to_str().filter(|text| !text.contains(|c: char| c.is_control() || c == '"' || c == '\\'));
    let text = text.ok_or_else(|| format!("build: the go command cannot be told of {}", path.display()))?;
    Ok(format!("\"{text}\""))
}

/// A folder for what is needed during a build, which goes with it.
struct Desk(PathBuf);

impl Desk {
    fn new() -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("goherd-build-{}", Pid::me()));
        DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .map_err(|error| format!("build: cannot make the folder {}: {error}", folder.display()))?;
        Ok(Self(folder))
    }

    /// What is laid over the application's `go.mod`: the same, with this server's package `uwsgi`.
    fn module(&self, folder: &Path, parts: &Parts) -> Result<(PathBuf, PathBuf), Failure> {
        let found =
            Command::new("go").current_dir(folder).args(["env", "GOMOD"]).env("GOWORK", "off").output()?;
        let found = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        let (place, file) = match found.as_str() {
            "" | "/dev/null" => (folder.join("go.mod"), "module app\n\ngo 1.18\n".to_owned()),
            place => (PathBuf::from(place), fs::read_to_string(place)?),
        };
        let ours = self.0.join("go.mod");
        fs::write(&ours, file)?;
        let package = parts.package.display();
        let edit =
            ["mod", "edit", "-require=uwsgi@v0.0.0", &format!("-replace=uwsgi={package}")].map(str::to_owned);
        let edited = Command::new("go").args(edit).arg(&ours).status()?;
        if edited.success() {
            Ok((place, ours))
        } else {
            Err("build: go cannot read the application's go.mod".into())
        }
    }

    /// An object file with the text of an ini file under the name by which the server finds it.
    fn object_of(&self, ini: &Path) -> Result<PathBuf, Failure> {
        let text = fs::read(ini).map_err(|error| format!("build: cannot read {}: {error}", ini.display()))?;
        let mut source = "const char goherd_ini[] = {".to_owned();
        for byte in text.iter().filter(|byte| **byte != 0).chain([&0]) {
            write!(source, "{},", byte.cast_signed())?;
        }
        let (file, object) = (self.0.join("ini.c"), self.0.join("ini.o"));
        fs::write(&file, source + "};\n")?;
        let made = Command::new("gcc").arg("-c").arg(&file).arg("-o").arg(&object).status();
        if made.is_ok_and(|status| status.success()) {
            Ok(object)
        } else {
            Err("build: gcc cannot make an object file of the ini file".into())
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _left_behind = fs::remove_dir_all(&self.0);
    }
}
