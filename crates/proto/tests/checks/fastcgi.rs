//! Connections of FastCGI: the same answers, requests and bodies however their bytes arrive.

use goherd_proto::body::Piece;
use goherd_proto::cgi::Request;
use goherd_proto::fastcgi::{Opening, Stdin, Step};
use goherd_proto::http1::{Body, Limits, Refusal};

use super::arrivals::however_cut;
use super::{cgi, limits};

/// So many records may be told, at most, in answer to what comes besides a request.
const MOST_TOLD: usize = 16;

/// `bytes` are what a web server sends on one connection.
pub fn check(bytes: &[u8]) {
    for limits in limits() {
        let served = however_cut(bytes.len(), |arrivals| serve(bytes, arrivals, &limits));
        assert!(records(&served.sent) <= (served.requests.len() + 1) * MOST_TOLD);
        served.assert_requests_are_apart(bytes, &limits);
        for request in &served.requests {
            request.assert_sound(&limits);
        }
    }
}

/// What a connection comes to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Served {
    /// What the web server is told.
    sent: Vec<u8>,
    requests: Vec<Opened>,
    /// The status of the refusal that ended it.
    refused: Option<u16>,
}

impl Served {
    /// After a whole request, a connection is as one that begins.
    fn assert_requests_are_apart(&self, bytes: &[u8], limits: &Limits) {
        let Some((first, others)) = self.requests.split_first() else { return };
        let Some(length) = first.length else { return };
        let bytes = &bytes[length..];
        let served = serve(bytes, &[bytes.len()], limits);
        assert_eq!((&served.requests[..], served.refused), (others, self.refused));
        assert!(self.sent.ends_with(&served.sent));
    }
}

/// How many records there are in what is told, which is nothing but records.
fn records(mut sent: &[u8]) -> usize {
    let mut count = 0;
    while let [version, _, _, _, high, low, padding, _, after @ ..] = sent {
        assert_eq!((*version, *padding), (1, 0));
        sent = after.get(usize::from(u16::from_be_bytes([*high, *low]))..).expect("a record is whole");
        count += 1;
    }
    assert!(sent.is_empty());
    count
}

/// A name and a value.
type Variable = (Vec<u8>, Vec<u8>);

/// The variables of a request, and as much of its body as has come.
#[derive(Debug, PartialEq, Eq)]
struct Opened {
    id: u16,
    keep_conn: bool,
    variables: Vec<Result<Variable, Refusal>>,
    body: Vec<u8>,
    /// How many bytes it was, if it is complete.
    length: Option<usize>,
}

impl Opened {
    fn of(opening: &Opening) -> Self {
        let own = |(name, value): (&[u8], &[u8])| (name.to_vec(), value.to_vec());
        let variables = opening.variables().map(|variable| variable.map(own)).collect();
        Self { id: opening.id(), keep_conn: opening.keep_conn(), variables, body: Vec::new(), length: None }
    }

    /// The variables are a request or none.
    fn assert_sound(&self, limits: &Limits) {
        let variables = self.variables.iter().map(|variable| match variable {
            Ok((name, value)) => Ok((&name[..], &value[..])),
            Err(refusal) => Err(*refusal),
        });
        match cgi::check(variables, limits) {
            Ok(request) if request.says_length => assert!(self.body.len() as u64 <= length(&request)),
            Ok(_) => {}
            Err(_) => assert!(self.body.is_empty()),
        }
    }
}

/// The server's end of a connection.
struct Server<'a> {
    limits: &'a Limits,
    opening: Opening,
    /// The body that is being read.
    stdin: Option<Stdin>,
    consumed: usize,
    /// Where the request begins.
    start: usize,
    served: Served,
}

fn serve(bytes: &[u8], arrivals: &[usize], limits: &Limits) -> Served {
    let opening = Opening::new(64);
    let mut server =
        Server { limits, opening, stdin: None, consumed: 0, start: 0, served: Served::default() };
    for &come in arrivals {
        if let Err(refusal) = server.go_on(&bytes[..come]) {
            server.served.refused = Some(refusal.status);
            break;
        }
    }
    let sizes = server.opening.variables().flatten().map(|(name, value)| name.len() + value.len() + 2);
    let kept: usize = sizes.sum();
    assert!(kept <= limits.head, "{kept} bytes are kept");
    server.served
}

impl Server<'_> {
    /// Does what can be done until there are more bytes.
    fn go_on(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        loop {
            let input = &bytes[self.consumed..];
            let consumed = match self.stdin {
                Some(_) => self.body(input)?,
                None => self.open(input)?,
            };
            let Some(consumed) = consumed else { return Ok(()) };
            assert!((1..=input.len()).contains(&consumed), "{consumed} of {}", input.len());
            self.consumed += consumed;
        }
    }

    fn open(&mut self, input: &[u8]) -> Result<Option<usize>, Refusal> {
        let step = self.opening.next(input, self.limits).inspect_err(|refusal| {
            assert!(refusal.is_silent() || self.opening.id() != 0, "nobody to answer with {refusal}");
        })?;
        Ok(match step {
            Step::More => None,
            Step::Consume(consumed) => Some(consumed),
            Step::Answer { consumed, bytes } => {
                self.served.sent.extend(bytes);
                Some(consumed)
            }
            Step::Done { consumed } => self.begin(&input[consumed..])?.then_some(consumed),
        })
    }

    /// All variables are there; `false`: what follows them must be known, too.
    fn begin(&mut self, after: &[u8]) -> Result<bool, Refusal> {
        let (opened, id) = (Opened::of(&self.opening), self.opening.id());
        let mut request = Request::default();
        let read = request.read(self.opening.variables(), self.limits);
        let body = match read {
            Ok(()) if !request.says_length => Stdin::announced(id, after),
            Ok(()) => Ok(Some(request.head.framing.body)),
            Err(refusal) => Err(refusal),
        };
        if body == Ok(None) {
            return Ok(false);
        }
        self.served.requests.push(opened);
        self.stdin = body?.map(|body| Stdin::new(id, body));
        Ok(true)
    }

    fn body(&mut self, input: &[u8]) -> Result<Option<usize>, Refusal> {
        let (Some(stdin), Some(request)) = (&mut self.stdin, self.served.requests.last_mut()) else {
            return Ok(None);
        };
        Ok(match stdin.next(input)? {
            Piece::Framing(consumed) => Some(consumed),
            Piece::Data(left) if !input.is_empty() => {
                let count = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
                request.body.extend_from_slice(&input[..count]);
                stdin.took(count as u64);
                Some(count)
            }
            Piece::Data(_) | Piece::More => None,
            Piece::End(consumed) => {
                request.length = Some(self.consumed + consumed - self.start);
                self.start = self.consumed + consumed;
                self.stdin = None;
                self.opening.reset();
                Some(consumed)
            }
            Piece::Trailer { .. } => unreachable!("a trailer"),
        })
    }
}

fn length(request: &Request) -> u64 {
    let Body::Length(length) = request.head.framing.body else { unreachable!("chunks") };
    length
}
