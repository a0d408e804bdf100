//! The black-box tests: one module for each thing that Goherd promises.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "all of this is a test"
)]

mod application;
mod bad_input;
mod bad_library;
mod commands;
mod commons;
mod concurrency;
mod connections;
mod crashes;
mod deploys;
mod endings;
mod family;
mod faults;
mod first_request;
mod fronts;
mod handlers;
mod harakiri;
mod inherited;
mod limits;
mod lives;
mod messages;
mod monoliths;
mod mules;
mod nginx;
mod notices;
mod packaging;
mod privileges;
mod readme;
mod redis;
mod reloads;
mod service;
mod services;
mod shapes;
mod signals;
mod sockets;
mod spooler;
mod standalone;
mod status;
mod tools;
mod upgrades;

use goherd_tests::{Launch, Scratch, Server, Toolchain, app, launch};

/// A server for the probe, with its defaults: one worker, one request at a time.
fn probe(toolchain: Toolchain) -> Launch {
    launch().on_loopback().load(&app(toolchain, "probe"))
}

/// Starts a request that stays in its handler until the file `name` is written, and waits until it is there.
fn hold(server: &Server, scratch: &Scratch, name: &str) -> goherd_tests::Client {
    let mut client = server.connect();
    let file = scratch.text(name);
    client.send(format!("GET /until?file={file} HTTP/1.1\r\nHost: test\r\n\r\n")).unwrap();
    scratch.wait_for(&format!("{name}.entered"));
    client
}
