//! The family: a master that holds the listening sockets and keeps its workers alive.
//!
//! In: what to keep alive ([`Settings`]), and who knows how to read it anew ([`Owner`]). Out: in every worker what it was
//! born with, and in the end the exit code of the server. What is decided ([`Family`]) is apart from what is done
//! ([`run`]): decisions take events with their time and give actions, so they are tested with a clock of the tests' own.
//!
//! Invariant: the master runs no Go, has one thread, and sees no byte from a client.

#![forbid(unsafe_code)]

mod family;
pub mod handover;
mod house;

pub use family::{
    Action, Algorithm, Cheaper, Event, Family, Heirloom, Live, MAX_WORKERS, News, Plan, Sample, Standing,
    Status, YOUNG_MS,
};
pub use handover::Handover;
pub use house::{
    About, Agenda, Alarm, Alarms, Errand, Generation, Legacy, Life, Means, Owner, Program, Renewed, Settings,
    Stats, Store, Task, Upkeep, keep_signals, run,
};
