//! Rows: how long a request may take, and when a worker is replaced by a new one.

use super::{Kind, OptionRow, ROW};

pub const ROWS: &[OptionRow] = &[
    OptionRow {
        names: &["harakiri"],
        short: Some('t'),
        kind: Kind::Seconds { zero: "no limit", field: |config| &mut config.harakiri },
        value_name: "SECONDS",
        default: Some("0"),
        help: "How long a handler may take for a request; then its context is cancelled and the client answered 504",
        doc: "\
The time counts from when a goroutine takes the request, not while it waits for one. A client that has a part of the answer
is cut off instead. `uwsgi.SetHarakiri` gives a route more time or less; a connection that a handler has taken over, as for a
WebSocket, has all of it.

A handler that has not returned `harakiri-grace` later costs its worker: that one takes no new requests, another is started
in its place, the requests of its other goroutines finish, and then it ends, with what its goroutines were doing in the
log. gccgo cannot tell that if one of them computes.",
        uwsgi: "kills the worker at once, with all of its requests.",
        ..ROW
    },
    OptionRow {
        names: &["harakiri-grace"],
        kind: Kind::Seconds { zero: "none", field: |config| &mut config.harakiri_grace },
        value_name: "SECONDS",
        default: Some("0.5"),
        help: "How long a handler past harakiri has to notice that its context is cancelled, before its worker is given up",
        uwsgi: NOT_THERE,
        ..ROW
    },
    OptionRow {
        names: &["max-requests"],
        short: Some('R'),
        kind: Kind::Number { min: 0, max: u64::MAX, field: |config| &mut config.max_requests },
        value_name: "N",
        default: Some("0"),
        help: "Replace a worker after so many requests; 0 is no limit",
        doc: FINISHES,
        ..ROW
    },
    OptionRow {
        names: &["max-requests-delta"],
        kind: Kind::Number { min: 0, max: 0xffff_ffff, field: |config| &mut config.max_requests_delta },
        value_name: "N",
        default: Some("0"),
        help: "Let worker 1 handle N requests more than max-requests, worker 2 twice N more, and so on",
        ..ROW
    },
    OptionRow {
        names: &["min-worker-lifetime"],
        kind: Kind::Seconds { zero: "none", field: |config| &mut config.min_worker_lifetime },
        value_name: "SECONDS",
        default: Some("10"),
        help: "How long a worker lives at least before it is replaced for its requests or its memory",
        ..ROW
    },
    OptionRow {
        names: &["max-worker-lifetime"],
        kind: Kind::Seconds { zero: "no limit", field: |config| &mut config.max_worker_lifetime },
        value_name: "SECONDS",
        default: Some("0"),
        help: "Replace a worker after so long",
        doc: FINISHES,
        ..ROW
    },
    OptionRow {
        names: &["max-worker-lifetime-delta"],
        kind: Kind::Seconds { zero: "none", field: |config| &mut config.max_worker_lifetime_delta },
        value_name: "SECONDS",
        default: Some("0"),
        help: "Let worker 1 live so much longer than max-worker-lifetime, worker 2 twice as much, and so on",
        ..ROW
    },
    OptionRow {
        names: &["reload-on-rss"],
        kind: Kind::Number { min: 0, max: 1 << 30, field: |config| &mut config.reload_on_rss },
        value_name: "MIB",
        default: Some("0"),
        help: "Replace a worker that has more MiB of memory (resident set); 0 is no limit",
        doc: FINISHES,
        ..ROW
    },
    OptionRow {
        names: &["evil-reload-on-rss"],
        kind: Kind::Number { min: 0, max: 1 << 30, field: |config| &mut config.evil_reload_on_rss },
        value_name: "MIB",
        default: Some("0"),
        help: "Replace a worker that has more MiB of memory (resident set), however young; 0 is no limit",
        doc: "\
It goes before all others whose turn it is, and `min-worker-lifetime` does not hold. Its successor is started first, and what it \
is handling is finished, up to `worker-reload-mercy`.",
        uwsgi: "kills the worker at once, with its requests.",
        ..ROW
    },
    OptionRow {
        names: &["limit-as"],
        kind: Kind::Number { min: 0, max: 1 << 30, field: |config| &mut config.limit_as },
        value_name: "MIB",
        default: Some("0"),
        help: "The most MiB of address space of each worker (RLIMIT_AS); 0 is no limit",
        doc: "\
It bounds what is mapped, not what is used, and a Go runtime maps far more than it uses: `go-memlimit`, `reload-on-rss` or the
service manager's limit is nearly always what is wanted. A worker that reaches it dies.",
        uwsgi: "sets it for the master as well.",
        ..ROW
    },
];

const FINISHES: &str = "What it is handling is finished first, up to `worker-reload-mercy`.";
const NOT_THERE: &str = "has no such option.";
