//! How a Redis does, as far as a process knows: all its lines have a share in that.
//!
//! After a connection that came to nothing nobody tries again for a moment, which gets longer each time: those who call
//! meanwhile hear at once what was wrong.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use goherd_sys::stderr;

use crate::call::{Failure, Reason};

/// How long nobody tries again, at first, and in the end.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(1);
/// Changes for the better or the worse are logged no more often than this.
const QUIET: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub struct Health {
    /// What lines of the log begin with.
    who: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// How often connections were lost: those from before are not to be used.
    losses: u64,
    /// How often connecting failed, one time after the other.
    failures: u32,
    /// Until when nobody tries, and why.
    pause: Option<(Instant, Failure)>,
    /// The log says that it is gone.
    told: bool,
    /// When the log was written to.
    spoke: Option<Instant>,
}

impl Health {
    pub fn new(who: String) -> Self {
        Self { who, state: Mutex::default() }
    }

    /// Fails while nobody is to try; else gives what a connection made now is to remember.
    pub fn may_connect(&self, now: Instant) -> Result<u64, Failure> {
        let state = self.state();
        match &state.pause {
            Some((until, failure)) if now < *until => Err(failure.clone()),
            _ => Ok(state.losses),
        }
    }

    /// Whether a connection that remembers `losses` is good, for all that is known.
    pub fn is_good(&self, losses: u64) -> bool {
        self.state().losses == losses
    }

    /// A connection could not be made.
    pub fn failed(&self, failure: &Failure, now: Instant) {
        let mut state = self.state();
        let pause = FIRST_PAUSE.saturating_mul(1 << state.failures.min(16)).min(LAST_PAUSE);
        state.failures += 1;
        state.pause = Some((now + pause, failure.clone()));
        self.tell(&mut state, failure, now);
    }

    /// A connection that remembers `losses` was lost.
    pub fn lost(&self, losses: u64, failure: &Failure, now: Instant) {
        let mut state = self.state();
        if state.losses == losses {
            state.losses += 1;
        }
        self.tell(&mut state, failure, now);
    }

    /// It has answered.
    pub fn answered(&self) {
        let mut state = self.state();
        state.failures = 0;
        state.pause = None;
        if std::mem::take(&mut state.told) {
            stderr::line(&format!("{}: it answers again", self.who));
        }
    }

    fn tell(&self, state: &mut State, failure: &Failure, now: Instant) {
        let is_quiet = state.spoke.is_some_and(|spoke| now.duration_since(spoke) < QUIET);
        if !state.told && !is_quiet {
            (state.told, state.spoke) = (true, Some(now));
            let what = if failure.reason == Reason::Unreachable { "no answer" } else { "it refuses" };
            stderr::line(&format!("{}: {what}: {}; it is tried again", self.who, failure.text));
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_failures_nobody_tries_for_longer_and_longer() {
        let (health, mut now) = (Health::new("test".to_owned()), Instant::now());
        let failure = Failure::new(Reason::Unreachable, "refused");
        let mut pauses = Vec::new();
        for _ in 0..7 {
            assert_eq!(health.may_connect(now), Ok(0));
            health.failed(&failure, now);
            assert_eq!(health.may_connect(now), Err(failure.clone()));
            let mut pause = 0;
            while health.may_connect(now + Duration::from_millis(pause)).is_err() {
                pause += 1;
            }
            pauses.push(pause);
            now += Duration::from_millis(pause);
        }
        assert_eq!(pauses, [50, 100, 200, 400, 800, 1000, 1000]);
        health.failed(&failure, now);
        health.answered();
        assert_eq!(health.may_connect(now), Ok(0));
        health.failed(&failure, now);
        assert!(health.may_connect(now + FIRST_PAUSE).is_ok(), "it begins anew");
    }

    #[test]
    fn one_loss_is_one_for_all() {
        let (health, now) = (Health::new("test".to_owned()), Instant::now());
        let failure = Failure::new(Reason::Unreachable, "lost");
        let [a, b] = [(); 2].map(|()| health.may_connect(now).unwrap());
        health.lost(a, &failure, now);
        assert!(!health.is_good(a) && !health.is_good(b));
        let c = health.may_connect(now).unwrap();
        health.lost(b, &failure, now);
        assert!(health.is_good(c), "what is old says nothing of what is new");
    }
}
