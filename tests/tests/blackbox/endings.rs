//! How a server ends: with what is under way, at once, or with its master killed; nobody is left in any case.

use std::net::TcpListener;

use goherd_tests::{Process, Scratch, Signal, Toolchain, eventually, launch, with_both_toolchains};

use crate::{hold, probe};

with_both_toolchains!(
    sigterm_lets_requests_under_way_finish,
    sigterm_does_not_wait_for_idle_connections,
    a_second_sigterm_ends_at_once,
    sigint_ends_all_at_once_with_the_children_of_handlers,
    sigquit_ends_all_at_once,
    workers_of_a_killed_master_free_the_port_and_finish_what_is_under_way,
    what_a_starting_worker_of_a_killed_master_has_started_ends_with_it,
    a_worker_without_a_master_has_no_more_time_to_finish_than_with_one,
    a_worker_in_which_no_goroutine_runs_frees_the_port_of_a_killed_master_too,
    a_worker_s_children_end_with_it,
    sigterm_ends_a_server_whose_workers_are_starting,
);

fn sigterm_lets_requests_under_way_finish(toolchain: Toolchain) {
    let (server, scratch) = (probe(toolchain).processes(2).goroutines(4).start(), Scratch::new());
    let mut held = hold(&server, &scratch, "gate");
    server.signal(Signal::TERM);
    server.wait_for_log("finishing: ");
    eventually("the idle worker ends", || (server.workers().len() == 1).then_some(()));
    assert_eq!(server.try_exit(), None, "somebody is still at work");
    scratch.write("gate", "");
    let answer = held.receive().unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "let go"));
    assert_eq!(held.receive_to_end().unwrap(), b"");
    assert_eq!(server.exit().code(), Some(0));
    server.wait_until_nobody_is_left();
}

fn sigterm_does_not_wait_for_idle_connections(toolchain: Toolchain) {
    let server = probe(toolchain).processes(2).goroutines(4).start();
    let mut used = server.connect();
    let _never_used = server.connect();
    let mut half = server.connect();
    half.send("GET / HTT").unwrap();
    assert_eq!(used.get("/").unwrap().status, 200);
    assert_eq!(server.stop(), 0);
    assert_eq!(used.receive_to_end().unwrap(), b"");
    server.wait_for_log("all workers have ended: goodbye (exit code 0)");
}

fn a_second_sigterm_ends_at_once(toolchain: Toolchain) {
    let (server, scratch) = (probe(toolchain).start(), Scratch::new());
    let mut held = hold(&server, &scratch, "never");
    server.signal(Signal::TERM);
    server.wait_for_log("finishing: ");
    assert_eq!(server.stop(), 0);
    assert!(held.receive().is_err());
}

fn sigint_ends_all_at_once_with_the_children_of_handlers(toolchain: Toolchain) {
    let (server, scratch) = (probe(toolchain).processes(2).goroutines(4).start(), Scratch::new());
    let child = server.text("/spawn").parse().unwrap();
    let mut held = hold(&server, &scratch, "never");
    assert!(Process::find(child).is_some());
    assert_eq!(server.family().len(), 4, "the master, two workers and the child: {:?}", server.family());
    assert_eq!(server.end_with(Signal::INT), 0);
    assert_eq!(Process::find(child), None);
    assert!(held.receive().is_err());
}

fn sigquit_ends_all_at_once(toolchain: Toolchain) {
    let (server, scratch) = (probe(toolchain).start(), Scratch::new());
    let _held = hold(&server, &scratch, "never");
    assert_eq!(server.end_with(Signal::QUIT), 0);
}

fn workers_of_a_killed_master_free_the_port_and_finish_what_is_under_way(toolchain: Toolchain) {
    let (server, scratch) = (probe(toolchain).processes(2).goroutines(4).start(), Scratch::new());
    let children = ["/spawn", "/spawn?session=own"].map(|path| server.text(path).parse().unwrap());
    let mut held = hold(&server, &scratch, "gate");
    let port = server.port();
    server.signal(Signal::KILL);
    let _bound_anew = eventually("the port is free", || TcpListener::bind(("127.0.0.1", port)).ok());
    assert!(!server.family().is_empty(), "the worker that holds a request is there still");
    scratch.write("gate", "");
    assert_eq!(held.receive().unwrap().text(), "let go");
    server.wait_until_nobody_is_left();
    assert_eq!(children.map(Process::find), [None, None]);
    server.wait_for_log("the master is gone: finishing what is under way, then ending");
}

fn a_worker_without_a_master_has_no_more_time_to_finish_than_with_one(toolchain: Toolchain) {
    let (server, scratch) = (probe(toolchain).with(["--worker-reload-mercy", "0.3"]).start(), Scratch::new());
    let mut held = hold(&server, &scratch, "never");
    server.signal(Signal::KILL);
    server.wait_until_nobody_is_left();
    server.wait_for_log("still not finished without a master: ending");
    assert!(held.receive().is_err());
}

fn what_a_starting_worker_of_a_killed_master_has_started_ends_with_it(toolchain: Toolchain) {
    let server = probe(toolchain).with(["--env", "PROBE_MAIN=spawn and hang"]).begin();
    server.wait_for_log("probe: started two children");
    assert_eq!(server.family().len(), 4, "{:?}", server.family());
    server.signal(Signal::KILL);
    server.wait_until_nobody_is_left();
}

fn a_worker_in_which_no_goroutine_runs_frees_the_port_of_a_killed_master_too(toolchain: Toolchain) {
    let launch = probe(toolchain).goroutines(4).with(["--env", "GOMAXPROCS=2"]);
    let (server, scratch) = (launch.start(), Scratch::new());
    let port = server.port();
    let _spinning = ["a", "b"].map(|name| {
        let mut client = server.connect();
        let file = scratch.text(name);
        client.send(format!("GET /stuck?how=loop&file={file} HTTP/1.1\r\nHost: test\r\n\r\n")).unwrap();
        scratch.wait_for(&format!("{name}.entered"));
        client
    });
    server.signal(Signal::KILL);
    let _bound_anew = eventually("the port is free", || TcpListener::bind(("127.0.0.1", port)).ok());
}

fn a_worker_s_children_end_with_it(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let child = server.text("/spawn").parse().unwrap();
    assert!(Process::find(child).is_some());
    assert!(server.connect().get("/exit?code=0").is_err());
    eventually("the child of the worker ends", || Process::find(child).is_none().then_some(()));
    server.wait_for_log("exited with code 0");
}

fn sigterm_ends_a_server_whose_workers_are_starting(toolchain: Toolchain) {
    let server = probe(toolchain).processes(3).begin();
    server.wait_for_log(" is starting");
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_server_without_an_application_ends_too() {
    for signal in [Signal::TERM, Signal::INT, Signal::QUIT] {
        let server = launch().on_loopback().processes(2).start();
        let _idle = server.connect();
        assert_eq!(server.end_with(signal), 0);
    }
}
