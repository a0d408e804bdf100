//! Commands that people write into named pipes: a letter each, as uWSGI's master-fifo has them.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use goherd_sys::epoll::{Epoll, Watch};
use goherd_sys::fifo::Fifo;
use goherd_sys::stderr;

use crate::family::Event;

/// The pipes of the generation that serves.
#[derive(Debug, Default)]
pub(super) struct Commands {
    pipes: Vec<(PathBuf, Option<Fifo>)>,
    /// Those of the program before this one.
    inherited: Vec<OwnedFd>,
}

impl Commands {
    /// Holds the pipes of the program before this one until its own are open: what is in them is not lost so.
    pub fn hold(&mut self, pipes: Vec<OwnedFd>) {
        self.inherited = pipes;
    }

    /// Those that are open.
    pub fn pipes(&self) -> impl Iterator<Item = &Fifo> {
        self.pipes.iter().filter_map(|(_, fifo)| fifo.as_ref())
    }

    /// Watches these pipes, and no others. They are opened anew, as they may have been removed, or could not be opened before;
    /// what has been written into them and was not read yet stays there meanwhile.
    pub fn follow(&mut self, paths: &[PathBuf], epoll: &Epoll, token: u64) {
        let _closed_at_last = (std::mem::take(&mut self.pipes), std::mem::take(&mut self.inherited));
        for (path, token) in paths.iter().zip(token..) {
            let opened = Fifo::open(path).and_then(|fifo| {
                epoll.add(&fifo, token, Watch::Readable)?;
                Ok(fifo)
            });
            let fifo = opened
                .inspect_err(|error| {
                    stderr::line(&format!("master-fifo: cannot listen to {}: {error}", path.display()));
                })
                .ok();
            self.pipes.push((path.clone(), fifo));
        }
    }

    /// Reads what was written into the pipe with this number.
    pub fn read(&mut self, pipe: u64, events: &mut VecDeque<Event>) {
        let pipe = usize::try_from(pipe).ok().and_then(|index| self.pipes.get_mut(index));
        let Some((path, Some(fifo))) = pipe else { return };
        let bytes = fifo.take();
        for byte in bytes.into_iter().filter(|byte| !byte.is_ascii_whitespace()) {
            match event(byte) {
                Some(event) => events.push_back(event),
                None => stderr::line(&format!(
                    "master-fifo: {}: {:?} is no command; those are + - c C p q Q r R s w W",
                    path.display(),
                    char::from(byte)
                )),
            }
        }
    }
}

/// What a letter means.
fn event(letter: u8) -> Option<Event> {
    Some(match letter {
        b'r' | b'R' | b'c' | b'w' | b'W' => Event::Reload,
        b'q' => Event::Finish,
        b'Q' => Event::Stop,
        b'+' => Event::More,
        b'-' => Event::Less,
        b'C' => Event::Cheap,
        b'p' => Event::Pause,
        b's' => Event::Report,
        _ => return None,
    })
}
