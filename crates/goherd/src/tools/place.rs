//! Where the parts of Goherd are that applications are built with: beside the running binary, installed or just built.

use std::path::{Path, PathBuf};

use crate::settings::Failure;

/// The parts.
pub(super) struct Parts {
    /// The Go package `uwsgi`.
    pub package: PathBuf,
    /// The folder of `libgoherd.a`.
    pub libraries: PathBuf,
    /// The folder of `uwsgi.gox`.
    pub exports: PathBuf,
}

/// Finds them.
pub(super) fn parts() -> Result<Parts, Failure> {
    let binary = std::env::current_exe()?;
    let folder = binary.parent().unwrap_or(Path::new("/"));
    let around = |up: usize| folder.ancestors().nth(up).unwrap_or(Path::new("/")).to_owned();
    let installed = (around(1).join("share/goherd/go/uwsgi"), around(1).join("lib"));
    let built = (around(2).join("go/uwsgi"), folder.to_owned());
    for (package, libraries) in [installed, built] {
        if package.join("go.mod").is_file() {
            return Ok(Parts { package, libraries, exports: folder.to_owned() });
        }
    }
    Err(format!(
        "the Go package uwsgi is not beside {}: install Goherd with `make install`",
        binary.display()
    )
    .into())
}
