//! The eight bytes before the content of each record: `version 1, kind, u16 id, u16 length, padding, reserved`; numbers are
//! big-endian.

use crate::http1::Refusal;

pub(super) const BEGIN_REQUEST: u8 = 1;
pub(super) const ABORT_REQUEST: u8 = 2;
pub(super) const END_REQUEST: u8 = 3;
pub(super) const PARAMS: u8 = 4;
pub(super) const STDIN: u8 = 5;
pub(super) const STDOUT: u8 = 6;
pub(super) const DATA: u8 = 8;
pub(super) const GET_VALUES: u8 = 9;
pub(super) const GET_VALUES_RESULT: u8 = 10;
pub(super) const UNKNOWN_TYPE: u8 = 11;

/// The length of a header.
pub(super) const HEADER: usize = 8;

/// The client has gone: there is nobody to answer.
pub(super) const ABORTED: Refusal = Refusal::silent("was aborted by the web server");
/// No web server sends such a record here.
pub(super) const MISPLACED: Refusal = Refusal::silent("has a record out of place");

/// The most records besides those of one request: web servers hardly ever send any.
pub(super) const MAX_MANAGEMENT: u8 = 16;

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub kind: u8,
    /// The request that it belongs to; 0: the connection.
    pub id: u16,
    pub content: u16,
    pub padding: u8,
}

impl Record {
    /// Reads a header at the front of `input`; `None`: more bytes are needed.
    pub fn read(input: &[u8]) -> Result<Option<Self>, Refusal> {
        if input.first().is_some_and(|&version| version != 1) {
            return Err(Refusal::silent("does not speak FastCGI 1"));
        }
        let &[_, kind, id1, id0, length1, length0, padding, _, ..] = input else { return Ok(None) };
        let [id, content] = [[id1, id0], [length1, length0]].map(u16::from_be_bytes);
        Ok(Some(Self { kind, id, content, padding }))
    }

    /// Whether it is about the connection.
    pub fn is_management(&self) -> bool {
        self.id == 0 && self.kind >= GET_VALUES
    }

    /// Counts one besides those of the request.
    pub fn count(count: &mut u8) -> Result<(), Refusal> {
        *count += 1;
        if *count > MAX_MANAGEMENT {
            return Err(Refusal::silent("has too many records besides its own"));
        }
        Ok(())
    }

    /// The bytes after the header.
    pub fn rest(&self) -> usize {
        usize::from(self.content) + usize::from(self.padding)
    }

    /// The length of the whole record if it, which has no content, has come.
    pub fn whole(&self, input: &[u8]) -> Option<usize> {
        Some(HEADER + self.rest()).filter(|&length| length <= input.len())
    }

    /// The header's bytes.
    pub fn header(kind: u8, id: u16, content: u16) -> [u8; HEADER] {
        let ([id1, id0], [length1, length0]) = (id.to_be_bytes(), content.to_be_bytes());
        [1, kind, id1, id0, length1, length0, 0, 0]
    }
}
