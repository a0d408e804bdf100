//! A line: a place for one call at a time, and the thread that sees to it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use goherd_shm::marks::{Mark, Marks};
use goherd_sys::eventfd::EventFd;
use goherd_sys::signal;

use crate::call::{Answer, Call, Failure};
use crate::command::Left;
use crate::link::Link;

/// A line's stack; a TLS handshake is what needs most of it.
const STACK: usize = 1 << 20;

#[derive(Debug)]
pub struct Line {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    stage: Mutex<Stage>,
    asked: Condvar,
    answered: EventFd,
}

#[derive(Debug)]
enum Stage {
    Idle,
    Asked(Call),
    Working,
    Answered(Outcome),
}

/// What has come of a call.
#[derive(Debug)]
pub struct Outcome {
    pub result: Result<Answer, Failure>,
    /// For a value that may be copied: its key, the mark that this had before Redis was asked, and how long the value lives.
    pub copy: Option<(Vec<u8>, Mark, Left)>,
}

impl Line {
    /// A line whose thread does with `link` what it is asked to. If `begins`, it connects without being asked.
    pub fn new(worker: Worker, begins: bool) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            stage: Mutex::new(Stage::Idle),
            asked: Condvar::new(),
            answered: EventFd::new()?,
        });
        let its = Arc::clone(&shared);
        let builder = thread::Builder::new().name("redis".to_owned()).stack_size(STACK);
        signal::without_signals(|| builder.spawn(move || its.work(worker, begins)))??;
        Ok(Self { shared })
    }

    /// Begins a call; `false`: the one before is not over.
    pub fn ask(&self, call: Call) -> bool {
        let mut stage = self.shared.stage();
        if matches!(*stage, Stage::Asked(_) | Stage::Working) {
            return false;
        }
        *stage = Stage::Asked(call);
        self.shared.asked.notify_one();
        true
    }

    /// What has come of the call, if that is known: what `look` makes of it. It stays until the next one, or until `look`
    /// says that it is done with it.
    pub fn take<T>(&self, look: impl FnOnce(&mut Outcome) -> (T, bool)) -> Option<T> {
        self.shared.answered.clear();
        let mut stage = self.shared.stage();
        let Stage::Answered(outcome) = &mut *stage else { return None };
        let (taken, done) = look(outcome);
        if done {
            *stage = Stage::Idle; // a value may be large
        }
        Some(taken)
    }
}

impl AsFd for Line {
    /// Readable when there is something to take.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.answered.as_fd()
    }
}

/// What a line's thread has to work with.
pub struct Worker {
    pub link: Link,
    pub marks: Arc<Marks>,
    /// The name by which keys are marked.
    pub name: String,
    /// What is read may be copied.
    pub near: bool,
}

impl Worker {
    fn work(&mut self, call: Call) -> Outcome {
        // Before Redis is asked: whoever writes later changes it, and the copy is bad.
        let mark = match &call {
            Call::Get { key } if self.near => Some(self.marks.of(&self.name, key)),
            _ => None,
        };
        let result = self.link.call(&call, self.near);
        // Also of what has failed nobody knows whether Redis did it.
        if let Some(key) = call.written() {
            self.marks.change(&self.name, key);
        }
        match (call, mark, result) {
            (Call::Get { key }, Some(mark), Ok((answer, left))) => {
                Outcome { result: Ok(answer), copy: Some((key, mark, left)) }
            }
            (Call::Clear { .. }, _, result) => {
                self.marks.change_all(&self.name);
                Outcome { result: result.map(|(answer, _)| answer), copy: None }
            }
            (_, _, result) => Outcome { result: result.map(|(answer, _)| answer), copy: None },
        }
    }
}

impl Shared {
    fn work(&self, mut worker: Worker, begins: bool) {
        if begins {
            let _said = worker.link.prepare();
        }
        loop {
            let call = self.next();
            let outcome = worker.work(call);
            *self.stage() = Stage::Answered(outcome);
            self.answered.signal();
        }
    }

    fn next(&self) -> Call {
        let mut stage = self.stage();
        loop {
            match std::mem::replace(&mut *stage, Stage::Working) {
                Stage::Asked(call) => return call,
                other => *stage = other,
            }
            stage = self.asked.wait(stage).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
