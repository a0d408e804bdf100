//! The two clocks: monotonic time for limits, wall time for people and for HTTP dates (clock_gettime(2)).

use rustix::time::{ClockId, clock_gettime};

/// Milliseconds of the monotonic clock, which no administrator and no NTP step can set back.
///
/// The zero is the boot of the machine, so the figure means the same in every process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub u64);

impl Millis {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        Self::of(ClockId::Monotonic)
    }

    /// Now, some milliseconds late, from the clock that costs least to read.
    #[must_use]
    pub fn lately() -> Self {
        Self::of(ClockId::MonotonicCoarse)
    }

    fn of(clock: ClockId) -> Self {
        let t = clock_gettime(clock);
        let seconds = u64::try_from(t.tv_sec).unwrap_or(0);
        let nanos = u64::try_from(t.tv_nsec).unwrap_or(0);
        Self(seconds * 1000 + nanos / 1_000_000)
    }

    /// This moment, `millis` later.
    #[must_use]
    pub fn after(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// How long ago `earlier` was, in milliseconds; 0 if it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Whole seconds since 1970 (UTC), and how many milliseconds are left, 1 to 1000, until there is one more.
#[must_use]
pub fn unix_seconds() -> (u64, u64) {
    let t = clock_gettime(ClockId::Realtime);
    (u64::try_from(t.tv_sec).unwrap_or(0), 1000 - u64::try_from(t.tv_nsec).unwrap_or(0) / 1_000_000)
}

/// Milliseconds since 1970 (UTC).
#[must_use]
pub fn unix_millis() -> u64 {
    let (seconds, left) = unix_seconds();
    seconds * 1000 + (1000 - left)
}

/// Nanoseconds since 1970 (UTC), until the year 2554.
#[must_use]
pub fn unix_nanos() -> u64 {
    let t = clock_gettime(ClockId::Realtime);
    let (seconds, nanos) = (u64::try_from(t.tv_sec).unwrap_or(0), u64::try_from(t.tv_nsec).unwrap_or(0));
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_forward_only() {
        let first = Millis::now();
        let second = Millis::now();
        assert!(second >= first);
        assert_eq!(first.since(first.after(10)), 0);
        assert_eq!(first.after(10).since(first), 10);
    }

    #[test]
    fn wall_time_is_of_this_century() {
        let (seconds, left) = unix_seconds();
        assert!(seconds > 1_700_000_000 && (1..=1000).contains(&left));
        assert!(unix_millis() / 1000 >= seconds);
    }
}
