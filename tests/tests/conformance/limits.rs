//! How much of anything is taken (RFC 6585 §5, RFC 9110 §5.4, §15.5.14).

use crate::row::{Row, Rule, chunked_to, get_with, kept, ok, post_with, refused, refused_in_body};

const COUNT: Rule = ("A16 many fields", "6585 §5");
const FIELD: Rule = ("A16 a long field", "6585 §5, 9110 §5.4");
const HEAD: Rule = ("A16 a long head", "6585 §5");
const POST: Rule = ("limit-post", "9110 §15.5.14");

pub fn rows() -> Vec<Row> {
    let fields = |count: usize| (0..count).map(|n| format!("X-{n}: y\r\n")).collect::<String>();
    let field = |length: usize| format!("X: {}\r\n", "y".repeat(length));
    vec![
        kept(COUNT, get_with(&fields(99)), ok("GET /").line("field \"X-98\" = \"y\"")),
        refused(COUNT, &[431], get_with(&fields(100))),
        refused(COUNT, &[431], get_with(&fields(1000))),
        refused(COUNT, &[431], get_with(&"X: y\r\n".repeat(1000))),
        kept(FIELD, get_with(&field(15 << 10)), ok("GET /").line("field \"X\" = \"(15360 bytes)\"")),
        refused(FIELD, &[431], get_with(&field(17 << 10))),
        refused(FIELD, &[431], get_with(&field(100_000))),
        refused(FIELD, &[431], get_with(&format!("{}: y\r\n", "X".repeat(17 << 10)))),
        refused(FIELD, &[431], get_with(&format!("{}: y\r\n", "X".repeat(100_000)))),
        refused(FIELD, &[431], get_with(&format!("Cookie: {}\r\n", "a=b; ".repeat(13_108)))),
        refused(FIELD, &[431], get_with(&format!("X:{}y\r\n", " ".repeat(100_000)))),
        kept(HEAD, get_with(&field(10 << 10).repeat(6)), ok("GET /")),
        refused(HEAD, &[431], get_with(&field(10 << 10).repeat(7))),
        refused(HEAD, &[431], "GET / HTTP/1.1\r\nHost: x\r\n".to_owned() + &field(15 << 10).repeat(8)),
        refused(HEAD, &[431], "GET / HTTP/1.1\r\nHost: x\r\n".to_owned() + &"y".repeat(100_000)),
    ]
}

/// With `--limit-post 1000`.
pub fn rows_of_limit_post() -> Vec<Row> {
    let said = |length: usize| post_with(&format!("Content-Length: {length}\r\n"), &"x".repeat(length));
    let chunks =
        |count: usize| format!("{}0\r\n\r\n", format!("64\r\n{}\r\n", "x".repeat(100)).repeat(count));
    vec![
        kept(POST, said(1000), ok("POST /").line("length 1000")),
        refused(POST, &[413], said(1001)),
        refused(POST, &[413], said(100_000)),
        refused(POST, &[413], post_with("Content-Length: 9223372036854775807\r\n", "")),
        kept(POST, chunked_to("/", &chunks(10)), ok("POST /").line("length -1")),
        refused_in_body(POST, 413, chunked_to("/careless", &chunks(11))),
        refused_in_body(POST, 413, chunked_to("/careless", "3e9\r\n")),
    ]
}

/// With `--buffer-size 4096`.
pub fn rows_of_buffer_size() -> Vec<Row> {
    let field = |length: usize| get_with(&format!("X: {}\r\n", "y".repeat(length)));
    vec![kept(HEAD, field(3000), ok("GET /")), refused(HEAD, &[431], field(5000))]
}
