//! Every byte that two processes share.
//!
//! In: sizes, before the first fork. Out: safe handles on shared atomics, and the messages between master and worker. The memory is a memfd made by `sys`; it holds
//! integers alone, never a pointer, so it means the same at any address and in any process. Lock-free atomics are
//! address-free, hence valid between processes; a process that is killed at any instruction leaves them whole.
//!
//! # Safety
//!
//! One of the three crates that may hold `unsafe`: it lays typed atomics over mapped bytes.

mod birth;
pub mod message;
pub mod scoreboard;

pub use birth::Birth;
pub use message::{ToMaster, ToWorker};
pub use scoreboard::{LINES, Phase, Scoreboard, Slot};
