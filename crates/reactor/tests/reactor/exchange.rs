//! Requests and answers, slow peers, drains.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use goherd_proto::fields;
use goherd_reactor::{Event, Failure, Mode, Read, Write};
use goherd_sys::socket::Endpoint;

use crate::server::{PATIENCE, Server, answer, read_body};

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let server = Server::new(8);
    let mut peer = server.connect();
    let requests: String = (0..20).map(|n| format!("GET /{n} HTTP/1.1\r\nHost: x\r\n\r\n")).collect();
    peer.write_all(requests.as_bytes()).unwrap();
    for n in 0..20 {
        let seen = server.request();
        assert_eq!(seen.line, format!("GET /{n}"));
        server.respond(seen.id, &n.to_string());
    }
    for n in 0..20 {
        assert_eq!(answer(&mut peer).1, n.to_string());
    }
}

#[test]
fn a_request_cut_anywhere_is_the_same_request() {
    let server = Server::new(8);
    let bytes = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
    let mut peer = server.connect();
    for cut in 1..bytes.len() {
        peer.write_all(&bytes[..cut]).unwrap();
        while matches!(server.next(Mode::Steward).0, Event::Queued) {}
        peer.write_all(&bytes[cut..]).unwrap();
        let seen = server.request();
        assert_eq!(seen.line, "POST /x", "cut at {cut}");
        let body = read_body(&server, seen.id);
        assert_eq!(body, b"hello", "cut at {cut}");
        server.respond(seen.id, "ok");
        assert_eq!(answer(&mut peer).1, "ok", "cut at {cut}");
    }
}

#[test]
fn an_unread_body_is_never_taken_for_a_request() {
    let server = Server::new(8);
    let mut peer = server.connect();
    let inner = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    let outer = format!("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{inner}", inner.len());
    peer.write_all(outer.as_bytes()).unwrap();
    peer.write_all(b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let first = server.request();
    server.respond(first.id, "a");
    let second = server.request();
    assert_eq!((first.line.as_str(), second.line.as_str()), ("POST /a", "GET /b"));
    server.respond(second.id, "b");
}

#[test]
fn a_body_in_chunks_cut_anywhere_is_the_same_body() {
    let server = Server::new(8);
    let bytes = b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n\
                  6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n";
    let mut peer = server.connect();
    for cut in 1..bytes.len() {
        peer.write_all(&bytes[..cut]).unwrap();
        while matches!(server.next(Mode::Steward).0, Event::Queued) {}
        peer.write_all(&bytes[cut..]).unwrap();
        let seen = server.request();
        assert_eq!(read_body(&server, seen.id), b"hello world", "cut at {cut}");
        server.respond(seen.id, "ok");
        assert_eq!(answer(&mut peer).1, "ok", "cut at {cut}");
    }
}

#[test]
fn an_unread_body_in_chunks_is_never_taken_for_a_request() {
    let server = Server::new(8);
    let mut peer = server.connect();
    let inner = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    let body = format!("{:x}\r\n{inner}\r\n0\r\n\r\n", inner.len());
    let outer = format!("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
    peer.write_all(format!("{outer}GET /b HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
    let first = server.request();
    server.respond(first.id, "a");
    let second = server.request();
    assert_eq!((first.line.as_str(), second.line.as_str()), ("POST /a", "GET /b"));
    server.respond(second.id, "b");
    assert_eq!((answer(&mut peer).1, answer(&mut peer).1), ("a".to_owned(), "b".to_owned()));
}

#[test]
fn what_is_wrong_in_a_body_takes_the_place_of_the_application_s_answer() {
    let server = Server::new(8);
    let mut peer = server.connect();
    peer.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0x3\r\n")
        .unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    let seen = server.request();
    let mut buffer = [0; 16];
    assert_eq!(server.reactor.read(seen.id, &mut buffer), Ok(Read::Bytes(3)));
    assert_eq!(server.reactor.read(seen.id, &mut buffer), Ok(Read::Broken));
    server.respond(seen.id, "all is well");
    let text = server.until_closed(peer);
    assert!(text.starts_with("HTTP/1.1 400 Bad Request\r\n") && !text.contains("well"), "{text}");
}

#[test]
fn a_malformed_request_is_answered_and_the_connection_ends_without_a_reset() {
    let server = Server::new(8);
    let mut peer = server.connect();
    peer.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nBad Name: y\r\n\r\nmore of whatever").unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    let text = server.until_closed(peer);
    assert!(text.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{text}");
    assert!(text.contains("Connection: close\r\n"), "{text}");
    assert_eq!(server.reactor.connections(), 0);
}

#[test]
fn a_handle_that_outlived_its_request_is_refused() {
    let server = Server::new(8);
    let mut peer = server.connect();
    peer.write_all(b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let first = server.request();
    server.respond(first.id, "1");
    let second = server.request();
    assert_eq!(server.reactor.respond(first.id, 200, b"", b"again"), Err(Failure::Ended));
    assert_eq!(server.reactor.write(first.id, b"more"), Err(Failure::Ended));
    assert_eq!(server.reactor.abort(first.id), Err(Failure::Ended));
    server.respond(second.id, "2");
    assert_eq!(answer(&mut peer).1, "1");
    assert_eq!(answer(&mut peer).1, "2");
}

#[test]
fn what_would_split_an_answer_is_refused_and_the_exchange_goes_on() {
    let server = Server::new(8);
    let (mut peer, seen) = server.asked();
    let mut block = Vec::new();
    fields::push(&mut block, b"X", b"a\r\nSet-Cookie: b");
    assert!(matches!(server.reactor.respond(seen.id, 200, &block, b""), Err(Failure::Malformed(_))));
    assert_eq!(server.reactor.respond(seen.id, 99, b"", b""), Err(Failure::Status));
    server.respond(seen.id, "fine");
    assert_eq!(answer(&mut peer).1, "fine");
}

#[test]
fn a_slow_peer_gets_all_of_a_long_answer() {
    let server = Server::new(8);
    let (mut peer, seen) = server.asked();
    let whole = vec![b'x'; 32 << 20];
    let reader = std::thread::spawn(move || {
        let mut all = Vec::new();
        peer.read_to_end(&mut all).map(|_| all)
    });
    let mut block = Vec::new();
    fields::push(&mut block, b"Content-Length", whole.len().to_string().as_bytes());
    fields::push(&mut block, b"Connection", b"close");
    server.reactor.start(seen.id, 200, &block).unwrap();
    let mut rest = whole.as_slice();
    while !rest.is_empty() {
        match server.reactor.write(seen.id, rest).unwrap() {
            Write::Taken(n) => rest = &rest[n..],
            Write::WouldBlock => match server.wait(Mode::Steward).0 {
                Event::Wake(_, wake) => assert!(wake.writable),
                other => panic!("{other:?}"),
            },
        }
    }
    server.reactor.finish(seen.id, b"").unwrap();
    let all = reader.join().unwrap().unwrap();
    assert!(all.ends_with(b"\r\n\r\n".as_slice()) || all.len() > whole.len());
    assert_eq!(all.len() - all.windows(4).position(|w| w == b"\r\n\r\n").unwrap() - 4, whole.len());
}

#[test]
fn connections_beyond_the_limit_wait_for_a_place() {
    let server = Server::new(1);
    let mut first = server.connect();
    let mut second = server.connect();
    for peer in [&mut first, &mut second] {
        peer.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    }
    let seen = server.request();
    assert_eq!(server.reactor.connections(), 1);
    server.respond(seen.id, "one");
    let seen = server.request();
    server.respond(seen.id, "two");
    assert_eq!(answer(&mut first).1, "one");
    assert_eq!(answer(&mut second).1, "two");
}

#[test]
fn a_drain_calls_a_leader_that_has_parked() {
    let server = Server::new(8);
    assert_eq!(server.wait_for_nothing(), Event::Nothing);
    std::thread::scope(|scope| {
        scope.spawn(|| server.reactor.drain()); // as the watch does, beside the leader
        server.reactor.park();
    });
    assert_eq!(server.wait(Mode::Lead).0, Event::Drained);
}

#[test]
fn draining_finishes_what_is_under_way_and_takes_nothing_new() {
    let server = Server::new(8);
    let (mut idle, seen) = server.asked();
    server.respond(seen.id, "one");
    assert_eq!(answer(&mut idle).1, "one");
    std::thread::sleep(Duration::from_millis(1100));
    let (mut busy, seen) = server.asked();
    server.reactor.drain();
    assert_eq!(server.reactor.connections(), 1, "the idle one is closed");
    assert_eq!(server.until_closed(idle), "");
    let Endpoint::Inet(address) = server.endpoint else { panic!("not TCP") };
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert_eq!(server.next(Mode::Lead).0, Event::Nothing);
    server.respond(seen.id, "last");
    assert!(answer(&mut busy).0.contains("Connection: close\r\n"));
    assert_eq!(server.wait(Mode::Lead).0, Event::Drained);
}

#[test]
fn draining_answers_a_peer_that_had_an_answer_just_now_once_more() {
    let server = Server::new(8);
    let (mut peer, seen) = server.asked();
    server.respond(seen.id, "one");
    assert_eq!(answer(&mut peer).1, "one");
    server.reactor.drain();
    assert_eq!(server.next(Mode::Lead).0, Event::Nothing);
    peer.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let seen = server.request();
    server.respond(seen.id, "last");
    assert!(answer(&mut peer).0.contains("Connection: close\r\n"));
    drop(peer);
    assert_eq!(server.wait(Mode::Lead).0, Event::Drained);
}

#[test]
fn draining_ends_a_connection_whose_answer_was_begun_before() {
    let server = Server::new(8);
    let (peer, seen) = server.asked();
    server.reactor.start(seen.id, 200, b"").unwrap();
    assert_eq!(server.reactor.write(seen.id, b"part"), Ok(Write::Taken(4)));
    server.reactor.drain();
    server.reactor.finish(seen.id, b"").unwrap();
    assert_eq!(server.wait(Mode::Lead).0, Event::Drained);
    assert!(server.until_closed(peer).ends_with("4\r\npart\r\n0\r\n\r\n"));
}

#[test]
fn draining_answers_what_has_arrived_and_waits_for_half_a_request_for_a_moment() {
    let server = Server::new(8);
    let (mut whole, mut half) = (server.connect(), server.connect());
    let deadline = Instant::now() + PATIENCE;
    while server.reactor.connections() < 2 {
        assert!(Instant::now() < deadline);
        server.next(Mode::Lead);
    }
    whole.write_all(b"GET /whole HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    half.write_all(b"GET /half HTT").unwrap();
    server.reactor.drain();
    let seen = server.request();
    assert_eq!(seen.line, "GET /whole");
    server.respond(seen.id, "last");
    assert_eq!(answer(&mut whole).1, "last");
    assert_eq!(server.wait(Mode::Lead).0, Event::Drained);
}

#[test]
fn what_was_written_goes_on_while_the_application_is_elsewhere() {
    let server = Server::new(8);
    let (mut peer, seen) = server.asked();
    server.reactor.start(seen.id, 200, b"").unwrap();
    let piece = vec![b'x'; 60_000];
    let mut taken = 0;
    while let Write::Taken(n) = server.reactor.write(seen.id, &piece).unwrap() {
        taken += n; // the last of these was kept for the peer, in part or whole
    }
    peer.set_nonblocking(true).unwrap();
    let (mut come, mut buffer) = (0, vec![0; 1 << 20]);
    let deadline = Instant::now() + PATIENCE;
    while come < taken {
        assert!(Instant::now() < deadline, "{come} of {taken} bytes have come");
        server.next(Mode::Steward);
        match peer.read(&mut buffer) {
            Ok(n) => come += buffer[..n].iter().filter(|&&byte| byte == b'x').count(),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
    server.reactor.finish(seen.id, b"").unwrap();
}

#[test]
fn what_follows_an_upgrade_that_was_refused_is_no_request() {
    let server = Server::new(8);
    let mut peer = server.connect();
    peer.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        .unwrap();
    peer.write_all(b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    server.reactor.respond(server.request().id, 426, b"", b"no").unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    assert!(server.until_closed(peer).ends_with("\r\n\r\nno"));
}

#[test]
fn a_peer_that_pipelines_does_not_keep_the_leader_from_polling() {
    for mode in [Mode::Lead, Mode::LeadBusy] {
        let server = Server::with(|settings| settings.max_requests = u32::MAX);
        let mut peer = server.connect();
        let one = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        peer.write_all(&one.repeat(2000)).unwrap();
        let (first, seen) = server.wait(mode);
        assert!(matches!(first, Event::Request(_)));
        let mut other = server.connect();
        other.write_all(b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        server.respond(seen.unwrap().id, "");
        let mut before = 0;
        loop {
            let (event, seen) = server.next(mode);
            let Some(seen) = seen else { panic!("{event:?} after {before}") };
            if seen.line.ends_with("/other") {
                break;
            }
            before += 1;
            server.respond(seen.id, "");
        }
        assert!(before < 100, "{mode:?}: {before} requests of the other peer came first");
    }
}

#[test]
fn a_core_that_ends_the_last_connection_wakes_the_leader_to_accept() {
    let server = Server::new(1);
    let mut first = server.connect();
    first.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let seen = server.request();
    let mut second = server.connect();
    second.write_all(b"GET /second HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(server.wait_for_nothing(), Event::Nothing);
    // The leader parks now; another core answers.
    server.respond(seen.id, "");
    let (tell, hear) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let reactor = &server.reactor;
        scope.spawn(move || {
            reactor.park();
            tell.send(()).unwrap();
        });
        let woken = hear.recv_timeout(std::time::Duration::from_secs(2)).is_ok();
        reactor.kick();
        assert!(woken, "the leader sleeps while there is room and somebody waits");
    });
}
