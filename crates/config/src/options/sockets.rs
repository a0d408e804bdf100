//! Rows: where Goherd listens.

use super::{Kind, OptionRow, ROW};
use crate::draft::Draft;

pub const ROWS: &[OptionRow] = &[
    OptionRow {
        names: &["http-socket"],
        kind: Kind::Text(add_http_socket),
        value_name: "ADDRESS",
        list: true,
        help: "Serve HTTP on this address, such as :9090, 127.0.0.1:9090, [::1]:9090 or /run/app.sock",
        doc: "\
`:9090` means port 9090 of all IPv4 interfaces (`0.0.0.0`); for IPv6 write `[::]:9090`. Port 0 lets the
kernel choose a free port. The host is an IP address or `localhost`, which is `127.0.0.1`; other names are
refused, since they would have to be looked up. A text with a `/`, without a colon or with the end `.sock`
is the path of a Unix socket, and `@name` a Linux abstract socket; both have names of at most 107 bytes.",
        uwsgi: "looks host names up.",
        ..ROW
    },
    OptionRow {
        names: &["http-socket-modifier1"],
        kind: Kind::Text(set_modifier1),
        value_name: "N",
        default: Some("0"),
        help: "The uWSGI modifier of HTTP requests: 0 or 11, which both reach the Go application",
        doc: "A line `http-socket-modifier1 = 11` of a uWSGI configuration may stay; it is not needed.",
        uwsgi: "needs 11 here, or Go is not reached: its default of 0 is Python.",
        ..ROW
    },
    OptionRow {
        names: &["listen"],
        short: Some('l'),
        kind: Kind::Number { min: 1, max: 65_535, field: |config| &mut config.listen },
        value_name: "N",
        default: Some("1024"),
        help: "Length of the listen queue of each socket",
        doc: "\
The number of connections which may wait in the kernel until a worker takes them. The kernel silently caps
it to `net.core.somaxconn`.",
        uwsgi: "has a default of 100, and does not start when the kernel's limit is lower.",
        ..ROW
    },
];

fn add_http_socket(draft: &mut Draft, value: &str) -> Result<(), String> {
    draft.config.http_sockets.push(value.parse()?);
    Ok(())
}

fn set_modifier1(draft: &mut Draft, value: &str) -> Result<(), String> {
    draft.config.http_socket_modifier1 = match value {
        "0" => 0,
        "11" => 11,
        _ => return Err("expected 11 (Go) or 0; other modifiers are other languages of uWSGI".to_owned()),
    };
    Ok(())
}
