//! Decisions, with a clock of our own.

use super::*;
use goherd_sys::signal::Signum;

/// A family and the time.
struct Story {
    family: Family,
    now: Millis,
    log: Vec<String>,
    news: Vec<News>,
    state: String,
    pids: i32,
}

impl Story {
    fn of(count: u32) -> Self {
        Self::with(Plan { workers: count, ..Plan::default() })
    }

    fn with(plan: Plan) -> Self {
        let now = Millis(1_000_000);
        let (log, news, state) = (Vec::new(), Vec::new(), String::new());
        Self { family: Family::new(plan, now), now, log, news, state, pids: 100 }
    }

    /// What is done about `event`, but for what is said.
    fn on(&mut self, event: Event) -> Vec<Action> {
        let mut done = Vec::new();
        for action in self.family.on(self.now, event) {
            match action {
                Action::Log(line) => self.log.push(line),
                Action::Tell(News::State(state)) => {
                    assert_ne!(self.state, state, "it is told when it has changed");
                    self.state = state;
                }
                Action::Tell(news) => self.news.push(news),
                Action::Forget(_) | Action::Promote(_) => {}
                action => done.push(action),
            }
        }
        done
    }

    fn after(&mut self, ms: u64, event: Event) -> Vec<Action> {
        self.now = self.now.after(ms);
        self.on(event)
    }

    /// Lets time pass until the next thing is due, which must be `ms` away.
    fn due(&mut self, ms: u64) -> Vec<Action> {
        assert_eq!(self.family.due().map(|due| due.since(self.now)), Some(ms), "{:?}", self.log);
        assert_eq!(self.after(ms.saturating_sub(1), Event::Tick), [], "too early");
        self.after(ms.min(1), Event::Tick)
    }

    fn spawned(&mut self, line: u32) -> Vec<Action> {
        self.pids += 1;
        self.on(Event::Spawned { line, pid: self.pids })
    }

    fn ready(&mut self, line: u32) -> Vec<Action> {
        assert_eq!(self.spawned(line), []);
        self.on(Event::Ready { line })
    }

    /// All workers ready.
    fn serving(count: u32) -> Self {
        Self::serving_with(Plan { workers: count, ..Plan::default() })
    }

    fn serving_with(plan: Plan) -> Self {
        let mut story = Self::with(plan);
        let spawns = story.on(Event::Tick);
        for spawn in spawns {
            let Action::Spawn { line, generation: 1, .. } = spawn else { panic!("{spawn:?}") };
            assert_eq!(story.ready(line), []);
        }
        story
    }

    /// A reload has been asked for and read.
    fn renewed(&mut self, generation: u32, plan: Plan) -> Vec<Action> {
        assert_eq!(self.on(Event::Reload), [Action::Renew(generation)]);
        self.on(Event::Renewed { generation, plan })
    }

    fn says(&self, words: &[&str]) {
        let line = self.log.last().unwrap();
        assert!(words.iter().all(|word| line.contains(word)), "{line:?} has not all of {words:?}");
    }
}

fn spawn(line: u32, number: u32, generation: u32) -> Action {
    Action::Spawn { line, who: Who::worker(number), generation }
}

fn killed(line: u32) -> Event {
    Event::Exited { line, ending: Ending::Killed(Signum::KILL), requests: 7 }
}

fn exited(line: u32, code: i32) -> Event {
    Event::Exited { line, ending: Ending::Exited(code), requests: 0 }
}

fn plan(workers: u32) -> Plan {
    Plan { workers, ..Plan::default() }
}

mod lives {
    use super::*;

    #[test]
    fn a_worker_of_age_is_replaced_at_once() {
        let mut story = Story::serving(2);
        assert_eq!(story.after(YOUNG_MS, killed(2)), [spawn(2, 2, 1)]);
        story.says(&["SIGKILL", "7 requests", "at once"]);
    }

    #[test]
    fn young_deaths_are_throttled_from_one_second_doubling_to_thirty() {
        let mut story = Story::serving(1);
        for delay in [1, 2, 4, 8, 16, 30, 30] {
            assert_eq!(story.on(exited(1, 3)), []);
            assert_eq!(story.due(delay * 1000), [spawn(1, 1, 1)]);
            story.ready(1);
        }
        // One that lives long enough ends the series.
        assert_eq!(story.after(YOUNG_MS, killed(1)), [spawn(1, 1, 1)]);
        story.ready(1);
        assert_eq!(story.on(exited(1, 3)), []);
        assert_eq!(story.due(1000), [spawn(1, 1, 1)]);
    }

    #[test]
    fn one_worker_s_throttle_is_not_its_neighbour_s() {
        let mut story = Story::serving(2);
        assert_eq!(story.on(exited(1, 3)), []);
        assert_eq!(story.after(YOUNG_MS - 1, killed(2)), []);
        assert_eq!(story.after(1, Event::Tick), [spawn(1, 1, 1)]);
    }

    #[test]
    fn a_main_that_returns_is_named_and_throttled_but_no_error_of_the_start() {
        let mut story = Story::of(1);
        story.on(Event::Tick);
        story.spawned(1);
        assert_eq!(story.on(exited(1, 0)), []);
        story.says(&["uwsgi.Run()"]);
        assert_eq!(story.due(1000), [spawn(1, 1, 1)]);
    }

    #[test]
    fn what_cannot_be_loaded_at_start_ends_the_server_with_code_1() {
        let mut story = Story::of(2);
        story.on(Event::Tick);
        story.spawned(1);
        story.spawned(2);
        let reason = "go-load: app.so cannot be loaded".to_owned();
        assert_eq!(story.on(Event::LoadFailed { line: 1, reason: reason.clone() }), []);
        assert_eq!(story.on(Event::LoadFailed { line: 2, reason: reason.clone() }), []);
        assert_eq!(story.on(exited(1, 1)), [Action::Kill(2)]);
        assert_eq!(story.log.iter().filter(|line| **line == reason).count(), 1);
        assert_eq!(story.on(killed(2)), [Action::Exit(1)]);
    }

    #[test]
    fn what_cannot_be_loaded_later_is_throttled() {
        let mut story = Story::serving(1);
        story.after(YOUNG_MS, killed(1));
        story.spawned(1);
        assert_eq!(story.on(Event::LoadFailed { line: 1, reason: "no memory".to_owned() }), []);
        assert_eq!(story.on(exited(1, 1)), []);
        story.says(&["no memory"]);
        assert_eq!(story.due(1000), [spawn(1, 1, 1)]);
    }

    #[test]
    fn forks_that_fail_are_tried_again_from_a_tenth_of_a_second_to_five_and_told_once_a_second() {
        let mut story = Story::of(1);
        story.on(Event::Tick);
        for delay in [100, 200, 400, 800, 1600, 3200, 5000, 5000] {
            assert_eq!(story.on(Event::SpawnFailed { line: 1, reason: "no room".to_owned() }), []);
            assert_eq!(story.due(delay), [spawn(1, 1, 1)]);
        }
        assert_eq!(story.log.iter().filter(|line| line.contains("no room")).count(), 5);
    }

    #[test]
    fn who_is_not_ready_in_time_is_killed_and_at_the_start_that_is_an_error() {
        let mut story = Story::of(1);
        story.on(Event::Tick);
        story.spawned(1);
        assert_eq!(story.due(30_000), [Action::Kill(1)]);
        story.says(&["worker-start-timeout"]);
        assert_eq!(story.on(killed(1)), [Action::Exit(1)]);

        let mut story = Story::serving(1);
        story.after(YOUNG_MS, killed(1));
        story.spawned(1);
        assert_eq!(story.due(30_000), [Action::Kill(1)]);
        assert_eq!(story.on(killed(1)), []);
        assert_eq!(story.due(1000), [spawn(1, 1, 1)]);
    }

    #[test]
    fn who_is_stuck_is_replaced_at_once_and_killed_after_its_mercy() {
        let mut story = Story::serving(2);
        assert_eq!(story.on(Event::Stuck { line: 1 }), [spawn(3, 1, 1)]);
        assert_eq!(story.ready(3), []);
        assert_eq!(story.due(60_000), [Action::Kill(1)]);
        assert_eq!(story.on(killed(1)), []);
        assert_eq!(story.family.due(), None);
    }

    #[test]
    fn one_more_and_one_less() {
        let mut story = Story::serving(1);
        assert_eq!(story.on(Event::More), [spawn(2, 2, 1)]);
        story.ready(2);
        assert_eq!(story.on(Event::Less), [Action::Drain(2)]);
        assert_eq!(story.on(exited(2, 0)), []);
        assert_eq!(story.on(Event::Less), []);
        story.says(&["there cannot be 0"]);
        assert_eq!(story.family.due(), None);
    }

    #[test]
    fn a_pause_reaches_those_who_come_later() {
        let mut story = Story::serving(2);
        assert_eq!(story.on(Event::Pause), [Action::Pause(1), Action::Pause(2)]);
        assert_eq!(story.after(YOUNG_MS, killed(2)), [spawn(2, 2, 1)]);
        assert_eq!(story.ready(2), [], "it was born so");
        assert_eq!(story.on(Event::Pause), [Action::Resume(1), Action::Resume(2)]);
    }

    #[test]
    fn who_starts_while_the_server_is_paused_or_resumed_hears_of_it_when_it_is_ready() {
        let mut story = Story::serving(2);
        assert_eq!(story.after(YOUNG_MS, killed(2)), [spawn(2, 2, 1)]);
        assert_eq!(story.on(Event::Pause), [Action::Pause(1)]);
        assert_eq!(story.ready(2), [Action::Pause(2)]);
        assert_eq!(story.after(YOUNG_MS, killed(2)), [spawn(2, 2, 1)]);
        assert_eq!(story.on(Event::Pause), [Action::Resume(1)]);
        assert_eq!(story.ready(2), [Action::Resume(2)]);
    }

    #[test]
    fn the_service_manager_is_told_how_the_server_is() {
        let mut story = Story::of(2);
        story.on(Event::Tick);
        assert_eq!(story.state, "", "it has not started");
        story.ready(1);
        assert_eq!(story.state, "1 of 2 workers ready, generation 1");
        story.ready(2);
        assert_eq!(story.state, "2 of 2 workers ready, generation 1");
        story.on(Event::Pause);
        assert_eq!(story.state, "2 of 2 workers ready, generation 1, paused");
        story.on(Event::Pause);
        story.on(killed(2));
        assert_eq!(story.state, "1 of 2 workers ready, generation 1");
        story.on(Event::Cheap);
        assert_eq!(story.state, "no workers until a connection comes, generation 1");
        story.on(Event::Finish);
        assert_eq!(story.state, "ending: finishing what is under way, generation 1");
        story.on(Event::Stop);
        assert_eq!(story.state, "ending at once, generation 1");
    }
}

mod replacing {
    use super::*;

    #[test]
    fn who_has_had_enough_is_replaced_when_old_enough_one_at_a_time() {
        let mut story = Story::serving(2);
        assert_eq!(story.on(Event::Enough { line: 1 }), []);
        assert_eq!(story.on(Event::Enough { line: 2 }), []);
        assert_eq!(story.due(10_000), [spawn(3, 1, 1)]);
        assert_eq!(story.on(Event::Tick), []);
    }

    #[test]
    fn the_next_is_replaced_when_the_first_has_a_successor() {
        let mut story = Story::serving(2);
        story.on(Event::Enough { line: 1 });
        story.on(Event::Enough { line: 2 });
        assert_eq!(story.due(10_000), [spawn(3, 1, 1)]);
        assert_eq!(story.ready(3), [Action::Drain(1), spawn(4, 2, 1)]);
        assert_eq!(story.on(exited(1, 0)), []);
        assert_eq!(story.ready(4), [Action::Drain(2)]);
    }

    #[test]
    fn lives_end_after_their_time_each_a_little_later() {
        let lifetime = Plan { max_lifetime: 20_000, max_lifetime_delta: 5_000, ..plan(2) };
        let mut story = Story::serving_with(lifetime);
        assert_eq!(story.due(25_000), [spawn(3, 1, 1)]);
        assert_eq!(story.ready(3), [Action::Drain(1)]);
        story.on(exited(1, 0));
        assert_eq!(story.due(5_000), [spawn(1, 2, 1)]);
    }

    #[test]
    fn a_successor_that_dies_leaves_the_old_one_serving() {
        let mut story = Story::serving(1);
        story.on(Event::Enough { line: 1 });
        assert_eq!(story.due(10_000), [spawn(2, 1, 1)]);
        story.spawned(2);
        assert_eq!(story.on(exited(2, 2)), []);
        story.says(&["serves on"]);
        assert_eq!(story.due(1_000), [spawn(2, 1, 1)]);
    }

    #[test]
    fn one_that_dies_while_its_successor_starts_is_not_replaced_twice() {
        let mut story = Story::serving(1);
        story.on(Event::Enough { line: 1 });
        assert_eq!(story.due(10_000), [spawn(2, 1, 1)]);
        story.spawned(2);
        assert_eq!(story.on(killed(1)), []);
        assert_eq!(story.on(Event::Ready { line: 2 }), []);
        assert_eq!(story.after(YOUNG_MS, killed(2)), [spawn(1, 1, 1)]);
    }

    #[test]
    fn too_much_memory_is_a_reason() {
        let limits = Plan { reload_on_rss: 100, ..plan(2) };
        let mut story = Story::serving_with(limits);
        let holding = |line, rss| Sample { line, rss, ..Sample::default() };
        assert_eq!(story.due(1000), [Action::Sample]);
        assert_eq!(story.on(Event::Sampled(vec![holding(1, 99), holding(2, 100)])), []);
        assert_eq!(story.after(9_000, Event::Sampled(vec![])), [spawn(3, 2, 1), Action::Sample]);
        story.says(&["worker 2 (pid 102) holds 0 MiB", "(reload-on-rss): replacing it"]);
    }

    #[test]
    fn far_too_much_memory_goes_first_and_young_and_still_one_at_a_time() {
        let limits = Plan { evil_reload_on_rss: 200, ..plan(3) };
        let mut story = Story::serving_with(limits);
        let holding = |line, rss| Sample { line, rss, ..Sample::default() };
        for line in 1..=3 {
            story.on(Event::Enough { line });
        }
        assert_eq!(story.due(1000), [Action::Sample]);
        let samples = vec![holding(1, 199), holding(2, 200), holding(3, 200)];
        assert_eq!(story.on(Event::Sampled(samples)), [spawn(4, 2, 1)], "its successor comes first");
        story.says(&["worker 2 (pid 102)", "(evil-reload-on-rss): replacing it"]);
        assert_eq!(story.ready(4), [Action::Drain(2), spawn(5, 3, 1)]);
        assert_eq!(story.ready(5), [Action::Drain(3)]);
    }

    #[test]
    fn who_tires_again_and_again_keeps_nobody_from_their_turn() {
        let limits = Plan { evil_reload_on_rss: 1, ..plan(3) };
        let mut story = Story::serving_with(limits);
        let all = |story: &Story| {
            let lines = story.family.live().into_iter().map(|live| live.line);
            Event::Sampled(lines.map(|line| Sample { line, rss: 1, ..Sample::default() }).collect())
        };
        let (mut replaced, mut starting) = (Vec::new(), None);
        while replaced.len() < 6 {
            story.now = story.now.after(10);
            let sampled = all(&story);
            let actions = match starting.take() {
                Some(line) => story.ready(line),
                None => story.on(sampled),
            };
            for action in actions {
                match action {
                    Action::Spawn { line, who, .. } => {
                        replaced.push(who.number);
                        starting = Some(line);
                    }
                    Action::Drain(line) => assert_eq!(story.on(exited(line, 0)), []),
                    other => panic!("{other:?}"),
                }
            }
            story.on(all(&story));
        }
        assert_eq!(replaced, [1, 2, 3, 1, 2, 3]);
    }
}

mod reloads {
    use super::*;

    #[test]
    fn the_canary_goes_first_and_the_others_follow_one_by_one() {
        let mut story = Story::serving(3);
        assert_eq!(story.renewed(2, plan(3)), [spawn(4, 1, 2)]);
        assert_eq!(story.ready(4), [Action::Drain(1), spawn(5, 2, 2)]);
        assert_eq!(story.on(exited(1, 0)), []);
        assert_eq!(story.ready(5), [Action::Drain(2), spawn(1, 3, 2)]);
        assert_eq!(story.ready(1), [Action::Drain(3)]);
        story.says(&["complete", "generation 2"]);
        assert_eq!(story.news.len(), 3);
        assert_eq!(story.on(exited(2, 0)), []);
        assert_eq!(story.on(exited(3, 0)), []);
        assert_eq!(story.family.due(), None);
    }

    #[test]
    fn a_canary_that_dies_changes_nothing() {
        let mut story = Story::serving(2);
        assert_eq!(story.renewed(2, plan(5)), [spawn(3, 1, 2)]);
        story.spawned(3);
        story.on(Event::LoadFailed { line: 3, reason: "go-load: app.so: undefined symbol".to_owned() });
        assert_eq!(story.on(exited(3, 1)), []);
        story.says(&["undefined symbol", "generation 1 serves on"]);
        assert_eq!(story.after(YOUNG_MS, killed(2)), [spawn(2, 2, 1)]);
        assert_eq!(story.renewed(3, plan(2)), [spawn(3, 1, 3)]);
    }

    #[test]
    fn a_canary_that_is_never_ready_is_killed() {
        let mut story = Story::serving(1);
        assert_eq!(story.renewed(2, plan(1)), [spawn(2, 1, 2)]);
        story.spawned(2);
        assert_eq!(story.due(30_000), [Action::Kill(2)]);
        assert_eq!(story.on(killed(2)), []);
        story.says(&["was not ready within 30 s", "generation 1 serves on"]);
        assert_eq!(story.family.due(), None);
    }

    #[test]
    fn what_nobody_is_made_from_any_more_is_forgotten_and_nothing_else() {
        let mut story = Story::serving(1);
        let forgotten = |story: &mut Story, event| {
            let actions = story.family.on(story.now, event);
            actions.into_iter().filter(|action| matches!(action, Action::Forget(_))).collect::<Vec<_>>()
        };
        story.renewed(2, plan(1));
        story.spawned(2);
        assert_eq!(forgotten(&mut story, Event::Ready { line: 2 }), [Action::Forget(1)]);
        assert_eq!(story.on(Event::Reload), [Action::Renew(3)]);
        assert_eq!(forgotten(&mut story, exited(1, 0)), []);
        assert_eq!(story.on(Event::Renewed { generation: 3, plan: plan(1) }), [spawn(1, 1, 3)]);
        story.spawned(1);
        assert_eq!(forgotten(&mut story, exited(1, 1)), [Action::Forget(3)]);
    }

    #[test]
    fn what_code_has_registered_is_in_force_when_its_first_worker_is_ready() {
        let promoted = |story: &mut Story, event| {
            let actions = story.family.on(story.now, event);
            actions.into_iter().filter(|action| matches!(action, Action::Promote(_))).collect::<Vec<_>>()
        };
        let live = |story: &Story| {
            story
                .family
                .live()
                .iter()
                .map(|live| (live.line, live.who.number, live.current))
                .collect::<Vec<_>>()
        };
        let mut story = Story::serving(2);
        assert_eq!(live(&story), [(1, 1, true), (2, 2, true)]);
        story.renewed(2, plan(2));
        story.spawned(3);
        assert_eq!(live(&story).len(), 2, "the canary is not ready");
        assert_eq!(promoted(&mut story, Event::Ready { line: 3 }), [Action::Promote(2)]);
        assert_eq!(live(&story), [(2, 2, false), (3, 1, true)]);
        story.spawned(4);
        assert_eq!(promoted(&mut story, Event::Ready { line: 4 }), []);
        assert_eq!(live(&story), [(3, 1, true), (4, 2, true)]);
        story.on(Event::Pause);
        assert!(story.family.live().iter().all(|live| !live.active));
        // Another program's first worker does so too, though its generation is the first.
        (story.family, _) = Family::adopt(plan(2), story.now, &story.family.hand_on(), false);
        assert_eq!(live(&story), [(3, 1, false), (4, 2, false)]);
        let Action::Spawn { line, .. } = story.on(Event::Tick)[0] else { panic!("nobody is spawned") };
        story.spawned(line);
        assert_eq!(promoted(&mut story, Event::Ready { line }), [Action::Promote(1)]);
        assert_eq!(live(&story), [(4, 2, false), (line, 1, true)]);
    }

    #[test]
    fn a_canary_that_cannot_be_forked_is_tried_again_later() {
        let mut story = Story::serving(2);
        story.on(Event::Enough { line: 2 });
        assert_eq!(story.after(20_000, Event::Reload), [Action::Renew(2), spawn(3, 2, 1)]);
        assert_eq!(story.on(Event::Renewed { generation: 2, plan: plan(2) }), []);
        let failed = |line| Event::SpawnFailed { line, reason: "no room".to_owned() };
        assert_eq!(story.on(failed(3)), [spawn(3, 1, 2)]);
        for delay in [100, 200, 400] {
            assert_eq!(story.on(failed(3)), []);
            assert_eq!(story.due(delay), [spawn(3, 1, 2)]);
        }
        assert_eq!(story.ready(3), [Action::Drain(1), spawn(4, 2, 2)]);
    }

    #[test]
    fn one_that_dies_while_the_canary_starts_in_its_place_is_replaced() {
        let mut story = Story::serving(1);
        assert_eq!(story.renewed(2, plan(1)), [spawn(2, 1, 2)]);
        story.spawned(2);
        assert_eq!(story.after(YOUNG_MS, killed(1)), [spawn(1, 1, 1)]);
        assert_eq!(story.ready(1), []);
        assert_eq!(story.on(exited(2, 2)), []);
        story.says(&["generation 1 serves on"]);

        let mut story = Story::serving(1);
        story.renewed(2, plan(1));
        story.spawned(2);
        assert_eq!(story.on(exited(1, 3)), []);
        assert_eq!(story.due(1000), [spawn(1, 1, 1)]);
        story.spawned(1);
        assert_eq!(story.on(Event::Ready { line: 2 }), [Action::Drain(1)]);
        story.says(&["complete"]);
    }

    #[test]
    fn a_reload_that_was_asked_for_meanwhile_does_not_wait_for_successors_that_die() {
        let mut story = Story::serving(2);
        story.renewed(2, plan(2));
        assert_eq!(story.ready(3), [Action::Drain(1), spawn(4, 2, 2)]);
        story.spawned(4);
        assert_eq!(story.on(Event::Reload), []);
        assert_eq!(story.on(exited(4, 2)), [Action::Renew(3)]);
    }

    #[test]
    fn nobody_hears_that_a_server_is_ready_which_ends() {
        let mut story = Story::serving_with(Plan { shutdown_delay: 5_000, ..plan(1) });
        story.renewed(2, plan(1));
        story.spawned(2);
        story.on(Event::Finish);
        assert_eq!(story.on(exited(2, 2)), []);
        assert_eq!(story.news.last(), Some(&News::Stopping));
    }

    #[test]
    fn what_cannot_be_read_changes_nothing() {
        let mut story = Story::serving(1);
        assert_eq!(story.on(Event::Reload), [Action::Renew(2)]);
        assert_eq!(story.on(Event::RenewFailed("app.ini: no such option".to_owned())), []);
        story.says(&["refused", "no such option"]);
        assert_eq!(story.on(Event::Reload), [Action::Renew(3)]);
    }

    #[test]
    fn a_canary_that_cannot_be_forked_is_tried_again_in_a_while() {
        let mut story = Story::serving(2);
        assert_eq!(story.renewed(2, plan(2)), [spawn(3, 1, 2)]);
        for delay in [100, 200, 400] {
            assert_eq!(story.on(Event::SpawnFailed { line: 3, reason: "no room".to_owned() }), []);
            assert_eq!(story.due(delay), [spawn(3, 1, 2)]);
        }
        assert_eq!(story.ready(3), [Action::Drain(1), spawn(4, 2, 2)]);
    }

    #[test]
    fn reloads_during_a_reload_are_one() {
        let mut story = Story::serving(1);
        assert_eq!(story.renewed(2, plan(1)), [spawn(2, 1, 2)]);
        assert_eq!(story.on(Event::Reload), []);
        assert_eq!(story.on(Event::Reload), []);
        assert_eq!(story.ready(2), [Action::Drain(1), Action::Renew(3)]);
    }

    #[test]
    fn workers_that_die_meanwhile_are_replaced_by_the_generation_that_is_good() {
        let mut story = Story::serving(2);
        assert_eq!(story.renewed(2, plan(2)), [spawn(3, 1, 2)]);
        story.spawned(3);
        assert_eq!(story.after(YOUNG_MS, killed(2)), [spawn(2, 2, 1)]);
        assert_eq!(story.ready(2), []);
        assert_eq!(story.on(Event::Ready { line: 3 }), [Action::Drain(1), spawn(4, 2, 2)]);
        story.spawned(4);
        assert_eq!(story.after(YOUNG_MS, killed(2)), []);
        assert_eq!(story.on(Event::Ready { line: 4 }), []);
        story.says(&["complete"]);
    }

    #[test]
    fn fewer_and_more_workers_by_reload() {
        let mut story = Story::serving(2);
        assert_eq!(story.renewed(2, plan(1)), [spawn(3, 1, 2)]);
        assert_eq!(story.ready(3), [Action::Drain(1), Action::Drain(2)]);
        story.says(&["complete"]);
        assert_eq!(story.renewed(3, plan(2)), [spawn(4, 1, 3)]);
        assert_eq!(story.ready(4), [Action::Drain(3), spawn(5, 2, 3)]);
    }

    #[test]
    fn a_reload_goes_on_when_a_successor_dies() {
        let mut story = Story::serving(2);
        story.renewed(2, plan(2));
        assert_eq!(story.ready(3), [Action::Drain(1), spawn(4, 2, 2)]);
        story.spawned(4);
        assert_eq!(story.on(exited(4, 2)), []);
        assert_eq!(story.on(Event::Reload), [Action::Renew(3)], "a better version must not wait");
    }

    #[test]
    fn a_server_that_ends_reloads_no_more() {
        let mut story = Story::serving(1);
        story.on(Event::Finish);
        assert_eq!(story.on(Event::Reload), []);
    }

    #[test]
    fn a_trial_ends_with_its_verdict() {
        let trial = || Story::with(Plan { trial: true, ..plan(1) });
        let mut good = trial();
        good.on(Event::Tick);
        assert_eq!(good.ready(1), [Action::Kill(1)]);
        assert_eq!(good.on(killed(1)), [Action::Exit(0)]);
        let mut bad = trial();
        bad.on(Event::Tick);
        bad.spawned(1);
        assert_eq!(bad.on(exited(1, 2)), [Action::Exit(1)]);
    }

    #[test]
    fn those_of_another_program_are_replaced_one_by_one() {
        let mut old = Story::serving(2);
        old.on(Event::Stuck { line: 2 });
        old.spawned(3);
        let mut story = Story::of(2);
        let (family, first) = Family::adopt(plan(2), story.now, &old.family.hand_on(), true);
        story.family = family;
        assert_eq!(
            first,
            [Action::Drain(2), Action::Drain(3)],
            "also the one that starts: it may have requests"
        );
        assert_eq!(story.on(Event::Tick), [spawn(4, 2, 1), spawn(5, 1, 1)]);
        assert_eq!(story.on(Event::Ready { line: 3 }), []);
        assert_eq!(story.ready(4), [], "it was born paused");
        assert_eq!(story.ready(5), [Action::Drain(1)]);
        for line in 1..=3 {
            assert_eq!(story.on(exited(line, 0)), []);
        }
        assert_eq!(story.family.due(), None);
    }
}

mod endings {
    use super::*;

    #[test]
    fn finishing_drains_the_ready_and_those_who_may_be() {
        let mut story = Story::serving(2);
        story.after(YOUNG_MS, killed(2));
        story.spawned(2);
        assert_eq!(story.on(Event::Finish), [Action::CloseDoors, Action::Drain(1), Action::Drain(2)]);
        assert_eq!(story.on(exited(2, 0)), []);
        assert_eq!(story.on(exited(1, 0)), [Action::Exit(0)]);
    }

    #[test]
    fn a_server_may_linger_before_it_finishes() {
        let mut story = Story::serving_with(Plan { shutdown_delay: 5_000, ..plan(1) });
        assert_eq!(story.on(Event::Finish), []);
        assert_eq!(story.after(YOUNG_MS, killed(1)), [spawn(1, 1, 1)], "the service goes on");
        story.ready(1);
        assert_eq!(story.due(4_000), [Action::CloseDoors, Action::Drain(1)]);

        let mut hasty = Story::serving_with(Plan { shutdown_delay: 5_000, ..plan(1) });
        hasty.on(Event::Finish);
        assert_eq!(hasty.on(Event::Finish), [Action::CloseDoors, Action::Drain(1)]);
    }

    #[test]
    fn mercy_ends() {
        let mut story = Story::serving(1);
        story.on(Event::Finish);
        assert_eq!(story.due(60_000), [Action::Kill(1)]);
        assert_eq!(story.on(killed(1)), [Action::Exit(0)]);
    }

    #[test]
    fn asked_twice_to_finish_it_stops() {
        let mut story = Story::serving(1);
        story.on(Event::Finish);
        assert_eq!(story.on(Event::Finish), [Action::Kill(1)]);
    }

    #[test]
    fn stopping_kills_all_and_waits_for_the_last() {
        let mut story = Story::serving(2);
        assert_eq!(story.on(Event::Stop), [Action::Kill(1), Action::Kill(2)]);
        assert_eq!(story.on(Event::Stop), []);
        assert_eq!(story.on(killed(1)), []);
        assert_eq!(story.on(killed(2)), [Action::Exit(0)]);
    }

    #[test]
    fn a_worker_that_is_forked_while_the_server_stops_is_killed() {
        let mut story = Story::of(1);
        story.on(Event::Tick);
        assert_eq!(story.on(Event::Stop), []);
        assert_eq!(story.spawned(1), [Action::Kill(1)]);
        assert_eq!(story.on(killed(1)), [Action::Exit(0)]);
    }

    #[test]
    fn a_worker_that_is_forked_while_the_server_finishes_is_drained() {
        let mut story = Story::of(1);
        story.on(Event::Tick);
        assert_eq!(story.on(Event::Finish), [Action::CloseDoors]);
        assert_eq!(story.spawned(1), [Action::Drain(1)]);
        assert_eq!(story.on(exited(1, 0)), [Action::Exit(0)]);
    }

    #[test]
    fn with_everyone_vacant_stopping_is_immediate() {
        let mut story = Story::serving(1);
        story.on(exited(1, 3));
        assert_eq!(story.on(Event::Stop), [Action::Exit(0)]);
    }
}

mod load {
    use super::*;

    fn cheaper(algorithm: Algorithm) -> Plan {
        let cheaper = Cheaper { least: 1, initial: 2, step: 2, overload: 3_000, algorithm, cores: 1 };
        Plan { cheaper: Some(cheaper), ..plan(4) }
    }

    impl Story {
        /// A second goes by, after which each of `lines` has so many requests under way.
        fn busy(&mut self, lines: &[(u32, u64)]) -> Vec<Action> {
            let samples = lines.iter().map(|&(line, busy)| Sample { line, busy, ..Sample::default() });
            let mut actions = self.after(1000, Event::Sampled(samples.collect()));
            actions.retain(|action| *action != Action::Sample);
            actions
        }
    }

    #[test]
    fn workers_follow_the_load() {
        let mut story = Story::serving_with(cheaper(Algorithm::Spare));
        for _ in 0..3 {
            assert_eq!(story.busy(&[(1, 1), (2, 1)]), []);
        }
        assert_eq!(story.busy(&[(1, 1), (2, 1)]), [spawn(3, 3, 1), spawn(4, 4, 1)]);
        story.ready(3);
        story.ready(4);
        for _ in 0..3 {
            assert_eq!(story.busy(&[(1, 1), (2, 1), (3, 0), (4, 0)]), []);
        }
        assert_eq!(story.busy(&[(1, 1), (2, 1), (3, 0), (4, 0)]), [Action::Drain(4)]);
        story.on(exited(4, 0));
        for _ in 0..20 {
            assert_eq!(story.busy(&[(1, 1), (2, 1), (3, 0)]), [], "one to spare");
        }
    }

    #[test]
    fn a_moment_of_load_is_none() {
        let mut story = Story::serving_with(cheaper(Algorithm::Spare));
        for _ in 0..10 {
            assert_eq!(story.busy(&[(1, 1), (2, 1)]), []);
            assert_eq!(story.busy(&[(1, 1), (2, 1)]), []);
            assert_eq!(story.busy(&[(1, 1), (2, 0)]), []);
        }
    }

    #[test]
    fn busyness_is_what_cores_and_processors_do() {
        let mut story = Story::serving_with(cheaper(Algorithm::Busyness { max: 50, min: 25 }));
        let mut cpu = 0;
        let mut second = |story: &mut Story, used| {
            cpu += used;
            let samples = vec![
                Sample { line: 1, cpu, ..Sample::default() },
                Sample { line: 2, cpu, ..Sample::default() },
            ];
            let actions = story.after(1000, Event::Sampled(samples));
            actions.into_iter().filter(|action| *action != Action::Sample).collect::<Vec<_>>()
        };
        for _ in 0..10 {
            assert_eq!(second(&mut story, 400), []);
        }
        for _ in 0..3 {
            assert_eq!(second(&mut story, 600), []);
        }
        assert_eq!(second(&mut story, 600), [spawn(3, 3, 1), spawn(4, 4, 1)]);
        let mut story = Story::serving_with(cheaper(Algorithm::Busyness { max: 50, min: 25 }));
        for _ in 0..3 {
            assert_eq!(story.busy(&[(1, 0), (2, 0)]), []);
        }
        assert_eq!(story.busy(&[(1, 0), (2, 0)]), [Action::Drain(2)]);
        story.on(exited(2, 0));
        for _ in 0..10 {
            assert_eq!(story.busy(&[(1, 0)]), [], "never less than the least");
        }
    }

    #[test]
    fn without_requests_all_end_until_a_connection_comes() {
        let mut story = Story::serving_with(Plan { idle: 2_000, ..plan(1) });
        story.now = story.now.after(1);
        let sample = |requests| Event::Sampled(vec![Sample { line: 1, requests, ..Sample::default() }]);
        assert_eq!(story.after(1_000, sample(1)), [Action::Sample]);
        assert_eq!(story.after(1_000, sample(1)), [Action::Sample]);
        assert_eq!(story.after(1_000, sample(1)), [Action::WatchDoors(true), Action::Drain(1)]);
        assert_eq!(story.on(exited(1, 0)), []);
        assert_eq!(story.family.due(), None);
        assert_eq!(story.on(Event::Knock), [Action::WatchDoors(false), spawn(1, 1, 1)]);
        assert_eq!(story.on(Event::Knock), []);
    }

    /// All have ended until a connection comes.
    fn asleep() -> Story {
        let mut story = Story::serving(1);
        assert_eq!(story.on(Event::Cheap), [Action::WatchDoors(true), Action::Drain(1)]);
        assert_eq!(story.on(exited(1, 0)), []);
        story
    }

    #[test]
    fn a_canary_is_tried_while_all_the_others_have_ended() {
        let mut story = asleep();
        assert_eq!(story.renewed(2, plan(1)), [spawn(1, 1, 2)]);
        assert_eq!(story.ready(1), [Action::WatchDoors(true), Action::Drain(1)]);
        story.says(&["complete", "generation 2"]);
        assert_eq!(story.on(exited(1, 0)), []);
        assert_eq!(story.renewed(3, plan(1)), [spawn(1, 1, 3)]);
        story.spawned(1);
        assert_eq!(story.on(Event::Knock), [Action::WatchDoors(false), spawn(2, 1, 2)]);
        assert_eq!(story.on(exited(1, 2)), []);
        story.says(&["generation 2 serves on"]);
        assert_eq!(story.ready(2), []);
    }

    #[test]
    fn a_canary_outlives_the_end_of_the_others() {
        let mut story = Story::serving(1);
        assert_eq!(story.renewed(2, plan(1)), [spawn(2, 1, 2)]);
        story.spawned(2);
        assert_eq!(story.on(Event::Cheap), [Action::WatchDoors(true), Action::Drain(1)]);
        assert_eq!(story.on(Event::Ready { line: 2 }), [Action::WatchDoors(true), Action::Drain(2)]);
        story.says(&["complete"]);
    }

    #[test]
    fn a_pause_keeps_the_doors_shut_while_nobody_is_there() {
        let mut story = asleep();
        assert_eq!(story.on(Event::Pause), [Action::WatchDoors(false)]);
        assert_eq!(story.on(Event::Pause), [Action::WatchDoors(true)]);
        let mut story = Story::serving(1);
        story.on(Event::Pause);
        assert_eq!(story.on(Event::Cheap), [Action::WatchDoors(false), Action::Drain(1)]);
        assert_eq!(story.on(Event::Pause), [Action::WatchDoors(true)]);
    }

    #[test]
    fn a_number_of_workers_that_was_asked_for_lasts() {
        let mut story = Story::serving(1);
        assert_eq!(story.on(Event::More), [spawn(2, 2, 1)]);
        story.ready(2);
        assert_eq!(story.renewed(2, plan(1)), [spawn(3, 1, 2)]);
        assert_eq!(story.ready(3), [Action::Drain(1), spawn(4, 2, 2)]);
        assert_eq!(story.ready(4), [Action::Drain(2)]);
        story.on(exited(1, 0));
        story.on(exited(2, 0));
        assert_eq!(story.on(Event::Cheap), [Action::WatchDoors(true), Action::Drain(3), Action::Drain(4)]);
        assert_eq!(story.on(Event::Knock), [Action::WatchDoors(false), spawn(1, 1, 2), spawn(2, 2, 2)]);
    }

    #[test]
    fn one_less_is_one_less_at_most() {
        let mut story = Story::serving_with(cheaper(Algorithm::Spare));
        assert_eq!(story.on(Event::Less), [], "two of three are awake");
        assert_eq!(story.on(Event::Less), [], "both there are");
        assert_eq!(story.on(Event::Less), [Action::Drain(2)]);
        let more = Plan {
            cheaper: Some(Cheaper { least: 3, initial: 3, ..cheaper(Algorithm::Spare).cheaper.unwrap() }),
            ..plan(4)
        };
        assert_eq!(story.renewed(2, more), [spawn(3, 1, 2)]);
        assert_eq!(
            story.ready(3),
            [Action::Drain(1), spawn(4, 2, 2), spawn(5, 3, 2)],
            "no fewer than the least"
        );
    }

    #[test]
    fn those_of_another_program_all_stay_awake() {
        let old = Story::serving(4);
        let mut story = Story::of(1);
        (story.family, _) = Family::adopt(cheaper(Algorithm::Spare), story.now, &old.family.hand_on(), false);
        assert_eq!(story.on(Event::Tick), [spawn(5, 1, 1)]);
    }

    #[test]
    fn without_requests_the_server_ends_if_it_is_to() {
        let mut story = Story::serving_with(Plan { idle: 2_000, die_on_idle: true, ..plan(1) });
        let sample = || Event::Sampled(vec![Sample { line: 1, ..Sample::default() }]);
        story.after(1_000, sample());
        assert_eq!(story.after(1_000, sample()), [Action::CloseDoors, Action::Drain(1)]);
        assert_eq!(story.on(exited(1, 0)), [Action::Exit(0)]);
    }
}

mod crew {
    use super::*;

    fn with_crew(workers: u32) -> Plan {
        Plan { crew: vec![Who::mule(1), Who::spooler(1)], crew_mercy: 5_000, ..plan(workers) }
    }

    fn spawn(line: u32, who: Who, generation: u32) -> Action {
        Action::Spawn { line, who, generation }
    }

    /// One worker on line 1, a mule on line 2, a spooler on line 3, all ready.
    fn serving() -> Story {
        let mut story = Story::with(with_crew(1));
        assert_eq!(
            story.on(Event::Tick),
            [spawn(1, Who::worker(1), 1), spawn(2, Who::mule(1), 1), spawn(3, Who::spooler(1), 1)]
        );
        assert_eq!(story.ready(1), []);
        assert_eq!(story.ready(2), [Action::Begin(2)]);
        story.says(&["mule 1 (pid", "is ready"]);
        assert_eq!(story.ready(3), [Action::Begin(3)]);
        story
    }

    #[test]
    fn one_that_dies_is_replaced_with_the_throttle_of_workers() {
        let mut story = serving();
        assert_eq!(story.after(YOUNG_MS, killed(2)), [spawn(2, Who::mule(1), 1)]);
        story.says(&["mule 1 (pid", "SIGKILL", "7 jobs", "at once"]);
        assert_eq!(story.ready(2), [Action::Begin(2)]);
        assert_eq!(story.on(exited(2, 3)), []);
        assert_eq!(story.due(1000), [spawn(2, Who::mule(1), 1)]);
    }

    #[test]
    fn jobs_that_kill_it_do_not_put_others_off_for_longer_and_longer() {
        let mut story = serving();
        for _ in 0..5 {
            assert_eq!(story.on(killed(3)), []); // over its seventh job
            assert_eq!(story.due(1000), [spawn(3, Who::spooler(1), 1)]);
            assert_eq!(story.ready(3), [Action::Begin(3)]);
        }
        // One that has begun none is no better than a worker.
        for delay in [2, 4, 8] {
            assert_eq!(story.on(exited(3, 1)), []);
            assert_eq!(story.due(delay * 1000), [spawn(3, Who::spooler(1), 1)]);
            assert_eq!(story.ready(3), [Action::Begin(3)]);
        }
    }

    #[test]
    fn a_reload_replaces_it_after_the_workers_and_no_two_of_a_name_work_at_a_time() {
        let mut story = serving();
        story.renewed(2, with_crew(1));
        assert_eq!(story.spawned(4), []);
        assert_eq!(story.on(Event::Ready { line: 4 }), [Action::Drain(1), spawn(5, Who::mule(1), 2)]);
        assert_eq!(story.spawned(5), []);
        // The successor is ready, and waits until the old one has finished its message.
        assert_eq!(story.on(Event::Ready { line: 5 }), [Action::Drain(2), spawn(6, Who::spooler(1), 2)]);
        let waiting = story.family.status(story.now).into_iter().find(|status| status.line == 5).unwrap();
        assert!(waiting.about.starts_with("waiting for the one before it"), "{waiting:?}");
        assert_eq!(story.on(exited(2, 0)), [Action::Begin(5)]);
        story.says(&["mule 1 (pid", "has finished", "jobs"]);
        assert_eq!(story.spawned(6), []);
        assert_eq!(story.on(Event::Ready { line: 6 }), [Action::Drain(3)]);
        story.says(&["the reload is complete"]);
        assert_eq!(story.on(exited(3, 0)), [Action::Begin(6)]);
    }

    #[test]
    fn one_that_does_not_finish_is_killed_after_its_own_mercy() {
        let mut story = serving();
        story.renewed(2, with_crew(1));
        story.spawned(4);
        story.on(Event::Ready { line: 4 });
        story.on(exited(1, 0));
        story.spawned(5);
        story.on(Event::Ready { line: 5 });
        story.spawned(6);
        story.on(Event::Ready { line: 6 });
        story.on(exited(3, 0));
        assert_eq!(story.due(5_000), [Action::Kill(2)]);
        story.says(&["mule 1 (pid", "within 5 s (mule-reload-mercy)"]);
        assert_eq!(story.on(killed(2)), [Action::Begin(5)]);
    }

    #[test]
    fn the_canary_is_a_worker_and_its_failure_leaves_the_crew_alone() {
        let mut story = serving();
        assert_eq!(story.renewed(2, with_crew(1)), [spawn(4, Who::worker(1), 2)]);
        story.spawned(4);
        assert_eq!(story.on(exited(4, 1)), []);
        story.says(&["the reload has failed"]);
        assert_eq!(story.family.due(), None, "the crew is not replaced");
    }

    #[test]
    fn a_reload_that_drops_it_ends_it_and_one_that_adds_to_it_starts_more() {
        let mut story = serving();
        let plan = Plan { crew: vec![Who::mule(1), Who::mule(2)], ..plan(1) };
        story.renewed(2, plan);
        story.spawned(4);
        assert_eq!(
            story.on(Event::Ready { line: 4 }),
            [Action::Drain(1), spawn(5, Who::mule(2), 2), Action::Drain(3), spawn(6, Who::mule(1), 2)]
        );
    }

    #[test]
    fn cheaper_idle_plus_and_minus_are_about_workers() {
        let cheaper =
            Cheaper { least: 1, initial: 2, step: 1, overload: 1_000, algorithm: Algorithm::Spare, cores: 1 };
        let mut story = Story::with(Plan { cheaper: Some(cheaper), ..with_crew(2) });
        story.on(Event::Tick);
        (1..=4).for_each(|line| _ = story.ready(line));
        let samples: Vec<_> = (1..=4).map(|line| Sample { line, ..Sample::default() }).collect();
        story.after(1000, Event::Sampled(samples.clone()));
        assert_eq!(story.after(1000, Event::Sampled(samples)), [Action::Drain(2), Action::Sample]);
        story.says(&["1 workers instead of 2"]);
        // Without workers the crew is there all the same.
        assert_eq!(story.on(Event::Cheap), [Action::WatchDoors(true), Action::Drain(1)]);
        assert_eq!(story.on(killed(3)), [spawn(3, Who::mule(1), 1)]);
        assert_eq!(story.on(Event::More), []);
        story.says(&["there are 3 workers"]);
        assert!(story.family.places.contains_key(&Who::worker(3)));
        assert!(!story.family.places.contains_key(&Who::mule(2)));
    }

    #[test]
    fn a_pause_is_no_business_of_theirs() {
        let mut story = serving();
        assert_eq!(story.on(Event::Pause), [Action::Pause(1)]);
        assert_eq!(story.on(Event::Pause), [Action::Resume(1)]);
    }

    #[test]
    fn at_the_end_they_finish_after_the_workers() {
        let mut story = serving();
        assert_eq!(story.on(Event::Finish), [Action::CloseDoors, Action::Drain(1)]);
        story.says(&["then mules and spoolers 5 s"]);
        assert_eq!(story.on(exited(1, 0)), [Action::Finish(2), Action::Finish(3)]);
        assert_eq!(story.on(exited(2, 0)), []);
        assert_eq!(story.due(5_000), [Action::Kill(3)]);
        assert_eq!(story.on(killed(3)), [Action::Exit(0)]);
    }

    #[test]
    fn one_that_waits_at_the_end_begins_still_and_finishes() {
        let mut story = serving();
        story.renewed(2, with_crew(1));
        story.spawned(4);
        story.on(Event::Ready { line: 4 });
        story.spawned(5);
        story.on(Event::Ready { line: 5 });
        story.on(exited(1, 0));
        story.on(exited(6, 0));
        assert_eq!(story.on(Event::Finish), [Action::CloseDoors, Action::Drain(4)]);
        let told = story.on(exited(4, 0));
        assert!(told.contains(&Action::Finish(5)) && !told.contains(&Action::Finish(2)), "{told:?}");
        assert_eq!(story.on(exited(2, 0)), [Action::Begin(5)]);
    }

    #[test]
    fn a_stop_kills_them_too() {
        let mut story = serving();
        assert_eq!(story.on(Event::Stop), [Action::Kill(1), Action::Kill(2), Action::Kill(3)]);
    }

    #[test]
    fn another_program_adopts_them_and_replaces_them_last() {
        let mut story = serving();
        let heirs = story.family.hand_on();
        assert!(heirs.iter().all(|heir| heir.serves && !heir.waits), "{heirs:?}");
        let (family, first) = Family::adopt(with_crew(1), story.now, &heirs, false);
        assert_eq!(first, []);
        (story.family, story.state) = (family, String::new()); // another program tells anew
        assert_eq!(story.on(Event::Tick), [spawn(4, Who::worker(1), 1)]);
        story.spawned(4);
        assert_eq!(story.on(Event::Ready { line: 4 }), [Action::Drain(1), spawn(5, Who::mule(1), 1)]);
        story.spawned(5);
        assert_eq!(story.on(Event::Ready { line: 5 }), [Action::Drain(2), spawn(6, Who::spooler(1), 1)]);
        // Another one takes over while a mule waits for the old one.
        story.on(exited(1, 0));
        let heirs = story.family.hand_on();
        let waits: Vec<_> = heirs.iter().filter(|heir| heir.waits).map(|heir| heir.line).collect();
        assert_eq!(waits, [5]);
        let (family, _) = Family::adopt(with_crew(1), story.now, &heirs, false);
        (story.family, story.state) = (family, String::new()); // another program tells anew
        assert_eq!(
            story.on(exited(2, 0)).into_iter().find(|action| *action == Action::Begin(5)),
            Some(Action::Begin(5))
        );
    }

    #[test]
    fn one_that_holds_too_much_memory_is_replaced_and_none_is_for_its_age() {
        let heavy = Plan { reload_on_rss: 100, crew: vec![Who::mule(1)], ..plan(1) };
        assert_eq!(Plan { max_lifetime: 1, ..heavy.clone() }.end_of_life(Who::mule(1), Millis(0)), None);
        let mut story = Story::with(heavy);
        story.on(Event::Tick);
        story.ready(1);
        story.ready(2);
        story.after(10_000, Event::Tick);
        let sample = Sample { line: 2, rss: 100, ..Sample::default() };
        assert_eq!(story.on(Event::Sampled(vec![sample])), [spawn(3, Who::mule(1), 1)]);
    }
}
