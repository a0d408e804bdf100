//! Replacing workers: with new code after a reload, and one by one when they have lived long enough.
//!
//! LIFECYCLE of a reload:
//! ```text
//! asked ──Renew──▸ reading ──renewed──▸ candidate: one canary starts ──ready──▸ rolling out, place by place ──▸ done
//!                     └──failed──▸ nothing changed ◂──the canary died──┘
//! ```

use goherd_shm::Who;
use goherd_sys::clock::Millis;
use goherd_sys::process::Ending;

use super::ending::Mood;
use super::member::{Member, Stage, Tired};
use super::{Action, Actions, Family, MAX_WORKERS, News, Plan, before_ready, log, seconds};

/// How far a reload has come.
#[derive(Clone, Debug)]
pub(super) struct Renewal {
    step: Step,
    /// The number of the last generation that was asked for.
    last: u32,
    /// Another reload was asked for meanwhile.
    again: bool,
}

impl Default for Renewal {
    fn default() -> Self {
        Self { step: Step::Done, last: 1, again: false }
    }
}

impl Renewal {
    /// One whose first generation takes over from another program's.
    pub fn rolling_out() -> Self {
        Self { step: Step::RollingOut, ..Self::default() }
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// Nothing is under way.
    Done,
    /// The configuration and the application are being read.
    Reading,
    /// One worker of the new generation is tried, not before `due`; nothing else has changed.
    Candidate { generation: u32, plan: Plan, due: Millis },
    /// The new generation is good, and takes over place by place.
    RollingOut,
}

impl Family {
    pub(super) fn reload(&mut self, actions: &mut Actions) {
        if self.mood != Mood::Serving {
            return log(actions, "the server is ending: no reload");
        }
        let busy = match self.renewal.step {
            Step::Done => false,
            Step::Reading | Step::Candidate { .. } => true,
            Step::RollingOut => !self.is_stalled(),
        };
        if busy {
            if !std::mem::replace(&mut self.renewal.again, true) {
                log(actions, "a reload is under way: another one follows it");
            }
            return;
        }
        self.renewal.step = Step::Reading;
        self.renewal.last += 1;
        log(
            actions,
            format!("reloading: reading configuration and application (generation {})", self.renewal.last),
        );
        actions.push(Action::Tell(News::Reloading));
        actions.push(Action::Renew(self.renewal.last));
    }

    /// Whether the new generation cannot take over everywhere, as its workers die.
    fn is_stalled(&self) -> bool {
        self.places.values().all(|place| place.next.is_none())
            && self.places.values().any(|place| place.young_deaths > 0)
    }

    /// How long a member of this generation may take to become ready.
    pub(super) fn start_timeout(&self, generation: u32) -> u64 {
        match &self.renewal.step {
            Step::Candidate { generation: candidate, plan, .. } if *candidate == generation => {
                plan.start_timeout
            }
            _ => self.plan.start_timeout,
        }
    }

    /// Whether this member is tried for a generation that may come to nothing.
    pub(super) fn is_candidate(&self, line: u32) -> bool {
        let Step::Candidate { generation, .. } = self.renewal.step else { return false };
        self.members.get(&line).is_some_and(|member| member.generation == generation)
    }

    /// The next try of this generation, if it is the candidate, comes then.
    pub(super) fn put_candidate_off(&mut self, generation: u32, until: Millis) {
        match &mut self.renewal.step {
            Step::Candidate { generation: candidate, due, .. } if *candidate == generation => *due = until,
            _ => {}
        }
    }

    pub(super) fn renewed(&mut self, now: Millis, generation: u32, plan: Plan, actions: &mut Actions) {
        if self.mood != Mood::Serving {
            return actions.push(Action::Forget(generation));
        }
        self.renewal.step = Step::Candidate { generation, plan, due: now };
        if self.members.values().all(|member| member.who.is_crew()) && self.wanted() > 0 {
            self.accept_generation(generation, actions); // it cannot be worse
        }
    }

    pub(super) fn renew_failed(&mut self, reason: &str, actions: &mut Actions) {
        log(actions, format!("the reload is refused: {reason}; generation {} serves on", self.generation));
        self.end_renewal(actions);
    }

    /// A worker of this generation is ready: if it is the candidate's, that is good.
    pub(super) fn accept_generation(&mut self, generation: u32, actions: &mut Actions) {
        let Step::Candidate { generation: candidate, plan, .. } = &self.renewal.step else { return };
        if *candidate != generation {
            return;
        }
        let more = plan.workers != self.plan.workers;
        self.plan = plan.clone();
        let before = std::mem::replace(&mut self.generation, generation);
        self.mind_doors(actions);
        actions.push(Action::Forget(before));
        self.renewal.step = Step::RollingOut;
        if more {
            self.workers = self.plan.workers;
        }
        self.workers = self.workers.max(self.plan.least());
        self.load.follow(&self.plan, self.workers);
        for place in self.places.values_mut() {
            (place.young_deaths, place.due) = (0, Millis(0));
        }
        self.make_room(Millis(0));
    }

    /// Somebody who was to take over is dead. Who serves there serves on.
    pub(super) fn successor_died(
        &mut self,
        now: Millis,
        member: &Member,
        ending: Ending,
        actions: &mut Actions,
    ) {
        let Member { who, pid, generation, .. } = *member;
        let story = member.failure.clone().unwrap_or_else(|| before_ready(ending));
        match self.renewal.step {
            Step::Candidate { generation: candidate, .. } if candidate == generation => {
                log(
                    actions,
                    format!(
                        "the reload has failed: {who} (pid {pid}) of generation {generation}: {story}; generation {} serves on",
                        self.generation
                    ),
                );
                actions.push(Action::Forget(generation));
                self.end_renewal(actions);
            }
            _ => {
                let Some(place) = self.place(who) else { return };
                let delay = place.throttle(now);
                log(
                    actions,
                    format!(
                        "{who} (pid {pid}), which was to take over: {story}; the next try is in {} s, and the old {} serves on",
                        seconds(delay),
                        who.role.word()
                    ),
                );
                let stalled = matches!(self.renewal.step, Step::RollingOut) && self.is_stalled();
                if stalled && std::mem::take(&mut self.renewal.again) {
                    self.reload(actions);
                }
            }
        }
    }

    fn end_renewal(&mut self, actions: &mut Actions) {
        self.renewal.step = Step::Done;
        if self.mood == Mood::Serving {
            actions.push(Action::Tell(News::Ready));
        }
        if std::mem::take(&mut self.renewal.again) {
            self.reload(actions);
        }
    }

    /// Replaces at one place, if nobody is being replaced and there is a reason.
    pub(super) fn replace(&mut self, now: Millis, actions: &mut Actions) {
        self.grow_tired(now);
        if self.places.values().any(|place| place.next.is_some()) {
            return;
        }
        let turn = match self.renewal.step {
            Step::Candidate { generation, due, .. } => (due <= now).then_some((Who::worker(1), generation)),
            _ => self.next_in_turn(now),
        };
        let Some((who, generation)) = turn else { return self.finish_rollout(actions) };
        actions.extend(self.reason(who, generation).map(Action::Log));
        let line = self.spawn(now, who, generation, actions);
        self.places.entry(who).and_modify(|place| place.next = Some(line));
    }

    /// The place whose member is to be replaced next, and from which generation.
    fn next_in_turn(&self, now: Millis) -> Option<(Who, u32)> {
        let serving = |place: &super::Place| {
            let member = self.members.get(&place.current?)?;
            matches!(member.stage, Stage::Ready { .. }).then_some(member)
        };
        let may = || self.places.values().filter(|place| place.due <= now).filter_map(serving);
        let outdated = may().find(|member| member.generation != self.generation);
        let tired = may().filter(|member| self.may_go(member).is_some_and(|due| due <= now));
        // The eldest first: one that soon tires again would else be in turn for ever.
        let rank = |member: &&Member| (!member.tired.is_some_and(Tired::is_urgent), member.born);
        let member = outdated.or_else(|| tired.min_by_key(rank));
        Some((member?.who, self.generation))
    }

    /// Why the member at this place is replaced by one of this generation, if it is not for new code.
    fn reason(&self, who: Who, generation: u32) -> Option<String> {
        let member = self.members.get(&self.places.get(&who)?.current?)?;
        let why = member.tired.filter(|_| member.generation == generation)?;
        Some(format!("{who} (pid {}) {why}: replacing it", member.pid))
    }

    fn finish_rollout(&mut self, actions: &mut Actions) {
        let old =
            |line: u32| self.members.get(&line).is_some_and(|member| member.generation != self.generation);
        let done = self.places.values().filter_map(|place| place.current).all(|line| !old(line));
        if !matches!(self.renewal.step, Step::RollingOut) || !done {
            return;
        }
        log(actions, format!("the reload is complete: generation {} serves", self.generation));
        self.end_renewal(actions);
    }

    /// When a member that is tired may be replaced; `None`: it is not tired.
    fn may_go(&self, member: &Member) -> Option<Millis> {
        let age = |why: Tired| if why.is_urgent() { 0 } else { self.plan.min_lifetime };
        member.tired.map(|why| member.born.after(age(why)))
    }

    /// Marks those that have lived long enough.
    fn grow_tired(&mut self, now: Millis) {
        for member in self.members.values_mut() {
            let end = self.plan.end_of_life(member.who, member.born);
            if member.tired.is_none() && end.is_some_and(|end| end <= now) {
                member.tired = Some(Tired::Lifetime);
            }
        }
    }

    /// When the next member is to be replaced, unless something else happens before.
    pub(super) fn next_replacing(&self) -> Option<Millis> {
        if self.places.values().any(|place| place.next.is_some()) {
            return None; // it waits for that
        }
        if let Step::Candidate { due, .. } = self.renewal.step {
            return Some(due);
        }
        let when = |place: &super::Place| {
            let member = self.members.get(&place.current?)?;
            let Stage::Ready { .. } = member.stage else { return None };
            if member.generation != self.generation {
                return Some(place.due);
            }
            let tired = self.may_go(member);
            let due = tired.or_else(|| self.plan.end_of_life(member.who, member.born))?;
            Some(due.max(place.due))
        };
        self.places.values().filter_map(when).min()
    }

    pub(super) fn resize(&mut self, now: Millis, more: bool, actions: &mut Actions) {
        let changed = if more { self.workers.saturating_add(1) } else { self.workers.saturating_sub(1) };
        let workers = changed.clamp(1, MAX_WORKERS);
        if workers == self.workers || workers < self.plan.least() {
            return log(
                actions,
                format!("there are {} workers, and there cannot be {changed}", self.workers),
            );
        }
        self.load.resized(self.workers, more);
        self.workers = workers;
        log(actions, format!("from now on there are {workers} workers"));
        self.make_room(now);
    }
}
