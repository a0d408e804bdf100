//! What the master does: it waits for signals, messages and time, asks [`Family`] what follows, and does that.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;

use goherd_shm::{Birth, Scoreboard, ToMaster, ToWorker};
use goherd_sys::clock::Millis;
use goherd_sys::control::{Control, Received};
use goherd_sys::epoll::{Batch, Epoll, Watch};
use goherd_sys::process::{self, Fork, Pid};
use goherd_sys::signal::{SignalFd, Signum};
use goherd_sys::socket::Listener;
use goherd_sys::stderr;

use crate::family::{Action, Event, Family};

/// The token of the signals; workers' control sockets have their numbers, from 1.
const SIGNALS: u64 = 0;

/// What the master works with.
#[derive(Debug)]
pub struct Settings {
    /// How many workers to keep alive.
    pub workers: u32,
    /// The listening sockets, which every worker inherits.
    pub listeners: Vec<Listener>,
    /// One line for each worker.
    pub scoreboard: Arc<Scoreboard>,
}

/// What a process is when [`run`] returns in it.
#[derive(Debug)]
pub enum Life {
    /// The master, at its end, with its exit code.
    Master(i32),
    /// A worker, at its beginning.
    Worker(Birth),
}

/// Keeps the family until its end. It returns once in the master, and once in every worker.
pub fn run(settings: Settings) -> io::Result<Life> {
    let mut house = House::new(settings)?;
    let mut batch = Batch::new(64);
    let mut events = VecDeque::from([Event::Tick]);
    loop {
        while let Some(event) = events.pop_front() {
            for action in house.family.on(Millis::now(), event) {
                match house.act(action, &mut events)? {
                    Outcome::Done => {}
                    // In a worker, what was the master's goes with `house`: its ends of the neighbours' sockets above all.
                    Outcome::End(life) => return Ok(life),
                }
            }
        }
        let wait = house.family.due().map(|due| due.since(Millis::now()));
        house.epoll.wait(&mut batch, wait)?;
        for readiness in &mut batch {
            match u32::try_from(readiness.token) {
                Ok(0) => house.read_signals(&mut events),
                Ok(number) => house.read_control(number, &mut events),
                Err(_) => {}
            }
        }
        events.push_back(Event::Tick);
    }
}

#[derive(Debug)]
struct House {
    family: Family,
    epoll: Epoll,
    signals: SignalFd,
    children: BTreeMap<u32, Child>,
    listeners: Vec<Listener>,
    scoreboard: Arc<Scoreboard>,
}

#[derive(Debug)]
struct Child {
    pid: Pid,
    control: Control,
}

enum Outcome {
    Done,
    End(Life),
}

impl House {
    fn new(settings: Settings) -> io::Result<Self> {
        let signals = SignalFd::new(&[Signum::CHLD, Signum::INT, Signum::QUIT, Signum::TERM])?;
        let epoll = Epoll::new()?;
        epoll.add(&signals, SIGNALS, Watch::Readable)?;
        Ok(Self {
            family: Family::new(settings.workers, Millis::now()),
            epoll,
            signals,
            children: BTreeMap::new(),
            listeners: settings.listeners,
            scoreboard: settings.scoreboard,
        })
    }

    fn act(&mut self, action: Action, events: &mut VecDeque<Event>) -> io::Result<Outcome> {
        match action {
            Action::Spawn(number) => return self.spawn(number, events),
            Action::CloseDoors => self.listeners.clear(),
            Action::Drain(number) => {
                if let Some(child) = self.children.get(&number) {
                    let _gone = child.control.send(&ToWorker::Drain.encode());
                }
            }
            Action::Kill(number) => {
                if let Some(child) = self.children.get(&number) {
                    process::kill_group(child.pid, Signum::KILL);
                }
            }
            Action::Log(line) => stderr::line(&line),
            Action::Exit(code) => return Ok(Outcome::End(Life::Master(code))),
        }
        Ok(Outcome::Done)
    }

    fn spawn(&mut self, number: u32, events: &mut VecDeque<Event>) -> io::Result<Outcome> {
        let forked = Control::pair().and_then(|(ours, theirs)| {
            self.epoll.add(&ours, number.into(), Watch::Readable)?;
            Ok((ours, theirs, process::fork_alone()?))
        });
        match forked {
            Err(error) => events.push_back(Event::SpawnFailed { number, reason: error.to_string() }),
            Ok((ours, theirs, Fork::Parent(pid))) => {
                drop(theirs);
                process::give_own_group(pid);
                self.scoreboard.slot(number).begin(pid.get().unsigned_abs());
                self.children.insert(number, Child { pid, control: ours });
                events.push_back(Event::Spawned { number, pid: pid.get() });
            }
            Ok((ours, theirs, Fork::Child)) => {
                drop(ours);
                let listeners = std::mem::take(&mut self.listeners);
                let scoreboard = Arc::clone(&self.scoreboard);
                return Ok(Outcome::End(Life::Worker(Birth {
                    number,
                    control: theirs,
                    listeners,
                    scoreboard,
                })));
            }
        }
        Ok(Outcome::Done)
    }

    fn read_signals(&mut self, events: &mut VecDeque<Event>) {
        while let Some(signal) = self.signals.take() {
            match signal {
                Signum::CHLD => self.reap(events),
                Signum::TERM => events.push_back(Event::Finish),
                _ => events.push_back(Event::Stop),
            }
        }
    }

    fn reap(&mut self, events: &mut VecDeque<Event>) {
        while let Some((pid, ending)) = process::reap() {
            let Some(number) =
                self.children.iter().find(|(_, child)| child.pid == pid).map(|(number, _)| *number)
            else {
                continue;
            };
            self.read_control(number, events); // its last words come before its end
            self.children.remove(&number);
            process::kill_group(pid, Signum::KILL); // the children that its handlers left behind
            let slot = self.scoreboard.slot(number);
            events.push_back(Event::Exited { number, ending, requests: slot.requests() });
            slot.end();
        }
    }

    fn read_control(&mut self, number: u32, events: &mut VecDeque<Event>) {
        let Some(child) = self.children.get(&number) else { return };
        loop {
            match child.control.receive() {
                Received::Nothing => return,
                Received::Closed => {
                    // SIGCHLD tells the rest; a closed socket would be ready for ever.
                    let _not_watched = self.epoll.remove(&child.control);
                    return;
                }
                Received::Message(bytes) => match ToMaster::decode(&bytes) {
                    Some(ToMaster::Ready) => events.push_back(Event::Ready { number }),
                    Some(ToMaster::Failed(reason)) => events.push_back(Event::LoadFailed { number, reason }),
                    Some(ToMaster::Enough | ToMaster::Stuck) => {}
                    None => stderr::line(&format!("worker {number} said something unknown")),
                },
            }
        }
    }
}
