//! Caches that lie in Redis, or Valkey, instead of shared memory.
//!
//! In: where Redis is ([`Settings`]), and a [`Call`] of one of a process's [`Line`]s. Out: a descriptor that becomes readable
//! when the answer is there ([`Remote::take`]). Whoever calls waits for nothing: each line has a thread that does the
//! waiting, and a connection that it opens when it is needed, and opens anew when it is lost.
//!
//! What was read may be kept as a copy in shared memory for a time (`near`). A write by any process of this server makes
//! the copies of that key bad before it returns ([`goherd_shm::marks`]).
//!
//! LIFECYCLE of a line: idle ──ask──▸ asked ──its thread──▸ working ──▸ answered ──take, next ask──▸ …

#![forbid(unsafe_code)]

mod call;
mod command;
mod health;
mod line;
mod link;
mod near;
mod remote;
mod settings;

pub use call::{Answer, Call, Failure, Reason};
pub use near::Near;
pub use remote::{AskError, Remote};
pub use settings::{Certificates, Place, Settings};
