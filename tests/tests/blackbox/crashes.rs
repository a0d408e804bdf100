//! What goes wrong in a worker stays in that worker.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use goherd_tests::{
    Client, Place, Scratch, Server, Signal, Toolchain, app, eventually, kill, launch, with_both_toolchains,
};

use crate::probe;

with_both_toolchains!(
    a_worker_killed_under_load_costs_nobody_else_a_request,
    a_handler_that_panics_is_answered_500_and_the_worker_lives,
    a_handler_that_exits_costs_the_worker_and_nothing_else,
    a_main_that_returns_is_reported_and_its_successors_are_throttled,
);

/// How many clients of each kind there are.
const CLIENTS: usize = 4;

/// One client under load: what it got, and what it did not.
#[derive(Debug, Default)]
struct Tally {
    answered: AtomicUsize,
    failed_while_killed: AtomicUsize,
    failed_afterwards: AtomicUsize,
}

/// What all clients are told.
#[derive(Debug, Default)]
struct Word {
    recovered: AtomicBool,
    enough: AtomicBool,
}

impl Tally {
    fn count(&self, answered: bool, recovered_before: bool) {
        let counter = match (answered, recovered_before) {
            (true, _) => &self.answered,
            (false, false) => &self.failed_while_killed,
            (false, true) => &self.failed_afterwards,
        };
        counter.fetch_add(1, Ordering::SeqCst);
    }
}

fn pid_from(client: &mut Client) -> io::Result<u32> {
    Ok(client.get("/pid")?.text().parse().unwrap())
}

/// Asks on one connection for as long as that lives. Only a connection to the worker that is killed may fail.
fn ask_and_keep(server: &Server, tally: &Tally, word: &Word, victim: u32) {
    let (mut client, mut owner) = (server.connect(), None);
    while !word.enough.load(Ordering::SeqCst) {
        let recovered = word.recovered.load(Ordering::SeqCst);
        let answer = pid_from(&mut client);
        tally.count(answer.is_ok(), recovered);
        if let Ok(pid) = answer {
            owner = Some(pid);
        } else {
            assert!(
                owner.is_none_or(|owner| owner == victim),
                "{answer:?} from {owner:?}, {victim} was killed"
            );
            (client, owner) = (server.connect(), None);
        }
    }
}

/// Asks with a new connection for each request.
fn ask_and_leave(server: &Server, tally: &Tally, word: &Word) {
    while !word.enough.load(Ordering::SeqCst) {
        let recovered = word.recovered.load(Ordering::SeqCst);
        tally.count(pid_from(&mut server.connect()).is_ok(), recovered);
    }
}

fn wait_for_answers(tallies: &[Tally], more: usize) {
    let before: Vec<_> = tallies.iter().map(|tally| tally.answered.load(Ordering::SeqCst)).collect();
    eventually("every client is answered again and again", || {
        let mut pairs = tallies.iter().zip(&before);
        pairs.all(|(tally, before)| tally.answered.load(Ordering::SeqCst) >= before + more).then_some(())
    });
}

fn a_worker_killed_under_load_costs_nobody_else_a_request(toolchain: Toolchain) {
    let server = probe(toolchain).processes(2).goroutines(4).start();
    let before = server.worker_pids();
    let (victim, word) = (server.answering_pid(), Word::default());
    let tallies: Vec<Tally> = std::iter::repeat_with(Tally::default).take(2 * CLIENTS).collect();
    thread::scope(|scope| {
        for (index, tally) in tallies.iter().enumerate() {
            let (server, word) = (&server, &word);
            scope.spawn(move || match index % 2 {
                0 => ask_and_keep(server, tally, word, victim),
                _ => ask_and_leave(server, tally, word),
            });
        }
        let _whatever_happens = EndOfLoad(&word);
        wait_for_answers(&tallies, 20);
        kill(victim, Signal::KILL);
        server.wait_for_log(&format!("(pid {victim}) was killed by SIGKILL"));
        server.wait_for_lines(" is ready after ", 3);
        wait_for_answers(&tallies, 1);
        word.recovered.store(true, Ordering::SeqCst);
        wait_for_answers(&tallies, 20);
    });
    for tally in &tallies {
        assert!(tally.failed_while_killed.load(Ordering::SeqCst) <= 1, "{tallies:?}");
        assert_eq!(tally.failed_afterwards.load(Ordering::SeqCst), 0, "{tallies:?}");
    }
    let after = server.worker_pids();
    assert_eq!(after.len(), 2, "{after:?}");
    assert!(
        !after.contains(&victim) && after.iter().any(|pid| !before.contains(pid)),
        "{before:?} {after:?}"
    );
    assert_eq!(server.stop(), 0);
}

/// Lets the clients go when the test has come to an end, good or bad.
struct EndOfLoad<'a>(&'a Word);

impl Drop for EndOfLoad<'_> {
    fn drop(&mut self) {
        self.0.enough.store(true, Ordering::SeqCst);
    }
}

fn a_handler_that_panics_is_answered_500_and_the_worker_lives(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let mut client = server.connect();
    let pid = pid_from(&mut client).unwrap();
    let answer = client.get("/panic").unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (500, "500 Internal Server Error\n"));
    assert_eq!(pid_from(&mut client).unwrap(), pid);
    assert_eq!(server.answering_pid(), pid);
    server.wait_for_log("worker 1: panic serving GET /panic for 127.0.0.1:");
    server.wait_for_log("boom");
    server.wait_for_log("probe.go:");
}

fn a_handler_that_exits_costs_the_worker_and_nothing_else(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let pid = server.answering_pid();
    assert!(server.connect().get("/exit?code=3").is_err(), "nobody can answer after os.Exit");
    server.wait_for_log(&format!("worker 1 (pid {pid}) exited with code 3"));
    assert_ne!(server.answering_pid(), pid); // the connection waits in the kernel until the successor is there
    assert_eq!(server.text("/worker"), "1");
    assert_eq!(server.stop(), 0);
}

fn a_main_that_returns_is_reported_and_its_successors_are_throttled(toolchain: Toolchain) {
    let server = launch().on_loopback().load(&app(toolchain, "norun")).begin();
    for delay in [1, 2] {
        let line =
            server.wait_for_log(&format!("replacing it in {delay} s (young deaths in a row: {delay})"));
        assert!(line.contains("exited with code 0 before it was ready"), "{line}");
        assert!(line.contains("does main() return without calling uwsgi.Run()?"), "{line}");
    }
    assert_eq!(server.try_exit(), None, "the master lives");
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_worker_s_end_is_heard_by_a_server_whose_starter_had_no_ear_for_such() {
    let scratch = Scratch::new();
    let program = Place::Binary.path();
    let script = format!("#!/bin/sh\nexec env --ignore-signal=CHLD {} \"$@\"\n", program.display());
    let deaf = scratch.install_written(script, "deaf");
    let server = probe(Toolchain::Go).program(&deaf).start();
    let victim = server.answering_pid();
    kill(victim, Signal::KILL);
    server.wait_for_log("was killed by SIGKILL");
    assert_ne!(server.answering_pid(), victim);
    assert_eq!(server.stop(), 0);
}
