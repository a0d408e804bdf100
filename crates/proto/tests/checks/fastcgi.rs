//! Connections of FastCGI: the same answers, requests and bodies however their bytes arrive.

use goherd_proto::body::Piece;
use goherd_proto::fastcgi::{Opening, Stdin, Step};
use goherd_proto::http1::{Body, Limits, Refusal};

use super::arrivals::however_cut;
use super::{cgi, limits};

/// No more may be told in answer to what comes besides a request: 16 records.
const MOST_TOLD: usize = 16 * 128;

/// `bytes` are what a web server sends on one connection.
pub fn check(bytes: &[u8]) {
    for limits in limits() {
        let served = however_cut(bytes.len(), |arrivals| serve(bytes, arrivals, &limits));
        assert!(served.sent.len() <= (served.requests.len() + 1) * MOST_TOLD);
    }
}

/// What a connection comes to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Served {
    /// What the web server is told.
    sent: Vec<u8>,
    requests: Vec<Answerable>,
    /// The status of the refusal that ended it.
    refused: Option<u16>,
}

/// A request with as much of its body as has come.
#[derive(Debug, PartialEq, Eq)]
struct Answerable {
    id: u16,
    keep_conn: bool,
    bytes: Vec<u8>,
    body: Vec<u8>,
}

/// The server's end of a connection.
struct Server<'a> {
    limits: &'a Limits,
    opening: Opening,
    /// The body that is being read.
    stdin: Option<Stdin>,
    consumed: usize,
    served: Served,
}

fn serve(bytes: &[u8], arrivals: &[usize], limits: &Limits) -> Served {
    let opening = Opening::new(64);
    let mut server = Server { limits, opening, stdin: None, consumed: 0, served: Served::default() };
    for &come in arrivals {
        if let Err(refusal) = server.go_on(&bytes[..come]) {
            server.served.refused = Some(refusal.status);
            break;
        }
    }
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
            Step::Done { consumed } => {
                self.begin()?;
                Some(consumed)
            }
        })
    }

    /// All variables are there.
    fn begin(&mut self) -> Result<(), Refusal> {
        let variables: Vec<_> = self.opening.variables().collect();
        let packed = |(name, value): &(&[u8], &[u8])| name.len() + value.len() + 2;
        let kept: usize = variables.iter().flatten().map(packed).sum();
        assert!(kept <= self.limits.head, "{kept} bytes are kept");
        let request = cgi::check(variables.into_iter(), self.limits)?;
        let Body::Length(length) = request.head.framing.body else { panic!("chunks") };
        self.stdin = Some(Stdin::new(self.opening.id(), length));
        let (id, keep_conn) = (self.opening.id(), self.opening.keep_conn());
        self.served.requests.push(Answerable { id, keep_conn, bytes: request.bytes, body: Vec::new() });
        Ok(())
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
                self.stdin = None;
                self.opening.reset();
                Some(consumed)
            }
            Piece::Trailer { .. } => panic!("a trailer"),
        })
    }
}
