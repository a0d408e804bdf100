//! A named pipe (mkfifo(3)) into which people write commands.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};

/// Its reading end. It holds a writing end too, so that it does not end when the last writer goes.
#[derive(Debug)]
pub struct Fifo {
    file: File,
}

impl Fifo {
    /// Opens the pipe at `path`; makes it, for its owner alone, if nothing is there.
    pub fn open(path: &Path) -> io::Result<Self> {
        match mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        if !fs::metadata(path)?.file_type().is_fifo() {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "there is a file, and it is no named pipe",
            ));
        }
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
        let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)?;
        Ok(Self { file })
    }

    /// Takes what was written.
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        let mut buffer = [0; 256];
        let read = self.file.read(&mut buffer).unwrap_or(0);
        buffer[..read].to_vec()
    }
}

impl AsFd for Fifo {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_is_written_and_refuses_files() {
        let folder = std::env::temp_dir().join(format!("goherd-fifo-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("fifo");
        let mut fifo = Fifo::open(&path).unwrap();
        assert_eq!(fifo.take(), b"");
        fs::write(&path, "rq").unwrap();
        assert_eq!(fifo.take(), b"rq");
        let again = Fifo::open(&path);
        let file = folder.join("file");
        fs::write(&file, "").unwrap();
        let refused = Fifo::open(&file).unwrap_err().to_string();
        fs::remove_dir_all(&folder).unwrap();
        assert!(again.is_ok());
        assert!(refused.contains("no named pipe"), "{refused}");
    }
}
