//! What a process has to do with tasks: their folders in all of them, and in a spooler its own folder, the time that a task may
//! take, and the word that the process is to end.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use goherd_bridge::Spools;
use goherd_shm::{Role, Who};
use goherd_spool::{Folder, Retries, Spooler};
use goherd_sys::eventfd::EventFd;
use goherd_sys::signal::{self, Signum};
use goherd_sys::{Pid, process, stderr};

/// How tasks are worked off.
#[derive(Clone, Debug, Default)]
pub struct SpoolSettings {
    /// The folders: what the configuration calls them, and where they are, as workers see it.
    pub folders: Vec<(PathBuf, PathBuf)>,
    /// Processes of each.
    pub processes: u32,
    /// All of a folder is looked at so often, in milliseconds.
    pub frequency: u64,
    /// How often a task is tried; 0: as often as it takes.
    pub retries: u32,
    /// How many tasks the life of a spooler is for; 0: no limit.
    pub max_tasks: u64,
    /// How long a task may take; 0: as long as it likes.
    pub harakiri: Duration,
    /// How many milliseconds a spooler that is to end has for its task.
    pub mercy: u64,
}

impl SpoolSettings {
    /// How many spoolers there are.
    #[must_use]
    pub fn spoolers(&self) -> u32 {
        u32::try_from(self.folders.len()).unwrap_or(u32::MAX).saturating_mul(self.processes)
    }

    /// Which folder the spooler `number` works off: the first ones have the first folder.
    fn folder_of(&self, number: u32) -> usize {
        (number.saturating_sub(1) / self.processes.max(1)) as usize
    }

    /// Opens the folders for the process `who`, which is what it is going to be already: this is whether it may.
    pub(crate) fn open(&self, who: Who) -> io::Result<(Spools, Option<Tasks>)> {
        let folders = self.folders.iter().map(|(name, path)| {
            let folder = Folder::open(path.clone()).map_err(|error| {
                io::Error::other(format!("spooler: {error}: is it the workers' own (uid, gid)?"))
            })?;
            Ok((name.clone(), folder))
        });
        let folders = folders.collect::<io::Result<Vec<_>>>()?;
        let own = folders.get(self.folder_of(who.number)).filter(|_| who.role == Role::Spooler);
        let Some(folder) = own.map(|(_, folder)| folder.clone()) else {
            return Ok((Spools::new(folders), None));
        };
        let rules =
            goherd_spool::Settings { retries: Retries { most: self.retries }, frequency: self.frequency };
        let tasks = Tasks::new(self.harakiri, who)?;
        let spools = Spools::new(folders).with_spooler(
            Spooler::new(folder, rules)?,
            Arc::clone(&tasks.parting),
            self.mercy,
        );
        Ok((spools, Some(tasks)))
    }
}

/// What a spooler has beside its folder.
#[derive(Debug)]
pub(crate) struct Tasks {
    /// Signalled when the process is to end.
    pub parting: Arc<EventFd>,
    limit: Option<Arc<Limit>>,
}

impl Tasks {
    fn new(harakiri: Duration, who: Who) -> io::Result<Self> {
        let limit = (!harakiri.is_zero()).then(|| Arc::new(Limit { time: harakiri, ..Limit::default() }));
        if let Some(limit) = limit.clone() {
            thread::Builder::new().name("harakiri".to_owned()).stack_size(64 << 10).spawn(move || {
                let _all_signals_then = signal::block_all_in_thread();
                limit.wait();
                stderr::line(&format!(
                    "{who}: its task takes longer than {} s (spooler-harakiri): killed; the task is tried again",
                    limit.time.as_secs_f64()
                ));
                process::kill_group(Pid::me(), Signum::KILL);
            })?;
        }
        Ok(Self { parting: Arc::new(EventFd::new()?), limit })
    }

    /// A task begins.
    pub fn begin(&self) {
        self.set(|limit| Instant::now().checked_add(limit.time));
    }

    /// It has ended.
    pub fn end(&self) {
        self.set(|_| None);
    }

    fn set(&self, due: impl FnOnce(&Limit) -> Option<Instant>) {
        if let Some(limit) = &self.limit {
            *limit.due.lock().unwrap_or_else(PoisonError::into_inner) = due(limit);
            limit.changed.notify_one();
        }
    }
}

/// The time that a task may take.
#[derive(Debug, Default)]
struct Limit {
    time: Duration,
    due: Mutex<Option<Instant>>,
    changed: Condvar,
}

impl Limit {
    /// Waits until a task has taken too long.
    fn wait(&self) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            due = match due.map(|due| due.saturating_duration_since(Instant::now())) {
                None => self.changed.wait(due).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => return,
                Some(left) => self.changed.wait_timeout(due, left).unwrap_or_else(PoisonError::into_inner).0,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spoolers_are_shared_out_among_the_folders_in_their_order() {
        let folders = ["a", "b"].map(|name| (PathBuf::from(name), PathBuf::from(name))).to_vec();
        let settings = SpoolSettings { folders, processes: 3, ..SpoolSettings::default() };
        assert_eq!(settings.spoolers(), 6);
        assert_eq!((1..=6).map(|number| settings.folder_of(number)).collect::<Vec<_>>(), [0, 0, 0, 1, 1, 1]);
    }

    #[test]
    fn only_a_task_that_goes_on_for_too_long_reaches_its_limit() {
        let limit = Arc::new(Limit { time: Duration::from_millis(1), ..Limit::default() });
        let tasks = Tasks { parting: Arc::new(EventFd::new().unwrap()), limit: Some(Arc::clone(&limit)) };
        tasks.begin();
        tasks.end();
        let waiter = thread::spawn(move || limit.wait());
        thread::sleep(Duration::from_millis(20));
        assert!(!waiter.is_finished());
        tasks.begin();
        waiter.join().unwrap();
    }
}
