//! The compilers at hand, and what happens to a test when one is missing.

use std::path::{Path, PathBuf};
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

/// Runs a test with every `go` command of this machine, and says which.
pub fn with_every_go(test: impl Fn(&Path)) {
    for go in every_go() {
        eprintln!("with {}", go_version(&go).unwrap_or_default());
        test(&go);
    }
    if !candidates().iter().any(|go| go.starts_with(DISTRIBUTION) && go.exists()) {
        skip(&format!("the distribution's Go ({DISTRIBUTION}/go-*) is not installed"));
    }
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

/// Where Debian and Ubuntu put their versions of Go.
const DISTRIBUTION: &str = "/usr/lib";

/// The go of the path, those that were installed by hand, by the distribution, and by the go command itself.
fn candidates() -> Vec<PathBuf> {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let mut all = vec![PathBuf::from("go"), PathBuf::from("/usr/local/go/bin/go")];
    for (folder, start) in [
        (DISTRIBUTION.into(), "go-"),
        (home.join("sdk"), "go1."),
        (home.join("go/pkg/mod/golang.org"), "toolchain@"),
    ] {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(start) {
                all.push(entry.path().join("bin/go"));
            }
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
