//! A worker's life: from the fork to the last answer.
//!
//! In: what it was born with ([`Birth`](goherd_shm::Birth)) and what all workers are like ([`Settings`]). Out: nothing; it returns
//! only to let the program around go on, if that is the application. It drops privileges, makes its reactor, loads the
//! application and serves; it drains when the master says so, when the master is gone, or when a handler does not return.
//!
//! LIFECYCLE: starting ──`uwsgi.Run()`, or native loop──▸ ready ──drain order, master gone, or stuck──▸ draining ──▸ exit 0

#![forbid(unsafe_code)]

mod confinement;
mod crew;
mod duty;
mod host;
mod inbox;
mod life;
mod native;
mod post;
mod services;
mod spool;
mod watch;

pub use confinement::Confinement;
pub use goherd_proto::Protocol;
pub use goherd_reactor::{Limits, Times};
pub use life::{DoorSettings, Settings, run};
pub use spool::SpoolSettings;
