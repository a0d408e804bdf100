//! A folder for what is needed during a build, which goes with it.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use goherd_sys::Pid;

use crate::settings::Failure;

/// The folder.
pub(super) struct Desk(PathBuf);

impl Desk {
    /// Makes it, where nobody else can write. What an earlier process of the same number has left there is not touched.
    pub fn new() -> Result<Self, Failure> {
        let mut builder = DirBuilder::new();
        builder.mode(0o700);
        let (place, mut count) = (std::env::temp_dir(), 0);
        loop {
            let folder = place.join(format!("goherd-build-{}-{count}", Pid::me()));
            match builder.create(&folder) {
                Ok(()) => return Ok(Self(folder)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => count += 1,
                Err(error) => {
                    return Err(format!("build: cannot make the folder {}: {error}", folder.display()).into());
                }
            }
        }
    }

    /// The place of a file in it.
    pub fn place(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file in it; gives its place.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> Result<PathBuf, Failure> {
        let place = self.place(name);
        fs::write(&place, text)
            .map_err(|error| format!("build: cannot write {}: {error}", place.display()))?;
        Ok(place)
    }

    /// Copies a file into it, if that is there.
    pub fn copy_if_there(&self, file: &Path, name: &str) -> Result<(), Failure> {
        match fs::read(file) {
            Ok(content) => self.write(name, content).map(drop),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(format!("build: cannot read {}: {error}", file.display()).into()),
        }
    }

    /// An object file of a piece of C.
    pub fn object_of(&self, source: &str) -> Result<PathBuf, Failure> {
        let (file, object) = (self.write("ini.c", source)?, self.place("ini.o"));
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

/// The text of an ini file as C has it, under the name by which the server finds it.
pub(super) fn ini_in_c(ini: &Path) -> Result<String, Failure> {
    let text = fs::read(ini).map_err(|error| format!("build: cannot read {}: {error}", ini.display()))?;
    let mut source = "const char goherd_ini[] = {".to_owned();
    for byte in text.iter().filter(|byte| **byte != 0).chain([&0]) {
        write!(source, "{},", byte.cast_signed())?;
    }
    Ok(source + "};\n")
}
