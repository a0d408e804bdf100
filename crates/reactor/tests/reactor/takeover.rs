//! What goes beyond one answer for one request: interim answers, trailers, files, connections that are taken over.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::AsFd;

use goherd_proto::{Protocol, fields};
use goherd_reactor::{Event, Failure, Mode, Write};

use crate::protocols::scgi;
use crate::server::{Server, answer, read_body};

fn block(name: &str, value: &str) -> Vec<u8> {
    let mut block = Vec::new();
    fields::push(&mut block, name.as_bytes(), value.as_bytes());
    block
}

#[test]
fn interim_answers_go_before_the_final_one() {
    let server = Server::new(8);
    let (peer, seen) = server.asked();
    server.reactor.interim(seen.id, 103, &block("Link", "</a>")).unwrap();
    for status in [99, 101, 200] {
        assert_eq!(server.reactor.interim(seen.id, status, b""), Err(Failure::Status), "{status}");
    }
    server.reactor.respond(seen.id, 200, &block("Connection", "close"), b"x").unwrap();
    let text = server.until_closed(peer);
    assert!(text.starts_with("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n"), "{text}");
}

#[test]
fn a_1_0_peer_gets_no_interim_answer() {
    let server = Server::new(8);
    let mut peer = server.connect();
    peer.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let seen = server.request();
    server.reactor.interim(seen.id, 103, &block("Link", "</a>")).unwrap();
    server.respond(seen.id, "x");
    assert!(server.until_closed(peer).starts_with("HTTP/1.1 200 OK\r\n"));
}

#[test]
fn trailers_come_in_and_go_out() {
    let server = Server::new(8);
    let mut peer = server.connect();
    peer.write_all(
        b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
          1\r\na\r\n0\r\nx-SUM: 1\r\n\r\n",
    )
    .unwrap();
    let seen = server.request();
    assert_eq!(server.reactor.trailers(seen.id, &mut [0; 9]), Ok(0));
    assert_eq!(read_body(&server, seen.id), b"a");
    let wanted = block("X-Sum", "1");
    let mut room = vec![0; wanted.len()];
    assert_eq!(server.reactor.trailers(seen.id, &mut room[1..]), Ok(wanted.len()));
    assert_eq!(server.reactor.trailers(seen.id, &mut room), Ok(wanted.len()));
    assert_eq!(room, wanted);

    server.reactor.start(seen.id, 200, &block("Trailer", "X-Sum")).unwrap();
    let splitting = block("X-Sum", "1\r\nEvil: 1");
    assert!(matches!(server.reactor.finish(seen.id, &splitting), Err(Failure::Malformed(_))));
    server.reactor.finish(seen.id, &block("X-Sum", "2")).unwrap();
    let text = server.until_closed(peer);
    assert!(text.ends_with("\r\n\r\n0\r\nX-Sum: 2\r\n\r\n"), "{text}");
}

#[test]
fn a_file_goes_out_as_far_as_the_declared_length() {
    let server = Server::new(8);
    let (peer, seen) = server.asked();
    let mut file = tempfile();
    file.write_all(b"0123456789").unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    assert_eq!(
        server.reactor.send_file(seen.id, file.as_fd(), 4),
        Err(Failure::OutOfTurn),
        "before the head"
    );
    let head = [block("Content-Length", "8"), block("Connection", "close")].concat();
    server.reactor.start(seen.id, 200, &head).unwrap();
    assert_eq!(server.reactor.send_file(seen.id, file.as_fd(), 4), Ok(Write::Taken(4)));
    assert_eq!(server.reactor.send_file(seen.id, file.as_fd(), u64::MAX), Ok(Write::Taken(4)));
    assert_eq!(server.reactor.send_file(seen.id, file.as_fd(), 1), Ok(Write::Taken(0)));
    server.reactor.finish(seen.id, b"").unwrap();
    assert!(server.until_closed(peer).ends_with("\r\n\r\n01234567"));
}

#[test]
fn a_body_in_chunks_cannot_take_a_file() {
    let server = Server::new(8);
    let (_peer, seen) = server.asked();
    server.reactor.start(seen.id, 200, b"").unwrap();
    assert_eq!(server.reactor.send_file(seen.id, tempfile().as_fd(), 4), Err(Failure::OutOfTurn));
}

fn tempfile() -> File {
    let path = std::env::temp_dir().join(format!(
        "goherd-reactor-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    let file = File::options().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    file
}

#[test]
fn a_connection_that_is_taken_over_carries_whatever_the_application_likes() {
    let server = Server::new(8);
    let mut peer = server.connect();
    peer.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: echo\r\n\r\nearly").unwrap();
    let seen = server.request();
    let mut early = [0; 3];
    assert_eq!(server.reactor.unread(seen.id, &mut early), Ok(3));
    assert_eq!(server.reactor.unread(seen.id, &mut early), Ok(2));
    assert_eq!(server.reactor.unread(seen.id, &mut early), Ok(0));
    let mut taken = TcpStream::from(server.reactor.hijack(seen.id).unwrap().unwrap());
    taken.set_nonblocking(false).unwrap();
    taken.write_all(b"HTTP/1.1 101 Go\r\n\r\n").unwrap();
    peer.write_all(b"ping").unwrap();
    let mut ping = [0; 4];
    taken.read_exact(&mut ping).unwrap();
    assert_eq!(&ping, b"ping");
    assert_eq!(server.reactor.write(seen.id, b"x"), Err(Failure::Ended));
    assert!(server.reactor.hijack(seen.id).is_err());

    server.reactor.drain();
    assert_eq!(server.wait_for_nothing(), Event::Nothing, "it counts as a connection while its handler runs");
    server.reactor.finish(seen.id, b"").unwrap();
    assert_eq!(server.wait(Mode::Lead).0, Event::Drained);
    assert!(server.reactor.finish(seen.id, b"").is_err());
    drop(taken);
    let mut rest = String::new();
    peer.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "HTTP/1.1 101 Go\r\n\r\n");
}

#[test]
fn only_http_is_taken_over() {
    let server = Server::speaking(Protocol::Scgi);
    let mut peer = server.connect();
    peer.write_all(&scgi("0")).unwrap();
    let seen = server.request();
    assert_eq!(server.reactor.hijack(seen.id).unwrap_err(), Failure::OutOfTurn);
    server.respond(seen.id, "x");
    drop(peer);
}

#[test]
fn the_slot_of_a_connection_that_was_taken_over_is_used_again() {
    let server = Server::new(1);
    let (peer, seen) = server.asked();
    let taken = server.reactor.hijack(seen.id).unwrap().unwrap();
    server.reactor.finish(seen.id, b"").unwrap();
    let (mut another, seen) = server.asked();
    server.respond(seen.id, "next");
    assert_eq!(answer(&mut another).1, "next");
    drop((peer, taken));
}
