//! Reloads: new code and a new configuration, and nobody outside notices.

use std::fs;

use goherd_tests::{
    Address, Client, Habit, Scratch, Server, Signal, Toolchain, Traffic, app, c_library, eventually, launch,
    skip_for_want_of, with_both_toolchains,
};

with_both_toolchains!(
    reloads_under_load_lose_no_request,
    a_reload_reads_everything_anew,
    code_that_cannot_be_loaded_is_refused,
    a_main_that_panics_or_hangs_is_refused,
    requests_under_way_finish_in_the_old_worker,
    a_worker_that_ignores_its_drain_is_killed_after_its_mercy,
);

/// What the other tests do under load.
pub const HABITS: [Habit; 6] =
    [Habit::KeepAlive, Habit::KeepAlive, Habit::Fresh, Habit::Fresh, Habit::Slow(30), Habit::Slow(300)];

/// A server of two workers with its configuration in a file that tests rewrite.
pub struct Site {
    pub scratch: Scratch,
    ini: String,
}

impl Site {
    pub fn new(toolchain: Toolchain) -> Self {
        let scratch = Scratch::new();
        fs::copy(app(toolchain, "probe"), scratch.path("app.so")).unwrap();
        let ini = format!(
            "[uwsgi]\nhttp-socket = 127.0.0.1:0\nprocesses = 2\ngoroutines = 8\ngo-load = {}\n",
            scratch.text("app.so")
        );
        let site = Self { scratch, ini };
        site.configure("");
        site
    }

    /// Adds `lines` to the configuration, in place of those of the last time.
    pub fn configure(&self, lines: &str) {
        self.scratch.write("app.ini", format!("{}{lines}\n", self.ini));
    }

    pub fn launch(&self) -> goherd_tests::Launch {
        launch().with([self.scratch.path("app.ini")]).expect_workers(2)
    }

    /// Puts another file in the library's place, as a deploy does.
    fn deploy(&self, content: impl AsRef<[u8]>) {
        self.scratch.write("new.so", content);
        fs::rename(self.scratch.path("new.so"), self.scratch.path("app.so")).unwrap();
    }
}

/// Asks for a reload and waits for the end of it, the `count`th.
fn reload(server: &Server, count: usize) {
    server.signal(Signal::HUP);
    server.wait_for_lines("the reload is complete", count);
}

/// Asks for a reload that must be refused for this reason; the workers stay who they are.
fn refused(server: &Server, reason: &[&str]) {
    let (before, old) = (server.worker_pids(), refusals(server).len());
    server.signal(Signal::HUP);
    let line = eventually("the reload is refused", || refusals(server).get(old).cloned());
    for word in reason {
        assert!(line.contains(word), "{line:?} does not say {word:?}");
    }
    eventually("whoever was tried is gone", || (server.worker_pids() == before).then_some(()));
    assert_eq!(server.text("/"), "hello from the probe\n");
}

fn refusals(server: &Server) -> Vec<String> {
    let is_one =
        |line: &&str| line.contains("the reload is refused: ") || line.contains("the reload has failed: ");
    server.log().lines().filter(is_one).map(str::to_owned).collect()
}

fn reloads_under_load_lose_no_request(toolchain: Toolchain) {
    let site = Site::new(toolchain);
    let server = site.launch().start();
    let old = server.worker_pids();
    let traffic = Traffic::begin(&server.address(), &HABITS);
    for count in 1..=5 {
        reload(&server, count);
    }
    let tally = traffic.end();
    assert!(tally.missed.is_empty() && tally.answered > 100, "{tally}\n{}", server.log());
    eventually("the old workers end", || {
        (!server.worker_pids().iter().any(|pid| old.contains(pid))).then_some(())
    });
    assert_eq!(server.stop(), 0);
}

fn a_reload_reads_everything_anew(toolchain: Toolchain) {
    let site = Site::new(toolchain);
    site.configure("env = RELEASE=one\ngo-args = one");
    let server = site.launch().start();
    assert_eq!(server.text("/env?name=RELEASE"), "one");
    let socket = site.scratch.text("second.socket");
    site.configure(&format!("env = RELEASE=two\ngo-args = two\nhttp-socket = {socket}\nprocesses = 3"));
    reload(&server, 1);
    assert_eq!(server.text("/env?name=RELEASE"), "two");
    assert!(server.text("/args").contains("\"two\""));
    eventually("three workers are left", || (server.worker_pids().len() == 3).then_some(()));
    let second = Address::Unix(site.scratch.path("second.socket"));
    assert_eq!(goherd_tests::Client::connect(&second).unwrap().get("/").unwrap().status, 200);
    // And back.
    site.configure("env = RELEASE=one");
    reload(&server, 2);
    assert_eq!(server.text("/env?name=RELEASE"), "one");
    eventually("two workers are left", || (server.worker_pids().len() == 2).then_some(()));
    assert!(goherd_tests::Client::connect(&second).is_err(), "nobody listens there any more");
}

fn code_that_cannot_be_loaded_is_refused(toolchain: Toolchain) {
    let site = Site::new(toolchain);
    let server = site.launch().start();
    site.deploy("");
    refused(&server, &["app.so", "generation 1 serves on"]);
    site.deploy("not a library at all");
    refused(&server, &["app.so"]);
    let whole = fs::read(app(toolchain, "probe")).unwrap();
    site.deploy(&whole[..whole.len() / 2]);
    refused(&server, &["app.so"]);
    fs::remove_file(site.scratch.path("app.so")).unwrap();
    refused(&server, &["app.so", "cannot be read"]);
    match c_library("notgo") {
        Some(library) => {
            site.deploy(fs::read(library).unwrap());
            refused(&server, &["app.so", "not one of Go"]);
        }
        None => skip_for_want_of("gcc"),
    }
    site.configure("no-such-option = 1");
    refused(&server, &["app.ini", "no-such-option"]);
    site.configure("processes = many");
    refused(&server, &["app.ini", "processes"]);
    site.configure("");
    site.deploy(whole);
    reload(&server, 1);
    assert_eq!(server.text("/"), "hello from the probe\n");
}

fn a_main_that_panics_or_hangs_is_refused(toolchain: Toolchain) {
    let site = Site::new(toolchain);
    let server = site.launch().start();
    site.configure("env = PROBE_MAIN=panic");
    refused(&server, &["the reload has failed", "before it was ready", "generation 1 serves on"]);
    server.wait_for_log("main of the probe was told to panic");
    site.configure("env = PROBE_MAIN=hang\nworker-start-timeout = 0.3");
    refused(&server, &["was not ready within 0.3 s (worker-start-timeout)"]);
}

fn requests_under_way_finish_in_the_old_worker(toolchain: Toolchain) {
    let site = Site::new(toolchain);
    let server = site.launch().start();
    let mut held = crate::hold(&server, &site.scratch, "gate");
    reload(&server, 1);
    let new = server.answering_pid();
    eventually("the old one that holds a request, and two new ones are left", || {
        (server.worker_pids().len() == 3).then_some(())
    });
    site.scratch.write("gate", "");
    let answer = held.receive().unwrap();
    assert_eq!((answer.status, answer.field("Connection")), (200, Some("close")));
    eventually("the old one ends", || (server.worker_pids().len() == 2).then_some(()));
    assert!(server.worker_pids().contains(&new));
}

fn a_worker_that_ignores_its_drain_is_killed_after_its_mercy(toolchain: Toolchain) {
    let site = Site::new(toolchain);
    site.configure("worker-reload-mercy = 0.5");
    let server = site.launch().start();
    let mut held = crate::hold(&server, &site.scratch, "never");
    reload(&server, 1);
    server.wait_for_log("has not finished within 0.5 s (worker-reload-mercy): killing it");
    assert!(held.receive().is_err());
    eventually("two workers are left", || (server.worker_pids().len() == 2).then_some(()));
}

/// A site that does not depend on the toolchain.
fn site() -> Site {
    Site::new(Toolchain::Go)
}

#[test]
fn files_that_are_touched_ask_for_a_reload() {
    let site = site();
    for (count, option) in ["touch-reload", "touch-chain-reload"].into_iter().enumerate() {
        let file = site.scratch.write("touched", "");
        site.configure(&format!("{option} = {}", file.display()));
        let server = site.launch().start();
        fs::write(&file, format!("release {count}")).unwrap();
        server.wait_for_log("the reload is complete");
        assert_eq!(server.lines_with("reloading: "), 1);
    }
}

#[test]
fn letters_in_a_pipe_are_commands() {
    let site = site();
    let pipe = site.scratch.text("fifo");
    site.configure(&format!("master-fifo = {pipe}"));
    let server = site.launch().start();
    let tell = |letters: &str| fs::write(&pipe, letters).unwrap();
    for (count, letter) in ["r\n", "c", "w", "R", "W"].into_iter().enumerate() {
        tell(letter);
        server.wait_for_lines("the reload is complete", count + 1);
    }
    tell("+");
    server.wait_for_log("from now on there are 3 workers");
    eventually("a third worker", || (server.worker_pids().len() == 3).then_some(()));
    tell("-");
    eventually("two workers are left", || (server.worker_pids().len() == 2).then_some(()));
    tell("s");
    server.wait_for_log("statistics: worker 2 (pid ");
    tell("?");
    server.wait_for_log("'?' is no command");
    tell("q");
    assert_eq!(server.exit().code(), Some(0));
    server.wait_until_nobody_is_left();
}

#[test]
fn signals_change_the_number_of_workers_and_tell_statistics() {
    let server = site().launch().start();
    server.signal(Signal::TTIN);
    eventually("a third worker", || (server.worker_pids().len() == 3).then_some(()));
    for left in [2, 1] {
        server.signal(Signal::TTOU);
        eventually("one worker less", || (server.worker_pids().len() == left).then_some(()));
    }
    server.signal(Signal::TTOU);
    server.wait_for_log("there are 1 workers, and there cannot be 0");
    assert_eq!(server.text("/"), "hello from the probe\n");
    server.signal(Signal::USR1);
    server.wait_for_log("statistics: master pid ");
    let line = server.wait_for_log("statistics: worker 1 (pid ");
    assert!(line.contains("1 requests, ") && line.contains(" MiB"), "{line}");
}

/// Pauses the server, and gives connections of which the last waits.
fn pause(server: &Server) -> Vec<Client> {
    server.signal(Signal::TSTP);
    server.wait_for_log("paused: ");
    // The workers have heard of it as soon as they take no connection any more.
    let mut waiting = Vec::new();
    eventually("a connection waits", || {
        let mut client = server.connect();
        client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
        waiting.push(client);
        (server.established_in_workers() < waiting.len()).then_some(())
    });
    waiting
}

#[test]
fn a_paused_server_lets_connections_wait() {
    let server = site().launch().start();
    let mut kept = server.connect();
    assert_eq!(kept.get("/").unwrap().status, 200);
    let waiting = pause(&server);
    assert_eq!(kept.get("/").unwrap().status, 200, "those that are there are served");
    server.signal(Signal::TSTP);
    for mut client in waiting {
        assert_eq!(client.receive().unwrap().status, 200);
    }
}

#[test]
fn a_server_that_is_reloaded_while_it_is_paused_stays_so() {
    let site = site();
    let server = site.launch().start();
    let waiting = pause(&server);
    server.signal(Signal::HUP);
    server.wait_for_log("the reload is complete: generation 2 serves");
    server.wait_for_lines(", which was to go, has finished after ", 2);
    assert_eq!(server.established_in_workers(), 0, "new workers have let nobody in");
    server.signal(Signal::TSTP);
    for mut client in waiting {
        assert_eq!(client.receive().unwrap().status, 200);
    }
}

#[test]
fn reloads_that_come_all_at_once_are_few() {
    let site = site();
    let server = site.launch().start();
    for _ in 0..50 {
        server.signal(Signal::HUP);
    }
    server.wait_for_log("the reload is complete");
    eventually("no reload is under way", || {
        (server.lines_with("reloading: ") == server.lines_with("the reload is complete")).then_some(())
    });
    assert!(server.lines_with("reloading: ") < 10, "{}", server.log());
    assert_eq!(server.text("/"), "hello from the probe\n");
    server.signal(Signal::HUP);
    assert_eq!(server.stop(), 0, "an end comes before a reload");
}
