//! SCGI: a netstring of `name NUL value NUL`, CONTENT_LENGTH first and `SCGI` 1, and the body behind it.

use super::{Request, get, post};
use crate::protocol::Protocol;
use crate::row::{Outcome, Row, Rule, closed, half_closed, ok, refused, silent};

const NETSTRING: Rule = ("U1 U2 netstrings", "SCGI, Protocol");
const TORN: Rule = ("U3 variables that are cut short", "SCGI, Protocol");
const WANTED: Rule = ("U4 what SCGI wants", "SCGI, Request Format");
const STOPS: Rule = ("U1 a packet that stops", "SCGI, Protocol");

pub fn rows() -> Vec<Row> {
    let mut rows = netstrings();
    rows.extend(torn().into_iter().map(Row::one_of_several));
    rows.extend(wanted().into_iter().map(Row::one_of_several));
    rows
}

fn netstring(packed: &[u8]) -> Vec<u8> {
    [format!("{}:", packed.len()).as_bytes(), packed, b","].concat()
}

fn variables(request: &Request) -> Vec<u8> {
    let is_length = |(name, _): &&(Vec<u8>, Vec<u8>)| name == b"CONTENT_LENGTH";
    let (length, zero) = (b"CONTENT_LENGTH".to_vec(), b"0".to_vec());
    let first = request.variables.iter().position(|variable| is_length(&variable));
    let mut all = request.variables.clone();
    let length = first.map_or((length, zero), |first| all.remove(first));
    let version = (b"SCGI".to_vec(), b"1".to_vec());
    let all = [length, version].into_iter().chain(all);
    all.flat_map(|(name, value)| [&name[..], b"\0", &value, b"\0"].concat()).collect()
}

/// Its bytes; the variables that must be there are added, and put in their places.
pub fn pack(request: &Request) -> Vec<u8> {
    [netstring(&variables(request)), request.body.clone()].concat()
}

fn netstrings() -> Vec<Row> {
    let packed = variables(&get("/a"));
    let long = |length: usize, end: &str| [format!("{length}:").as_bytes(), &packed, end.as_bytes()].concat();
    let right = packed.len();
    let mut rows = vec![
        silent(NETSTRING, long(right, ";")),
        silent(NETSTRING, long(right, "\n")),
        silent(NETSTRING, long(right, "\0")).one_of_several(),
        silent(NETSTRING, long(right - 1, ",")),
        silent(NETSTRING, long(right + 1, ",,,")),
        silent(NETSTRING, long(right + 1, "X,")),
        half_closed(NETSTRING, long(right + 1, ","), Outcome::Silent),
        silent(NETSTRING, [b" ", &long(right, ",")[..]].concat()),
        silent(NETSTRING, [b"0", &long(right, ",")[..]].concat()),
        silent(NETSTRING, [b"+", &long(right, ",")[..]].concat()),
        silent(NETSTRING, [b"-", &long(right, ",")[..]].concat()),
        silent(NETSTRING, [b"0x", &long(right, ",")[..]].concat()),
        silent(NETSTRING, [b"\n", &long(right, ",")[..]].concat()),
        silent(NETSTRING, [b",", &long(right, ",")[..]].concat()),
        silent(NETSTRING, [format!("{right} :").as_bytes(), &packed, b","].concat()),
        silent(NETSTRING, [format!("{right};").as_bytes(), &packed, b","].concat()),
        silent(NETSTRING, [format!("{right}\0").as_bytes(), &packed, b","].concat()),
        silent(NETSTRING, packed.clone()),
    ];
    rows = rows.into_iter().map(Row::one_of_several).collect();
    let bad = [
        "0:,",
        "00:,",
        "05:",
        "00000001:",
        "65537:",
        "9999999:",
        "12345678",
        "99999999:",
        "99999999999999999999:",
        "-1:",
        "+1:",
        ":",
        ":,",
        "x",
        "1x",
        "1.0:",
        "1e3:",
        "0x10:",
        "5:hello;",
        "\u{b2}:",
    ];
    rows.extend(bad.map(|bad| silent(NETSTRING, bad)));
    rows.extend(["5:hello,", "1:\0,", "2:\0\0,", "3:a\0\0,", "1:a,"].map(|bad| silent(WANTED, bad)));
    let whole = pack(&post("/a", "hello"));
    for end in 0..whole.len() - 5 {
        rows.push(half_closed(STOPS, &whole[..end], Outcome::Silent).one_of_many());
    }
    rows
}

fn torn() -> Vec<Row> {
    let all = variables(&get("/a"));
    let mut rows = Vec::new();
    for tail in [&b"A"[..], b"A\0", b"A\0b", b"\0", b"\0\0", b"\0b\0", b"A\0b\0C"] {
        rows.push(silent(TORN, netstring(&[&all, tail].concat())));
    }
    rows.push(closed(TORN, netstring(&[&all[..], b"A\0\0"].concat()), ok("GET /a")));
    for cut in 1..all.len() {
        // What is left is a request without something, or no variables at all.
        let bytes = netstring(&all[..cut]);
        let nuls = all[..cut].iter().filter(|byte| **byte == 0).count();
        let is_whole = all[cut - 1] == 0 && nuls.is_multiple_of(2);
        let has_version = nuls >= 4;
        let row = if is_whole && has_version { refused(TORN, &[400], bytes) } else { silent(TORN, bytes) };
        rows.push(row.one_of_many());
    }
    rows
}

fn wanted() -> Vec<Row> {
    let others = variables(&get("/a"));
    let others = others.strip_prefix(b"CONTENT_LENGTH\x000\0SCGI\x001\0").unwrap();
    let with = |start: &[u8]| netstring(&[start, others].concat());
    let mut rows: Vec<_> = [
        &b""[..],
        b"CONTENT_LENGTH\x000\0",
        b"SCGI\x001\0",
        b"SCGI\x001\0CONTENT_LENGTH\x000\0",
        b"A\0b\0CONTENT_LENGTH\x000\0SCGI\x001\0",
        b"CONTENT_LENGTH\x000\0SCGI\x002\0",
        b"CONTENT_LENGTH\x000\0SCGI\0\0",
        b"CONTENT_LENGTH\x000\0SCGI\x0001\0",
        b"CONTENT_LENGTH\x000\0scgi\x001\0",
        b"content_length\x000\0SCGI\x001\0",
        b"CONTENT_LENGTH \x000\0SCGI\x001\0",
    ]
    .into_iter()
    .map(|start| silent(WANTED, with(start)))
    .collect();
    let anywhere = netstring(&[b"CONTENT_LENGTH\x000\0", others, b"SCGI\x001\0"].concat());
    rows.push(closed(WANTED, anywhere, ok("GET /a")));
    let longest = |length: usize| {
        (0..4).fold(get("/a"), |all, _| all.with("V", vec![b'v'; length / 4])).pack(Protocol::Scgi)
    };
    rows.push(closed(NETSTRING, longest(65_000), ok("GET /a")));
    rows.push(silent(NETSTRING, longest(66_000)));
    rows
}
