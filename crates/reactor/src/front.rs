//! Requests that a web server in front has received and hands on, over uwsgi, SCGI or FastCGI, and calls of functions.

use goherd_proto::cgi::Request;
use goherd_proto::fastcgi::{Opening, Stdin, Step};
use goherd_proto::http1::{Limits, Refusal};
use goherd_proto::service::Call;
use goherd_proto::service::call::Form;
use goherd_proto::{scgi, uwsgi};

/// What is known of a request, and of a FastCGI connection between requests.
#[derive(Debug)]
pub(crate) struct Front {
    pub request: Request,
    opening: Opening,
    /// The opening has led to a request.
    opened: bool,
    /// The form of the last call.
    call: Option<Form>,
}

/// What was found at the front of the input.
pub(crate) enum Found {
    /// A request; so many bytes belong to it.
    Request(usize),
    /// So many bytes are to be consumed, and these to be sent; there may be more to find.
    Step(usize, Vec<u8>),
    /// Not enough bytes.
    More,
}

impl Front {
    /// For a server of so many connections at a time.
    pub fn new(connections: u32) -> Self {
        Self { request: Request::default(), opening: Opening::new(connections), opened: false, call: None }
    }

    /// For a connection that has sent nothing.
    pub fn reset(&mut self) {
        self.opening.reset();
        self.opened = false;
    }

    /// Whether nothing has begun.
    pub fn is_idle(&self) -> bool {
        self.opened || self.opening.is_idle()
    }

    /// The number of the request, for FastCGI.
    pub fn record_number(&self) -> u16 {
        self.opening.id()
    }

    pub fn find_uwsgi(&mut self, input: &[u8], limits: &Limits) -> Result<Found, Refusal> {
        let Some(packet) = uwsgi::find(input, limits)? else { return Ok(Found::More) };
        self.request.read(packet.variables(), limits)?;
        Ok(Found::Request(packet.length))
    }

    /// The form of the last call.
    pub fn call(&self) -> Option<Form> {
        self.call
    }

    pub fn find_call(&mut self, input: &[u8]) -> Result<Found, Refusal> {
        let Some(call) = Call::find(input)? else { return Ok(Found::More) };
        call.describe(&mut self.request);
        self.call = Some(call.form);
        Ok(Found::Request(call.length))
    }

    pub fn find_scgi(&mut self, input: &[u8], limits: &Limits) -> Result<Found, Refusal> {
        let Some(packet) = scgi::find(input, limits)? else { return Ok(Found::More) };
        self.request.read(packet.variables(), limits)?;
        Ok(Found::Request(packet.length))
    }

    pub fn find_fastcgi(&mut self, input: &[u8], limits: &Limits) -> Result<Found, Refusal> {
        if std::mem::take(&mut self.opened) {
            self.opening.reset();
        }
        match self.opening.next(input, limits)? {
            Step::Consume(count) => Ok(Found::Step(count, Vec::new())),
            Step::Answer { consumed, bytes } => Ok(Found::Step(consumed, bytes)),
            Step::More => Ok(Found::More),
            Step::Done { consumed } => {
                self.request.read(self.opening.variables(), limits)?;
                if !self.request.says_length {
                    let Some(body) = Stdin::announced(self.opening.id(), &input[consumed..])? else {
                        return Ok(Found::More);
                    };
                    self.request.head.framing.body = body;
                }
                self.request.head.framing.keep_alive = self.opening.keep_conn();
                self.opened = true;
                Ok(Found::Request(consumed))
            }
        }
    }
}
