//! A folder for one test's files, removed with all that is in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::place::Place;
use crate::wait::eventually;

/// A folder that lasts as long as this value.
#[derive(Debug)]
pub struct Scratch(TempDir);

impl Scratch {
    /// An empty one.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "a folder is made: that is no default")]
    pub fn new() -> Self {
        Self(tempfile::Builder::new().prefix("goherd-test-").tempdir().unwrap())
    }

    /// The folder itself.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    /// The path of a file in it, which need not exist.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// The same as text, for addresses and queries.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Writes a file in it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Puts a copy of a program in its place in it, in one step, as whoever deploys does.
    ///
    /// Another process writes the copy. What this process writes is open for writing in the children too that other tests
    /// are just starting, and the system runs no file that somebody writes ("text file busy").
    pub fn install(&self, program: &Path, name: &str) -> PathBuf {
        let [new, place] = [format!("{name}.new"), name.to_owned()].map(|name| self.path(&name));
        let copied = Command::new("install").arg("--mode=755").args([program, &new]).status().unwrap();
        assert!(copied.success(), "{} is copied to {}", program.display(), new.display());
        std::fs::rename(new, &place).unwrap();
        place
    }

    /// Puts a copy of the server there, called server.
    pub fn install_server(&self) -> PathBuf {
        self.install(&Place::Binary.path(), "server")
    }

    /// Writes a program, and puts it in its place.
    pub fn install_written(&self, content: impl AsRef<[u8]>, name: &str) -> PathBuf {
        self.install(&self.write(&format!("{name}.written"), content), name)
    }

    /// Lets other users in, and lets them make files.
    pub fn open_to_all(&self) {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(self.folder(), std::fs::Permissions::from_mode(0o777)).unwrap();
    }

    /// Waits until there is a file of this name: handlers of the probe make such files.
    pub fn wait_for(&self, name: &str) {
        eventually(&format!("the file {name} is made"), || self.path(name).exists().then_some(()));
    }
}

/// A file's content with another number behind each `name` that has one behind it, as many digits as stood there.
#[must_use]
pub fn renamed(content: &[u8], name: &[u8], number: &[u8]) -> Vec<u8> {
    let mut content = content.to_vec();
    let has_number = |at: &usize| {
        let rest = content[*at..].strip_prefix(name).and_then(|rest| rest.get(..number.len()));
        rest.is_some_and(|rest| rest.iter().all(u8::is_ascii_digit))
    };
    let places: Vec<usize> = (0..content.len()).filter(has_number).collect();
    for place in places {
        content[place + name.len()..][..number.len()].copy_from_slice(number);
    }
    content
}
