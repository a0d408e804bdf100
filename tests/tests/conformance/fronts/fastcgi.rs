//! FastCGI 1.0: records of `version 1, kind, u16 number, u16 length, padding, 0`, one request at a time on a connection.

use super::{Request, get, post, request};
use crate::row::{
    Expected, Outcome, Row, Rule, Then, answered, at_most, closed, given_up, half_closed, kept, ok, refused,
    refused_in_body, silent,
};

const RECORDS: Rule = ("records split and padded at will", "FastCGI 1.0 §3.3");
const PAIRS: Rule = ("U3 names and values", "FastCGI 1.0 §3.4");
const VERSION: Rule = ("a wrong version", "FastCGI 1.0 §3.3");
const NUMBER: Rule = ("request ids", "FastCGI 1.0 §3.3");
const MANAGEMENT: Rule = ("records about the connection", "FastCGI 1.0 §4");
const ROLE: Rule = ("unknown roles", "FastCGI 1.0 §5.1, §5.5");
const BEGIN: Rule = ("a malformed BEGIN_REQUEST", "FastCGI 1.0 §5.1");
const KEEP: Rule = ("FCGI_KEEP_CONN", "FastCGI 1.0 §5.1");
const ABORT: Rule = ("ABORT_REQUEST", "FastCGI 1.0 §5.4");
const MULTIPLEXING: Rule = ("multiplexing", "FastCGI 1.0 §3.3");
const PLACE: Rule = ("records out of place", "FastCGI 1.0 §5");
const STDIN: Rule = ("U6 STDIN and CONTENT_LENGTH", "FastCGI 1.0 §5.3, §6.2");
const UNKNOWN: Rule = ("a body of unknown length", "FastCGI 1.0 §5.3, §6.2");
const LEFTOVER: Rule = ("U8 a body that nobody reads", "ROBUSTNESS U8");
const STOPS: Rule = ("U1 a request that stops", "FastCGI 1.0 §3.3");
const LARGE: Rule = ("large variables", "FastCGI 1.0 §5.2");

const BEGIN_REQUEST: u8 = 1;
const ABORT_REQUEST: u8 = 2;
const PARAMS: u8 = 4;
const STDIN_DATA: u8 = 5;

/// The number that `--max-connections` is given.
pub const CONNECTIONS: &str = "5000";

pub fn rows() -> Vec<Row> {
    let mut rows = records();
    rows.extend(pairs().into_iter().map(Row::one_of_several));
    rows.extend(headers().into_iter().map(Row::one_of_several));
    rows.extend(management());
    rows.extend(roles().into_iter().map(Row::one_of_several));
    rows.extend(kept_connections());
    rows.extend(out_of_place().into_iter().map(Row::one_of_several));
    rows.extend(bodies().into_iter().map(Row::one_of_several));
    rows.extend(large());
    rows
}

/// A record with padding that is not zero.
fn record(kind: u8, number: u16, content: &[u8], padding: u8) -> Vec<u8> {
    let ([high, low], [length1, length0]) =
        (number.to_be_bytes(), u16::try_from(content.len()).unwrap().to_be_bytes());
    let padded = vec![1; padding.into()];
    [&[1, kind, high, low, length1, length0, padding, 0], content, &padded].concat()
}

fn begin(number: u16, role: u16, flags: u8) -> Vec<u8> {
    let [high, low] = role.to_be_bytes();
    record(BEGIN_REQUEST, number, &[high, low, flags, 0, 0, 0, 0, 0], 0)
}

fn length(length: usize) -> Vec<u8> {
    match u8::try_from(length) {
        Ok(short) if short < 128 => vec![short],
        _ => (u32::try_from(length).unwrap() | 1 << 31).to_be_bytes().to_vec(),
    }
}

fn pair(name: &[u8], value: &[u8]) -> Vec<u8> {
    [&length(name.len()), &length(value.len()), name, value].concat()
}

/// A pair whose lengths take four bytes each, though they are small.
fn long_pair(name: &[u8], value: &[u8]) -> Vec<u8> {
    let long = |length: usize| (u32::try_from(length).unwrap() | 1 << 31).to_be_bytes();
    [&long(name.len())[..], &long(value.len()), name, value].concat()
}

fn packed(request: &Request) -> Vec<u8> {
    request.variables.iter().flat_map(|(name, value)| pair(name, value)).collect()
}

/// Content in records of this kind, and the empty one that ends it.
fn stream(kind: u8, number: u16, content: &[u8]) -> Vec<u8> {
    content.chunks(0xffff).chain([&b""[..]]).flat_map(|part| record(kind, number, part, 0)).collect()
}

/// What comes before the body.
fn opening(number: u16, request: &Request) -> Vec<u8> {
    [begin(number, 1, request.keep.into()), stream(PARAMS, number, &packed(request))].concat()
}

/// Its bytes, as those of the request `number`.
pub fn pack(number: u16, request: &Request) -> Vec<u8> {
    [opening(number, request), stream(STDIN_DATA, number, &request.body)].concat()
}

fn kept_get(target: &str) -> Vec<u8> {
    pack(1, &get(target).kept())
}

fn hello(target: &str) -> Request {
    post(target, "hello")
}

fn seen() -> Expected {
    ok("POST /a").line("body \"hello\"")
}

fn records() -> Vec<Row> {
    let variables = hello("/a").without("REMOTE_ADDR");
    // The trial's own address must be in one piece: it is put there by its looks.
    let address = pair(b"REMOTE_ADDR", crate::peers::ADDRESS.as_bytes());
    let split = |size: usize, padding: u8| {
        let pieces = |kind: u8, content: &[u8]| -> Vec<u8> {
            let pieces = content.chunks(size).flat_map(|part| record(kind, 1, part, padding));
            pieces.collect()
        };
        [
            begin(1, 1, 1),
            record(PARAMS, 1, &address, padding),
            pieces(PARAMS, &packed(&variables)),
            record(PARAMS, 1, b"", padding),
            pieces(STDIN_DATA, b"hello"),
            record(STDIN_DATA, 1, b"", padding),
        ]
        .concat()
    };
    let mut rows = Vec::new();
    for (size, padding) in
        [(1, 0), (1, 1), (1, 255), (2, 0), (3, 5), (7, 0), (21, 3), (100, 7), (1000, 0), (1000, 255)]
    {
        rows.push(kept(RECORDS, split(size, padding), seen()));
    }
    let padded_begin =
        [record(BEGIN_REQUEST, 1, &[0, 1, 1, 9, 9, 9, 9, 9], 9), opening(1, &hello("/a"))[16..].to_vec()];
    let body = stream(STDIN_DATA, 1, b"hello");
    rows.push(kept(RECORDS, [&padded_begin.concat()[..], &body].concat(), seen()));
    let long: Vec<u8> =
        hello("/a").variables.iter().flat_map(|(name, value)| long_pair(name, value)).collect();
    rows.push(kept(PAIRS, [begin(1, 1, 1), stream(PARAMS, 1, &long), body].concat(), seen()));
    let whole = pack(1, &hello("/a"));
    for end in 0..whole.len() - 8 {
        let outcome = if end < whole.len() - 21 { Outcome::Silent } else { Outcome::GivenUp };
        rows.push(half_closed(STOPS, &whole[..end], outcome).one_of_many());
    }
    // All but the record that ends STDIN, or a part of it: the body is not known to be whole.
    for end in whole.len() - 8..whole.len() {
        rows.push(half_closed(STOPS, &whole[..end], Outcome::GivenUp).one_of_many());
    }
    rows
}

fn pairs() -> Vec<Row> {
    let right = packed(&get("/a"));
    let mut rows = Vec::new();
    for tail in [
        &b"\x01"[..],
        b"\x01\x01",
        b"\x01\x01a",
        b"\x05\x01ab",
        b"\x01\x05ab",
        b"\x01\x7fab",
        b"\x80",
        b"\x80\0\0",
        b"\x80\0\0\x01",
        b"\x80\0\0\x01\x01a",
        b"\xff\xff\xff\xff\x01ab",
        b"\x01\xff\xff\xff\xffab",
        b"\x01\x80\0\0ab",
        b"\0\0",
        b"\0\x01a",
        b"\x80\0\0\0\x01a",
    ] {
        let with = |variables: &[u8]| {
            [begin(1, 1, 1), stream(PARAMS, 1, variables), stream(STDIN_DATA, 1, b"")].concat()
        };
        rows.push(silent(PAIRS, with(&[&right, tail].concat())));
        rows.push(silent(PAIRS, with(tail)));
    }
    rows.push(refused(
        PAIRS,
        &[400],
        [begin(1, 1, 1), stream(PARAMS, 1, b""), stream(STDIN_DATA, 1, b"")].concat(),
    ));
    rows
}

fn headers() -> Vec<Row> {
    let whole = kept_get("/a");
    let mut rows = Vec::new();
    for version in [0, 2, 3, 0x7f, 0x80, 0xff] {
        rows.push(silent(VERSION, [&[version], &whole[1..]].concat()));
    }
    let wrong_at = |at: usize| [&whole[..at], &[2], &whole[at + 1..]].concat();
    rows.push(silent(VERSION, wrong_at(16)));
    rows.push(silent(VERSION, wrong_at(whole.len() - 16)));
    // The record that ends an empty body: the application may have begun, and ended, without it.
    rows.push(at_most(VERSION, "GET /a", wrong_at(whole.len() - 8)));
    for number in [1, 2, 0xff, 0x100, 0x1234, 0x7fff, 0x8000, 0xffff] {
        let answer = || seen().number(number);
        rows.push(closed(NUMBER, pack(number, &hello("/a")), answer()));
        rows.push(kept(NUMBER, pack(number, &hello("/a").kept()), answer()).one_of_many());
    }
    rows.push(silent(NUMBER, pack(0, &hello("/a"))));
    for length in [0, 1, 7, 9, 16, 255] {
        let rest = opening(1, &hello("/a"))[16..].to_vec();
        let mut content = vec![0, 1, 0, 0, 0, 0, 0, 0];
        content.resize(length, 0);
        rows.push(silent(BEGIN, [record(BEGIN_REQUEST, 1, &content, 0), rest].concat()));
    }
    rows
}

/// A record about the connection.
fn about(kind: u8, content: &[u8]) -> Vec<u8> {
    record(kind, 0, content, 3)
}

fn unpadded(kind: u8, number: u16, content: &[u8]) -> Vec<u8> {
    record(kind, number, content, 0)
}

fn unknown_type(kind: u8) -> Vec<u8> {
    unpadded(11, 0, &[kind, 0, 0, 0, 0, 0, 0, 0])
}

fn management() -> Vec<Row> {
    let all =
        [pair(b"FCGI_MAX_CONNS", b""), pair(b"FCGI_MAX_REQS", b""), pair(b"FCGI_MPXS_CONNS", b"")].concat();
    let number = CONNECTIONS.as_bytes();
    let values =
        [pair(b"FCGI_MAX_CONNS", number), pair(b"FCGI_MAX_REQS", number), pair(b"FCGI_MPXS_CONNS", b"0")];
    let result = |content: &[u8]| unpadded(10, 0, content);
    let then_get = |first: Vec<u8>| [first, kept_get("/a")].concat();
    let asks = |asked: &[u8]| then_get(about(9, asked));
    let answer = || ok("GET /a");
    let whole = kept_get("/a");
    let between = [&whole[..16], &about(9, &all), &whole[16..]].concat();
    let flood = |count: usize| then_get(about(200, b"abc").repeat(count));
    let mut rows = vec![
        kept(MANAGEMENT, asks(&all), answer().record(result(&values.concat()))),
        kept(MANAGEMENT, asks(&pair(b"FCGI_MPXS_CONNS", b"")), answer().record(result(&values[2]))),
        kept(MANAGEMENT, asks(&all.repeat(3)), answer().record(result(&values.concat()))),
        kept(MANAGEMENT, asks(&pair(b"OTHER", b"")), answer().record(result(b""))),
        kept(MANAGEMENT, asks(b""), answer().record(result(b""))),
        kept(MANAGEMENT, between, answer().record(result(&values.concat()))),
        kept(MANAGEMENT, flood(1), answer().record(unknown_type(200))),
        kept(MANAGEMENT, flood(3), (0..3).fold(answer(), |answer, _| answer.record(unknown_type(200)))),
        silent(MANAGEMENT, about(9, b"\x05\x01a")),
        silent(MANAGEMENT, about(9, &vec![b'a'; 600])),
    ];
    for kind in 12..=255 {
        let request = then_get(about(kind, b"abc"));
        rows.push(kept(MANAGEMENT, request, answer().record(unknown_type(kind))).one_of_many());
    }
    rows
}

fn roles() -> Vec<Row> {
    let unknown_role = |number: u16| unpadded(3, number, &[0, 0, 0, 0, 3, 0, 0, 0]);
    let mut rows = Vec::new();
    for role in [0, 2, 3, 4, 0x100, 0x101, 0xffff] {
        let alone = [begin(7, role, 1), kept_get("/a")].concat();
        rows.push(kept(ROLE, alone, ok("GET /a").record(unknown_role(7))));
        let rest = pack(7, &get("/a"))[16..].to_vec();
        let with_all = [begin(7, role, 1), rest, kept_get("/a")].concat();
        rows.push(kept(ROLE, with_all, ok("GET /a").record(unknown_role(7))).one_of_many());
    }
    rows
}

fn kept_connections() -> Vec<Row> {
    let post_of = |number: u16| pack(number, &hello("/a").kept());
    let last = pack(9, &get("/b"));
    let head = |target: &str| pack(1, &request("HEAD", target).kept());
    let mut rows = vec![
        kept(KEEP, kept_get("/a"), ok("GET /a")),
        kept(KEEP, head("/answer/exact"), ok("HEAD /answer/exact").of_head()),
        kept(KEEP, head("/answer/stream"), ok("HEAD /answer/stream").of_head()),
        kept(KEEP, kept_get("/answer/204"), ok("GET /answer/204").status(204).body("")),
        kept(KEEP, kept_get("/answer/304"), ok("GET /answer/304").status(304).body("")),
        kept(KEEP, kept_get("/answer/stream"), ok("GET /answer/stream").body("one two")),
        kept(KEEP, kept_get("/answer/large"), ok("GET /answer/large").length(300_000)),
        kept(KEEP, kept_get("/answer/500"), ok("GET /answer/500").status(500).body("body")),
        answered(
            KEEP,
            [post_of(1), post_of(1), kept_get("/b")].concat(),
            vec![seen(), seen(), ok("GET /b")],
            Then::Kept,
        ),
        answered(
            KEEP,
            [post_of(3), post_of(0xffff), post_of(2), last].concat(),
            vec![seen().number(3), seen().number(0xffff), seen().number(2), ok("GET /b").number(9)],
            Then::Closed,
        ),
        answered(
            KEEP,
            (0..30).flat_map(|_| kept_get("/a")).collect::<Vec<_>>(),
            (0..30).map(|_| ok("GET /a")).collect(),
            Then::Kept,
        ),
        answered(
            KEEP,
            [kept_get("/a"), begin(1, 9, 1), kept_get("/b")].concat(),
            vec![ok("GET /a"), ok("GET /b").record(unpadded(3, 1, &[0, 0, 0, 0, 3, 0, 0, 0]))],
            Then::Kept,
        ),
        answered(
            KEEP,
            [pack(1, &get("/a")), kept_get("/smuggled")].concat(),
            vec![ok("GET /a")],
            Then::Closed,
        ),
    ];
    for flags in [0, 2, 0x80, 0xfe] {
        let request = [begin(1, 1, flags), pack(1, &get("/a"))[16..].to_vec()].concat();
        rows.push(closed(KEEP, request, ok("GET /a")).one_of_many());
    }
    for flags in [3, 0x81, 0xff] {
        let request = [begin(1, 1, flags), pack(1, &get("/a"))[16..].to_vec()].concat();
        rows.push(kept(KEEP, request, ok("GET /a")).one_of_many());
    }
    let hidden = [kept_get("/smuggled"), record(STDIN_DATA, 1, b"", 0)].concat();
    for path in ["/unread", "/half", "/answer/exact", "/answer/stream"] {
        let row = kept(LEFTOVER, pack(1, &post(path, hidden.clone()).kept()), ok(format!("POST {path}")));
        rows.push(if path == "/unread" { row } else { row.one_of_several() });
    }
    let many = pack(1, &post("/unread", hidden.repeat(300)).kept());
    rows.push(kept(LEFTOVER, many, ok("POST /unread")).one_of_many());
    rows
}

fn out_of_place() -> Vec<Row> {
    let whole = pack(1, &hello("/a"));
    let (start, rest) = whole.split_at(16);
    let insert = |record: Vec<u8>| [start, &record, rest].concat();
    let opened = opening(1, &hello("/a"));
    let in_body = |record: Vec<u8>| [&opened[..], &record, &stream(STDIN_DATA, 1, b"hello")].concat();
    let abort = |number: u16| record(ABORT_REQUEST, number, b"", 0);
    let mut rows = vec![
        silent(ABORT, insert(abort(1))),
        silent(ABORT, [start, &abort(1)].concat()),
        given_up(ABORT, in_body(abort(1))),
        given_up(ABORT, [&opened[..], &record(STDIN_DATA, 1, b"hel", 0), &abort(1)].concat()),
        kept(ABORT, [abort(7), kept_get("/a")].concat(), ok("GET /a")),
        answered(
            ABORT,
            [kept_get("/a"), abort(1), kept_get("/b")].concat(),
            vec![ok("GET /a"), ok("GET /b")],
            Then::Kept,
        ),
        silent(MULTIPLEXING, insert(begin(2, 1, 0))),
        silent(MULTIPLEXING, insert(begin(1, 1, 0))),
        silent(MULTIPLEXING, insert(pack(2, &get("/smuggled")))),
        silent(MULTIPLEXING, insert(record(PARAMS, 2, &packed(&get("/smuggled")), 0))),
        given_up(MULTIPLEXING, in_body(begin(2, 1, 0))),
        given_up(MULTIPLEXING, in_body(pack(2, &get("/smuggled")))),
        given_up(MULTIPLEXING, in_body(record(STDIN_DATA, 2, b"world", 0))),
        given_up(PLACE, in_body(record(PARAMS, 1, &packed(&get("/smuggled")), 0))),
        given_up(PLACE, in_body(begin(1, 1, 0))),
        silent(PLACE, insert(record(STDIN_DATA, 1, b"hello", 0))),
        silent(PLACE, insert(record(STDIN_DATA, 0, b"hello", 0))),
        silent(PLACE, insert(record(PARAMS, 0, b"\x01\x01ab", 0))),
        // What is left of a request that nobody knows means nothing.
        kept(PLACE, [record(PARAMS, 7, b"\x01\x01ab", 1), kept_get("/a")].concat(), ok("GET /a")),
        kept(PLACE, [record(STDIN_DATA, 7, b"hello", 1), kept_get("/a")].concat(), ok("GET /a")),
    ];
    for kind in (0..=255).filter(|kind| !(1..=8).contains(kind) || [3, 6, 7].contains(kind)) {
        rows.push(silent(PLACE, record(kind, 1, b"abcdefgh", 0)).one_of_many());
        rows.push(silent(PLACE, insert(record(kind, 1, b"abcdefgh", 0))).one_of_many());
        rows.push(given_up(PLACE, in_body(record(kind, 1, b"abcdefgh", 0))).one_of_many());
    }
    rows
}

fn bodies() -> Vec<Row> {
    let with = |path: &str, length: &str, parts: &[&[u8]]| {
        let parts: Vec<u8> = parts.iter().flat_map(|part| record(STDIN_DATA, 1, part, 0)).collect();
        [opening(1, &request("POST", path).with("CONTENT_LENGTH", length).kept()), parts].concat()
    };
    let mut rows = Vec::new();
    for path in ["/a", "/careless"] {
        for (length, parts) in [
            ("5", &[&b"hello!"[..], b""][..]),
            ("5", &[b"hello", b"!", b""]),
            ("5", &[b"hel", b"lo!", b""]),
            ("4", &[b"hello", b""]),
            ("5", &[b"hell", b""]),
            ("5", &[b"h", b""]),
            ("5", &[b""]),
            ("1000000000000", &[b"hello", b""]),
        ] {
            let row = refused_in_body(STDIN, 400, with(path, length, parts));
            rows.push(if path == "/a" { row } else { row.one_of_many() });
        }
    }
    rows.push(at_most(STDIN, "POST /a", with("/a", "0", &[b"hello", b""])));
    rows.extend(without_length());
    rows
}

/// Without CONTENT_LENGTH the records tell whether there is a body, and where it ends.
fn without_length() -> Vec<Row> {
    let with = |request: Request, parts: &[&[u8]]| {
        let parts: Vec<u8> = parts.iter().flat_map(|part| record(STDIN_DATA, 1, part, 3)).collect();
        [opening(1, &request.kept()), parts].concat()
    };
    let post = || request("POST", "/a");
    let of_no_length = || ok("POST /a").line("length -1").line("body \"hello\"");
    let hidden = [kept_get("/smuggled"), record(STDIN_DATA, 1, b"", 0)].concat();
    vec![
        kept(UNKNOWN, with(post(), &[b"hello", b""]), of_no_length()),
        kept(UNKNOWN, with(post(), &[b"h", b"ell", b"o", b""]), of_no_length()),
        kept(UNKNOWN, with(post().with("CONTENT_LENGTH", ""), &[b"hello", b""]), of_no_length()),
        kept(
            UNKNOWN,
            with(post().with("HTTP_TRANSFER_ENCODING", "chunked"), &[b"hello", b""]),
            of_no_length(),
        ),
        kept(UNKNOWN, with(post(), &[b""]), ok("POST /a").line("length 0").line("body \"\"")),
        kept(UNKNOWN, with(request("POST", "/unread"), &[&hidden, b""]), ok("POST /unread")),
        half_closed(UNKNOWN, with(post(), &[b"hello"]), Outcome::GivenUp),
        half_closed(UNKNOWN, with(post(), &[]), Outcome::Silent),
        given_up(UNKNOWN, [with(post(), &[b"hello"]), record(ABORT_REQUEST, 1, b"", 0)].concat()),
    ]
}

fn large() -> Vec<Row> {
    let all = (0..5).fold(get("/a").kept(), |all, n| all.with(format!("V{n}"), vec![b'v'; 12_000]));
    let variables = packed(&all);
    let (first, rest) = variables.split_at(200);
    let split = |size: usize| {
        let rest: Vec<u8> = rest.chunks(size).flat_map(|part| record(PARAMS, 1, part, 1)).collect();
        let opening = [begin(1, 1, 1), record(PARAMS, 1, first, 0), rest, record(PARAMS, 1, b"", 0)].concat();
        [opening, record(STDIN_DATA, 1, b"", 0)].concat()
    };
    let too_large = (0..7).fold(get("/a").kept(), |all, n| all.with(format!("V{n}"), vec![b'v'; 12_000]));
    assert!(variables.len() > 60_000);
    vec![
        kept(LARGE, pack(1, &all), ok("GET /a")),
        kept(LARGE, split(100), ok("GET /a")).one_of_many(),
        kept(LARGE, split(5000), ok("GET /a")),
        kept(LARGE, split(16_384), ok("GET /a")).one_of_many(),
        refused(LARGE, &[431], pack(1, &too_large)),
        refused(LARGE, &[431], [begin(1, 1, 1), record(PARAMS, 1, first, 0).repeat(400)].concat()),
    ]
}
