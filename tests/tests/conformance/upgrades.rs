//! Upgrade, to an application that knows of none (RFC 9110 §7.8).

use crate::row::{Row, Rule, Then, answered, by_server, bytes, closed, kept, ok};

const RULE: Rule = ("A30 Upgrade", "9110 §7.8");
const EARLY: Rule = ("A30 bytes before a 101", "9110 §7.8, draft-ietf-httpbis-optimistic-upgrade");
const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

fn get_with(fields: &str) -> String {
    format!("GET /a HTTP/1.1\r\nHost: x\r\n{fields}\r\n")
}

/// The Upgrade is ignored, and nothing said of one.
pub fn rows() -> Vec<Row> {
    let ignored = || ok("GET /a").without("Upgrade");
    let mut rows: Vec<_> = [
        format!("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n{KEY}"),
        format!("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 99\r\n{KEY}"),
        format!(
            "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n{KEY}"
        ),
        format!("Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n{KEY}"),
        "Connection: Upgrade\r\n".to_owned(),
        "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
            .to_owned(),
        "Upgrade: HTTP/2.0, TLS/1.0\r\nConnection: Upgrade\r\n".to_owned(),
        "Upgrade:\r\nConnection: Upgrade\r\n".to_owned(),
    ]
    .into_iter()
    .map(|fields| kept(RULE, get_with(&fields), ignored()))
    .collect();
    let websocket = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n";
    rows.extend([
        kept(
            RULE,
            format!("POST /a HTTP/1.1\r\nHost: x\r\n{websocket}{KEY}Content-Length: 5\r\n\r\nhello"),
            ok("POST /a").line("body \"hello\"").without("Upgrade"),
        ),
        closed(RULE, format!("GET /a HTTP/1.0\r\n{websocket}{KEY}\r\n"), ignored()),
        closed(RULE, get_with("Upgrade: websocket\r\nConnection: Upgrade, close\r\n"), ignored()),
        answered(
            EARLY,
            bytes(&(get_with(websocket) + "\u{81}\u{85}\x37\u{fa}\x21\x3d\x7f\u{9f}\x4d\x51\x58")),
            vec![ignored(), by_server(400)],
            Then::Closed,
        ),
        answered(
            EARLY,
            get_with("Upgrade: h2c\r\nConnection: Upgrade\r\n") + "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            vec![ignored(), by_server(505)],
            Then::Closed,
        ),
    ]);
    rows
}
