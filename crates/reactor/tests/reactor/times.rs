//! Peers that take too long.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use goherd_reactor::{Event, Failure, Mode, Read, Times, Write};

use crate::server::{Server, answer};

/// All times are short, so that a test waits for none of them long.
fn impatient() -> Server {
    Server::with(|settings| settings.times = Times { head: 50, idle: 50, http: 50, socket: 50, end: 50 })
}

#[test]
fn a_head_that_does_not_end_is_a_408() {
    let server = impatient();
    let mut peer = server.connect();
    peer.write_all(b"GET / HTTP/1.1\r\nHo").unwrap();
    let text = server.until_closed(peer);
    assert!(text.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{text}");
    assert!(text.contains("Connection: close\r\n"), "{text}");
}

#[test]
fn a_peer_that_says_nothing_is_left_without_a_word() {
    let server = impatient();
    let silent = server.connect();
    assert_eq!(server.until_closed(silent), "");
    let (mut once, seen) = server.asked();
    server.respond(seen.id, "one");
    assert_eq!(answer(&mut once).1, "one");
    assert_eq!(server.until_closed(once), "");
    assert_eq!(server.reactor.connections(), 0);
}

#[test]
fn a_body_that_does_not_come_is_a_408_in_place_of_the_application_s_answer() {
    let server = impatient();
    let mut peer = server.connect();
    peer.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc").unwrap();
    let seen = server.request();
    assert_eq!(server.reactor.read(seen.id, &mut [0; 9]), Ok(Read::Bytes(3)));
    assert_eq!(server.reactor.read(seen.id, &mut [0; 9]), Ok(Read::WouldBlock));
    let (Event::Wake(id, wake), _) = server.wait(Mode::Steward) else { panic!("no wake-up") };
    assert!(id == seen.id && wake.readable && !wake.gone, "{wake:?}");
    assert_eq!(server.reactor.read(seen.id, &mut [0; 9]), Ok(Read::Broken));
    server.respond(seen.id, "all is well");
    let text = server.until_closed(peer);
    assert!(text.starts_with("HTTP/1.1 408 ") && !text.contains("well"), "{text}");
}

#[test]
fn a_peer_that_takes_nothing_is_given_up() {
    let server = impatient();
    let (_peer, seen) = server.asked();
    server.reactor.start(seen.id, 200, b"").unwrap();
    while server.reactor.write(seen.id, &[b'x'; 60_000]).unwrap() != Write::WouldBlock {}
    let (Event::Wake(id, wake), _) = server.wait(Mode::Steward) else { panic!("no wake-up") };
    assert!(id == seen.id && wake.writable && wake.gone, "{wake:?}");
    assert_eq!(server.reactor.write(seen.id, b"x"), Err(Failure::Ended));
    assert_eq!(server.reactor.connections(), 1, "its handler goes on");
    server.reactor.abort(seen.id).unwrap();
    assert_eq!(server.reactor.connections(), 0);
}

#[test]
fn a_handler_that_takes_its_time_costs_its_peer_nothing() {
    let server = impatient();
    let (mut slow, seen) = server.asked();
    let silent = server.connect();
    // Its end shows that all times have passed.
    assert_eq!(server.until_closed(silent), "");
    server.respond(seen.id, "late");
    assert_eq!(answer(&mut slow).1, "late");
}

#[test]
fn the_last_request_of_a_connection_is_answered_so() {
    let server = Server::with(|settings| settings.max_requests = 2);
    let (mut peer, seen) = server.asked();
    server.respond(seen.id, "one");
    assert!(!answer(&mut peer).0.contains("Connection"));
    peer.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    server.respond(server.request().id, "two");
    assert!(answer(&mut peer).0.contains("Connection: close\r\n"));
    assert_eq!(server.until_closed(peer), "");
}

#[test]
fn a_body_in_chunks_that_is_too_long_is_a_413() {
    let server = Server::with(|settings| settings.limits.body = 5);
    let mut peer = server.connect();
    peer.write_all(
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n0\r\n\r\n",
    )
    .unwrap();
    let seen = server.request();
    assert_eq!(server.reactor.read(seen.id, &mut [0; 9]), Ok(Read::Broken));
    server.respond(seen.id, "all is well");
    let text = server.until_closed(peer);
    assert!(text.starts_with("HTTP/1.1 413 Request Entity Too Large\r\n"), "{text}");
}

#[test]
fn a_request_that_waits_for_a_core_is_not_given_up() {
    let server = Server::with(|settings| {
        settings.times = Times { head: 300, idle: 300, http: 300, socket: 300, end: 300 };
    });
    let (_busy, seen) = server.asked();
    let mut waiting = server.connect();
    server.wait_for_nothing();
    waiting.write_all(b"GET /waiting HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let deadline = Instant::now() + Duration::from_millis(1200);
    while Instant::now() < deadline {
        server.next(Mode::Steward);
    }
    server.respond(seen.id, "");
    assert_eq!(server.request().line, "GET /waiting");
}

#[test]
fn a_peer_that_takes_slowly_is_not_given_up() {
    let server = Server::with(|settings| settings.times.http = 400);
    let (mut peer, seen) = server.asked();
    server.reactor.start(seen.id, 200, b"").unwrap();
    while server.reactor.write(seen.id, &[b'x'; 60_000]).unwrap() != Write::WouldBlock {}
    let start = Instant::now();
    // It takes longer than the limit until the socket is writable again.
    while start.elapsed() < Duration::from_millis(2000) {
        peer.read_exact(&mut [0; 8000]).unwrap();
        if let Event::Wake(_, wake) = server.next(Mode::Steward).0 {
            assert!(!wake.gone, "given up after {:?}", start.elapsed());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(server.reactor.connections(), 1);
}

#[test]
fn a_handler_whose_peer_is_given_up_is_waited_for() {
    let server = impatient();
    let (_peer, seen) = server.asked();
    server.reactor.start(seen.id, 200, b"").unwrap();
    while server.reactor.write(seen.id, &[b'x'; 60_000]).unwrap() != Write::WouldBlock {}
    server.reactor.drain();
    assert_eq!(server.wait(Mode::Steward).0, Event::Queued); // whoever leads is to look
    let (Event::Wake(_, wake), _) = server.wait(Mode::Steward) else { panic!("no wake-up") };
    assert!(wake.gone);
    assert_eq!(server.wait_for_nothing(), Event::Nothing);
    server.reactor.abort(seen.id).unwrap();
    assert_eq!(server.wait(Mode::Lead).0, Event::Drained);
}

#[test]
fn who_does_not_wait_for_a_body_does_not_hurry_its_peer() {
    let server = impatient();
    let mut peer = server.connect();
    peer.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc").unwrap();
    let seen = server.request();
    assert_eq!(server.reactor.read(seen.id, &mut [0; 9]), Ok(Read::Bytes(3)));
    assert_eq!(server.reactor.read(seen.id, &mut [0; 9]), Ok(Read::WouldBlock));
    server.reactor.read_no_more(seen.id).unwrap();
    let silent = server.connect();
    server.closes(silent); // all times have passed
    server.respond(seen.id, "late");
    assert_eq!(answer(&mut peer).1, "late");
}
