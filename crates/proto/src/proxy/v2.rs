//! Version 2: `version and command, family, u16 length`, then so many bytes of addresses and of extensions, which are not
//! looked at; numbers are big-endian.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Header, MALFORMED};
use crate::http1::Refusal;

pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// The most bytes of addresses and extensions: room for a client's certificate names.
const MAX_LENGTH: usize = 4 << 10;
/// The bytes between the signature and the addresses.
const FIXED: usize = 4;

const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;

const UNSPECIFIED: u8 = 0x00;
const TCP4: u8 = 0x11;
const TCP6: u8 = 0x21;
const UNIX_STREAM: u8 = 0x31;

/// Reads what follows the signature.
pub(super) fn read(input: &[u8]) -> Result<Option<Header>, Refusal> {
    if !can_begin(input) {
        return Err(MALFORMED);
    }
    let &[command, family, high, low, ref after @ ..] = input else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let family = if command == LOCAL { UNSPECIFIED } else { family };
    if length > MAX_LENGTH || length < length_of_addresses(family) {
        return Err(MALFORMED);
    }
    let addresses = after.get(..length);
    Ok(addresses.map(|addresses| Header { length: FIXED + length, source: source(family, addresses) }))
}

/// Whether the first bytes are those of a header. A proxy that speaks for itself may name any family.
fn can_begin(input: &[u8]) -> bool {
    match input {
        [] | [LOCAL, ..] | [PROXY] => true,
        [PROXY, family, ..] => matches!(*family, UNSPECIFIED | TCP4 | TCP6 | UNIX_STREAM),
        _ => false,
    }
}

fn length_of_addresses(family: u8) -> usize {
    match family {
        TCP4 => 2 * (4 + 2),
        TCP6 => 2 * (16 + 2),
        UNIX_STREAM => 2 * 108,
        _ => 0,
    }
}

/// The first of the addresses: `source, destination, u16 source port, u16 destination port`.
fn source(family: u8, addresses: &[u8]) -> Option<SocketAddr> {
    match family {
        TCP4 => {
            let (address, rest) = addresses.split_first_chunk::<4>()?;
            let (_, ports) = rest.split_first_chunk::<4>()?;
            Some(SocketAddr::new(Ipv4Addr::from(*address).into(), port(ports)?))
        }
        TCP6 => {
            let (address, rest) = addresses.split_first_chunk::<16>()?;
            let (_, ports) = rest.split_first_chunk::<16>()?;
            Some(SocketAddr::new(IpAddr::from(Ipv6Addr::from(*address)).to_canonical(), port(ports)?))
        }
        _ => None,
    }
}

fn port(ports: &[u8]) -> Option<u16> {
    ports.first_chunk().map(|port| u16::from_be_bytes(*port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy;

    const V4: [u8; 12] = [192, 0, 2, 1, 192, 0, 2, 2, 0x12, 0x34, 0, 80];

    fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family], &length, rest].concat()
    }

    fn v6(source: Ipv6Addr) -> Vec<u8> {
        [&source.octets()[..], &Ipv6Addr::LOCALHOST.octets(), &[0x12, 0x34, 0, 80]].concat()
    }

    /// Reads `bytes` whole and byte by byte, which must agree.
    fn both(bytes: &[u8]) -> Result<Option<Header>, Refusal> {
        let whole = proxy::read(bytes);
        let mut beginnings = (0..=bytes.len()).map(|end| proxy::read(&bytes[..end]));
        assert_eq!(whole, beginnings.find(|found| *found != Ok(None)).unwrap_or(Ok(None)), "{bytes:?}");
        whole
    }

    /// The client of a header, which must be found when it is whole and not before.
    fn client(bytes: &[u8]) -> Option<String> {
        assert!((0..bytes.len()).all(|end| proxy::read(&bytes[..end]) == Ok(None)));
        let found = both(&[bytes, b"GET /"].concat()).unwrap().unwrap();
        assert_eq!(found.length, bytes.len());
        found.source.map(|source| source.to_string())
    }

    #[test]
    fn clients() {
        let extended = [&V4[..], b"\x01\0\x02h2"].concat();
        for (family, rest, expected) in [
            (TCP4, V4.to_vec(), "192.0.2.1:4660"),
            (TCP4, extended, "192.0.2.1:4660"),
            (TCP6, v6(Ipv6Addr::LOCALHOST), "[::1]:4660"),
            (TCP6, v6(Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped()), "192.0.2.1:4660"),
        ] {
            assert_eq!(client(&header(PROXY, family, &rest)).as_deref(), Some(expected));
        }
    }

    #[test]
    fn nobody_in_particular() {
        for (command, family, length) in [
            (LOCAL, UNSPECIFIED, 0),
            (LOCAL, UNSPECIFIED, 9),
            (LOCAL, TCP4, 0),
            (LOCAL, TCP4, 12),
            (LOCAL, 0xff, 3),
            (PROXY, UNSPECIFIED, 0),
            (PROXY, UNSPECIFIED, 50),
            (PROXY, UNIX_STREAM, 216),
            (PROXY, UNIX_STREAM, MAX_LENGTH),
        ] {
            assert_eq!(client(&header(command, family, &vec![7; length])), None);
        }
    }

    #[test]
    fn malformed_headers_are_refused_before_their_content() {
        for (command, family, length, needed) in [
            (0x10, TCP4, 12, 1),
            (0x22, TCP4, 12, 1),
            (0x31, TCP4, 12, 1),
            (PROXY, 0x12, 12, 2),
            (PROXY, 0x22, 36, 2),
            (PROXY, 0x32, 216, 2),
            (PROXY, 0x01, 12, 2),
            (PROXY, 0x41, 12, 2),
            (PROXY, TCP4, 11, 4),
            (PROXY, TCP6, 35, 4),
            (PROXY, UNIX_STREAM, 215, 4),
            (PROXY, TCP4, MAX_LENGTH + 1, 4),
            (LOCAL, UNSPECIFIED, MAX_LENGTH + 1, 4),
        ] {
            let bytes = header(command, family, &vec![0; length]);
            let decided = SIGNATURE.len() + needed;
            assert_eq!(proxy::read(&bytes[..decided - 1]), Ok(None), "{command:x} {family:x} {length}");
            assert_eq!(proxy::read(&bytes[..decided]), Err(MALFORMED), "{command:x} {family:x} {length}");
            assert_eq!(proxy::read(&bytes), Err(MALFORMED), "{command:x} {family:x} {length}");
        }
    }

    #[test]
    fn the_first_byte_that_is_not_the_signature_s_is_enough() {
        for place in 0..SIGNATURE.len() {
            let mut bytes = SIGNATURE[..=place].to_vec();
            bytes[place] ^= 0x80;
            assert_eq!(proxy::read(&bytes).unwrap_err().status, 0, "at {place}");
            assert_eq!(proxy::read(&bytes[..place]), Ok(None), "at {place}");
        }
    }

    #[test]
    fn any_byte_may_be_any_other() {
        let bytes = header(PROXY, TCP4, &V4);
        for (place, byte) in (0..bytes.len()).flat_map(|place| (0..=255).map(move |byte| (place, byte))) {
            let mut changed = bytes.clone();
            changed[place] = byte;
            let _ = both(&changed);
        }
    }
}
