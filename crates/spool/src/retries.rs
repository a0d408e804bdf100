//! Whether and when a task is tried again: a pause that doubles, and a number of tries that is enough.

use crate::{Moment, Name};

/// The rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// How often a task is tried; 0: as often as it takes.
    pub most: u32,
}

/// What becomes of a task whose run has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It runs again, and has this name until then.
    Again(Name),
    /// It was tried often enough.
    Enough,
}

impl Retries {
    /// The pause after the first try, in milliseconds.
    pub const FIRST_PAUSE: u64 = 1000;
    /// The longest pause, in milliseconds.
    pub const LONGEST_PAUSE: u64 = 300_000;

    /// How long to wait after so many tries.
    #[must_use]
    pub fn pause(tries: u32) -> u64 {
        let doublings = tries.saturating_sub(1).min(30);
        (Self::FIRST_PAUSE << doublings).min(Self::LONGEST_PAUSE)
    }

    /// The name under which a task runs: this try is counted already, and if the process dies with it, that is when it is due
    /// again. `None`: it was tried often enough, and its process died the last time.
    #[must_use]
    pub fn begin(self, name: &Name, now: Moment) -> Option<Name> {
        if self.most > 0 && name.tries >= self.most {
            return None;
        }
        let tries = name.tries.saturating_add(1);
        Some(Name { due: now.after(Self::pause(tries)), tries, ..name.clone() })
    }

    /// What becomes of a task that ran under this name, and failed.
    #[must_use]
    pub fn fail(self, name: &Name, now: Moment) -> Failure {
        if self.most > 0 && name.tries >= self.most {
            return Failure::Enough;
        }
        Failure::Again(Name { due: now.after(Self::pause(name.tries)), ..name.clone() })
    }

    /// The name of a task that ran under this one, and was interrupted through no fault of its own.
    #[must_use]
    pub fn interrupt(name: &Name, now: Moment) -> Name {
        Name { due: now, tries: name.tries.saturating_sub(1), ..name.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Id;

    fn name(tries: u32) -> Name {
        Name { priority: 3, due: Moment(5), tries, id: Id::new(0) }
    }

    #[test]
    fn pauses_double_until_they_are_long_enough() {
        let pauses: Vec<_> = [0, 1, 2, 3, 9, 10, 31, 32, u32::MAX].into_iter().map(Retries::pause).collect();
        let longest = Retries::LONGEST_PAUSE;
        assert_eq!(pauses, [1000, 1000, 2000, 4000, 256_000, longest, longest, longest, longest]);
    }

    #[test]
    fn a_try_counts_before_it_begins() {
        let (retries, name) = (Retries { most: 2 }, name(0));
        let first = retries.begin(&name, Moment(100)).unwrap();
        assert_eq!(first, Name { due: Moment(1100), tries: 1, ..name.clone() });
        let second = retries.begin(&first, Moment(5000)).unwrap();
        assert_eq!(second, Name { due: Moment(7000), tries: 2, ..name });
        assert_eq!(retries.begin(&second, Moment(9000)), None, "its process died twice");
    }

    #[test]
    fn a_task_that_fails_is_tried_so_often_and_no_more() {
        let retries = Retries { most: 2 };
        let again = Name { due: Moment(1100), ..name(1) };
        assert!(
            matches!(retries.fail(&name(1), Moment(100)), Failure::Again(name) if name.due == again.due && name.tries == 1)
        );
        assert_eq!(retries.fail(&name(2), Moment(100)), Failure::Enough);
        assert_eq!(Retries { most: 1 }.fail(&name(1), Moment(100)), Failure::Enough);
        let for_ever = Retries { most: 0 };
        assert!(matches!(for_ever.fail(&name(u32::MAX), Moment(0)), Failure::Again(_)));
        assert!(for_ever.begin(&name(u32::MAX), Moment(0)).is_some());
    }

    #[test]
    fn an_interruption_does_not_count() {
        let name = name(0);
        let running = Retries { most: 1 }.begin(&name, Moment(100)).unwrap();
        assert_eq!(Retries::interrupt(&running, Moment(300)), Name { due: Moment(300), ..name });
    }

    #[test]
    fn no_pause_goes_beyond_the_end_of_time() {
        let begun = Retries { most: 0 }.begin(&name(40), Moment::LAST).unwrap();
        assert_eq!(begun.due, Moment::LAST);
    }
}
