//! Fields of answers: what is written on the wire are the lines that they say, and never more lines.

use goherd_proto::encode::{self, Form, Frame};
use goherd_proto::fields::{self, Malformed};
use goherd_proto::http1::end::is_token;

const DATE: &[u8] = b"Sun, 22 Nov 2026 00:00:00 GMT";

/// A field as it stands in a line.
type Field = (Vec<u8>, Vec<u8>);

/// Four bytes say how the answer is framed; the others are a block, and also the parts of one, with 0xff between them.
pub fn check(bytes: &[u8]) {
    let Some((&[flags, length, status1, status0], rest)) = bytes.split_first_chunk() else { return };
    let frame = Frame {
        form: if flags & 1 == 0 { Form::Http } else { Form::Cgi },
        status: 100 + u16::from_be_bytes([status1, status0]) % 900,
        length: (flags & 2 != 0).then_some(u64::from(length) << (flags >> 3)),
        chunked: flags & 4 != 0,
        connection: [None, Some("close"), Some("keep-alive")][usize::from(length % 3)],
        date: if flags & 8 == 0 { DATE } else { b"" },
    };
    written(&frame, rest);
    written(&frame, &packed(rest));
}

/// A block of names and values in turn; each comes out as it went in, up to the first that is malformed.
fn packed(parts: &[u8]) -> Vec<u8> {
    let parts: Vec<_> = parts.split(|&byte| byte == 0xff).collect();
    let pairs = parts.chunks(2).map(|pair| (pair[0], pair.get(1).copied().unwrap_or_default()));
    let mut block = Vec::new();
    pairs.clone().for_each(|(name, value)| fields::push(&mut block, name, value));
    let is_sound = |(name, value): &(&[u8], &[u8])| {
        !name.is_empty()
            && name.iter().all(|&byte| is_token(byte))
            && !value.iter().any(|byte| b"\r\n\0".contains(byte))
    };
    let sound = pairs.clone().take_while(is_sound).map(|(name, value)| (name.to_vec(), value.to_vec()));
    assert_eq!(walked(&block).0, sound.collect::<Vec<_>>());
    assert_eq!(encode::inspect(&block).is_ok(), pairs.clone().all(|pair| is_sound(&pair)));
    block
}

/// The fields up to the first that is malformed, and why it is.
fn walked(block: &[u8]) -> (Vec<Field>, Option<Malformed>) {
    let mut found = Vec::new();
    let mut fields = fields::walk(block);
    let stop = fields.by_ref().find_map(|field| match field {
        Ok(field) => {
            found.push((field.name.to_vec(), field.value.to_vec()));
            None
        }
        Err(malformed) => Some(malformed),
    });
    assert!(fields.next().is_none(), "fields after a malformed one");
    (found, stop)
}

fn written(frame: &Frame<'_>, block: &[u8]) {
    let (fields, malformed) = walked(block);
    assert_eq!(encode::inspect(block).err(), malformed);
    let size: usize = fields.iter().map(|(name, value)| name.len() + value.len() + 8).sum();
    assert!(if malformed.is_some() { size <= block.len() } else { size == block.len() });
    if let Ok(said) = encode::inspect(block) {
        let closes =
            |(name, value): &Field| is(name, "connection") && tokens(value).any(|token| token == "close");
        assert_eq!(said.close, fields.iter().any(closes));
    }

    let mut head = Vec::new();
    encode::head(&mut head, frame, block);
    let status = lines(&head, &expected(frame, &fields));
    let start = if frame.form == Form::Http { "HTTP/1.1" } else { "Status:" };
    assert!(status.starts_with(&format!("{start} {} ", frame.status)), "{status}");

    let mut interim = Vec::new();
    encode::interim(&mut interim, 103, block);
    let of_final_ones = ["content-length", "transfer-encoding", "date"];
    assert_eq!(lines(&interim, &without(&fields, &of_final_ones)), "HTTP/1.1 103 Early Hints");

    let mut last = Vec::new();
    encode::last_chunk(&mut last, block);
    assert_eq!(lines(&last, &fields), "0");
}

/// What stands in the head: the application's fields that are not the server's to settle, then the server's.
fn expected(frame: &Frame<'_>, said: &[Field]) -> Vec<Field> {
    let dated = said.iter().any(|(name, _)| is(name, "date"));
    let mut fields = without(said, &["content-length", "transfer-encoding"]);
    fields.retain(|(name, value)| !(is(name, "date") && value.is_empty()));
    let closes = |value: &[u8]| tokens(value).any(|token| token == "close");
    fields.retain(|(name, value)| {
        !is(name, "connection")
            || match frame.connection {
                Some("close") => closes(value),
                Some(_) => !tokens(value).all(|token| is_persistence(&token)),
                None => !closes(value),
            }
    });
    let says_close =
        frame.connection == Some("close") && fields.iter().any(|(name, _)| is(name, "connection"));
    let mut add = |name: &str, value: &[u8]| fields.push((name.into(), value.into()));
    if !dated && !frame.date.is_empty() {
        add("Date", frame.date);
    }
    if let Some(length) = frame.length {
        add("Content-Length", length.to_string().as_bytes());
    }
    if frame.chunked {
        add("Transfer-Encoding", b"chunked");
    }
    if let Some(connection) = frame.connection.filter(|_| !says_close) {
        add("Connection", connection.as_bytes());
    }
    fields
}

fn without(fields: &[Field], names: &[&str]) -> Vec<Field> {
    fields.iter().filter(|(field, _)| !names.iter().any(|name| is(field, name))).cloned().collect()
}

fn is(name: &[u8], wanted: &str) -> bool {
    name.eq_ignore_ascii_case(wanted.as_bytes())
}

fn tokens(value: &[u8]) -> impl Iterator<Item = String> {
    value
        .split(|&byte| byte == b',')
        .map(|token| String::from_utf8_lossy(token.trim_ascii()).to_ascii_lowercase())
}

fn is_persistence(token: &str) -> bool {
    ["", "close", "keep-alive"].contains(&token)
}

/// Asserts that `bytes` are a first line, which is given back, the lines of `fields`, an empty line, and nothing else.
fn lines(bytes: &[u8], fields: &[Field]) -> String {
    let text: String = bytes.iter().map(|&byte| char::from(byte)).collect();
    let head = text.strip_suffix("\r\n\r\n").expect("it ends with an empty line");
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default().to_owned();
    let found: Vec<_> = lines.map(|line| line.split_once(": ").expect("a field has a colon")).collect();
    let own = |bytes: &[u8]| bytes.iter().map(|&byte| char::from(byte)).collect::<String>();
    let expected: Vec<_> = fields.iter().map(|(name, value)| (own(name), own(value))).collect();
    assert!(found.iter().copied().eq(expected.iter().map(|(n, v)| (n.as_str(), v.as_str()))), "{text:?}");
    assert!(!head.replace("\r\n", "").contains(['\r', '\n', '\0']), "{text:?}");
    first
}
