//! The processes: forking them, hearing them, reaping them.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use goherd_shm::{Birth, ToMaster, ToWorker, Who};
use goherd_sys::clock::Millis;
use goherd_sys::control::{Control, Received};
use goherd_sys::epoll::{Epoll, Watch};
use goherd_sys::process::{self, Fork, Pid};
use goherd_sys::signal::Signum;
use goherd_sys::stderr;

use super::{Generation, House};
use crate::family::Event;
use crate::handover::Handover;

/// The most messages that are heard from one process at a time: more than its socket holds, so that last words are.
const MOST_AT_ONCE: u32 = 4096;

/// The workers, by their lines of the scoreboard.
#[derive(Debug)]
pub(super) struct Children {
    children: BTreeMap<u32, Child>,
    /// Children that this process had before it was a master: a shell's, say, whose place it took.
    strangers: Vec<Pid>,
}

#[derive(Debug)]
struct Child {
    pid: Pid,
    control: Control,
}

impl Children {
    pub fn new() -> Self {
        Self { children: BTreeMap::new(), strangers: process::children() }
    }

    /// Takes over those of the program before this one.
    pub fn adopt(&mut self, handover: Handover, epoll: &Epoll) -> io::Result<()> {
        self.strangers = handover.strangers;
        for (member, control) in handover.members {
            let Some(pid) = Pid::new(member.pid) else { continue };
            epoll.add(&control, member.line.into(), Watch::Readable)?;
            self.children.insert(member.line, Child { pid, control });
        }
        Ok(())
    }

    /// Lines and processes.
    pub fn iter(&self) -> impl Iterator<Item = (u32, Pid)> {
        self.children.iter().map(|(&line, child)| (line, child.pid))
    }

    pub fn control(&self, line: u32) -> Option<&Control> {
        self.children.get(&line).map(|child| &child.control)
    }

    pub fn strangers(&self) -> &[Pid] {
        &self.strangers
    }

    pub fn tell(&self, line: u32, message: ToWorker) {
        if let Some(child) = self.children.get(&line) {
            let _gone = child.control.send(&message.encode());
        }
    }

    pub fn kill(&self, line: u32) {
        if let Some(child) = self.children.get(&line) {
            process::kill_group(child.pid, Signum::KILL);
        }
    }

    /// Ends whatever descends from this process: what handlers have started, and hidden from the group of their worker.
    pub fn end_all(&self) {
        process::end_children(&self.strangers);
    }
}

impl House<'_> {
    /// Forks a process; in it, gives what it is born with.
    pub(super) fn spawn(&mut self, line: u32, who: Who, generation: u32) -> Option<Birth> {
        let forked = self.prepare(line, generation).and_then(|(ours, theirs)| {
            self.epoll.add(&ours, line.into(), Watch::Readable)?;
            Ok((ours, theirs, process::fork_alone()?))
        });
        match forked {
            Err(error) => self.events.push_back(Event::SpawnFailed { line, reason: error.to_string() }),
            Ok((ours, theirs, Fork::Parent(pid))) => {
                drop(theirs);
                process::give_own_group(pid);
                self.scoreboard.begin(
                    line,
                    pid.get().unsigned_abs(),
                    who.as_worker(),
                    generation,
                    Millis::now(),
                );
                self.children.children.insert(line, Child { pid, control: ours });
                self.events.push_back(Event::Spawned { line, pid: pid.get() });
            }
            Ok((ours, theirs, Fork::Child)) => {
                drop(ours);
                let Generation { mut listeners, commons, .. } =
                    self.generations.remove(&generation).expect("prepare has found it");
                if who.is_crew() {
                    listeners.clear();
                }
                return Some(Birth {
                    who,
                    line,
                    generation,
                    edition: self.chime.edition(generation),
                    control: theirs,
                    listeners,
                    commons,
                    scoreboard: Arc::clone(&self.scoreboard),
                    paused: self.family.is_paused(),
                });
            }
        }
        None
    }

    /// Makes the sockets between master and worker, if the worker can be made at all.
    fn prepare(&self, line: u32, generation: u32) -> io::Result<(Control, Control)> {
        if line as usize > goherd_shm::LINES {
            return Err(io::Error::other(format!(
                "{} workers are alive, most of which have not finished",
                goherd_shm::LINES
            )));
        }
        if !self.generations.contains_key(&generation) {
            return Err(io::Error::other(format!("generation {generation} is no more")));
        }
        Control::pair()
    }

    pub(super) fn reap(&mut self) {
        while let Some(pid) = process::ended() {
            if let Some(trial) = self.trial.as_mut().filter(|trial| trial.pid() == pid) {
                trial.ended(process::reap(pid));
                continue;
            }
            let found = self.children.iter().find(|(_, child)| *child == pid);
            let Some((line, _)) = found else {
                let ending = process::reap(pid);
                let _or_an_orphan = self.chime.reaped(pid, ending)
                    || self.keeper.reaped(pid, ending)
                    || self.bells.reaped(pid, ending);
                continue;
            };
            self.read_control(line); // its last words come before its end
            // The children that its handlers left behind: the dead one holds their group's number until it is reaped.
            process::kill_group(pid, Signum::KILL);
            let Some(ending) = process::reap(pid) else { continue };
            for life in self.keeper.bury(pid) {
                let all = self.generations.values();
                all.for_each(|generation| generation.commons.release_all_of(self.keeper.seat(), life));
            }
            self.children.children.remove(&line);
            let slot = self.scoreboard.slot(line);
            self.chime.lost(slot.signals_waiting(), &format!("the process {pid}"));
            self.events.push_back(Event::Exited { line, ending, requests: slot.requests() });
            self.scoreboard.end(line);
        }
    }

    pub(super) fn read_control(&mut self, line: u32) {
        let Some(child) = self.children.children.get(&line) else { return };
        // One that goes on talking has to let others talk, too.
        for _ in 0..MOST_AT_ONCE {
            let event = match child.control.receive() {
                Received::Nothing => break,
                Received::Closed => {
                    // SIGCHLD tells the rest; a closed socket would be ready for ever.
                    let _not_watched = self.epoll.remove(&child.control);
                    break;
                }
                Received::Message(bytes) => match ToMaster::decode(&bytes) {
                    Some(ToMaster::Ready) => Event::Ready { line },
                    Some(ToMaster::Failed(reason)) => Event::LoadFailed { line, reason },
                    Some(ToMaster::Enough) => Event::Enough { line },
                    Some(ToMaster::Stuck) => Event::Stuck { line },
                    Some(ToMaster::Reload) => Event::Reload,
                    Some(ToMaster::Finish) => Event::Finish,
                    Some(ToMaster::Alarm { name, message }) => {
                        self.scoreboard.slot(line).count_heard();
                        self.raised.extend(self.bells.raise(&name, &message, Millis::now()));
                        continue;
                    }
                    Some(ToMaster::Signal(signal)) => {
                        self.scoreboard.slot(line).count_heard();
                        self.raised.push(signal);
                        continue;
                    }
                    // Before all else that it has said, such as that it is ready: then files are watched.
                    Some(ToMaster::Registered) => {
                        self.scoreboard.slot(line).count_heard();
                        self.chime.look(&self.epoll);
                        continue;
                    }
                    None => {
                        stderr::line(&format!("the process {} said something unknown", child.pid));
                        continue;
                    }
                },
            };
            self.events.push_back(event);
        }
    }
}
