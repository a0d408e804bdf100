//! PROXY headers: found or refused, however they arrive; a client that is named is the client, in either version.

use std::net::{IpAddr, SocketAddr};

use goherd_proto::proxy::{Header, read};

use super::arrivals::{first, however_cut};

/// No header is longer: a line of version 1, and version 2's fixed bytes, addresses and extensions.
const LONGEST: [usize; 2] = [107, 16 + (4 << 10)];

/// `bytes` are the first of a connection.
pub fn check(bytes: &[u8]) {
    let longest = LONGEST[usize::from(bytes.starts_with(b"\r"))];
    let found = however_cut(bytes.len(), |arrivals| first(bytes, arrivals, read));
    match found {
        Ok(Some(header)) => assert_sound(header, bytes, longest),
        Ok(None) => assert!(bytes.len() < longest, "nothing comes of {} bytes", bytes.len()),
        Err(refusal) => assert!(refusal.is_silent(), "{refusal}"),
    }
}

fn assert_sound(header: Header, bytes: &[u8], longest: usize) {
    assert!(header.length <= bytes.len() && header.length <= longest);
    assert_eq!(read(&bytes[..header.length]), Ok(Some(header)));
    assert_eq!(read(&bytes[..header.length - 1]), Ok(None));
    if let Some(source) = header.source {
        assert_eq!(source.ip(), source.ip().to_canonical());
        assert_eq!(said_again(source), Some(source));
    }
}

/// The client of a header that names `source`.
fn said_again(source: SocketAddr) -> Option<SocketAddr> {
    let (family, ip, port) = match source.ip() {
        IpAddr::V4(ip) => ("TCP4", ip.to_string(), source.port()),
        IpAddr::V6(ip) => ("TCP6", ip.to_string(), source.port()),
    };
    let line = format!("PROXY {family} {ip} {ip} {port} 80\r\n");
    let header = read(line.as_bytes()).ok()??;
    assert_eq!(header.length, line.len());
    header.source
}
