//! What does not speak HTTP/1 at all (RFC 9112 §3).

use crate::row::{Row, Rule, each_refused, refused};

const RULE: Rule = ("A29 strangers", "9112 §3");

pub fn rows() -> Vec<Row> {
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec();
    let mut rows: Vec<_> = each_refused(
        RULE,
        &[400],
        [
            hello,
            vec![0; 64],
            (0..=255).rev().collect(),
            b"\x05\x01\x00".to_vec(),
            b"\x00\x00\x00\x55\xffSMB\x72".to_vec(),
            b"\x04\xd2\x16\x2f".to_vec(),
            b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec(),
            b"EHLO x\r\n\r\n".to_vec(),
            b"get foo\r\n\r\n".to_vec(),
            b"*1\r\n$4\r\nPING\r\n\r\n".to_vec(),
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
            b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x7f\x00\x00\x01\x7f\x00\x00\x01\x00\x01\x00\x02"
                .to_vec(),
            b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00".to_vec(),
            b"15:CONTENT_LENGTH,\r\n\r\n".to_vec(),
            b"{\"json\": true}\r\n\r\n".to_vec(),
            b"<html>\r\n\r\n".to_vec(),
        ],
    )
    .collect();
    rows.push(refused(RULE, &[400, 505], "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    rows.push(refused(RULE, &[400, 505], "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"));
    rows
}
