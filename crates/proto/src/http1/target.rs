//! The request target and the host that it is for (RFC 9112 §3.2 and §3.3).

use std::net::Ipv6Addr;

use super::Refusal;
use super::head::{Head, Span};

/// Checks target and Host field; answers with the authority that the request is for.
pub(crate) fn authority(head: &Head, bytes: &[u8]) -> Result<Span, Refusal> {
    let host = host_field(head, bytes)?;
    let (method, target) = (head.method.of(bytes), head.target.of(bytes));
    if is_in_the_wrong_case(method) {
        return Err(Refusal::bad("has a method in the wrong case"));
    }
    if !target.iter().all(u8::is_ascii_graphic) {
        return Err(Refusal::bad("has a target with a byte that must be percent-encoded"));
    }
    if target.iter().take_while(|&&byte| byte != b'?').any(|&byte| byte == b'\\') {
        return Err(Refusal::bad("has a target with a backslash, which some readers take for a slash"));
    }
    if target.contains(&b'#') {
        return Err(Refusal::bad("has a target with a fragment"));
    }
    match target {
        _ if method == b"CONNECT" => Err(connect(target)),
        [b'/', ..] => Ok(host),
        b"*" if method == b"OPTIONS" => Ok(host),
        _ => absolute(head, bytes, host),
    }
}

/// Methods are case-sensitive (RFC 9110 §9.1): who takes `get` for GET, and who does not, read two requests.
fn is_in_the_wrong_case(method: &[u8]) -> bool {
    const KNOWN: [&[u8]; 9] =
        [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH"];
    method.iter().any(u8::is_ascii_lowercase) && KNOWN.iter().any(|known| method.eq_ignore_ascii_case(known))
}

/// The Host field: one, and in HTTP/1.1 exactly one (RFC 9112 §3.2).
fn host_field(head: &Head, bytes: &[u8]) -> Result<Span, Refusal> {
    let mut hosts = head.fields.iter().filter(|field| field.name.of(bytes).eq_ignore_ascii_case(b"host"));
    let first = hosts.next();
    if hosts.next().is_some() {
        return Err(Refusal::bad("has more than one Host"));
    }
    match first {
        Some(field) if field.value.of(bytes).is_empty() && head.minor > 0 => {
            Err(Refusal::bad("has an empty Host"))
        }
        Some(field) if is_authority(field.value.of(bytes)) => Ok(field.value),
        Some(_) => Err(Refusal::bad("has a malformed Host")),
        None if head.minor == 0 => Ok(Span::default()),
        None => Err(Refusal::bad("has no Host")),
    }
}

/// A tunnel is never made: 405 for the right form, 400 for any other, an empty port included (RFC 9112 §3.2.3).
fn connect(target: &[u8]) -> Refusal {
    let port = target.rsplit(|&byte| byte == b':').next().unwrap_or_default();
    if !port.is_empty()
        && port.iter().all(u8::is_ascii_digit)
        && target.len() > port.len()
        && is_authority(target)
    {
        return Refusal::with(405, "asks for a tunnel");
    }
    Refusal::bad("has a malformed target")
}

/// `http://host/path`: the target's authority counts, and a Host field that differs makes the request ambiguous.
fn absolute(head: &Head, bytes: &[u8], host: Span) -> Result<Span, Refusal> {
    let target = head.target.of(bytes);
    let scheme = [&b"http://"[..], b"https://"]
        .into_iter()
        .find(|scheme| target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
        .ok_or(Refusal::bad("has a malformed target"))?;
    let rest = &target[scheme.len()..];
    let length = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    let authority = &rest[..length];
    if authority.is_empty() || !is_authority(authority) {
        return Err(Refusal::bad("has a malformed target"));
    }
    if host != Span::default() && !host.of(bytes).eq_ignore_ascii_case(authority) {
        return Err(Refusal::bad("has a Host that is not its target's"));
    }
    let start = head.target.start + u32::try_from(scheme.len()).unwrap_or(0);
    Ok(Span { start, end: start + u32::try_from(length).unwrap_or(0) })
}

/// uri-host [ ":" port ] of RFC 3986: a name, an IPv4 address, or an IPv6 address in brackets. All of it may be empty, a
/// port does not stand alone (RFC 9110 §4.2.1).
fn is_authority(value: &[u8]) -> bool {
    match value {
        [] => true,
        [b'[', inside @ ..] => {
            let Some(end) = inside.iter().position(|&byte| byte == b']') else { return false };
            is_ipv6(&inside[..end]) && is_port(&inside[end + 1..])
        }
        _ => {
            let (name, port) =
                value.split_at(value.iter().position(|&byte| byte == b':').unwrap_or(value.len()));
            is_name(name) && is_port(port)
        }
    }
}

fn is_ipv6(address: &[u8]) -> bool {
    std::str::from_utf8(address).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

/// reg-name: what is encoded must be so in the right way, or two readers see two names.
fn is_name(name: &[u8]) -> bool {
    let mut bytes = name.iter();
    while let Some(&byte) = bytes.next() {
        let valid = match byte {
            b'%' => (0..2).all(|_| bytes.next().is_some_and(u8::is_ascii_hexdigit)),
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+;=".contains(&byte),
        };
        if !valid {
            return false;
        }
    }
    !name.is_empty()
}

/// Nothing, or a colon and the number of a port, which may be left out.
fn is_port(port: &[u8]) -> bool {
    match port {
        [] | [b':'] => true,
        [b':', digits @ ..] => {
            let text = std::str::from_utf8(digits).ok().filter(|_| digits.iter().all(u8::is_ascii_digit));
            text.is_some_and(|text| text.parse::<u16>().is_ok())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::Limits;

    fn host(line: &str, fields: &str) -> Result<String, u16> {
        let bytes = format!("{line} HTTP/1.1\r\n{fields}\r\n");
        let mut head = Head::default();
        head.parse(bytes.as_bytes(), &Limits::default()).map_err(|refusal| refusal.status)?;
        Ok(String::from_utf8(head.host.of(bytes.as_bytes()).to_vec()).unwrap())
    }

    #[test]
    fn the_host_field_is_one_and_well_formed() {
        for good in
            ["x", "x:80", "[::1]:80", "[::ffff:1.2.3.4]", "127.0.0.1", "a-b.c_d", "x:", "x%41", "x:65535"]
        {
            assert_eq!(host("GET /", &format!("Host: {good}\r\n")), Ok(good.to_owned()), "{good:?}");
        }
        for bad in [
            "a, b", "a,b", "u@h", "h/p", "[::1", "[]", "h:80:90", "h:999999", "a b", "h?x", "h#x", "[::1]x",
            ":80", ":", "h%", "h%4", "h%zz", "[1:2:3]", "[...]", "[::1%1]", "h:65536",
        ] {
            assert_eq!(host("GET /", &format!("Host: {bad}\r\n")), Err(400), "{bad:?}");
        }
        assert_eq!(host("GET /", ""), Err(400));
        assert_eq!(host("GET /", "Host: \r\n"), Err(400));
        assert_eq!(host("GET /", "Host: a\r\nHost: a\r\n"), Err(400));
    }

    #[test]
    fn the_target_s_authority_counts_and_must_agree() {
        assert_eq!(host("GET http://b/", "Host: b\r\n"), Ok("b".to_owned()));
        assert_eq!(host("GET HTTP://b?x", "Host: B\r\n"), Ok("b".to_owned()));
        assert_eq!(host("GET http://b/", "Host: a\r\n"), Err(400));
        assert_eq!(host("GET http:///", "Host: a\r\n"), Err(400));
        assert_eq!(host("GET ftp://b/", "Host: b\r\n"), Err(400));
        assert_eq!(host("GET http://u@b/", "Host: b\r\n"), Err(400));
    }

    #[test]
    fn stars_and_tunnels() {
        assert_eq!(host("OPTIONS *", "Host: x\r\n"), Ok("x".to_owned()));
        assert_eq!(host("GET *", "Host: x\r\n"), Err(400));
        assert_eq!(host("CONNECT h:443", "Host: x\r\n"), Err(405));
        assert_eq!(host("CONNECT [::1]:443", "Host: x\r\n"), Err(405));
        for malformed in ["/", "h", "h:", ":443", "[::1]", "443", "h:x", "h:443:443", "http://h:443/"] {
            assert_eq!(host(&format!("CONNECT {malformed}"), "Host: x\r\n"), Err(400), "{malformed}");
        }
        assert_eq!(host("GET x", "Host: x\r\n"), Err(400));
        assert_eq!(host("GET /a#b", "Host: x\r\n"), Err(400));
        assert_eq!(host("GET /a\\b", "Host: x\r\n"), Err(400));
        assert_eq!(host("GET /a?\\b", "Host: x\r\n"), Ok("x".to_owned()));
    }

    #[test]
    fn known_methods_have_one_case() {
        for method in ["get", "Get", "options", "pOST"] {
            assert_eq!(host(&format!("{method} /"), "Host: x\r\n"), Err(400), "{method}");
        }
        assert_eq!(host("m-search /", "Host: x\r\n"), Ok("x".to_owned()));
    }

    #[test]
    fn raw_bytes_are_refused() {
        let mut head = Head::default();
        for target in [&b"/\x00"[..], b"/caf\xc3\xa9", b"/\xc0\xaf", b"/\x7f"] {
            let bytes = [b"GET ", target, b" HTTP/1.1\r\nHost: x\r\n\r\n"].concat();
            assert_eq!(head.parse(&bytes, &Limits::default()).unwrap_err().status, 400, "{target:?}");
        }
    }
}
