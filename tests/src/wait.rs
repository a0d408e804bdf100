//! Waiting for a condition, never for a time: the deadline is only for servers that are broken.

use std::time::{Duration, Instant};

/// How long anything may take before it counts as broken. Nothing comes near it, on any machine that builds this.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// How long something is waited for that may have been lost, before it is asked for again.
pub(crate) const SOON: Duration = Duration::from_secs(5);

/// How often a condition that nobody announces is looked at.
const GLANCE: Duration = Duration::from_millis(2);

/// Waits until `look` gives something; panics with `what` if it never does.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    try_eventually(&mut look).unwrap_or_else(|| panic!("{what}: not within {DEADLINE:?}"))
}

/// The same, and says more of what went wrong.
pub fn eventually_or<T>(what: &str, mut look: impl FnMut() -> Option<T>, more: impl FnOnce() -> String) -> T {
    try_eventually(&mut look).unwrap_or_else(|| panic!("{what}: not within {DEADLINE:?}\n{}", more()))
}

/// Waits until `look` gives something; `None`: it never did.
pub(crate) fn try_eventually<T>(look: &mut impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + DEADLINE;
    loop {
        match look() {
            Some(found) => return Some(found),
            None if Instant::now() > end => return None,
            None => std::thread::sleep(GLANCE),
        }
    }
}
