//! What handlers can do beyond answering: take connections over, stream, outlive their requests, move what is large.

use std::net::SocketAddr;

use goherd_tests::{
    Address, Client, Launch, Scratch, Server, Signal, Toolchain, app, eventually, launch,
    with_both_toolchains,
};

with_both_toolchains!(
    a_websocket_library_works_unchanged,
    a_connection_that_is_taken_over_is_the_handler_s_alone,
    a_handler_that_took_its_connection_over_is_waited_for,
    events_reach_the_client_while_the_handler_goes_on,
    what_a_handler_leaves_behind_reaches_no_other_answer,
    the_context_ends_with_the_peer_and_with_the_handler,
    deadlines_end_reads_and_writes,
    a_gibibyte_goes_up_in_bounded_memory,
    a_gibibyte_goes_down_in_bounded_memory,
    files_arrive_whole_and_in_ranges,
    the_local_address_is_the_one_that_the_client_has_connected_to,
    a_full_queue_is_told,
    a_panic_beside_a_goroutine_that_writes_costs_one_request,
);

fn server(toolchain: Toolchain) -> Server {
    some(toolchain).start()
}

fn some(toolchain: Toolchain) -> Launch {
    launch().on_loopback().load(&app(toolchain, "handler")).goroutines(8)
}

const UPGRADE: &str = "Host: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A text message from a client (RFC 6455 §5.2), masked as it must be.
fn masked(text: &str) -> Vec<u8> {
    let mask = [1, 2, 3, 4];
    let bytes = text.bytes().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
    [0x81, 0x80 | u8::try_from(text.len()).unwrap()].into_iter().chain(mask).chain(bytes).collect()
}

fn upgraded(server: &Server, path: &str) -> Client {
    let mut client = server.connect();
    client.send(format!("GET {path} HTTP/1.1\r\n{UPGRADE}")).unwrap();
    let head = client.receive_head().unwrap();
    assert_eq!(head.status, 101, "{}", head.head);
    assert_eq!(head.field("Sec-WebSocket-Accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{}", head.head);
    assert_eq!(head.head.matches("onnection:").count(), 1, "{}", head.head);
    client
}

fn says(client: &mut Client, message: &str, answer: &str) {
    client.send(masked(message)).unwrap();
    let frame = client.receive_bytes(answer.len() + 2).unwrap();
    assert_eq!(frame[..2], [0x81, u8::try_from(answer.len()).unwrap()]);
    assert_eq!(String::from_utf8_lossy(&frame[2..]), answer);
}

fn a_websocket_library_works_unchanged(toolchain: Toolchain) {
    let server = server(toolchain);
    let mut clients = [(); 3].map(|()| upgraded(&server, "/gorilla"));
    for message in ["one", "two"] {
        for client in &mut clients {
            says(client, message, &format!("gorilla heard {message}"));
        }
    }
    assert_eq!(server.text("/hello"), "hello");
    if toolchain == Toolchain::Go {
        let mut client = upgraded(&server, "/coder");
        says(&mut client, "one", "coder heard one");
        client.send([0x88, 0x80, 0, 0, 0, 0]).unwrap(); // close
        assert!(client.receive_to_end().unwrap().starts_with(&[0x88]), "the close is answered");
    }
}

/// A connection whose handler has taken it over, and waits for the file `until`.
fn taken(server: &Server, scratch: &Scratch) -> Client {
    let mut client = server.connect();
    let [entered, until] = ["entered", "until"].map(|name| scratch.text(name));
    client
        .send(format!("GET /take?entered={entered}&until={until} HTTP/1.1\r\nHost: test\r\n\r\nearly"))
        .unwrap();
    scratch.wait_for("entered");
    client
}

fn a_connection_that_is_taken_over_is_the_handler_s_alone(toolchain: Toolchain) {
    let (server, scratch) = (server(toolchain), Scratch::new());
    let mut client = taken(&server, &scratch);
    client.send("GET /hello HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    assert_eq!(server.text("/hello"), "hello");
    scratch.write("until", "");
    // What the handler has not read when it closes the connection may reset it: the text is there before.
    let expected = "taken with \"early\"; true; true";
    assert_eq!(String::from_utf8_lossy(&client.receive_bytes(expected.len()).unwrap()), expected);
}

fn a_handler_that_took_its_connection_over_is_waited_for(toolchain: Toolchain) {
    let (server, scratch) = (server(toolchain), Scratch::new());
    let mut client = taken(&server, &scratch);
    server.signal(Signal::TERM);
    refuses_connections(&server);
    scratch.write("until", "");
    let all = client.receive_to_end().unwrap();
    assert_eq!(String::from_utf8_lossy(&all), "taken with \"early\"; true; true");
    assert_eq!(server.exit().code(), Some(0));
}

/// Waits until the server takes no connections any more: it drains.
fn refuses_connections(server: &Server) {
    let address = server.address();
    eventually("the server refuses connections", || Client::connect(&address).is_err().then_some(()));
}

fn events_reach_the_client_while_the_handler_goes_on(toolchain: Toolchain) {
    let (server, scratch) = (server(toolchain), Scratch::new());
    let mut client = server.connect();
    client
        .send(format!("GET /events?until={} HTTP/1.1\r\nHost: test\r\n\r\n", scratch.text("until")))
        .unwrap();
    assert_eq!(client.receive_head().unwrap().field("Content-Type"), Some("text/event-stream"));
    assert_eq!(client.receive_chunk().unwrap(), b"data: one\n\n");
    scratch.write("until", "");
    assert_eq!(client.receive_chunk().unwrap(), b"data: two\n\n");
    assert_eq!(client.receive_chunk().unwrap(), b"");
}

fn what_a_handler_leaves_behind_reaches_no_other_answer(toolchain: Toolchain) {
    let scratch = Scratch::new();
    // One core: all requests share the buffers that the goroutine would write to.
    let server = launch().on_loopback().load(&app(toolchain, "handler")).goroutines(1).start();
    let mut client = server.connect();
    assert!(
        client.get(&format!("/late?done={}", scratch.text("done"))).unwrap().text().starts_with("in time")
    );
    while !scratch.path("done").exists() {
        let answer = client.get("/hello").unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    }
}

fn the_context_ends_with_the_peer_and_with_the_handler(toolchain: Toolchain) {
    let (server, scratch) = (server(toolchain), Scratch::new());
    let mut client = server.connect();
    let [entered, left] = ["entered", "left"].map(|name| scratch.text(name));
    client.send(format!("GET /notify?entered={entered}&left={left} HTTP/1.1\r\nHost: test\r\n\r\n")).unwrap();
    scratch.wait_for("entered");
    drop(client);
    scratch.wait_for("left");
    assert_eq!(server.get(&format!("/after?left={}", scratch.text("after"))).status, 200);
    scratch.wait_for("after");
}

fn deadlines_end_reads_and_writes(toolchain: Toolchain) {
    let (server, scratch) = (server(toolchain), Scratch::new());
    let mut slow = server.connect();
    slow.send("POST /read-deadline HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\nabc").unwrap();
    assert_eq!(slow.receive().unwrap().text(), "3 i/o timeout");
    let mut stuck = server.connect();
    stuck
        .send(format!(
            "GET /write-deadline?timeout={} HTTP/1.1\r\nHost: test\r\n\r\n",
            scratch.text("timeout")
        ))
        .unwrap();
    scratch.wait_for("timeout");
    let _what_had_gone_before = stuck.receive_to_end();
    assert_eq!(server.text("/hello"), "hello");
}

/// The memory of its own that the worker has, in bytes (proc_pid_status(5)).
fn memory(server: &Server) -> u64 {
    let status = server.workers()[0].file("status");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

const GIBIBYTE: usize = 1 << 30;
const ALLOWED: u64 = 16 << 20;

fn a_gibibyte_goes_up_in_bounded_memory(toolchain: Toolchain) {
    let server = server(toolchain);
    let mut client = server.connect();
    assert!(client.post("/count", b"warm").unwrap().text().starts_with('4'));
    let before = memory(&server);
    client.send(format!("POST /count HTTP/1.1\r\nHost: test\r\nContent-Length: {GIBIBYTE}\r\n\r\n")).unwrap();
    let piece = vec![b'x'; 1 << 20];
    let mut most = 0;
    for megabyte in 0..GIBIBYTE >> 20 {
        client.send(&piece).unwrap();
        if megabyte % 64 == 0 {
            most = most.max(memory(&server));
        }
    }
    assert_eq!(client.receive().unwrap().text(), format!("{GIBIBYTE} <nil>"));
    assert!(most.max(memory(&server)) < before + ALLOWED, "{before} bytes before, {most} at most");
}

fn a_gibibyte_goes_down_in_bounded_memory(toolchain: Toolchain) {
    let server = server(toolchain);
    let mut client = server.connect();
    assert_eq!(client.get("/flood?n=65536").unwrap().body.len(), 65536);
    let before = memory(&server);
    client.send(format!("GET /flood?n={GIBIBYTE} HTTP/1.0\r\n\r\n")).unwrap();
    let (mut length, mut most, mut pieces) = (0, 0, 0);
    loop {
        let piece = client.receive_and_forget().unwrap();
        length += piece;
        pieces += 1;
        if pieces % 1000 == 0 {
            most = most.max(memory(&server));
        }
        if piece == 0 {
            break;
        }
    }
    assert!((GIBIBYTE..GIBIBYTE + 1000).contains(&length), "{length} bytes with the head");
    assert!(most.max(memory(&server)) < before + ALLOWED, "{before} bytes before, {most} at most");
}

fn files_arrive_whole_and_in_ranges(toolchain: Toolchain) {
    let (server, scratch) = (server(toolchain), Scratch::new());
    let content: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[(n % 4) as usize]).collect();
    scratch.write("file.bin", &content);
    let path = format!("/file?name={}", scratch.text("file.bin"));
    let mut client = server.connect();
    for _ in 0..2 {
        let whole = client.get(&path).unwrap();
        assert_eq!(whole.field("Content-Length"), Some("3000000"));
        assert!(whole.body == content, "the file arrives as it is");
        client
            .send(format!("GET {path} HTTP/1.1\r\nHost: test\r\nRange: bytes=1000-1999999\r\n\r\n"))
            .unwrap();
        let part = client.receive().unwrap();
        assert_eq!((part.status, part.field("Content-Range")), (206, Some("bytes 1000-1999999/3000000")));
        assert!(part.body == content[1000..2_000_000], "the range arrives as it is");
    }
}

fn the_local_address_is_the_one_that_the_client_has_connected_to(toolchain: Toolchain) {
    let server = launch()
        .with(["--http-socket", "0.0.0.0:0"])
        .with(["--http-socket", "127.0.0.1:0"])
        .load(&app(toolchain, "handler"))
        .goroutines(2)
        .start();
    for address in server.addresses() {
        let Address::Inet(address) = address else { panic!("not TCP") };
        let reached = SocketAddr::new([127, 0, 0, 1].into(), address.port());
        for _ in 0..2 {
            let answer = Client::connect(&Address::Inet(reached)).unwrap().get("/local").unwrap();
            assert_eq!(answer.text(), reached.to_string());
        }
    }
}

fn a_panic_beside_a_goroutine_that_writes_costs_one_request(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = launch().on_loopback().load(&app(toolchain, "handler")).goroutines(1).start();
    let mut stalled = server.connect();
    let entered = scratch.text("entered");
    stalled.send(format!("GET /panic-beside?entered={entered} HTTP/1.1\r\nHost: test\r\n\r\n")).unwrap();
    scratch.wait_for("entered");
    assert_eq!(server.text("/hello"), "hello", "though the peer of the other takes nothing");
}

fn a_full_queue_is_told(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = launch().on_loopback().load(&app(toolchain, "handler")).goroutines(1).start();
    let mut client = server.connect();
    client
        .send(format!("GET /events?until={} HTTP/1.1\r\nHost: test\r\n\r\n", scratch.text("until")))
        .unwrap();
    assert_eq!(client.receive_head().unwrap().status, 200);
    let mut waiting = server.connect();
    waiting.send("GET /hello HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    server.wait_for_log("worker 1: the queue is full: every core is busy");
    scratch.write("until", "");
    assert_eq!(waiting.receive().unwrap().text(), "hello");
}
