//! Rows: how much a peer may send, how long it may take, and how many of them there may be.

use super::{Kind, OptionRow, ROW};

pub const ROWS: &[OptionRow] = &[
    OptionRow {
        names: &["buffer-size"],
        short: Some('b'),
        kind: Kind::Number { min: 1_024, max: 1 << 20, field: |config| &mut config.buffer_size },
        value_name: "BYTES",
        default: Some("65536"),
        help: "The most bytes of a whole request head; more is answered 431",
        doc: "\
Over uwsgi, FastCGI and SCGI it bounds the variables of a request. Where they are longer, FastCGI gets a 431; over uwsgi
and SCGI the connection is closed without an answer. The log says so. A uwsgi packet has at most 65535 bytes in any
case. A buffer begins with 4 KiB and grows only as far as a head is long, so a large limit costs nothing by itself.",
        uwsgi: "has a default of 4096, and ends the connection without an answer.",
        ..ROW
    },
    OptionRow {
        names: &["limit-request-line"],
        kind: Kind::Number { min: 128, max: 1 << 20, field: |config| &mut config.limit_request_line },
        value_name: "BYTES",
        default: Some("8192"),
        help: "The most bytes of the request line; more is answered 414",
        doc: "The method, the target and the version, without the end of the line. `buffer-size` bounds it as well.",
        uwsgi: NOT_THERE,
        ..ROW
    },
    OptionRow {
        names: &["limit-request-fields"],
        kind: Kind::Number { min: 1, max: 1_000, field: |config| &mut config.limit_request_fields },
        value_name: "N",
        default: Some("100"),
        help: "The most header fields of a request; more is answered 431",
        uwsgi: NOT_THERE,
        ..ROW
    },
    OptionRow {
        names: &["limit-request-field-size"],
        kind: Kind::Number { min: 128, max: 1 << 20, field: |config| &mut config.limit_request_field_size },
        value_name: "BYTES",
        default: Some("16384"),
        help: "The most bytes of one header field, name and value; more is answered 431",
        doc: "`buffer-size` bounds it as well.",
        uwsgi: NOT_THERE,
        ..ROW
    },
    OptionRow {
        names: &["limit-post"],
        kind: Kind::Number { min: 0, max: u64::MAX, field: |config| &mut config.limit_post },
        value_name: "BYTES",
        default: Some("0"),
        help: "The most bytes of a request body; more is answered 413; 0 is no limit",
        doc: "\
A body whose Content-Length is larger is refused before the application sees the request. A body in chunks is
counted as it is read: the application's read fails, and unless its answer has begun the client gets the 413.",
        uwsgi: "ends the connection without an answer, and does not count bodies in chunks.",
        ..ROW
    },
    OptionRow {
        names: &["http-headers-timeout"],
        kind: Kind::Seconds { zero: "no limit", field: |config| &mut config.http_headers_timeout },
        value_name: "SECONDS",
        default: Some("10"),
        help: "How long the head of a request may take; more is answered 408",
        doc: "\
From its first byte to its last; for the first request of a connection, from when the connection was taken. A connection
without a byte is closed without an answer. It holds for uwsgi, FastCGI and SCGI too, which are closed without an answer.",
        uwsgi: "has it for the HTTP router alone.",
        ..ROW
    },
    OptionRow {
        names: &["http-keepalive"],
        kind: Kind::Seconds { zero: "no limit", field: |config| &mut config.http_keepalive },
        value_name: "SECONDS",
        bare: Some("75"),
        default: Some("75"),
        help: "How long a connection is kept without a request",
        doc: "To keep none at all, set `http-keepalive-requests = 1`.",
        uwsgi: "keeps none unless asked to; 0 means that there.",
        ..ROW
    },
    OptionRow {
        names: &["http-keepalive-requests"],
        kind: Kind::Number {
            min: 1,
            max: 0xffff_ffff,
            field: |config| &mut config.http_keepalive_requests,
        },
        value_name: "N",
        default: Some("100000"),
        help: "The most requests of one connection; the last answer says Connection: close",
        uwsgi: NOT_THERE,
        ..ROW
    },
    OptionRow {
        names: &["http-timeout"],
        kind: Kind::Seconds { zero: "no limit", field: |config| &mut config.http_timeout },
        value_name: "SECONDS",
        default: Some("60"),
        help: "How long an HTTP client may stall while it sends a body or takes an answer",
        doc: "\
A client that stalls while it sends a body is answered 408, if the application has not begun its answer; one that
does not take its answer is cut off. Waiting spends the time, and each byte earns 2 ms of it back, up to the limit: a
client that moves 500 bytes a second is never given up, one that trickles is. Time in which the application is what
all wait for does not count.",
        uwsgi: "has it for the HTTP router alone, and each byte begins it anew.",
        ..ROW
    },
    OptionRow {
        names: &["socket-timeout"],
        short: Some('z'),
        kind: Kind::Seconds { zero: "no limit", field: |config| &mut config.socket_timeout },
        value_name: "SECONDS",
        default: Some("60"),
        help: "The same as http-timeout, for the web server at a uwsgi, FastCGI or SCGI socket",
        uwsgi: "has a default of 4, for all protocols.",
        ..ROW
    },
    OptionRow {
        names: &["max-connections"],
        kind: Kind::Number { min: 1, max: 1 << 20, field: |config| &mut config.max_connections },
        value_name: "N",
        help: "The most connections of one worker; more wait in the kernel until one ends",
        doc: "\
Without it: 65536, or three quarters of the descriptors that a process may have (`max-fd`) where that is less. Idle
connections count; those that have waited longest for their next request, half a second at least, are closed when there is no
room for others.",
        uwsgi: NOT_THERE,
        ..ROW
    },
    OptionRow {
        names: &["max-fd"],
        kind: Kind::Number { min: 64, max: 1 << 30, field: |config| &mut config.max_fd },
        value_name: "N",
        help: "The most descriptors (files, connections) of each process, master and workers",
        doc: "\
Without it each process may have as many as the user who starts the server (`ulimit -Hn`). More than that takes root.",
        uwsgi: "leaves the soft limit (`ulimit -Sn`) as it is unless told otherwise.",
        ..ROW
    },
];

const NOT_THERE: &str = "has no such option.";
