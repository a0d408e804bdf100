//! Clients that ask a server all the time, and count what goes wrong.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crate::{Address, Client};

/// How a client asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// One request after another on a connection that is kept as long as the server keeps it.
    KeepAlive,
    /// A connection for each request.
    Fresh,
    /// The same, for an answer that takes so many milliseconds.
    Slow(u32),
}

/// A request that was not answered as it should have been.
#[derive(Clone, Debug)]
pub struct Miss {
    /// How it was made.
    pub habit: Habit,
    /// When it was begun, and when it was known to have failed.
    pub lasted: (Instant, Instant),
    /// What happened.
    pub what: String,
}

/// What clients have seen.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Answers of 200.
    pub answered: u64,
    /// All else.
    pub missed: Vec<Miss>,
    /// The longest that a request of no [`Habit::Slow`] took, in milliseconds.
    pub longest: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answers, {} failures, {} ms at most", self.answered, self.missed.len(), self.longest)?;
        self.missed.iter().take(5).try_for_each(|miss| write!(f, "\n{:?}: {}", miss.habit, miss.what))
    }
}

#[derive(Debug, Default)]
struct Counts {
    over: AtomicBool,
    answered: AtomicU64,
    longest: AtomicU64,
    missed: Mutex<Vec<Miss>>,
}

/// Clients at work.
#[derive(Debug)]
pub struct Traffic {
    counts: Arc<Counts>,
    clients: Vec<JoinHandle<()>>,
}

impl Traffic {
    /// Lets a client of each habit ask the server at `address`.
    #[must_use]
    pub fn begin(address: &Address, habits: &[Habit]) -> Self {
        let counts = Arc::new(Counts::default());
        let client = |habit: &Habit| {
            let (habit, address, counts) = (*habit, address.clone(), Arc::clone(&counts));
            thread::spawn(move || ask(habit, &address, &counts))
        };
        Self { clients: habits.iter().map(client).collect(), counts }
    }

    /// How many answers there have been.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.counts.answered.load(Ordering::Relaxed)
    }

    /// How many requests were not answered as they should have been.
    #[must_use]
    pub fn missed(&self) -> usize {
        self.counts.missed.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Lets every client finish its request, and counts.
    #[must_use]
    pub fn end(mut self) -> Tally {
        self.stop();
        let missed = self.counts.missed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Tally { answered: self.answered(), missed, longest: self.counts.longest.load(Ordering::Relaxed) }
    }

    fn stop(&mut self) {
        self.counts.over.store(true, Ordering::Relaxed);
        self.clients.drain(..).for_each(|client| client.join().unwrap());
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop();
    }
}

fn ask(habit: Habit, address: &Address, counts: &Counts) {
    let path = match habit {
        Habit::Slow(ms) => format!("/sleep?ms={ms}"),
        Habit::KeepAlive | Habit::Fresh => "/".to_owned(),
    };
    let mut connection = None;
    while !counts.over.load(Ordering::Relaxed) {
        let began = Instant::now();
        match once(habit, address, &path, &mut connection) {
            Ok(()) => {
                counts.answered.fetch_add(1, Ordering::Relaxed);
                if !matches!(habit, Habit::Slow(_)) {
                    let took = u64::try_from(began.elapsed().as_millis()).unwrap();
                    counts.longest.fetch_max(took, Ordering::Relaxed);
                }
            }
            Err(error) => {
                connection = None;
                let miss = Miss { habit, lasted: (began, Instant::now()), what: error.to_string() };
                counts.missed.lock().unwrap_or_else(PoisonError::into_inner).push(miss);
            }
        }
    }
}

fn once(habit: Habit, address: &Address, path: &str, kept: &mut Option<Client>) -> io::Result<()> {
    let mut client = match kept.take() {
        Some(client) => client,
        None => Client::connect(address)?,
    };
    let answer = client.get(path)?;
    if answer.status != 200 {
        return Err(io::Error::other(format!("{} {}", answer.status, answer.text())));
    }
    if habit == Habit::KeepAlive && !answer.ends_the_connection() {
        *kept = Some(client);
    }
    Ok(())
}
