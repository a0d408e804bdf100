//! Every byte that two processes share.
//!
//! In: sizes, before the first fork. Out: safe handles on shared atomics, and the messages between master and worker. The
//! memory is a memfd made by `sys`; it holds integers alone, never a pointer, so it means the same at any address and in
//! any process. Lock-free atomics are address-free, hence valid between processes.
//!
//! A process that is killed at any instruction leaves every word whole, but perhaps a structure half changed. Readers of
//! structures rely on no writer's coming to its end; the next writer puts right what the dead one left.
//!
//! # Safety
//!
//! One of the three crates that may hold `unsafe`: it lays atomics over mapped bytes, in `scoreboard` and `region`.

#![cfg_attr(loom, allow(dead_code, unused_imports, reason = "the model is of lock and cache alone"))]

mod atomic;
#[cfg(not(loom))]
mod birth;
pub mod cache;
#[cfg(not(loom))]
pub mod commons;
pub mod inboxes;
mod lock;
#[cfg(not(loom))]
pub mod locks;
#[cfg(not(loom))]
pub mod marks;
pub mod message;
#[cfg(not(loom))]
pub mod metrics;
#[cfg(not(loom))]
pub mod names;
#[cfg(not(loom))]
pub mod once;
mod region;
pub mod scoreboard;
pub mod seats;
#[cfg(not(loom))]
pub mod signals;
#[cfg(not(loom))]
pub mod store;

#[cfg(not(loom))]
pub use birth::{Birth, Role, Who};
pub use cache::Cache;
#[cfg(not(loom))]
pub use commons::Commons;
pub use inboxes::Inboxes;
pub use lock::Taken;
#[cfg(not(loom))]
pub use locks::Locks;
#[cfg(not(loom))]
pub use marks::Marks;
pub use message::{ToMaster, ToWorker};
#[cfg(not(loom))]
pub use metrics::Metrics;
#[cfg(not(loom))]
pub use once::Once;
pub use region::AdoptError;
pub use scoreboard::{Deeds, LINES, Phase, Scoreboard, Slot};
pub use seats::{Life, Seat, Seats};
#[cfg(not(loom))]
pub use signals::Signals;
