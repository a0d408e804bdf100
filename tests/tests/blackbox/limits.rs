//! Limits: how much a peer may send, how long it may take, how many there may be; each answers as documented.

use goherd_tests::{Client, Front, Launch, Process, Scratch, Toolchain, launch, with_both_toolchains};

use crate::messages::refused;
use crate::{hold, probe};

with_both_toolchains!(
    a_body_that_is_too_long_is_refused,
    a_head_that_comes_too_slowly_gets_a_408,
    a_body_that_comes_too_slowly_gets_a_408,
    a_client_that_is_slow_but_moves_is_not_given_up,
    an_answer_that_nobody_takes_is_given_up,
    an_idle_connection_is_ended,
    the_last_request_of_a_connection_says_so,
    a_connection_too_many_waits_until_another_ends,
    idle_connections_make_room,
    a_web_server_that_stalls_is_given_up,
);

/// A server without an application, which answers 404.
fn bare(args: &[&str]) -> Launch {
    launch().on_loopback().with(args)
}

fn get(target: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: test\r\n{fields}\r\n")
}

fn answered(server: &goherd_tests::Server, request: &str) {
    let mut client = server.connect();
    client.send(request).unwrap();
    assert_eq!(client.receive().unwrap().status, 404);
}

#[test]
fn a_request_line_that_is_too_long_is_refused() {
    let server = bare(&["--limit-request-line", "200"]).start();
    let target = |length: usize| format!("/{}", "x".repeat(length - "GET / HTTP/1.1".len()));
    answered(&server, &get(&target(200), ""));
    refused(&server, &get(&target(201), ""), 414);
}

#[test]
fn more_fields_than_allowed_are_refused() {
    let server = bare(&["--limit-request-fields", "3"]).start();
    answered(&server, &get("/", &"A: b\r\n".repeat(2)));
    refused(&server, &get("/", &"A: b\r\n".repeat(3)), 431);
    let many = bare(&["--limit-request-fields", "1000"]).start();
    answered(&many, &get("/", &"A: b\r\n".repeat(999)));
    refused(&many, &get("/", &"A: b\r\n".repeat(1000)), 431);
}

#[test]
fn a_field_that_is_too_long_is_refused() {
    let server = bare(&["--limit-request-field-size", "128"]).start();
    let field = |length: usize| format!("A: {}\r\n", "x".repeat(length - 1));
    answered(&server, &get("/", &field(128)));
    refused(&server, &get("/", &field(129)), 431);
}

#[test]
fn a_head_that_is_too_long_is_refused() {
    let server = bare(&["--buffer-size", "1024"]).start();
    let head =
        |length: usize| get("/", &format!("A: {}\r\n", "x".repeat(length - get("/", "A: \r\n").len())));
    answered(&server, &head(1024));
    refused(&server, &head(1025), 431);
}

#[test]
fn a_large_head_is_taken_where_it_is_allowed() {
    Toolchain::Go.run(|toolchain| {
        let sizes = ["--buffer-size", "1048576", "--limit-request-field-size", "1048576"];
        let server = probe(toolchain).with(sizes).with(["--limit-request-line", "1048576"]).start();
        let mut client = server.connect();
        client.send(get("/headers", &format!("X-Long: {}\r\n", "x".repeat(1_000_000)))).unwrap();
        assert!(client.receive().unwrap().body.len() > 1_000_000);
        client.send(get(&format!("/request?{}", "x".repeat(1_000_000)), "")).unwrap();
        assert!(client.receive().unwrap().body.len() > 1_000_000);
    });
}

#[test]
fn variables_that_are_too_long_are_refused() {
    for front in Front::ALL {
        let server = launch().with([front.option(), "127.0.0.1:0", "-b", "1024"]).start();
        let mut client = server.connect();
        client.send(front.request("GET", &format!("/?{}", "x".repeat(2000)), b"")).unwrap();
        let received = client.receive_to_end().unwrap_or_default();
        match front {
            Front::FastCgi => assert_eq!(front.unpack(&received).status, 431),
            Front::Uwsgi | Front::Scgi => assert_eq!(received, b"", "{front:?}"),
        }
        server.wait_for_log("refused a request over ");
        let mut client = server.connect();
        client.send(front.request("GET", "/", b"")).unwrap();
        assert_eq!(front.unpack(&client.receive_to_end().unwrap()).status, 404, "{front:?}");
    }
}

fn post(path: &str, framing: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: test\r\n{framing}\r\n\r\n{body}")
}

fn a_body_that_is_too_long_is_refused(toolchain: Toolchain) {
    let server = probe(toolchain).with(["--limit-post", "10"]).start();
    let mut client = server.connect();
    assert_eq!(client.post("/echo", b"0123456789").unwrap().text(), "0123456789");
    client
        .send(post("/echo", "Transfer-Encoding: chunked", "5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n"))
        .unwrap();
    assert_eq!(client.receive().unwrap().text(), "0123456789");
    refused(&server, &post("/exit?code=9", "Content-Length: 11", "0123456789a"), 413);
    refused(
        &server,
        &post("/echo", "Transfer-Encoding: chunked", "5\r\n01234\r\n6\r\n56789a\r\n0\r\n\r\n"),
        413,
    );
    refused(&server, &post("/echo", "Transfer-Encoding: chunked", "fffffffff\r\n0123456789a"), 413);
    assert_eq!(server.text("/"), "hello from the probe\n");
}

fn a_head_that_comes_too_slowly_gets_a_408(toolchain: Toolchain) {
    let server = probe(toolchain).with(["--http-headers-timeout", "0.3"]).start();
    refused(&server, "GET / HTTP/1.1\r\nHost: te", 408);
    let mut silent = server.connect();
    assert_eq!(silent.receive_to_end().unwrap(), b"", "who says nothing gets no answer");
    let mut kept = server.connect();
    assert_eq!(kept.get("/").unwrap().status, 200);
    kept.send("GET / HT").unwrap();
    assert_eq!(kept.receive().unwrap().status, 408);
    assert_eq!(server.text("/sleep?ms=600"), "slept", "handlers may take their time");
}

fn a_body_that_comes_too_slowly_gets_a_408(toolchain: Toolchain) {
    let server = probe(toolchain).with(["--http-timeout", "0.3"]).start();
    refused(&server, &post("/echo", "Content-Length: 10", "012"), 408);
    refused(&server, &post("/echo", "Transfer-Encoding: chunked", "5\r\n012"), 408);
    assert_eq!(server.text("/sleep?ms=600"), "slept");
}

fn a_client_that_is_slow_but_moves_is_not_given_up(toolchain: Toolchain) {
    let server = probe(toolchain).with(["--http-timeout", "1"]).start();
    let mut client = server.connect();
    client.send(post("/echo", "Content-Length: 20000", "")).unwrap();
    for _ in 0..20 {
        client.send("x".repeat(1000)).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(60)); // longer than the limit in all
    }
    assert_eq!(client.receive().unwrap().body.len(), 20_000);
}

fn an_answer_that_nobody_takes_is_given_up(toolchain: Toolchain) {
    let server = probe(toolchain).with(["--http-timeout", "0.3"]).start();
    let mut client = server.connect();
    client.send(get("/big?n=100000000", "")).unwrap();
    assert_eq!(client.receive_head().unwrap().status, 200);
    assert_eq!(server.text("/"), "hello from the probe\n", "the one core is free again");
    assert!(!matches!(client.receive_to_end(), Ok(rest) if rest.len() >= 100_000_000));
}

fn an_idle_connection_is_ended(toolchain: Toolchain) {
    let server = probe(toolchain).with(["--http-keepalive=0.3"]).start();
    let mut client = server.connect();
    assert_eq!(client.get("/sleep?ms=600").unwrap().text(), "slept");
    assert_eq!(client.receive_to_end().unwrap(), b"");
}

fn the_last_request_of_a_connection_says_so(toolchain: Toolchain) {
    let server = probe(toolchain).with(["--http-keepalive-requests", "3"]).start();
    let mut client = server.connect();
    for _ in 0..2 {
        assert_eq!(client.get("/").unwrap().field("Connection"), None);
    }
    assert_eq!(client.get("/").unwrap().field("Connection"), Some("close"));
    assert_eq!(client.receive_to_end().unwrap(), b"");
}

fn a_connection_too_many_waits_until_another_ends(toolchain: Toolchain) {
    let (server, scratch) =
        (probe(toolchain).goroutines(3).with(["--max-connections", "2"]).start(), Scratch::new());
    let [first, mut second] = ["first", "second"].map(|name| hold(&server, &scratch, name));
    let mut waiting = server.connect();
    waiting.send(get("/", "")).unwrap();
    drop(first);
    scratch.write("first", "");
    assert_eq!(waiting.receive().unwrap().text(), "hello from the probe\n");
    scratch.write("second", "");
    assert_eq!(second.receive().unwrap().text(), "let go", "the others go on");
    drop((second, waiting));
    assert_eq!(server.text("/"), "hello from the probe\n");
}

/// Whoever keeps connections without using them keeps nobody out.
fn idle_connections_make_room(toolchain: Toolchain) {
    let server = probe(toolchain).goroutines(4).with(["--max-connections", "4"]).start();
    let mut idle = [(); 3].map(|()| server.connect());
    for client in &mut idle {
        assert_eq!(client.get("/").unwrap().status, 200);
    }
    let scratch = Scratch::new();
    let mut held = hold(&server, &scratch, "held");
    assert_eq!(server.text("/"), "hello from the probe\n");
    for client in &mut idle {
        assert_eq!(client.receive_to_end().unwrap(), b"");
    }
    scratch.write("held", "");
    assert_eq!(held.receive().unwrap().text(), "let go");
}

fn a_web_server_that_stalls_is_given_up(toolchain: Toolchain) {
    for front in Front::ALL {
        let server = launch()
            .load(&goherd_tests::app(toolchain, "probe"))
            .with([front.option(), "127.0.0.1:0", "--socket-timeout", "0.3", "--http-headers-timeout", "0.3"])
            .start();
        let request = front.request("POST", "/echo", &[b'x'; 100]);
        let mut client = server.connect();
        client.send(&request[..request.len() - 50]).unwrap();
        assert_eq!(front.unpack(&client.receive_to_end().unwrap()).status, 408, "{front:?}");
        let mut client = server.connect();
        client.send(&request[..10]).unwrap();
        assert_eq!(client.receive_to_end().unwrap(), b"", "{front:?}");
    }
}

#[test]
fn no_limit_is_none() {
    Toolchain::Go.run(|toolchain| {
        let times = ["--http-headers-timeout=0", "--http-timeout=0", "--http-keepalive=0", "--limit-post=0"];
        let server = probe(toolchain).goroutines(2).with(times).start();
        let mut client = server.connect();
        for part in ["POST /echo HTT", "P/1.1\r\nHost: test\r\nContent-Length: 6\r\n\r\nabc", "def"] {
            client.send(part).unwrap();
            assert_eq!(server.text("/sleep?ms=50"), "slept");
        }
        assert_eq!(client.receive().unwrap().text(), "abcdef");
    });
}

fn descriptors(process: Process) -> (String, String) {
    let limits = process.file("limits");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    (words[3].to_owned(), words[4].to_owned())
}

#[test]
fn descriptors_are_as_many_as_max_fd_says() {
    let server = bare(&["--max-fd", "300"]).start();
    for pid in server.worker_pids().into_iter().chain([server.master_pid()]) {
        let process = Process::find(pid).unwrap();
        assert_eq!(descriptors(process), ("300".to_owned(), "300".to_owned()));
    }
    let raised = bare(&[]).start();
    let (soft, hard) = descriptors(Process::find(raised.worker_pids()[0]).unwrap());
    assert_eq!(soft, hard, "without the option all that the user may have");
}

#[test]
fn more_than_there_can_be_is_told() {
    bare(&["--max-fd", "1073741824"])
        .failure()
        .is_one_line_with(&["max-fd: cannot have 1073741824", "ulimit -Hn"]);
    let few = ["--max-fd", "300", "--max-connections", "300"];
    bare(&few).failure().is_one_line_with(&[
        "max-connections: 300 connections",
        "300 descriptors",
        "raise max-fd",
    ]);
    bare(&few).with(["--check"]).failure().is_one_line_with(&["max-connections: 300"]);
}

#[test]
fn connections_that_want_for_descriptors_wait() {
    for connections in [48, 63] {
        let server = bare(&["--max-fd", "64", "--max-connections", &connections.to_string()]).start();
        let clients: Vec<Client> = (0..100).map(|_| server.connect()).collect();
        for mut client in clients {
            assert_eq!(client.get("/").unwrap().status, 404);
        }
    }
}
