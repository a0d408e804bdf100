//! A process that works off a folder: which task is next, and what became of it.
//!
//! In: the folder, what the kernel says about it, the two clocks. Out: one task at a time. Nothing here waits: when there is
//! nothing to do, [`Spooler::raw_fd`] becomes readable as soon as there may be.

use std::collections::HashSet;
use std::io;
use std::os::fd::RawFd;
use std::time::SystemTime;

use goherd_sys::clock::Millis;
use goherd_sys::epoll::{Batch, Epoll, Watch};
use goherd_sys::folder::{Change, FolderWatch};
use goherd_sys::timerfd::TimerFd;

use crate::folder::is_left_alone;
use crate::{Claim, Claimed, Failure, Folder, Id, Moment, Name, Queue, Retries, SpoolError, Task};

/// When to look again at a task that another process is at, in milliseconds: it may die without a word.
const HELD_PAUSE: u64 = 1000;

/// How a folder is worked off.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How often a task is tried.
    pub retries: Retries,
    /// All of the folder is looked at so often, in milliseconds, even if nothing is said to have changed.
    pub frequency: u64,
}

/// A task that is to run.
#[derive(Debug)]
pub struct Job {
    /// What to do.
    pub task: Task,
    /// Which task it is, the same in each of its runs.
    pub id: Id,
    /// Which try this is, from 1.
    pub tries: u32,
}

/// What there is to do.
#[derive(Debug)]
pub enum Next {
    /// This task is due. The process holds it until [`Spooler::end`].
    Run(Job),
    /// Something has changed meanwhile: ask again, with the time that it is then.
    AskAgain,
    /// Nothing: wait for the spooler's descriptor.
    Wait,
}

/// What became of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The task is done.
    Done,
    /// It has failed, for this reason.
    Failed(String),
    /// It has failed, for this reason, and would fail again.
    GivenUp(String),
    /// It was interrupted: it runs again, and this try does not count.
    Interrupted,
}

/// A process's view of a folder.
#[derive(Debug)]
pub struct Spooler {
    folder: Folder,
    settings: Settings,
    queue: Queue,
    events: Epoll,
    timer: TimerFd,
    watch: Option<FolderWatch>,
    next_scan: Millis,
    current: Option<Claim>,
    /// What was done and could not be removed.
    finished: HashSet<Id>,
    /// What was said last about an error, so that it is not said again and again.
    complaint: String,
}

const TIMER: u64 = 1;
const FOLDER: u64 = 2;

impl Spooler {
    /// Begins to work off a folder.
    pub fn new(folder: Folder, settings: Settings) -> io::Result<Self> {
        let (events, timer) = (Epoll::new()?, TimerFd::new()?);
        events.add(&timer, TIMER, Watch::Readable)?;
        Ok(Self {
            folder,
            settings,
            queue: Queue::default(),
            events,
            timer,
            watch: None,
            next_scan: Millis(0),
            current: None,
            finished: HashSet::new(),
            complaint: String::new(),
        })
    }

    /// The descriptor, an epoll set, that is readable when there may be something to do. It stays the spooler's.
    #[must_use]
    pub fn raw_fd(&self) -> RawFd {
        self.events.raw()
    }

    /// What to do now. `now` and `wall` are the same moment by both clocks. What an administrator should know goes to `log`.
    pub fn next(&mut self, now: Millis, wall: Moment, log: &mut dyn FnMut(&str)) -> Next {
        self.current = None;
        self.read_changes(); // what is urgent and new goes before what is known
        if now >= self.next_scan {
            self.scan(now, log);
        }
        while let Some(name) = self.queue.next(wall) {
            if let Some(job) = self.take(name, wall, log) {
                return Next::Run(job);
            }
        }
        self.set_timer(now, wall);
        // The caller waits for this set: nothing may be left in it that was there before.
        let mut batch = Batch::new(2);
        if self.events.wait(&mut batch, Some(0)).is_err() || batch.is_empty() {
            return Next::Wait;
        }
        self.timer.clear();
        Next::AskAgain
    }

    fn set_timer(&self, now: Millis, wall: Moment) {
        let due = self.queue.next_due().map(|due| now.after(due.0.saturating_sub(wall.0)));
        self.timer.set(due.map_or(self.next_scan, |due| due.min(self.next_scan)));
    }

    fn read_changes(&mut self) {
        let Some(watch) = &self.watch else { return };
        let (queue, mut lost) = (&mut self.queue, false);
        let read = watch.changes(|change| match change {
            Change::Appeared(file_name) => match file_name.to_str().and_then(Name::parse) {
                Some(name) => queue.add(name),
                None => lost |= !is_left_alone(&file_name), // a stranger
            },
            Change::Gone(file_name) => {
                if let Some(name) = file_name.to_str().and_then(Name::parse) {
                    queue.remove(&name);
                }
            }
            Change::Lost => lost = true,
        });
        if lost || read.is_err() {
            self.next_scan = Millis(0);
        }
    }

    /// Looks at all of the folder.
    fn scan(&mut self, now: Millis, log: &mut dyn FnMut(&str)) {
        self.next_scan = now.after(self.settings.frequency);
        // The folder may be another one of the same name by now. Watching it begins before it is listed.
        let watch = FolderWatch::new(self.folder.path())
            .and_then(|watch| self.events.add(&watch, FOLDER, Watch::Readable).map(|()| watch));
        match watch {
            Ok(watch) => self.watch = Some(watch),
            Err(error) => {
                self.watch = None;
                let deed = "watch (new tasks are noticed every spooler-frequency seconds)";
                self.complain(&SpoolError::io(deed, self.folder.path())(error), log);
            }
        }
        self.folder.sweep(SystemTime::now());
        match self.folder.list() {
            Ok(listing) => {
                self.queue.clear();
                listing.tasks.into_iter().for_each(|name| self.queue.add(name));
                for stranger in listing.strangers {
                    let reason = "its name is not that of a task: tasks are put here by uwsgi.Spool";
                    match self.folder.set_aside(&stranger, &stranger, reason) {
                        Ok(Some(place)) => {
                            log(&format!("set aside as {}: {reason}", place.display()));
                        }
                        Ok(None) => {}
                        Err(error) => self.complain(&error, log),
                    }
                }
            }
            Err(error) => self.complain(&error, log),
        }
    }

    fn complain(&mut self, error: &SpoolError, log: &mut dyn FnMut(&str)) {
        let text = error.to_string();
        if text != self.complaint {
            log(&text);
            self.complaint = text;
        }
    }

    fn take(&mut self, name: Name, wall: Moment, log: &mut dyn FnMut(&str)) -> Option<Job> {
        let claimed = Claim::take(&self.folder, &name, self.settings.retries, wall);
        match claimed {
            Ok(Claimed::Mine(claim, _)) if self.finished.contains(&name.id) => {
                self.remove(claim, log);
                None
            }
            Ok(Claimed::Mine(claim, task)) => {
                let job = Job { task, id: name.id, tries: claim.name().tries };
                self.current = Some(claim);
                Some(job)
            }
            Ok(Claimed::Held) => {
                self.queue.look_again(name, wall.after(HELD_PAUSE));
                None
            }
            Ok(Claimed::Gone) => None,
            Ok(Claimed::SetAside(place, reason)) => {
                if let Some(place) = place {
                    log(&format!("set aside as {}: {reason}", place.display()));
                }
                None
            }
            Err(error) => {
                // It is looked at again with the whole folder.
                self.complain(&error, log);
                None
            }
        }
    }

    fn remove(&mut self, claim: Claim, log: &mut dyn FnMut(&str)) {
        let id = claim.name().id.clone();
        match claim.done() {
            Ok(()) => {
                self.finished.remove(&id);
            }
            Err(error) => {
                log(&format!("{error}; while this process lives, it does not run again"));
                self.finished.insert(id);
            }
        }
    }

    /// What became of the task that [`next`](Self::next) gave.
    pub fn end(&mut self, outcome: Outcome, wall: Moment, log: &mut dyn FnMut(&str)) {
        let Some(claim) = self.current.take() else { return };
        let name = claim.name().clone();
        let told = match outcome {
            Outcome::Done => return self.remove(claim, log),
            Outcome::Interrupted => claim.again(Retries::interrupt(&name, wall)),
            Outcome::GivenUp(reason) => aside(claim, &format!("given up: {reason}"), log),
            Outcome::Failed(reason) => match self.settings.retries.fail(&name, wall) {
                Failure::Again(again) => {
                    let pause = again.due.0.saturating_sub(wall.0) / 1000;
                    log(&format!(
                        "task {} failed (try {}), and is tried again in {pause} s: {reason}",
                        name.id, name.tries
                    ));
                    claim.again(again)
                }
                Failure::Enough => aside(claim, &format!("tried {} times: {reason}", name.tries), log),
            },
        };
        if let Err(error) = told {
            // It keeps the name that it ran under, which says when it is tried again.
            log(&error.to_string());
        }
    }
}

fn aside(claim: Claim, reason: &str, log: &mut dyn FnMut(&str)) -> Result<(), SpoolError> {
    let id = claim.name().id.clone();
    if let Some(place) = claim.set_aside(reason)? {
        log(&format!("task {id} is set aside as {}: {reason}", place.display()));
    }
    Ok(())
}
