//! The bytes that a connection has received and nobody has consumed, with what was found in them.
//!
//! An Input belongs to a connection only while there are such bytes or a request is being answered: between requests it
//! lies in the pool, so that an idle connection holds no buffer.

use std::borrow::Cow;
use std::sync::Mutex;

use goherd_proto::fastcgi::Stdin;
use goherd_proto::http1::{EndOfHead, Head, Limits, Refusal, Span, canonicalize};
use goherd_proto::service::call::Form;
use goherd_proto::{Protocol, fields};
use goherd_sys::socket::{Stream, Transfer};

use crate::front::{Found, Front};
use crate::table::locked;

const FIRST_SIZE: usize = 4 << 10;
/// An Input that has grown beyond this is not kept for the next connection.
const KEPT_SIZE: usize = 16 << 10;
/// How many are kept for the next connections.
const KEPT: usize = 256;

#[derive(Debug)]
pub(crate) struct Input {
    bytes: Box<[u8]>,
    /// The first byte that is not consumed.
    start: usize,
    /// The byte after the last that was received.
    end: usize,
    search: EndOfHead,
    skipped_empty_line: bool,
    /// What the connection speaks.
    protocol: Protocol,
    head: Head,
    /// In the place of `head`, for the protocols other than HTTP.
    front: Option<Box<Front>>,
    /// The trailer fields of the body, as a block (see `goherd_proto::fields`).
    pub trailers: Vec<u8>,
    /// What is to be sent, and could not be yet.
    pub out: Vec<u8>,
    /// The request line, if the head was consumed while the request is being handled.
    line: Vec<u8>,
}

impl Input {
    fn new() -> Self {
        Self {
            bytes: vec![0; FIRST_SIZE].into_boxed_slice(),
            start: 0,
            end: 0,
            search: EndOfHead::default(),
            skipped_empty_line: false,
            protocol: Protocol::Http,
            head: Head::default(),
            front: None,
            trailers: Vec::new(),
            out: Vec::new(),
            line: Vec::new(),
        }
    }

    /// What was received and not consumed.
    pub fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Whether there is nothing in it.
    pub fn is_idle(&self) -> bool {
        self.unread().is_empty() && self.out.is_empty() && self.front().is_none_or(Front::is_idle)
    }

    fn front(&self) -> Option<&Front> {
        self.front.as_deref().filter(|_| self.protocol != Protocol::Http)
    }

    /// What [`Input::find_head`] found.
    pub fn head(&self) -> &Head {
        self.front().map_or(&self.head, |front| &front.request.head)
    }

    /// The bytes of the head, until it is consumed.
    pub fn head_bytes(&self) -> &[u8] {
        match self.front() {
            Some(front) => &front.request.bytes,
            None => &self.bytes[self.start..self.start + self.head.length],
        }
    }

    /// Marks the head as consumed, which is so already where it was made of variables.
    pub fn consume_head(&mut self) {
        if self.protocol == Protocol::Http {
            self.consume(self.head.length);
        }
    }

    /// Method and target, for the log; `consumed`: the head was, and [`Input::keep_line`] had been called.
    pub fn request_line(&self, consumed: bool) -> Cow<'_, [u8]> {
        if consumed && self.protocol == Protocol::Http {
            return (&self.line).into();
        }
        let (head, bytes) = (self.head(), self.head_bytes());
        [head.method.of(bytes), head.target.of(bytes)].join(&b' ').into()
    }

    /// Keeps the request line of a head that is about to be consumed.
    pub fn keep_line(&mut self) {
        if self.protocol != Protocol::Http {
            return;
        }
        let bytes = &self.bytes[self.start..self.start + self.head.length];
        self.line.clear();
        self.line.extend_from_slice(self.head.method.of(bytes));
        self.line.push(b' ');
        self.line.extend_from_slice(self.head.target.of(bytes));
    }

    /// The peer, as the web server in front names it.
    pub fn peer(&self) -> Option<&str> {
        self.front().filter(|_| self.protocol != Protocol::Rpc).map(|front| &*front.request.peer)
    }

    /// Whether the peer came over TLS, as that one says.
    pub fn https(&self) -> bool {
        self.front().is_some_and(|front| front.request.https)
    }

    /// The form of the call, if it is one.
    pub fn call(&self) -> Option<Form> {
        self.front().filter(|_| self.protocol == Protocol::Rpc).and_then(Front::call)
    }

    /// The number of the request, for FastCGI.
    pub fn record_number(&self) -> u16 {
        self.front().map_or(0, Front::record_number)
    }

    /// The body, if it comes in records.
    pub fn records(&self) -> Option<Stdin> {
        let body = self.head().framing.body;
        (self.protocol == Protocol::FastCgi).then(|| Stdin::new(self.record_number(), body))
    }

    /// Keeps a trailer field, and marks its line of `length` bytes as consumed.
    pub fn take_trailer(&mut self, length: usize, name: Span, value: Span) {
        let unread = &self.bytes[self.start..self.end];
        let mut name = name.of(unread).to_vec();
        canonicalize(&mut name);
        fields::push(&mut self.trailers, &name, value.of(unread));
        self.consume(length);
    }

    /// Marks `count` bytes as consumed.
    pub fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Receives once, into the room that there is or into twice as much. The flag: the room was filled up, so there may
    /// be more to receive.
    pub fn fill(&mut self, stream: &Stream) -> (Transfer, bool) {
        self.make_room();
        let room = &mut self.bytes[self.end..];
        let size = room.len();
        let transfer = stream.receive(room);
        let Transfer::Done(n) = transfer else { return (transfer, false) };
        self.end += n;
        (transfer, n == size)
    }

    fn make_room(&mut self) {
        if self.end < self.bytes.len() {
            return;
        }
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
        } else {
            let mut larger = vec![0; self.bytes.len() * 2].into_boxed_slice();
            larger[..self.end].copy_from_slice(&self.bytes);
            self.bytes = larger;
        }
        self.end -= self.start;
        self.start = 0;
    }

    /// Looks for a whole head at the front; `true`: it can be had from `head`, with its field names in canonical form.
    ///
    /// `connections` is for a web server that asks how many there may be.
    pub fn find_head(
        &mut self,
        protocol: Protocol,
        limits: &Limits,
        connections: u32,
    ) -> Result<bool, Refusal> {
        self.protocol = protocol;
        self.trailers.clear();
        if protocol == Protocol::Http {
            self.find_http(limits)
        } else {
            self.find_variables(limits, connections)
        }
    }

    fn find_variables(&mut self, limits: &Limits, connections: u32) -> Result<bool, Refusal> {
        loop {
            let input = &self.bytes[self.start..self.end];
            let front = self.front.get_or_insert_with(|| Box::new(Front::new(connections)));
            let found = match self.protocol {
                Protocol::Scgi => front.find_scgi(input, limits)?,
                Protocol::FastCgi => front.find_fastcgi(input, limits)?,
                Protocol::Rpc => front.find_call(input)?,
                Protocol::Uwsgi | Protocol::Http | Protocol::Cache | Protocol::Signal => {
                    front.find_uwsgi(input, limits)?
                }
            };
            match found {
                Found::More => return Ok(false),
                Found::Request(length) => {
                    self.consume(length);
                    return Ok(true);
                }
                Found::Step(length, answer) => {
                    self.consume(length);
                    self.out.extend_from_slice(&answer);
                }
            }
        }
    }

    fn find_http(&mut self, limits: &Limits) -> Result<bool, Refusal> {
        if !self.skipped_empty_line && self.unread().starts_with(b"\r\n") {
            self.skipped_empty_line = true; // one is to be ignored (RFC 9112 §2.2)
            self.start += 2;
        }
        if self.unread() == b"\r" && !self.skipped_empty_line {
            return Ok(false);
        }
        let found = self.search.find(&self.bytes[self.start..self.end], limits)?;
        let Some(length) = found else { return Ok(false) };
        let bytes = &mut self.bytes[self.start..self.start + length];
        self.head.parse(bytes, limits)?;
        self.head.canonicalize(bytes);
        self.search = EndOfHead::default();
        self.skipped_empty_line = false;
        Ok(true)
    }

    fn reset(&mut self) {
        (self.start, self.end) = (0, 0);
        self.search = EndOfHead::default();
        self.skipped_empty_line = false;
        self.trailers.clear();
        self.out.clear();
        if let Some(front) = &mut self.front {
            front.reset();
        }
    }
}

/// Inputs for the taking. The one that was returned last is given first: it is still in the processor's cache.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    #[allow(
        clippy::vec_box,
        reason = "Inputs change hands at every request: a pointer moves, not the Input"
    )]
    kept: Mutex<Vec<Box<Input>>>,
}

impl Pool {
    pub fn take(&self) -> Box<Input> {
        locked(&self.kept).pop().unwrap_or_else(|| Box::new(Input::new()))
    }

    pub fn give_back(&self, mut input: Box<Input>) {
        if input.bytes.len() > KEPT_SIZE || input.out.capacity() > KEPT_SIZE {
            return;
        }
        if input.front.as_ref().is_some_and(|front| front.request.bytes.capacity() > KEPT_SIZE) {
            input.front = None;
        }
        input.reset();
        let mut kept = locked(&self.kept);
        if kept.len() < KEPT {
            kept.push(input);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holding(bytes: &[u8]) -> Input {
        let mut input = Input::new();
        input.bytes[..bytes.len()].copy_from_slice(bytes);
        input.end = bytes.len();
        input
    }

    #[test]
    fn finds_one_head_after_another() {
        let mut input = holding(b"\r\nGET /1 HTTP/1.1\r\nhost: x\r\n\r\nGET /2 HTTP/1.1\r\nhost: y\r\n\r\nG");
        for target in [&b"/1"[..], b"/2"] {
            assert_eq!(input.find_head(Protocol::Http, &Limits::default(), 1), Ok(true));
            assert_eq!(input.head.target.of(input.head_bytes()), target);
            assert_eq!(input.head.fields[0].name.of(input.head_bytes()), b"Host");
            input.consume(input.head.length);
        }
        assert_eq!(input.find_head(Protocol::Http, &Limits::default(), 1), Ok(false));
        assert_eq!(input.unread(), b"G");
    }

    #[test]
    fn only_one_empty_line_is_ignored() {
        assert_eq!(holding(b"\r").find_head(Protocol::Http, &Limits::default(), 1), Ok(false));
        let refusal = holding(b"\r\n\r\nGET / HTTP/1.1\r\n\r\n")
            .find_head(Protocol::Http, &Limits::default(), 1)
            .unwrap_err();
        assert_eq!(refusal.status, 400);
    }

    #[test]
    fn room_grows_and_moves_without_losing_a_byte() {
        let mut input = holding(&[b'a'; FIRST_SIZE]);
        input.make_room();
        assert_eq!((input.bytes.len(), input.unread().len()), (2 * FIRST_SIZE, FIRST_SIZE));

        let mut input = holding(&[b'b'; FIRST_SIZE]);
        input.consume(10);
        input.make_room();
        assert_eq!((input.bytes.len(), input.unread().len(), input.start), (FIRST_SIZE, FIRST_SIZE - 10, 0));
    }

    #[test]
    fn large_inputs_are_not_kept() {
        let pool = Pool::default();
        let mut input = pool.take();
        input.bytes = vec![0; KEPT_SIZE + 1].into_boxed_slice();
        pool.give_back(input);
        assert_eq!(pool.take().bytes.len(), FIRST_SIZE);
    }
}
