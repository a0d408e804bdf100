//! The request line: method, white space, version (RFC 9112 §2.3, §3).

use crate::row::{
    Row, Rule, Then, answered, by_server, bytes, each_refused, get, kept, line, ok, post, refused,
};

const FORM: Rule = ("A17 request line", "9112 §3");
const VERSION: Rule = ("A17 version", "9112 §2.3, 9110 §2.5");
const METHOD: Rule = ("A17 method", "9112 §3.1, 9110 §9.1");
const EMPTY_LINES: Rule = ("A17 empty lines first", "9112 §2.2");
const LINES: Rule = ("A11 bare LF or CR in the request line", "9112 §2.2");
const LONG: Rule = ("A17 a long request line", "9112 §3");

pub fn rows() -> Vec<Row> {
    let mut rows = forms();
    rows.extend(alone());
    rows.extend(versions());
    rows.extend(methods());
    rows.extend(lines());
    rows.extend(long());
    rows
}

fn forms() -> Vec<Row> {
    each_refused(
        FORM,
        &[400],
        [
            "GET /",
            "GET",
            "GET ",
            "GET / ",
            "GET  / HTTP/1.1",
            "GET /  HTTP/1.1",
            "GET / HTTP/1.1 x",
            "GET / HTTP/1.1 ",
            " GET / HTTP/1.1",
            "\tGET / HTTP/1.1",
            "GET\t/ HTTP/1.1",
            "GET /\tHTTP/1.1",
            "GET\x0b/ HTTP/1.1",
            "GET /\x0cHTTP/1.1",
            "GET / x HTTP/1.1",
            "GET HTTP/1.1",
            "HTTP/1.1",
            "GET / HTTP/1.1\0",
            "GET /\0 HTTP/1.1",
            "GET\0/ HTTP/1.1",
            ":",
            "GET: / HTTP/1.1",
            "get / HTTP/1.1",
            "Get / HTTP/1.1",
            "options * HTTP/1.1",
            "Host: x",
        ]
        .map(line),
    )
    .collect()
}

/// A line that is none is refused when it has come: whoever sent it may wait for the answer.
fn alone() -> impl Iterator<Item = Row> {
    each_refused(FORM, &[400], ["GET /\r\n", "hello\r\n", "GET / HTTP/1.x\r\n", "HTTP/1.1 200 OK\r\n"])
}

fn versions() -> Vec<Row> {
    let mut rows: Vec<_> = each_refused(
        VERSION,
        &[400],
        [
            "http/1.1",
            "Http/1.1",
            "HTTP/1",
            "HTTP/1.",
            "HTTP/.1",
            "HTTP/",
            "HTTP",
            "HTTP/1.10",
            "HTTP/11",
            "HTTP/01.1",
            "HTTP/1.01",
            "HTTP/1.1.1",
            "HTP/1.1",
            "HTTPS/1.1",
            "HTTP /1.1",
            "HTTP/ 1.1",
            "HTTP/1 .1",
            "HTTP/1,1",
            "HTTP/1.x",
            "HTTP/x.1",
            "HTTP/-1.1",
            "HTTP/1.-1",
            "HTTP/+1.1",
            "HTTP\\1.1",
            "1.1",
            "HTTP/1.1x",
            "xHTTP/1.1",
            "HTTP/1.1;",
        ]
        .map(|version| line(&format!("GET / {version}"))),
    )
    .collect();
    rows.extend(each_refused(
        VERSION,
        &[505],
        ["HTTP/2.0", "HTTP/3.0", "HTTP/0.9", "HTTP/2.1", "HTTP/9.9"]
            .map(|version| line(&format!("GET / {version}"))),
    ));
    for minor in 2..=9 {
        rows.push(kept(VERSION, line(&format!("GET /a HTTP/1.{minor}")), ok("GET /a")));
    }
    rows
}

fn methods() -> Vec<Row> {
    let mut rows: Vec<_> =
        ["m-search", "FOO", "PATCH", "DELETE", "PUT", "TRACE", "M-SEARCH", "!#$%&'*+-.^_`|~09azAZ"]
            .into_iter()
            .map(|method| {
                let answer = ok(format!("{method} /a"));
                kept(METHOD, line(&format!("{method} /a HTTP/1.1")), answer)
            })
            .collect();
    rows.extend(each_refused(
        METHOD,
        &[400],
        [
            "G@T",
            "GET(",
            "G\"T",
            "G,T",
            "G/T",
            "G;T",
            "G=T",
            "G?T",
            "G[T",
            "G{T",
            "G\\T",
            "G\x7fT",
            "G\x01T",
            "G\u{e9}T",
            "\u{ef}\u{bb}\u{bf}GET",
            "G:T",
        ]
        .map(|method| bytes(&line(&format!("{method} / HTTP/1.1")))),
    ));
    rows
}

fn lines() -> Vec<Row> {
    let mut rows: Vec<_> = each_refused(
        LINES,
        &[400],
        [
            "GET / HTTP/1.1\nHost: x\r\n\r\n",
            "GET / HTTP/1.1\nHost: x\n\n",
            "GET / HTTP/1.1\rHost: x\r\n\r\n",
            "GET / HTTP/1.1\r\rHost: x\r\n\r\n",
            "GET / HTTP/1.1\r\r\nHost: x\r\n\r\n",
            "GET / HTTP/1.1\n\rHost: x\r\n\r\n",
            "GET /\rX HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /\nX HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET / \rHTTP/1.1\r\nHost: x\r\n\r\n",
            "GE\rT / HTTP/1.1\r\nHost: x\r\n\r\n",
            "\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "\rGET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "\r\rGET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "\n\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        ],
    )
    .collect();
    rows.extend([
        kept(EMPTY_LINES, format!("\r\n{}", get("/a")), ok("GET /a")),
        answered(
            EMPTY_LINES,
            format!("{}\r\n{}\r\n{}", post("/a", "x"), post("/b", ""), get("/c")),
            vec![ok("POST /a").line("body \"x\""), ok("POST /b"), ok("GET /c")],
            Then::Kept,
        ),
        refused(EMPTY_LINES, &[400], "\r\n".repeat(50_000)),
        refused(EMPTY_LINES, &[400], "\r\n \r\n\r\n"),
        answered(EMPTY_LINES, get("/a") + "\r\n\n", vec![ok("GET /a"), by_server(400)], Then::Closed),
    ]);
    rows
}

fn long() -> Vec<Row> {
    let target = |length: usize| format!("/{}", "a".repeat(length - 1));
    vec![
        kept(LONG, get(&target(7 << 10)), ok(format!("GET {}", target(7 << 10)))),
        refused(LONG, &[414], get(&target(9 << 10))),
        refused(LONG, &[414], get(&target(100_000))),
        refused(LONG, &[414], get(&format!("/?{}", "a".repeat(9 << 10)))),
        refused(LONG, &[414], format!("GET {}", target(100_000))),
        refused(LONG, &[400, 414, 501], line(&format!("{} / HTTP/1.1", "A".repeat(100_000)))),
        refused(LONG, &[400, 414], line(&format!("GET /{} HTTP/1.1", " ".repeat(100_000)))),
    ]
}
