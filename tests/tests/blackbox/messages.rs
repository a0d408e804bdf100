//! Requests and answers: their forms, their sizes, and what is refused before an application sees it.

use goherd_tests::{Server, Toolchain, with_both_toolchains};

use crate::probe;

with_both_toolchains!(
    head_gets_the_fields_and_no_body,
    fields_reach_the_application_in_canonical_form,
    the_target_reaches_the_application_as_it_was_sent,
    a_body_larger_than_any_buffer_comes_back_whole,
    a_body_in_chunks_comes_back_whole,
    a_body_whose_chunks_are_malformed_gets_a_400,
    an_answer_larger_than_any_buffer_arrives_whole,
    an_answer_in_pieces_comes_in_chunks,
    an_answer_in_pieces_ends_a_1_0_connection,
    a_client_that_expects_100_continue_gets_it_when_the_body_is_read,
    a_client_that_expects_100_continue_is_spared_it_when_nobody_reads,
    malformed_requests_are_refused_and_never_reach_the_application,
    a_malformed_request_after_a_good_one_is_refused_too,
    a_head_that_is_too_large_is_refused,
);

fn head_gets_the_fields_and_no_body(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let mut client = server.connect();
    client.send("HEAD / HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    let head = client.receive_head().unwrap();
    assert_eq!((head.status, head.field("Content-Length")), (200, Some("21")));
    assert_eq!(client.get("/").unwrap().text(), "hello from the probe\n", "nothing of a body lies before it");
}

fn fields_reach_the_application_in_canonical_form(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let mut client = server.connect();
    client
        .send("GET /headers HTTP/1.1\r\nhost: test\r\nx-lower-case: 1\r\nACCEPT:  a/b \r\naccept: c\r\n\r\n")
        .unwrap();
    let told = client.receive().unwrap();
    assert_eq!(told.text(), "{\"Accept\":[\"a/b\",\"c\"],\"X-Lower-Case\":[\"1\"]}\n");
    assert_eq!(told.field("Content-Type"), Some("application/json"));
}

fn the_target_reaches_the_application_as_it_was_sent(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let told = server.text("/request?a=%C3%A9+b&c=%2F;d");
    assert!(told.starts_with("GET /request?a=%C3%A9+b&c=%2F;d HTTP/1.1 host=test "), "{told}");
    let mut client = server.connect();
    client.send("GET http://test/request HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    let told = client.receive().unwrap().text();
    assert!(told.starts_with("GET http://test/request HTTP/1.1 host=test "), "{told}");
}

/// Bytes in which a piece that is lost, doubled or moved shows.
fn pattern(length: usize) -> Vec<u8> {
    (0_u32..).flat_map(u32::to_le_bytes).take(length).collect()
}

fn a_body_larger_than_any_buffer_comes_back_whole(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let body = pattern(5 << 20);
    let mut client = server.connect();
    for length in [body.len(), 1, 65_536, body.len()] {
        let answer = client.post("/echo", &body[..length]).unwrap();
        assert_eq!(answer.field("X-Length"), Some(length.to_string().as_str()));
        assert!(answer.body == body[..length], "{length} bytes came back changed");
    }
}

fn a_body_in_chunks_comes_back_whole(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let mut client = server.connect();
    let piece = "0123456789abcdef".repeat(4096);
    for pieces in [0, 1, 40] {
        client.send("POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        for _ in 0..pieces {
            client.send(format!("{:x};note=\"x\"\r\n{piece}\r\n", piece.len())).unwrap();
        }
        client.send("0\r\n\r\n").unwrap();
        assert!(
            client.receive().unwrap().text() == piece.repeat(pieces),
            "{pieces} pieces came back changed"
        );
    }
}

fn a_body_whose_chunks_are_malformed_gets_a_400(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    for rest in ["0x5\r\nhello", "5\nhello", "5\r\nhello!", "5;=\r\nhello", "0\r\nContent-Length: 5\r\n\r\n"]
    {
        let mut client = server.connect();
        let head = "POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n";
        client.send(format!("{head}3\r\nabc\r\n{rest}")).unwrap();
        let answer = client.receive().unwrap();
        assert_eq!((answer.status, answer.field("Connection")), (400, Some("close")), "{rest:?}");
    }
}

fn an_answer_larger_than_any_buffer_arrives_whole(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let mut client = server.connect();
    for length in [0, 1, 16_384, 16_385, 65_536, 65_537, 20_000_000] {
        let body = client.get(&format!("/big?n={length}")).unwrap().body;
        let expected = b"0123456789abcdef".iter().cycle();
        assert_eq!(body.len(), length);
        assert!(
            body.iter().zip(expected).all(|(found, expected)| found == expected),
            "{length} bytes, changed"
        );
    }
}

fn an_answer_in_pieces_comes_in_chunks(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let mut client = server.connect();
    client.send("GET /stream HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    let head = client.receive_head().unwrap();
    assert_eq!(head.field("Transfer-Encoding"), Some("chunked"));
    assert_eq!(head.field("Content-Length"), None);
    for piece in 0..5 {
        assert_eq!(client.receive_chunk().unwrap(), format!("piece {piece}\n").as_bytes());
    }
    assert_eq!(client.receive_chunk().unwrap(), b"");
    assert_eq!(client.get("/stream").unwrap().text().lines().count(), 5);
}

fn an_answer_in_pieces_ends_a_1_0_connection(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let mut client = server.connect();
    client.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").unwrap();
    let head = client.receive_head().unwrap();
    assert_eq!((head.field("Transfer-Encoding"), head.field("Content-Length")), (None, None));
    assert_eq!(client.receive_to_end().unwrap(), b"piece 0\npiece 1\npiece 2\npiece 3\npiece 4\n");
}

const EXPECTING: &str = "HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";

fn a_client_that_expects_100_continue_gets_it_when_the_body_is_read(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let mut client = server.connect();
    for _ in 0..2 {
        client.send(format!("POST /echo {EXPECTING}")).unwrap();
        assert_eq!(client.receive().unwrap().status, 100);
        client.send("body").unwrap();
        let answer = client.receive().unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, "body"));
    }
}

fn a_client_that_expects_100_continue_is_spared_it_when_nobody_reads(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let mut client = server.connect();
    client.send(format!("POST /ignore {EXPECTING}")).unwrap();
    let answer = client.receive().unwrap();
    assert_eq!((answer.status, answer.field("Connection")), (200, Some("close")));
    assert_eq!(client.receive_to_end().unwrap(), b"");
}

/// Requests that no server may take, and the status that each is refused with.
const MALFORMED: [(&str, u16); 23] = [
    ("\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n", 400),
    ("GET /exit?code=9\r\n\r\n", 400),
    ("GET  /exit?code=9 HTTP/1.1\r\nHost: test\r\n\r\n", 400),
    ("GET /exit code=9 HTTP/1.1\r\nHost: test\r\n\r\n", 400),
    ("G@T /exit?code=9 HTTP/1.1\r\nHost: test\r\n\r\n", 400),
    ("GET exit?code=9 HTTP/1.1\r\nHost: test\r\n\r\n", 400),
    ("GET /exit?code=9 HTTP/1.1\r\n\r\n", 400),
    ("GET /exit?code=9 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("GET /exit?code=9 HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    ("GET http://other/exit?code=9 HTTP/1.1\r\nHost: test\r\n\r\n", 400),
    ("GET /exit?code=9 HTTP/1.1\r\nHost: test\r\nBad Name: x\r\n\r\n", 400),
    ("GET /exit?code=9 HTTP/1.1\r\nHost: test\r\nName : x\r\n\r\n", 400),
    ("GET /exit?code=9 HTTP/1.1\r\nHost: test\r\n: x\r\n\r\n", 400),
    ("GET /exit?code=9 HTTP/1.1\r\nHost: test\r\nno colon\r\n\r\n", 400),
    ("GET /exit?code=9 HTTP/1.1\r\nHost: test\r\nA: x\r\n folded\r\n\r\n", 400),
    ("GET /exit?code=9 HTTP/1.1\r\nHost: test\r\nA: x\0y\r\n\r\n", 400),
    ("POST /exit?code=9 HTTP/1.1\r\nHost: test\r\nContent-Length: x\r\n\r\n", 400),
    ("POST /exit?code=9 HTTP/1.1\r\nHost: test\r\nContent-Length: -1\r\n\r\n", 400),
    ("POST /exit?code=9 HTTP/1.1\r\nHost: test\r\nContent-Length: +1\r\n\r\n.", 400),
    ("POST /exit?code=9 HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n..", 400),
    ("POST /exit?code=9 HTTP/1.1\r\nHost: test\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
    ("GET /exit?code=9 HTTP/1.1\r\nHost: test\r\nExpect: a miracle\r\n\r\n", 417),
    ("GET /exit?code=9 HTTP/2.0\r\nHost: test\r\n\r\n", 505),
];

/// Sends `bytes`: the answer has this status, and the connection ends with it.
pub(crate) fn refused(server: &Server, bytes: &str, status: u16) {
    let mut client = server.connect();
    client.send(bytes).unwrap();
    let answer = client.receive().unwrap_or_else(|error| panic!("{bytes:?}: {error}"));
    assert_eq!(answer.status, status, "{bytes:?} was answered {}", answer.text());
    assert_eq!(answer.field("Connection"), Some("close"), "{bytes:?}");
    assert_eq!(client.receive_to_end().unwrap(), b"", "{bytes:?}");
}

fn malformed_requests_are_refused_and_never_reach_the_application(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let pid = server.answering_pid();
    for (bytes, status) in MALFORMED {
        refused(&server, bytes, status);
    }
    assert_eq!(server.answering_pid(), pid, "the application was not asked to exit");
}

fn a_malformed_request_after_a_good_one_is_refused_too(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\nGET / HTTP/1.1\r\nHost test\r\n\r\n").unwrap();
    assert_eq!(client.receive().unwrap().status, 200);
    assert_eq!(client.receive().unwrap().status, 400);
    assert_eq!(client.receive_to_end().unwrap(), b"");
}

fn a_head_that_is_too_large_is_refused(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let long = "x".repeat(9 << 10);
    refused(&server, &format!("GET /{long} HTTP/1.1\r\nHost: test\r\n\r\n"), 414);
    refused(&server, &format!("GET / HTTP/1.1\r\nHost: test\r\n{}\r\n", "A: b\r\n".repeat(101)), 431);
    let endless = format!("X-Long: {long}\r\n").repeat(8);
    refused(&server, &format!("GET / HTTP/1.1\r\nHost: test\r\n{endless}"), 431);
    assert_eq!(server.text("/"), "hello from the probe\n");
}
