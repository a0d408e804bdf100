//! A cache in Redis, as a process has it.

use std::fmt;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::{Arc, OnceLock};

use goherd_shm::Seat;
use goherd_shm::marks::Marks;
use redis::Client;

use crate::call::{Answer, Call, Failure, LONGEST_VALUE, Reason};
use crate::health::Health;
use crate::line::{Line, Worker};
use crate::link::Link;
use crate::near::Near;
use crate::settings::Settings;

/// A cache.
pub struct Remote {
    settings: Arc<Settings>,
    client: Client,
    health: Arc<Health>,
    marks: Arc<Marks>,
    /// The name by which keys are marked: it is that of the memory of the copies, if there are any.
    marked: String,
    near: Option<Near>,
    lines: Box<[OnceLock<Line>]>,
}

/// Why a call does not begin.
#[derive(Debug)]
pub enum AskError {
    /// There is no such line.
    NoLine,
    /// The one before is not over.
    Busy,
    /// It can come to nothing.
    Failed(Reason),
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.settings)
    }
}

impl Remote {
    /// The cache of this process, which the log calls `who`. It connects with nobody yet.
    pub fn new(settings: Settings, who: &str, marks: Arc<Marks>, near: Option<Near>) -> Result<Self, String> {
        let client = settings.client().map_err(|error| error.to_string())?;
        let marked = near.as_ref().map_or_else(|| settings.name.clone(), |near| near.name.clone());
        Ok(Self {
            client,
            health: Arc::new(Health::new(format!("{who}: cache {}", settings.name))),
            marks,
            marked,
            near,
            lines: (0..settings.lines).map(|_| OnceLock::new()).collect(),
            settings: Arc::new(settings),
        })
    }

    /// Its settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Lets the first line connect, so that the log tells early if Redis is not there.
    pub fn begin(&self) -> io::Result<()> {
        self.line(0, true).map(drop)
    }

    /// The descriptor of a line, which is readable when there is something to take. It stays open for ever.
    pub fn descriptor(&self, line: u32) -> io::Result<BorrowedFd<'_>> {
        Ok(self.line(line, false)?.as_fd())
    }

    fn line(&self, number: u32, begins: bool) -> io::Result<&Line> {
        let place = self.lines.get(number as usize).ok_or(io::ErrorKind::NotFound)?;
        if let Some(line) = place.get() {
            return Ok(line);
        }
        let link = Link::new(Arc::clone(&self.settings), self.client.clone(), Arc::clone(&self.health));
        let (marks, name) = (Arc::clone(&self.marks), self.marked.clone());
        let line = Line::new(Worker { link, marks, name, near: self.near.is_some() }, begins)?;
        Ok(place.get_or_init(|| line))
    }

    /// The value of `key` from shared memory, as [`Near::get`].
    #[must_use]
    pub fn near(&self, seat: &Seat, key: &[u8], buffer: &mut [u8]) -> Option<usize> {
        self.near.as_ref()?.get(seat, key, buffer)
    }

    /// Begins a call on a line whose descriptor was asked for.
    pub fn ask(&self, line: u32, call: Call) -> Result<(), AskError> {
        self.check(&call)?;
        let line = self.lines.get(line as usize).and_then(OnceLock::get).ok_or(AskError::NoLine)?;
        if line.ask(call) { Ok(()) } else { Err(AskError::Busy) }
    }

    /// The limits of keys and values are this cache's, not those of Redis.
    fn check(&self, call: &Call) -> Result<(), AskError> {
        let fits = |key: &[u8]| (1..=self.settings.longest_key).contains(&key.len());
        match call {
            Call::Get { key }
            | Call::Put { key, .. }
            | Call::Add { key, .. }
            | Call::Delete { key }
            | Call::Ttl { key }
                if !fits(key) =>
            {
                Err(AskError::Failed(Reason::Key))
            }
            Call::Put { value, .. } if value.len() > LONGEST_VALUE => Err(AskError::Failed(Reason::Value)),
            _ => Ok(()),
        }
    }

    /// What has come of the call of a line, if that is known: what `look` makes of it. It stays until the next one, or until
    /// `look` says that it is done with it.
    pub fn take<T>(
        &self,
        line: u32,
        seat: &Seat,
        look: impl FnOnce(&Result<Answer, Failure>) -> (T, bool),
    ) -> Option<T> {
        let line = self.lines.get(line as usize).and_then(OnceLock::get)?;
        line.take(|outcome| {
            let copy = outcome.copy.take();
            if let (Some(near), Some((key, mark, left)), Ok(Answer::Value(value))) =
                (&self.near, copy, &outcome.result)
            {
                near.keep(seat, &key, value, mark, left);
            }
            look(&outcome.result)
        })
    }

    /// The longest value, in bytes.
    #[must_use]
    pub fn longest_value(&self) -> usize {
        LONGEST_VALUE
    }
}
