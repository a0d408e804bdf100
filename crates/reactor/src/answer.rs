//! Sending an answer: framing it as its protocol wants it, and keeping what the peer does not take at once.

use goherd_proto::encode::{self, Form, Frame, Said};
use goherd_proto::fastcgi::answer as fastcgi;
use goherd_proto::http1::Refusal;
use goherd_proto::{Protocol, status};
use goherd_sys::socket::Transfer;
use std::os::fd::BorrowedFd;

use crate::connection::{Connection, Phase, Progress, Shared};
use crate::exchange::{Failure, Write};

/// How much of an answer in chunks is taken at a time: what the peer does not take at once is kept, so this bounds what
/// a slow peer costs.
const MAX_CHUNK: usize = 64 << 10;
/// The same of one in records: the most that fits into one, in whole words of eight bytes.
const MAX_RECORD: usize = 0xfff8;
/// The most of a file that is sent at a time: reading it may take a while, and the connection is locked meanwhile.
const MAX_OF_FILE: usize = 256 << 10;

/// A body up to this length is copied behind its head: one piece leaves more cheaply than two (send(2), not sendmsg(2)).
const MAX_COPIED: usize = 4 << 10;

/// How the parts of a body go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Not at all.
    Nothing,
    /// As they are; the end is told by the declared length, or by the end of the connection.
    Plain,
    /// In chunks (RFC 9112 §7.1).
    Chunked,
    /// In FastCGI's records, for the request of this number.
    Records(u16),
}

/// An answer in parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streaming {
    pub coding: Coding,
    /// What is still to come of a declared length.
    left: Option<u64>,
}

/// The head that goes before a body.
struct Plan {
    /// What Content-Length says.
    length: Option<u64>,
    coding: Coding,
}

/// The bytes of an answer in the application's stead.
pub(crate) fn refusal(connection: &Connection, refusal: Refusal, shared: &Shared) -> Vec<u8> {
    let text = format!("{}: the request {}\n", refusal.status, refusal.reason);
    let connection_field = (connection.origin.protocol == Protocol::Http).then_some("close");
    let frame = Frame {
        form: connection.form(),
        status: refusal.status,
        length: None,
        chunked: false,
        connection: connection_field,
        date: &shared.date.at(connection.now),
    };
    let answer = encode::plain(&frame, &text, connection.was_asked_head());
    match connection.record_number() {
        None => answer,
        Some(number) => {
            let mut records = Vec::new();
            put_records(&mut records, number, &answer);
            records.extend_from_slice(&fastcgi::end(number));
            records
        }
    }
}

fn put_records(out: &mut Vec<u8>, number: u16, bytes: &[u8]) {
    for part in bytes.chunks(MAX_RECORD) {
        out.extend_from_slice(&record_header(number, part.len()));
        out.extend_from_slice(part);
    }
}

fn record_header(number: u16, length: usize) -> [u8; 8] {
    fastcgi::stdout_header(number, u16::try_from(length).unwrap_or(0))
}

impl Connection {
    fn form(&self) -> Form {
        match self.origin.protocol {
            Protocol::FastCgi | Protocol::Scgi => Form::Cgi,
            _ => Form::Http,
        }
    }

    /// The number of the request, for FastCGI.
    fn record_number(&self) -> Option<u16> {
        let input = self.input.as_ref().filter(|_| self.origin.protocol == Protocol::FastCgi)?;
        Some(input.record_number())
    }

    /// How an answer of the length `length`, if that is known, goes out.
    fn plan(&mut self, code: u16, length: Option<u64>) -> Plan {
        let exchange = &self.exchange;
        let (allowed, sent) = (status::allows_body(code), exchange.sends_body(code));
        let length = length.filter(|_| allowed);
        let coding = match self.record_number() {
            _ if !sent => Coding::Nothing,
            Some(number) => Coding::Records(number),
            None if length.is_some() || self.origin.protocol != Protocol::Http => Coding::Plain,
            None if exchange.minor > 0 => Coding::Chunked,
            None => Coding::Plain,
        };
        if coding == Coding::Plain && length.is_none() {
            self.exchange.keep_alive = false; // the end of the connection is the end of the body
        }
        Plan { length, coding }
    }

    /// Writes the head of an answer to `input.out`.
    fn put_head(&mut self, code: u16, plan: &Plan, block: &[u8], shared: &Shared) -> Result<(), Failure> {
        if self.origin.protocol.is_service() {
            return Ok(()); // its answers have no head
        }
        let connection = match self.origin.protocol {
            Protocol::Http if code == 101 => None, // the application says what is spoken from now on
            Protocol::Http if !self.exchange.keep_alive => Some("close"),
            Protocol::Http if self.exchange.minor == 0 => Some("keep-alive"),
            _ => None,
        };
        let frame = Frame {
            form: self.form(),
            status: code,
            length: plan.length,
            chunked: plan.coding == Coding::Chunked,
            connection,
            date: &shared.date.at(self.now),
        };
        let number = self.record_number();
        let input = self.input.as_mut().ok_or(Failure::Ended)?;
        let start = input.out.len();
        encode::head(&mut input.out, &frame, block);
        if let Some(number) = number {
            let head = input.out.split_off(start);
            put_records(&mut input.out, number, &head);
        }
        Ok(())
    }

    /// The whole of an answer.
    pub fn respond(&mut self, code: u16, said: Said, block: &[u8], body: &[u8], shared: &Shared) -> Progress {
        let sends_body = self.exchange.sends_body(code);
        self.settle_persistence(code, said, shared);
        let declared = said.content_length.unwrap_or(body.len() as u64);
        if sends_body && declared != body.len() as u64 {
            self.exchange.keep_alive = false;
        }
        let length = (sends_body || said.content_length.is_some() || !body.is_empty()).then_some(declared);
        let plan = self.plan(code, length);
        if self.put_head(code, &plan, block, shared).is_err() {
            return Progress::Closed;
        }
        let most = if sends_body { usize::try_from(declared).unwrap_or(usize::MAX) } else { 0 };
        let body = self.copy_or_leave(plan.coding, &body[..body.len().min(most)]);
        match self.send_or_keep(body, b"") {
            Some(true) => self.finish(shared),
            Some(false) => {
                self.phase = Phase::Flushing;
                Progress::Waiting
            }
            None => Progress::Closed,
        }
    }

    /// Puts `body` behind its head where that is cheaper, or where it needs records; gives what is to be sent beside.
    fn copy_or_leave<'a>(&mut self, coding: Coding, body: &'a [u8]) -> &'a [u8] {
        let number = self.record_number();
        let Some(input) = &mut self.input else { return body };
        match (coding, number) {
            (Coding::Records(number), _) | (Coding::Nothing, Some(number)) => {
                put_records(&mut input.out, number, body);
                input.out.extend_from_slice(&fastcgi::end(number));
            }
            _ if body.len() <= MAX_COPIED => input.out.extend_from_slice(body),
            _ => return body,
        }
        b""
    }

    /// Sends `input.out`, then `body` and `end`; gives how much of those two went. `None`: the peer is gone.
    fn send_some(&mut self, body: &[u8], end: &[u8]) -> Option<usize> {
        let input = self.input.as_mut()?;
        let sent = match self.stream.send([&input.out, body, end]) {
            Transfer::Done(n) => n,
            Transfer::WouldBlock => 0,
            Transfer::Ended | Transfer::Broken => return None,
        };
        self.moved += sent as u64;
        self.sent += sent as u64;
        let of_out = sent.min(input.out.len());
        input.out.drain(..of_out);
        Some(sent - of_out)
    }

    /// The same, and what does not go is kept in `input.out`; `true`: all went.
    fn send_or_keep(&mut self, body: &[u8], end: &[u8]) -> Option<bool> {
        let mut sent = self.send_some(body, end)?;
        let input = self.input.as_mut()?;
        for piece in [body, end] {
            let of_piece = sent.min(piece.len());
            input.out.extend_from_slice(&piece[of_piece..]);
            sent -= of_piece;
        }
        Some(input.out.is_empty())
    }

    /// Settles whether the connection goes on after this answer, as far as that is known when its head is written.
    fn settle_persistence(&mut self, code: u16, said: Said, shared: &Shared) {
        let exchange = &mut self.exchange;
        exchange.keep_alive &=
            !said.close && code != 101 && !exchange.body_is_a_burden() && !shared.is_draining();
        exchange.upgrade &= code >= 400;
    }

    /// An interim answer, sent at once; a peer that does not know such gets none.
    pub fn interim(&mut self, code: u16, block: &[u8]) -> Result<(), Failure> {
        if self.exchange.is_streaming() {
            return Err(Failure::OutOfTurn);
        }
        if self.origin.protocol != Protocol::Http || self.exchange.minor == 0 {
            return Ok(());
        }
        if code == 100 {
            self.exchange.expects_continue = false;
        }
        let input = self.input.as_mut().ok_or(Failure::Ended)?;
        encode::interim(&mut input.out, code, block);
        self.flush_part().map(|_| ())
    }

    /// The head of an answer in parts.
    pub fn start(&mut self, code: u16, said: Said, block: &[u8], shared: &Shared) -> Result<(), Failure> {
        if self.exchange.is_streaming() {
            return Err(Failure::OutOfTurn);
        }
        self.settle_persistence(code, said, shared);
        let plan = self.plan(code, said.content_length);
        self.put_head(code, &plan, block, shared)?;
        self.exchange.streaming = Some(Streaming { coding: plan.coding, left: plan.length });
        Ok(())
    }

    /// A part of the body.
    pub fn write(&mut self, bytes: &[u8]) -> Result<Write, Failure> {
        let Streaming { coding, left } = self.exchange.streaming.ok_or(Failure::OutOfTurn)?;
        self.exchange.waits_to_write = false;
        if self.exchange.blocked && self.flush_part()? == Write::WouldBlock {
            return Ok(Write::WouldBlock);
        }
        let most = left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
        let bytes = &bytes[..bytes.len().min(most)];
        let wrote = match coding {
            Coding::Nothing => return Ok(Write::Taken(bytes.len())),
            Coding::Plain => self.write_plain(bytes)?,
            Coding::Chunked => self.write_chunk(bytes)?,
            Coding::Records(number) => self.write_record(number, bytes)?,
        };
        self.count(wrote);
        Ok(wrote)
    }

    fn count(&mut self, wrote: Write) {
        if let (Write::Taken(n), Some(Streaming { left: Some(left), .. })) =
            (wrote, &mut self.exchange.streaming)
        {
            *left -= n as u64;
        }
    }

    fn write_plain(&mut self, bytes: &[u8]) -> Result<Write, Failure> {
        let sent = self.send_some(bytes, b"").ok_or(Failure::Ended)?;
        if sent == 0 && !bytes.is_empty() {
            return Ok(self.block());
        }
        Ok(Write::Taken(sent))
    }

    /// One chunk, taken whole: what does not go at once is kept.
    fn write_chunk(&mut self, bytes: &[u8]) -> Result<Write, Failure> {
        let bytes = &bytes[..bytes.len().min(MAX_CHUNK)];
        if !bytes.is_empty() {
            // a chunk of length 0 would end the body
            self.write_framed(format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n")?;
        }
        Ok(Write::Taken(bytes.len()))
    }

    /// One record, in the same way.
    fn write_record(&mut self, number: u16, bytes: &[u8]) -> Result<Write, Failure> {
        let bytes = &bytes[..bytes.len().min(MAX_RECORD)];
        if !bytes.is_empty() {
            self.write_framed(&record_header(number, bytes.len()), bytes, b"")?;
        }
        Ok(Write::Taken(bytes.len()))
    }

    fn write_framed(&mut self, before: &[u8], bytes: &[u8], after: &[u8]) -> Result<(), Failure> {
        if let Some(input) = &mut self.input {
            input.out.extend_from_slice(before);
        }
        self.exchange.blocked = !self.send_or_keep(bytes, after).ok_or(Failure::Ended)?;
        Ok(())
    }

    /// Up to `count` bytes of a file, from its own position on, without copying them; only for a body of a declared
    /// length that goes out as it is. `Taken(0)`: the file has no more.
    pub fn send_file(&mut self, file: BorrowedFd<'_>, count: u64) -> Result<Write, Failure> {
        let Some(Streaming { coding: Coding::Plain, left: Some(left) }) = self.exchange.streaming else {
            return Err(Failure::OutOfTurn);
        };
        if self.flush_part()? == Write::WouldBlock {
            return Ok(Write::WouldBlock);
        }
        let most = usize::try_from(count.min(left)).unwrap_or(usize::MAX).min(MAX_OF_FILE);
        if most == 0 {
            return Ok(Write::Taken(0));
        }
        let wrote = match self.stream.send_file(file, most).ok_or(Failure::OutOfTurn)? {
            Transfer::Done(n) => Write::Taken(n),
            Transfer::Ended => Write::Taken(0),
            Transfer::WouldBlock => self.block(),
            Transfer::Broken => return Err(Failure::Ended),
        };
        if let Write::Taken(n) = wrote {
            self.moved += n as u64;
            self.sent += n as u64;
        }
        self.count(wrote);
        Ok(wrote)
    }

    /// Sends what is kept.
    pub fn flush_part(&mut self) -> Result<Write, Failure> {
        self.exchange.waits_to_write = false;
        match self.flush() {
            Transfer::Done(_) => {
                self.exchange.blocked = false;
                Ok(Write::Taken(0))
            }
            Transfer::WouldBlock => Ok(self.block()),
            Transfer::Ended | Transfer::Broken => Err(Failure::Ended),
        }
    }

    /// The peer takes more: what was kept for it goes on, whether the application waits for that or not.
    pub fn go_on_flushing(&mut self) {
        if self.exchange.blocked {
            self.exchange.blocked = self.flush() == Transfer::WouldBlock;
        }
    }

    fn block(&mut self) -> Write {
        self.untaken = self.stream.untaken();
        self.exchange.blocked = true;
        self.exchange.waits_to_write = true;
        Write::WouldBlock
    }

    /// Ends the connection as it stands. Where its end would be the end of the answer, a reset says that it is not.
    pub fn cut_off(&self) -> Progress {
        let ends_with_us =
            |of: &Streaming| of.left.is_none() && matches!(of.coding, Coding::Plain | Coding::Records(_));
        if self.exchange.streaming.as_ref().is_some_and(ends_with_us) {
            self.stream.fail_at_end();
        }
        Progress::Closed
    }

    /// The end of an answer in parts; `trailers` is a block of fields.
    pub fn end_answer(&mut self, trailers: &[u8], shared: &Shared) -> Result<Progress, Failure> {
        let Streaming { coding, left } = self.exchange.streaming.ok_or(Failure::OutOfTurn)?;
        let number = self.record_number();
        if let Some(input) = &mut self.input {
            match number {
                Some(number) => input.out.extend_from_slice(&fastcgi::end(number)),
                None if coding == Coding::Chunked => encode::last_chunk(&mut input.out, trailers),
                None => {}
            }
        }
        if coding != Coding::Nothing && left.is_some_and(|left| left > 0) {
            self.exchange.keep_alive = false;
        }
        self.phase = Phase::Flushing;
        Ok(self.advance(shared))
    }
}
