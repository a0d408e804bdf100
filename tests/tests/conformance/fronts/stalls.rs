//! What is begun and never ended, with time limits of half a second: the end comes, and nothing is taken for whole.

use super::{get, post};
use crate::protocol::Protocol;
use crate::row::{Outcome, Row, Rule, dialog};

const HEAD: Rule = ("U1 a request that stalls", "ROBUSTNESS U1");
const BODY: Rule = ("U6 a body that stalls", "ROBUSTNESS U6");
const SIZES: Rule = ("U1 a size beyond what comes", "ROBUSTNESS U1");

fn given_up(rule: Rule, bytes: &[u8]) -> Row {
    crate::row::given_up(rule, bytes).one_of_many()
}

pub fn rows(protocol: Protocol) -> Vec<Row> {
    let (opening, whole) = match protocol {
        Protocol::Http | Protocol::Proxied => {
            let text = b"PROXY TCP4 250.100.100.100 192.0.2.2 4321 80\r\n";
            let opening = if protocol == Protocol::Proxied { &text[..] } else { b"" };
            (opening, [opening, crate::row::post("/careless", "hello").as_bytes()].concat())
        }
        _ => (&b""[..], post("/careless", "hello").pack(protocol)),
    };
    let mut rows: Vec<_> = (1..whole.len()).step_by(3).map(|end| given_up(HEAD, &whole[..end])).collect();
    rows.extend((1..16).map(|less| given_up(BODY, &whole[..whole.len() - less])));
    rows.push(given_up(HEAD, opening));
    rows.push(dialog(HEAD, Vec::new(), Outcome::Silent));
    rows.extend(sizes(protocol).iter().map(|bytes| given_up(SIZES, bytes)));
    rows
}

/// What promises more than it holds.
fn sizes(protocol: Protocol) -> Vec<Vec<u8>> {
    let most = get("/a").pack(protocol_of_packets(protocol));
    match protocol {
        Protocol::Uwsgi => vec![
            vec![0],
            vec![0, 0xff, 0xff, 0],
            [&[0, 0xff, 0xff, 0], &most[4..]].concat(),
            [&[0, most[1] + 1, 0, 0], &most[4..]].concat(),
        ],
        Protocol::FastCgi => vec![
            b"\x01\x01\0\x01\0\x08\0\0".to_vec(),
            b"\x01\x01\0\x01\0\x08\xff\0\0\x01\0\0\0\0\0\0".to_vec(),
            b"\x01\x09\0\0\x01\0\0\0".to_vec(),
            [&b"\x01\x01\0\x01\0\x08\0\0\0\x01\0\0\0\0\0\0"[..], b"\x01\x04\0\x01\xff\xff\0\0abc"].concat(),
        ],
        Protocol::Scgi => vec![b"6".to_vec(), b"65536:".to_vec(), b"100:CONTENT_LENGTH\x000\0".to_vec()],
        // SCGI's, which has no end of a line: a stranger who waits for an answer.
        Protocol::Http => vec![b"GET / HTTP/1.1\r\nHost: x\r\n".to_vec(), get("/a").pack(Protocol::Scgi)],
        Protocol::Proxied => vec![
            b"P".to_vec(),
            b"PROXY UNKNOWN ".to_vec(),
            b"\r\n\r\n\0\r\nQUIT\n".to_vec(),
            b"\r\n\r\n\0\r\nQUIT\n\x21\0\x10\0".to_vec(),
        ],
    }
}

fn protocol_of_packets(protocol: Protocol) -> Protocol {
    if protocol.is_http() { Protocol::Uwsgi } else { protocol }
}
