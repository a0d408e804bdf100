//! What follows the head, and whether the connection goes on after it (RFC 9112 §6 and §9.3).

use super::{Head, Refusal};

/// How the end of a request's body is told (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// It has so many bytes.
    Length(u64),
    /// It comes in chunks.
    Chunked,
}

impl Default for Body {
    fn default() -> Self {
        Self::Length(0)
    }
}

/// The body that follows a head, and what the peer wants to happen around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Framing {
    /// The body.
    pub body: Body,
    /// The peer wants to send more requests on this connection.
    pub keep_alive: bool,
    /// It has said that this is its last one.
    pub close: bool,
    /// The peer waits for a "100 Continue" before it sends the body (RFC 9110 §10.1.1).
    pub expects_continue: bool,
    /// The peer offers to go on in another protocol (RFC 9110 §7.8).
    pub upgrade: bool,
}

/// What Connection fields say (RFC 9110 §7.6.1). Close counts, whatever else is said.
#[derive(Default)]
struct Connection {
    close: bool,
    keep_alive: bool,
    upgrade: bool,
}

impl Connection {
    fn read(&mut self, value: &[u8]) {
        for token in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            self.close |= token.eq_ignore_ascii_case(b"close");
            self.keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
            self.upgrade |= token.eq_ignore_ascii_case(b"upgrade");
        }
    }
}

/// Reads the fields that say so.
pub(super) fn of(head: &Head, bytes: &[u8]) -> Result<Framing, Refusal> {
    let mut length = None;
    let mut chunked = false;
    let mut framing = Framing::default();
    let mut connection = Connection::default();
    for field in &head.fields {
        let (name, value) = (field.name.of(bytes), field.value.of(bytes));
        // The length of a name tells nearly all others apart, so most fields cost one comparison.
        match name.len() {
            6 if name.eq_ignore_ascii_case(b"expect") => {
                framing.expects_continue |= expects(value, head.minor)?;
            }
            7 if name.eq_ignore_ascii_case(b"upgrade") => framing.upgrade = true,
            10 if name.eq_ignore_ascii_case(b"connection") => connection.read(value),
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                let another = length.replace(content_length(value)?);
                if another.is_some() {
                    return Err(Refusal::bad("has more than one Content-Length"));
                }
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                let again = std::mem::replace(&mut chunked, true);
                // Another coding, or chunked twice, could be read in two ways; HTTP/1.0 has none (§6.1).
                if again || head.minor == 0 || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(Refusal::bad("has a Transfer-Encoding other than one chunked"));
                }
            }
            _ => {}
        }
    }
    framing.upgrade &= connection.upgrade && head.minor > 0;
    framing.close = connection.close;
    framing.keep_alive = !connection.close && (head.minor > 0 || connection.keep_alive);
    framing.body = match length {
        Some(_) if chunked => return Err(Refusal::bad("has both a Content-Length and a Transfer-Encoding")),
        _ if chunked => Body::Chunked,
        length => Body::Length(length.unwrap_or(0)),
    };
    Ok(framing)
}

/// 1*DIGIT without leading zeros (RFC 9110 §8.6 allows those; two readers may count them differently).
pub(crate) fn content_length(value: &[u8]) -> Result<u64, Refusal> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let plain = digits && (value.len() == 1 || value[0] != b'0');
    let text = std::str::from_utf8(value).ok().filter(|_| plain);
    let number = text.and_then(|text| text.parse().ok()).filter(|&n: &u64| i64::try_from(n).is_ok());
    number.ok_or(Refusal::bad("has a malformed Content-Length"))
}

/// A list with one possible member, which a 1.0 peer does not know to wait for (RFC 9110 §10.1.1).
fn expects(value: &[u8], minor: u8) -> Result<bool, Refusal> {
    let mut members =
        value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|member| !member.is_empty());
    if members.clone().any(|member| !member.eq_ignore_ascii_case(b"100-continue")) {
        return Err(Refusal::with(417, "expects something other than 100-continue"));
    }
    Ok(minor > 0 && members.next().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::Limits;

    fn framing(version: &str, fields: &str) -> Result<Framing, u16> {
        let bytes = format!("POST / HTTP/{version}\r\nHost: x\r\n{fields}\r\n");
        let mut head = Head::default();
        head.parse(bytes.as_bytes(), &Limits::default())
            .map_err(|refusal| refusal.status)
            .map(|()| head.framing)
    }

    #[test]
    fn content_lengths() {
        assert_eq!(framing("1.1", "Content-Length: 12\r\n").unwrap().body, Body::Length(12));
        assert_eq!(framing("1.1", "").unwrap().body, Body::Length(0));
        for value in
            ["+5", "-1", "-0", "0x5", "0o5", "1_0", "1 0", "", "99999999999999999999", "5x", "005", "5, 5"]
        {
            assert_eq!(framing("1.1", &format!("Content-Length: {value}\r\n")), Err(400), "{value:?}");
        }
        assert_eq!(framing("1.1", "Content-Length: 5\r\nContent-Length: 5\r\n"), Err(400));
    }

    #[test]
    fn keep_alive_is_the_default_of_1_1_only() {
        assert!(framing("1.1", "").unwrap().keep_alive);
        assert!(!framing("1.1", "Connection: foo, Close\r\n").unwrap().keep_alive);
        assert!(!framing("1.1", "Connection: close\r\nConnection: keep-alive\r\n").unwrap().keep_alive);
        assert!(!framing("1.0", "").unwrap().keep_alive);
        assert!(framing("1.0", "Connection: Keep-Alive\r\n").unwrap().keep_alive);
    }

    #[test]
    fn an_upgrade_is_offered_by_two_fields() {
        assert!(framing("1.1", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n").unwrap().upgrade);
        assert!(!framing("1.1", "Upgrade: websocket\r\n").unwrap().upgrade);
        assert!(!framing("1.1", "Connection: Upgrade\r\n").unwrap().upgrade);
        assert!(!framing("1.0", "Connection: Upgrade\r\nUpgrade: websocket\r\n").unwrap().upgrade);
    }

    #[test]
    fn expectations() {
        assert!(framing("1.1", "Expect: 100-Continue\r\n").unwrap().expects_continue);
        assert!(!framing("1.0", "Expect: 100-continue\r\n").unwrap().expects_continue);
        assert!(framing("1.1", "Expect: , 100-continue\r\nExpect:\r\n").unwrap().expects_continue);
        assert!(!framing("1.1", "Expect:\r\n").unwrap().expects_continue);
        for value in ["200-ok", "100-continue, 200-ok", "100-continue;q=1"] {
            assert_eq!(framing("1.1", &format!("Expect: {value}\r\n")), Err(417), "{value}");
        }
    }

    #[test]
    fn transfer_codings_are_not_guessed_at() {
        assert_eq!(framing("1.1", "Transfer-Encoding: Chunked\r\n").unwrap().body, Body::Chunked);
        assert_eq!(framing("1.0", "Transfer-Encoding: chunked\r\n"), Err(400));
        for value in [
            "xchunked",
            "identity",
            "chunked, gzip",
            "gzip, chunked",
            ", chunked",
            "chunked,",
            "\"chunked\"",
            "",
        ] {
            assert_eq!(framing("1.1", &format!("Transfer-Encoding: {value}\r\n")), Err(400), "{value:?}");
        }
        for fields in [
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
        ] {
            assert_eq!(framing("1.1", fields), Err(400), "{fields:?}");
        }
    }
}
