//! Workers that follow the load, and what they may use.

use goherd_sys::clock::Millis;

use super::member::{Stage, Tired};
use super::plan::{Algorithm, Cheaper};
use super::{Action, Actions, Family, Plan, log, seconds};

/// How often samples are taken, if the plan needs them.
const SAMPLE_MS: u64 = 1000;

/// What a member uses and does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Its line of the scoreboard.
    pub line: u32,
    /// How many requests it has taken.
    pub requests: u64,
    /// How many of them are not answered yet.
    pub busy: u64,
    /// How many bytes of memory it holds.
    pub rss: u64,
    /// How many milliseconds of processor time it has used.
    pub cpu: u64,
}

/// How much there is to do, and how many workers that takes.
#[derive(Clone, Debug)]
pub(super) struct Load {
    /// How many workers are to be awake; above the family's number it means all of them.
    awake: u32,
    /// Nobody is: a connection wakes them.
    asleep: bool,
    next_sample: Millis,
    /// Since when the load has been high, or low.
    since: Option<(Trend, Millis)>,
    /// Since when nobody has done anything, and how many requests there had been by then.
    quiet: (Millis, u64),
    /// What was known a sample ago.
    before: Vec<Sample>,
    sampled: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trend {
    High,
    Low,
}

impl Load {
    pub fn new(plan: &Plan, now: Millis) -> Self {
        Self {
            awake: plan.at_first(plan.workers),
            asleep: false,
            next_sample: now.after(SAMPLE_MS),
            since: None,
            quiet: (now, 0),
            before: Vec::new(),
            sampled: now,
        }
    }

    /// How many of the family's workers are wanted.
    pub fn wanted(&self, workers: u32) -> u32 {
        if self.asleep { 0 } else { self.awake.min(workers) }
    }

    /// Whether a connection is waited for, to start workers.
    pub fn is_asleep(&self) -> bool {
        self.asleep
    }

    pub fn due(&self, plan: &Plan) -> Option<Millis> {
        (plan.needs_samples() && !self.asleep).then_some(self.next_sample)
    }

    /// Another plan is in force, for so many workers, which are no fewer than its least.
    pub fn follow(&mut self, plan: &Plan, workers: u32) {
        self.awake = match &plan.cheaper {
            None => workers,
            Some(cheaper) => self.awake.clamp(cheaper.least, workers),
        };
    }

    /// There is one worker more than `before`, or one less.
    pub fn resized(&mut self, before: u32, more: bool) {
        self.awake = self.awake.min(before) + u32::from(more);
    }

    /// The worker `number` is awake already.
    pub fn keep_awake(&mut self, number: u32) {
        self.awake = self.awake.max(number);
    }

    /// Whether the load has been like that for `ms`.
    fn lasts(&mut self, trend: Option<Trend>, now: Millis, ms: u64) -> bool {
        match (trend, self.since) {
            (None, _) => self.since = None,
            (Some(trend), Some((same, since))) if same == trend => return now.since(since) >= ms,
            (Some(trend), _) => self.since = Some((trend, now)),
        }
        false
    }
}

impl Family {
    pub(super) fn sample(&mut self, now: Millis, actions: &mut Actions) {
        if self.load.due(&self.plan).is_some_and(|due| due <= now) {
            self.load.next_sample = now.after(SAMPLE_MS);
            actions.push(Action::Sample);
        }
    }

    pub(super) fn sampled(&mut self, now: Millis, samples: &[Sample], actions: &mut Actions) {
        if self.mood != super::Mood::Serving || self.load.asleep {
            return;
        }
        self.weigh(samples);
        let of_workers: Vec<Sample> =
            samples.iter().copied().filter(|sample| self.is_worker(sample.line)).collect();
        let serving: Vec<Sample> =
            of_workers.iter().copied().filter(|sample| self.serves(sample.line)).collect();
        if let Some(cheaper) = self.plan.cheaper.clone() {
            self.follow_load(now, &cheaper, &serving, actions);
        }
        self.load.before = serving;
        self.load.sampled = now;
        self.mind_idleness(now, &of_workers, actions);
    }

    fn is_worker(&self, line: u32) -> bool {
        self.members.get(&line).is_some_and(|member| !member.who.is_crew())
    }

    fn serves(&self, line: u32) -> bool {
        self.members.get(&line).is_some_and(|member| matches!(member.stage, Stage::Ready { .. }))
    }

    /// Looks at what memory members hold.
    fn weigh(&mut self, samples: &[Sample]) {
        let over = |limit: u64, sample: &Sample| limit > 0 && sample.rss >= limit;
        for sample in samples.iter().filter(|sample| self.serves(sample.line)).collect::<Vec<_>>() {
            if over(self.plan.evil_reload_on_rss, sample) {
                self.exhaust(sample.line, Tired::MuchMemory(sample.rss));
            } else if over(self.plan.reload_on_rss, sample) {
                self.tire(sample.line, Tired::Memory(sample.rss));
            }
        }
    }

    fn follow_load(&mut self, now: Millis, cheaper: &Cheaper, samples: &[Sample], actions: &mut Actions) {
        let awake = self.load.wanted(self.workers);
        if samples.len() < awake as usize {
            return; // some are on their way
        }
        let trend = self.trend(now, cheaper, samples);
        if !self.load.lasts(trend, now, cheaper.overload) {
            return;
        }
        self.load.since = None;
        let wanted = match trend {
            Some(Trend::High) => awake.saturating_add(cheaper.step).min(self.workers),
            Some(Trend::Low) => awake.saturating_sub(1).max(cheaper.least),
            None => awake,
        };
        if wanted != awake {
            log(
                actions,
                format!(
                    "the load is {}: {wanted} workers instead of {awake} (cheaper)",
                    if wanted > awake { "high" } else { "low" }
                ),
            );
            self.load.awake = wanted;
            self.make_room(now);
        }
    }

    fn trend(&self, now: Millis, cheaper: &Cheaper, samples: &[Sample]) -> Option<Trend> {
        match cheaper.algorithm {
            Algorithm::Spare => {
                let full = samples.iter().all(|sample| sample.busy >= u64::from(cheaper.cores));
                let free = samples.iter().filter(|sample| sample.busy == 0).count();
                if full { Some(Trend::High) } else { (free > 1).then_some(Trend::Low) }
            }
            Algorithm::Busyness { max, min } => {
                let busyness = self.busyness(now, cheaper, samples);
                if busyness > u64::from(max) {
                    Some(Trend::High)
                } else {
                    (busyness < u64::from(min)).then_some(Trend::Low)
                }
            }
        }
    }

    /// How busy workers are on average, in percent: the greater of how many of their cores handle a request, and how much
    /// of a processor they use.
    fn busyness(&self, now: Millis, cheaper: &Cheaper, samples: &[Sample]) -> u64 {
        let took = now.since(self.load.sampled).max(1);
        let of_one = |sample: &Sample| {
            let before = self.load.before.iter().find(|before| before.line == sample.line);
            let cpu = before.map_or(0, |before| sample.cpu.saturating_sub(before.cpu));
            (sample.busy * 100 / u64::from(cheaper.cores.max(1))).max(cpu * 100 / took)
        };
        samples.iter().map(of_one).sum::<u64>() / (samples.len() as u64).max(1)
    }

    fn mind_idleness(&mut self, now: Millis, samples: &[Sample], actions: &mut Actions) {
        let requests = samples.iter().map(|sample| sample.requests).sum();
        let starts = |member: &super::Member| matches!(member.stage, Stage::Starting | Stage::Expected);
        let starting = self.members.values().any(|member| starts(member) && !member.who.is_crew());
        if self.load.quiet.1 != requests || starting || samples.iter().any(|sample| sample.busy > 0) {
            self.load.quiet = (now, requests);
        }
        if self.plan.idle == 0 || now.since(self.load.quiet.0) < self.plan.idle {
            return;
        }
        let idle = seconds(self.plan.idle);
        if self.plan.die_on_idle {
            log(actions, format!("there was no request for {idle} s: ending (die-on-idle)"));
            self.finish(now, actions);
        } else {
            log(actions, format!("there was no request for {idle} s (idle)"));
            self.fall_asleep(actions);
        }
    }

    /// Does without workers until a connection comes.
    pub(super) fn fall_asleep(&mut self, actions: &mut Actions) {
        if self.mood == super::Mood::Serving && !std::mem::replace(&mut self.load.asleep, true) {
            log(actions, "ending all workers until a connection comes");
            self.mind_doors(actions);
        }
    }

    /// Has the doors watched, if nobody else does.
    pub(super) fn mind_doors(&self, actions: &mut Actions) {
        if self.load.asleep {
            actions.push(Action::WatchDoors(!self.paused));
        }
    }

    pub(super) fn knock(&mut self, now: Millis, actions: &mut Actions) {
        if !std::mem::take(&mut self.load.asleep) {
            return;
        }
        log(actions, "a connection has come: starting workers");
        actions.push(Action::WatchDoors(false));
        self.load.awake = self.plan.at_first(self.workers);
        (self.load.quiet, self.load.next_sample) = ((now, 0), now.after(SAMPLE_MS));
        (self.load.before, self.load.since) = (Vec::new(), None);
        self.make_room(now);
    }
}
