//! What the black-box tests are written with: servers to start, applications to build, a client to ask with.
//!
//! In: the server's binary (`GOHERD_BIN`, else `target/release/goherd`) and the Go toolchains at hand. Out: panics that
//! say what was expected and what the server's log holds.
//!
//! Invariant: whatever a test starts has ended, and whatever it wrote is removed, when the test has.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::missing_panics_doc, reason = "all of this is a test")]

mod apps;
mod client;
mod front;
mod launch;
pub mod limit;
mod nginx;
mod place;
mod process;
mod program;
mod redis;
mod scratch;
mod server;
mod shapes;
mod toolchain;
mod traffic;
mod wait;

pub use apps::{app, app_of, c_library, program};
pub use client::{Address, Answer, Client};
pub use front::{Front, uwsgi};
pub use launch::{Failure, Launch, launch};
pub use nginx::Nginx;
pub use place::Place;
pub use process::{Process, kill};
pub use program::Program;
pub use redis::{Redis, RedisPort};
pub use scratch::{Scratch, renamed};
pub use server::Server;
pub use shapes::{
    Shape, all_by_gccgo_called, copy_source, installed, launch_of, library_of_version, shaped, shaped_by,
    shaped_by_gccgo, shaped_by_gccgo_called,
};
pub use toolchain::{Toolchain, every_go, skip, skip_for_want_of, with_every_go};
pub use traffic::{Habit, Miss, Tally, Traffic};
pub use wait::{DEADLINE, eventually, eventually_or};

pub use rustix::process::Signal;

/// Makes two tests of each function named, one with each toolchain.
#[macro_export]
macro_rules! with_both_toolchains {
    ($($name:ident),+ $(,)?) => {
        mod go {
            $(#[test] fn $name() { $crate::Toolchain::Go.run(super::$name); })+
        }
        mod gccgo {
            $(#[test] fn $name() { $crate::Toolchain::Gccgo.run(super::$name); })+
        }
    };
}
