//! What is due: timers by the monotonic clock, cron by the wall clock.
//!
//! A job is known by what it does and when; setting the same list again changes nothing, so timers go on through reloads,
//! and a worker that registers its timers anew does not put them off.

use goherd_sys::clock::Millis;
use jiff::tz::TimeZone;

use crate::cron::{Cron, MINUTE_MS};
use crate::minutes::Minutes;

/// One moment by both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// By the monotonic clock.
    pub now: Millis,
    /// By the wall clock: milliseconds since 1970 (UTC).
    pub wall_ms: i64,
}

impl Moment {
    fn minute(self) -> i64 {
        self.wall_ms.div_euclid(MINUTE_MS)
    }
}

/// When a job is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// Every so many milliseconds (0 counts as 1), for the first time after as many.
    Every(u64),
    /// The same, so many times; 0: for ever.
    Times(u64, u32),
    /// At these minutes.
    Cron(Cron),
}

/// What is to be done, and when. `W` is what it means to the caller: a signal's number, a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job<W> {
    /// What.
    pub what: W,
    /// When.
    pub when: When,
}

/// How far a timer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    /// When it is due next.
    pub due: Millis,
    /// How often it is still to be due; `None`: for ever.
    pub left: Option<u32>,
}

/// All jobs.
#[derive(Clone, Debug)]
pub struct Schedule<W> {
    zone: TimeZone,
    minutes: Minutes,
    entries: Vec<Entry<W>>,
}

#[derive(Clone, Debug)]
struct Entry<W> {
    job: Job<W>,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// A timer: when it is due next, and how often still (`None`: for ever).
    Timer { due: Millis, left: Option<u32> },
    /// It has been due for the last time.
    Over,
    /// A cron entry, and its next minute as last found out, from which minute on.
    Cron { from: i64, next: Option<i64> },
}

impl<W: Clone + PartialEq> Schedule<W> {
    /// No jobs. Cron goes by `zone`, and begins after the minute of `start`: the time of the server's start, or when a former
    /// master looked last.
    #[must_use]
    pub fn new(zone: TimeZone, start: Moment) -> Self {
        Self { zone, minutes: Minutes::after(start.minute()), entries: Vec::new() }
    }

    /// Makes `jobs` the list. Jobs that were on it go on as they are; one that is named twice is there once.
    pub fn set(&mut self, now: Millis, jobs: impl IntoIterator<Item = Job<W>>) {
        let mut old = std::mem::take(&mut self.entries);
        for job in jobs {
            if self.entries.iter().any(|entry| entry.job == job) {
                continue;
            }
            let known = old.iter().position(|entry| entry.job == job);
            self.entries.push(match known {
                Some(at) => old.swap_remove(at),
                None => Entry { state: State::first(&job.when, now), job },
            });
        }
    }

    /// Lets cron go by `zone` from now on.
    pub fn set_zone(&mut self, zone: TimeZone) {
        self.zone = zone;
        for entry in &mut self.entries {
            if let When::Cron(_) = entry.job.when {
                entry.state = State::first(&entry.job.when, Millis(0));
            }
        }
    }

    /// The beat of each timer, for a schedule that is to go on with it: [`Schedule::resume`].
    pub fn beats(&self) -> impl Iterator<Item = (&Job<W>, Beat)> {
        self.entries.iter().filter_map(|entry| match entry.state {
            State::Timer { due, left } => Some((&entry.job, Beat { due, left })),
            State::Over => Some((&entry.job, Beat { due: Millis(0), left: Some(0) })),
            State::Cron { .. } => None,
        })
    }

    /// Puts a timer on the list that another schedule had on its own, with its beat.
    pub fn resume(&mut self, job: Job<W>, beat: Beat) {
        let state =
            if beat.left == Some(0) { State::Over } else { State::Timer { due: beat.due, left: beat.left } };
        self.entries.push(Entry { job, state });
    }

    /// The last minute of the wall clock that was looked at, as milliseconds since 1970 (UTC).
    #[must_use]
    pub fn looked_at(&self) -> i64 {
        self.minutes.last() * MINUTE_MS
    }

    /// What is due at this moment, in the order of the list. A job that was due several times since the last call is due once:
    /// timers do not catch up, and no minute of the wall clock counts twice, however the clock is set.
    pub fn due(&mut self, moment: Moment) -> Vec<W> {
        let minutes = self.minutes.come_to(moment.minute());
        let zone = &self.zone;
        let due = self.entries.iter_mut().filter_map(|entry| {
            let is_due = match &entry.job.when {
                When::Every(every) | When::Times(every, _) => entry.state.timer_is_due(*every, moment.now),
                When::Cron(cron) => {
                    minutes.iter().filter(|m| entry.state.cron_is_due(cron, **m, zone)).count() > 0
                }
            };
            is_due.then(|| entry.job.what.clone())
        });
        due.collect()
    }

    /// When to look again at the latest; `None`: there is nothing to come. With cron entries that is at each minute of the wall
    /// clock, which may be set at any time.
    #[must_use]
    pub fn next(&self, moment: Moment) -> Option<Millis> {
        let to_minute = MINUTE_MS - moment.wall_ms.rem_euclid(MINUTE_MS);
        let minute = moment.now.after(to_minute.unsigned_abs());
        let next = self.entries.iter().filter_map(|entry| match entry.state {
            State::Timer { due, .. } => Some(due),
            State::Cron { .. } => Some(minute),
            State::Over => None,
        });
        next.min()
    }
}

impl State {
    fn first(when: &When, now: Millis) -> Self {
        match when {
            When::Every(every) | When::Times(every, 0) => {
                Self::Timer { due: now.after((*every).max(1)), left: None }
            }
            When::Times(every, times) => Self::Timer { due: now.after((*every).max(1)), left: Some(*times) },
            When::Cron(_) => Self::Cron { from: i64::MAX, next: None },
        }
    }

    /// Whether a timer is due, which it then is again after its time. It keeps its beat: one that is looked at late is not late
    /// for ever after.
    fn timer_is_due(&mut self, every: u64, now: Millis) -> bool {
        let Self::Timer { due, left } = *self else { return false };
        if now < due {
            return false;
        }
        let every = every.max(1);
        let left = left.map(|left| left.saturating_sub(1));
        let next = due.after((now.since(due) / every + 1).saturating_mul(every));
        *self = if left == Some(0) { Self::Over } else { Self::Timer { due: next, left } };
        true
    }

    fn cron_is_due(&mut self, cron: &Cron, minute: i64, zone: &TimeZone) -> bool {
        if let Self::Cron { from, next } = self {
            let known = *from <= minute && next.is_none_or(|next| minute <= next);
            if !known {
                (*from, *next) = (minute, cron.next(minute, zone));
            }
            return *next == Some(minute);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_790_000_040_000; // a whole minute
    const HOUR: i64 = 60 * MINUTE_MS;

    fn at(ms: i64) -> Moment {
        Moment { now: Millis(1_000 + ms.unsigned_abs()), wall_ms: START + ms }
    }

    fn job(what: u8, when: When) -> Job<u8> {
        Job { what, when }
    }

    fn cron(text: &str) -> When {
        When::Cron(Cron::parse(text).unwrap())
    }

    fn schedule(jobs: Vec<Job<u8>>) -> Schedule<u8> {
        let mut schedule = Schedule::new(TimeZone::UTC, at(0));
        schedule.set(at(0).now, jobs);
        schedule
    }

    #[test]
    fn timers_keep_their_beat_and_do_not_catch_up() {
        let mut schedule = schedule(vec![job(1, When::Every(1000)), job(2, When::Times(400, 2))]);
        for (ms, due, next) in [
            (0, vec![], Some(400)),
            (399, vec![], Some(400)),
            (410, vec![2], Some(800)),
            (900, vec![2], Some(1000)),
            (1000, vec![1], Some(2000)),
            (5300, vec![1], Some(6000)),
            (6000, vec![1], Some(7000)),
        ] {
            assert_eq!(schedule.due(at(ms)), due, "{ms}");
            assert_eq!(schedule.next(at(ms)), next.map(|next| at(next).now), "{ms}");
        }
    }

    #[test]
    fn a_timer_of_nothing_and_one_for_ever_are_timers() {
        let mut schedule = schedule(vec![job(1, When::Every(0)), job(2, When::Times(1, 0))]);
        for ms in 1..5 {
            assert_eq!(schedule.due(at(ms)), [1, 2]);
        }
    }

    #[test]
    fn the_same_list_changes_nothing_and_what_is_not_on_it_is_gone() {
        let jobs = || vec![job(1, When::Every(1000)), job(2, When::Times(10, 1)), job(1, When::Every(1000))];
        let mut schedule = schedule(jobs());
        assert_eq!(schedule.due(at(10)), [2]);
        schedule.set(at(600).now, jobs());
        assert_eq!(schedule.due(at(1000)), [1]);
        schedule.set(at(1100).now, vec![job(1, When::Every(500))]);
        assert_eq!(schedule.due(at(1599)), []);
        assert_eq!(schedule.due(at(1600)), [1]);
        schedule.set(at(1600).now, vec![]);
        assert_eq!(schedule.next(at(1600)), None);
    }

    #[test]
    fn cron_is_due_once_in_its_minute() {
        let mut schedule = schedule(vec![job(1, cron("* * * * *")), job(2, cron("*/2 * * * *"))]);
        assert_eq!(schedule.due(at(0)), []); // the minute in which it began
        assert_eq!(schedule.next(at(59_000)), Some(at(60_000).now));
        let due: Vec<_> = (1..=4).map(|minute| schedule.due(at(minute * MINUTE_MS))).collect();
        assert_eq!(due.concat().iter().filter(|what| **what == 1).count(), 4);
        assert_eq!(due.concat().iter().filter(|what| **what == 2).count(), 2);
        assert_eq!(schedule.due(at(4 * MINUTE_MS + 59_999)), []);
    }

    #[test]
    fn another_schedule_goes_on_with_the_beat_of_timers() {
        let jobs =
            || vec![job(1, When::Every(1000)), job(2, When::Times(400, 1)), job(3, When::Times(400, 3))];
        let mut first = schedule(jobs());
        assert_eq!(first.due(at(500)), [2, 3]);
        let mut second = Schedule::new(TimeZone::UTC, at(510));
        for (job, beat) in first.beats() {
            second.resume(job.clone(), beat);
        }
        second.set(at(510).now, jobs());
        assert_eq!(second.due(at(799)), []);
        assert_eq!(second.due(at(1000)), [1, 3]);
        assert_eq!(second.due(at(1200)), [3]);
        assert_eq!(second.due(at(1900)), []);
    }

    #[test]
    fn another_zone_counts_from_the_next_minute_on() {
        let hour = |hour: i64| cron(&format!("0 {hour} * * *"));
        let start = START.div_euclid(HOUR) * HOUR - START;
        let utc = (START + start).rem_euclid(24 * HOUR) / HOUR;
        let mut schedule = schedule(vec![job(1, hour((utc + 5) % 24))]);
        assert_eq!(schedule.due(at(start + HOUR)), []);
        schedule.set_zone(TimeZone::posix("<+03>-3").unwrap());
        assert_eq!(schedule.due(at(start + 2 * HOUR)), [1]);
        assert_eq!(schedule.looked_at(), START + start + 2 * HOUR);
    }

    #[test]
    fn a_clock_that_is_set_makes_no_minute_count_twice() {
        let mut schedule = schedule(vec![job(1, cron("* * * * *"))]);
        let mut count = |from: i64, minutes: i64| {
            (0..minutes).map(|m| schedule.due(at(from + m * MINUTE_MS)).len()).sum::<usize>()
        };
        assert_eq!(count(0, 61), 60);
        assert_eq!(count(0, 61), 0); // an hour back
        assert_eq!(count(61 * MINUTE_MS, 10), 10);
        assert_eq!(count(25 * HOUR, 10), 10); // a day on: what lies between is left out
        assert_eq!(count(61 * MINUTE_MS, 20), 10); // back: what had been left out is due
        assert_eq!(count(25 * HOUR, 11), 1);
    }

    /// The times on Berlin's wall, with its offset from UTC in hours, at which an entry is due on a day whose clocks change, looked at
    /// every half minute from `from` minutes after its midnight on.
    fn due_on(day: jiff::civil::Date, from: i64, text: &str) -> Vec<String> {
        let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let midnight = day.to_zoned(berlin.clone()).unwrap().timestamp().as_millisecond();
        let moment = |half: i64| Moment { now: Millis(0), wall_ms: midnight + half * MINUTE_MS / 2 };
        let mut schedule = Schedule::new(berlin.clone(), moment(2 * from));
        schedule.set(Millis(0), vec![job(1, cron(text))]);
        let due = (2 * from..2 * 5 * 60).filter(|half| !schedule.due(moment(*half)).is_empty());
        let on_the_wall = |half: i64| {
            let time = jiff::Timestamp::from_millisecond(moment(half).wall_ms).unwrap();
            time.to_zoned(berlin.clone()).strftime("%H:%M %:::z").to_string()
        };
        due.map(on_the_wall).collect()
    }

    #[test]
    fn an_hour_that_is_left_out_delays_fixed_times() {
        let spring = jiff::civil::date(2026, 3, 29); // 2:00 is 3:00
        for (from, text, due) in [
            (0, "30 2 * * *", vec!["03:00 +02"]),
            (119, "30 2 * * *", vec!["03:00 +02"]), // from 1:59 on
            (120, "30 2 * * *", vec![]),            // from 3:00 on
            (0, "0 3 * * *", vec!["03:00 +02"]),
            (0, "30 * * * *", vec!["00:30 +01", "01:30 +01", "03:30 +02", "04:30 +02", "05:30 +02"]),
        ] {
            assert_eq!(due_on(spring, from, text), due, "{text} from {from}");
        }
    }

    #[test]
    fn an_hour_that_comes_twice_has_fixed_times_once() {
        let autumn = jiff::civil::date(2026, 10, 25); // 3:00 is 2:00
        for (from, text, due) in [
            (0, "30 2 * * *", vec!["02:30 +02"]),
            (149, "30 2 * * *", vec!["02:30 +02"]), // from 2:29 on
            (165, "30 2 * * *", vec![]),            // from 2:45 on, before it is 2:30 again
            (0, "45 */1 * * *", vec!["00:45 +02", "01:45 +02", "02:45 +02", "02:45 +01", "03:45 +01"]),
        ] {
            assert_eq!(due_on(autumn, from, text), due, "{text} from {from}");
        }
    }

    #[test]
    fn one_who_was_held_up_makes_up_for_a_few_minutes_at_once() {
        let third = (at(0).minute() + 2).rem_euclid(60);
        let mut schedule = schedule(vec![job(2, cron(&format!("{third} * * * *")))]);
        assert_eq!(schedule.due(at(4 * MINUTE_MS)), [2]);
        assert_eq!(schedule.due(at(HOUR - MINUTE_MS)), []);
        assert_eq!(schedule.due(at(HOUR + 20 * MINUTE_MS)), []); // more than that is left out
    }
}
