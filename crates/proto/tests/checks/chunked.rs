//! Bodies in chunks: the same data however they arrive, and what a decoder finds that knows no pieces and no limits.

use goherd_proto::http1::chunked::Piece;
use goherd_proto::http1::{Chunked, Span};

use super::arrivals::however_cut;

/// A body shorter than this meets no limit.
const UNLIMITED: usize = 4 << 10;

/// Trailer fields, as name and value.
type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// What is found in a body.
#[derive(Debug, Default, PartialEq, Eq)]
struct Decoded {
    data: Vec<u8>,
    trailers: Fields,
    /// How many bytes were consumed.
    length: usize,
}

/// Why there is no more: the body is complete, or it is cut short, or refused with a status.
#[derive(Debug, PartialEq, Eq)]
enum Stop {
    End,
    Short,
    Refused(u16),
}

/// `bytes` are a body, and what comes after it.
pub fn check(bytes: &[u8]) {
    let (decoded, stop) = however_cut(bytes.len(), |arrivals| decode(bytes, arrivals));
    assert!(decoded.length <= bytes.len());
    match (stop, reference(bytes)) {
        (Stop::End, reference) => assert_eq!(Some(decoded), reference),
        (stop, Some(_)) => assert!(bytes.len() >= UNLIMITED, "{stop:?}, but it is well-formed"),
        (_, None) => {}
    }
}

fn decode(bytes: &[u8], arrivals: &[usize]) -> (Decoded, Stop) {
    let (mut chunked, mut decoded) = (Chunked::default(), Decoded::default());
    for &come in arrivals {
        match go_on(&mut chunked, &mut decoded, &bytes[..come]) {
            Stop::Short => {}
            stop => return (decoded, stop),
        }
    }
    (decoded, Stop::Short)
}

fn go_on(chunked: &mut Chunked, decoded: &mut Decoded, bytes: &[u8]) -> Stop {
    loop {
        let input = &bytes[decoded.length..];
        let piece = match chunked.next(input) {
            Ok(piece) => piece,
            Err(refusal) => return Stop::Refused(refusal.status),
        };
        let consumed = match piece {
            Piece::Framing(count) | Piece::End(count) => count,
            Piece::Trailer { length, name, value } => {
                let part = |span: Span| {
                    assert!(span.start <= span.end && span.end as usize <= length, "{span:?} of {length}");
                    span.of(input).to_vec()
                };
                decoded.trailers.push((part(name), part(value)));
                length
            }
            Piece::Data(left) if !input.is_empty() => {
                let count = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
                decoded.data.extend_from_slice(&input[..count]);
                chunked.took(count as u64);
                count
            }
            Piece::Data(_) | Piece::More => return Stop::Short,
        };
        assert!((1..=input.len()).contains(&consumed), "{consumed} of {}", input.len());
        decoded.length += consumed;
        if matches!(piece, Piece::End(_)) {
            return Stop::End;
        }
    }
}

/// The body at the front of `bytes`, if it is complete and well-formed (RFC 9112 §7.1).
fn reference(bytes: &[u8]) -> Option<Decoded> {
    let (mut rest, mut data, mut trailers) = (bytes, Vec::new(), Fields::new());
    loop {
        let size = size(take_line(&mut rest)?)?;
        if size == 0 {
            break;
        }
        let (chunk, after) = rest.split_at_checked(size)?;
        data.extend_from_slice(chunk);
        rest = after.strip_prefix(b"\r\n")?;
    }
    loop {
        let line = take_line(&mut rest)?;
        if line.is_empty() {
            return Some(Decoded { data, trailers, length: bytes.len() - rest.len() });
        }
        trailers.push(trailer(line)?);
    }
}

fn take_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
    let line = &rest[..end];
    *rest = &rest[end + 2..];
    (!line.contains(&b'\r') && !line.contains(&b'\n')).then_some(line)
}

fn size(line: &[u8]) -> Option<usize> {
    let digits = line.split(|byte| b"; \t".contains(byte)).next()?;
    let only_digits = (1..=16).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
    let text =
        std::str::from_utf8(digits).ok().filter(|_| only_digits && extensions(&line[digits.len()..]))?;
    i64::from_str_radix(text, 16).ok()?.try_into().ok()
}

/// Where one is in the extensions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum In {
    Size,
    AfterSize,
    BeforeName,
    Name,
    AfterName,
    BeforeValue,
    Value,
    Quoted,
    Escaped,
    AfterQuoted,
    AfterValue,
}

/// chunk-ext.
fn extensions(bytes: &[u8]) -> bool {
    use In::{
        AfterName, AfterQuoted, AfterSize, AfterValue, BeforeName, BeforeValue, Escaped, Name, Quoted, Size,
        Value,
    };
    let end = bytes.iter().try_fold(Size, |place, &byte| match (place, byte) {
        (Size | AfterSize | Name | AfterName | Value | AfterQuoted | AfterValue, b';') => Some(BeforeName),
        (Name | AfterName, b'=') => Some(BeforeValue),
        (Size | AfterSize, b' ' | b'\t') => Some(AfterSize),
        (Name | AfterName, b' ' | b'\t') => Some(AfterName),
        (Value | AfterQuoted | AfterValue, b' ' | b'\t') => Some(AfterValue),
        (BeforeName | BeforeValue, b' ' | b'\t') => Some(place),
        (BeforeName | Name, _) if is_tchar(byte) => Some(Name),
        (BeforeValue, b'"') => Some(Quoted),
        (BeforeValue | Value, _) if is_tchar(byte) => Some(Value),
        (Quoted, b'"') => Some(AfterQuoted),
        (Quoted, b'\\') => Some(Escaped),
        (Quoted | Escaped, _) if is_text(byte) => Some(Quoted),
        _ => None,
    });
    matches!(end, Some(Size | Name | Value | AfterQuoted))
}

fn trailer(line: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    let lower = name.to_ascii_lowercase();
    let of_the_head =
        ["content-length", "transfer-encoding", "host", "trailer", "te", "connection"].map(str::as_bytes);
    let sound =
        !name.is_empty() && name.iter().all(|&byte| is_tchar(byte)) && value.iter().copied().all(is_text);
    (sound && !of_the_head.contains(&&lower[..])).then(|| (name.to_vec(), value.trim_ascii().to_vec()))
}

fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&byte)
}

fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}
