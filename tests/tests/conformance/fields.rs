//! The fields of a head: names, values, lines (RFC 9112 §5, RFC 9110 §5).

use crate::row::{Row, Rule, bytes, each_refused, get_with, kept, ok, post_with};

const LINES: Rule = ("A11 bare LF or CR among the fields", "9112 §2.2");
const FOLD: Rule = ("A12 obs-fold", "9112 §5.2, §2.2");
const NAME: Rule = ("A13 field names", "9112 §5.1, 9110 §5.6.2");
const VALUE: Rule = ("A14 controls in values", "9110 §5.5");
const UNDERSCORE: Rule = ("A15 underscores", "9110 §5.1");

pub fn rows() -> Vec<Row> {
    let mut rows = lines();
    rows.extend(names());
    rows.extend(values());
    rows.extend(underscores());
    rows
}

fn lines() -> Vec<Row> {
    let mut rows: Vec<_> = each_refused(
        LINES,
        &[400],
        [
            "X: a\nY: b\r\n",
            "X: a\rb\r\n",
            "X: a\r\r\n",
            "X: a\r\rY: b\r\n",
            "\r\rX: a\r\n",
            "X: a\n\rY: b\r\n",
            "\nX: a\r\n",
            "\rX: a\r\n",
            "X\r: a\r\n",
            "X\n: a\r\n",
            "X:\ra\r\n",
            "X:\na\r\n",
            "X: a\n\n",
            "X: a\n",
            "\n",
            "\r\r\n",
            "X: \r\r\n",
            "X: a\r\n\n",
        ]
        .map(get_with),
    )
    .collect();
    rows.extend(each_refused(
        LINES,
        &[400],
        [
            "GET / HTTP/1.1\r\nHost: x\n\n",
            "GET / HTTP/1.1\r\nHost: x\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\n\n",
        ],
    ));
    rows.extend(each_refused(
        FOLD,
        &[400],
        [
            "X: a\r\n b\r\n",
            "X: a\r\n\tb\r\n",
            "X: a\r\n \r\n",
            "X: a\r\n\t\r\n",
            "X:\r\n b\r\n",
            "X: a\r\n b\r\n c\r\n",
            "X: a\r\n Y: b\r\n",
            "X: a\r\n Content-Length: 5\r\n",
        ]
        .map(get_with),
    ));
    rows.extend(each_refused(
        FOLD,
        &[400],
        [
            "GET / HTTP/1.1\r\n Host: x\r\n\r\n",
            "GET / HTTP/1.1\r\n\tHost: x\r\n\r\n",
            "GET / HTTP/1.1\r\n \r\nHost: x\r\n\r\n",
            "GET / HTTP/1.1\r\n X: y\r\nHost: x\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n",
        ],
    ));
    rows
}

fn names() -> Vec<Row> {
    let mut rows: Vec<_> = each_refused(
        NAME,
        &[400],
        [
            ": v",
            "X : v",
            "X\t: v",
            "X\x0b: v",
            " : v",
            "X(: v",
            "X): v",
            "X\u{c3}\u{ab}: v",
            "\u{ff}: v",
            "Foo",
            "X Y: v",
            "X\0: v",
            "\0: v",
            "X\x01: v",
            "X\x7f: v",
            "A\"B: v",
            "A,B: v",
            "A/B: v",
            "A;B: v",
            "A<B: v",
            "A=B: v",
            "A>B: v",
            "A?B: v",
            "A@B: v",
            "A[B: v",
            "A\\B: v",
            "A]B: v",
            "A{B: v",
            "A}B: v",
            "GET / HTTP/1.1",
            "=",
            "X",
        ]
        .map(|field| bytes(&get_with(&format!("{field}\r\n")))),
    )
    .collect();
    rows.extend([
        kept(NAME, get_with("!#$%&'*+-.^_`|~09azAZ: v\r\n"), ok("GET /")),
        kept(
            NAME,
            get_with("x-lower: a\r\nX-UPPER: b\r\n"),
            ok("GET /").line("field \"X-Lower\" = \"a\"").line("field \"X-Upper\" = \"b\""),
        ),
        kept(
            ("several of a name", "9110 §5.3"),
            get_with("X: a\r\nY: b\r\nx: c\r\n"),
            ok("GET /").line("field \"X\" = \"a\"").line("field \"X\" = \"c\"").line("field \"Y\" = \"b\""),
        ),
    ]);
    rows
}

fn values() -> Vec<Row> {
    let mut rows: Vec<_> = each_refused(
        VALUE,
        &[400],
        ["a\0b", "\0", "a\0", "\x07", "\x7f", "a\x01", "\x1b[2J", "a\x0bb", "a\x0cb", "\x08", "\x1f"]
            .map(|value| get_with(&format!("X: {value}\r\n"))),
    )
    .collect();
    for (value, seen) in [
        ("", ""),
        (" ", ""),
        (" \t ", ""),
        (" a", "a"),
        ("a \t", "a"),
        ("\ta", "a"),
        (" a b ", "a b"),
        ("a\tb", "a\\tb"),
        (":", ":"),
        ("a: b", "a: b"),
        (" \"q\"", "\\\"q\\\""),
        ("\u{e9}", "\\xe9"),
        ("\u{c3}\u{a9}", "é"),
        ("\u{ff}\u{80}", "\\xff\\x80"),
    ] {
        let answer = ok("GET /").line(format!("field \"X\" = \"{seen}\""));
        rows.push(kept(("values", "9110 §5.5"), bytes(&get_with(&format!("X:{value}\r\n"))), answer));
    }
    rows
}

fn underscores() -> Vec<Row> {
    let both = || ok("GET /").line("field \"X-Real-Ip\" = \"2\"").line("field \"X_real_ip\" = \"1\"");
    vec![
        kept(UNDERSCORE, get_with("X_Real_Ip: 1\r\nX-Real-Ip: 2\r\n"), both()),
        kept(UNDERSCORE, get_with("X-Real-Ip: 2\r\nX_Real_Ip: 1\r\n"), both()),
        kept(
            UNDERSCORE,
            post_with("Content_Length: 2\r\nContent-Length: 5\r\n", "hello"),
            ok("POST /").line("length 5").line("body \"hello\"").line("field \"Content-Length\" = \"5\""),
        ),
        kept(
            UNDERSCORE,
            post_with("Content-Length: 5\r\nContent_Length: 2\r\n", "hello"),
            ok("POST /").line("length 5").line("body \"hello\"").line("field \"Content_length\" = \"2\""),
        ),
        kept(UNDERSCORE, get_with("Content_Length: 5\r\n"), ok("GET /").line("length 0")),
        kept(
            UNDERSCORE,
            get_with("Transfer_Encoding: chunked\r\n"),
            ok("GET /").line("length 0").line("coding []"),
        ),
        kept(
            UNDERSCORE,
            post_with("Transfer_Encoding: chunked\r\nContent-Length: 5\r\n", "hello"),
            ok("POST /").line("coding []").line("body \"hello\""),
        ),
    ]
}
