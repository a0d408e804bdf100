//! What the master decides: when to start a worker, when to replace one, when to end one, when to end all.
//!
//! In: events, each with its time. Out: actions, for `house.rs` to do. Nothing here touches a process or a clock.
//!
//! LIFECYCLE of a member, which is a process:
//! ```text
//! Expected ──spawned──▸ Starting ──ready──▸ Ready ──drain──▸ Draining ──exited──▸ gone
//!                          ├──────drain───────────────▸ Draining
//!                          └──too late, or stopping──▸ Doomed ◂──too late──┘
//! ```
//! Nobody but who is too late is killed for being superfluous: a member that is not known to be ready may be so all the
//! same, and have a request under way. One that is not ends at once when it is told to drain.
//!
//! A *place* (worker 1, worker 2, …) has a current member, and while that is replaced a next one. Replacing is one thing,
//! whatever it is for (a reload, a worker that has lived long enough): at one place at a time the next one is started,
//! and when it is ready the current one drains. So the family never has fewer ready workers than before, and never
//! two that are replaced at the same moment.
//!
//! The *crew*, mules and spoolers, has places too, after those of the workers. No two of one name may be at the same work, so
//! one that is ready *begins* only when whoever was called so before it has ended. At the end of the server the crew
//! finishes after the workers, which may have work for it.

#[cfg(test)]
mod anything;
mod ending;
mod load;
mod member;
mod plan;
mod renewal;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use goherd_shm::{Role, Who};
use goherd_sys::clock::Millis;
use goherd_sys::process::Ending;

pub use load::Sample;
pub use plan::{Algorithm, Cheaper, MAX_WORKERS, Plan};

use ending::Mood;
use load::Load;
use member::{Member, Place, Stage, Tired};
use renewal::Renewal;

/// A worker that dies before it is ready, or within this time after, dies young: its successor is throttled.
pub const YOUNG_MS: u64 = 1000;
/// The least time between two complaints that nobody can be forked.
const COMPLAINT_MS: u64 = 1000;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Nothing but that time went by.
    Tick,
    /// A worker has been forked.
    Spawned {
        /// Its line of the scoreboard.
        line: u32,
        /// Its process.
        pid: i32,
    },
    /// A worker could not be forked.
    SpawnFailed {
        /// The line that it would have had.
        line: u32,
        /// Why.
        reason: String,
    },
    /// A worker takes requests from now on.
    Ready {
        /// Its line.
        line: u32,
    },
    /// A worker says that the application cannot be loaded.
    LoadFailed {
        /// Its line.
        line: u32,
        /// Why.
        reason: String,
    },
    /// A worker has taken as many requests as one life is for.
    Enough {
        /// Its line.
        line: u32,
    },
    /// A worker has a handler that does not return. It takes nothing new, and ends itself when all others have returned.
    Stuck {
        /// Its line.
        line: u32,
    },
    /// A worker has ended.
    Exited {
        /// Its line.
        line: u32,
        /// How.
        ending: Ending,
        /// How many requests it had taken.
        requests: u64,
    },
    /// What [`Action::Sample`] found.
    Sampled(Vec<Sample>),
    /// A connection waits, and there are no workers.
    Knock,
    /// The configuration and the application are to be read anew (SIGHUP).
    Reload,
    /// They were: a new generation can begin.
    Renewed {
        /// Its number.
        generation: u32,
        /// How it is to live.
        plan: Plan,
    },
    /// They could not be.
    RenewFailed(String),
    /// One worker more (SIGTTIN).
    More,
    /// One worker less (SIGTTOU).
    Less,
    /// No workers until a connection comes (`C`).
    Cheap,
    /// Take no new connections, or take them again (SIGTSTP).
    Pause,
    /// Statistics are wanted (SIGUSR1).
    Report,
    /// The server is to end when all that is under way is finished (SIGTERM).
    Finish,
    /// The server is to end now (SIGINT, SIGQUIT).
    Stop,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Fork a process.
    Spawn {
        /// The line of the scoreboard that is to be its.
        line: u32,
        /// What it is to be, and its number.
        who: Who,
        /// What it is to be made from.
        generation: u32,
    },
    /// Tell this worker to finish.
    Drain(u32),
    /// Tell this worker to take no new connections.
    Pause(u32),
    /// Tell this worker to take them again.
    Resume(u32),
    /// Tell this one of the crew that nobody else of its name is left: it is to begin.
    Begin(u32),
    /// Tell this one of the crew to do what waits for it already, and then to finish.
    Finish(u32),
    /// Kill this process, with its children.
    Kill(u32),
    /// Close the listening sockets: nobody will accept any more.
    CloseDoors,
    /// Look out for connections to the generation that serves, or do so no longer.
    WatchDoors(bool),
    /// Read configuration and application anew, for the generation of this number.
    Renew(u32),
    /// Nobody will be made from this generation any more.
    Forget(u32),
    /// The first worker of this generation is ready: what its code has registered is in force from now on.
    Promote(u32),
    /// Find out what workers use and do.
    Sample,
    /// Write statistics to the log.
    Report(Vec<Status>),
    /// Tell the service manager.
    Tell(News),
    /// Write a line to the log.
    Log(String),
    /// End, with this exit code. Nobody is left.
    Exit(i32),
}

/// What a service manager wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The server serves.
    Ready,
    /// It reads everything anew.
    Reloading,
    /// It ends.
    Stopping,
    /// How it is, in a sentence for people.
    State(String),
}

/// What a member is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its line of the scoreboard.
    pub line: u32,
    /// What it is, and its number.
    pub who: Who,
    /// Its process.
    pub pid: i32,
    /// What it was made from.
    pub generation: u32,
    /// "ready for 3.2 s" and the like.
    pub about: String,
    /// The stage of its life.
    pub stage: Standing,
    /// When it was born.
    pub born: Millis,
    /// How long it took until it was ready, in milliseconds, if it is.
    pub start: Option<u64>,
    /// It is who fills its place; else it is on its way to it, or out of it.
    pub at_place: bool,
}

/// The stage of a member's life, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not ready yet.
    Starting,
    /// It serves.
    Ready,
    /// It finishes.
    Draining,
    /// It was killed.
    Doomed,
}

impl Standing {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
            Self::Doomed => "killed",
        }
    }
}

/// A member as a master hands it on that is about to be replaced by another program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heirloom {
    /// Its line of the scoreboard.
    pub line: u32,
    /// What it is, and its number.
    pub who: Who,
    /// Its process.
    pub pid: i32,
    /// When it was born.
    pub born: Millis,
    /// It serves; else it is on its way out, or on its way in.
    pub serves: bool,
    /// It is one of the crew that serves, and was not told to begin.
    pub waits: bool,
}

/// A member that can be told something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Live {
    /// Its line of the scoreboard.
    pub line: u32,
    /// What it is, and its number.
    pub who: Who,
    /// It takes requests; of the crew: its work is its own by now.
    pub active: bool,
    /// It runs the code that is in force.
    pub current: bool,
}

/// All members, their places, and the server's own state.
#[derive(Clone, Debug)]
pub struct Family {
    plan: Plan,
    /// What new members are made from.
    generation: u32,
    /// The generation whose registrations are in force.
    in_force: u32,
    /// How many places of workers there are to be; beyond are those that are being given up.
    workers: u32,
    /// Those of workers come first, then those of the crew.
    places: BTreeMap<Who, Place>,
    members: BTreeMap<u32, Member>,
    renewal: Renewal,
    load: Load,
    mood: Mood,
    paused: bool,
    /// A worker has been ready: the application can be loaded, so what fails now is no error of the start.
    proven: bool,
    complained: Option<Millis>,
    /// What the service manager was told last.
    told: String,
}

type Actions = Vec<Action>;

fn log(actions: &mut Actions, line: impl Into<String>) {
    actions.push(Action::Log(line.into()));
}

impl Family {
    /// A family without members: the first [`Event::Tick`] has them spawned, from generation 1.
    #[must_use]
    pub fn new(plan: Plan, now: Millis) -> Self {
        let mut family = Self {
            workers: plan.workers,
            load: Load::new(&plan, now),
            plan,
            generation: 1,
            in_force: 1,
            places: BTreeMap::new(),
            members: BTreeMap::new(),
            renewal: Renewal::default(),
            mood: Mood::Serving,
            paused: false,
            proven: false,
            complained: None,
            told: String::new(),
        };
        family.make_room(now);
        family
    }

    /// A family that takes over the members of another, which were made from something older and are replaced. Gives what is to
    /// be done first.
    #[must_use]
    pub fn adopt(plan: Plan, now: Millis, members: &[Heirloom], paused: bool) -> (Self, Vec<Action>) {
        let mut family = Self::new(plan, now);
        (family.paused, family.proven, family.renewal) = (paused, true, Renewal::rolling_out());
        family.in_force = 0; // that of the program before this one
        for member in members {
            family.take_over(now, member);
        }
        // Some of them may not have been told yet: those that were on their way in.
        let leaving = members.iter().filter(|member| !member.serves);
        (family, leaving.map(|member| Action::Drain(member.line)).collect())
    }

    fn take_over(&mut self, now: Millis, member: &Heirloom) {
        let Heirloom { line, who, pid, born, serves, waits } = *member;
        let until = now.after(self.plan.mercy_for(who.role));
        let stage = if serves { Stage::Ready { since: now } } else { Stage::Draining { until } };
        if serves && (1..=MAX_WORKERS).contains(&who.number) {
            self.places.entry(who).or_insert_with(|| Place::new(now)).current = Some(line);
            if !who.is_crew() {
                self.load.keep_awake(who.number);
            }
        }
        let member = Member::expected(who, 0, born);
        self.members.insert(line, Member { pid, stage, begun: !waits, ..member });
    }

    /// What another master needs to know to take over. A member that is on its way in may have come to be ready, and to
    /// requests, unheard: it leaves like the others that do.
    #[must_use]
    pub fn hand_on(&self) -> Vec<Heirloom> {
        let heirloom = |(&line, member): (&u32, &Member)| {
            let Member { who, pid, born, stage, begun, .. } = *member;
            let serves = matches!(stage, Stage::Ready { .. });
            Heirloom { line, who, pid, born, serves, waits: serves && who.is_crew() && !begun }
        };
        self.members.iter().map(heirloom).collect()
    }

    /// The members that serve, and so can be told something. Others would not hear it, or are about to go.
    #[must_use]
    pub fn live(&self) -> Vec<Live> {
        let serving = |(_, member): &(&u32, &Member)| matches!(member.stage, Stage::Ready { .. });
        let live = |(&line, member): (&u32, &Member)| Live {
            line,
            who: member.who,
            active: if member.who.is_crew() { member.begun } else { !self.paused },
            current: member.generation == self.in_force && self.in_force > 0,
        };
        self.members.iter().filter(serving).map(live).collect()
    }

    /// Whether workers are told to take no new connections.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// What new members are made from.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Whether the server is on its way to its end.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.mood != Mood::Serving
    }

    /// Decides what follows from `event`.
    pub fn on(&mut self, now: Millis, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Tick => {}
            Event::Spawned { line, pid } => self.spawned(now, line, pid, &mut actions),
            Event::SpawnFailed { line, reason } => self.spawn_failed(now, line, &reason, &mut actions),
            Event::Ready { line } => self.ready(now, line, &mut actions),
            Event::LoadFailed { line, reason } => self.load_failed(line, reason),
            Event::Enough { line } => self.tire(line, Tired::Requests),
            Event::Stuck { line } => self.stuck(now, line, &mut actions),
            Event::Exited { line, ending, requests } => {
                self.exited(now, line, ending, requests, &mut actions);
            }
            Event::Sampled(samples) => self.sampled(now, &samples, &mut actions),
            Event::Knock => self.knock(now, &mut actions),
            Event::Reload => self.reload(&mut actions),
            Event::Renewed { generation, plan } => self.renewed(now, generation, plan, &mut actions),
            Event::RenewFailed(reason) => self.renew_failed(&reason, &mut actions),
            Event::More => self.resize(now, true, &mut actions),
            Event::Less => self.resize(now, false, &mut actions),
            Event::Cheap => self.fall_asleep(&mut actions),
            Event::Pause => self.pause(&mut actions),
            Event::Report => actions.push(Action::Report(self.status(now))),
            Event::Finish => self.finish(now, &mut actions),
            Event::Stop => self.stop(0, &mut actions),
        }
        self.settle(now, &mut actions);
        actions
    }

    /// What every event is followed by: starts that are due, patience that is over, replacing that can go on.
    fn settle(&mut self, now: Millis, actions: &mut Actions) {
        self.lose_patience(now, actions);
        if !self.mood.is_ending() {
            self.fill_places(now, actions);
        }
        if self.mood == Mood::Serving {
            self.give_up_places(now, actions);
            self.replace(now, actions);
            self.sample(now, actions);
        }
        self.go_on_ending(now, actions);
        self.let_crew_begin(actions);
        self.tell_state(actions);
    }

    /// Tells the service manager how the server is, if that has changed.
    fn tell_state(&mut self, actions: &mut Actions) {
        let state = if self.proven { self.summary() } else { return };
        if self.told != state {
            self.told.clone_from(&state);
            actions.push(Action::Tell(News::State(state)));
        }
    }

    /// When the next [`Event::Tick`] is due, if one is.
    #[must_use]
    pub fn due(&self) -> Option<Millis> {
        let patience = self.members.values().filter_map(|member| self.patience(member));
        let serving = self.mood == Mood::Serving;
        let starts = self
            .places
            .iter()
            .filter(|(who, place)| !self.mood.is_ending() && self.is_wanted(**who) && self.is_vacant(place));
        let replacing = serving.then(|| self.next_replacing()).flatten();
        let sample = serving.then(|| self.load.due(&self.plan)).flatten();
        patience
            .chain(starts.map(|(_, place)| place.due))
            .chain(replacing)
            .chain(sample)
            .chain(self.mood.due())
            .min()
    }

    /// How many places of workers are to be filled now.
    fn wanted(&self) -> u32 {
        self.load.wanted(self.workers)
    }

    /// Whether this place is to be filled now.
    fn is_wanted(&self, who: Who) -> bool {
        if who.is_crew() { self.plan.crew.contains(&who) } else { who.number <= self.wanted() }
    }

    fn make_room(&mut self, now: Millis) {
        let workers = (1..=self.workers).map(Who::worker);
        for who in workers.chain(self.plan.crew.iter().copied()) {
            self.places.entry(who).or_insert_with(|| Place::new(now));
        }
    }

    fn place(&mut self, who: Who) -> Option<&mut Place> {
        self.places.get_mut(&who)
    }

    /// Nobody is here, nor on the way. A canary may come to nothing, so that the place is not left to it.
    fn is_vacant(&self, place: &Place) -> bool {
        place.current.is_none() && place.next.is_none_or(|line| self.is_candidate(line))
    }

    /// Orders a member for this place; gives its line.
    fn spawn(&mut self, now: Millis, who: Who, generation: u32, actions: &mut Actions) -> u32 {
        let line = (1..).find(|line| !self.members.contains_key(line)).unwrap_or(u32::MAX);
        let paused = self.paused; // it is still so when the process is forked, which is next
        self.members.insert(line, Member { paused, ..Member::expected(who, generation, now) });
        actions.push(Action::Spawn { line, who, generation });
        line
    }

    fn fill_places(&mut self, now: Millis, actions: &mut Actions) {
        let is_due = |(who, place): &(&Who, &Place)| {
            self.is_wanted(**who) && self.is_vacant(place) && place.due <= now
        };
        let due: Vec<Who> = self.places.iter().filter(is_due).map(|(&who, _)| who).collect();
        for who in due {
            let line = self.spawn(now, who, self.generation, actions);
            self.places.entry(who).and_modify(|place| place.current = Some(line));
        }
    }

    /// Ends those whose places are to be given up, but for a canary, which is tried in any case.
    fn give_up_places(&mut self, now: Millis, actions: &mut Actions) {
        let given_up: Vec<Who> = self.places.keys().copied().filter(|&who| !self.is_wanted(who)).collect();
        for who in given_up {
            let Some(&Place { current, next, .. }) = self.places.get(&who) else { continue };
            for line in current.into_iter().chain(next.filter(|&line| !self.is_candidate(line))) {
                self.dismiss(now, line, actions);
                self.places.entry(who).and_modify(|place| place.leave(line));
            }
        }
        let (workers, crew) = (self.workers, &self.plan.crew);
        self.places.retain(|who, _| if who.is_crew() { crew.contains(who) } else { who.number <= workers });
    }

    /// Tells those of the crew to begin before whom nobody of their name is left.
    fn let_crew_begin(&mut self, actions: &mut Actions) {
        let finishing = self.mood == Mood::Finishing;
        let waits = |member: &Member| {
            let stays = match member.stage {
                Stage::Ready { .. } => true,
                Stage::Draining { .. } => finishing,
                _ => false,
            };
            stays && member.who.is_crew() && !member.begun
        };
        let waiting: Vec<(u32, Who)> = self
            .members
            .iter()
            .filter(|(_, member)| waits(member))
            .map(|(&line, member)| (line, member.who))
            .collect();
        for (line, who) in waiting {
            if self.members.values().any(|other| other.who == who && other.begun) {
                continue;
            }
            self.members.entry(line).and_modify(|member| member.begun = true);
            actions.push(Action::Begin(line));
        }
    }

    /// Ends a member, after what it has under way.
    fn dismiss(&mut self, now: Millis, line: u32, actions: &mut Actions) {
        let finishing = self.mood == Mood::Finishing;
        let Some(member) = self.members.get_mut(&line) else { return };
        let until = now.after(self.plan.mercy_for(member.who.role));
        match member.stage {
            Stage::Ready { .. } | Stage::Starting => {
                member.stage = Stage::Draining { until };
                let finishes = finishing && member.who.is_crew();
                actions.push(if finishes { Action::Finish(line) } else { Action::Drain(line) });
            }
            Stage::Expected => member.stage = Stage::Draining { until }, // it is told as soon as it is spawned
            Stage::Draining { .. } | Stage::Doomed => {}
        }
    }

    fn spawned(&mut self, now: Millis, line: u32, pid: i32, actions: &mut Actions) {
        let Some(member) = self.members.get_mut(&line) else { return };
        (member.pid, member.born) = (pid, now);
        let who = member.who;
        match member.stage {
            Stage::Expected => {
                member.stage = Stage::Starting;
                log(actions, format!("{who} (pid {pid}) is starting"));
            }
            Stage::Draining { .. } => actions.push(Action::Drain(line)),
            _ => actions.push(Action::Kill(line)),
        }
        if let Some(place) = self.place(who) {
            place.failed_forks = 0;
        }
    }

    fn spawn_failed(&mut self, now: Millis, line: u32, reason: &str, actions: &mut Actions) {
        let Some(member) = self.members.remove(&line) else { return };
        let complain = self.complained.is_none_or(|then| now.since(then) >= COMPLAINT_MS);
        if complain {
            self.complained = Some(now);
        }
        let Some(place) = self.place(member.who) else { return };
        place.leave(line);
        let delay = place.wait_to_fork(now);
        self.put_candidate_off(member.generation, now.after(delay));
        if complain {
            log(
                actions,
                format!("{} cannot be forked: {reason}; the next try is in {} s", member.who, seconds(delay)),
            );
        }
    }

    fn ready(&mut self, now: Millis, line: u32, actions: &mut Actions) {
        let Some(member) = self.members.get_mut(&line).filter(|member| member.stage == Stage::Starting)
        else {
            return;
        };
        member.stage = Stage::Ready { since: now };
        let Member { who, pid, born, generation, paused, .. } = *member;
        log(actions, format!("{who} (pid {pid}) is ready after {} ms", now.since(born)));
        match (paused, self.paused) {
            _ if who.is_crew() => {}
            (false, true) => actions.push(Action::Pause(line)),
            (true, false) => actions.push(Action::Resume(line)),
            (true, true) | (false, false) => {}
        }
        self.accept_generation(generation, actions);
        if generation == self.generation && self.in_force != generation {
            self.in_force = generation;
            actions.push(Action::Promote(generation));
        }
        if let Some(place) = self.place(who).filter(|place| place.next == Some(line)) {
            place.next = None;
            if let Some(old) = place.current.replace(line) {
                self.dismiss(now, old, actions);
            }
        }
        if !std::mem::replace(&mut self.proven, true) {
            actions.push(Action::Tell(News::Ready));
        }
        if self.plan.trial {
            self.stop(0, actions);
        }
    }

    fn load_failed(&mut self, line: u32, reason: String) {
        if let Some(member) = self.members.get_mut(&line) {
            member.failure = Some(reason);
        }
    }

    fn exited(&mut self, now: Millis, line: u32, ending: Ending, requests: u64, actions: &mut Actions) {
        let Some(member) = self.members.remove(&line) else { return };
        if let Some(place) = self.place(member.who) {
            let (was_next, was_here) = (place.next == Some(line), place.current == Some(line));
            place.leave(line);
            if self.mood.is_ending() {
                self.note_early_end(&member, ending, actions);
            } else if was_next {
                self.successor_died(now, &member, ending, actions);
            } else if was_here {
                self.died(now, &member, ending, requests, actions);
            } else {
                self.left(&member, ending, requests, actions);
            }
        } else {
            self.left(&member, ending, requests, actions);
        }
    }

    /// Somebody who was to go has gone.
    fn left(&self, member: &Member, ending: Ending, requests: u64, actions: &mut Actions) {
        let Member { who, pid, .. } = *member;
        let how = if ending == Ending::Exited(0) { "has finished".to_owned() } else { ending.to_string() };
        log(actions, format!("{who} (pid {pid}), which was to go, {how} after {}", jobs(who.role, requests)));
    }

    fn note_early_end(&self, member: &Member, ending: Ending, actions: &mut Actions) {
        let leaving = matches!(member.stage, Stage::Draining { .. } | Stage::Doomed);
        if ending != Ending::Exited(0) && !leaving {
            log(actions, format!("{} (pid {}) {ending}", member.who, member.pid));
        }
    }

    /// Somebody who served, or was to with nobody else there, is dead.
    fn died(&mut self, now: Millis, member: &Member, ending: Ending, requests: u64, actions: &mut Actions) {
        let Member { who, pid, .. } = *member;
        if !self.proven && (member.failure.is_some() || self.plan.trial) {
            let reason = member.failure.clone();
            log(actions, reason.unwrap_or_else(|| format!("{who} {}", before_ready(ending))));
            return self.stop(1, actions);
        }
        let story = match (member.stage, &member.failure) {
            (Stage::Ready { since }, _) => {
                let lived = seconds(now.since(since));
                format!("{ending}, {lived} s and {} after it was ready", jobs(who.role, requests))
            }
            (_, Some(reason)) => format!("{ending}: {reason}"),
            (_, None) => before_ready(ending),
        };
        let of_age = matches!(member.stage, Stage::Ready { since } if now.since(since) >= YOUNG_MS);
        let Some(place) = self.place(who) else { return };
        if who.is_crew() && requests > 0 {
            // What it died over is lost, or tried again after a pause of its own: others need not wait for longer and longer.
            place.young_deaths = 0;
        }
        let next = if of_age {
            (place.young_deaths, place.due) = (0, now);
            "replacing it at once".to_owned()
        } else {
            let delay = place.throttle(now);
            format!("replacing it in {} s (young deaths in a row: {})", delay / 1000, place.young_deaths)
        };
        log(actions, format!("{who} (pid {pid}) {story}; {next}"));
    }

    fn stuck(&mut self, now: Millis, line: u32, actions: &mut Actions) {
        let Some(member) = self.members.get_mut(&line) else { return };
        let until = now.after(self.plan.mercy_for(member.who.role));
        if !matches!(member.stage, Stage::Ready { .. }) {
            return; // on its way out already
        }
        member.stage = Stage::Draining { until };
        let Member { who, pid, .. } = *member;
        if let Some(place) = self.place(who) {
            place.leave(line);
            place.due = now;
        }
        log(
            actions,
            format!(
                "{who} (pid {pid}) has a handler that does not return: replacing it while its other requests finish"
            ),
        );
    }

    fn tire(&mut self, line: u32, why: Tired) {
        if let Some(member) = self.members.get_mut(&line) {
            member.tired.get_or_insert(why);
        }
    }

    /// The same, whatever it was tired for already.
    fn exhaust(&mut self, line: u32, why: Tired) {
        self.members.entry(line).and_modify(|member| member.tired = Some(why));
    }

    fn pause(&mut self, actions: &mut Actions) {
        self.paused = !self.paused;
        log(
            actions,
            if self.paused {
                "paused: no new connections are taken"
            } else {
                "resumed: connections are taken again"
            },
        );
        self.mind_doors(actions);
        for (&line, member) in &self.members {
            if matches!(member.stage, Stage::Ready { .. }) && !member.who.is_crew() {
                actions.push(if self.paused { Action::Pause(line) } else { Action::Resume(line) });
            }
        }
    }

    /// When this member is to be given up, if it goes on as it does.
    fn patience(&self, member: &Member) -> Option<Millis> {
        match member.stage {
            Stage::Starting => {
                let timeout = self.start_timeout(member.generation);
                (timeout > 0).then(|| member.born.after(timeout))
            }
            Stage::Draining { until } => Some(until),
            _ => None,
        }
    }

    fn lose_patience(&mut self, now: Millis, actions: &mut Actions) {
        let lost =
            self.members.iter().filter(|(_, member)| self.patience(member).is_some_and(|until| until <= now));
        let lost: Vec<_> = lost.map(|(&line, _)| line).collect();
        for line in lost {
            let Some(generation) = self.members.get(&line).map(|member| member.generation) else { continue };
            let timeout = seconds(self.start_timeout(generation));
            let Some(member) = self.members.get_mut(&line) else { continue };
            let Member { who, pid, .. } = *member;
            let story = if member.stage == Stage::Starting {
                let story = format!("was not ready within {timeout} s (worker-start-timeout)");
                member.failure.get_or_insert(format!("{who} {story}"));
                story
            } else {
                let option = if who.is_crew() { "mule-reload-mercy" } else { "worker-reload-mercy" };
                let mercy = seconds(self.plan.mercy_for(who.role));
                format!("has not finished within {mercy} s ({option})")
            };
            member.stage = Stage::Doomed;
            log(actions, format!("{who} (pid {pid}) {story}: killing it"));
            actions.push(Action::Kill(line));
        }
    }

    /// How many workers there are to be at most, as commands have it.
    #[must_use]
    pub fn workers(&self) -> u32 {
        self.workers
    }

    /// What all members are about.
    #[must_use]
    pub fn status(&self, now: Millis) -> Vec<Status> {
        let about = |member: &Member| match member.stage {
            Stage::Expected | Stage::Starting => {
                format!("starting for {} s", seconds(now.since(member.born)))
            }
            Stage::Ready { since } if self.paused && !member.who.is_crew() => {
                format!("paused, ready for {} s", seconds(now.since(since)))
            }
            Stage::Ready { since } if member.who.is_crew() && !member.begun => {
                format!("waiting for the one before it, ready for {} s", seconds(now.since(since)))
            }
            Stage::Ready { since } => format!("ready for {} s", seconds(now.since(since))),
            Stage::Draining { until } => {
                format!("finishing, for {} s at most", seconds(until.since(now)))
            }
            Stage::Doomed => "killed".to_owned(),
        };
        let status = |(&line, member): (&u32, &Member)| Status {
            line,
            who: member.who,
            pid: member.pid,
            generation: member.generation,
            about: about(member),
            stage: member.stage.into(),
            born: member.born,
            start: match member.stage {
                Stage::Ready { since } => Some(since.since(member.born)),
                _ => None,
            },
            at_place: self.places.values().any(|place| place.current == Some(line)),
        };
        self.members.iter().map(status).collect()
    }

    /// A sentence on the state of things, for the service manager.
    fn summary(&self) -> String {
        let is_ready =
            |member: &&Member| matches!(member.stage, Stage::Ready { .. }) && !member.who.is_crew();
        let ready = self.members.values().filter(is_ready).count();
        let state = match self.mood {
            Mood::Serving if self.load.is_asleep() => "no workers until a connection comes".to_owned(),
            Mood::Serving => format!("{ready} of {} workers ready", self.wanted()),
            Mood::Lingering { .. } => "ending: taking requests for a moment more".to_owned(),
            Mood::Finishing => "ending: finishing what is under way".to_owned(),
            Mood::Stopping { .. } => "ending at once".to_owned(),
        };
        let paused = if self.paused { ", paused" } else { "" };
        format!("{state}, generation {}{paused}", self.generation)
    }
}

impl From<Stage> for Standing {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Expected | Stage::Starting => Self::Starting,
            Stage::Ready { .. } => Self::Ready,
            Stage::Draining { .. } => Self::Draining,
            Stage::Doomed => Self::Doomed,
        }
    }
}

/// What a member has done, for people to read.
pub(crate) fn jobs(role: Role, count: u64) -> String {
    let what = match role {
        Role::Worker => "requests",
        Role::Mule => "jobs",
        Role::Spooler => "tasks",
    };
    format!("{count} {what}")
}

fn before_ready(ending: Ending) -> String {
    match ending {
        Ending::Exited(0) => {
            format!("{ending} before it was ready: does main() return without calling uwsgi.Run()?")
        }
        _ => format!("{ending} before it was ready"),
    }
}

/// Seconds for people to read: 60, 0.5, 2.3.
fn seconds(ms: u64) -> String {
    let tenths = ms.div_ceil(100);
    match tenths % 10 {
        0 => (tenths / 10).to_string(),
        rest => format!("{}.{rest}", tenths / 10),
    }
}
