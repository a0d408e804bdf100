//! Where a request's body ends: Content-Length and Transfer-Encoding (RFC 9112 §6, RFC 9110 §8.6).

use crate::row::{
    Row, Rule, Then, answered, bytes, each_refused, get_with, kept, ok, post, post_with, refused,
};

const CL_TE: Rule = ("A1 CL.TE", "9112 §6.1, §6.3(3), §11.2");
const TE_CL: Rule = ("A2 TE.CL", "9112 §6.1");
const SEVERAL: Rule = ("A3 several lengths", "9112 §6.3(5), 9110 §8.6");
const LENGTH: Rule = ("A4 forms of a length", "9110 §8.6");
const CODING: Rule = ("A5 forms of a coding", "9112 §6.1, §6.3(4), §5.1");
const OLD: Rule = ("A6 a coding in 1.0", "9112 §6.1");

const LENGTHS: [&str; 26] = [
    "+5",
    "-1",
    "-0",
    "0x5",
    "0o5",
    "0b1",
    "1_0",
    "1 0",
    "5\t5",
    "",
    " ",
    "\t",
    "99999999999999999999",
    "18446744073709551616",
    "18446744073709551621",
    "9223372036854775808",
    "5x",
    "x5",
    "005",
    "00",
    "5.0",
    "1e1",
    "5;",
    "\"5\"",
    "'5'",
    "five",
];

const CODINGS: [&str; 28] = [
    "xchunked",
    "chunkedx",
    "identity",
    "gzip",
    "chunked, gzip",
    "gzip, chunked",
    "chunked, chunked",
    "chunked, identity",
    "identity, chunked",
    ", chunked",
    "chunked,",
    ",",
    "\x0bchunked",
    "\x0cchunked",
    "chunked\x00",
    "\x00chunked",
    "chunked\x0b",
    "",
    " ",
    "\"chunked\"",
    "'chunked'",
    "chunked;q=1",
    "chunked;",
    "chunk",
    "chunked chunked",
    "x chunked",
    "5",
    "chunked\x7f",
];

const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

pub fn rows() -> Vec<Row> {
    let mut rows = lengths();
    rows.extend(codings());
    rows.extend(both());
    rows
}

fn both() -> Vec<Row> {
    let mut rows = Vec::new();
    for (rule, fields) in [
        (CL_TE, "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n"),
        (TE_CL, "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n"),
        (CL_TE, "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"),
        (CL_TE, "content-length: 6\r\nTRANSFER-ENCODING: Chunked\r\n"),
        (CL_TE, "Content-Length: 6\r\nX: y\r\nTransfer-Encoding: identity\r\n"),
        (CL_TE, "Content-Length: 6\r\nTransfer-Encoding:\r\n"),
    ] {
        rows.push(refused(rule, &[400], post_with(fields, &format!("0\r\n\r\nX{SMUGGLED}"))));
        rows.push(refused(rule, &[400], post_with(fields, SMUGGLED)));
    }
    let hidden = format!("{:x}\r\n{SMUGGLED}\r\n0\r\n\r\n", SMUGGLED.len());
    rows.push(refused(
        TE_CL,
        &[400],
        post_with("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", &hidden),
    ));
    rows.push(refused(TE_CL, &[400], get_with("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n")));
    rows
}

fn lengths() -> Vec<Row> {
    let mut rows: Vec<_> = each_refused(
        LENGTH,
        &[400],
        LENGTHS.map(|value| post_with(&format!("Content-Length: {value}\r\n"), "hello")),
    )
    .collect();
    rows.extend(each_refused(
        LENGTH,
        &[400],
        ["5\x00", "\x005", "\u{b2}", "\u{d9}\u{a5}"]
            .map(|v| bytes(&post_with(&format!("Content-Length: {v}\r\n"), "hello"))),
    ));
    rows.extend(each_refused(
        SEVERAL,
        &[400],
        [
            "Content-Length: 5\r\nContent-Length: 10\r\n",
            "Content-Length: 10\r\nContent-Length: 5\r\n",
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "Content-Length: 5\r\nX: y\r\ncontent-length: 5\r\n",
            "Content-Length: 0\r\nContent-Length: 5\r\n",
            "Content-Length: 5\r\nContent-Length:\r\n",
            "Content-Length: 5, 10\r\n",
            "Content-Length: 5, 5\r\n",
            "Content-Length: 5,5\r\n",
            "Content-Length: 5,\r\n",
            "Content-Length: ,5\r\n",
        ]
        .map(|fields| post_with(fields, "hellohello")),
    ));
    let body = |length, body| ok("POST /").line(format!("length {length}")).line(format!("body \"{body}\""));
    rows.extend([
        kept(LENGTH, post_with("Content-Length: 5\r\n", "hello"), body(5, "hello")),
        kept(LENGTH, post_with("Content-Length:5\r\n", "hello"), body(5, "hello")),
        kept(LENGTH, post_with("cOnTeNt-lEnGtH: \t 5 \t\r\n", "hello"), body(5, "hello")),
        kept(LENGTH, post_with("Content-Length: 0\r\n", ""), body(0, "")),
        kept(("no length, no body", "9112 §6.3(7)"), post_with("", ""), body(0, "")),
        answered(
            ("no length, no body", "9112 §6.3(7)"),
            post_with("", SMUGGLED),
            vec![body(0, ""), ok("GET /smuggled")],
            Then::Kept,
        ),
        kept(
            ("a body of GET", "9110 §9.3.1"),
            get_with("Content-Length: 5\r\n") + "hello",
            ok("GET /").line("body \"hello\""),
        ),
        answered(
            ("a body of GET", "9110 §9.3.1"),
            get_with(&format!("Content-Length: {}\r\n", SMUGGLED.len())) + SMUGGLED + &post("/b", "x"),
            vec![ok("GET /"), ok("POST /b").line("body \"x\"")],
            Then::Kept,
        ),
    ]);
    rows
}

fn codings() -> Vec<Row> {
    let body = "5\r\nhello\r\n0\r\n\r\n";
    let with = |fields: &str| post_with(fields, body);
    let mut rows: Vec<_> =
        each_refused(CODING, &[400], CODINGS.map(|value| with(&format!("Transfer-Encoding: {value}\r\n"))))
            .collect();
    rows.extend(each_refused(
        CODING,
        &[400],
        [
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nX: y\r\ntransfer-encoding:\r\n",
            "Transfer-Encoding:\r\n chunked\r\n",
            "Transfer-Encoding:\r\n\tchunked\r\n",
            "Transfer-Encoding: gzip,\r\n chunked\r\n",
            "Transfer-Encoding : chunked\r\n",
            "Transfer-Encoding\t: chunked\r\n",
            "Transfer-Encoding\x0b: chunked\r\n",
            " Transfer-Encoding: chunked\r\n",
            "X: y\rTransfer-Encoding: chunked\r\n",
            "X: y\nTransfer-Encoding: chunked\r\n",
            "X: y\r\n\rTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding\r\n : chunked\r\n",
            "Transfer-\r\nEncoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length : 5\r\n",
        ]
        .map(with),
    ));
    rows.extend(each_refused(
        CODING,
        &[400],
        ["chunked\u{a0}", "\u{a0}chunked", "\u{e7}hunked"]
            .map(|v| bytes(&with(&format!("Transfer-Encoding: {v}\r\n")))),
    ));
    for fields in [
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: Chunked\r\n",
        "tRaNsFeR-eNcOdInG:CHUNKED\r\n",
        "Transfer-Encoding: \t chunked \t\r\n",
    ] {
        let answer = ok("POST /").line("length -1").line("coding [chunked]").line("body \"hello\"");
        rows.push(kept(("chunked", "9112 §7.1"), with(fields), answer));
    }
    rows.push(kept(
        ("a body of GET", "9110 §9.3.1"),
        get_with("Transfer-Encoding: chunked\r\n") + body,
        ok("GET /").line("body \"hello\""),
    ));
    for field in
        ["Transfer-Encoding: chunked\r\n", "Transfer-Encoding: identity\r\n", "Transfer-Encoding: gzip\r\n"]
    {
        rows.push(refused(OLD, &[400], format!("POST / HTTP/1.0\r\nHost: x\r\n{field}\r\n{body}")));
        let keep =
            format!("POST / HTTP/1.0\r\nConnection: keep-alive\r\n{field}Content-Length: 5\r\n\r\n{body}");
        rows.push(refused(OLD, &[400], keep));
    }
    rows
}
