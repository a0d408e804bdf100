//! Who the client is, in the words of Go's `http.Request.RemoteAddr`.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use super::known::Known;

/// Writes `address:port`, or `@` as Go does for a peer without an address.
pub(super) fn write(peer: &mut String, known: &Known<'_>) {
    peer.clear();
    match address(known.remote_addr.unwrap_or_default()) {
        Some(address) => {
            let port = port(known.remote_port.unwrap_or_default());
            let _ = write!(peer, "{}", SocketAddr::new(address, port)); // a String takes all
        }
        None => peer.push('@'),
    }
}

/// IPv4 in IPv6 is IPv4, as Go prints it.
fn address(text: &[u8]) -> Option<IpAddr> {
    let address: IpAddr = std::str::from_utf8(text).ok()?.parse().ok()?;
    Some(address.to_canonical())
}

/// 0 for none. Its digits alone count: Rust's numbers may have a sign.
fn port(text: &[u8]) -> u16 {
    let text = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}
