//! What the master decides: when to start a worker, when to end one, when to end all.
//!
//! In: events, each with its time. Out: actions, for `house.rs` to do. Nothing here touches a process or a clock.
//!
//! LIFECYCLE of a worker's place:
//! ```text
//! Vacant(when due) ──spawned──▸ Starting ──ready──▸ Ready ──end asked──▸ Leaving
//!      ▴                           │                  │                    │
//!      └────────── exited ◂────────┴──────────────────┴────────────────────┘
//! ```

use goherd_sys::clock::Millis;
use goherd_sys::process::Ending;

/// A worker that dies before it is ready, or within this time after, dies young: its successor is throttled.
pub const YOUNG_MS: u64 = 1000;
/// The first delay of a throttled start; it doubles with each young death in a row.
const FIRST_DELAY_MS: u64 = 1000;
/// The longest delay.
const LAST_DELAY_MS: u64 = 30_000;
/// How long workers may finish what is under way when the server ends.
pub const MERCY_MS: u64 = 60_000;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Nothing but that time went by.
    Tick,
    /// A worker has been forked.
    Spawned {
        /// Its number, from 1.
        number: u32,
        /// Its process.
        pid: i32,
    },
    /// A worker could not be forked.
    SpawnFailed {
        /// The number that it would have had.
        number: u32,
        /// Why.
        reason: String,
    },
    /// A worker takes requests from now on.
    Ready {
        /// Its number.
        number: u32,
    },
    /// A worker says that the application cannot be loaded.
    LoadFailed {
        /// Its number.
        number: u32,
        /// Why.
        reason: String,
    },
    /// A worker has ended.
    Exited {
        /// Its number.
        number: u32,
        /// How.
        ending: Ending,
        /// How many requests it had taken.
        requests: u64,
    },
    /// The server is to end when all that is under way is finished (SIGTERM).
    Finish,
    /// The server is to end now (SIGINT, SIGQUIT).
    Stop,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Fork the worker with this number.
    Spawn(u32),
    /// Close the listening sockets: nobody will accept any more.
    CloseDoors,
    /// Tell this worker to finish.
    Drain(u32),
    /// Kill this worker, with its children.
    Kill(u32),
    /// Write a line to the log.
    Log(String),
    /// End, with this exit code. Nobody is left.
    Exit(i32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Vacant {
        due: Millis,
    },
    /// To be forked by an action that is under way.
    Expected,
    Starting,
    Ready {
        since: Millis,
    },
    Leaving,
}

#[derive(Clone, Debug)]
struct Worker {
    place: Place,
    pid: i32,
    born: Millis,
    young_deaths: u32,
}

/// How far the server's end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Serving,
    Finishing { until: Millis },
    Stopping { code: i32 },
}

/// All workers, and the server's own state.
#[derive(Clone, Debug)]
pub struct Family {
    workers: Vec<Worker>,
    mood: Mood,
    /// A worker has been ready: the application can be loaded, so what fails now is no error of the start.
    proven: bool,
}

impl Family {
    /// A family of `count` workers, none of which lives yet: the first [`Event::Tick`] has all of them spawned.
    #[must_use]
    pub fn new(count: u32, now: Millis) -> Self {
        let worker = Worker { place: Place::Vacant { due: now }, pid: 0, born: now, young_deaths: 0 };
        Self { workers: vec![worker; count as usize], mood: Mood::Serving, proven: false }
    }

    /// Decides what follows from `event`.
    pub fn on(&mut self, now: Millis, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Tick => {}
            Event::Spawned { number, pid } => self.spawned(now, number, pid, &mut actions),
            Event::SpawnFailed { number, reason } => self.spawn_failed(now, number, &reason, &mut actions),
            Event::Ready { number } => self.ready(now, number, &mut actions),
            Event::LoadFailed { number, reason } => self.load_failed(number, &reason, &mut actions),
            Event::Exited { number, ending, requests } => {
                self.exited(now, number, ending, requests, &mut actions);
            }
            Event::Finish => self.finish(now, &mut actions),
            Event::Stop => self.stop(0, &mut actions),
        }
        self.settle(now, &mut actions);
        actions
    }

    /// When the next [`Event::Tick`] is due, if one is.
    #[must_use]
    pub fn due(&self) -> Option<Millis> {
        match self.mood {
            Mood::Serving => self.workers.iter().filter_map(Worker::due).min(),
            Mood::Finishing { until } => Some(until),
            Mood::Stopping { .. } => None,
        }
    }

    /// What every event is followed by: starts that are due, ends that have come.
    fn settle(&mut self, now: Millis, actions: &mut Vec<Action>) {
        match self.mood {
            Mood::Serving => {
                for (number, worker) in (1..).zip(&mut self.workers) {
                    if worker.due().is_some_and(|due| due <= now) {
                        worker.place = Place::Expected;
                        actions.push(Action::Spawn(number));
                    }
                }
            }
            Mood::Finishing { until } if until <= now => {
                actions.push(Action::Log(format!(
                    "workers have had {} s to finish: killing those that are left",
                    MERCY_MS / 1000
                )));
                self.stop(0, actions);
                self.settle(now, actions);
            }
            Mood::Finishing { .. } => self.leave_if_alone(0, actions),
            Mood::Stopping { code } => self.leave_if_alone(code, actions),
        }
    }

    fn leave_if_alone(&self, code: i32, actions: &mut Vec<Action>) {
        if self.workers.iter().all(|worker| matches!(worker.place, Place::Vacant { .. })) {
            actions.push(Action::Log(format!("all workers have ended: goodbye (exit code {code})")));
            actions.push(Action::Exit(code));
        }
    }

    fn worker(&mut self, number: u32) -> Option<&mut Worker> {
        self.workers.get_mut((number as usize).checked_sub(1)?)
    }

    fn spawned(&mut self, now: Millis, number: u32, pid: i32, actions: &mut Vec<Action>) {
        let mood = self.mood;
        let Some(worker) = self.worker(number) else { return };
        (worker.place, worker.pid, worker.born) = (Place::Starting, pid, now);
        actions.push(Action::Log(format!("worker {number} (pid {pid}) is starting")));
        if mood != Mood::Serving {
            worker.place = Place::Leaving;
            actions.push(Action::Kill(number));
        }
    }

    fn spawn_failed(&mut self, now: Millis, number: u32, reason: &str, actions: &mut Vec<Action>) {
        let Some(worker) = self.worker(number) else { return };
        let delay = worker.throttle(now);
        actions.push(Action::Log(format!(
            "worker {number} cannot be forked: {reason}; the next try is in {} s",
            delay / 1000
        )));
    }

    fn ready(&mut self, now: Millis, number: u32, actions: &mut Vec<Action>) {
        let Some(worker) = self.worker(number).filter(|worker| worker.place == Place::Starting) else {
            return;
        };
        worker.place = Place::Ready { since: now };
        let (pid, took) = (worker.pid, now.since(worker.born));
        actions.push(Action::Log(format!("worker {number} (pid {pid}) is ready after {took} ms")));
        self.proven = true;
    }

    fn load_failed(&mut self, number: u32, reason: &str, actions: &mut Vec<Action>) {
        if self.mood != Mood::Serving {
            return;
        }
        actions.push(Action::Log(if self.proven {
            format!("worker {number}: {reason}")
        } else {
            reason.to_owned()
        }));
        if !self.proven {
            self.stop(1, actions);
        }
    }

    fn exited(&mut self, now: Millis, number: u32, ending: Ending, requests: u64, actions: &mut Vec<Action>) {
        let serving = self.mood == Mood::Serving;
        let Some(worker) = self.worker(number) else { return };
        let was = std::mem::replace(&mut worker.place, Place::Vacant { due: now });
        let pid = worker.pid;
        if !serving {
            if ending != Ending::Exited(0) && was != Place::Leaving {
                actions.push(Action::Log(format!("worker {number} (pid {pid}) {ending}")));
            }
            return;
        }
        let story = match was {
            Place::Ready { since } => {
                format!(
                    "{ending}, {:.1} s and {requests} requests after it was ready",
                    seconds(now.since(since))
                )
            }
            _ if ending == Ending::Exited(0) => {
                format!("{ending} before it was ready: does main() return without calling uwsgi.Run()?")
            }
            _ => format!("{ending} before it was ready"),
        };
        let of_age = matches!(was, Place::Ready { since } if now.since(since) >= YOUNG_MS);
        let next = if of_age {
            worker.young_deaths = 0;
            "replacing it at once".to_owned()
        } else {
            let delay = worker.throttle(now);
            format!("replacing it in {} s (young deaths in a row: {})", delay / 1000, worker.young_deaths)
        };
        actions.push(Action::Log(format!("worker {number} (pid {pid}) {story}; {next}")));
    }

    fn finish(&mut self, now: Millis, actions: &mut Vec<Action>) {
        match self.mood {
            Mood::Serving => {}
            Mood::Finishing { .. } => return self.stop(0, actions), // asked twice: they mean it
            Mood::Stopping { .. } => return,
        }
        actions.push(Action::Log(format!(
            "finishing: workers have {} s for what is under way (a second SIGTERM ends them at once)",
            MERCY_MS / 1000
        )));
        self.mood = Mood::Finishing { until: now.after(MERCY_MS) };
        actions.push(Action::CloseDoors);
        for (number, worker) in (1..).zip(&mut self.workers) {
            match worker.place {
                Place::Ready { .. } => actions.push(Action::Drain(number)),
                Place::Starting => actions.push(Action::Kill(number)),
                Place::Vacant { .. } | Place::Expected | Place::Leaving => continue,
            }
            worker.place = Place::Leaving;
        }
    }

    fn stop(&mut self, code: i32, actions: &mut Vec<Action>) {
        if matches!(self.mood, Mood::Stopping { .. }) {
            return;
        }
        self.mood = Mood::Stopping { code };
        for (number, worker) in (1..).zip(&mut self.workers) {
            if !matches!(worker.place, Place::Vacant { .. } | Place::Expected) {
                worker.place = Place::Leaving;
                actions.push(Action::Kill(number));
            }
        }
    }
}

impl Worker {
    fn due(&self) -> Option<Millis> {
        match self.place {
            Place::Vacant { due } => Some(due),
            _ => None,
        }
    }

    /// Puts off the next start; answers with the delay in milliseconds.
    fn throttle(&mut self, now: Millis) -> u64 {
        let doublings = self.young_deaths.min(10);
        let delay = (FIRST_DELAY_MS << doublings).min(LAST_DELAY_MS);
        self.young_deaths += 1;
        self.place = Place::Vacant { due: now.after(delay) };
        delay
    }
}

#[allow(clippy::cast_precision_loss, reason = "for people to read")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

#[cfg(test)]
mod tests;
