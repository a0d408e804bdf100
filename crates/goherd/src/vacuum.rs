//! `vacuum`: the files that the server has made for as long as it lives, socket files and the pidfile, and their end.
//!
//! Invariant: a file is removed only if it is the one that was remembered. Another server may have put its own in its place.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use goherd_sys::stderr;

/// What is to be removed at the end.
#[derive(Debug, Default)]
pub struct Vacuum {
    files: Vec<Remembered>,
}

#[derive(Debug)]
struct Remembered {
    path: PathBuf,
    identity: Identity,
}

/// What tells a file from another that has its name later.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    number: u64,
}

impl Identity {
    fn of(file: &Metadata) -> Self {
        Self { device: file.dev(), number: file.ino() }
    }
}

impl Vacuum {
    /// Remembers the file that is at `path` now, whatever folder this process goes to.
    pub fn remember(&mut self, path: &Path) -> io::Result<()> {
        let identity = Identity::of(&fs::symlink_metadata(path)?);
        let path = std::path::absolute(path)?;
        self.files.retain(|other| other.path != path);
        self.files.push(Remembered { path, identity });
        Ok(())
    }

    /// Removes what is still there. It is the end of the server, so what goes wrong is said and no error.
    pub fn clean(&self) {
        for Remembered { path, identity } in &self.files {
            let is_ours = fs::symlink_metadata(path).is_ok_and(|found| Identity::of(&found) == *identity);
            if is_ours && let Err(error) = fs::remove_file(path) {
                stderr::line(&format!("vacuum: cannot remove {}: {error}", path.display()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_files_that_were_remembered_are_removed() {
        let folder = std::env::temp_dir().join(format!("goherd-vacuum-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let [ours, gone, replaced, strange] =
            ["ours", "gone", "replaced", "strange"].map(|name| folder.join(name));
        let mut vacuum = Vacuum::default();
        for path in [&ours, &gone, &replaced] {
            fs::write(path, "").unwrap();
            vacuum.remember(path).unwrap();
        }
        assert!(vacuum.remember(&strange).is_err());
        fs::remove_file(&gone).unwrap();
        fs::write(&strange, "").unwrap();
        fs::rename(&strange, &replaced).unwrap();
        vacuum.clean();
        assert_eq!([&ours, &gone, &replaced].map(|path| path.exists()), [false, false, true]);
        vacuum.clean();
        fs::remove_dir_all(folder).unwrap();
    }
}
