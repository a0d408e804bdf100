//! Signals on their way: what is due, or was raised, goes to those who receive it. Nothing here waits for anybody.
//!
//! In: the table that applications write ([`Signals`]), what the configuration adds, the clock, files, and what processes
//! raise. Out: messages to processes, and commands. How many signals wait in a process its line of the scoreboard tells.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use goherd_events::{
    Beat, Cron, Job, Moment, Offer, Process, Queues, Receiver, Role, Router, Schedule, TimeZone, When,
};
use goherd_shm::signals::Source;
use goherd_shm::{Signals, ToWorker, Who};
use goherd_sys::clock::{self, Millis};
use goherd_sys::epoll::Epoll;
use goherd_sys::process::Bounds;
use goherd_sys::stderr;

use super::errands::{Errand, Errands, Running};
use super::monitors::Monitors;
use super::{House, MONITORS};
use crate::family::Live;

/// The most signals that wait in one process. With so many its socket has room for orders, too.
const MOST_WAITING: u64 = 128;

/// What a job is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Raise this signal.
    Signal(u8),
    /// Start this command.
    Errand(Errand),
}

/// What a configuration adds to what applications register.
#[derive(Clone, Debug)]
pub struct Agenda {
    /// What is to be done, and when.
    pub jobs: Vec<Job<Task>>,
    /// Files and folders, and the signals that their changes raise.
    pub monitors: Vec<(PathBuf, u8)>,
    /// The time zone that cron goes by.
    pub zone: TimeZone,
    /// What commands are started in; the paths of applications are within its root.
    pub bounds: Bounds,
}

impl Default for Agenda {
    fn default() -> Self {
        Self { jobs: Vec::new(), monitors: Vec::new(), zone: TimeZone::UTC, bounds: Bounds::default() }
    }
}

/// What is to go on when another program takes this one's place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Legacy {
    /// When cron was looked at last, in milliseconds since 1970 (UTC); `None`: nobody knows.
    pub looked_at: Option<i64>,
    /// Timers of signals, with their beats.
    pub beats: Vec<(u8, When, Beat)>,
    /// Commands that run.
    pub running: Vec<Running>,
}

/// Who sees to that.
#[derive(Debug)]
pub(super) struct Chime {
    signals: Arc<Signals>,
    /// What is added to the number of a generation for the table, which outlives this program.
    base: u32,
    /// The table's version when it was read last; `None`: it is to be read.
    version: Option<u64>,
    agenda: Arc<Agenda>,
    /// The agenda is known: before, what the program before this one has left is not to be compared with it.
    follows: bool,
    schedule: Schedule<Task>,
    router: Router,
    queues: Queues,
    monitors: Monitors,
    errands: Errands,
    due: u64,
    raised: u64,
    sent: u64,
}

fn moment() -> Moment {
    Moment { now: Millis::now(), wall_ms: i64::try_from(clock::unix_millis()).unwrap_or(0) }
}

impl Chime {
    /// For this table, with what a program before this one has left.
    pub fn new(signals: &Arc<Signals>, base: u32, legacy: Legacy) -> Self {
        let now = moment();
        let start = Moment { wall_ms: legacy.looked_at.unwrap_or(now.wall_ms), ..now };
        let mut schedule = Schedule::new(TimeZone::UTC, start);
        for (signal, when, beat) in legacy.beats {
            schedule.resume(Job { what: Task::Signal(signal), when }, beat);
        }
        let mut errands = Errands::default();
        errands.adopt(legacy.running);
        Self {
            signals: Arc::clone(signals),
            base,
            version: None,
            agenda: Arc::default(),
            follows: false,
            schedule,
            router: Router::default(),
            queues: Queues::new(MOST_WAITING),
            monitors: Monitors::default(),
            errands,
            due: 0,
            raised: 0,
            sent: 0,
        }
    }

    /// The number by which members of a generation register.
    pub fn edition(&self, generation: u32) -> u32 {
        self.base.saturating_add(generation)
    }

    pub fn legacy(&self) -> Legacy {
        let beat = |(job, beat): (&Job<Task>, Beat)| match &job.what {
            Task::Signal(signal) => Some((*signal, job.when.clone(), beat)),
            Task::Errand(_) => None,
        };
        Legacy {
            looked_at: Some(self.schedule.looked_at()),
            beats: self.schedule.beats().filter_map(beat).collect(),
            running: self.errands.running().to_vec(),
        }
    }

    /// Goes by this agenda from now on.
    pub fn follow(&mut self, agenda: &Arc<Agenda>) {
        (self.agenda, self.follows) = (Arc::clone(agenda), true);
        self.schedule.set_zone(agenda.zone.clone());
        self.errands.follow(&agenda.bounds);
        self.version = None;
    }

    /// Reads the table, if it has changed.
    pub fn look(&mut self, epoll: &Epoll) {
        let version = self.signals.version();
        if self.version == Some(version) || !self.follows {
            return;
        }
        self.version = Some(version);
        let sources = self.signals.all();
        let jobs = self.agenda.jobs.iter().cloned().chain(sources.iter().filter_map(job));
        let now = Millis::now();
        self.schedule.set(now, jobs);
        let inside = |source: &Source| match source {
            Source::Monitor { signal, path } => Some((self.outside(Path::new(path)), *signal)),
            _ => None,
        };
        let mut wanted = self.agenda.monitors.clone();
        wanted.extend(sources.iter().filter_map(inside));
        self.monitors.follow(&wanted, epoll, MONITORS, now);
    }

    /// Where a path of an application leads, seen from here.
    fn outside(&self, path: &Path) -> PathBuf {
        match &self.agenda.bounds.root {
            Some(root) => root.join(path.strip_prefix("/").unwrap_or(path)),
            None => path.to_owned(),
        }
    }

    /// When there is something to do next.
    pub fn due(&self) -> Option<Millis> {
        [self.schedule.next(moment()), self.monitors.due(), self.errands.due()].into_iter().flatten().min()
    }

    pub fn read_changes(&mut self) {
        self.monitors.read(Millis::now());
    }

    pub fn reaped(&mut self, pid: goherd_sys::Pid, ending: Option<goherd_sys::process::Ending>) -> bool {
        self.errands.reaped(pid, ending)
    }

    /// A process has ended with so many signals that nobody will take.
    pub fn lost(&mut self, count: u64, name: &str) {
        (0..count).for_each(|_| self.drop_one(&format!("signals that waited in {name} are lost with it")));
    }

    fn drop_one(&mut self, why: &str) {
        let offer = self.queues.drop_one(Millis::now());
        say(offer, why);
    }

    /// How many signals were due by the clock, raised, sent, and dropped.
    pub fn counts(&self) -> [u64; 4] {
        [self.due, self.raised, self.sent, self.queues.dropped()]
    }

    pub fn report(&self) -> String {
        format!(
            "signals: {} were due, {} were raised, {} were sent, {} were dropped; {} commands were started",
            self.due,
            self.raised,
            self.sent,
            self.queues.dropped(),
            self.errands.started()
        )
    }
}

fn role_of(who: Who) -> Role {
    match who.role {
        goherd_shm::Role::Worker => Role::Worker,
        goherd_shm::Role::Mule => Role::Mule,
        goherd_shm::Role::Spooler => Role::Spooler,
    }
}

fn say(offer: Offer, why: &str) {
    if let Offer::Drop { line: Some(count) } = offer {
        let others = if count > 1 {
            format!(" ({count} signals were dropped since the last such line)")
        } else {
            String::new()
        };
        stderr::line(&format!("{why}{others}"));
    }
}

/// The job of a source, if time is what it goes by.
fn job(source: &Source) -> Option<Job<Task>> {
    let (signal, when) = match source {
        Source::Timer { signal, every_ms } => (*signal, When::Every(*every_ms)),
        Source::RbTimer { signal, every_ms, times } => (*signal, When::Times(*every_ms, *times)),
        // Who has registered it has read it already.
        Source::Cron { signal, fields } => (*signal, When::Cron(Cron::parse(fields).ok()?)),
        Source::Monitor { .. } => return None,
    };
    Some(Job { what: Task::Signal(signal), when })
}

impl House<'_> {
    /// Does what is due.
    pub(super) fn ring(&mut self) {
        let due = self.chime.schedule.due(moment());
        let changed = self.chime.monitors.tick(Millis::now());
        self.chime.errands.tick(Millis::now());
        if self.family.is_ending() {
            return;
        }
        for task in due.into_iter().chain(changed.into_iter().map(Task::Signal)) {
            match task {
                Task::Errand(errand) => self.chime.errands.start(&errand, Millis::now()),
                Task::Signal(signal) => {
                    self.chime.due += 1;
                    self.send_signal(signal);
                }
            }
        }
    }

    /// A process has raised `signal`.
    pub(super) fn raise(&mut self, signal: u8) {
        self.chime.raised += 1;
        self.send_signal(signal);
    }

    fn send_signal(&mut self, signal: u8) {
        let Some(receiver) = self.chime.signals.receiver(signal) else {
            return self.chime.drop_one(&format!("signal {signal} was dropped: nobody has registered it"));
        };
        let lines = receiver.parse().map_or(Vec::new(), |receiver| self.receivers(&receiver));
        if lines.is_empty() {
            let shown = if receiver.is_empty() { "worker" } else { &receiver };
            return self
                .chime
                .drop_one(&format!("signal {signal} was dropped: no {shown} is there to receive it"));
        }
        lines.into_iter().for_each(|line| self.send_signal_to(line, signal));
    }

    /// The lines of those whom a signal goes to. One of several runs the code whose signals these are, if there is one that
    /// does.
    fn receivers(&mut self, receiver: &Receiver) -> Vec<u32> {
        let live = self.family.live();
        let farms = self.keeper.commons().inboxes.farms();
        let process = |live: &Live| {
            let slot = self.scoreboard.slot(live.line);
            let busy = u32::try_from(slot.busy() + slot.signals_waiting()).unwrap_or(u32::MAX);
            let (role, number) = (role_of(live.who), live.who.number);
            let farms =
                (1..).zip(farms).filter(|(_, farm)| role == Role::Mule && farm.mules.contains(&number));
            let farms = farms.map(|(place, farm)| (place, farm.name.clone())).collect();
            Process { role, number, active: live.active, busy, farms }
        };
        let mut chosen = Vec::new();
        if receiver.is_one_of_several() {
            let (lines, current): (Vec<u32>, Vec<Process>) =
                live.iter().filter(|live| live.current).map(|live| (live.line, process(live))).unzip();
            chosen = self.chime.router.route(receiver, &current).into_iter().map(|at| lines[at]).collect();
        }
        if chosen.is_empty() {
            let all: Vec<_> = live.iter().map(process).collect();
            chosen = self.chime.router.route(receiver, &all).into_iter().map(|at| live[at].line).collect();
        }
        chosen
    }

    fn send_signal_to(&mut self, line: u32, signal: u8) {
        let slot = self.scoreboard.slot(line);
        let mut offer = self.chime.queues.offer(slot.signals_waiting(), Millis::now());
        let mut is_there = true;
        if offer == Offer::Send {
            let control = self.children.control(line);
            match control.map(|control| control.send(&ToWorker::Signal(signal).encode())) {
                Some(Ok(())) => {
                    slot.count_signal_sent();
                    self.chime.sent += 1;
                    return;
                }
                Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
                Some(Err(_)) | None => is_there = false,
            }
            offer = self.chime.queues.drop_one(Millis::now());
        }
        let pid = slot.pid();
        let why = if is_there {
            format!("the queue of the process {pid} is full")
        } else {
            format!("the process {pid} has ended")
        };
        say(offer, &format!("signal {signal} was dropped: {why}"));
    }

    /// Puts what members of this generation have registered in force.
    pub(super) fn promote(&mut self, generation: u32) {
        let edition = self.chime.edition(generation);
        if let Err(error) = self.chime.signals.promote(self.keeper.seat(), edition) {
            stderr::line(&format!("the signals of generation {generation} are not in force: {error}"));
        }
        self.chime.look(&self.epoll);
    }

    /// Drops what members of this generation have registered, if it is not in force.
    pub(super) fn forget_signals(&mut self, generation: u32) {
        let edition = self.chime.edition(generation);
        if let Err(error) = self.chime.signals.forget(self.keeper.seat(), edition) {
            stderr::line(&format!("the signals of generation {generation} are not forgotten: {error}"));
        }
    }
}
