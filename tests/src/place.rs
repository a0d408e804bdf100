//! The places of things: the workspace, the server's binary, the folder for built applications.

use std::path::{Path, PathBuf};

/// Where something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The root of the repository.
    Workspace,
    /// The server's binary.
    Binary,
    /// What the tests build.
    TestApps,
}

impl Place {
    /// Its path. Panics with what to do if the binary is not built.
    #[must_use]
    pub fn path(self) -> PathBuf {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        match self {
            Self::Workspace => workspace.to_owned(),
            Self::TestApps => workspace.join("target/test-apps"),
            Self::Binary => binary(workspace),
        }
    }
}

fn binary(workspace: &Path) -> PathBuf {
    let chosen = std::env::var_os("GOHERD_BIN").map(PathBuf::from);
    let path = chosen.unwrap_or_else(|| workspace.join("target/release/goherd"));
    assert!(
        path.is_file(),
        "there is no server to test at {}: run make first, or set GOHERD_BIN",
        path.display()
    );
    path
}
