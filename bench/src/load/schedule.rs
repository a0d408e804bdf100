//! When each request of a constant rate is due.

use std::time::{Duration, Instant};

/// Request `i` is due at start + i / rate, whatever became of those before it.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    start: Instant,
    rate: f64,
    total: u32,
}

impl Schedule {
    /// As many requests as fit into `length`, the first one at `start`.
    pub fn new(start: Instant, rate: f64, length: Duration) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates; rates are positive"
        )]
        let total = (rate * length.as_secs_f64()).round() as u32;
        Self { start, rate, total }
    }

    /// When request `i` is due; `None` after the last one.
    pub fn due(&self, i: u32) -> Option<Instant> {
        (i < self.total).then(|| self.start + Duration::from_secs_f64(f64::from(i) / self.rate))
    }

    /// How many requests there are.
    pub fn total(&self) -> u32 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_due_at_even_distances() {
        let start = Instant::now();
        let schedule = Schedule::new(start, 4_000.0, Duration::from_secs(3));
        assert_eq!(schedule.total(), 12_000);
        assert_eq!(schedule.due(0), Some(start));
        assert_eq!(schedule.due(1), Some(start + Duration::from_micros(250)));
        assert_eq!(schedule.due(11_999), Some(start + Duration::from_micros(2_999_750)));
        assert_eq!(schedule.due(12_000), None);
    }
}
