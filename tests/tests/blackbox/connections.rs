//! Connections: kept, shared by several requests, cut into pieces, given up.

use goherd_tests::{Client, Scratch, Toolchain, with_both_toolchains};

use crate::probe;

with_both_toolchains!(
    a_half_closed_client_gets_all_of_a_long_answer,
    a_connection_is_kept_for_many_requests,
    pipelined_requests_are_answered_in_their_order,
    pipelined_requests_with_bodies_are_answered_in_their_order,
    a_request_may_come_byte_by_byte,
    close_is_honoured,
    a_1_0_connection_is_kept_only_when_asked_for,
    a_client_that_has_ended_its_side_is_answered,
    a_body_that_nobody_read_does_not_poison_the_next_request,
    a_large_body_that_nobody_reads_ends_the_connection_after_the_answer,
    many_clients_that_leave_at_once_do_not_stop_the_others,
    a_handler_learns_that_its_client_is_gone,
);

fn a_connection_is_kept_for_many_requests(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let mut client = server.connect();
    let remote = client.get("/request").unwrap().text();
    for _ in 0..200 {
        assert_eq!(client.get("/request").unwrap().text(), remote, "the same connection, so the same port");
    }
}

fn pipelined_requests_are_answered_in_their_order(toolchain: Toolchain) {
    let server = probe(toolchain).goroutines(10).start();
    let mut client = server.connect();
    let requests: String =
        (0..50).map(|n| format!("GET /request?n={n} HTTP/1.1\r\nHost: test\r\n\r\n")).collect();
    client.send(requests).unwrap();
    for n in 0..50 {
        let told = client.receive().unwrap().text();
        assert!(told.starts_with(&format!("GET /request?n={n} HTTP/1.1")), "answer {n} is {told}");
    }
}

fn pipelined_requests_with_bodies_are_answered_in_their_order(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let mut client = server.connect();
    let post = |path: &str, body: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    let requests =
        [post("/echo", "one"), post("/ignore", "GET /pid HTTP/1.1\r\n\r\n"), post("/echo", "three")];
    client.send(requests.concat()).unwrap();
    let answers: Vec<_> = (0..3).map(|_| client.receive().unwrap().text()).collect();
    assert_eq!(answers, ["one", "not read", "three"]);
}

fn a_request_may_come_byte_by_byte(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let request = b"POST /echo HTTP/1.1\r\nHost: test\r\nX-Field: value\r\nContent-Length: 4\r\n\r\nbody";
    for cut in 1..request.len() {
        let mut client = server.connect();
        client.send(&request[..cut]).unwrap();
        client.send(&request[cut..]).unwrap();
        assert_eq!(client.receive().unwrap().text(), "body", "cut at {cut}");
    }
    let mut client = server.connect();
    for byte in request {
        client.send([*byte]).unwrap();
    }
    assert_eq!(client.receive().unwrap().text(), "body");
}

fn close_is_honoured(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").unwrap();
    let answer = client.receive().unwrap();
    assert_eq!(
        (answer.text().as_str(), answer.field("Connection")),
        ("hello from the probe\n", Some("close"))
    );
    assert_eq!(client.receive_to_end().unwrap(), b"");
}

fn a_1_0_connection_is_kept_only_when_asked_for(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let mut client = server.connect();
    client.send("GET / HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!(client.receive().unwrap().text(), "hello from the probe\n");
    assert_eq!(client.receive_to_end().unwrap(), b"");
    let mut client = server.connect();
    for _ in 0..2 {
        client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").unwrap();
        let answer = client.receive().unwrap();
        assert_eq!(answer.text(), "hello from the probe\n");
        assert!(answer.field("Connection").is_some_and(|value| value.eq_ignore_ascii_case("keep-alive")));
    }
}

fn a_client_that_has_ended_its_side_is_answered(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    client.end_sending().unwrap();
    assert_eq!(client.receive().unwrap().text(), "hello from the probe\n");
    assert_eq!(client.receive_to_end().unwrap(), b"");
}

fn post_and_get(client: &mut Client, length: usize) {
    let answer = client.post("/ignore", &b"GET /pid HTTP/1.1\r\n\r\n".repeat(length / 21)).unwrap();
    assert_eq!(answer.text(), "not read");
    assert_eq!(client.get("/").unwrap().text(), "hello from the probe\n");
}

fn a_body_that_nobody_read_does_not_poison_the_next_request(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let mut client = server.connect();
    for length in [21, 4_200, 100_800, 252_000] {
        post_and_get(&mut client, length);
    }
}

fn a_large_body_that_nobody_reads_ends_the_connection_after_the_answer(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let mut client = server.connect();
    client
        .send("POST /ignore HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000000\r\n\r\nonly this")
        .unwrap();
    let answer = client.receive().unwrap();
    assert_eq!((answer.text().as_str(), answer.field("Connection")), ("not read", Some("close")));
    assert_eq!(client.receive_to_end().unwrap(), b"");
    assert_eq!(server.text("/"), "hello from the probe\n");
}

fn many_clients_that_leave_at_once_do_not_stop_the_others(toolchain: Toolchain) {
    let server = probe(toolchain).goroutines(4).start();
    for _ in 0..5 {
        let mut clients: Vec<_> = (0..64).map(|_| server.connect()).collect();
        for client in &mut clients {
            assert_eq!(client.get("/").unwrap().status, 200);
        }
        drop(clients);
        let mut clients: Vec<_> = (0..64).map(|_| server.connect()).collect();
        for client in &mut clients {
            client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
        }
        for client in &mut clients {
            assert_eq!(client.receive().unwrap().status, 200);
        }
    }
}

fn a_handler_learns_that_its_client_is_gone(toolchain: Toolchain) {
    let (server, scratch) = (probe(toolchain).start(), Scratch::new());
    let mut client = server.connect();
    let file = scratch.text("gone");
    client.send(format!("GET /until-gone?file={file} HTTP/1.1\r\nHost: test\r\n\r\n")).unwrap();
    scratch.wait_for("gone.entered");
    assert!(!scratch.path("gone").exists());
    drop(client);
    scratch.wait_for("gone");
}

fn a_half_closed_client_gets_all_of_a_long_answer(toolchain: Toolchain) {
    const LENGTH: usize = 20_000_000;
    let server = probe(toolchain).goroutines(4).start();
    let mut client = server.connect();
    client.send(format!("GET /big?n={LENGTH} HTTP/1.1\r\nHost: test\r\n\r\n")).unwrap();
    client.end_sending().unwrap();
    assert_eq!(server.text("/"), "hello from the probe\n");
    assert_eq!(client.receive().unwrap().body.len(), LENGTH);
}
