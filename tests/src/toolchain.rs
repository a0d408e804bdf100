//! The compilers at hand, and what happens to a test when one is missing.

use std::path::PathBuf;
use std::process::Command;

/// A Go compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Toolchain {
    /// Standard Go: the `go` of the path, or else another at hand.
    Go,
    /// gccgo.
    Gccgo,
}

impl Toolchain {
    /// Runs a test with this toolchain, or skips it by name if there is none.
    pub fn run(self, test: fn(Self)) {
        if self.is_here() { test(self) } else { skip_for_want_of(self.name()) }
    }

    /// Whether this machine has it.
    #[must_use]
    pub fn is_here(self) -> bool {
        match self {
            Self::Go => !every_go().is_empty(),
            Self::Gccgo => answers("gccgo", "--version"),
        }
    }

    /// Its name, for files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::Gccgo => "gccgo",
        }
    }
}

/// Says that a test cannot be run here for want of `what`.
pub fn skip(what: &str) {
    eprintln!("skipped: {what}");
}

/// Says that a test cannot be run because `tool` is not installed. In CI all tools are: there it is an error.
pub fn skip_for_want_of(tool: &str) {
    assert!(std::env::var_os("CI").is_none(), "{tool} is not installed, and CI must test with it");
    skip(&format!("{tool} is not installed"));
}

/// Every `go` command of this machine, that of the path first, each version once.
#[must_use]
pub fn every_go() -> Vec<PathBuf> {
    let mut found: Vec<(String, PathBuf)> = Vec::new();
    for go in candidates() {
        match go_version(&go) {
            Some(version) if found.iter().all(|(other, _)| *other != version) => found.push((version, go)),
            _ => {}
        }
    }
    found.into_iter().map(|(_, go)| go).collect()
}

fn candidates() -> Vec<PathBuf> {
    let mut all = vec![PathBuf::from("go"), PathBuf::from("/usr/local/go/bin/go")];
    for entry in std::fs::read_dir("/usr/lib").into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("go-") {
            all.push(entry.path().join("bin/go"));
        }
    }
    all
}

fn go_version(go: &PathBuf) -> Option<String> {
    let output = Command::new(go).args(["env", "GOVERSION"]).env("GOTOOLCHAIN", "local").output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether there is such a command.
pub(crate) fn answers(command: &str, argument: &str) -> bool {
    Command::new(command).arg(argument).output().is_ok_and(|output| output.status.success())
}
