//! Handlers that take too long.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use goherd_proto::Protocol;
use goherd_reactor::{Event, ExchangeId, Failure, Harakiri, Mode, Read, Wake, Write};

use crate::protocols::{fastcgi, scgi, unpacked};
use crate::server::{PATIENCE, Seen, Server, answer};

/// A handler may take this long, in milliseconds, and then this long again.
const LIMIT: u64 = 50;

fn strict() -> Server {
    Server::with(|settings| settings.harakiri = Harakiri { limit: LIMIT, grace: LIMIT })
}

/// Waits until the handler of `seen` is told that its time is over.
fn told(server: &Server, seen: &Seen) -> Wake {
    match server.wait(Mode::Steward) {
        (Event::Wake(id, wake), _) if id == seen.id && wake.gone => wake,
        other => panic!("not told: {other:?}"),
    }
}

/// Drives the reactor, taking no request, until something is so.
fn until(server: &Server, what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "never so: {what}");
        server.next(Mode::Steward);
    }
}

fn until_stuck(server: &Server, count: u32) {
    until(server, "so many are stuck", || server.reactor.stuck() == count);
}

fn ended(server: &Server, id: ExchangeId) {
    server.reactor.respond(id, 200, b"", b"late").unwrap();
    assert_eq!(server.reactor.respond(id, 200, b"", b"late"), Err(Failure::Ended), "it ends once");
}

#[test]
fn a_request_that_takes_too_long_is_answered_504_in_its_handler_s_stead() {
    let server = strict();
    let (peer, seen) = server.asked();
    assert_eq!(told(&server, &seen), Wake { gone: true, ..Wake::default() });
    let text = server.until_closed(peer);
    assert!(text.starts_with("HTTP/1.1 504 Gateway Timeout\r\n"), "{text}");
    assert!(text.contains("Connection: close\r\n"), "{text}");
    assert!(text.ends_with("\r\n\r\n504: the request took too long\n"), "{text}");
    assert_eq!(server.reactor.connections(), 1, "its handler goes on");
    assert_eq!(server.reactor.write(seen.id, b"x"), Err(Failure::Ended));
    assert_eq!(server.reactor.limit(seen.id, 0), Err(Failure::Ended));
    ended(&server, seen.id);
    until(&server, "nothing is left", || server.reactor.connections() == 0);
    assert_eq!(server.reactor.stuck(), 0);
}

#[test]
fn a_handler_that_returns_before_its_peer_has_gone_costs_no_slot() {
    let server = strict();
    let (mut peer, seen) = server.asked();
    told(&server, &seen);
    assert!(answer(&mut peer).0.starts_with("HTTP/1.1 504 "));
    ended(&server, seen.id);
    assert_eq!(server.reactor.connections(), 1, "the peer has not ended its side");
    assert_eq!(server.until_closed(peer), "");
    until(&server, "nothing is left", || server.reactor.connections() == 0);
}

#[test]
fn an_answer_that_has_begun_is_cut() {
    let server = strict();
    let (peer, seen) = server.asked();
    server.reactor.start(seen.id, 200, b"").unwrap();
    server.reactor.write(seen.id, b"half").unwrap();
    told(&server, &seen);
    let text = server.until_closed(peer);
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("4\r\nhalf\r\n"), "{text}");
    assert_eq!(server.reactor.finish(seen.id, b""), Ok(()));
    assert_eq!(server.reactor.connections(), 0);
}

#[test]
fn who_waits_for_a_body_waits_no_longer() {
    let server = strict();
    let mut peer = server.connect();
    peer.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc").unwrap();
    let seen = server.request();
    assert_eq!(server.reactor.read(seen.id, &mut [0; 9]), Ok(Read::Bytes(3)));
    assert_eq!(server.reactor.read(seen.id, &mut [0; 9]), Ok(Read::WouldBlock));
    assert!(told(&server, &seen).readable);
    assert_eq!(server.reactor.read(seen.id, &mut [0; 9]), Err(Failure::Ended));
    assert!(answer(&mut peer).0.starts_with("HTTP/1.1 504 "));
    ended(&server, seen.id);
}

#[test]
fn who_waits_for_its_peer_to_take_waits_no_longer() {
    let server = strict();
    let (peer, seen) = server.asked();
    server.reactor.start(seen.id, 200, b"").unwrap();
    while server.reactor.write(seen.id, &[b'x'; 60_000]).unwrap() != Write::WouldBlock {}
    assert!(told(&server, &seen).writable);
    assert_eq!(server.reactor.write(seen.id, b"x"), Err(Failure::Ended));
    assert_eq!(server.reactor.abort(seen.id), Ok(()));
    drop(peer);
}

#[test]
fn an_interim_answer_does_not_save_a_request() {
    let server = strict();
    let (peer, seen) = server.asked();
    server.reactor.interim(seen.id, 103, b"").unwrap();
    told(&server, &seen);
    let text = server.until_closed(peer);
    assert!(text.starts_with("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 504 "), "{text}");
    ended(&server, seen.id);
}

#[test]
fn a_handler_that_does_not_return_is_stuck_until_it_does() {
    let server = strict();
    let (stuck, seen) = server.asked();
    until_stuck(&server, 1);
    assert!(!server.reactor.has_only_stuck(), "its peer is there still");
    server.until_closed(stuck);
    until(&server, "only it is left", || server.reactor.has_only_stuck());
    server.reactor.drain();
    assert_eq!(server.wait_for_nothing(), Event::Nothing);
    ended(&server, seen.id);
    assert_eq!(server.reactor.stuck(), 0);
    assert_eq!(server.wait(Mode::Lead).0, Event::Drained);
}

#[test]
fn neighbours_of_a_stuck_handler_are_served_on() {
    let server = strict();
    let (_stuck, seen) = server.asked();
    let (mut good, request) = server.asked();
    server.reactor.limit(request.id, 0).unwrap();
    until_stuck(&server, 1);
    server.reactor.drain();
    assert!(!server.reactor.has_only_stuck());
    server.respond(request.id, "good");
    assert_eq!(answer(&mut good).1, "good");
    ended(&server, seen.id);
}

#[test]
fn a_request_may_have_a_limit_of_its_own() {
    let server = strict();
    let (peers, seen): (Vec<TcpStream>, Vec<Seen>) = (0..3).map(|_| server.asked()).unzip();
    server.reactor.limit(seen[0].id, 0).unwrap();
    server.reactor.limit(seen[1].id, 60_000).unwrap();
    until_stuck(&server, 1);
    for ((mut peer, seen), body) in peers.into_iter().zip(&seen).zip(["one", "two", "late"]) {
        server.reactor.respond(seen.id, 200, b"", body.as_bytes()).unwrap();
        assert_eq!(answer(&mut peer).1 == body, body != "late");
    }
}

#[test]
fn a_limit_may_be_set_where_there_is_none() {
    let server = Server::new(8);
    let (peer, seen) = server.asked();
    server.reactor.limit(seen.id, 1).unwrap();
    told(&server, &seen);
    assert!(server.until_closed(peer).starts_with("HTTP/1.1 504 "));
    ended(&server, seen.id);
}

#[test]
fn a_connection_that_was_taken_over_has_all_the_time() {
    let server = strict();
    let (peer, seen) = server.asked();
    let mut taken = TcpStream::from(server.reactor.hijack(seen.id).unwrap().unwrap());
    assert_eq!(server.reactor.limit(seen.id, 1), Err(Failure::Ended));
    let (_stuck, other) = server.asked();
    until_stuck(&server, 1); // all times have passed
    taken.set_nonblocking(false).unwrap();
    taken.write_all(b"mine").unwrap();
    drop(taken);
    assert_eq!(server.until_closed(peer), "mine");
    server.reactor.finish(seen.id, b"").unwrap();
    ended(&server, other.id);
}

#[test]
fn a_handler_whose_peer_was_given_up_has_no_more_time_for_that() {
    let server = Server::with(|settings| {
        settings.times.http = 10;
        settings.harakiri = Harakiri { limit: 300, grace: 0 };
    });
    let (_peer, seen) = server.asked();
    server.reactor.start(seen.id, 200, b"").unwrap();
    while server.reactor.write(seen.id, &[b'x'; 60_000]).unwrap() != Write::WouldBlock {}
    until_stuck(&server, 1);
    assert!(server.reactor.has_only_stuck());
    assert_eq!(server.reactor.abort(seen.id), Ok(()));
    assert_eq!((server.reactor.connections(), server.reactor.stuck()), (0, 0));
}

#[test]
fn time_is_kept_also_if_nobody_leads() {
    let server = strict();
    let (mut peer, seen) = server.asked();
    let deadline = Instant::now() + PATIENCE;
    while server.reactor.stuck() == 0 {
        assert!(Instant::now() < deadline, "nobody looks at the time");
        let _again_at_once = server.reactor.look_at_time();
    }
    let mut start = [0; 13];
    peer.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 504 ");
    told(&server, &seen);
    ended(&server, seen.id);
}

#[test]
fn what_waits_for_a_core_can_be_turned_away() {
    let server = Server::new(8);
    let (_busy, seen) = server.asked();
    let mut waiting = server.connect();
    let deadline = Instant::now() + PATIENCE;
    while server.reactor.connections() < 2 {
        assert!(Instant::now() < deadline, "it was not let in");
        server.next(Mode::Lead);
    }
    server.reactor.turn_away();
    waiting.write_all(b"GET /waiting HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(server.wait(Mode::Steward).0, Event::Queued);
    server.reactor.turn_away();
    assert!(answer(&mut waiting).0.starts_with("HTTP/1.1 503 "));
    assert_eq!(server.until_closed(waiting), "");
    ended(&server, seen.id);
}

#[test]
fn other_protocols_answer_504_in_their_own_way() {
    for (protocol, request) in [(Protocol::Scgi, scgi("0")), (Protocol::FastCgi, fastcgi("", true))] {
        let server = Server::with(|settings| {
            settings.doors[0].protocol = protocol;
            settings.harakiri = Harakiri { limit: LIMIT, grace: LIMIT };
        });
        let mut peer = server.connect();
        peer.write_all(&request).unwrap();
        let seen = server.request();
        told(&server, &seen);
        let bytes = server.bytes_until_closed(peer);
        let text = match protocol {
            Protocol::FastCgi => unpacked(&bytes).0,
            _ => String::from_utf8(bytes).unwrap(),
        };
        assert!(text.starts_with("Status: 504 Gateway Timeout\r\n"), "{text}");
        ended(&server, seen.id);
    }
}
