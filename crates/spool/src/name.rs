//! The name of a task's file, which says all about it that changes: when it is due, and how often it was tried.
//!
//! To change it is to rename the file, which a crash leaves done or not done. `ls` lists tasks in the order in which they run.
//!
//! ```text
//! p4294967295-t1795995712345-n0000-187c1d2f3a4b5c6d-5e6f7a8b-0.task
//! priority    due, in ms     tries the task's id, the same all its life
//! ```

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::Moment;

const END: &str = ".task";
const LONGEST_ID: usize = 64;

/// The part of a name that stays: letters, digits and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(String);

impl Id {
    /// One that no other task has, of a time in nanoseconds since 1970; those of a process are in the order of their making.
    #[must_use]
    pub fn new(nanos: u64) -> Self {
        static OF_PROCESS: OnceLock<(u32, u64)> = OnceLock::new();
        static COUNT: AtomicU32 = AtomicU32::new(0);
        // A process that was forked has another number, and what was drawn before the fork is not its own.
        let pid = std::process::id();
        let (drawn_by, drawn) = *OF_PROCESS.get_or_init(|| (pid, RandomState::new().hash_one(pid)));
        let mine = if drawn_by == pid { drawn } else { RandomState::new().hash_one((drawn, pid)) };
        let random = mine & 0xffff_ffff;
        Self(format!("{nanos:016x}-{random:08x}-{:x}", COUNT.fetch_add(1, Ordering::Relaxed)))
    }

    fn parse(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        ((1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(allowed)).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name. The order of names is the order in which tasks run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// The lower, the sooner.
    pub priority: u32,
    /// It does not run before.
    pub due: Moment,
    /// Which task it is.
    pub id: Id,
    /// How many runs have begun.
    pub tries: u32,
}

impl Name {
    /// The name that `text` is; `None`: it is no task's.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_suffix(END)?.splitn(4, '-');
        let mut number = |letter| parts.next()?.strip_prefix(letter).filter(|digits| is_digits(digits));
        let (priority, due, tries) = (number('p')?, number('t')?, number('n')?);
        let name = Self {
            priority: priority.parse().ok()?,
            due: Moment(due.parse().ok()?),
            tries: tries.parse().ok()?,
            id: Id::parse(parts.next()?)?,
        };
        (name.to_string() == text).then_some(name) // there is one way to write it
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { priority, due, id, tries } = self;
        write!(f, "p{priority:010}-t{:013}-n{tries:04}-{id}{END}", due.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(priority: u32, due: u64, id: u64, tries: u32) -> Name {
        Name { priority, due: Moment(due), tries, id: Id(format!("{id:x}")) }
    }

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for name in [
            name(0, 0, 0, 0),
            name(u32::MAX, Moment::LAST.0, 7, 3),
            Name { id: Id::new(1), ..name(5, 9, 0, 70_000) },
        ] {
            assert_eq!(Name::parse(&name.to_string()), Some(name));
        }
    }

    #[test]
    fn what_is_not_written_so_is_no_name() {
        let good = "p0000000005-t1795995712345-n0000-1-2-3.task";
        assert!(Name::parse(good).is_some());
        for bad in [
            "",
            "README",
            ".task",
            "p5-t1795995712345-n0000-1.task",
            "p0000000005-t1795995712345-n0000-.task",
            "p0000000005-t1795995712345-n0000-1.task.why",
            "p0000000005-t1795995712345-n0000-a b.task",
            "p0000000005-t1795995712345-n0000-a/b.task",
            "p00000000+5-t1795995712345-n0000-1.task",
            "p9999999999-t1795995712345-n0000-1.task",
            "p0000000005-t99999999999999999999999-n0000-1.task",
            "p0000000005-n0000-t1795995712345-1.task",
        ] {
            assert_eq!(Name::parse(bad), None, "{bad}");
        }
        assert_eq!(Name::parse(&good.replace("-1-2-3", &format!("-{}", "x".repeat(65)))), None);
    }

    #[test]
    fn names_are_in_the_order_of_priority_and_time() {
        let sorted = [name(1, 9, 1, 0), name(2, 3, 9, 5), name(2, 4, 1, 0), name(2, 4, 2, 0)];
        let mut texts: Vec<_> = sorted.iter().map(ToString::to_string).collect();
        texts.sort();
        assert_eq!(texts, sorted.iter().map(ToString::to_string).collect::<Vec<_>>(), "so does ls");
        let mut names = sorted.to_vec();
        names.reverse();
        names.sort();
        assert_eq!(names, sorted);
    }

    #[test]
    fn no_two_tasks_have_an_id() {
        let ids: Vec<_> = (0..100).map(|_| Id::new(42)).collect();
        let different: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(different.len(), 100);
        assert!(ids.iter().all(|id| Id::parse(&id.to_string()).as_ref() == Some(id)));
    }
}
