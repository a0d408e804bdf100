//! PROXY headers of both versions, and HTTP behind them.

use crate::peers::{ADDRESS, ADDRESS_V4, PORT};
use crate::row::{
    Outcome, Row, Rule, Step, Then, answered, by_server, closed, dialog, get, get_with, half_closed, kept,
    ok, post, refused, silent,
};

const TEXT: Rule = ("a PROXY header of version 1", "PROXY §2.1");
const BINARY: Rule = ("a PROXY header of version 2", "PROXY §2.2");
const FAMILIES: Rule = ("the families and commands of version 2", "PROXY §2.2");
const NONE: Rule = ("no PROXY header", "PROXY §2");
const STOPS: Rule = ("a PROXY header that stops", "PROXY §2");
const ONCE: Rule = ("one PROXY header for a connection", "PROXY §2");

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;
const TCP4: u8 = 0x11;
const TCP6: u8 = 0x21;
const UNIX: u8 = 0x31;

pub fn rows() -> Vec<Row> {
    let mut rows = text();
    rows.extend(binary());
    rows.extend(families());
    rows.extend(others());
    rows
}

/// A row of HTTP behind a header. It is not cut again at each place.
pub fn behind(mut row: Row) -> Row {
    if let Some(Step::Send(first)) = row.steps.iter_mut().find(|step| matches!(step, Step::Send(_))) {
        first.splice(0..0, line("TCP4", &v4()).into_bytes());
    }
    row.one_of_many()
}

fn v4() -> String {
    std::net::Ipv4Addr::from(ADDRESS_V4).to_string()
}

fn line(family: &str, source: &str) -> String {
    let destination = if family == "TCP4" { "192.0.2.2" } else { "2001:db8::2" };
    format!("PROXY {family} {source} {destination} {PORT} 80\r\n")
}

fn with_get(header: &[u8]) -> Vec<u8> {
    [header, get("/a").as_bytes()].concat()
}

fn text() -> Vec<Row> {
    let mut rows: Vec<_> = [
        line("TCP4", &v4()),
        line("TCP6", ADDRESS),
        line("TCP6", &format!("::ffff:{}", v4())),
        format!("PROXY TCP4 {} 0.0.0.0 {PORT} 0\r\n", v4()),
        format!("PROXY TCP4 {} 255.255.255.255 {PORT} 65535\r\n", v4()),
        format!("PROXY TCP6 {ADDRESS} ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255 {PORT} 1\r\n"),
        "PROXY UNKNOWN\r\n".to_owned(),
        "PROXY UNKNOWN \r\n".to_owned(),
        "PROXY UNKNOWN a b c d e f\r\n".to_owned(),
        "PROXY UNKNOWN ffff:f ffff:f 65535 65535\r\n".to_owned(),
        format!("PROXY UNKNOWN {}\r\n", "f".repeat(91)),
    ]
    .into_iter()
    .map(|header| kept(TEXT, with_get(header.as_bytes()), ok("GET /a")))
    .collect();
    let v4 = v4();
    let too_long = format!("PROXY UNKNOWN {}\r\n", "f".repeat(92));
    for bad in [
        &format!("PROXY  TCP4 {v4} 1.2.3.4 {PORT} 6\r\n"),
        &format!("PROXY TCP4  {v4} 1.2.3.4 {PORT} 6\r\n"),
        &format!("PROXY TCP4 {v4} 1.2.3.4 {PORT} 6 \r\n"),
        &format!("PROXY TCP4 {v4} 1.2.3.4 {PORT} 6 7\r\n"),
        &format!("PROXY TCP4 {v4} 1.2.3.4 {PORT}\r\n"),
        &format!("PROXY TCP4 {v4} 1.2.3.4\r\n"),
        &format!("PROXY TCP4 {v4}\r\n"),
        &format!("PROXY TCP4 {v4} 1.2.3.4 0{PORT} 6\r\n"),
        &format!("PROXY TCP4 {v4} 1.2.3.4 +{PORT} 6\r\n"),
        &format!("PROXY TCP4 {v4} 1.2.3.4 -1 6\r\n"),
        &format!("PROXY TCP4 {v4} 1.2.3.4 {PORT} 65536\r\n"),
        &format!("PROXY TCP4 {v4} 1.2.3.4 99999999999999999999 6\r\n"),
        &format!("PROXY TCP4 {v4} 1.2.3.4 {PORT} \r\n"),
        &format!("PROXY TCP4 {v4} 1.2.3.04 {PORT} 6\r\n"),
        &format!("PROXY TCP4 {v4} 1.2.3 {PORT} 6\r\n"),
        &format!("PROXY TCP4 {v4} 1.2.3.256 {PORT} 6\r\n"),
        &format!("PROXY TCP4 {v4} localhost {PORT} 6\r\n"),
        &format!("PROXY TCP4 {v4} ::1 {PORT} 6\r\n"),
        &format!("PROXY TCP4 {ADDRESS} ::1 {PORT} 6\r\n"),
        &format!("PROXY TCP6 {v4} 1.2.3.4 {PORT} 6\r\n"),
        &format!("PROXY TCP6 {ADDRESS} 1.2.3.4 {PORT} 6\r\n"),
        &format!("PROXY TCP6 {ADDRESS} :::1 {PORT} 6\r\n"),
        &format!("PROXY TCP6 {ADDRESS} fe80::1%1 {PORT} 6\r\n"),
        &format!("PROXY TCP6 [{ADDRESS}] ::1 {PORT} 6\r\n"),
        &format!("PROXY TCP5 {v4} 1.2.3.4 {PORT} 6\r\n"),
        &format!("PROXY UDP4 {v4} 1.2.3.4 {PORT} 6\r\n"),
        &format!("PROXY tcp4 {v4} 1.2.3.4 {PORT} 6\r\n"),
        &format!("proxy TCP4 {v4} 1.2.3.4 {PORT} 6\r\n"),
        &format!(" PROXY TCP4 {v4} 1.2.3.4 {PORT} 6\r\n"),
        &format!("\r\nPROXY TCP4 {v4} 1.2.3.4 {PORT} 6\r\n"),
        &format!("PROXY\tTCP4\t{v4}\t1.2.3.4\t{PORT}\t6\r\n"),
        &format!("PROXY TCP4 {v4} 1.2.3.4 {PORT} 6\n"),
        &format!("PROXY TCP4 {v4} 1.2.3.4 {PORT} 6\r"),
        &format!("PROXY TCP4 {v4} 1.2.3.4 {PORT} 6\r\r\n"),
        &format!("PROXY TCP4 {v4} 1.2.3.4 {PORT} 6\0\r\n"),
        "PROXY TCP4\r\n",
        "PROXY TCP4 \r\n",
        "PROXY\r\n",
        "PROXY \r\n",
        "PROXY UNKNOWNS\r\n",
        "PROXY UNKNOWN\n",
        "PROXY UNKNOWN\0\r\n",
        "PROXY UNKNOWN \x01\r\n",
        &too_long,
        &format!("PROXY TCP4 {}\r\n", "0".repeat(200)),
        &format!("PROXY UNKNOWN {}", "f".repeat(5000)),
    ] {
        rows.push(silent(TEXT, with_get(bad.as_bytes())).one_of_several());
    }
    rows
}

fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[command, family], &length, rest].concat()
}

fn over_v4(tlvs: &[u8]) -> Vec<u8> {
    [&ADDRESS_V4, &[192, 0, 2, 2][..], &PORT.to_be_bytes(), &80_u16.to_be_bytes(), tlvs].concat()
}

fn over_v6(tlvs: &[u8]) -> Vec<u8> {
    let source: std::net::Ipv6Addr = ADDRESS.parse().unwrap();
    [&source.octets()[..], &[1; 16], &PORT.to_be_bytes(), &80_u16.to_be_bytes(), tlvs].concat()
}

fn mapped() -> Vec<u8> {
    [&[0; 10][..], &[255, 255], &ADDRESS_V4, &[1; 16], &PORT.to_be_bytes(), &80_u16.to_be_bytes()].concat()
}

fn binary() -> Vec<Row> {
    let tlv = |kind: u8, value: &[u8]| {
        [&[kind][..], &u16::try_from(value.len()).unwrap().to_be_bytes(), value].concat()
    };
    let tlvs =
        [tlv(1, b"h2"), tlv(2, b"example.org"), tlv(4, &[0; 8]), tlv(0x20, &[1; 30]), tlv(0xea, b"\r\n\r\n")];
    let mut rows: Vec<_> = [
        header(PROXY, TCP4, &over_v4(b"")),
        header(PROXY, TCP4, &over_v4(&tlvs.concat())),
        header(PROXY, TCP4, &over_v4(&tlv(4, &vec![0; 4081]))),
        header(PROXY, TCP4, &over_v4(b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")),
        header(PROXY, TCP6, &over_v6(b"")),
        header(PROXY, TCP6, &over_v6(&tlvs.concat())),
        header(PROXY, TCP6, &mapped()),
        header(PROXY, UNIX, &[b'/'; 216]),
        header(PROXY, UNIX, &[&[b'/'; 216][..], &tlvs.concat()].concat()),
        header(PROXY, 0, b""),
        header(PROXY, 0, &[7; 50]),
        header(PROXY, 0, b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"),
        header(LOCAL, 0, b""),
        header(LOCAL, 0, &[7; 50]),
        header(LOCAL, TCP4, b""),
        header(LOCAL, TCP4, &[9; 12]),
        header(LOCAL, TCP6, &[9; 36]),
        header(LOCAL, 0xff, &[9; 3]),
    ]
    .into_iter()
    .map(|header| kept(BINARY, with_get(&header), ok("GET /a")))
    .collect();
    for length in 0..12 {
        rows.push(silent(BINARY, with_get(&header(PROXY, TCP4, &over_v4(b"")[..length]))).one_of_many());
    }
    for length in [0, 12, 35] {
        rows.push(silent(BINARY, with_get(&header(PROXY, TCP6, &over_v6(b"")[..length]))));
    }
    for length in [0, 215] {
        rows.push(silent(BINARY, with_get(&header(PROXY, UNIX, &vec![b'/'; length]))));
    }
    for length in [4097, 10_000, 65_535] {
        rows.push(silent(BINARY, with_get(&header(PROXY, 0, &vec![0; length]))));
    }
    for place in 0..SIGNATURE.len() {
        let mut bytes = with_get(&header(PROXY, TCP4, &over_v4(b"")));
        bytes[place] ^= 0x20;
        rows.push(silent(BINARY, bytes).one_of_many());
    }
    rows
}

/// Every command and every family.
fn families() -> Vec<Row> {
    let mut rows = Vec::new();
    for command in (0..=255).filter(|command| ![LOCAL, PROXY].contains(command)) {
        rows.push(silent(FAMILIES, with_get(&header(command, TCP4, &over_v4(b"")))).one_of_many());
    }
    for family in (0..=255).filter(|family| ![0, TCP4, TCP6, UNIX].contains(family)) {
        rows.push(silent(FAMILIES, with_get(&header(PROXY, family, &[1; 216]))).one_of_many());
        rows.push(kept(FAMILIES, with_get(&header(LOCAL, family, &[1; 7])), ok("GET /a")).one_of_many());
    }
    rows
}

fn others() -> Vec<Row> {
    let (text, binary) = (line("TCP4", &v4()).into_bytes(), header(PROXY, TCP6, &over_v6(b"")));
    let mut rows = Vec::new();
    for header in [&text, &binary] {
        let then = |rest: String| [&header[..], rest.as_bytes()].concat();
        rows.extend([
            kept(ONCE, then(post("/a", "hello")), ok("POST /a").line("body \"hello\"")),
            answered(
                ONCE,
                then(get("/a") + &post("/b", "hello") + &get("/c")),
                vec![ok("GET /a"), ok("POST /b"), ok("GET /c")],
                Then::Kept,
            ),
            closed(ONCE, then(get_with("Connection: close\r\n")), ok("GET /")),
            closed(ONCE, then("GET /a HTTP/1.0\r\n\r\n".to_owned()), ok("GET /a")),
            refused(ONCE, &[400], then("GET / HTTP/1.1\r\n\r\n".to_owned())),
            refused(ONCE, &[400], then(get_with("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"))),
            refused(ONCE, &[400], [&header[..], &text, get("/smuggled").as_bytes()].concat()),
            refused(ONCE, &[400], [&header[..], &binary, get("/smuggled").as_bytes()].concat()),
            answered(
                ONCE,
                [&then(get("/a"))[..], &text, get("/smuggled").as_bytes()].concat(),
                vec![ok("GET /a"), by_server(400).field("Connection", "close")],
                Then::Closed,
            ),
            half_closed(ONCE, then(get("/a")), Outcome::Answered(vec![ok("GET /a")], Then::Closed)),
        ]);
        for end in 0..=header.len() {
            rows.push(half_closed(STOPS, &header[..end], Outcome::Silent).one_of_many());
        }
        // The header in one piece or byte by byte, and the request in another.
        let steps = vec![Step::Send(header.clone()), Step::Send(get("/a").into_bytes())];
        rows.push(dialog(ONCE, steps, Outcome::Answered(vec![ok("GET /a")], Then::Kept)));
    }
    for bytes in
        [get("/a"), post("/a", "hello"), get("http://x/a"), format!("\r\n{}", get("/a")), "P".repeat(100)]
    {
        rows.push(silent(NONE, bytes));
    }
    rows
}
