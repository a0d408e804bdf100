//! What the application may not do to its answers (RFC 9110 §15, RFC 9112 §6.3, §11.1).

use crate::row::{Row, Rule, Then, answered, by_server, closed, get, kept, line, ok};

const BODILESS: Rule = ("A24 answers without a body", "9110 §9.3.2, §15.3.5, §15.4.5; 9112 §6.3(1)");
const SPLITTING: Rule = ("A28 response splitting", "9112 §11.1, 9110 §5.5");
const LENGTH: Rule = ("A28 a length that is not the body's", "9112 §6.3, §8");

pub fn rows() -> Vec<Row> {
    let mut rows = bodiless();
    rows.extend(splitting());
    rows.extend(lengths());
    rows
}

fn bodiless() -> Vec<Row> {
    let head = |target: &str| line(&format!("HEAD {target} HTTP/1.1"));
    let seen = |target: &str| ok(format!("HEAD {target}")).of_head();
    vec![
        kept(BODILESS, head("/answer/exact"), seen("/answer/exact").field("Content-Length", "4")),
        kept(BODILESS, head("/answer/200"), seen("/answer/200").field("Content-Length", "4")),
        kept(BODILESS, head("/answer/stream"), seen("/answer/stream")),
        kept(BODILESS, head("/answer/short"), seen("/answer/short").field("Content-Length", "10")),
        kept(BODILESS, head("/answer/nothing"), seen("/answer/nothing")),
        kept(BODILESS, head("/a"), seen("/a")),
        kept(BODILESS, head("/answer/204"), seen("/answer/204").status(204).without("Content-Length")),
        answered(
            BODILESS,
            [head("/a"), head("/answer/stream"), get("/b")].concat(),
            vec![seen("/a"), seen("/answer/stream"), ok("GET /b")],
            Then::Kept,
        ),
        kept(
            BODILESS,
            get("/answer/204"),
            ok("GET /answer/204").status(204).without("Content-Length").without("Transfer-Encoding").body(""),
        ),
        kept(
            BODILESS,
            get("/answer/304"),
            ok("GET /answer/304").status(304).without("Transfer-Encoding").body(""),
        ),
        kept(BODILESS, get("/answer/205"), ok("GET /answer/205").status(205)),
        kept(
            BODILESS,
            get("/answer/nothing"),
            ok("GET /answer/nothing").field("Content-Length", "0").body(""),
        ),
        closed(BODILESS, "HEAD / HTTP/1.1\r\n\r\n", by_server(400).of_head()),
        closed(BODILESS, line("HEAD /%zz HTTP/1.1"), by_server(400).of_head()),
        closed(BODILESS, get("/a").replace("GET", "HEAD").replace("1.1", "2.0"), by_server(505).of_head()),
        answered(
            BODILESS,
            [head("/a"), "HEAD /b HTTP/1.1\r\nHost: x\r\nExpect: x\r\n\r\n".into()].concat(),
            vec![seen("/a"), by_server(417).of_head()],
            Then::Closed,
        ),
        kept(
            ("one head", "9112 §6"),
            get("/answer/twice"),
            ok("GET /answer/twice").status(202).body("accepted"),
        ),
        kept(
            ("chunks of an answer", "9112 §7.1"),
            get("/answer/stream"),
            ok("GET /answer/stream")
                .field("Transfer-Encoding", "chunked")
                .without("Content-Length")
                .body("one two"),
        ),
    ]
}

fn splitting() -> Vec<Row> {
    let safe = |target: &str| ok(format!("GET {target}")).without("Set-Cookie").body("body");
    vec![
        kept(SPLITTING, get("/answer/lf"), safe("/answer/lf").field("X", "a Set-Cookie: b")),
        kept(SPLITTING, get("/answer/cr"), safe("/answer/cr").field("X", "a Set-Cookie: b")),
        kept(SPLITTING, get("/answer/crlf"), safe("/answer/crlf")),
        kept(SPLITTING, get("/answer/nul"), ok("GET /answer/nul").status(500).without("X")),
        kept(SPLITTING, get("/answer/name"), safe("/answer/name").without("X")),
        kept(SPLITTING, get("/answer/space"), safe("/answer/space").without("X Y").without("X")),
        kept(SPLITTING, get("/answer/no-number"), safe("/answer/no-number").without("X")),
        kept(
            SPLITTING,
            get("/answer/redirection"),
            ok("GET /answer/redirection").status(302).without("Set-Cookie"),
        ),
    ]
}

fn lengths() -> Vec<Row> {
    let body = |target: &str| ok(format!("GET {target}")).body("body");
    vec![
        kept(LENGTH, get("/answer/exact"), body("/answer/exact").field("Content-Length", "4")),
        closed(LENGTH, get("/answer/short"), ok("GET /answer/short").field("Content-Length", "10").torn()),
        answered(LENGTH, get("/answer/long"), vec![ok("GET /answer/long").body("bo")], Then::Any),
        kept(LENGTH, get("/answer/minus"), body("/answer/minus")),
        kept(LENGTH, get("/answer/both"), body("/answer/both")),
        kept(LENGTH, get("/answer/coding"), body("/answer/coding")),
    ]
}
