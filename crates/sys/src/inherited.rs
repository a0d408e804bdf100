//! Listening sockets that whoever started this process hands over to it: sd_listen_fds(3).
//!
//! In: `LISTEN_FDS` descriptors from 3 on, if `LISTEN_PID` is this process, with names in `LISTEN_FDNAMES`. Out: each as a
//! [`Listener`]. The variables are removed, so that no child takes them for its own.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use crate::Pid;
use crate::process::expect_one_thread;
use crate::socket::Listener;

/// The first descriptor that is handed over; the others follow.
const FIRST: RawFd = 3;

const VARIABLES: [&str; 3] = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];

/// A socket that was handed over.
#[derive(Debug)]
pub struct Inherited {
    /// The number that its descriptor had.
    pub number: RawFd,
    /// What it is called; empty if nothing was said.
    pub name: String,
    /// The socket.
    pub listener: Listener,
}

/// Takes all that were handed over. Call it first of all: while the process has one thread, and before it opens anything,
/// which might come to have a number that was promised to a socket.
pub fn take() -> io::Result<Vec<Inherited>> {
    let values =
        VARIABLES.map(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()));
    if values.iter().all(Option::is_none) {
        return Ok(Vec::new());
    }
    expect_one_thread()?;
    for name in VARIABLES {
        // SAFETY: there is one thread, so nobody reads the environment meanwhile.
        unsafe { std::env::remove_var(name) };
    }
    let [pid, count, names] = &values.each_ref().map(Option::as_deref);
    if pid.and_then(|pid| pid.parse().ok()) != Some(Pid::me().get()) {
        return Ok(Vec::new()); // they are somebody else's
    }
    promised(count.unwrap_or("0"), *names)?.map(|(number, name)| take_one(number, name)).collect()
}

/// The numbers and names of the descriptors.
fn promised(count: &str, names: Option<&str>) -> io::Result<impl Iterator<Item = (RawFd, String)>> {
    let invalid = |sentence: String| Err(io::Error::new(io::ErrorKind::InvalidInput, sentence));
    let Some(count) = count.parse::<RawFd>().ok().filter(|count| (0..RawFd::MAX - FIRST).contains(count))
    else {
        return invalid(format!("LISTEN_FDS is {count:?}, which is no number of descriptors"));
    };
    let names: Vec<String> =
        names.into_iter().flat_map(|names| names.split(':')).map(str::to_owned).collect();
    if !names.is_empty() && RawFd::try_from(names.len()) != Ok(count) && count > 0 {
        return invalid(format!("LISTEN_FDNAMES has {} names for the {count} of LISTEN_FDS", names.len()));
    }
    let names = names.into_iter().chain(std::iter::repeat(String::new()));
    Ok((FIRST..FIRST + count).zip(names))
}

fn take_one(number: RawFd, name: String) -> io::Result<Inherited> {
    let refused = |error: io::Error| {
        let sentence = format!("LISTEN_FDS: cannot take the descriptor {number}: {error}");
        io::Error::new(
            error.kind(),
            format!("{sentence}; the unit of systemd needs ListenStream= and Accept=no"),
        )
    };
    // SAFETY: fcntl with F_GETFD reads a flag, or fails for a number that is not a descriptor's.
    if unsafe { libc::fcntl(number, libc::F_GETFD) } == -1 {
        return Err(refused(io::Error::last_os_error()));
    }
    // SAFETY: it is open, and was opened for this process by the one that started it, as LISTEN_PID says; nothing here
    // has opened anything yet, and the variables are gone, so nobody owns it and nobody comes to it a second time.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    Ok(Inherited { number, name, listener: Listener::adopt(fd).map_err(refused)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promised_of(count: &str, names: Option<&str>) -> Result<Vec<(RawFd, String)>, String> {
        promised(count, names).map(Iterator::collect).map_err(|error| error.to_string())
    }

    #[test]
    fn descriptors_are_counted_from_3() {
        let unnamed = [3, 4].map(|number| (number, String::new()));
        assert_eq!(promised_of("2", None), Ok(unnamed.into()));
        assert_eq!(promised_of("2", Some("a:b")), Ok(vec![(3, "a".to_owned()), (4, "b".to_owned())]));
        assert_eq!(promised_of("2", Some(":b")), Ok(vec![(3, String::new()), (4, "b".to_owned())]));
        assert_eq!(promised_of("0", Some("")), Ok(Vec::new()));
    }

    #[test]
    fn what_is_malformed_gets_a_sentence() {
        for bad in ["", "x", "-1", "1.0", "2147483647", "99999999999"] {
            assert!(
                promised_of(bad, None).is_err_and(|error| error.contains("no number of descriptors")),
                "{bad}"
            );
        }
        let error = promised_of("2", Some("a")).unwrap_err();
        assert_eq!(error, "LISTEN_FDNAMES has 1 names for the 2 of LISTEN_FDS");
    }

    #[test]
    fn a_descriptor_that_is_not_open_gets_a_sentence() {
        let error = take_one(RawFd::MAX - 1, String::new()).unwrap_err().to_string();
        assert!(error.contains("LISTEN_FDS: cannot take the descriptor 2147483646: Bad file"), "{error}");
    }
}
