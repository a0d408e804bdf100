//! What a web server in front says and hears: requests packed as uwsgi, FastCGI or SCGI, and their answers unpacked.

use crate::Answer;

/// A protocol between a web server and the server behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// uwsgi with the modifiers 0.
    Uwsgi,
    /// FastCGI, a responder's request with the number 1.
    FastCgi,
    /// SCGI.
    Scgi,
}

/// The kinds of FastCGI's records.
const BEGIN_REQUEST: u8 = 1;
const END_REQUEST: u8 = 3;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;

impl Front {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Uwsgi, Self::FastCgi, Self::Scgi];

    /// The option that names a socket for it.
    #[must_use]
    pub fn option(self) -> &'static str {
        match self {
            Self::Uwsgi => "--uwsgi-socket",
            Self::FastCgi => "--fastcgi-socket",
            Self::Scgi => "--scgi-socket",
        }
    }

    /// A request for `target` by a client at 192.0.2.7:4321, with the variables that nginx sends.
    #[must_use]
    pub fn request(self, method: &str, target: &str, body: &[u8]) -> Vec<u8> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let length = body.len().to_string();
        self.pack(
            &[
                ("CONTENT_LENGTH", &length),
                ("REQUEST_METHOD", method),
                ("REQUEST_URI", target),
                ("DOCUMENT_URI", path),
                ("QUERY_STRING", query),
                ("SERVER_PROTOCOL", "HTTP/1.1"),
                ("SERVER_NAME", "test"),
                ("SERVER_PORT", "80"),
                ("REMOTE_ADDR", "192.0.2.7"),
                ("REMOTE_PORT", "4321"),
                ("HTTP_HOST", "test"),
                ("HTTP_X_FRONT", "yes"),
            ],
            body,
        )
    }

    /// The bytes of a request with these variables.
    #[must_use]
    pub fn pack(self, variables: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
        match self {
            Self::Uwsgi => uwsgi([0, 0], variables, body),
            Self::FastCgi => fastcgi(variables, body),
            Self::Scgi => scgi(variables, body),
        }
    }

    /// The answer in all that came until the end of the connection.
    #[must_use]
    pub fn unpack(self, received: &[u8]) -> Answer {
        let bytes = if self == Self::FastCgi { stdout_of(received) } else { received.to_vec() };
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no head in {:?}", String::from_utf8_lossy(received))) + 4;
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let start = if self == Self::Uwsgi { "HTTP/1.1 " } else { "Status: " };
        let status = head.strip_prefix(start).and_then(|rest| rest.get(..3)?.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status in {head:?}"));
        Answer { status, head, body: bytes[end..].to_vec(), trailer: String::new() }
    }
}

/// A uwsgi packet with these modifiers.
#[must_use]
pub fn uwsgi([modifier1, modifier2]: [u8; 2], variables: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let size = |length: usize| u16::try_from(length).unwrap().to_le_bytes();
    let text = |text: &str| [&size(text.len()), text.as_bytes()].concat();
    let packed: Vec<u8> =
        variables.iter().flat_map(|(name, value)| [text(name), text(value)].concat()).collect();
    let [low, high] = size(packed.len());
    [&[modifier1, low, high, modifier2], &packed[..], body].concat()
}

fn scgi(variables: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let with_version = variables.iter().chain(&[("SCGI", "1")]);
    let packed: String = with_version.map(|(name, value)| format!("{name}\0{value}\0")).collect();
    [format!("{}:{packed},", packed.len()).as_bytes(), body].concat()
}

fn fastcgi(variables: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let length = |text: &str| (u32::try_from(text.len()).unwrap() | 1 << 31).to_be_bytes();
    let pair = |(name, value): &(&str, &str)| {
        [&length(name), &length(value), name.as_bytes(), value.as_bytes()].concat()
    };
    let packed: Vec<u8> = variables.iter().flat_map(pair).collect();
    let records = |kind: u8, bytes: &[u8]| -> Vec<u8> {
        bytes.chunks(0xffff).chain([&b""[..]]).flat_map(|part| record(kind, part)).collect()
    };
    [record(BEGIN_REQUEST, &[0, 1, 0, 0, 0, 0, 0, 0]), records(PARAMS, &packed), records(STDIN, body)]
        .concat()
}

fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[1, kind, 0, 1, high, low, 0, 0], content].concat()
}

/// What the records say, which must end as they should.
fn stdout_of(mut rest: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let &[1, kind, 0, 1, high, low, padding, _, ref after @ ..] = rest else {
            panic!("no record in {:?}", String::from_utf8_lossy(rest));
        };
        let (content, after) = after.split_at(usize::from(u16::from_be_bytes([high, low])));
        rest = &after[usize::from(padding)..];
        match kind {
            STDOUT => bytes.extend_from_slice(content),
            END_REQUEST => {
                assert!(content[..5] == [0; 5] && rest.is_empty(), "the request did not end well");
                return bytes;
            }
            kind => panic!("a record of the kind {kind}"),
        }
    }
}
