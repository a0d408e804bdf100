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
    /// What each of them is, by their lines.
    names: BTreeMap<u32, Who>,
    /// Those of the crew that were told to begin.
    begun: std::collections::BTreeSet<u32>,
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
            names: BTreeMap::new(),
            begun: std::collections::BTreeSet::new(),
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
            Action::Spawn { line, who, generation } => {
                assert!(!self.alive.contains_key(&line), "line {line} is taken: {}", self.last());
                assert!(self.generations.contains(&generation), "{generation} is no more: {}", self.last());
                if !self.room {
                    return self.events.push_back(Event::SpawnFailed { line, reason: "no room".to_owned() });
                }
                self.pids += 1;
                self.alive.insert(line, false);
                self.names.insert(line, who);
                self.events.push_back(Event::Spawned { line, pid: self.pids });
            }
            Action::Begin(line) => {
                let Some(&who) = self.names.get(&line) else { return }; // its end is not known yet
                let of_name = |other: &&u32| self.names[*other] == who;
                assert!(who.is_crew(), "{who}: {}", self.last());
                assert_eq!(self.begun.iter().find(of_name), None, "{who} is there twice: {}", self.last());
                self.begun.insert(line);
            }
            Action::Drain(line) | Action::Finish(line) => {
                _ = self.alive.entry(line).and_modify(|told| *told = true);
            }
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
            Action::Pause(line) | Action::Resume(line) => {
                assert!(!self.names.get(&line).is_some_and(|who| who.is_crew()), "{}", self.last());
            }
            Action::CloseDoors | Action::Report(_) | Action::Tell(_) | Action::Log(_) => {}
        }
    }

    fn end(&mut self, line: u32, ending: Ending) {
        if self.alive.remove(&line).is_some() {
            self.names.remove(&line);
            self.begun.remove(&line);
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
            (17, _) if self.events.is_empty() => self.upgrade(),
            (16, _) if self.watched => self.events.push_back(Event::Knock),
            _ => {}
        }
        if self.dice.one_in(2) {
            self.run();
        }
    }

    /// Another program takes over.
    fn upgrade(&mut self) {
        let heirs = self.family.hand_on();
        if self.exit.is_some() || self.family.is_ending() || heirs.len() != self.alive.len() {
            return;
        }
        self.told.push(format!("{} upgrade", self.now.0));
        let plan = plan(&mut self.dice);
        let (family, first) = Family::adopt(plan, self.now, &heirs, self.family.is_paused());
        (self.family, self.generations, self.watched) = (family, [1].into(), false);
        first.iter().for_each(|action| self.act(action));
        self.events.push_back(Event::Tick);
        self.run();
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
            || self.family.places.values().flat_map(|place| place.current.into_iter().chain(place.next));
        for (line, member) in &self.family.members {
            let leaves = matches!(member.stage, Stage::Draining { .. } | Stage::Doomed);
            assert!(
                self.family.mood.is_ending() || leaves != places().any(|other| other == *line),
                "{line} {member:?}: {}",
                self.last()
            );
        }
        self.look_at_crew();
        assert!(places().all(|line| self.family.members.contains_key(&line)), "{}", self.last());
        assert_eq!(self.alive.len(), self.family.members.len(), "{}", self.last());
        let (wanted, serving) = (self.family.wanted(), self.family.mood == Mood::Serving);
        assert!(wanted <= self.family.workers, "{}", self.last());
        assert!(!serving || wanted >= self.family.plan.least() || wanted == 0, "{}", self.last());
    }

    /// Whoever of the crew is ready has begun, or waits for one that has, or that was told to go.
    fn look_at_crew(&self) {
        for (line, member) in &self.family.members {
            let waits = matches!(member.stage, Stage::Ready { .. })
                && member.who.is_crew()
                && !self.begun.contains(line);
            let goes = |other: &u32| self.alive[other] || self.begun.contains(other);
            let one_before =
                self.names.iter().any(|(other, who)| other != line && *who == member.who && goes(other));
            assert!(!waits || one_before, "{line} {member:?} waits for nobody: {}", self.last());
        }
        let (crew, ending) = (&self.family.plan.crew, self.family.mood != Mood::Serving);
        let there = |who: &Who| self.family.places.contains_key(who);
        assert!(ending || crew.iter().all(there), "{}", self.last());
        let kept = |who: &Who| !who.is_crew() || crew.contains(who);
        assert!(ending || self.family.places.keys().all(kept), "{}", self.last());
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
    let mules = u32::try_from(dice.below(3)).unwrap();
    let spoolers = u32::try_from(dice.below(2)).unwrap();
    let mut maybe = |value: u64| if dice.one_in(3) { value } else { 0 };
    Plan {
        workers,
        crew: (1..=mules).map(Who::mule).chain((1..=spoolers).map(Who::spooler)).collect(),
        crew_mercy: 60_000 - maybe(60_000),
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
