//! Handlers that take too long: their clients are answered, their neighbours are served, and a worker that has one which
//! never returns is replaced.

use goherd_tests::{Client, Launch, Scratch, Server, Toolchain, eventually, with_both_toolchains};

use crate::probe;

with_both_toolchains!(
    a_handler_that_computes_for_ever_costs_its_neighbours_nothing,
    a_handler_that_waits_for_a_lock_for_ever_costs_its_neighbours_nothing,
    a_handler_that_sleeps_for_ever_costs_its_neighbours_nothing,
    a_handler_that_waits_for_nothing_costs_its_neighbours_nothing,
    a_worker_in_which_no_goroutine_runs_any_more_is_replaced,
    a_worker_with_one_goroutine_is_replaced_and_who_waits_for_it_is_told,
    a_handler_that_heeds_its_context_costs_a_request_and_no_worker,
    an_answer_that_has_begun_is_cut_off,
    a_body_that_is_waited_for_is_waited_for_no_longer,
    handlers_may_have_more_time_or_less_or_all,
);

/// A server whose handlers have one second, and half a second to notice that it is over.
fn strict(toolchain: Toolchain) -> Launch {
    probe(toolchain).with(["--harakiri", "1", "--harakiri-grace", "0.5"])
}

/// The same, and they have as long to notice it as a busy machine may need.
fn lenient(toolchain: Toolchain) -> Launch {
    probe(toolchain).with(["--harakiri", "1", "--harakiri-grace", "60"])
}

/// Starts a request for `path`, whose handler makes `name` with the ending "entered", and waits until it has.
fn enter(server: &Server, scratch: &Scratch, name: &str, path: &str) -> Client {
    let mut client = server.connect();
    let file = scratch.text(name);
    let and = if path.contains('?') { '&' } else { '?' };
    client.send(format!("GET {path}{and}file={file} HTTP/1.1\r\nHost: test\r\n\r\n")).unwrap();
    scratch.wait_for(&format!("{name}.entered"));
    client
}

/// Receives a 504, after which the connection ends.
fn receive_504(mut client: Client) {
    let answer = client.receive().unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (504, "504: the request took too long\n"));
    assert_eq!(answer.field("Connection"), Some("close"));
    assert_eq!(client.receive_to_end().unwrap(), b"");
}

fn with_63_neighbours(toolchain: Toolchain, how: &str) {
    // gccgo cannot stop a goroutine that computes, so a collection would stop all the others for ever.
    let launch = strict(toolchain).goroutines(64).with(["--env", "GOGC=off"]);
    let (server, scratch) = (launch.start(), Scratch::new());
    let worker = server.worker_pids();
    let names: Vec<String> = (0..63).map(|number| format!("good{number}")).collect();
    let good: Vec<Client> =
        names.iter().map(|name| enter(&server, &scratch, name, "/limited?ms=60000")).collect();
    let stuck = enter(&server, &scratch, "stuck", &format!("/stuck?how={how}"));
    receive_504(stuck);
    let late = server.wait_for_log("harakiri: ");
    assert!(late.contains("goherd: worker 1: harakiri: core "), "{late}");
    assert!(late.contains(&format!(" has handled \"GET /stuck?how={how}&file=")), "{late}");
    assert!(late.ends_with(" ms: answered 504 in its stead"), "{late}");
    server.wait_for_log("and does not return: this worker takes nothing new");
    server.wait_for_log("has a handler that does not return: replacing it while its other requests finish");
    assert_eq!(server.get("/").status, 200, "nobody has to wait for the neighbours");
    assert!(server.worker_pids().contains(&worker[0]), "the neighbours are at work");
    for name in &names {
        scratch.write(name, "");
    }
    for mut client in good {
        let answer = client.receive().unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, "true"));
    }
    if toolchain == Toolchain::Go {
        server.wait_for_log("what all goroutines do:");
        server.wait_for_log("main.stuck(");
    }
    is_replaced(&server, &worker);
}

fn is_replaced(server: &Server, workers: &[u32]) {
    eventually("the worker is replaced", || {
        let now = server.worker_pids();
        (now.len() == 1 && !workers.contains(&now[0])).then_some(())
    });
    assert_eq!(server.get("/").status, 200);
}

fn a_handler_that_computes_for_ever_costs_its_neighbours_nothing(toolchain: Toolchain) {
    with_63_neighbours(toolchain, "loop");
}

fn a_handler_that_waits_for_a_lock_for_ever_costs_its_neighbours_nothing(toolchain: Toolchain) {
    with_63_neighbours(toolchain, "lock");
}

fn a_handler_that_sleeps_for_ever_costs_its_neighbours_nothing(toolchain: Toolchain) {
    with_63_neighbours(toolchain, "sleep");
}

fn a_handler_that_waits_for_nothing_costs_its_neighbours_nothing(toolchain: Toolchain) {
    with_63_neighbours(toolchain, "select");
}

fn a_worker_in_which_no_goroutine_runs_any_more_is_replaced(toolchain: Toolchain) {
    let launch = strict(toolchain).goroutines(8).with(["--env", "GOMAXPROCS=2"]);
    let (server, scratch) = (launch.start(), Scratch::new());
    let worker = server.worker_pids();
    let spinning: Vec<Client> =
        ["a", "b"].map(|name| enter(&server, &scratch, name, "/stuck?how=loop")).into();
    spinning.into_iter().for_each(receive_504);
    let stacks = match toolchain {
        Toolchain::Go => "main.stuck(",
        Toolchain::Gccgo => "no goroutine gets to run, so it cannot be told what they are doing",
    };
    server.wait_for_log(stacks);
    is_replaced(&server, &worker);
}

fn a_worker_with_one_goroutine_is_replaced_and_who_waits_for_it_is_told(toolchain: Toolchain) {
    let (server, scratch) = (strict(toolchain).start(), Scratch::new());
    let worker = server.worker_pids();
    let mut waiting = server.connect();
    assert_eq!(waiting.get("/").unwrap().status, 200);
    let stuck = enter(&server, &scratch, "stuck", "/stuck?how=select");
    waiting.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    receive_504(stuck);
    assert_eq!(waiting.receive().unwrap().status, 503);
    server.wait_for_log("what all goroutines do:");
    is_replaced(&server, &worker);
}

fn a_handler_that_heeds_its_context_costs_a_request_and_no_worker(toolchain: Toolchain) {
    let (server, scratch) = (lenient(toolchain).start(), Scratch::new());
    let worker = server.worker_pids();
    receive_504(enter(&server, &scratch, "late", "/until-gone"));
    scratch.wait_for("late"); // its context is cancelled
    receive_504(enter(&server, &scratch, "again", "/until-gone"));
    assert_eq!(server.get("/").status, 200);
    assert_eq!((server.worker_pids(), server.lines_with("does not return")), (worker, 0));
}

fn an_answer_that_has_begun_is_cut_off(toolchain: Toolchain) {
    let (server, scratch) = (lenient(toolchain).start(), Scratch::new());
    let mut client = server.connect();
    let file = scratch.text("failed");
    client.send(format!("GET /drip?file={file} HTTP/1.1\r\nHost: test\r\n\r\n")).unwrap();
    assert_eq!(client.receive_head().unwrap().status, 200);
    let cut = loop {
        match client.receive_chunk() {
            Ok(chunk) => assert_eq!(chunk, b"drop\n"),
            Err(error) => break error,
        }
    };
    assert!(!format!("{cut}").contains("chunk"), "{cut}");
    scratch.wait_for("failed"); // its writing has
    let line = server.wait_for_log("harakiri: ");
    assert!(line.ends_with(" ms: cut its answer off"), "{line}");
    assert_eq!((server.get("/").status, server.lines_with("does not return")), (200, 0));
}

fn a_body_that_is_waited_for_is_waited_for_no_longer(toolchain: Toolchain) {
    let (server, scratch) = (lenient(toolchain).start(), Scratch::new());
    let mut client = server.connect();
    let file = scratch.text("entered");
    client
        .send(format!("POST /echo?entered={file} HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\nhalf"))
        .unwrap();
    scratch.wait_for("entered");
    receive_504(client);
    let line = server.wait_for_log("harakiri: ");
    assert!(line.contains("\"POST /echo?entered="), "{line}");
    assert_eq!((server.get("/").status, server.lines_with("does not return")), (200, 0));
}

fn handlers_may_have_more_time_or_less_or_all(toolchain: Toolchain) {
    let (server, scratch) = (lenient(toolchain).goroutines(8).start(), Scratch::new());
    let mut patient: Vec<Client> = [("more", "60000"), ("all", "0")]
        .map(|(name, ms)| enter(&server, &scratch, name, &format!("/limited?ms={ms}")))
        .into();
    let less = enter(&server, &scratch, "less", "/limited?ms=1");
    receive_504(less);
    scratch.write("less", "");
    receive_504(enter(&server, &scratch, "late", "/until-gone")); // the second is over
    for (client, name) in patient.iter_mut().zip(["more", "all"]) {
        scratch.write(name, "");
        let answer = client.receive().unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, "true"));
    }
}
