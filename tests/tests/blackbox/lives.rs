//! How long workers live, and that nobody notices when they are replaced.

use goherd_tests::{Toolchain, Traffic, eventually, with_both_toolchains};

use crate::probe;
use crate::reloads::HABITS;

with_both_toolchains!(workers_are_replaced_after_so_many_requests_and_none_is_lost);

fn workers_are_replaced_after_so_many_requests_and_none_is_lost(toolchain: Toolchain) {
    let lives = ["--max-requests", "500", "--max-requests-delta", "250", "--min-worker-lifetime", "0"];
    let server = probe(toolchain).processes(2).goroutines(8).with(lives).start();
    let first = server.worker_pids();
    let traffic = Traffic::begin(&server.address(), &HABITS);
    eventually("both workers are replaced", || {
        server.worker_pids().iter().all(|pid| !first.contains(pid)).then_some(())
    });
    let tally = traffic.end();
    assert!(tally.missed.is_empty() && tally.answered > 0, "{tally}");
}
