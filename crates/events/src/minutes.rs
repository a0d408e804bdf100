//! Which minutes of the wall clock have been looked at, so that none is looked at twice, however the clock is set.

use std::ops::RangeInclusive;

/// A clock that goes on by more than so many minutes at once has been set, or the machine has slept: what lay between is left
/// out. Less is taken for this process having been held up, and is made up for.
const HELD_UP: i64 = 5;

/// So many stretches of time are remembered; more would take a clock that is set that often.
const MOST: usize = 64;

/// The minutes, counted from 1970, in stretches that do not touch.
#[derive(Clone, Debug)]
pub(crate) struct Minutes {
    seen: Vec<RangeInclusive<i64>>,
    last: i64,
}

impl Minutes {
    /// All is new but `minute`.
    pub(crate) fn after(minute: i64) -> Self {
        Self { seen: vec![minute..=minute], last: minute }
    }

    /// The minute that was come to last.
    pub(crate) fn last(&self) -> i64 {
        self.last
    }

    /// Comes to `minute`. Gives what is new, in order.
    pub(crate) fn come_to(&mut self, minute: i64) -> Vec<i64> {
        let held_up = (1..=HELD_UP).contains(&(minute - self.last));
        let from = if held_up { self.last + 1 } else { minute };
        let new = (from..=minute).filter(|minute| !self.has(*minute)).collect();
        self.add(from..=minute);
        self.last = minute;
        new
    }

    fn has(&self, minute: i64) -> bool {
        self.seen.iter().any(|stretch| stretch.contains(&minute))
    }

    fn add(&mut self, new: RangeInclusive<i64>) {
        let touches =
            |old: &RangeInclusive<i64>| *old.start() <= new.end() + 1 && *new.start() <= old.end() + 1;
        let (mut start, mut end) = (*new.start(), *new.end());
        for old in self.seen.extract_if(.., |old| touches(old)) {
            (start, end) = (start.min(*old.start()), end.max(*old.end()));
        }
        self.seen.push(start..=end);
        if self.seen.len() > MOST {
            self.seen.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_minute_is_new_once_however_the_clock_is_set() {
        let mut minutes = Minutes::after(100);
        for (minute, new) in [
            (100, vec![]),
            (101, vec![101]),
            (101, vec![]),
            (104, vec![102, 103, 104]), // held up
            (200, vec![200]),           // set forward
            (103, vec![]),              // and back
            (104, vec![]),
            (105, vec![105]),
            (199, vec![199]),
            (201, vec![201]),
            (202, vec![202]),
        ] {
            assert_eq!(minutes.come_to(minute), new, "{minute}");
        }
        assert_eq!(minutes.seen.len(), 2);
    }

    #[test]
    fn a_clock_that_is_set_all_the_time_takes_no_more_memory() {
        let mut minutes = Minutes::after(0);
        for number in 0..10_000 {
            minutes.come_to(number * 100);
        }
        assert_eq!(minutes.seen.len(), MOST);
    }
}
