//! Lines on descriptor 2, where everyone of a server writes its log.
//!
//! In: lines. Out: nothing. A log that cannot be written is no reason to stop serving, so nothing is reported, and a reader
//! that has stopped reading is not waited for, but for a moment: what it leaves no room for is lost. Lost lines are counted, and the next line
//! that finds room comes after one that tells how many they were.

use std::io::IoSlice;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, fstat};
use rustix::io::{Errno, ReadWriteFlags, pwritev2, write};
use rustix::net::{SendFlags, send};
use rustix::stdio::stderr;

/// A pipe that is ready takes so many bytes at once: PIPE_BUF.
const AT_ONCE: usize = 4096;
/// The offset that means "wherever the file is", for descriptors without offsets above all.
const HERE: u64 = u64::MAX;

/// A reader that is at work but slower than a burst of lines gets so much time, until a line is lost.
const A_MOMENT: Timespec = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
const NO_TIME: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// How many lines this process has lost since one found room.
static LOST: AtomicU64 = AtomicU64::new(0);

/// Writes `text` and a line feed in one call, so that lines of several processes do not mix.
pub fn line(text: &str) {
    let lost = LOST.swap(0, Ordering::Relaxed);
    let note = || format!("{lost} lines of this log are lost: there was no room for them");
    let told = lost == 0 || put(stderr(), &note(), false);
    if !told || !put(stderr(), text, lost == 0) {
        LOST.fetch_add(if told { 1 } else { lost + 1 }, Ordering::Relaxed);
    }
}

/// Writes each line of `text`, behind `prefix`: text of others, which may hold anything.
pub fn lines(prefix: &str, text: &str) {
    let text = text.strip_suffix('\n').unwrap_or(text);
    for one in text.split('\n') {
        line(&format!("{prefix}{}", visible(one.strip_suffix('\r').unwrap_or(one))));
    }
}

/// The same with control characters as a terminal cannot mistake them for its own.
fn visible(text: &str) -> std::borrow::Cow<'_, str> {
    let hidden = |c: char| c.is_control() && c != '\t';
    if !text.contains(hidden) {
        return text.into();
    }
    let shown = |c: char| if hidden(c) { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect::<String>().into()
}

/// A new process has lost nothing yet.
pub(crate) fn begin() {
    LOST.store(0, Ordering::Relaxed);
}

/// Writes a line, for which it may wait a moment, once, if it is `patient`; `false`: there was no room for all of it.
fn put(to: BorrowedFd<'_>, text: &str, mut patient: bool) -> bool {
    let bytes = [b"goherd: ", text.as_bytes(), b"\n"].concat();
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        match put_some(to, rest) {
            Ok(n @ 1..) => rest = &rest[n..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) if std::mem::take(&mut patient) => drop(has_room(to, A_MOMENT)),
            Ok(0) | Err(_) => return false,
        }
    }
    true
}

/// Writes what there is room for. The descriptor is shared with other programs, so it cannot be made non-blocking itself.
fn put_some(to: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize, Errno> {
    match FileType::from_raw_mode(fstat(to)?.st_mode) {
        FileType::Socket => send(to, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL),
        FileType::Fifo | FileType::CharacterDevice => {
            match pwritev2(to, &[IoSlice::new(bytes)], HERE, ReadWriteFlags::NOWAIT) {
                Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::SPIPE) => put_if_ready(to, bytes),
                outcome => outcome,
            }
        }
        _ => write(to, bytes),
    }
}

/// For terminals, and for kernels that know no better way. It waits only where another process is quicker to fill the room.
fn put_if_ready(to: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize, Errno> {
    match has_room(to, NO_TIME)? {
        false => Err(Errno::AGAIN),
        true => write(to, &bytes[..bytes.len().min(AT_ONCE)]),
    }
}

/// Whether something can be written, or can be within this time.
fn has_room(to: BorrowedFd<'_>, time: Timespec) -> Result<bool, Errno> {
    Ok(poll(&mut [PollFd::from_borrowed_fd(to, PollFlags::OUT)], Some(&time))? > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::{AsFd, OwnedFd};

    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

    /// Writes until there is no room, with the reader asleep; then reads, and there is room again.
    fn nobody_waits_for_its_reader(
        reader: &OwnedFd,
        writer: &OwnedFd,
        put: impl Fn(BorrowedFd<'_>, &str) -> bool,
    ) {
        let text = "x".repeat(1000);
        let before = (0..).take_while(|_| put(writer.as_fd(), &text)).count();
        assert!(before > 1 && !put(writer.as_fd(), &text));
        let mut room = vec![0; 1 << 20];
        let read = rustix::io::read(reader, &mut room).unwrap();
        assert!(room[..read].starts_with(b"goherd: xxx") && room[..read].ends_with(b"x\n"));
        assert!(put(writer.as_fd(), "there is room"));
    }

    #[test]
    fn the_reader_of_a_pipe_or_a_socket_is_not_waited_for() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        nobody_waits_for_its_reader(&reader, &writer, |to, text| put(to, text, true));
        let flags = SocketFlags::empty();
        let (reader, writer) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None).unwrap();
        nobody_waits_for_its_reader(&reader, &writer, |to, text| put(to, text, true));
    }

    #[test]
    fn nor_where_the_kernel_cannot_be_told_not_to_wait() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        nobody_waits_for_its_reader(&reader, &writer, |to, text| {
            let line = format!("goherd: {text}\n");
            put_if_ready(to, line.as_bytes()) == Ok(line.len())
        });
    }

    #[test]
    fn text_of_others_shows_what_it_hides() {
        assert_eq!(visible("a\tb \u{e9}"), "a\tb \u{e9}");
        assert_eq!(visible("a\x1b[2Jb\rc"), "a\\u{1b}[2Jb\\rc");
    }

    #[test]
    fn a_full_disk_and_a_file() {
        assert!(!put(File::options().write(true).open("/dev/full").unwrap().as_fd(), "lost", true));
        assert!(put(File::options().write(true).open("/dev/null").unwrap().as_fd(), "written", true));
    }
}
