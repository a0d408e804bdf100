//! Where things are, and where this tool puts its own.

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::Outcome;

/// The folder of this crate.
pub fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of the project.
pub fn workspace() -> &'static Path {
    here().parent().expect("this crate has a folder within the workspace")
}

/// What is made during a benchmark: applications, logs, nginx's files. Below Cargo's target folder; made if need be.
pub fn scratch(folder: &str) -> Outcome<PathBuf> {
    let path = target().join("bench").join(folder);
    fs::create_dir_all(&path)?;
    Ok(path)
}

/// The server under test: `GOHERD_BIN`, or what `make` builds.
pub fn goherd() -> Outcome<PathBuf> {
    let path = env::var_os("GOHERD_BIN").map_or_else(|| target().join("release/goherd"), PathBuf::from);
    fs::canonicalize(&path)
        .map_err(|error| format!("{}: {error}; build it first: make", path.display()).into())
}

fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}
