//! Decisions, with a clock of our own.

use super::*;
use goherd_sys::signal::Signum;

/// A family and the time.
struct Story {
    family: Family,
    now: Millis,
    log: Vec<String>,
}

impl Story {
    fn of(count: u32) -> Self {
        let now = Millis(1_000_000);
        Self { family: Family::new(count, now), now, log: Vec::new() }
    }

    /// What is done about `event`, but for the log.
    fn on(&mut self, event: Event) -> Vec<Action> {
        let actions = self.family.on(self.now, event);
        let (lines, actions): (Vec<_>, _) = actions.into_iter().partition(|a| matches!(a, Action::Log(_)));
        self.log.extend(lines.into_iter().map(|line| match line {
            Action::Log(line) => line,
            _ => String::new(),
        }));
        actions
    }

    fn after(&mut self, ms: u64, event: Event) -> Vec<Action> {
        self.now = self.now.after(ms);
        self.on(event)
    }

    /// All workers spawned and ready.
    fn serving(count: u32) -> Self {
        let mut story = Self::of(count);
        assert_eq!(story.on(Event::Tick), (1..=count).map(Action::Spawn).collect::<Vec<_>>());
        for number in 1..=count {
            assert_eq!(story.on(spawned(number)), []);
            assert_eq!(story.on(Event::Ready { number }), []);
        }
        story
    }
}

fn spawned(number: u32) -> Event {
    Event::Spawned { number, pid: 100 + i32::try_from(number).unwrap() }
}

fn killed(number: u32) -> Event {
    Event::Exited { number, ending: Ending::Killed(Signum::KILL), requests: 7 }
}

fn exited(number: u32, code: i32) -> Event {
    Event::Exited { number, ending: Ending::Exited(code), requests: 0 }
}

#[test]
fn a_worker_of_age_is_replaced_at_once() {
    let mut story = Story::serving(2);
    assert_eq!(story.after(YOUNG_MS, killed(2)), [Action::Spawn(2)]);
    assert_eq!(story.family.due(), None);
    let line = story.log.last().unwrap();
    assert!(line.contains("SIGKILL") && line.contains("7 requests") && line.contains("at once"), "{line}");
}

#[test]
fn young_deaths_are_throttled_from_one_second_doubling_to_thirty() {
    let mut story = Story::serving(1);
    let mut delays = Vec::new();
    for _ in 0..7 {
        assert_eq!(story.on(exited(1, 3)), []);
        let due = story.family.due().unwrap();
        delays.push(due.since(story.now) / 1000);
        assert_eq!(story.after(due.since(story.now) - 1, Event::Tick), []);
        assert_eq!(story.after(1, Event::Tick), [Action::Spawn(1)]);
        story.on(spawned(1));
        story.on(Event::Ready { number: 1 });
    }
    assert_eq!(delays, [1, 2, 4, 8, 16, 30, 30]);

    // One that lives long enough ends the series.
    assert_eq!(story.after(YOUNG_MS, killed(1)), [Action::Spawn(1)]);
    story.on(spawned(1));
    assert_eq!(story.on(exited(1, 3)), []);
    assert_eq!(story.family.due().unwrap().since(story.now), 1000);
}

#[test]
fn one_worker_s_throttle_is_not_its_neighbour_s() {
    let mut story = Story::serving(2);
    assert_eq!(story.on(exited(1, 3)), []);
    assert_eq!(story.after(YOUNG_MS - 1, killed(2)), []);
    assert_eq!(story.after(1, Event::Tick), [Action::Spawn(1)]);
}

#[test]
fn a_main_that_returns_is_named_and_throttled_but_no_error_of_the_start() {
    let mut story = Story::of(1);
    story.on(Event::Tick);
    story.on(spawned(1));
    assert_eq!(story.on(exited(1, 0)), []);
    assert!(story.log.last().unwrap().contains("uwsgi.Run()"), "{:?}", story.log);
    assert_eq!(story.after(1000, Event::Tick), [Action::Spawn(1)]);
}

#[test]
fn what_cannot_be_loaded_at_start_ends_the_server_with_code_1() {
    let mut story = Story::of(2);
    story.on(Event::Tick);
    story.on(spawned(1));
    story.on(spawned(2));
    let reason = "go-load: app.so cannot be loaded".to_owned();
    let actions = story.on(Event::LoadFailed { number: 1, reason: reason.clone() });
    assert_eq!(actions, [Action::Kill(1), Action::Kill(2)]);
    assert_eq!(story.on(Event::LoadFailed { number: 2, reason: reason.clone() }), []);
    assert_eq!(story.log.iter().filter(|line| **line == reason).count(), 1);
    assert_eq!(story.on(exited(1, 1)), []);
    assert_eq!(story.on(killed(2)), [Action::Exit(1)]);
}

#[test]
fn what_cannot_be_loaded_later_is_throttled() {
    let mut story = Story::serving(1);
    story.after(YOUNG_MS, killed(1));
    story.on(spawned(1));
    assert_eq!(story.on(Event::LoadFailed { number: 1, reason: "no memory".to_owned() }), []);
    assert_eq!(story.on(exited(1, 1)), []);
    assert_eq!(story.after(1000, Event::Tick), [Action::Spawn(1)]);
}

#[test]
fn a_fork_that_fails_is_tried_again() {
    let mut story = Story::of(1);
    assert_eq!(story.on(Event::Tick), [Action::Spawn(1)]);
    assert_eq!(story.on(Event::SpawnFailed { number: 1, reason: "no room".to_owned() }), []);
    assert_eq!(story.after(1000, Event::Tick), [Action::Spawn(1)]);
}

#[test]
fn finishing_drains_the_ready_and_kills_the_others() {
    let mut story = Story::serving(2);
    story.after(YOUNG_MS, killed(2));
    story.on(spawned(2));
    assert_eq!(story.on(Event::Finish), [Action::CloseDoors, Action::Drain(1), Action::Kill(2)]);
    assert_eq!(story.on(killed(2)), []);
    assert_eq!(story.on(exited(1, 0)), [Action::Exit(0)]);
}

#[test]
fn mercy_ends() {
    let mut story = Story::serving(1);
    story.on(Event::Finish);
    assert_eq!(story.family.due().unwrap().since(story.now), MERCY_MS);
    assert_eq!(story.after(MERCY_MS, Event::Tick), [Action::Kill(1)]);
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
    assert_eq!(story.on(Event::Tick), [Action::Spawn(1)]);
    assert_eq!(story.on(Event::Stop), []);
    assert_eq!(story.on(spawned(1)), [Action::Kill(1)]);
    assert_eq!(story.on(killed(1)), [Action::Exit(0)]);
}

#[test]
fn with_everyone_vacant_stopping_is_immediate() {
    let mut story = Story::serving(1);
    story.on(exited(1, 3));
    assert_eq!(story.on(Event::Stop), [Action::Exit(0)]);
}
