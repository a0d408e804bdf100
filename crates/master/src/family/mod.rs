//! What the master decides: when to start a worker, when to replace one, when to end one, when to end all.
//!
//! In: events, each with its time. Out: actions, for `house/` to do. Nothing here touches a process or a clock.
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
mod event;
mod heirloom;
mod load;
mod member;
mod plan;
mod renewal;
mod status;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use goherd_shm::{Role, Who};
use goherd_sys::clock::Millis;
use goherd_sys::process::Ending;

pub use event::{Action, Event};
pub use heirloom::Heirloom;
pub use load::Sample;
pub use plan::{Algorithm, Cheaper, MAX_WORKERS, Plan};
pub use status::{Live, News, Standing, Status};

use ending::Mood;
use load::Load;
use member::{Member, Place, Stage, Tired};
use renewal::Renewal;
use status::State;

/// A worker that dies before it is ready, or within this time after, dies young: its successor is throttled.
pub const YOUNG_MS: u64 = 1000;
/// The least time between two complaints that nobody can be forked.
const COMPLAINT_MS: u64 = 1000;

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
    told: Option<State>,
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
            told: None,
        };
        family.make_room(now);
        family
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
