//! Fields behind a body in chunks (RFC 9112 §7.1.2, RFC 9110 §6.5).

use crate::row::{Row, Rule, Then, answered, bytes, chunked_to, get, kept, ok, post_to, refused_in_body};

const FRAMING: Rule = ("A10 a trailer about framing or routing", "9110 §6.5.1");
const FORM: Rule = ("A10 a malformed trailer", "9112 §7.1.2, §5.1");
const SIZE: Rule = ("A10 trailers count as fields", "9110 §5.4, 6585 §5");
const GOOD: Rule = ("trailers", "9110 §6.5, 9112 §7.1.2");

fn careless(rule: Rule, status: u16, trailers: &str) -> Row {
    let rest = format!("5\r\nhello\r\n0\r\n{trailers}\r\n");
    refused_in_body(rule, status, bytes(&chunked_to("/careless", &rest)))
}

pub fn rows() -> Vec<Row> {
    let mut rows = good();
    rows.extend(
        [
            "Content-Length: 5",
            "content-length: 0",
            "Transfer-Encoding: chunked",
            "TRANSFER-ENCODING: identity",
            "Host: y",
            "host: x",
            "Trailer: X",
            "TE: trailers",
            "Connection: close",
            "X: y\r\nContent-Length: 5",
        ]
        .map(|field| careless(FRAMING, 400, &format!("{field}\r\n"))),
    );
    rows.extend(
        [
            "no colon",
            ": x",
            "X : y",
            "X\t: y",
            " X: y",
            "X: y\r\n folded",
            "X: a\0b",
            "X: a\rb",
            "X\0: y",
            "X(: y",
            "X: \x07",
            "X: \x7f",
            "X\u{e9}: y",
            "X: y\nZ: z",
            "X Y: z",
            "Content-Length : 5",
        ]
        .map(|field| careless(FORM, 400, &format!("{field}\r\n"))),
    );
    rows.push(careless(SIZE, 431, &format!("X: {}\r\n", "y".repeat(20_000))));
    rows.push(careless(SIZE, 431, &format!("X: {}\r\n", "y".repeat(8_000)).repeat(12)));
    rows.push(careless(SIZE, 431, &"X: y\r\n".repeat(101)));
    rows
}

fn good() -> Vec<Row> {
    let body = |trailers: &str| format!("5\r\nhello\r\n0\r\n{trailers}\r\n");
    let hello = || ok("POST /").line("body \"hello\"");
    vec![
        kept(GOOD, chunked_to("/", &body("X-Sum: abc\r\n")), hello().line("trailer \"X-Sum\" = \"abc\"")),
        kept(
            GOOD,
            post_to("/", "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n", &body("x-sum:abc \r\n")),
            hello().line("trailer \"X-Sum\" = \"abc\""),
        ),
        kept(
            GOOD,
            chunked_to("/", &body("X: a\r\nX: b\r\nEmpty:\r\n")),
            hello()
                .line("trailer \"X\" = \"a\"")
                .line("trailer \"X\" = \"b\"")
                .line("trailer \"Empty\" = \"\""),
        ),
        kept(GOOD, chunked_to("/", &body("Content_Length: 9\r\n")), hello()),
        kept(GOOD, chunked_to("/unread", &body("X-Sum: abc\r\n")), ok("POST /unread")),
        answered(
            GOOD,
            chunked_to("/", &body("X-Sum: abc\r\n")) + &get("/b"),
            vec![hello(), ok("GET /b")],
            Then::Kept,
        ),
    ]
}
