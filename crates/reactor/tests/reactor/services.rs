//! Where the server answers itself, and calls, which a core takes like requests.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use goherd_proto::Protocol;
use goherd_proto::service::{Answer, CACHE, Command, Order, Status, answer, call, signal};
use goherd_reactor::{Event, Form, Limits, Mode, Services};
use goherd_sys::socket::Endpoint;

use crate::server::{Server, read_body};

/// A cache that takes values of up to 1 MiB, and remembers the signals.
#[derive(Debug, Default)]
struct Fake {
    entries: Mutex<HashMap<Vec<u8>, Vec<u8>>>,
    signals: Mutex<Vec<u8>>,
}

impl Services for Fake {
    fn look(&self, order: &Order<'_>) -> Option<(Status, String)> {
        (order.size > 1 << 20).then(|| (Status::Value, "too long".to_owned()))
    }

    fn cache(&self, order: &Order<'_>, value: &[u8], most: u64, out: &mut Vec<u8>) {
        let mut entries = self.entries.lock().unwrap();
        if order.command.takes_value() {
            entries.insert(order.key.to_vec(), value.to_vec());
            return answer::write(out, CACHE, Status::Ok, &[], b"");
        }
        match entries.get(order.key) {
            Some(value) if value.len() as u64 > most => {
                answer::write_failure(out, CACHE, Status::Busy, "later");
            }
            Some(value) => answer::write(out, CACHE, Status::Ok, &[], value),
            None => answer::write_failure(out, CACHE, Status::Missing, ""),
        }
    }

    fn signal(&self, number: u8) -> bool {
        self.signals.lock().unwrap().push(number);
        number < 10
    }
}

fn serving(protocol: Protocol) -> (Server, Arc<Fake>) {
    let fake = Arc::new(Fake::default());
    let services = Arc::clone(&fake);
    let server = Server::with(|settings| {
        settings.doors[0].protocol = protocol;
        settings.services = Some(services);
    });
    (server, fake)
}

fn update(key: &[u8], value: &[u8]) -> Vec<u8> {
    let order = Order { size: value.len() as u64, ..Order::new(Command::Update, b"", key) };
    [order.encode().unwrap(), value.to_vec()].concat()
}

fn get(key: &[u8]) -> Vec<u8> {
    Order::new(Command::Get, b"", key).encode().unwrap()
}

/// Sends bytes while the reactor is driven, and gives as many answers, each as its status and its bytes.
fn answers(
    server: &Server,
    mode: Mode,
    peer: &mut TcpStream,
    sent: &[u8],
    count: usize,
) -> Vec<(Status, Vec<u8>)> {
    let mut sender = peer.try_clone().unwrap();
    let sent = sent.to_vec();
    let sending = std::thread::spawn(move || sender.write_all(&sent).unwrap());
    peer.set_nonblocking(true).unwrap();
    let (mut found, mut bytes) = (Vec::new(), Vec::new());
    while found.len() < count {
        assert!(matches!(server.next(mode).0, Event::Nothing | Event::Queued), "nothing is for a core");
        let mut room = [0; 64 << 10];
        if let Ok(n) = peer.read(&mut room) {
            assert_ne!(n, 0, "the connection ends after {} answers", found.len());
            bytes.extend_from_slice(&room[..n]);
        }
        while let Some(one) = Answer::find(&bytes, CACHE).unwrap() {
            let end = one.length + usize::try_from(one.size).unwrap();
            if bytes.len() < end {
                break;
            }
            found.push((one.status.unwrap(), bytes[one.length..end].to_vec()));
            bytes.drain(..end);
        }
    }
    sending.join().unwrap();
    assert!(bytes.is_empty());
    found
}

#[test]
fn orders_are_answered_also_while_no_core_is_free() {
    for mode in [Mode::Lead, Mode::Steward] {
        let (server, _) = serving(Protocol::Cache);
        let mut peer = server.connect();
        let sent = [update(b"k", b"v"), get(b"k"), get(b"none")].concat();
        let expected = [(Status::Ok, vec![]), (Status::Ok, b"v".to_vec()), (Status::Missing, vec![])];
        assert_eq!(answers(&server, mode, &mut peer, &sent, 3), expected);
    }
}

#[test]
fn others_have_their_turn_while_one_sends_and_sends() {
    const COUNT: usize = 1000;
    let (server, _) = serving(Protocol::Cache);
    let (mut busy, mut brief) = (server.connect(), server.connect());
    busy.write_all(&get(b"none").repeat(COUNT)).unwrap();
    assert_eq!(answers(&server, Mode::Lead, &mut brief, &update(b"k", b"v"), 1), [(Status::Ok, vec![])]);
    let all = answers(&server, Mode::Lead, &mut busy, b"", COUNT);
    assert!(all.iter().all(|(status, _)| *status == Status::Missing));
}

#[test]
fn a_peer_that_does_not_read_holds_up_nobody_else() {
    let (server, _) = serving(Protocol::Cache);
    let value = vec![7; 1 << 20];
    let (mut slow, mut other) = (server.connect(), server.connect());
    assert_eq!(answers(&server, Mode::Lead, &mut other, &update(b"k", &value), 1).len(), 1);
    let mut sender = slow.try_clone().unwrap();
    sender.write_all(&get(b"k").repeat(20)).unwrap();
    assert_eq!(answers(&server, Mode::Lead, &mut other, &get(b"none"), 1), [(Status::Missing, vec![])]);
    let all = answers(&server, Mode::Lead, &mut slow, b"", 20);
    assert!(all.iter().all(|(status, found)| *status == Status::Ok && *found == value));
}

#[test]
fn what_all_hold_together_is_limited() {
    let (server, _) = serving(Protocol::Cache);
    let value = vec![7; 900 << 10];
    let whole = update(b"k", &value);
    let mut first = server.connect();
    let almost = whole.len() - 1;
    assert_eq!(answers(&server, Mode::Lead, &mut first, &whole[..almost], 0), []);
    while server.next(Mode::Lead).0 != Event::Nothing {}
    let mut second = server.connect();
    // Its first 128 KiB are not counted; what is more finds too little room beside the other.
    let refused = answers(&server, Mode::Lead, &mut second, &whole[..500 << 10], 1);
    assert_eq!(refused, [(Status::Busy, vec![])]);
    assert_eq!(answers(&server, Mode::Lead, &mut first, &whole[almost..], 1), [(Status::Ok, vec![])]);
    let mut third = server.connect();
    assert_eq!(
        answers(&server, Mode::Lead, &mut third, &whole, 1),
        [(Status::Ok, vec![])],
        "the room is free again"
    );
}

#[test]
fn a_value_that_is_too_long_is_refused_before_it_comes() {
    let (server, fake) = serving(Protocol::Cache);
    let mut peer = server.connect();
    let order = Order { size: 1 << 40, ..Order::new(Command::Update, b"", b"k") };
    assert_eq!(
        answers(&server, Mode::Lead, &mut peer, &order.encode().unwrap(), 1),
        [(Status::Value, vec![])]
    );
    peer.write_all(&get(b"k")).unwrap();
    server.closes(peer);
    assert!(fake.entries.lock().unwrap().is_empty());
}

#[test]
fn a_drain_answers_what_is_there_and_ends() {
    let (server, _) = serving(Protocol::Cache);
    let mut peer = server.connect();
    assert_eq!(answers(&server, Mode::Lead, &mut peer, &update(b"k", b"v"), 1).len(), 1);
    peer.write_all(&get(b"k")).unwrap();
    server.reactor.drain();
    assert_eq!(answers(&server, Mode::Lead, &mut peer, b"", 1), [(Status::Ok, b"v".to_vec())]);
    server.closes(peer);
    assert_eq!(server.wait(Mode::Lead).0, Event::Drained);
}

#[test]
fn signals_are_raised_without_a_core() {
    let (server, fake) = serving(Protocol::Signal);
    let mut peer = server.connect();
    peer.write_all(&[signal::encode(9), signal::encode(10)].concat()).unwrap();
    while fake.signals.lock().unwrap().len() < 2 {
        assert!(matches!(server.next(Mode::Steward).0, Event::Nothing | Event::Queued));
    }
    let mut said = [0; 8];
    peer.read_exact(&mut said).unwrap();
    assert_eq!(said, [255, 0, 0, 1, 255, 0, 0, 0]);
    assert_eq!(*fake.signals.lock().unwrap(), [9, 10]);
}

#[test]
fn a_call_is_a_request_and_its_answer_goes_out_as_it_is() {
    let server = Server::with(|settings| {
        settings.doors[0].protocol = Protocol::Rpc;
        settings.limits = Limits { body: 1, ..Limits::default() }; // which is for requests
    });
    let mut peer = server.connect();
    for millis in [0, 5] {
        peer.write_all(&call::encode(b"f", &[b"one", b"two"], millis).unwrap()).unwrap();
        let mut form = None;
        let id = loop {
            match server.reactor.next(0, Mode::Lead, &mut |view| form = view.call) {
                Event::Request(id) => break id,
                other => assert_eq!(other, Event::Nothing),
            }
        };
        assert_eq!(form, Some(Form::Dictionary));
        let body = read_body(&server, id);
        assert_eq!(call::arguments(Form::Dictionary, &body).unwrap(), [b"one", b"two"]);
        server.respond(id, "the answer");
        let mut said = [0; 10];
        peer.read_exact(&mut said).unwrap();
        assert_eq!(&said, b"the answer");
    }
}

#[test]
fn nobody_speaks_http_to_a_service() {
    for protocol in [Protocol::Cache, Protocol::Signal, Protocol::Rpc] {
        let (server, _) = serving(protocol);
        let mut peer = server.connect();
        peer.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        server.closes(peer);
    }
}

#[test]
fn without_services_nobody_answers() {
    let server = Server::speaking(Protocol::Cache);
    let mut peer = server.connect();
    peer.write_all(&get(b"k")).unwrap();
    server.closes(peer);
    assert!(matches!(server.endpoint, Endpoint::Inet(_)));
}
