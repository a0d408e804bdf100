//! Bodies in chunks (RFC 9112 §7.1).

use crate::row::{
    Expected, Outcome, Row, Rule, Then, answered, bytes, chunked_to, get, half_closed, kept, ok,
    refused_in_body,
};

const SIZE: Rule = ("A7 chunk size", "9112 §7.1");
const DATA: Rule = ("A8 chunk data", "9112 §7.1, §8");
const EXTENSION: Rule = ("A9 chunk extensions", "9112 §7.1.1");
const LINES: Rule = ("A11 bare LF or CR in chunks", "9112 §2.2, §7.1");

/// What stands in place of `5\r\n`, before `hello`.
const SIZES: [&str; 27] = [
    "0x5\r\n",
    "+5\r\n",
    "-1\r\n",
    "-5\r\n",
    " 5\r\n",
    "\t5\r\n",
    "5 \r\n",
    "5\t\r\n",
    "1_0\r\n",
    "5_\r\n",
    "\r\n",
    "FFFFFFFFFFFFFFFF0\r\n",
    "FFFFFFFFFFFFFFFF\r\n",
    "10000000000000005\r\n",
    "100000005x\r\n",
    "8000000000000000\r\n",
    "00000000000000000000005\r\n",
    "x\r\n",
    "5x\r\n",
    "g\r\n",
    "5,\r\n",
    "5.0\r\n",
    "\"5\"\r\n",
    "5h\r\n",
    "\x00\r\n",
    "5\x00\r\n",
    "=5\r\n",
];

const EXTENSIONS: [&str; 28] = [
    ";",
    ";bad[=x",
    ";\x00",
    ";a\x00=b",
    ";=",
    ";=b",
    ";a=",
    ";a=b=c",
    ";a=\"b",
    ";a=b\"",
    ";a=\"b\"c",
    ";a=\"\x00\"",
    ";a=\"\x07\"",
    ";a b",
    ";a=b c",
    ";a,b",
    ";a@b",
    ";;a",
    ";a;",
    ";a=b;",
    "a=b",
    " ",
    " ;",
    ";a ",
    ";a= ",
    " a;b",
    ";a\x7f",
    ";a\\=b",
];

const LINE_ENDS: [&str; 18] = [
    "5\nhello\r\n0\r\n\r\n",
    "5\rhello\r\n0\r\n\r\n",
    "5\r\rhello\r\n0\r\n\r\n",
    "5\r\r\nhello\r\n0\r\n\r\n",
    "5\n\nhello\r\n0\r\n\r\n",
    "5\r\nhello\n0\r\n\r\n",
    "5\r\nhello\r0\r\n\r\n",
    "5\r\nhello\r\r\n0\r\n\r\n",
    "5\r\nhello\n\r0\r\n\r\n",
    "5\r\nhello\r\n0\n\r\n",
    "5\r\nhello\r\n0\r\n\n",
    "5\r\nhello\r\n0\r\n\rX\r\n",
    "5\r\nhello\r\n0\n\n",
    "5;\nhello\r\n0\r\n\r\n",
    "5;a\nhello\r\n0\r\n\r\n",
    "5;a\rX\r\nhello\r\n0\r\n\r\n",
    "5;a=\"b\n\"\r\nhello\r\n0\r\n\r\n",
    "5;a=\"b\r\n\"\r\nhello\r\n0\r\n\r\n",
];

/// Refused even where the application takes no notice of the error.
fn careless(rule: Rule, rest: &str) -> Row {
    refused_in_body(rule, 400, bytes(&chunked_to("/careless", rest)))
}

fn whole(body: &str) -> Expected {
    ok("POST /").line(format!("body {body:?}")).line("length -1")
}

pub fn rows() -> Vec<Row> {
    let mut rows = accepted();
    rows.extend(SIZES.map(|size| careless(SIZE, &format!("{size}hello\r\n0\r\n\r\n"))));
    rows.extend(SIZES.map(|size| careless(SIZE, &format!("3\r\nabc\r\n{size}hello\r\n0\r\n\r\n"))));
    rows.push(careless(SIZE, &format!("{}\r\nhello\r\n0\r\n\r\n", "0".repeat(5000))));
    rows.push(careless(SIZE, &"0".repeat(100_000)));
    rows.push(careless(SIZE, &"5".repeat(100_000)));
    rows.extend(
        [
            "5\r\nhello!!\r\n0\r\n\r\n",
            "5\r\nhello0\r\n\r\n",
            "5\r\nhello\r\n\r\n0\r\n\r\n",
            "5\r\nhell\r\n0\r\n\r\n",
            "0\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "4\r\nhello\r\n0\r\n\r\n",
            "5\r\nhello X\r\n0\r\n\r\n",
            "\r\n5\r\nhello\r\n0\r\n\r\n",
        ]
        .map(|rest| careless(DATA, rest)),
    );
    rows.extend(
        EXTENSIONS.map(|extension| careless(EXTENSION, &format!("5{extension}\r\nhello\r\n0\r\n\r\n"))),
    );
    rows.extend(
        EXTENSIONS.map(|extension| careless(EXTENSION, &format!("5\r\nhello\r\n0{extension}\r\n\r\n"))),
    );
    rows.push(careless(EXTENSION, &format!("5;{}\r\nhello\r\n0\r\n\r\n", "a".repeat(64 << 10))));
    rows.push(careless(
        EXTENSION,
        &format!("{}0\r\n\r\n", format!("1;{}\r\nx\r\n", "e".repeat(4000)).repeat(16)),
    ));
    rows.push(careless(EXTENSION, &format!("{}0\r\n\r\n", "1;a;b;c;d;e;f;g;h\r\nx\r\n".repeat(4000))));
    rows.extend(LINE_ENDS.map(|rest| careless(LINES, rest)));
    rows.extend(
        [
            "",
            "5",
            "5\r",
            "5\r\n",
            "5\r\nhel",
            "5\r\nhello",
            "5\r\nhello\r\n",
            "5\r\nhello\r\n0",
            "5\r\nhello\r\n0\r\n",
        ]
        .map(|rest| half_closed(DATA, chunked_to("/", rest), Outcome::GivenUp)),
    );
    rows.push(half_closed(DATA, chunked_to("/careless", "5\r\nhel"), Outcome::GivenUp));
    rows
}

fn accepted() -> Vec<Row> {
    let good = ("chunks", "9112 §7.1");
    let mut rows = vec![
        kept(good, chunked_to("/", "0\r\n\r\n"), whole("")),
        kept(good, chunked_to("/", "5\r\nhello\r\n0\r\n\r\n"), whole("hello")),
        kept(good, chunked_to("/", "5\r\nhello\r\n6\r\n world\r\n00\r\n\r\n"), whole("hello world")),
        kept(good, chunked_to("/", "a\r\n0123456789\r\n0\r\n\r\n"), whole("0123456789")),
        kept(good, chunked_to("/", "A\r\n0123456789\r\n0\r\n\r\n"), whole("0123456789")),
        kept(good, chunked_to("/", "0005\r\nhello\r\n0000\r\n\r\n"), whole("hello")),
        kept(good, chunked_to("/", "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n"), whole("\r\n0\r\n\r\n")),
        kept(good, chunked_to("/", &("1\r\nx\r\n".repeat(90) + "0\r\n\r\n")), whole(&"x".repeat(90))),
        kept(good, chunked_to("/unread", "5\r\nhello\r\n0\r\n\r\n"), ok("POST /unread")),
        kept(good, chunked_to("/half", "5\r\nhello\r\n0\r\n\r\n"), ok("POST /half")),
        answered(
            good,
            chunked_to("/", "5\r\nhello\r\n0\r\n\r\n")
                + &chunked_to("/unread", "1\r\nx\r\n0\r\n\r\n")
                + &get("/last"),
            vec![whole("hello"), ok("POST /unread"), ok("GET /last")],
            Then::Kept,
        ),
    ];
    for extension in [
        ";a",
        " ;a",
        "; a\t=\tb ; c",
        ";a=b",
        ";a=\"b\"",
        ";a;b=c;d=\"e;f\"",
        ";a=\"\\\"\\\\\"",
        ";a=\"\t \"",
        ";a=\"\"",
    ] {
        let body = format!("5{extension}\r\nhello\r\n0{extension}\r\n\r\n");
        rows.push(kept(EXTENSION, chunked_to("/", &body), whole("hello")));
    }
    let large = format!("{:x}\r\n{}\r\n0\r\n\r\n", 100_000, "x".repeat(100_000));
    rows.push(kept(good, chunked_to("/", &large), ok("POST /").line("body of 100000 bytes, fe071171")));
    rows
}
