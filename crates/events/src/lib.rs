//! What is due now, and who is told: timers, cron, the receivers of signals, full queues.
//!
//! In: times, as arguments, and lists of what lives. Out: decisions, for others to carry out. Nothing here looks at a clock, a
//! file or a socket, so a day of cron is a table in a test.

#![forbid(unsafe_code)]

mod cron;
mod minutes;
mod queues;
mod receiver;
mod routing;
mod schedule;

pub use cron::{Cron, CronError};
pub use queues::{Offer, Queues};
pub use receiver::{Receiver, ReceiverError};
pub use routing::{Process, Role, Router};
pub use schedule::{Beat, Job, Moment, Schedule, When};

/// A time zone: its rules are read by whoever makes the schedule.
pub use jiff::tz::TimeZone;
