//! `pidfile`: the number of the master, in a file that is whole at every moment.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use goherd_sys::Pid;

use crate::settings::Failure;

/// Writes the number of this process to `path`, in whose place a file that is there already stays until then.
pub fn write(path: &Path) -> Result<(), Failure> {
    replace(path, format!("{}\n", Pid::me()).as_bytes()).map_err(|error| {
        let what_to_do = match error.kind() {
            io::ErrorKind::NotFound => "; its folder must be there",
            io::ErrorKind::PermissionDenied => {
                "; the user who starts the server must be able to make files in its folder"
            }
            io::ErrorKind::StorageFull => "; make room on the disk",
            _ => "",
        };
        format!("pidfile: cannot write {}: {error}{what_to_do}", path.display()).into()
    })
}

/// Writes another file beside it, and gives that its name.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "something that is no file is in the way"));
    }
    let unfinished = beside(path)?;
    let _left_behind = fs::remove_file(&unfinished);
    let written = File::create_new(&unfinished)
        .and_then(|mut file| file.write_all(content))
        .and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        let _never_made = fs::remove_file(&unfinished);
    }
    written
}

/// A name in the same folder that no other server uses.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    let mut unfinished = OsStr::new(".").to_owned();
    unfinished.push(name);
    unfinished.push(format!(".{}", Pid::me()));
    Ok(path.with_file_name(unfinished))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = std::env::temp_dir().join(format!("goherd-pidfile-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("app.pid");
        fs::write(&path, "99999 and more than that\n").unwrap();
        write(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", std::process::id()));
        let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["app.pid"]);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_in_the_way_stays() {
        let refused = |path: &str, part: &str| {
            let error = write(Path::new(path)).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("pidfile: cannot write {path}: ")) && error.contains(part),
                "{error}"
            );
        };
        refused("/dev/null", "something that is no file is in the way");
        refused("/", "something that is no file");
        refused("/nowhere/app.pid", "its folder must be there");
    }
}
