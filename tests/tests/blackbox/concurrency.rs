//! How many requests a worker handles at a time, and that it never stops looking at its connections.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use goherd_tests::{Client, DEADLINE, Scratch, Server, Toolchain, eventually, with_both_toolchains};

use crate::{hold, probe};

with_both_toolchains!(
    as_many_requests_are_handled_at_a_time_as_there_are_goroutines,
    never_more_requests_are_handled_than_there_are_goroutines,
    with_one_goroutine_requests_wait_for_each_other,
    a_body_that_comes_slowly_is_read_while_every_core_is_busy,
    connections_that_come_while_every_core_is_busy_are_served_afterwards,
    a_request_on_an_old_connection_is_served_after_the_core_is_free,
    a_slow_reader_does_not_keep_the_core_from_others_for_ever,
    handlers_that_block_among_many_brief_ones_stall_nobody,
    a_handler_that_blocks_after_a_burst_stalls_nobody,
    newcomers_have_their_turn_while_others_keep_every_core_busy,
);

fn newcomers_have_their_turn_while_others_keep_every_core_busy(toolchain: Toolchain) {
    let server = probe(toolchain).goroutines(1).start();
    let enough = AtomicBool::new(false);
    let mut old = connections(&server, 4);
    thread::scope(|scope| {
        for client in &mut old {
            scope.spawn(|| {
                while !enough.load(Ordering::Relaxed) {
                    assert_eq!(client.get("/sleep?ms=5").unwrap().text(), "slept");
                }
            });
        }
        for _ in 0..5 {
            let newcomer = server.connect().get("/");
            enough.store(newcomer.is_err(), Ordering::Relaxed);
            assert_eq!(newcomer.unwrap().status, 200);
        }
        enough.store(true, Ordering::Relaxed);
    });
}

fn ask_all(clients: &mut [Client], path: &str) {
    for client in clients.iter_mut() {
        client.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")).unwrap();
    }
}

fn connections(server: &Server, count: usize) -> Vec<Client> {
    (0..count).map(|_| server.connect()).collect()
}

fn as_many_requests_are_handled_at_a_time_as_there_are_goroutines(toolchain: Toolchain) {
    let server = probe(toolchain).goroutines(10).start();
    let mut clients = connections(&server, 10);
    ask_all(&mut clients, "/barrier?n=10"); // each is answered only when all ten have arrived
    for client in &mut clients {
        assert_eq!(client.receive().unwrap().text(), "met");
    }
    assert_eq!(server.text("/max-in-flight"), "10");
}

/// Many clients ask for /sleep again and again; gives the most that were in the handler at a time.
fn crowd(server: &Server) -> usize {
    thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                let mut kept = server.connect();
                for _ in 0..5 {
                    assert_eq!(kept.get("/sleep?ms=1").unwrap().text(), "slept");
                    assert_eq!(server.text("/sleep?ms=1"), "slept");
                }
            });
        }
    });
    server.text("/max-in-flight").parse().unwrap()
}

fn never_more_requests_are_handled_than_there_are_goroutines(toolchain: Toolchain) {
    let most = crowd(&probe(toolchain).goroutines(3).start());
    assert!((1..=3).contains(&most), "{most} at a time");
}

fn with_one_goroutine_requests_wait_for_each_other(toolchain: Toolchain) {
    assert_eq!(crowd(&probe(toolchain).goroutines(1).start()), 1);
    assert_eq!(crowd(&probe(toolchain).start()), 1, "one is also the default");
}

fn a_body_that_comes_slowly_is_read_while_every_core_is_busy(toolchain: Toolchain) {
    let (server, scratch) = (probe(toolchain).goroutines(1).start(), Scratch::new());
    let mut slow = server.connect();
    let entered = scratch.text("entered");
    slow.send(format!("POST /echo?entered={entered} HTTP/1.1\r\nHost: test\r\nContent-Length: 40\r\n\r\n"))
        .unwrap();
    scratch.wait_for("entered");
    let mut waiting = server.connect();
    waiting.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    for _ in 0..40 {
        slow.send(".").unwrap();
    }
    assert_eq!(slow.receive().unwrap().text(), ".".repeat(40));
    assert_eq!(waiting.receive().unwrap().text(), "hello from the probe\n");
    assert_eq!(server.text("/"), "hello from the probe\n");
}

fn connections_that_come_while_every_core_is_busy_are_served_afterwards(toolchain: Toolchain) {
    let (server, scratch) = (probe(toolchain).goroutines(2).start(), Scratch::new());
    let mut held = [hold(&server, &scratch, "one"), hold(&server, &scratch, "two")];
    let mut waiting = connections(&server, 20);
    ask_all(&mut waiting, "/");
    scratch.write("one", "");
    for client in &mut waiting {
        assert_eq!(client.receive().unwrap().text(), "hello from the probe\n");
    }
    scratch.write("two", "");
    for client in &mut held {
        assert_eq!(client.receive().unwrap().text(), "let go");
    }
}

fn a_request_on_an_old_connection_is_served_after_the_core_is_free(toolchain: Toolchain) {
    let (server, scratch) = (probe(toolchain).goroutines(1).start(), Scratch::new());
    let mut old = connections(&server, 5);
    for client in &mut old {
        assert_eq!(client.get("/").unwrap().status, 200);
    }
    let mut held = hold(&server, &scratch, "gate");
    ask_all(&mut old, "/pid");
    scratch.write("gate", "");
    assert_eq!(held.receive().unwrap().text(), "let go");
    for client in &mut old {
        assert_eq!(client.receive().unwrap().status, 200);
    }
}

fn a_slow_reader_does_not_keep_the_core_from_others_for_ever(toolchain: Toolchain) {
    let server = probe(toolchain).goroutines(1).start();
    let mut slow = server.connect();
    slow.send("GET /big?n=30000000 HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    assert_eq!(slow.receive_head().unwrap().status, 200); // more than fits is on its way: the handler waits
    let mut other = server.connect();
    other.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    let mut length = 0;
    while let chunk @ 1.. = slow.receive_chunk().unwrap().len() {
        length += chunk;
    }
    assert_eq!(length, 30_000_000);
    assert_eq!(other.receive().unwrap().text(), "hello from the probe\n");
}

/// Asks for / in bursts, which follow each other as closely as can be, until `done`.
fn hammer(server: &Server, bursts: &AtomicU32, done: &AtomicBool) {
    const BURST: usize = 256;
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let request = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let length = stream.read(&mut [0; 4096]).unwrap(); // all answers have the same
    let mut answers = vec![0; length * BURST];
    for _ in 0..100_000 {
        if done.load(Ordering::SeqCst) {
            return;
        }
        stream.write_all(request.repeat(BURST).as_bytes()).unwrap();
        stream.read_exact(&mut answers).unwrap();
        bursts.fetch_add(1, Ordering::SeqCst);
    }
    panic!("the others were never answered");
}

fn handlers_that_block_among_many_brief_ones_stall_nobody(toolchain: Toolchain) {
    let server = probe(toolchain).goroutines(10).start();
    let (bursts, done) = (AtomicU32::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| hammer(&server, &bursts, &done));
        }
        for _ in 0..20 {
            let enough = bursts.load(Ordering::SeqCst) + 20;
            eventually("requests follow closely", || (bursts.load(Ordering::SeqCst) > enough).then_some(()));
            let mut clients = connections(&server, 4);
            ask_all(&mut clients, "/barrier?n=4");
            for client in &mut clients {
                assert_eq!(client.receive().unwrap().text(), "met");
            }
        }
        done.store(true, Ordering::SeqCst);
    });
}

fn a_handler_that_blocks_after_a_burst_stalls_nobody(toolchain: Toolchain) {
    let (server, scratch) = (probe(toolchain).goroutines(10).start(), Scratch::new());
    let (bursts, done) = (AtomicU32::new(0), AtomicBool::new(false));
    for round in 0..5 {
        let enough = bursts.load(Ordering::SeqCst) + 20;
        thread::scope(|scope| {
            scope.spawn(|| hammer(&server, &bursts, &done));
            eventually("requests follow closely", || (bursts.load(Ordering::SeqCst) > enough).then_some(()));
            done.store(true, Ordering::SeqCst);
        });
        done.store(false, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(20)); // quiet is part of the story, nothing waits for it
        let mut other = server.connect();
        assert_eq!(other.get("/").unwrap().status, 200);
        let mut held = hold(&server, &scratch, &format!("gate-{round}"));
        assert_eq!(other.get("/").unwrap().status, 200);
        scratch.write(&format!("gate-{round}"), "");
        assert_eq!(held.receive().unwrap().text(), "let go");
    }
}
