//! U10: each protocol's bytes, and those of strangers, on the sockets of the others.

use super::get;
use crate::protocol::Protocol;
use crate::row::{Row, Rule, post, refused, silent};

const RULE: Rule = ("U10 another protocol", "ROBUSTNESS U10");

/// A ClientHello as browsers send it: 517 bytes, with a server name in it.
fn hello() -> Vec<u8> {
    let name = [&[0, 0, 0, 14, 0, 12, 0, 0, 9][..], b"localhost"].concat();
    let mut body =
        [&[3, 3][..], &[0x5a; 32], &[32], &[0xa5; 32], &[0, 6, 0x13, 1, 0x13, 2, 0x13, 3, 1, 0]].concat();
    body.extend([1, 0x8d]);
    body.extend(name);
    body.resize(508, 0);
    [&[22, 3, 1, 2, 0, 1, 0, 1, 0xfc][..], &body].concat()
}

/// What comes to a socket that it is not for; who could have sent it.
fn strangers() -> Vec<(Option<Protocol>, Vec<u8>)> {
    let binary = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    vec![
        (Some(Protocol::Http), Protocol::Http.get("/smuggled")),
        (Some(Protocol::Http), post("/smuggled", "hello").into_bytes()),
        (Some(Protocol::Uwsgi), get("/smuggled").pack(Protocol::Uwsgi)),
        (Some(Protocol::Uwsgi), super::post("/smuggled", "hello").pack(Protocol::Uwsgi)),
        (Some(Protocol::FastCgi), get("/smuggled").pack(Protocol::FastCgi)),
        (Some(Protocol::FastCgi), get("/smuggled").kept().pack(Protocol::FastCgi)),
        (Some(Protocol::Scgi), get("/smuggled").pack(Protocol::Scgi)),
        (Some(Protocol::Scgi), super::post("/smuggled", "hello").pack(Protocol::Scgi)),
        (Some(Protocol::Proxied), [&b"PROXY UNKNOWN\r\n"[..], &Protocol::Http.get("/smuggled")].concat()),
        (Some(Protocol::Proxied), binary.to_vec()),
        (None, hello()),
        (None, hello()[..80].to_vec()),
        (None, b"\x80\x2e\x01\x03\x01\0\x15\0\0\0\x10\x01\0\x80\x03\0\x80\x07\0\xc0".to_vec()),
        (None, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec()),
        (None, b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec()),
        (None, b"EHLO x\r\n\r\n".to_vec()),
        (None, b"*1\r\n$4\r\nPING\r\n\r\n".to_vec()),
        (None, b"\xff\xff\xff\xff".to_vec()),
        (None, (0..=255).rev().collect()),
    ]
}

pub fn rows(protocol: Protocol) -> Vec<Row> {
    let others = strangers().into_iter().filter(|(from, _)| *from != Some(protocol));
    let row = |bytes: Vec<u8>| match protocol {
        Protocol::Http if bytes.starts_with(b"PRI ") => refused(RULE, &[400, 505], bytes),
        // It has no end of a line; without one it is given up in the end (see `stalls`).
        Protocol::Http if bytes.starts_with(b"12") => {
            refused(RULE, &[400], [&bytes, &b"\r\n\r\n"[..]].concat())
        }
        Protocol::Http => refused(RULE, &[400], bytes),
        _ => silent(RULE, bytes),
    };
    others.map(|(_, bytes)| row(bytes)).collect()
}
