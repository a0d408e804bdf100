//! Where a socket listens: text such as `:9090` or `/run/app.sock` in, an [`Address`] out.
//!
//! Host names are not looked up: a start which depends on DNS is a start which may hang.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use crate::printable::printable;

/// The longest name of a Unix socket in bytes: Linux has 108 and keeps one.
const MAX_UNIX_NAME: usize = 107;

/// An address to listen on. Its `Display` form parses back to the same address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// TCP over IPv4 or IPv6. Port 0 lets the kernel choose a free port.
    Inet(SocketAddr),
    /// A Unix socket at a path.
    Unix(PathBuf),
    /// A Linux abstract Unix socket: the name without the `@` it is written with.
    Abstract(String),
}

impl FromStr for Address {
    /// A sentence part: what was expected.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err(expected(""));
        }
        if let Some(name) = text.strip_prefix('@') {
            return abstract_name(name);
        }
        if text.contains('/') || text.ends_with(".sock") {
            return unix_path(text);
        }
        match text.rsplit_once(':') {
            Some((host, port)) => inet(host, port),
            None => name_without_colon(text),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
            Self::Abstract(name) => write!(f, "@{name}"),
        }
    }
}

/// The sentence for a text which is no address; `why` goes before it.
fn expected(why: &str) -> String {
    format!("{why}expected an address such as :9090, 127.0.0.1:9090, [::1]:9090, /run/app.sock or @name")
}

fn abstract_name(name: &str) -> Result<Address, String> {
    if name.is_empty() {
        return Err("expected a name after the @ of an abstract socket, such as @app".to_owned());
    }
    fits_unix(name)?;
    Ok(Address::Abstract(name.to_owned()))
}

fn unix_path(text: &str) -> Result<Address, String> {
    fits_unix(text)?;
    Ok(Address::Unix(PathBuf::from(text)))
}

fn fits_unix(name: &str) -> Result<(), String> {
    if name.len() <= MAX_UNIX_NAME {
        return Ok(());
    }
    Err(format!(
        "the name of a Unix socket has {} bytes; expected at most {MAX_UNIX_NAME}, use a shorter path",
        name.len()
    ))
}

/// A text without a colon names a socket file, unless it is plainly half of an inet address.
fn name_without_colon(text: &str) -> Result<Address, String> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("expected an address; for the port of all interfaces write :{text}"));
    }
    if text == "localhost" || text.parse::<IpAddr>().is_ok() {
        return Err(format!("the port is missing; write {text}:9090, or {text}:0 for a free port"));
    }
    unix_path(text)
}

fn inet(host: &str, port: &str) -> Result<Address, String> {
    let ip = host_ip(host)?;
    let port = port_number(port)?;
    Ok(Address::Inet(match ip {
        Host::Ip(ip) => SocketAddr::new(ip, port),
        Host::Bracketed(host) => format!("[{host}]:{port}")
            .parse()
            .map_err(|_| expected(&format!("[{host}] is not an IPv6 address; ")))?,
    }))
}

/// The left side of the last colon.
enum Host<'a> {
    Ip(IpAddr),
    /// The text between `[` and `]`, with its scope if it has one.
    Bracketed(&'a str),
}

fn host_ip(host: &str) -> Result<Host<'_>, String> {
    if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Ok(Host::Bracketed(inner));
    }
    match host {
        "" => Ok(Host::Ip(IpAddr::V4(Ipv4Addr::UNSPECIFIED))),
        "localhost" => Ok(Host::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST))),
        _ if host.contains(':') => Err("write an IPv6 address in brackets, as in [::1]:9090".to_owned()),
        _ => host.parse().map(|ip| Host::Ip(IpAddr::V4(ip))).map_err(|_| unknown_host(host)),
    }
}

fn unknown_host(host: &str) -> String {
    format!("{} is not an IP address; host names are not looked up, except localhost", printable(host))
}

fn port_number(port: &str) -> Result<u16, String> {
    let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    digits
        .then(|| port.parse().ok())
        .flatten()
        .ok_or_else(|| format!("the port is {}; expected a number from 0 to 65535", printable(port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_understood_and_print_back() {
        for (text, printed) in [
            (":9090", "0.0.0.0:9090"),
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("localhost:80", "127.0.0.1:80"),
            ("[::1]:9090", "[::1]:9090"),
            ("[fe80::1%2]:80", "[fe80::1%2]:80"),
            (":65535", "0.0.0.0:65535"),
            ("/run/app.sock", "/run/app.sock"),
            ("run:1/app", "run:1/app"),
            ("app:1.sock", "app:1.sock"),
            ("app", "app"),
            ("@app", "@app"),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), printed);
            assert_eq!(printed.parse::<Address>().unwrap(), address, "{text}");
        }
    }

    #[test]
    fn the_three_families_are_told_apart() {
        assert!(matches!(":1".parse().unwrap(), Address::Inet(a) if a.is_ipv4()));
        assert!(matches!("[::]:1".parse().unwrap(), Address::Inet(a) if a.is_ipv6()));
        assert_eq!("a.sock".parse(), Ok(Address::Unix("a.sock".into())));
        assert_eq!("@a".parse(), Ok(Address::Abstract("a".to_owned())));
    }

    #[test]
    fn what_is_no_address_gets_a_sentence() {
        let long = format!("/{}", "x".repeat(MAX_UNIX_NAME));
        for (text, part) in [
            ("", "expected an address such as"),
            ("@", "expected a name after the @"),
            ("9090", "write :9090"),
            ("127.0.0.1", "the port is missing"),
            ("localhost", "the port is missing"),
            ("::1", "in brackets"),
            ("::1:9090", "in brackets"),
            ("[::g]:80", "[::g] is not an IPv6 address"),
            ("example.com:80", "example.com is not an IP address"),
            (":", "the port is \"\""),
            (":65536", "the port is 65536"),
            (":+1", "the port is +1"),
            (":http", "the port is http"),
            (&long, "expected at most 107"),
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
