//! What comes before a request's body: BEGIN_REQUEST, then its variables in PARAMS records, up to an empty one.
//!
//! In: the bytes that have come and are not consumed. Out: one step at a time. Variables are kept as they come, so no
//! record need be in the input as a whole.

use super::record::{self, ABORTED, HEADER, MISPLACED, Record};
use super::{answer, pairs};
use crate::cgi::Variable;
use crate::http1::{Limits, Refusal};

/// The role that is played here: a request in, an answer out.
const RESPONDER: u16 = 1;
/// In the flags of BEGIN_REQUEST: the connection goes on after the answer.
const KEEP_CONN: u8 = 1;
/// The length of BEGIN_REQUEST's content: `u16 role, flags, 5 reserved`.
const BEGIN: u16 = 8;
/// The most bytes of a question about the connection; there are three things to ask for.
const MAX_ASKED: u16 = 512;

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Consume so many bytes.
    Consume(usize),
    /// Get more bytes.
    More,
    /// Consume so many bytes and send an answer, after which more may come.
    Answer {
        /// How many bytes to consume.
        consumed: usize,
        /// What to send.
        bytes: Vec<u8>,
    },
    /// Consume so many bytes; all variables are there and the body is next.
    Done {
        /// How many bytes to consume.
        consumed: usize,
    },
}

/// The state of one opening. Made once and used for one request after another, so that its memory is.
#[derive(Debug, Default)]
pub struct Opening {
    /// How many connections are served at a time, for a web server that asks.
    connections: u32,
    /// The request; 0: it has not begun.
    id: u16,
    keep_conn: bool,
    packed: Vec<u8>,
    /// Bytes of variables that are left in the record.
    content: usize,
    /// Bytes of no interest that are left in the record.
    skip: usize,
    /// Answers to something other than a request.
    management: u8,
}

impl Opening {
    /// For a server of so many connections at a time.
    #[must_use]
    pub fn new(connections: u32) -> Self {
        Self { connections, ..Self::default() }
    }

    /// Gets ready for the next request on the connection, or for another connection. The input must be between records:
    /// a body is read to its end or not at all, or else its bytes could pass for a request.
    pub fn reset(&mut self) {
        let packed = std::mem::take(&mut self.packed);
        *self = Self { packed, ..Self::new(self.connections) };
        self.packed.clear();
    }

    /// Whether nothing has begun: not a request, nor a record.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.id == 0 && self.content == 0 && self.skip == 0
    }

    /// The request's id, to be told with its answer; 0: it has not begun.
    #[must_use]
    pub fn id(&self) -> u16 {
        self.id
    }

    /// Whether the web server wants to send more requests on this connection.
    #[must_use]
    pub fn keep_conn(&self) -> bool {
        self.keep_conn
    }

    /// The variables in their order, up to the first that is malformed; complete after [`Step::Done`].
    pub fn variables(&self) -> impl Iterator<Item = Variable<'_>> {
        pairs::read(&self.packed)
    }

    /// Looks at `input`, the bytes that are not consumed. A refusal with a status comes only after [`Self::id`] is known.
    pub fn next(&mut self, input: &[u8], limits: &Limits) -> Result<Step, Refusal> {
        if self.content > 0 || self.skip > 0 {
            return Ok(self.inside(input));
        }
        let Some(record) = Record::read(input)? else { return Ok(Step::More) };
        let is_ours = self.id != 0 && self.id == record.id;
        match record.kind {
            _ if record.is_management() => self.manage(&record, input),
            record::BEGIN_REQUEST if self.id == 0 && record.id != 0 => self.begin(&record, input),
            record::PARAMS if is_ours => self.params(&record, input, limits),
            record::ABORT_REQUEST if is_ours => Err(ABORTED),
            // What is left of a request that has been answered means nothing more.
            record::ABORT_REQUEST | record::PARAMS | record::STDIN | record::DATA
                if self.id == 0 && record.id != 0 =>
            {
                Ok(self.enter(record.rest()))
            }
            _ => Err(MISPLACED),
        }
    }

    /// Goes past a header; so many bytes after it are of no interest.
    fn enter(&mut self, skip: usize) -> Step {
        self.skip = skip;
        Step::Consume(HEADER)
    }

    /// Goes on in a record: keeps its variables, skips the rest.
    fn inside(&mut self, input: &[u8]) -> Step {
        if input.is_empty() {
            return Step::More;
        }
        let is_content = self.content > 0;
        let left = if is_content { &mut self.content } else { &mut self.skip };
        let count = input.len().min(*left);
        *left -= count;
        if is_content {
            self.packed.extend_from_slice(&input[..count]);
        }
        Step::Consume(count)
    }

    fn begin(&mut self, record: &Record, input: &[u8]) -> Result<Step, Refusal> {
        if record.content != BEGIN {
            return Err(Refusal::silent("has a malformed BEGIN_REQUEST"));
        }
        let Some(&[role1, role0, flags, ..]) = input.get(HEADER..HEADER + usize::from(BEGIN)) else {
            return Ok(Step::More);
        };
        let consumed = HEADER + usize::from(BEGIN);
        self.skip = record.padding.into();
        if u16::from_be_bytes([role1, role0]) != RESPONDER {
            Record::count(&mut self.management)?;
            return Ok(Step::Answer { consumed, bytes: answer::unknown_role(record.id) });
        }
        self.id = record.id;
        self.keep_conn = flags & KEEP_CONN != 0;
        Ok(Step::Consume(consumed))
    }

    fn params(&mut self, record: &Record, input: &[u8], limits: &Limits) -> Result<Step, Refusal> {
        if record.content == 0 {
            return Ok(record.whole(input).map_or(Step::More, |consumed| Step::Done { consumed }));
        }
        if self.packed.len() + usize::from(record.content) > limits.head {
            return Err(Refusal::with(431, "has too long a head"));
        }
        self.content = record.content.into();
        Ok(self.enter(record.padding.into()))
    }

    /// A record about the connection.
    fn manage(&mut self, record: &Record, input: &[u8]) -> Result<Step, Refusal> {
        if record.kind != record::GET_VALUES {
            Record::count(&mut self.management)?;
            self.skip = record.rest();
            return Ok(Step::Answer { consumed: HEADER, bytes: answer::unknown_type(record.kind) });
        }
        if record.content > MAX_ASKED {
            return Err(Refusal::silent("asks for too many values"));
        }
        let consumed = HEADER + usize::from(record.content);
        let Some(asked) = input.get(HEADER..consumed) else { return Ok(Step::More) };
        let bytes = answer::values(asked, self.connections)?;
        Record::count(&mut self.management)?;
        self.skip = record.padding.into();
        Ok(Step::Answer { consumed, bytes })
    }
}
