//! What is known of a folder, and which task is next: names and times in, a name out.

use std::collections::BTreeSet;

use crate::{Moment, Name};

/// The tasks that are known.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    /// Whose time has come, in their order.
    ready: BTreeSet<Name>,
    /// Whose time has not, by the time to look at them.
    waiting: BTreeSet<(Moment, Name)>,
}

impl Queue {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.ready.clear();
        self.waiting.clear();
    }

    /// There is a task of this name.
    pub fn add(&mut self, name: Name) {
        if !self.ready.contains(&name) {
            self.waiting.insert((name.due, name));
        }
    }

    /// There is none any more.
    pub fn remove(&mut self, name: &Name) {
        if !self.ready.remove(name) {
            self.waiting.remove(&(name.due, name.clone()));
        }
    }

    /// The first of those that are due, which is not known afterwards.
    pub fn next(&mut self, now: Moment) -> Option<Name> {
        while self.waiting.first().is_some_and(|(look, _)| *look <= now) {
            self.ready.extend(self.waiting.pop_first().map(|(_, name)| name));
        }
        self.ready.pop_first()
    }

    /// A task is not to be had just now: it is looked at again at this time.
    pub fn look_again(&mut self, name: Name, at: Moment) {
        self.waiting.insert((at, name));
    }

    /// When the next task becomes due; `None`: there is none.
    #[must_use]
    pub fn next_due(&self) -> Option<Moment> {
        if self.ready.is_empty() { self.waiting.first().map(|(look, _)| *look) } else { Some(Moment(0)) }
    }

    /// How many tasks are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ready.len() + self.waiting.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Id;

    fn name(priority: u32, due: u64) -> Name {
        Name { priority, due: Moment(due), tries: 0, id: Id::new(0) }
    }

    #[test]
    fn what_is_due_comes_by_priority_and_then_by_time() {
        let mut queue = Queue::default();
        let tasks = [name(9, 10), name(1, 30), name(1, 20), name(0, 99), name(9, 5)];
        tasks.iter().cloned().for_each(|name| queue.add(name));
        assert_eq!(queue.next(Moment(4)), None);
        assert_eq!(queue.next_due(), Some(Moment(5)));
        let order: Vec<_> = std::iter::from_fn(|| queue.next(Moment(30))).collect();
        let [late, second, first, future, early] = tasks;
        assert_eq!(order, [first, second, early, late]);
        assert_eq!((queue.next_due(), queue.len()), (Some(Moment(99)), 1));
        assert_eq!(queue.next(Moment(99)), Some(future));
        assert!(queue.is_empty() && queue.next_due().is_none());
    }

    #[test]
    fn a_task_that_is_told_twice_runs_once() {
        let (mut queue, task) = (Queue::default(), name(0, 5));
        queue.add(task.clone());
        queue.add(task.clone());
        queue.add(name(0, 6));
        assert_eq!(queue.next(Moment(9)), Some(task.clone()));
        let other = queue.next(Moment(9));
        assert!(other.is_some() && other != Some(task));
        assert_eq!(queue.next(Moment(9)), None);
    }

    #[test]
    fn one_that_is_ready_is_not_made_waiting_by_being_told_again() {
        let (mut queue, first, second) = (Queue::default(), name(0, 5), name(1, 5));
        queue.add(first);
        queue.add(second.clone());
        assert!(queue.next(Moment(9)).is_some());
        queue.add(second.clone());
        assert_eq!((queue.next(Moment(9)), queue.len()), (Some(second), 0));
    }

    #[test]
    fn what_is_gone_does_not_come() {
        let (mut queue, waiting, ready) = (Queue::default(), name(0, 50), name(1, 5));
        queue.add(waiting.clone());
        queue.add(ready.clone());
        queue.add(name(0, 1));
        assert!(queue.next(Moment(9)).is_some());
        queue.remove(&ready);
        queue.remove(&waiting);
        assert!(queue.is_empty());
    }

    #[test]
    fn one_that_another_is_at_is_looked_at_later() {
        let (mut queue, task) = (Queue::default(), name(0, 5));
        queue.look_again(task.clone(), Moment(1005));
        assert_eq!((queue.next(Moment(1004)), queue.next_due()), (None, Some(Moment(1005))));
        assert_eq!(queue.next(Moment(1005)), Some(task));
    }
}
