//! `Expect: 100-continue` (RFC 9110 §10.1.1).

use crate::row::Step::{Await, Send};
use crate::row::{
    Expected, Outcome, Row, Rule, Step, Then, answered, chunked_to, dialog, each_refused, get, get_with,
    kept, ok, post_to, refused,
};

const RULE: Rule = ("A22 Expect", "9110 §10.1.1");

const EXPECTING: &str = "Expect: 100-continue\r\nContent-Length: 5\r\n";
const EXPECTING_CHUNKS: &str = "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n";

pub fn rows() -> Vec<Row> {
    let mut rows: Vec<_> = each_refused(
        RULE,
        &[417],
        [
            "200-ok",
            "100-continue, x",
            "100-continue;q=1",
            "100",
            "continue",
            "100-continu",
            "x=100-continue",
            "\"100-continue\"",
        ]
        .map(|value| post_to("/", &format!("Expect: {value}\r\nContent-Length: 5\r\n"), "hello")),
    )
    .collect();
    rows.push(refused(
        RULE,
        &[417],
        post_to("/", "Expect: 100-continue\r\nExpect: x\r\nContent-Length: 5\r\n", "hello"),
    ));
    rows.push(refused(RULE, &[400], post_to("/", "Expect: 100-continue\r\nContent-Length: 5x\r\n", "hello")));
    rows.extend(waiting());
    rows.extend(not_waiting());
    rows
}

fn hello() -> Expected {
    ok("POST /").line("body \"hello\"")
}

fn send(text: &str) -> Step {
    Send(text.into())
}

/// The client waits for the interim answer, or for a final one.
fn waiting() -> Vec<Row> {
    let read = |fields, body| {
        let steps = vec![Send(post_to("/", fields, "").into()), Await(100), send(body)];
        dialog(RULE, steps, Outcome::Answered(vec![hello().unannounced()], Then::Kept))
    };
    let twice = [
        send(&post_to("/", EXPECTING, "")),
        Await(100),
        send(&format!("hello{}", post_to("/", EXPECTING, "hello"))),
    ];
    let unread = |path: &str| {
        let answer = ok(format!("POST {path}")).unannounced();
        dialog(RULE, vec![send(&post_to(path, EXPECTING, ""))], Outcome::Answered(vec![answer], Then::Any))
    };
    vec![
        read(EXPECTING, "hello"),
        read("expect: 100-Continue\r\nContent-Length: 5\r\n", "hello"),
        read("Expect: 100-continue\r\nExpect:\r\nContent-Length: 5\r\n", "hello"),
        read(EXPECTING_CHUNKS, "5\r\nhello\r\n0\r\n\r\n"),
        dialog(RULE, twice.to_vec(), Outcome::Answered(vec![hello(), hello()], Then::Kept)),
        unread("/unread"),
        dialog(
            RULE,
            vec![send(&post_to("/half", EXPECTING, "")), Await(100), send("hello")],
            Outcome::Answered(vec![ok("POST /half").unannounced()], Then::Any),
        ),
        dialog(
            RULE,
            vec![
                send(&post_to("/careless", EXPECTING_CHUNKS, "")),
                Await(100),
                send("5x\r\nhello\r\n0\r\n\r\n"),
            ],
            Outcome::RefusedInBody(400),
        ),
    ]
}

/// The client sends the body at once.
fn not_waiting() -> Vec<Row> {
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    let hidden = format!("Expect: 100-continue\r\nContent-Length: {}\r\n", smuggled.len());
    let hidden_in_chunks = format!("{:x}\r\n{smuggled}\r\n0\r\n\r\n", smuggled.len());
    let early = |bytes: String| answered(RULE, bytes, vec![ok("POST /unread").unannounced()], Then::Any);
    vec![
        kept(RULE, post_to("/", EXPECTING, "hello"), hello()),
        kept(RULE, post_to("/", EXPECTING_CHUNKS, "5\r\nhello\r\n0\r\n\r\n"), hello()),
        early(post_to("/unread", &hidden, smuggled)),
        early(post_to("/unread", EXPECTING_CHUNKS, &hidden_in_chunks)),
        kept(RULE, get_with("Expect: 100-continue\r\n"), ok("GET /").unannounced()),
        kept(RULE, post_to("/", "Expect:\r\nContent-Length: 5\r\n", "hello"), hello().unannounced()),
        kept(
            RULE,
            post_to("/", "Expect: 100-continue\r\nContent-Length: 0\r\n", ""),
            ok("POST /").unannounced(),
        ),
        kept(
            ("A22 Expect in 1.0", "9110 §10.1.1"),
            format!("POST / HTTP/1.0\r\nConnection: keep-alive\r\n{EXPECTING}\r\nhello"),
            hello().unannounced(),
        ),
        answered(
            RULE,
            post_to("/", EXPECTING, "hello") + &chunked_to("/b", "0\r\n\r\n") + &get("/c"),
            vec![hello(), ok("POST /b").unannounced(), ok("GET /c").unannounced()],
            Then::Kept,
        ),
    ]
}
