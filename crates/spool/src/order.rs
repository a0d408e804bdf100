//! When a task runs: what its keys `at` and `priority` say.

use std::fmt;

use crate::{Moment, Task};

/// The priority of a task that has none: it runs after all that have one.
pub const LAST_PRIORITY: u32 = u32::MAX;

/// What a task asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The lower, the sooner.
    pub priority: u32,
    /// Not before; `None`: at once.
    pub at: Option<Moment>,
}

/// Why that is no order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderError {
    /// `at` is no time.
    At(String),
    /// `priority` is no number.
    Priority(String),
}

impl fmt::Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(text) => write!(
                f,
                "the task's key at must be a time in seconds since 1970 (and before 2286), such as 1795995712 or \
                 1795995712.5, and is {text:?}"
            ),
            Self::Priority(text) => write!(
                f,
                "the task's key priority must be a whole number from 0 to {}, of which the lower runs first, and is \
                 {text:?}",
                LAST_PRIORITY - 1
            ),
        }
    }
}

impl std::error::Error for OrderError {}

impl Order {
    /// What `task` asks for.
    pub fn of(task: &Task) -> Result<Self, OrderError> {
        let at = task.get(b"at").map(|text| moment(text).ok_or_else(|| OrderError::At(excerpt(text))));
        let priority = task.get(b"priority").map(|text| {
            let number = std::str::from_utf8(text).ok().filter(|text| is_digits(text));
            let number = number.and_then(|text| text.parse().ok()).filter(|number| *number < LAST_PRIORITY);
            number.ok_or_else(|| OrderError::Priority(excerpt(text)))
        });
        Ok(Self { priority: priority.transpose()?.unwrap_or(LAST_PRIORITY), at: at.transpose()? })
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Seconds, with or without a fraction, of which the first three digits count.
fn moment(text: &[u8]) -> Option<Moment> {
    let text = std::str::from_utf8(text).ok()?;
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if !is_digits(seconds) || !is_digits(fraction) {
        return None;
    }
    let seconds: u64 = seconds.parse().ok()?;
    let millis: String = fraction.chars().chain("00".chars()).take(3).collect();
    let moment = Moment(seconds.checked_mul(1000)?.checked_add(millis.parse().ok()?)?);
    (moment <= Moment::LAST).then_some(moment)
}

fn excerpt(text: &[u8]) -> String {
    String::from_utf8_lossy(&text[..text.len().min(40)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(pairs: &[(&str, &str)]) -> Result<Order, OrderError> {
        let pairs = [("x", "y")].iter().chain(pairs);
        Order::of(&Task::new(pairs.map(|(key, value)| (key.as_bytes(), value.as_bytes()))).unwrap())
    }

    #[test]
    fn a_task_is_for_now_and_for_last_unless_it_says_so() {
        assert_eq!(order(&[]), Ok(Order { priority: LAST_PRIORITY, at: None }));
        let all = order(&[("priority", "7"), ("at", "1795995712")]);
        assert_eq!(all, Ok(Order { priority: 7, at: Some(Moment(1_795_995_712_000)) }));
        for (text, millis) in
            [("0", 0), ("1.5", 1500), ("1.0625", 1062), ("9999999999.999", 9_999_999_999_999)]
        {
            assert_eq!(order(&[("at", text)]).unwrap().at, Some(Moment(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_order_is_refused() {
        for text in ["", "soon", "-1", "+1", "1.", ".5", "1e9", " 1", "10000000000", "99999999999999999999"] {
            assert_eq!(order(&[("at", text)]), Err(OrderError::At(text.to_owned())));
        }
        for text in ["", "high", "-1", "1.5", "4294967295", "99999999999"] {
            assert_eq!(order(&[("priority", text)]), Err(OrderError::Priority(text.to_owned())));
        }
        assert!(order(&[("at", "x")]).unwrap_err().to_string().contains("seconds since 1970"));
        let long = "9".repeat(1000);
        assert!(order(&[("priority", &long)]).unwrap_err().to_string().len() < 200);
    }
}
