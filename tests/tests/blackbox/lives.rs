//! How long workers live and how many there are: lifetimes, memory, load, idleness.

use goherd_tests::{Habit, Server, Toolchain, Traffic, eventually, with_both_toolchains};

use crate::probe;
use crate::reloads::HABITS;

with_both_toolchains!(
    workers_are_replaced_after_so_many_requests_and_none_is_lost,
    workers_that_have_lived_long_enough_are_replaced_and_no_request_is_lost,
    workers_that_hold_too_much_memory_are_replaced_and_no_request_is_lost,
    workers_follow_the_load,
    without_requests_there_are_no_workers_until_one_comes,
);

/// Waits until there are so many workers.
fn wait_for_workers(server: &Server, count: usize) {
    eventually(&format!("there are {count} workers"), || (server.worker_pids().len() == count).then_some(()));
}

/// Has the server replace workers under load, so many times.
fn replaced_under_load(server: &Server, times: usize) {
    let traffic = Traffic::begin(&server.address(), &HABITS);
    server.wait_for_lines(", which was to go, has finished after ", times);
    let tally = traffic.end();
    assert!(tally.missed.is_empty() && tally.answered > 20, "{tally}\n{}", server.log());
}

fn workers_are_replaced_after_so_many_requests_and_none_is_lost(toolchain: Toolchain) {
    let lives = ["--max-requests", "500", "--max-requests-delta", "250", "--min-worker-lifetime", "0"];
    let server = probe(toolchain).processes(2).goroutines(8).with(lives).start();
    replaced_under_load(&server, 3);
}

fn workers_that_have_lived_long_enough_are_replaced_and_no_request_is_lost(toolchain: Toolchain) {
    let lives =
        ["--min-worker-lifetime", "0", "--max-worker-lifetime", "0.4", "--max-worker-lifetime-delta", "0.1"];
    let server = probe(toolchain).processes(2).goroutines(8).with(lives).start();
    replaced_under_load(&server, 3);
    assert_eq!(server.stop(), 0);
}

fn workers_that_hold_too_much_memory_are_replaced_and_no_request_is_lost(toolchain: Toolchain) {
    for option in ["--reload-on-rss", "--evil-reload-on-rss"] {
        let limit = [option, "1", "--min-worker-lifetime", "0"];
        let server = probe(toolchain).processes(2).goroutines(8).with(limit).start();
        replaced_under_load(&server, 2);
    }
}

fn workers_follow_the_load(toolchain: Toolchain) {
    let cheaper = ["-p", "3", "--cheaper", "1", "--cheaper-step", "1", "--cheaper-overload", "0.5"];
    let server = probe(toolchain).with(cheaper).start();
    wait_for_workers(&server, 1);
    let busy = Traffic::begin(&server.address(), &[Habit::Slow(400); 6]);
    wait_for_workers(&server, 3);
    server.wait_for_log("the load is high: 2 workers instead of 1 (cheaper)");
    let tally = busy.end();
    assert!(tally.missed.is_empty(), "{tally}");
    wait_for_workers(&server, 1);
    server.wait_for_log("the load is low: 1 workers instead of 2 (cheaper)");
    assert_eq!(server.text("/"), "hello from the probe\n");
}

fn without_requests_there_are_no_workers_until_one_comes(toolchain: Toolchain) {
    let server = probe(toolchain).processes(2).goroutines(4).with(["--idle", "0.5"]).start();
    for count in 1..=2 {
        assert_eq!(server.text("/"), "hello from the probe\n");
        wait_for_workers(&server, 0);
        server.wait_for_lines("there was no request for 0.5 s (idle)", count);
    }
    assert_eq!(server.stop(), 0);
}

#[test]
fn busyness_is_another_measure_of_load() {
    let cheaper = ["-p", "2", "--cheaper", "1", "--cheaper-overload", "0.5", "--cheaper-algo", "busyness"];
    let server = probe(Toolchain::Go).goroutines(4).with(cheaper).start();
    wait_for_workers(&server, 1);
    let busy = Traffic::begin(&server.address(), &[Habit::Slow(300); 4]);
    wait_for_workers(&server, 2);
    assert!(busy.end().missed.is_empty());
    wait_for_workers(&server, 1);
}

#[test]
fn a_server_may_end_when_it_is_idle() {
    let server = probe(Toolchain::Go).with(["--idle", "0.5", "--die-on-idle"]).start();
    assert_eq!(server.exit().code(), Some(0));
    server.wait_for_log("there was no request for 0.5 s: ending (die-on-idle)");
    server.wait_until_nobody_is_left();
}

#[test]
fn a_server_that_is_to_end_goes_on_for_its_shutdown_delay() {
    let server = probe(Toolchain::Go).goroutines(4).with(["--shutdown-delay", "60"]).start();
    server.signal(goherd_tests::Signal::TERM);
    server.wait_for_log("ending: taking requests for 60 s more (shutdown-delay)");
    assert_eq!(server.text("/"), "hello from the probe\n");
    assert_eq!(server.stop(), 0, "a second SIGTERM does not wait for the rest");
    server.wait_for_log("finishing: ");
    let server = probe(Toolchain::Go).with(["--shutdown-delay", "0.3"]).start();
    assert_eq!(server.stop(), 0);
}
