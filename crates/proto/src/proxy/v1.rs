//! Version 1: `PROXY TCP4 source destination source-port destination-port CRLF`, or TCP6, or UNKNOWN with anything after.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Header, MALFORMED};
use crate::http1::Refusal;

pub(super) const SIGNATURE: &[u8] = b"PROXY ";

/// The longest line with its CRLF, without the signature.
const MAX_LINE: usize = 107 - SIGNATURE.len();

/// The first word of a line, and what its rest may be made of.
type Family = (&'static [u8], fn(u8) -> bool);

const FAMILIES: [Family; 3] = [
    (b"TCP4 ", |byte| byte.is_ascii_digit() || b" .".contains(&byte)),
    (b"TCP6 ", |byte| byte.is_ascii_hexdigit() || b" .:".contains(&byte)),
    (b"UNKNOWN", |byte| byte.is_ascii_graphic() || byte == b' '),
];

/// Reads what follows the signature.
pub(super) fn read(input: &[u8]) -> Result<Option<Header>, Refusal> {
    let input = &input[..input.len().min(MAX_LINE)];
    let end = memchr::memchr(b'\r', input);
    let line = &input[..end.unwrap_or(input.len())];
    if !can_be_line(line, end.is_some()) {
        return Err(MALFORMED);
    }
    let length = line.len() + 2;
    match input.get(line.len() + 1) {
        Some(b'\n') if end.is_some() => Ok(Some(Header { length, source: source(line)? })),
        None if input.len() < MAX_LINE => Ok(None),
        _ => Err(MALFORMED),
    }
}

/// Whether `line` is one as far as it has come.
fn can_be_line(line: &[u8], whole: bool) -> bool {
    FAMILIES.iter().any(|(family, allows)| match line.strip_prefix(*family) {
        Some(rest) => rest.iter().all(|&byte| allows(byte)),
        None => !whole && family.starts_with(line),
    })
}

/// The client of a whole line. After UNKNOWN there may be anything, but not without a space.
fn source(line: &[u8]) -> Result<Option<SocketAddr>, Refusal> {
    let line = std::str::from_utf8(line).map_err(|_| MALFORMED)?;
    let mut words = line.split(' ');
    let mut word = || words.next().unwrap_or_default();
    let [family, source, destination, source_port, destination_port] = std::array::from_fn(|_| word());
    let parse = match family {
        "TCP4" => v4,
        "TCP6" => v6,
        "UNKNOWN" => return Ok(None),
        _ => return Err(MALFORMED),
    };
    let parsed = (parse(source), parse(destination), port(source_port), port(destination_port));
    match (parsed, words.next()) {
        ((Some(source), Some(_), Some(port), Some(_)), None) => Ok(Some(SocketAddr::new(source, port))),
        _ => Err(MALFORMED),
    }
}

fn v4(text: &str) -> Option<IpAddr> {
    text.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
}

/// IPv4 in IPv6 is IPv4.
fn v6(text: &str) -> Option<IpAddr> {
    text.parse::<Ipv6Addr>().ok().map(|address| address.to_canonical())
}

/// Decimal, without sign or leading zeros.
fn port(text: &str) -> Option<u16> {
    let port: u16 = text.parse().ok()?;
    (text == "0" || !text.starts_with(['0', '+'])).then_some(port)
}

#[cfg(test)]
mod tests {
    use crate::http1::Refusal;
    use crate::proxy::{Header, read};

    /// Reads `input` whole and byte by byte, which must agree.
    fn both(input: &[u8]) -> Result<Option<Header>, Refusal> {
        let whole = read(input);
        let mut beginnings = (0..=input.len()).map(|end| read(&input[..end]));
        assert_eq!(whole, beginnings.find(|found| *found != Ok(None)).unwrap_or(Ok(None)), "{input:?}");
        whole
    }

    fn source(line: &str) -> Option<String> {
        let header = both(&[line.as_bytes(), b"GET / HTTP/1.1\r\n"].concat()).unwrap().unwrap();
        assert_eq!(header.length, line.len());
        assert!((0..line.len()).all(|end| read(&line.as_bytes()[..end]) == Ok(None)));
        header.source.map(|source| source.to_string())
    }

    #[test]
    fn clients() {
        for (line, expected) in [
            ("PROXY TCP4 192.0.2.1 192.0.2.2 5 80\r\n", "192.0.2.1:5"),
            ("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535"),
            ("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0:0"),
            ("PROXY TCP6 2001:DB8::1 ::1 5 80\r\n", "[2001:db8::1]:5"),
            ("PROXY TCP6 ::ffff:192.0.2.1 ::1 5 80\r\n", "192.0.2.1:5"),
        ] {
            assert_eq!(source(line).as_deref(), Some(expected));
        }
    }

    #[test]
    fn nobody_in_particular() {
        let longest = format!("PROXY UNKNOWN {}\r\n", "f".repeat(91));
        assert_eq!(longest.len(), 107);
        for line in ["PROXY UNKNOWN\r\n", "PROXY UNKNOWN \r\n", "PROXY UNKNOWN a b\r\n", &longest] {
            assert_eq!(source(line), None);
        }
    }

    #[test]
    fn malformed_lines() {
        let too_long = format!("PROXY UNKNOWN {}\r\n", "f".repeat(92));
        let zeros = format!("PROXY TCP4 {}\r\n", "0".repeat(200));
        for line in [
            "PROXY  TCP4 1.2.3.4 1.2.3.4 5 6\r\n",
            "PROXY TCP4  1.2.3.4 1.2.3.4 5 6\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 5 6 \r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 5 6 7\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 5\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 5 06\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 65536 6\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 5 \r\n",
            "PROXY TCP4 1.2.3.04 1.2.3.4 5 6\r\n",
            "PROXY TCP4 1.2.3 1.2.3.4 5 6\r\n",
            "PROXY TCP4 \r\n",
            "PROXY TCP6 1.2.3.4 1.2.3.4 5 6\r\n",
            "PROXY TCP6 ::1 :::1 5 6\r\n",
            "PROXY TCP6 ::1 1.2.3.4 5 6\r\n",
            "PROXY UNKNOWNS\r\n",
            &too_long,
            &zeros,
        ] {
            assert_eq!(both(line.as_bytes()).unwrap_err().status, 0, "{line:?}");
        }
    }

    #[test]
    fn the_first_wrong_byte_is_enough() {
        for bad in [
            "G",
            "PO",
            "PROXY\r",
            "PROXY U\r",
            "PROXY TCP4\r",
            "PROXY TCP5",
            "PROXY UD",
            "PROXY t",
            "PROXY TCP4 1.2.3.4 +",
            "PROXY TCP4 :",
            "PROXY TCP4 1.2.3.4\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 5 6\rX",
            "PROXY TCP6 ::1%",
            "PROXY UNKNOWN\n",
            "PROXY UNKNOWN\0",
            "PROXY UNKNOWN \t",
        ] {
            let (_, before) = bad.as_bytes().split_last().unwrap();
            assert_eq!(read(before), Ok(None), "{bad:?}");
            assert_eq!(read(bad.as_bytes()).unwrap_err().status, 0, "{bad:?}");
        }
    }

    #[test]
    fn any_byte_may_be_any_other() {
        let line = b"PROXY TCP6 2001:db8::1 ::1 5 80\r\n";
        for (place, byte) in (0..line.len()).flat_map(|place| (0..=255).map(move |byte| (place, byte))) {
            let mut changed = *line;
            changed[place] = byte;
            let _ = both(&changed);
        }
    }
}
