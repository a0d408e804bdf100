//! Protocols other than plain HTTP: the same requests, and answers in their forms.

use std::io::Write as _;

use goherd_proto::Protocol;
use goherd_reactor::Read;

use crate::server::{Server, answer, read_body};

const VARIABLES: &[(&str, &str)] = &[
    ("REQUEST_METHOD", "POST"),
    ("REQUEST_URI", "/a?b"),
    ("HTTP_HOST", "x"),
    ("HTTP_X", "y"),
    ("HTTPS", "on"),
    ("REMOTE_ADDR", "1.2.3.4"),
    ("REMOTE_PORT", "56"),
];

fn variables(length: &str) -> Vec<(&str, &str)> {
    [&[("CONTENT_LENGTH", length)], VARIABLES].concat()
}

fn uwsgi(length: &str) -> Vec<u8> {
    let mut vars = Vec::new();
    for (name, value) in variables(length) {
        for part in [name, value] {
            vars.extend_from_slice(&u16::try_from(part.len()).unwrap().to_le_bytes());
            vars.extend_from_slice(part.as_bytes());
        }
    }
    let [low, high] = u16::try_from(vars.len()).unwrap().to_le_bytes();
    [&[11, low, high, 0][..], &vars].concat()
}

pub fn scgi(length: &str) -> Vec<u8> {
    let mut vars: String =
        variables(length).iter().map(|(name, value)| format!("{name}\0{value}\0")).collect();
    vars.push_str("SCGI\x001\0");
    format!("{}:{vars},", vars.len()).into_bytes()
}

fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[1, kind, 0, 7, high, low, 0, 0][..], content].concat()
}

/// All of a request; `keep`: the connection is to go on.
pub fn fastcgi(body: &str, keep: bool) -> Vec<u8> {
    let mut pairs = Vec::new();
    for (name, value) in variables(&body.len().to_string()) {
        pairs.extend([u8::try_from(name.len()).unwrap(), u8::try_from(value.len()).unwrap()]);
        pairs.extend_from_slice(name.as_bytes());
        pairs.extend_from_slice(value.as_bytes());
    }
    let mut all = record(1, &[0, 1, u8::from(keep), 0, 0, 0, 0, 0]);
    all.extend(record(4, &pairs));
    all.extend(record(4, b""));
    if !body.is_empty() {
        all.extend(record(5, body.as_bytes()));
    }
    all.extend(record(5, b""));
    all
}

/// What the records in `bytes` say: stdout, and how many requests they end.
pub fn unpacked(mut bytes: &[u8]) -> (String, usize) {
    let (mut text, mut ends) = (Vec::new(), 0);
    while let [1, kind, 0, 7, high, low, padding, _, rest @ ..] = bytes {
        let (content, rest) = rest.split_at(u16::from_be_bytes([*high, *low]).into());
        match kind {
            6 => text.extend_from_slice(content),
            3 => ends += 1,
            kind => panic!("a record of the kind {kind}"),
        }
        bytes = &rest[usize::from(*padding)..];
    }
    assert!(bytes.is_empty(), "{bytes:?}");
    (String::from_utf8(text).unwrap(), ends)
}

#[test]
fn uwsgi_and_scgi_carry_one_request_cut_anywhere() {
    for (protocol, packet, begins) in [
        (Protocol::Uwsgi, uwsgi("5"), "HTTP/1.1 200 OK\r\n"),
        (Protocol::Scgi, scgi("5"), "Status: 200 OK\r\n"),
    ] {
        let server = Server::speaking(protocol);
        let bytes = [&packet[..], b"hello"].concat();
        for cut in (1..bytes.len()).step_by(7) {
            let mut peer = server.connect();
            peer.write_all(&bytes[..cut]).unwrap();
            server.next(goherd_reactor::Mode::Steward);
            peer.write_all(&bytes[cut..]).unwrap();
            let seen = server.request();
            assert_eq!(
                (seen.line.as_str(), seen.about.as_str()),
                ("POST /a?b", "y 1.2.3.4:56 true"),
                "{protocol}"
            );
            assert_eq!(read_body(&server, seen.id), b"hello");
            server.respond(seen.id, "fine");
            let text = server.until_closed(peer);
            assert!(text.starts_with(begins) && text.ends_with("Content-Length: 4\r\n\r\nfine"), "{text}");
        }
    }
}

#[test]
fn a_body_that_stops_short_is_never_whole() {
    for (protocol, packet) in [(Protocol::Uwsgi, uwsgi("9")), (Protocol::Scgi, scgi("9"))] {
        let server = Server::speaking(protocol);
        let mut peer = server.connect();
        peer.write_all(&[&packet[..], b"hello"].concat()).unwrap();
        peer.shutdown(std::net::Shutdown::Write).unwrap();
        let seen = server.request();
        assert_eq!(server.reactor.read(seen.id, &mut [0; 9]), Ok(Read::Bytes(5)));
        assert_eq!(server.reactor.read(seen.id, &mut [0; 9]), Ok(Read::Broken));
        server.reactor.abort(seen.id).unwrap();
    }
}

#[test]
fn what_is_not_the_protocol_is_left_without_a_word() {
    for (protocol, bytes) in [
        (Protocol::Uwsgi, &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..]),
        (Protocol::Uwsgi, b"\x00\x00\x00\x00"),
        (Protocol::Uwsgi, b"\x62\x05\x00\x00"),
        (Protocol::Scgi, b"GET / HTTP/1.1\r\n"),
        (Protocol::FastCgi, b"GET / HTTP/1.1\r\n"),
    ] {
        let server = Server::speaking(protocol);
        let mut peer = server.connect();
        peer.write_all(bytes).unwrap();
        peer.shutdown(std::net::Shutdown::Write).unwrap();
        server.closes(peer);
    }
}

#[test]
fn fastcgi_connections_carry_one_request_after_another() {
    let server = Server::speaking(Protocol::FastCgi);
    let mut peer = server.connect();
    for body in ["hello", "", "again"] {
        peer.write_all(&fastcgi(body, true)).unwrap();
        let seen = server.request();
        assert_eq!((seen.line.as_str(), seen.about.as_str()), ("POST /a?b", "y 1.2.3.4:56 true"));
        assert_eq!(read_body(&server, seen.id), body.as_bytes());
        server.respond(seen.id, body);
    }
    peer.write_all(&fastcgi("", false)).unwrap();
    let seen = server.request();
    server.reactor.start(seen.id, 404, b"").unwrap();
    server.reactor.write(seen.id, b"in parts").unwrap();
    server.reactor.finish(seen.id, b"").unwrap();
    let (text, ends) = unpacked(&server.bytes_until_closed(peer));
    assert_eq!(ends, 4);
    assert_eq!(text.matches("Status: 200 OK\r\n").count(), 3, "{text}");
    assert!(text.contains("Content-Length: 5\r\n\r\nhelloStatus: "), "{text}");
    assert!(text.ends_with("\r\n\r\nin parts") && text.contains("Status: 404 Not Found\r\n"), "{text}");
}

#[test]
fn an_unread_fastcgi_body_is_never_taken_for_a_request() {
    let server = Server::speaking(Protocol::FastCgi);
    let mut peer = server.connect();
    let inner = String::from_utf8(record(1, &[0, 1, 0, 0, 0, 0, 0, 0])).unwrap();
    peer.write_all(&[fastcgi(&inner, true), fastcgi("", false)].concat()).unwrap();
    for _ in 0..2 {
        server.respond(server.request().id, "x");
    }
    assert_eq!(unpacked(&server.bytes_until_closed(peer)).1, 2);
}

#[test]
fn a_proxy_header_says_where_a_connection_comes_from() {
    let server = Server::with(|settings| settings.doors[0].behind_proxy = true);
    for cut in [1, 10, 40] {
        let mut peer = server.connect();
        let bytes = b"PROXY TCP4 5.6.7.8 9.9.9.9 1234 80\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n";
        peer.write_all(&bytes[..cut]).unwrap();
        server.next(goherd_reactor::Mode::Steward);
        peer.write_all(&bytes[cut..]).unwrap();
        for _ in 0..2 {
            let seen = server.request();
            assert_eq!(seen.about, " 5.6.7.8:1234 false");
            server.respond(seen.id, "x");
            assert_eq!(answer(&mut peer).1, "x");
            peer.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        }
        let third = server.request();
        server.reactor.abort(third.id).unwrap();
    }
    let mut without = server.connect();
    without.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    without.shutdown(std::net::Shutdown::Write).unwrap();
    server.closes(without);
}
