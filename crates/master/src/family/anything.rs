//! Whatever happens, in whatever order: nothing is due again and again, nobody is left alive without a place or an end, and the
//! end comes.

use super::*;
use goherd_sys::signal::Signum;

/// Numbers that are the same at each run: xorshift.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

/// What the house would be.
struct World {
    dice: Dice,
    family: Family,
    now: Millis,
    /// Processes by their lines, and whether each was told to end.
    alive: BTreeMap<u32, bool>,
    generations: std::collections::BTreeSet<u32>,
    events: std::collections::VecDeque<Event>,
    watched: bool,
    exit: Option<i32>,
    /// Forks succeed.
    room: bool,
    pids: i32,
    told: Vec<String>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let plan = plan(&mut dice);
        let now = Millis(1_000_000);
        Self {
            family: Family::new(plan, now),
            dice,
            now,
            alive: BTreeMap::new(),
            generations: [1].into(),
            events: [Event::Tick].into(),
            watched: false,
            exit: None,
            room: true,
            pids: 100,
            told: Vec::new(),
        }
    }

    /// Does everything that follows from what has happened; it must come to an end.
    fn run(&mut self) {
        for _ in 0..1000 {
            let Some(event) = self.events.pop_front() else { return };
            self.told.push(format!("{} {event:?}", self.now.0));
            for action in self.family.on(self.now, event) {
                self.told.push(format!("    {action:?}"));
                self.act(&action);
            }
        }
        panic!("it never ends: {}", self.last());
    }

    fn act(&mut self, action: &Action) {
        match *action {
            Action::Spawn { line, generation, .. } => {
                assert!(!self.alive.contains_key(&line), "line {line} is taken: {}", self.last());
                assert!(self.generations.contains(&generation), "{generation} is no more: {}", self.last());
                if !self.room {
                    return self.events.push_back(Event::SpawnFailed { line, reason: "no room".to_owned() });
                }
                self.pids += 1;
                self.alive.insert(line, false);
                self.events.push_back(Event::Spawned { line, pid: self.pids });
            }
            Action::Drain(line) => _ = self.alive.entry(line).and_modify(|told| *told = true),
            Action::Kill(line) => self.end(line, Ending::Killed(Signum::KILL)),
            Action::Renew(generation) => {
                if self.dice.one_in(4) {
                    return self.events.push_back(Event::RenewFailed("no such option".to_owned()));
                }
                self.generations.insert(generation);
                let plan = plan(&mut self.dice);
                self.events.push_back(Event::Renewed { generation, plan });
            }
            Action::Forget(generation) => _ = self.generations.remove(&generation),
            Action::Promote(generation) => {
                assert_eq!(generation, self.family.generation(), "it is not the one that serves");
            }
            Action::WatchDoors(watch) => self.watched = watch,
            Action::Sample => {
                let sample = |&line: &u32| Sample {
                    line,
                    requests: self.dice.below(3),
                    busy: self.dice.below(2),
                    rss: self.dice.below(150),
                    cpu: self.dice.below(2000),
                };
                let samples = self.alive.keys().map(sample).collect();
                self.events.push_back(Event::Sampled(samples));
            }
            Action::Exit(code) => {
                assert!(self.alive.is_empty(), "somebody is left: {}", self.last());
                self.exit = Some(code);
            }
            Action::Pause(_)
            | Action::Resume(_)
            | Action::CloseDoors
            | Action::Report(_)
            | Action::Tell(_)
            | Action::Log(_) => {}
        }
    }

    fn end(&mut self, line: u32, ending: Ending) {
        if self.alive.remove(&line).is_some() {
            self.events.push_back(Event::Exited { line, ending, requests: 0 });
        }
    }

    fn anybody(&mut self) -> Option<u32> {
        let index = self.dice.below(self.alive.len().max(1) as u64);
        self.alive.keys().nth(usize::try_from(index).unwrap()).copied()
    }

    /// Something happens.
    fn step(&mut self) {
        let line = self.anybody();
        match (self.dice.below(24), line) {
            (0, _) => self.events.push_back(Event::Reload),
            (1, _) => self.events.push_back(Event::More),
            (2, _) => self.events.push_back(Event::Less),
            (3, _) => self.events.push_back(Event::Cheap),
            (4, _) => self.events.push_back(Event::Pause),
            (5, _) => self.room = !self.dice.one_in(3),
            (6, Some(line)) => self.events.push_back(Event::Stuck { line }),
            (7, Some(line)) => self.events.push_back(Event::Enough { line }),
            (8, Some(line)) => self.events.push_back(Event::LoadFailed { line, reason: "no".to_owned() }),
            (9, Some(line)) => self.end(line, Ending::Exited(2)),
            (10..=14, Some(line)) if !self.alive[&line] => self.events.push_back(Event::Ready { line }),
            (15, Some(line)) if self.alive[&line] => self.end(line, Ending::Exited(0)),
            (16, _) if self.watched => self.events.push_back(Event::Knock),
            _ => {}
        }
        if self.dice.one_in(2) {
            self.run();
        }
    }

    fn pass_time(&mut self) {
        self.run();
        match self.family.due() {
            Some(due) if self.dice.one_in(2) => self.now = self.now.max(due),
            _ => self.now = self.now.after(self.dice.below(3000)),
        }
        for _ in 0..3 {
            self.events.push_back(Event::Tick);
            self.run();
        }
        let due = self.family.due();
        assert!(
            self.exit.is_some() || due.is_none_or(|due| due > self.now),
            "due {due:?} and not done: {}",
            self.last()
        );
        self.look();
    }

    /// Whoever lives has a place, or is to end.
    fn look(&self) {
        let places =
            || self.family.places.iter().flat_map(|place| place.current.into_iter().chain(place.next));
        for (line, member) in &self.family.members {
            let leaves = matches!(member.stage, Stage::Draining { .. } | Stage::Doomed);
            assert!(
                self.family.mood.is_ending() || leaves != places().any(|other| other == *line),
                "{line} {member:?}: {}",
                self.last()
            );
        }
        assert!(places().all(|line| self.family.members.contains_key(&line)), "{}", self.last());
        assert_eq!(self.alive.len(), self.family.members.len(), "{}", self.last());
        let (wanted, serving) = (self.family.wanted(), self.family.mood == Mood::Serving);
        assert!(wanted <= self.family.workers as usize, "{}", self.last());
        assert!(!serving || wanted >= self.family.plan.least() as usize || wanted == 0, "{}", self.last());
    }

    fn last(&self) -> String {
        self.told[self.told.len().saturating_sub(60)..].join("\n")
    }
}

fn plan(dice: &mut Dice) -> Plan {
    let workers = 1 + u32::try_from(dice.below(4)).unwrap();
    let cheaper = Cheaper {
        least: 1 + u32::try_from(dice.below(workers.into())).unwrap(),
        initial: workers,
        step: 2,
        overload: 3000,
        algorithm: if dice.one_in(2) { Algorithm::Spare } else { Algorithm::Busyness { max: 50, min: 25 } },
        cores: 1,
    };
    let mut maybe = |value: u64| if dice.one_in(3) { value } else { 0 };
    Plan {
        workers,
        start_timeout: 30_000 - maybe(30_000),
        mercy: 60_000 - maybe(60_000),
        shutdown_delay: maybe(5000),
        min_lifetime: 10_000,
        max_lifetime: maybe(20_000),
        max_lifetime_delta: maybe(1000),
        reload_on_rss: maybe(100),
        evil_reload_on_rss: maybe(140),
        idle: maybe(4000),
        die_on_idle: false,
        trial: false,
        cheaper: (maybe(1) > 0).then_some(cheaper),
    }
}

#[test]
fn whatever_happens_all_comes_to_rest_and_to_an_end() {
    for seed in 1..=300 {
        let mut world = World::new(seed);
        for _ in 0..400 {
            world.step();
            if world.dice.one_in(3) {
                world.pass_time();
            }
            if world.exit.is_some() {
                break; // the application could not be loaded
            }
        }
        world.events.push_back(Event::Finish);
        for _ in 0..20 {
            world.pass_time();
            if world.exit.is_some() {
                break;
            }
            world.now = world.now.after(60_000);
        }
        assert!(world.exit.is_some(), "seed {seed}: it does not end: {}", world.last());
    }
}
