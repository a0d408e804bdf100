//! What a process has at hand beside requests, and whether it may end: messages, calls of functions, and whatever else the
//! application says that it has begun.

use std::sync::{Mutex, PoisonError};

/// The work at hand.
#[derive(Debug, Default)]
pub(crate) struct Duty {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    at_hand: u32,
    /// Nothing is taken any more.
    closed: bool,
    /// The process is to end when nothing is at hand.
    leaves: bool,
}

impl Duty {
    /// Takes something that `take` finds, and counts it; `Err`: nothing is taken any more.
    pub fn take<T>(&self, take: impl FnOnce() -> Option<T>) -> Result<Option<T>, Closed> {
        let mut state = self.state();
        if state.closed {
            return Err(Closed);
        }
        let taken = take();
        state.at_hand += u32::from(taken.is_some());
        Ok(taken)
    }

    /// Some work has ended; `true`: so is the process to.
    pub fn end_one(&self) -> bool {
        let mut state = self.state();
        state.at_hand = state.at_hand.saturating_sub(1);
        state.leaves && state.at_hand == 0
    }

    /// Nothing is to be taken any more.
    pub fn close(&self) {
        self.state().closed = true;
    }

    /// The process is to end when nothing is at hand; `true`: that is so now.
    pub fn leave(&self) -> bool {
        let mut state = self.state();
        (state.closed, state.leaves) = (true, true);
        state.at_hand == 0
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nothing is taken any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_ends_after_what_it_has_at_hand() {
        let duty = Duty::default();
        assert_eq!(duty.take(|| Some(1)), Ok(Some(1)));
        assert_eq!(duty.take(|| None::<()>), Ok(None), "nothing is no work");
        assert_eq!(duty.take(|| Some(2)), Ok(Some(2)));
        assert!(!duty.end_one(), "it was not told to go");
        assert!(!duty.leave(), "something is at hand");
        assert_eq!(duty.take(|| Some(3)), Err(Closed));
        assert!(duty.end_one());
    }

    #[test]
    fn one_that_is_closed_finishes_and_stays() {
        let duty = Duty::default();
        assert_eq!(duty.take(|| Some(())), Ok(Some(())));
        duty.close();
        assert_eq!(duty.take(|| Some(())), Err(Closed));
        assert!(!duty.end_one());
        assert!(duty.leave());
    }
}
