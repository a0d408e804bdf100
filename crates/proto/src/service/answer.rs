//! Answers with a status in variables, and bytes after them: of the cache, and of calls in Goherd's own form.

use super::{DICTIONARY, HEADER, Header, Packer, number};
use crate::http1::Refusal;
use crate::uwsgi;

/// The longest sentence that an answer carries, in bytes.
const LONGEST_REASON: usize = 4 << 10;

/// How it went, as the variable `status` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is done.
    Ok,
    /// There is no entry with this key; or no portion of keys with this number.
    Missing,
    /// There is an entry with this key.
    Exists,
    /// There is no room in the cache.
    Full,
    /// The key is empty or too long.
    Key,
    /// The value is too long.
    Value,
    /// The entry is not a number.
    Number,
    /// The sum is no number of 64 bits.
    Overflow,
    /// It cannot be done now.
    Busy,
    /// The cache's memory is damaged.
    Damaged,
    /// There is no cache or no function with this name.
    Unknown,
    /// The function gave an error, or panicked.
    Failed,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Ok,
        Self::Missing,
        Self::Exists,
        Self::Full,
        Self::Key,
        Self::Value,
        Self::Number,
        Self::Overflow,
        Self::Busy,
        Self::Damaged,
        Self::Unknown,
        Self::Failed,
    ];

    /// The word of it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::Exists => "exists",
            Self::Full => "full",
            Self::Key => "key",
            Self::Value => "value",
            Self::Number => "number",
            Self::Overflow => "overflow",
            Self::Busy => "busy",
            Self::Damaged => "damaged",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
        }
    }
}

/// Writes an answer to `out`: the status, these numbers, and the bytes that follow.
pub fn write(out: &mut Vec<u8>, modifier1: u8, status: Status, numbers: &[(&str, i64)], bytes: &[u8]) {
    let mut packer = Packer::new(modifier1, DICTIONARY);
    packer.put("status", status.word().as_bytes());
    for &(name, value) in numbers {
        packer.put_number(name, value);
    }
    if !bytes.is_empty() || status == Status::Ok {
        packer.put_number("size", bytes.len());
    }
    out.extend_from_slice(&packer.bytes);
    out.extend_from_slice(bytes);
}

/// Writes the answer to what is not done, with the reason as a sentence.
pub fn write_failure(out: &mut Vec<u8>, modifier1: u8, status: Status, reason: &str) {
    let mut end = reason.len().min(LONGEST_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let mut packer = Packer::new(modifier1, DICTIONARY);
    packer.put("status", status.word().as_bytes());
    packer.put("reason", &reason.as_bytes()[..end]);
    out.extend_from_slice(&packer.bytes);
}

/// An answer, but for the bytes that follow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// How it went; `None`: a word that this version does not know.
    pub status: Option<Status>,
    /// Why it was not done, for people.
    pub reason: String,
    /// The other variables.
    pub variables: Vec<(String, String)>,
    /// How many bytes follow.
    pub size: u64,
    /// How many bytes the packet is.
    pub length: usize,
}

impl Answer {
    /// Looks for one at the front of `input`; `None`: more bytes are needed.
    pub fn find(input: &[u8], modifier1: u8) -> Result<Option<Self>, Refusal> {
        let Some(header) = Header::read(input, modifier1, &[DICTIONARY])? else { return Ok(None) };
        let Some(packed) = header.packed() else { return Ok(None) };
        let mut answer = Self {
            status: None,
            reason: String::new(),
            variables: Vec::new(),
            size: 0,
            length: HEADER + packed.len(),
        };
        for variable in uwsgi::variables(packed) {
            let (name, value) = variable?;
            let text = || String::from_utf8_lossy(value).into_owned();
            match name {
                b"status" => {
                    answer.status = Status::ALL.into_iter().find(|status| status.word().as_bytes() == value);
                }
                b"reason" => answer.reason = text(),
                b"size" => answer.size = number(value)?,
                _ => answer.variables.push((String::from_utf8_lossy(name).into_owned(), text())),
            }
        }
        Ok(Some(answer))
    }

    /// The variable with this name.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::super::CACHE;
    use super::*;

    #[test]
    fn an_answer_is_read_as_it_was_written() {
        for status in Status::ALL {
            let mut out = Vec::new();
            write(&mut out, CACHE, status, &[("sum", -5)], b"value");
            let answer = Answer::find(&out, CACHE).unwrap().unwrap();
            assert_eq!((answer.status, answer.size), (Some(status), 5));
            assert_eq!(&out[answer.length..], b"value");
            assert_eq!((answer.variable("sum"), answer.variable("other")), (Some("-5"), None));
            assert!((0..answer.length).all(|end| Answer::find(&out[..end], CACHE) == Ok(None)));
        }
    }

    #[test]
    fn a_reason_is_cut_where_a_character_ends() {
        let mut out = Vec::new();
        write_failure(&mut out, CACHE, Status::Busy, &format!("a{}", "é".repeat(3000)));
        let answer = Answer::find(&out, CACHE).unwrap().unwrap();
        assert_eq!(answer.status, Some(Status::Busy));
        assert_eq!(answer.reason, format!("a{}", "é".repeat(2047)));
    }

    #[test]
    fn an_answer_without_a_value_has_no_size_unless_all_went_well() {
        let mut out = Vec::new();
        write(&mut out, CACHE, Status::Missing, &[], b"");
        assert_eq!(out, b"\x6f\x11\0\x11\x06\0status\x07\0missing");
        out.clear();
        write(&mut out, CACHE, Status::Ok, &[], b"");
        assert_eq!(out, b"\x6f\x15\0\x11\x06\0status\x02\0ok\x04\0size\x01\x000");
    }
}
