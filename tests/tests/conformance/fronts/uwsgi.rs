//! uwsgi packets: `modifier1, u16 size, modifier2`, then variables of `u16 length, name, u16 length, value`.

use super::{Request, get, post};
use crate::protocol::Protocol;
use crate::row::{Outcome, Row, Rule, Then, closed, half_closed, ok, refused, silent};

const SIZE: Rule = ("U1 a packet that is shorter than its size", "uwsgi protocol");
const SMALL: Rule = ("U2 a size that is smaller than the variables", "uwsgi protocol");
const TORN: Rule = ("U3 variables that are cut short", "uwsgi protocol");
const EMPTY: Rule = ("U4 an empty packet", "uwsgi protocol");
const MODIFIER: Rule = ("U5 modifiers", "uwsgi protocol");
const SERVED: Rule = ("U5 the modifiers of web requests", "uwsgi protocol");

pub fn rows() -> Vec<Row> {
    let mut rows = sizes();
    rows.extend(torn());
    rows.extend(modifiers());
    rows
}

pub fn text(text: &[u8]) -> Vec<u8> {
    [&u16::try_from(text.len()).unwrap().to_le_bytes(), text].concat()
}

fn variables(request: &Request) -> Vec<u8> {
    request.variables.iter().flat_map(|(name, value)| [text(name), text(value)].concat()).collect()
}

/// A packet that says of itself that it is of this size.
fn packet([modifier1, modifier2]: [u8; 2], size: usize, rest: &[u8]) -> Vec<u8> {
    let [low, high] = u16::try_from(size).unwrap().to_le_bytes();
    [&[modifier1, low, high, modifier2], rest].concat()
}

/// Its bytes, with these modifiers.
pub fn pack(modifiers: [u8; 2], request: &Request) -> Vec<u8> {
    let packed = variables(request);
    [packet(modifiers, packed.len(), &packed), request.body.clone()].concat()
}

fn sizes() -> Vec<Row> {
    let all = variables(&get("/a"));
    let mut rows = Vec::new();
    for more in [1, 2, 100, 65_535 - all.len()] {
        rows.push(half_closed(SIZE, packet([0, 0], all.len() + more, &all), Outcome::Silent));
    }
    let whole = pack([0, 0], &post("/a", "hello"));
    for end in 0..whole.len() - 5 {
        rows.push(half_closed(SIZE, &whole[..end], Outcome::Silent).one_of_many());
    }
    for packed in [[0, 0, 0, 0], [11, 0, 0, 0]] {
        rows.push(silent(EMPTY, packed));
        rows.push(silent(EMPTY, [&packed[..], &pack([0, 0], &get("/smuggled"))].concat()));
    }
    // The whole packet follows, whose end is then no part of the request.
    let ends = ends_of_variables(&get("/a"));
    for size in 1..all.len() {
        let bytes = packet([0, 0], size, &all);
        rows.push(match ends.iter().position(|end| *end == size) {
            None => silent(SMALL, bytes).one_of_many(),
            Some(_) => refused(SMALL, &[400], bytes).one_of_many(),
        });
    }
    rows.push(silent(SMALL, packet([0, 0], all.len() - 1, &all)));
    rows
}

/// Where a packet could end between two variables.
fn ends_of_variables(request: &Request) -> Vec<usize> {
    let lengths = request.variables.iter().map(|(name, value)| 4 + name.len() + value.len());
    lengths
        .scan(0, |end, length| {
            *end += length;
            Some(*end)
        })
        .collect()
}

fn torn() -> Vec<Row> {
    let all = variables(&get("/a"));
    let mut rows = Vec::new();
    for tail in [
        &b"\x01"[..],
        b"\0\0",
        b"\0\0\0",
        b"\0\0\0\0",
        b"\0\0\x01\0v",
        b"\x05\0abc",
        b"\xff\xffabc",
        b"\x01\0a",
        b"\x01\0a\0",
        b"\x01\0a\x05",
        b"\x01\0a\x05\0",
        b"\x01\0a\x05\0abc",
        b"\x01\0a\xff\xffv",
        b"\x01\0a\0\x80v",
    ] {
        let (first, last) = ([tail, &all].concat(), [&all, tail].concat());
        // In front of others, a length that is too large takes some of them for its own.
        let alone = packet([0, 0], tail.len(), tail);
        rows.push(silent(TORN, packet([0, 0], last.len(), &last)).one_of_several());
        rows.push(silent(TORN, alone));
        if tail.starts_with(b"\0\0") || tail.starts_with(b"\xff\xff") {
            rows.push(silent(TORN, packet([0, 0], first.len(), &first)));
        }
    }
    rows
}

fn modifiers() -> Vec<Row> {
    let mut rows = Vec::new();
    for modifier1 in (1..=255).filter(|modifier1| *modifier1 != 11) {
        let row = silent(MODIFIER, pack([modifier1, 0], &get("/a")));
        let known = [5, 9, 14, 17, 22, 31, 98, 99, 100, 110, 111, 173, 200, 224].contains(&modifier1);
        rows.push(if known { row.one_of_several() } else { row.one_of_many() });
        rows.push(silent(MODIFIER, [modifier1, 0, 0, 0]).one_of_many());
    }
    for modifier2 in 1..=255 {
        rows.push(silent(MODIFIER, pack([0, modifier2], &get("/a"))).one_of_many());
        rows.push(silent(MODIFIER, pack([11, modifier2], &get("/a"))).one_of_many());
    }
    for modifier1 in [0, 11] {
        rows.push(closed(SERVED, pack([modifier1, 0], &get("/a")), ok("GET /a")));
        let row = half_closed(
            SERVED,
            pack([modifier1, 0], &get("/a")),
            Outcome::Answered(vec![ok("GET /a")], Then::Closed),
        );
        rows.push(row.one_of_many());
    }
    let largest = |length: usize| (0..5).fold(get("/a"), |all, _| all.with("V", vec![b'v'; length]));
    let all = largest(12_000);
    assert!(all.pack(Protocol::Uwsgi).len() > 60_000);
    rows.push(closed(SERVED, all.pack(Protocol::Uwsgi), ok("GET /a")));
    rows
}
