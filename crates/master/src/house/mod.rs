//! What the master does: it waits for signals, messages, commands and time, asks [`Family`] what follows, and does that.

mod alarms;
mod children;
mod chime;
mod commands;
mod errands;
mod monitors;
mod stats;
mod touch;
mod upgrade;
mod upkeep;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use goherd_shm::{Birth, Commons, Scoreboard, ToWorker};
use goherd_sys::clock::Millis;
use goherd_sys::epoll::{Batch, Epoll, Watch};
use goherd_sys::notify::Notifier;
use goherd_sys::process::{self, Pid};
use goherd_sys::signal::{self, SignalFd, Signum};
use goherd_sys::socket::Listener;
use goherd_sys::stderr;

use crate::family::{Action, Event, Family, News, Plan, Sample, Status, jobs};
use crate::handover::Handover;

use alarms::Bells;
use children::Children;
use chime::Chime;
use commands::Commands;
use stats::StatsServer;
use touch::Touch;
use upgrade::Trial;
use upkeep::Keeper;

pub use alarms::{Alarm, Alarms, Means};
pub use chime::{Agenda, Legacy, Task};
pub use errands::{Errand, Running};
pub use stats::{About, Stats};
pub use upkeep::{Store, Upkeep};

/// The token of the signals. Workers' control sockets have their lines, from 1.
const SIGNALS: u64 = 0;
/// The tokens of the pipes for commands begin here.
const COMMANDS: u64 = 1 << 32;
/// The tokens of listening sockets begin here, while the master watches them.
const DOORS: u64 = 1 << 33;
/// The token of the files that raise signals.
const MONITORS: u64 = 1 << 34;

/// The signals that a master understands.
const UNDERSTOOD: [Signum; 10] = [
    Signum::CHLD,
    Signum::HUP,
    Signum::INT,
    Signum::QUIT,
    Signum::TERM,
    Signum::TSTP,
    Signum::TTIN,
    Signum::TTOU,
    Signum::USR1,
    Signum::USR2,
];

/// What workers are made from and how the master looks after them: what one reading of the configuration comes to.
#[derive(Debug)]
pub struct Generation {
    /// How the family is to live.
    pub plan: Plan,
    /// The listening sockets, which every worker inherits.
    pub listeners: Vec<Listener>,
    /// Files that are touched to ask for a reload.
    pub touch_reload: Vec<PathBuf>,
    /// Named pipes for commands.
    pub fifos: Vec<PathBuf>,
    /// The memory that all share by name and number.
    pub commons: Arc<Commons>,
    /// How that is to be looked after.
    pub upkeep: Upkeep,
    /// The alarms of applications.
    pub alarms: Alarms,
    /// The stats server.
    pub stats: Option<Stats>,
    /// What is to be done by the clock.
    pub agenda: Arc<Agenda>,
}

impl Generation {
    /// All sockets that the master has opened for it: those of the workers, then its own.
    pub(crate) fn sockets(&self) -> impl Iterator<Item = &Listener> {
        self.listeners.iter().chain(self.stats.as_ref().map(|stats| &stats.listener))
    }
}

/// A program with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Where it is.
    pub path: PathBuf,
    /// Its arguments, the name that it is called by first.
    pub args: Vec<std::ffi::OsString>,
}

/// What reading everything anew came to.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one at a time, and it is taken apart at once")]
pub enum Renewed {
    /// A generation that can begin.
    Generation(Box<Generation>),
    /// The server's own program is another one now: that is to go on in this process.
    Program(Program),
}

/// Who knows what workers are made from.
pub trait Owner {
    /// Reads everything anew, for the generation of this number. `open` are the sockets of the one that serves, the master's
    /// own behind those of the workers.
    fn renew(&mut self, generation: u32, open: &[&Listener]) -> Result<Renewed, String>;
    /// No worker will be made from this generation any more.
    fn forget(&mut self, generation: u32);
    /// What a program that takes this one's place needs to know of the sockets of a generation, in their order: a line each.
    fn names(&self, generation: u32) -> Vec<String>;
    /// Whether the file of the last program that `renew` gave is the one that it was.
    fn is_as_found(&self) -> bool;
}

/// What the master begins with.
#[derive(Debug)]
pub struct Settings {
    /// Generation 1.
    pub generation: Generation,
    /// One line for each worker.
    pub scoreboard: Arc<Scoreboard>,
    /// What the program before this one has left of what all share.
    pub inherited: Option<Arc<Commons>>,
    /// The way to the service manager.
    pub notifier: Notifier,
    /// What the program before this one has handed on.
    pub handover: Option<Handover>,
}

/// What a process is when [`run`] returns in it.
#[derive(Debug)]
pub enum Life {
    /// The master, at its end, with its exit code.
    Master(i32),
    /// A worker, or one of the crew, at its beginning.
    Worker(Birth),
}

/// Lets signals wait for [`run`]: one that comes before it, from somebody who knows this process's number already, would end it.
pub fn keep_signals() -> io::Result<()> {
    signal::keep(&UNDERSTOOD)
}

/// Keeps the family until its end. It returns once in the master, and once in every process of the family.
pub fn run(settings: Settings, owner: &mut dyn Owner) -> io::Result<Life> {
    let mut house = House::new(settings, owner)?;
    let mut batch = Batch::new(64);
    loop {
        while let Some(event) = house.next_event() {
            for action in house.family.on(Millis::now(), event) {
                // In a worker, what was the master's goes with `house`: its ends of the neighbours' sockets above all.
                if let Some(life) = house.act(action) {
                    return Ok(life);
                }
            }
        }
        house.follow_generation();
        house.chime.look(&house.epoll);
        house.ring(); // now that all is known of who lives
        let trial = house.trial.as_ref().and_then(Trial::due);
        let due = [
            house.family.due(),
            house.touch.due(),
            house.heartbeat,
            house.keeper.due(),
            house.stats.due(),
            house.chime.due(),
            trial,
        ]
        .into_iter()
        .flatten()
        .min();
        house.epoll.wait(&mut batch, due.map(|due| due.since(Millis::now())))?;
        for readiness in &mut batch {
            match readiness.token {
                SIGNALS => house.read_signals(),
                stats::TOKEN.. => house.serve_stats(readiness),
                MONITORS => house.chime.read_changes(),
                DOORS.. => house.events.push_back(Event::Knock),
                COMMANDS.. => house.commands.read(readiness.token - COMMANDS, &mut house.events),
                line => house.read_control(u32::try_from(line).unwrap_or(0)),
            }
        }
        house.beat(Millis::now());
        house.trial.iter_mut().for_each(|trial| trial.lose_patience(Millis::now()));
        house.keeper.tick(Millis::now());
        house.tick_stats(Millis::now());
        if house.touch.look(Millis::now()) {
            house.events.push_back(Event::Reload);
        }
        house.events.push_back(Event::Tick);
    }
}

struct House<'a> {
    owner: &'a mut dyn Owner,
    family: Family,
    events: VecDeque<Event>,
    epoll: Epoll,
    signals: SignalFd,
    children: Children,
    generations: BTreeMap<u32, Generation>,
    /// The generation whose commands and files are watched.
    followed: u32,
    /// The one whose listening sockets are.
    watched: Option<u32>,
    commands: Commands,
    touch: Touch,
    trial: Option<Trial>,
    keeper: Keeper,
    bells: Bells,
    stats: StatsServer,
    chime: Chime,
    notifier: Notifier,
    /// When to tell the service manager next that this process is alive.
    heartbeat: Option<Millis>,
    scoreboard: Arc<Scoreboard>,
    /// Signals that processes have raised; they are sent when all else is known that has happened.
    raised: Vec<u8>,
}

impl<'a> House<'a> {
    fn new(mut settings: Settings, owner: &'a mut dyn Owner) -> io::Result<Self> {
        let signals = SignalFd::new(&UNDERSTOOD)?;
        signal::hear_of_children()?;
        process::adopt_orphans()?;
        let epoll = Epoll::new()?;
        epoll.add(&signals, SIGNALS, Watch::Readable)?;
        let (now, plan) = (Millis::now(), settings.generation.plan.clone());
        let generation = settings.generation;
        let keeper = Keeper::new(&generation.commons)?;
        keeper.fill(&generation.commons, &generation.upkeep, settings.inherited.as_deref());
        // Whatever this program counts begins at 1, and the table goes on counting.
        let base = settings.inherited.as_ref().map_or(0, |inherited| inherited.signals.generation());
        // What a program registered that was never ready would count as this one's.
        if let Err(error) = generation.commons.signals.forget(keeper.seat(), base.saturating_add(1)) {
            stderr::line(&format!("what former code has registered of signals is not forgotten: {error}"));
        }
        let legacy = settings.handover.as_mut().map(|handover| std::mem::take(&mut handover.legacy));
        let chime = Chime::new(&generation.commons.signals, base, legacy.unwrap_or_default());
        let mut house = Self {
            owner,
            family: Family::new(plan.clone(), now),
            events: VecDeque::from([Event::Tick]),
            epoll,
            signals,
            children: Children::new(),
            generations: BTreeMap::from([(1, generation)]),
            followed: 0,
            watched: None,
            commands: Commands::default(),
            touch: Touch::default(),
            trial: None,
            keeper,
            bells: Bells::default(),
            stats: StatsServer::default(),
            chime,
            heartbeat: settings.notifier.watchdog_interval().map(|_| now),
            notifier: settings.notifier,
            scoreboard: settings.scoreboard,
            raised: Vec::new(),
        };
        if let Some(mut handover) = settings.handover {
            house.commands.hold(std::mem::take(&mut handover.pipes));
            house.tell(&News::Reloading); // its workers are not this program's yet
            let (family, first) = Family::adopt(plan, now, &handover.members(), handover.paused);
            house.family = family;
            house.children.adopt(handover, &house.epoll)?;
            for action in first {
                house.act(action);
            }
        }
        house.reap(); // of whom has ended already, nobody may ever hear
        Ok(house)
    }

    /// What has happened next. What follows from a trial may be that this program is none any more, so that comes when all else
    /// that is known is done.
    fn next_event(&mut self) -> Option<Event> {
        if self.events.is_empty() {
            std::mem::take(&mut self.raised).into_iter().for_each(|signal| self.raise(signal));
            self.conclude_trial();
        }
        self.events.pop_front()
    }

    /// Does what the family has decided; `Some`: this process is something else from now on.
    fn act(&mut self, action: Action) -> Option<Life> {
        match action {
            Action::Spawn { line, who, generation } => {
                return self.spawn(line, who, generation).map(Life::Worker);
            }
            Action::Drain(line) => self.children.tell(line, ToWorker::Drain),
            Action::Pause(line) => self.children.tell(line, ToWorker::Pause),
            Action::Resume(line) => self.children.tell(line, ToWorker::Resume),
            Action::Begin(line) => self.children.tell(line, ToWorker::Begin),
            Action::Finish(line) => self.children.tell(line, ToWorker::Finish),
            Action::Kill(line) => self.children.kill(line),
            Action::CloseDoors => {
                self.watch_doors(false);
                self.leave_stats();
                for other in self.generations.values_mut() {
                    other.listeners.clear();
                    other.stats = None;
                }
            }
            Action::WatchDoors(watch) => self.watch_doors(watch),
            Action::Renew(generation) => self.renew(generation),
            Action::Promote(generation) => self.promote(generation),
            Action::Forget(generation) => {
                self.leave_stats_of(generation);
                self.forget_signals(generation);
                self.generations.remove(&generation);
                self.owner.forget(generation);
            }
            Action::Sample => {
                let samples = self.samples();
                self.events.push_back(Event::Sampled(samples));
            }
            Action::Report(status) => self.report(&status),
            Action::Tell(news) => self.tell(&news),
            Action::Log(line) => stderr::line(&line),
            Action::Exit(code) => {
                self.trial.take().into_iter().for_each(Trial::end);
                self.children.end_all();
                self.keeper.save_all();
                return Some(Life::Master(code));
            }
        }
        None
    }

    /// Tells the service manager. One that cannot be told just now is not waited for.
    fn tell(&self, news: &News) {
        let _told = match news {
            News::Ready => self.notifier.ready(),
            News::State(state) => self.notifier.status(state),
            News::Reloading => self.notifier.reloading(),
            News::Stopping => self.notifier.stopping(),
        };
    }

    /// Tells the service manager that this process is alive, if it is time for that.
    fn beat(&mut self, now: Millis) {
        if self.heartbeat.is_none_or(|due| due > now) {
            return;
        }
        let _told = self.notifier.watchdog();
        let interval = self.notifier.watchdog_interval();
        self.heartbeat = interval.map(|time| now.after(u64::try_from(time.as_millis()).unwrap_or(1)));
    }

    fn read_signals(&mut self) {
        while let Some(signal) = self.signals.take() {
            let event = match signal {
                Signum::CHLD => {
                    self.reap();
                    continue;
                }
                Signum::HUP => Event::Reload,
                Signum::TERM => Event::Finish,
                Signum::TSTP => Event::Pause,
                Signum::TTIN => Event::More,
                Signum::TTOU => Event::Less,
                Signum::USR1 | Signum::USR2 => Event::Report,
                _ => Event::Stop,
            };
            self.events.push_back(event);
        }
    }

    /// Watches the commands and the files of the generation that serves.
    fn follow_generation(&mut self) {
        let current = self.family.generation();
        if self.followed == current {
            return;
        }
        let Some(generation) = self.generations.get(&current) else { return };
        self.followed = current;
        self.bells.follow(&generation.alarms, &generation.agenda.bounds);
        self.commands.follow(&generation.fifos, &self.epoll, COMMANDS);
        self.touch.follow(&generation.touch_reload, Millis::now());
        self.keeper.follow(&generation.commons, &generation.upkeep, Millis::now());
        self.chime.follow(&generation.agenda);
        self.follow_stats();
    }

    /// Watches the sockets of the generation that serves, or none. Those of another are watched no longer, which their end
    /// alone would not bring about: whoever has a copy of them keeps them open.
    fn watch_doors(&mut self, watch: bool) {
        let listeners =
            |generation| self.generations.get(&generation).into_iter().flat_map(|it| &it.listeners);
        for listener in self.watched.into_iter().flat_map(listeners) {
            let _not_watched = self.epoll.remove(listener);
        }
        self.watched = watch.then(|| self.family.generation());
        for (token, listener) in (DOORS..).zip(self.watched.into_iter().flat_map(listeners)) {
            let _not_watched = self.epoll.add(listener, token, Watch::Readable);
        }
    }

    fn samples(&self) -> Vec<Sample> {
        let sample = |(line, pid): (u32, Pid)| {
            let (usage, slot) = (process::usage(pid), self.scoreboard.slot(line));
            Sample { line, requests: slot.requests(), busy: slot.busy(), rss: usage.rss, cpu: usage.cpu }
        };
        self.children.iter().map(sample).collect()
    }

    fn report(&self, status: &[Status]) {
        let generation = self.family.generation();
        let paused = if self.family.is_paused() { ", paused" } else { "" };
        stderr::line(&format!("statistics: master pid {}, generation {generation}{paused}", Pid::me()));
        stderr::line(&format!("statistics: {}", self.chime.report()));
        for Status { line, who, pid, generation, about, .. } in status {
            let slot = self.scoreboard.slot(*line);
            let (requests, busy) = (slot.requests(), slot.busy());
            let rss = Pid::new(*pid).map_or(0, |pid| process::usage(pid).rss >> 20);
            let what = jobs(who.role, requests);
            stderr::line(&format!(
                "statistics: {who} (pid {pid}, generation {generation}): {about}, {what}, {busy} of them under way, \
                 {rss} MiB"
            ));
        }
    }
}
