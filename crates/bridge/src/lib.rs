//! Where Rust meets Go: the C ABI that the Go package `uwsgi` calls, and the loading and starting of both toolchains.
//!
//! In: the path of a library ([`inspect()`], before the first fork) and a [`Context`] ([`install`], after it). Out: a Go
//! runtime at work in this process ([`load::start`]), which calls back through [`abi`], [`shared`], [`signals`],
//! [`peers`], [`spool`], [`remote`] and [`status`].
//!
//! Invariants: no call from Go into Rust blocks but for a lock that is held for one step, and none calls back into Go. What crosses is integers and borrowed
//! bytes: Go keeps no address of Rust's beyond the call that follows, and Rust keeps none of Go's beyond the call.
//!
//! # Safety
//!
//! One of the three crates that may hold `unsafe`: it believes what Go passes (addresses with their lengths) and what
//! the loader finds (symbols with the types that both toolchains give them).

pub mod abi;
mod context;
mod gccgo;
pub mod inspect;
pub mod load;
pub mod peers;
pub mod remote;
pub mod shared;
pub mod signals;
pub mod spool;
pub mod status;

pub use context::{Context, Host, Post, Remotes, Share, Taking, install};
pub use gccgo::GCCGO;
pub use inspect::{Findings, Inspection, Server, Toolchain, examine, inspect};
pub use load::{App, LoadError, Started, missing};
pub use spool::Spools;
