//! The conformance suite: one table of requests as bytes, and what must come of each (RFC 9110, RFC 9112).
//!
//! A file for each part of the table. `engine` sends each row whole, cut at each byte and in pieces, on connections to
//! one server; `judge` looks at the answers, and asks the application (`tests/apps/mirror`) what it saw.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "all of this is a test"
)]

mod answers;
mod chunked;
mod engine;
mod expectations;
mod fields;
mod framing;
mod judge;
mod limits;
mod persistence;
mod request_line;
mod row;
mod strangers;
mod targets;
mod trailers;
mod upgrades;

use engine::{Group, Protocol};
use goherd_tests::{Launch, Toolchain, app, launch, with_both_toolchains};
use row::Row;

with_both_toolchains!(
    every_row_has_its_outcome,
    a_body_beyond_limit_post_is_refused,
    a_head_beyond_buffer_size_is_refused,
);

/// The whole table.
fn table() -> Vec<Group> {
    let http = |name, rows: Vec<Row>| Group { name, protocol: Protocol::Http, rows };
    vec![
        http("request_line", request_line::rows()),
        http("targets", targets::rows()),
        http("fields", fields::rows()),
        http("framing", framing::rows()),
        http("chunked", chunked::rows()),
        http("trailers", trailers::rows()),
        http("expectations", expectations::rows()),
        http("persistence", persistence::rows()),
        http("answers", answers::rows()),
        http("limits", limits::rows()),
        http("strangers", strangers::rows()),
        http("upgrades", upgrades::rows()),
    ]
}

fn mirror(toolchain: Toolchain) -> Launch {
    launch().on_loopback().goroutines(200).load(&app(toolchain, "mirror"))
}

/// Sends all rows of `groups` to one server, which must survive them.
fn prove(groups: &[Group], launch: &Launch) {
    let filter = std::env::var("ROWS").unwrap_or_default();
    let server = launch.start();
    let workers = server.worker_pids();
    let (failures, trials) = engine::run(groups, &server, &filter);
    assert_eq!(server.worker_pids(), workers, "the same worker answers to the end");
    for word in ["panic", "fatal error", "SIGSEGV"] {
        assert_eq!(server.lines_with(word), 0, "{word} in the log:\n{}", server.log());
    }
    let rows: usize = groups.iter().map(|group| group.rows.len()).sum();
    let all = failures.join("\n\n");
    assert!(failures.is_empty(), "{} of {rows} rows failed in {trials} trials:\n\n{all}\n", failures.len());
    eprintln!("{rows} rows, {trials} trials");
    assert_eq!(server.stop(), 0);
}

fn every_row_has_its_outcome(toolchain: Toolchain) {
    prove(&table(), &mirror(toolchain));
}

fn a_body_beyond_limit_post_is_refused(toolchain: Toolchain) {
    let group = Group { name: "limit-post", protocol: Protocol::Http, rows: limits::rows_of_limit_post() };
    prove(&[group], &mirror(toolchain).with(["--limit-post", "1000"]));
}

fn a_head_beyond_buffer_size_is_refused(toolchain: Toolchain) {
    let group = Group { name: "buffer-size", protocol: Protocol::Http, rows: limits::rows_of_buffer_size() };
    prove(&[group], &mirror(toolchain).with(["--buffer-size", "4096"]));
}
