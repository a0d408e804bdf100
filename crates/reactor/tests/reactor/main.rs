//! The reactor by itself, over real sockets, with the test as its one core.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod exchange;
mod harakiri;
mod protocols;
mod server;
mod services;
mod takeover;
mod times;
