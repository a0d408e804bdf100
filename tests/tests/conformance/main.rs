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
mod fronts;
mod hearing;
mod judge;
mod limits;
mod peers;
mod persistence;
mod protocol;
mod request_line;
mod row;
mod strangers;
mod targets;
mod trailers;
mod upgrades;

use std::time::Instant;

use engine::Group;
use goherd_tests::{Client, Launch, Server, Toolchain, app, launch, with_both_toolchains};
use protocol::Protocol;
use row::Row;

with_both_toolchains!(
    every_row_has_its_outcome,
    a_body_beyond_limit_post_is_refused,
    a_head_beyond_buffer_size_is_refused,
    every_row_behind_a_web_server_has_its_outcome,
    what_stalls_behind_a_web_server_is_given_up,
    what_stalls_is_given_up,
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
        http("confusion", fronts::confusion::rows(Protocol::Http)),
    ]
}

fn mirror(toolchain: Toolchain) -> Launch {
    launch().on_loopback().goroutines(200).load(&app(toolchain, "mirror"))
}

/// Sends all rows of `groups` to one server, which must survive them.
fn prove(groups: &[Group], launch: &Launch) {
    let server = launch.start();
    prove_on(&server, groups);
    assert_eq!(server.stop(), 0);
}

fn prove_on(server: &Server, groups: &[Group]) {
    let filter = std::env::var("ROWS").unwrap_or_default();
    let workers = server.worker_pids();
    let (failures, trials) = engine::run(groups, server, &filter);
    assert_eq!(server.worker_pids(), workers, "the same worker answers to the end");
    for word in ["panic", "fatal error", "SIGSEGV"] {
        assert_eq!(server.lines_with(word), 0, "{word} in the log:\n{}", server.log());
    }
    let rows: usize = groups.iter().map(|group| group.rows.len()).sum();
    let all = failures.join("\n\n");
    assert!(failures.is_empty(), "{} of {rows} rows failed in {trials} trials:\n\n{all}\n", failures.len());
    eprintln!("{rows} rows, {trials} trials");
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

/// With a socket for each protocol of web servers in front, in the order of `Protocol::OF_FRONTS`.
fn behind_web_servers(toolchain: Toolchain) -> Launch {
    let mut launch = launch().goroutines(200).load(&app(toolchain, "mirror"));
    for socket in ["--uwsgi-socket", "--fastcgi-socket", "--scgi-socket"] {
        launch = launch.with([socket, "127.0.0.1:0"]);
    }
    let proxied = launch.on_loopback().with(["--http-enable-proxy-protocol"]);
    proxied.with(["--max-connections", fronts::fastcgi::CONNECTIONS])
}

fn every_row_behind_a_web_server_has_its_outcome(toolchain: Toolchain) {
    let server = behind_web_servers(toolchain).start();
    let began = Instant::now();
    let folders = folders(&server);
    prove_on(&server, &fronts::table(table()));
    assert_eq!(self::folders(&server), folders, "a request has moved a worker to another folder");
    assert!(!std::path::Path::new("/tmp/goherd-was-ordered").exists(), "a request has left a file");
    for nobody in ["@", &format!("[{}]:{}", peers::ADDRESS, peers::PORT)] {
        assert_eq!(seen_by(&server, nobody), "", "requests of {nobody}");
    }
    let lines = server.lines_with("refused a request over ");
    // One a second at most, however long the machine takes for this.
    let most = usize::try_from(began.elapsed().as_secs()).unwrap() + 1;
    assert!((1..=most).contains(&lines), "{lines} lines of refusals:\n{}", server.log());
    assert_eq!(server.stop(), 0);
}

fn folders(server: &Server) -> Vec<std::path::PathBuf> {
    let folder = |pid: u32| std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap();
    server.worker_pids().into_iter().map(folder).collect()
}

/// What the application has seen of a peer of a server behind others.
fn seen_by(server: &Server, peer: &str) -> String {
    let mut client = Client::connect(&Protocol::Proxied.address(server)).unwrap();
    client.send([Protocol::Proxied.opening(), &Protocol::Proxied.question(peer)].concat()).unwrap();
    client.receive().unwrap().text()
}

const IMPATIENT: [&str; 6] =
    ["--http-headers-timeout", "0.5", "--socket-timeout", "0.5", "--http-timeout", "0.5"];

fn what_stalls_behind_a_web_server_is_given_up(toolchain: Toolchain) {
    prove(&fronts::table_of_stalls(), &behind_web_servers(toolchain).with(IMPATIENT));
}

fn what_stalls_is_given_up(toolchain: Toolchain) {
    let group =
        Group { name: "stalls", protocol: Protocol::Http, rows: fronts::stalls::rows(Protocol::Http) };
    prove(&[group], &mirror(toolchain).with(IMPATIENT));
}
