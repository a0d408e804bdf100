//! Peers that take too long.

use std::io::Write as _;

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
