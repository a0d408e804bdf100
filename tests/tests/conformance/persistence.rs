//! Which requests a connection carries, and how it ends (RFC 9112 §9).

use crate::row::{
    Expected, Outcome, Row, Rule, Then, answered, by_server, chunked_to, closed, get, get_with, half_closed,
    kept, line, ok, post, post_to,
};

const PIPELINE: Rule = ("A23 pipelining", "9112 §9.3.2");
const LEFTOVER: Rule = ("A23 a body that nobody reads", "9112 §9.3");
const CLOSE: Rule = ("A25 Connection: close", "9112 §9.6");
const OLD: Rule = ("A25 HTTP/1.0", "9112 §9.3");
const UNREAD: Rule = ("A25 close with unread data", "9112 §9.6");
const HALF: Rule = ("A26 half-close", "9112 §9.6");

pub fn rows() -> Vec<Row> {
    let mut rows = pipelines();
    rows.extend(leftovers());
    rows.extend(closes());
    rows.extend(old());
    rows.extend(half_closes());
    rows
}

fn pipelines() -> Vec<Row> {
    let gets = |count: usize| {
        let requests = (0..count).map(|n| get(&format!("/{n}"))).collect::<String>();
        answered(PIPELINE, requests, (0..count).map(|n| ok(format!("GET /{n}"))).collect(), Then::Kept)
    };
    let mixed = [
        post("/a", "hello"),
        line("HEAD /b HTTP/1.1"),
        chunked_to("/c", "5\r\nworld\r\n0\r\nX: y\r\n\r\n"),
        get("/answer/204"),
        get("/d"),
    ];
    let mixed_answers = vec![
        ok("POST /a").line("body \"hello\""),
        ok("HEAD /b").of_head(),
        ok("POST /c").line("body \"world\""),
        ok("GET /answer/204").status(204).body(""),
        ok("GET /d"),
    ];
    vec![
        gets(2),
        gets(3),
        gets(10),
        gets(100),
        answered(PIPELINE, mixed.concat(), mixed_answers, Then::Kept),
        answered(
            PIPELINE,
            [get("/a"), get("/answer/500"), get("/b")].concat(),
            vec![ok("GET /a"), ok("GET /answer/500").status(500).body("body"), ok("GET /b")],
            Then::Kept,
        ),
        answered(
            PIPELINE,
            get("/a") + "GET /b HTTP/1.1\r\n\r\n",
            vec![ok("GET /a"), by_server(400).field("Connection", "close")],
            Then::Closed,
        ),
        answered(
            PIPELINE,
            post("/a", "x") + "G\0T /b HTTP/1.1\r\nHost: x\r\n\r\n",
            vec![ok("POST /a"), by_server(400).field("Connection", "close")],
            Then::Closed,
        ),
        answered(
            PIPELINE,
            get("/a") + &get_with("Connection: close\r\n"),
            vec![ok("GET /a"), ok("GET /")],
            Then::Closed,
        ),
    ]
}

const HIDDEN: &str = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

fn leftovers() -> Vec<Row> {
    let chunk = format!("{:x}\r\n{HIDDEN}\r\n0\r\n\r\n", HIDDEN.len());
    let pair = |first: String, saw: &str| {
        answered(LEFTOVER, first + &get("/b"), vec![ok(saw), ok("GET /b")], Then::Kept)
    };
    vec![
        pair(post("/unread", HIDDEN), "POST /unread"),
        pair(post("/half", HIDDEN), "POST /half"),
        pair(chunked_to("/unread", &chunk), "POST /unread"),
        pair(chunked_to("/half", &chunk), "POST /half"),
        pair(post("/answer/exact", HIDDEN), "POST /answer/exact"),
        pair(post("/unread", &HIDDEN.repeat(500)), "POST /unread"),
        answered(LEFTOVER, post("/answer/204", HIDDEN), vec![ok("POST /answer/204").status(204)], Then::Kept),
        answered(
            LEFTOVER,
            post_to("/unread", "Content-Length: 1000000000\r\n", HIDDEN),
            vec![ok("POST /unread")],
            Then::Closed,
        ),
        answered(LEFTOVER, post("/unread", &HIDDEN.repeat(40_000)), vec![ok("POST /unread")], Then::Any),
    ]
}

fn closes() -> Vec<Row> {
    let with = |fields: &str| format!("GET /a HTTP/1.1\r\nHost: x\r\n{fields}\r\n");
    let mut rows = Vec::new();
    for fields in [
        "Connection: close\r\n",
        "connection:CLOSE\r\n",
        "Connection: x, close\r\n",
        "Connection: close, x\r\n",
        "Connection: keep-alive, close\r\n",
        "Connection: close, keep-alive\r\n",
        "Connection: ,close,\r\n",
        "Connection: x\r\nConnection: close\r\n",
        "Connection: close\r\nConnection: keep-alive\r\n",
        "Connection: keep-alive\r\nConnection: close\r\n",
        "Connection: \t close \t\r\n",
    ] {
        rows.push(closed(CLOSE, with(fields), ok("GET /a").field("Connection", "close").line("close true")));
    }
    for fields in [
        "Connection: keep-alive\r\n",
        "Connection: closed\r\n",
        "Connection: x-close\r\n",
        "Connection:\r\n",
        "X: close\r\n",
    ] {
        rows.push(kept(CLOSE, with(fields), ok("GET /a").without("Connection").line("close false")));
    }
    rows.push(closed(
        CLOSE,
        get("/answer/close"),
        ok("GET /answer/close").body("body").field("Connection", "close"),
    ));
    let close = |target: &str, length: usize| {
        post_to(target, &format!("Connection: close\r\nContent-Length: {length}\r\n"), &"x".repeat(length))
    };
    rows.extend([
        closed(UNREAD, close("/unread", 5), ok("POST /unread")),
        closed(UNREAD, close("/unread", 100_000), ok("POST /unread")),
        closed(UNREAD, close("/half", 100_000), ok("POST /half")),
        closed(UNREAD, close("/unread", 1_000_000), ok("POST /unread")),
        closed(UNREAD, close("/", 5) + HIDDEN, ok("POST /")),
        // In pieces this peer, which has said that it sends no more, may be closed upon before it sends on.
        closed(UNREAD, get_with("Connection: close\r\n") + &"x".repeat(10_000), ok("GET /")).whole(),
    ]);
    rows
}

fn old() -> Vec<Row> {
    let with = |fields: &str| format!("GET /a HTTP/1.0\r\n{fields}\r\n");
    let seen = || ok("GET /a").line("proto HTTP/1.0");
    vec![
        closed(OLD, with(""), seen().line("close true")),
        closed(OLD, with("Connection: close\r\n"), seen()),
        closed(OLD, with("Connection: x\r\n"), seen()),
        closed(OLD, with("Connection: close, keep-alive\r\n"), seen()),
        closed(OLD, with("") + HIDDEN, seen()),
        kept(
            OLD,
            with("Connection: keep-alive\r\n"),
            seen().field("Connection", "keep-alive").line("close false"),
        ),
        kept(OLD, with("Connection: Keep-Alive\r\n"), seen().field("Connection", "keep-alive")),
        kept(OLD, with("connection: x, keep-alive\r\n"), seen().field("Connection", "keep-alive")),
        closed(
            OLD,
            "POST /a HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello",
            ok("POST /a").line("body \"hello\""),
        ),
        kept(
            OLD,
            "POST /a HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
            ok("POST /a").line("body \"hello\""),
        ),
        closed(
            OLD,
            "GET /answer/stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            ok("GET /answer/stream")
                .without("Transfer-Encoding")
                .field("Connection", "close")
                .body("one two"),
        ),
        closed(OLD, "HEAD /a HTTP/1.0\r\n\r\n", ok("HEAD /a").of_head()),
    ]
}

fn half_closes() -> Vec<Row> {
    let answers = |answers: Vec<Expected>| Outcome::Answered(answers, Then::Closed);
    let mut rows = vec![
        half_closed(HALF, get("/a"), answers(vec![ok("GET /a")])),
        half_closed(HALF, get("/answer/stream"), answers(vec![ok("GET /answer/stream").body("one two")])),
        half_closed(HALF, post("/a", "hello"), answers(vec![ok("POST /a").line("body \"hello\"")])),
        half_closed(HALF, post("/unread", "hello"), answers(vec![ok("POST /unread")])),
        half_closed(
            HALF,
            chunked_to("/a", "5\r\nhello\r\n0\r\n\r\n"),
            answers(vec![ok("POST /a").line("body \"hello\"")]),
        ),
        half_closed(
            HALF,
            [get("/a"), get("/b"), get("/c")].concat(),
            answers(vec![ok("GET /a"), ok("GET /b"), ok("GET /c")]),
        ),
        half_closed(HALF, get("/a") + "GET /b HT", answers(vec![ok("GET /a")])),
        half_closed(HALF, "GET / HTTP/1.1\r\n\r\n", Outcome::Refused(&[400])),
    ];
    for part in ["", "G", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: x\r\n", "\r\n"] {
        rows.push(half_closed(HALF, part, Outcome::GivenUp));
    }
    for path in ["/", "/careless"] {
        let short = post_to(path, "Content-Length: 10\r\n", "hello");
        rows.push(half_closed(("a body that stops", "9112 §8"), short, Outcome::GivenUp));
    }
    rows
}
