//! Answers as each protocol carries them, and whether they are in its form.

use std::io::ErrorKind;

use goherd_tests::{Answer, Client};

use crate::protocol::Protocol;

/// An answer, and what came with it.
pub struct Heard {
    pub answer: Answer,
    /// How many interim answers came before it.
    pub interim: usize,
    /// The body is as long as the answer says.
    pub is_whole: bool,
    /// The number of the request.
    pub number: u16,
    /// FastCGI's records that do not belong to the answer.
    pub records: Vec<Vec<u8>>,
}

const END_REQUEST: u8 = 3;
const STDOUT: u8 = 6;

/// Receives one answer, which must be whole.
pub fn whole(protocol: Protocol, client: &mut Client) -> Result<Heard, String> {
    let heard = answer(protocol, client, false)?;
    if heard.is_whole { Ok(heard) } else { Err(format!("torn: {}", heard.answer.head)) }
}

/// Receives one answer. Over uwsgi and SCGI the end of the connection is its end; so it is to `is_whole`.
pub fn answer(protocol: Protocol, client: &mut Client, to_head: bool) -> Result<Heard, String> {
    match protocol {
        Protocol::Http | Protocol::Proxied => over_http(client, to_head),
        Protocol::Uwsgi | Protocol::Scgi => over_the_connection(protocol, client, to_head),
        Protocol::FastCgi => in_records(client, to_head),
    }
}

fn over_http(client: &mut Client, to_head: bool) -> Result<Heard, String> {
    let mut interim = 0;
    let mut answer = loop {
        let answer = client.receive_head().map_err(|error| error.to_string())?;
        if !matches!(answer.status, 100 | 102 | 103) {
            break answer;
        }
        interim += 1;
    };
    let mut is_whole = true;
    if !to_head {
        match client.receive_body(&mut answer) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                client.receive_to_end().map_err(|error| error.to_string())?;
                is_whole = false;
            }
            Err(error) => return Err(format!("{error}, after {:?}", answer.head)),
        }
    }
    Ok(Heard { answer, interim, is_whole, number: 1, records: Vec::new() })
}

fn over_the_connection(protocol: Protocol, client: &mut Client, to_head: bool) -> Result<Heard, String> {
    let all = client.receive_to_end().map_err(|error| format!("instead of the end: {error}"))?;
    let answer = parse(protocol, &all)?;
    let is_whole = is_whole(&answer, to_head)?;
    Ok(Heard { answer, interim: 0, is_whole, number: 1, records: Vec::new() })
}

/// The answer in what is no HTTP/1, as the web server in front wants it.
fn parse(protocol: Protocol, bytes: &[u8]) -> Result<Answer, String> {
    let shown = || format!("\"{}\"", bytes[..bytes.len().min(600)].escape_ascii());
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.ok_or_else(|| format!("no head in {}", shown()))? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let start = if protocol == Protocol::Uwsgi { "HTTP/1.1 " } else { "Status: " };
    let status = head.strip_prefix(start).and_then(|rest| rest.split(' ').next()?.parse().ok());
    let status = status.ok_or_else(|| format!("no status in {}", shown()))?;
    let answer = Answer { status, head, body: bytes[end..].to_vec(), trailer: String::new() };
    match answer.field("Transfer-Encoding") {
        None => Ok(answer),
        Some(_) => Err(format!("a coding that is HTTP/1.1's alone: {}", shown())),
    }
}

/// Whether the body is as long as it should be; more than that is an error.
fn is_whole(answer: &Answer, to_head: bool) -> Result<bool, String> {
    let declared = answer.field("Content-Length").map(str::parse::<usize>).transpose();
    let declared = declared.map_err(|_| format!("a malformed length: {}", answer.head))?;
    let bodiless = to_head || matches!(answer.status, 204 | 304);
    let most = if bodiless { Some(0) } else { declared };
    match most {
        Some(most) if answer.body.len() > most => {
            Err(format!("a body that is too long: {}\"{}\"", answer.head, answer.body.escape_ascii()))
        }
        Some(most) => Ok(answer.body.len() == most),
        None => Ok(true),
    }
}

/// A record as it came.
struct Record {
    kind: u8,
    number: u16,
    bytes: Vec<u8>,
    padding: usize,
}

impl Record {
    fn receive(client: &mut Client) -> Result<Self, String> {
        let mut bytes = client.receive_bytes(8).map_err(|error| format!("instead of a record: {error}"))?;
        let [1, kind, high, low, length1, length0, padding, 0] = bytes[..] else {
            return Err(format!("no record: \"{}\"", bytes.escape_ascii()));
        };
        let length = usize::from(u16::from_be_bytes([length1, length0])) + usize::from(padding);
        let rest = client.receive_bytes(length);
        bytes.extend(rest.map_err(|error| format!("in a record of {length} bytes: {error}"))?);
        Ok(Self { kind, number: u16::from_be_bytes([high, low]), bytes, padding: padding.into() })
    }

    fn content(&self) -> &[u8] {
        &self.bytes[8..self.bytes.len() - self.padding]
    }
}

/// Up to the END_REQUEST of a request that was complete, of which there is one.
fn in_records(client: &mut Client, to_head: bool) -> Result<Heard, String> {
    let (mut bytes, mut number, mut has_ended) = (Vec::new(), None, false);
    let mut records = Vec::new();
    loop {
        let record = Record::receive(client)?;
        let is_end = record.kind == END_REQUEST && record.content() == [0; 8];
        if !is_end && record.kind != STDOUT {
            records.push(record.bytes);
            continue;
        }
        if record.number == 0 || number.is_some_and(|number| number != record.number) {
            return Err(format!("a record of the request {}", record.number));
        }
        number = Some(record.number);
        if is_end {
            break;
        }
        if has_ended {
            return Err("a record behind the last one of STDOUT".to_owned());
        }
        has_ended = record.content().is_empty();
        bytes.extend_from_slice(record.content());
    }
    if !has_ended {
        return Err("a request that ends before its STDOUT does".to_owned());
    }
    let answer = parse(Protocol::FastCgi, &bytes)?;
    let is_whole = is_whole(&answer, to_head)?;
    Ok(Heard { answer, interim: 0, is_whole, number: number.unwrap_or(0), records })
}

/// Whether these are one answer that blames the client, and no other.
pub fn is_one_refusal(protocol: Protocol, bytes: &[u8]) -> bool {
    let count = |part: &[u8]| bytes.windows(part.len()).filter(|window| *window == part).count();
    match protocol {
        Protocol::Http | Protocol::Proxied | Protocol::Uwsgi => {
            bytes.starts_with(b"HTTP/1.1 4") && count(b"HTTP/1.") == 1
        }
        Protocol::Scgi => bytes.starts_with(b"Status: 4") && count(b"Status: ") == 1,
        Protocol::FastCgi => {
            bytes.get(8..).is_some_and(|bytes| bytes.starts_with(b"Status: 4")) && count(b"Status: ") == 1
        }
    }
}
