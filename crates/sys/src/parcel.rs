//! What a process hands on to the program that takes its place (execve(2)): a text, and descriptors.
//!
//! The descriptors keep their numbers. A memfd holds the list of them and the text, and the variable [`VARIABLE`] says
//! which one it is and which process it is for.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::{FdFlags, fcntl_setfd};

use crate::Pid;
use crate::process::expect_one_thread;

/// The variable that names a parcel: `FD:PID`.
pub const VARIABLE: &str = "GOHERD_PARCEL";

/// A text and descriptors.
#[derive(Debug)]
pub struct Parcel {
    /// Its text may name the descriptors by their place in `descriptors`.
    pub text: String,
    /// What is handed on.
    pub descriptors: Vec<OwnedFd>,
}

impl Parcel {
    /// Makes this parcel last over the next exec. Gives the variable for the environment of the program, and what to keep
    /// until then: dropped, nothing is handed on.
    pub fn pack(self) -> io::Result<(CString, Packed)> {
        let numbers: Vec<_> = self.descriptors.iter().map(|fd| fd.as_raw_fd().to_string()).collect();
        let mut file = File::from(memfd_create("goherd-parcel", MemfdFlags::empty())?);
        write!(file, "{}\n{}", numbers.join(" "), self.text)?;
        file.rewind()?;
        let kept = self.descriptors.iter().try_for_each(|fd| fcntl_setfd(fd, FdFlags::empty()));
        let packed = Packed { parcel: self, file };
        kept?;
        let variable = format!("{VARIABLE}={}:{}", packed.file.as_raw_fd(), Pid::me());
        Ok((CString::new(variable)?, packed))
    }

    /// Takes what was handed on to this process, if something was. Call it first of all, while the process has one thread.
    pub fn take() -> io::Result<Option<Self>> {
        let Some(value) = std::env::var_os(VARIABLE) else { return Ok(None) };
        expect_one_thread()?;
        // SAFETY: there is one thread, so nobody reads the environment meanwhile.
        unsafe { std::env::remove_var(VARIABLE) };
        let value = value.to_string_lossy().into_owned();
        let Some((number, pid)) = value.split_once(':') else { return Ok(None) };
        if pid.parse() != Ok(Pid::me().get()) {
            return Ok(None); // it was for somebody else
        }
        let mut list = String::new();
        File::from(own(number)?).read_to_string(&mut list)?;
        let (numbers, text) = list.split_once('\n').unwrap_or((&list, ""));
        let descriptors = numbers.split(' ').filter(|number| !number.is_empty()).map(own);
        Ok(Some(Self { descriptors: descriptors.collect::<io::Result<_>>()?, text: text.to_owned() }))
    }
}

/// A parcel that lasts over an exec.
#[derive(Debug)]
pub struct Packed {
    parcel: Parcel,
    file: File,
}

impl Drop for Packed {
    fn drop(&mut self) {
        for fd in &self.parcel.descriptors {
            let _closed_all_the_same = fcntl_setfd(fd, FdFlags::CLOEXEC);
        }
    }
}

/// Owns the descriptor with this number.
fn own(number: &str) -> io::Result<OwnedFd> {
    let refused = |what: &str| {
        io::Error::new(io::ErrorKind::InvalidData, format!("{VARIABLE}: {number:?} is no descriptor {what}"))
    };
    let number: RawFd = number.parse().ok().filter(|number| *number > 2).ok_or_else(|| refused("to take"))?;
    // SAFETY: fcntl with F_GETFD reads a flag, or fails for a number that is not a descriptor's.
    if unsafe { libc::fcntl(number, libc::F_GETFD) } == -1 {
        return Err(refused("that is open"));
    }
    // SAFETY: it is open, and the program that this process was before left it open for this one, as the variable with this
    // process's number says; the variable is gone, so nobody comes to it a second time, and nothing is open yet but what
    // was handed on.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    fcntl_setfd(&fd, FdFlags::CLOEXEC)?;
    Ok(fd)
}
