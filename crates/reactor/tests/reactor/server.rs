//! A reactor with a test as its one core, and peers over real sockets.

use std::io::{Error, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use goherd_proto::Protocol;
use goherd_proto::http1::Field;
use goherd_reactor::{Door, Event, ExchangeId, Harakiri, Limits, Mode, Reactor, Read, Settings, Times};
use goherd_sys::eventfd::EventFd;
use goherd_sys::socket::{Endpoint, Listener};

pub const PATIENCE: Duration = Duration::from_secs(10);

/// A reactor and where it listens.
pub struct Server {
    pub reactor: Reactor,
    pub endpoint: Endpoint,
}

/// What a request looked like when it was handed out.
#[derive(Debug, PartialEq)]
pub struct Seen {
    pub id: ExchangeId,
    pub line: String,
    /// The field `X`, the peer and whether it came over TLS.
    pub about: String,
}

impl Server {
    pub fn new(max_connections: u32) -> Self {
        Self::with(|settings| settings.max_connections = max_connections)
    }

    /// One that speaks something other than plain HTTP.
    pub fn speaking(protocol: Protocol) -> Self {
        Self::with(|settings| settings.doors[0].protocol = protocol)
    }

    /// One with settings that differ from the test's usual ones.
    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let listener = Listener::bind(&Endpoint::Inet("127.0.0.1:0".parse().unwrap()), 64).unwrap();
        let endpoint = listener.endpoint().clone();
        let baton = Arc::new(EventFd::new().unwrap());
        let mut settings = Settings {
            name: "test".to_owned(),
            doors: vec![Door { listener, protocol: Protocol::Http, behind_proxy: false }],
            baton,
            max_connections: 8,
            max_requests: 100,
            limits: Limits::default(),
            times: Times::default(),
            harakiri: Harakiri::default(),
            services: None,
            most_held: 1 << 20,
        };
        change(&mut settings);
        Self { reactor: Reactor::new(settings).unwrap(), endpoint }
    }

    pub fn connect(&self) -> TcpStream {
        let Endpoint::Inet(address) = self.endpoint else { panic!("not TCP") };
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    pub fn next(&self, mode: Mode) -> (Event, Option<Seen>) {
        let mut seen = None;
        let event = self.reactor.next(0, mode, &mut |view| {
            let [method, target] = [view.head.method, view.head.target].map(|span| span.of(view.bytes));
            let line = [method, b" ", target].concat();
            let name = |field: &&Field| field.name.of(view.bytes) == b"X";
            let field =
                view.head.fields.iter().find(name).map_or(&b""[..], |field| field.value.of(view.bytes));
            let about = format!("{} {} {}", String::from_utf8_lossy(field), view.peer, view.https);
            seen = Some(Seen { id: view.id, line: String::from_utf8(line).unwrap(), about });
        });
        (event, seen)
    }

    /// The next event that is not `Nothing`.
    pub fn wait(&self, mode: Mode) -> (Event, Option<Seen>) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.next(mode) {
                (Event::Nothing, _) => assert!(Instant::now() < deadline, "nothing happens"),
                found => return found,
            }
        }
    }

    pub fn request(&self) -> Seen {
        match self.wait(Mode::Lead) {
            (Event::Request(_), Some(seen)) => seen,
            other => panic!("not a request: {other:?}"),
        }
    }

    /// A peer that has asked for /, and its request.
    pub fn asked(&self) -> (TcpStream, Seen) {
        let mut peer = self.connect();
        peer.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        (peer, self.request())
    }

    pub fn respond(&self, id: ExchangeId, body: &str) {
        self.reactor.respond(id, 200, b"", body.as_bytes()).unwrap();
    }

    /// What comes of looking for a while in which nothing is due.
    pub fn wait_for_nothing(&self) -> Event {
        (0..10)
            .map(|_| self.next(Mode::Lead).0)
            .find(|event| *event != Event::Nothing)
            .unwrap_or(Event::Nothing)
    }

    /// Drives the reactor until the peer has read to the end of the stream, which a reset may be.
    pub fn closes(&self, peer: TcpStream) {
        let (bytes, _reset) = self.drive(peer);
        assert_eq!(bytes, b"");
    }

    /// Drives the reactor until the peer has read to the end of the stream.
    pub fn bytes_until_closed(&self, peer: TcpStream) -> Vec<u8> {
        let (bytes, reset) = self.drive(peer);
        assert!(reset.is_none(), "{reset:?} after {:?}", String::from_utf8_lossy(&bytes));
        bytes
    }

    /// The same as text.
    pub fn until_closed(&self, peer: TcpStream) -> String {
        String::from_utf8(self.bytes_until_closed(peer)).unwrap()
    }

    fn drive(&self, mut peer: TcpStream) -> (Vec<u8>, Option<Error>) {
        peer.set_nonblocking(true).unwrap();
        let deadline = Instant::now() + PATIENCE;
        let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            assert!(
                Instant::now() < deadline,
                "the connection stays open after {:?}",
                String::from_utf8_lossy(&all)
            );
            assert!(!matches!(self.next(Mode::Lead).0, Event::Request(_)), "an unexpected request");
            match peer.read(&mut buffer) {
                Ok(0) => return (all, None),
                Ok(n) => all.extend_from_slice(&buffer[..n]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return (all, Some(error)),
            }
        }
    }
}

/// Reads one answer with a Content-Length.
pub fn answer(peer: &mut TcpStream) -> (String, String) {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        peer.read_exact(&mut byte).unwrap();
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap();
    let length =
        head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap().parse().unwrap();
    let mut body = vec![0; length];
    peer.read_exact(&mut body).unwrap();
    (head, String::from_utf8(body).unwrap())
}

pub fn read_body(server: &Server, id: ExchangeId) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let mut buffer = [0; 3];
        match server.reactor.read(id, &mut buffer).unwrap() {
            Read::Bytes(n) => body.extend_from_slice(&buffer[..n]),
            Read::End => return body,
            Read::WouldBlock => match server.wait(Mode::Steward) {
                (Event::Wake(of, wake), _) => assert!(of == id && wake.readable, "{wake:?}"),
                (Event::Queued, _) => {}
                other => panic!("{other:?}"),
            },
            Read::Broken => panic!("the peer is still there"),
        }
    }
}
