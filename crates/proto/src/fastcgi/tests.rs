//! Whole requests through opening and body, in one go and in pieces.

use super::record::*;
use super::{Opening, Stdin, Step, answer, pairs};
use crate::body::Piece;
use crate::cgi::Request;
use crate::http1::{Body, Limits, Refusal};

/// A record with its padding.
fn record(kind: u8, id: u16, content: &[u8], padding: u8) -> Vec<u8> {
    let mut bytes = Record::header(kind, id, u16::try_from(content.len()).unwrap()).to_vec();
    bytes[6] = padding;
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len() + usize::from(padding), 0xaa);
    bytes
}

fn begin(id: u16, role: u8, flags: u8) -> Vec<u8> {
    record(BEGIN_REQUEST, id, &[0, role, flags, 0, 0, 0, 0, 0], 0)
}

fn packed(variables: &[(&str, &str)]) -> Vec<u8> {
    let mut packed = Vec::new();
    variables.iter().for_each(|(name, value)| pairs::push(&mut packed, name.as_bytes(), value.as_bytes()));
    packed
}

const POST: [(&str, &str); 4] =
    [("REQUEST_METHOD", "POST"), ("REQUEST_URI", "/"), ("HTTP_HOST", "x"), ("CONTENT_LENGTH", "5")];

/// A request as web servers send it: variables in two records that are cut anywhere, padding, a body in two records.
fn post(id: u16, flags: u8) -> Vec<u8> {
    let variables = packed(&POST);
    let (first, second) = variables.split_at(21);
    [
        begin(id, 1, flags),
        record(PARAMS, id, first, 3),
        record(PARAMS, id, second, 0),
        record(PARAMS, id, b"", 8),
        record(STDIN, id, b"hel", 5),
        record(STDIN, id, b"lo", 0),
        record(STDIN, id, b"", 2),
    ]
    .concat()
}

/// The side of the server: it gets `step` more bytes each time that it wants some.
struct Server<'a> {
    bytes: &'a [u8],
    step: usize,
    at: usize,
    come: usize,
    sent: Vec<u8>,
}

/// What stops a server: a refusal, or `None` at the end of the bytes.
type Stop = Option<Refusal>;

impl<'a> Server<'a> {
    fn new(bytes: &'a [u8], step: usize) -> Self {
        Self { bytes, step, at: 0, come: 0, sent: Vec::new() }
    }

    fn input(&self) -> &'a [u8] {
        &self.bytes[self.at..self.come]
    }

    fn more(&mut self) -> Result<(), Stop> {
        if self.come == self.bytes.len() {
            return Err(None);
        }
        self.come = (self.come + self.step).min(self.bytes.len());
        Ok(())
    }

    fn open(&mut self, opening: &mut Opening) -> Result<(), Stop> {
        loop {
            match opening.next(self.input(), &Limits::default()).map_err(Some)? {
                Step::Consume(count) => self.consume(count),
                Step::Answer { consumed, bytes } => {
                    self.consume(consumed);
                    self.sent.extend(bytes);
                }
                Step::More => self.more()?,
                Step::Done { consumed } => {
                    self.consume(consumed);
                    return Ok(());
                }
            }
        }
    }

    fn consume(&mut self, count: usize) {
        assert!((1..=self.input().len()).contains(&count), "{count} of {}", self.input().len());
        self.at += count;
    }

    fn announced(&mut self, id: u16) -> Result<Body, Stop> {
        loop {
            match Stdin::announced(id, self.input()).map_err(Some)? {
                Some(body) => return Ok(body),
                None => self.more()?,
            }
        }
    }

    fn body(&mut self, mut stdin: Stdin) -> Result<Vec<u8>, Stop> {
        let mut data = Vec::new();
        loop {
            match stdin.next(self.input()).map_err(Some)? {
                Piece::Framing(count) => self.consume(count),
                Piece::Data(left) if !self.input().is_empty() => {
                    let count = usize::try_from(left).unwrap().min(self.input().len());
                    data.extend_from_slice(&self.input()[..count]);
                    self.consume(count);
                    stdin.took(count as u64);
                }
                Piece::Data(_) | Piece::More => self.more()?,
                Piece::End(count) => {
                    self.consume(count);
                    return Ok(data);
                }
                Piece::Trailer { .. } => panic!("a trailer"),
            }
        }
    }
}

/// What a connection comes to: what was sent to the web server, the bodies, and what stopped it.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    sent: Vec<u8>,
    bodies: Vec<(u16, Vec<u8>)>,
    stop: Stop,
}

fn serve(bytes: &[u8], step: usize) -> Outcome {
    let mut server = Server::new(bytes, step);
    let (mut opening, mut request) = (Opening::new(64), Request::default());
    let mut bodies = Vec::new();
    let mut one = || {
        server.open(&mut opening)?;
        request.read(opening.variables(), &Limits::default()).map_err(Some)?;
        let body =
            if request.says_length { request.head.framing.body } else { server.announced(opening.id())? };
        bodies.push((opening.id(), server.body(Stdin::new(opening.id(), body))?));
        opening.reset();
        Ok(())
    };
    let stop = loop {
        if let Err(stop) = one() {
            break stop;
        }
    };
    Outcome { sent: server.sent, bodies, stop }
}

/// The same in one go and in pieces of each size, which must agree.
fn served(bytes: &[u8]) -> Outcome {
    let whole = serve(bytes, bytes.len().max(1));
    for step in 1..=40 {
        assert_eq!(whole, serve(bytes, step), "in steps of {step}");
    }
    whole
}

fn stopped(bytes: &[u8]) -> Refusal {
    served(bytes).stop.expect("a refusal")
}

#[test]
fn requests_come_one_after_another() {
    let outcome = served(&[post(1, 1), post(1, 1), post(700, 0)].concat());
    let body = b"hello".to_vec();
    assert_eq!(outcome.bodies, [(1, body.clone()), (1, body.clone()), (700, body)]);
    assert_eq!((outcome.sent, outcome.stop), (vec![], None));
}

#[test]
fn a_request_cut_anywhere_is_not_complete() {
    let bytes = post(1, 0);
    for end in 0..bytes.len() {
        let outcome = serve(&bytes[..end], 7);
        assert_eq!((outcome.bodies, outcome.stop), (vec![], None), "cut at {end}");
    }
}

#[test]
fn an_opening_says_what_the_request_wants() {
    for (flags, keep_conn) in [(0, false), (1, true), (0xfe, false), (0xff, true)] {
        let mut opening = Opening::default();
        Server::new(&post(0x1234, flags), 1000).open(&mut opening).unwrap();
        assert_eq!((opening.id(), opening.keep_conn()), (0x1234, keep_conn));
        assert_eq!(opening.variables().count(), POST.len());
        opening.reset();
        assert_eq!((opening.id(), opening.keep_conn(), opening.variables().count()), (0, false, 0));
    }
}

#[test]
fn lengths_have_one_byte_or_four() {
    let value = vec![b'v'; 300];
    let variables = [b"\x01\x80\0\x01\x2cA", &value[..], b"\x80\0\0\x01\0B"].concat();
    let read: Result<Vec<_>, _> = pairs::read(&variables).collect();
    assert_eq!(read.unwrap(), [(&b"A"[..], &value[..]), (b"B", b"")]);
}

#[test]
fn u3_pairs_fill_the_variables_exactly() {
    for bad in [
        &b"\x01"[..],
        b"\x01\x01",
        b"\x01\x01A",
        b"\x80\0\0",
        b"\x01\x80\0\0",
        b"\xff\xff\xff\xff\0A",
        b"\x01\xff\xff\xff\xffAb",
        b"\0\x01v",
        b"\0\0",
        b"\x80\0\0\0\0",
        b"\x01\0A\x05",
    ] {
        assert!(pairs::read(bad).any(|pair| pair.is_err_and(|refusal| refusal.status == 0)), "{bad:?}");
        let bytes = [begin(1, 1, 0), record(PARAMS, 1, bad, 0), record(PARAMS, 1, b"", 0)].concat();
        assert_eq!(stopped(&bytes).status, 0, "{bad:?}");
    }
}

#[test]
fn u1_u4_variables_have_a_limit_and_a_method() {
    let much = vec![1; 40_000];
    let bytes = [begin(1, 1, 0), record(PARAMS, 1, &much, 0), record(PARAMS, 1, &much, 0)].concat();
    assert_eq!(stopped(&bytes).status, 431);
    let header_only = &bytes[..bytes.len() - much.len()];
    assert_eq!(stopped(header_only).status, 431);
    assert_eq!(stopped(&[begin(1, 1, 0), record(PARAMS, 1, b"", 0)].concat()).status, 400);
}

#[test]
fn u6_bodies_are_as_long_as_they_say() {
    let opening = |length: &str| {
        let variables = packed(&[POST[0], POST[1], POST[2], ("CONTENT_LENGTH", length)]);
        [begin(1, 1, 0), record(PARAMS, 1, &variables, 0), record(PARAMS, 1, b"", 0)].concat()
    };
    let with = |length: &str, bodies: &[&[u8]]| {
        let records = bodies.iter().flat_map(|content| record(STDIN, 1, content, 1));
        served(&opening(length).into_iter().chain(records).collect::<Vec<_>>())
    };
    assert_eq!(with("", &[b""]).bodies, [(1, vec![])]);
    assert_eq!(with("2", &[b"a", b"b", b""]).bodies, [(1, b"ab".to_vec())]);
    for (length, bodies) in [
        ("1", &[&b"ab"[..]][..]),
        ("1", &[b"a", b"b"]),
        ("2", &[b"a", b""]),
        ("5", &[b""]),
        ("-1", &[b""]),
        ("abc", &[b""]),
        ("99999999999999999999", &[b""]),
    ] {
        let outcome = with(length, bodies);
        assert_eq!((outcome.stop.map(|refusal| refusal.status), outcome.bodies), (Some(400), vec![]));
    }
    let incomplete = || Outcome { sent: vec![], bodies: vec![], stop: None };
    assert_eq!(with("2", &[b"a", b"b"]), incomplete());
    // Without CONTENT_LENGTH the first record tells whether there is a body, and an empty one where it ends.
    assert_eq!(with("", &[b"a", b"bc", b""]).bodies, [(1, b"abc".to_vec())]);
    assert_eq!([with("", &[]), with("", &[b"a", b"bc"])], [incomplete(), incomplete()]);
}

#[test]
fn u8_what_is_left_of_an_answered_request_is_not_a_request() {
    let left = [
        record(STDIN, 9, &begin(9, 1, 0), 7),
        record(STDIN, 9, b"", 0),
        record(ABORT_REQUEST, 9, b"", 0),
        record(DATA, 9, b"x", 0),
        record(PARAMS, 9, b"x", 0),
    ];
    let outcome = served(&[left.concat(), post(9, 1)].concat());
    assert_eq!((outcome.bodies, outcome.stop), (vec![(9, b"hello".to_vec())], None));
}

#[test]
fn u10_other_protocols_are_refused_at_their_first_byte() {
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\0\x05\0\0", b"22:", b"\x16\x03\x01", b"\x02", b"\0"] {
        assert_eq!(stopped(bytes).status, 0);
        assert_eq!(stopped(&bytes[..1]).reason, "does not speak FastCGI 1");
    }
}

#[test]
fn an_abort_ends_the_request() {
    let aborted = record(ABORT_REQUEST, 1, b"", 0);
    let bytes = post(1, 1);
    for end in [16, 16 + 8 + 21 + 3, bytes.len() - 20, bytes.len() - 10] {
        assert_eq!(stopped(&[&bytes[..end], &aborted].concat()), ABORTED, "after {end}");
    }
}

#[test]
fn records_out_of_place_are_refused() {
    let bytes = post(1, 1);
    let (begun, reading) = (&bytes[..16], &bytes[..bytes.len() - 10]);
    for (kind, id) in [
        (PARAMS, 2),
        (STDIN, 2),
        (ABORT_REQUEST, 2),
        (BEGIN_REQUEST, 1),
        (BEGIN_REQUEST, 2),
        (END_REQUEST, 1),
        (STDOUT, 1),
        (DATA, 1),
        (GET_VALUES, 1),
        (UNKNOWN_TYPE, 1),
        (99, 1),
        (STDIN, 0),
        (PARAMS, 0),
        (BEGIN_REQUEST, 0),
        (ABORT_REQUEST, 0),
        (0, 0),
    ] {
        let stray = record(kind, id, b"", 0);
        assert_eq!(stopped(&[begun, &stray].concat()), MISPLACED, "{kind} {id}");
        assert_eq!(stopped(&[reading, &stray].concat()), MISPLACED, "{kind} {id}");
    }
    assert_eq!(stopped(&[begun, &record(STDIN, 1, b"", 0)].concat()), MISPLACED);
    assert_eq!(stopped(&[reading, &record(PARAMS, 1, b"", 0)].concat()), MISPLACED);
    for kind in [0, END_REQUEST, STDOUT, GET_VALUES, 99] {
        assert_eq!(stopped(&record(kind, 1, b"", 0)), MISPLACED, "{kind}");
    }
    for length in [0, 7, 9, 300] {
        let malformed = record(BEGIN_REQUEST, 1, &vec![0; length], 0);
        assert_eq!(stopped(&malformed).reason, "has a malformed BEGIN_REQUEST");
    }
}

#[test]
fn other_roles_are_declined() {
    for role in [0, 2, 3] {
        let declined =
            [begin(5, role, 1), record(PARAMS, 5, b"\x01\0A", 2), record(PARAMS, 5, b"", 0)].concat();
        let outcome = served(&[declined, post(6, 0)].concat());
        assert_eq!(outcome.sent, [1, 3, 0, 5, 0, 8, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0]);
        assert_eq!(outcome.bodies, [(6, b"hello".to_vec())]);
    }
}

#[test]
fn values_asked_for_are_told() {
    let asked =
        packed(&[("FCGI_MPXS_CONNS", ""), ("OTHER", ""), ("FCGI_MAX_CONNS", ""), ("FCGI_MPXS_CONNS", "")]);
    let told = packed(&[("FCGI_MAX_CONNS", "64"), ("FCGI_MPXS_CONNS", "0")]);
    let question = record(GET_VALUES, 0, &asked, 6);
    let outcome = served(&[&question[..], &post(1, 0)].concat());
    assert_eq!(outcome.sent, record(GET_VALUES_RESULT, 0, &told, 0));
    assert_eq!(outcome.bodies.len(), 1);

    let all = packed(&[("FCGI_MAX_CONNS", ""), ("FCGI_MAX_REQS", ""), ("FCGI_MPXS_CONNS", "")]);
    let told = packed(&[("FCGI_MAX_CONNS", "64"), ("FCGI_MAX_REQS", "64"), ("FCGI_MPXS_CONNS", "0")]);
    assert_eq!(served(&record(GET_VALUES, 0, &all, 0)).sent, record(GET_VALUES_RESULT, 0, &told, 0));
    assert_eq!(served(&record(GET_VALUES, 0, b"", 0)).sent, record(GET_VALUES_RESULT, 0, b"", 0));
    assert_eq!(stopped(&record(GET_VALUES, 0, b"\x05\0A", 0)).status, 0);
    assert_eq!(stopped(&record(GET_VALUES, 0, &[1; 513], 0)[..8]).status, 0);
}

#[test]
fn unknown_questions_are_said_to_be_unknown() {
    for kind in [GET_VALUES_RESULT, UNKNOWN_TYPE, 12, 255] {
        let between = [begin(1, 1, 0), record(kind, 0, b"content", 9), post(1, 0).split_off(16)].concat();
        let outcome = served(&between);
        assert_eq!(outcome.sent, [1, 11, 0, 0, 0, 8, 0, 0, kind, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(outcome.bodies, [(1, b"hello".to_vec())]);
    }
}

#[test]
fn what_comes_besides_a_request_is_never_endless() {
    let bytes = post(1, 0);
    let (before, after) = bytes.split_at(bytes.len() - 10);
    let question = record(GET_VALUES, 0, b"\x01\0A", 4);
    let with = |count| [before, &question.repeat(count), after].concat();
    let most = usize::from(MAX_MANAGEMENT);
    assert_eq!(served(&with(most)).bodies, [(1, b"hello".to_vec())]);
    assert_eq!(stopped(&with(most + 1)).status, 0);
    for kind in [question, record(12, 0, b"", 0), begin(1, 2, 1)] {
        assert_eq!(served(&kind.repeat(most)).stop, None);
        assert_eq!(stopped(&kind.repeat(most + 1)).reason, "has too many records besides its own");
    }
}

#[test]
fn answers_are_framed() {
    assert_eq!(answer::stdout_header(0x102, 0x304), [1, 6, 1, 2, 3, 4, 0, 0]);
    let end = [1, 6, 1, 2, 0, 0, 0, 0, 1, 3, 1, 2, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(answer::end(0x102), end);
}

#[test]
fn any_byte_may_be_any_other() {
    let bytes = [record(GET_VALUES, 0, &packed(&[("FCGI_MAX_REQS", "")]), 2), post(1, 1)].concat();
    for (place, byte) in (0..bytes.len()).flat_map(|place| (0..=255).map(move |byte| (place, byte))) {
        let mut changed = bytes.clone();
        changed[place] = byte;
        let whole = serve(&changed, changed.len());
        assert_eq!(whole, serve(&changed, 1), "{byte} at {place}");
    }
}
