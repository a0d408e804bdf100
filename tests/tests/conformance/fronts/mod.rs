//! What a web server in front says, over uwsgi, FastCGI and SCGI: how requests are packed, and rows for all three.

pub mod confusion;
pub mod fastcgi;
pub mod proxy;
pub mod scgi;
pub mod shared;
pub mod stalls;
pub mod uwsgi;

use crate::engine::Group;
use crate::peers;
use crate::protocol::Protocol;
use crate::row::Row;

/// The whole table; `http`: the rows that are behind a PROXY header as they are without one.
pub fn table(http: Vec<Group>) -> Vec<Group> {
    let group = |name, protocol, rows| Group { name, protocol, rows };
    let mut groups = vec![
        group("uwsgi", Protocol::Uwsgi, uwsgi::rows()),
        group("uwsgi: requests", Protocol::Uwsgi, shared::rows(Protocol::Uwsgi)),
        group("uwsgi: strangers", Protocol::Uwsgi, confusion::rows(Protocol::Uwsgi)),
        group("fastcgi", Protocol::FastCgi, fastcgi::rows()),
        group("fastcgi: requests", Protocol::FastCgi, shared::rows(Protocol::FastCgi)),
        group("fastcgi: strangers", Protocol::FastCgi, confusion::rows(Protocol::FastCgi)),
        group("scgi", Protocol::Scgi, scgi::rows()),
        group("scgi: requests", Protocol::Scgi, shared::rows(Protocol::Scgi)),
        group("scgi: strangers", Protocol::Scgi, confusion::rows(Protocol::Scgi)),
        group("proxy", Protocol::Proxied, proxy::rows()),
        group("proxy: strangers", Protocol::Proxied, confusion::rows(Protocol::Proxied)),
    ];
    let behind = |rows: Vec<Row>| rows.into_iter().map(proxy::behind).collect();
    groups.extend(http.into_iter().map(|of| Group {
        rows: behind(of.rows),
        protocol: Protocol::Proxied,
        ..of
    }));
    groups
}

/// What is begun and never ended.
pub fn table_of_stalls() -> Vec<Group> {
    let names = ["uwsgi: stalls", "fastcgi: stalls", "scgi: stalls", "proxy: stalls"];
    let group = |(name, protocol)| Group { name, protocol, rows: stalls::rows(protocol) };
    names.into_iter().zip(Protocol::OF_FRONTS).map(group).collect()
}

/// A name and a value.
type Variable = (Vec<u8>, Vec<u8>);

/// A request as variables and a body.
#[derive(Clone, Debug)]
pub struct Request {
    pub variables: Vec<Variable>,
    pub body: Vec<u8>,
    /// The connection is to go on, if the protocol can say so.
    pub keep: bool,
}

/// A request by the client of the row's trial. Its connection ends with it, unless it is `kept`.
pub fn request(method: &str, target: &str) -> Request {
    let empty = Request { variables: Vec::new(), body: Vec::new(), keep: false };
    let of_peer = empty.with("REMOTE_ADDR", peers::ADDRESS).with("REMOTE_PORT", peers::PORT.to_string());
    of_peer.with("REQUEST_METHOD", method).with("REQUEST_URI", target).with("HTTP_HOST", "x")
}

/// `GET target`.
pub fn get(target: &str) -> Request {
    request("GET", target)
}

/// `POST target` with a body, and its length.
pub fn post(target: &str, body: impl Into<Vec<u8>>) -> Request {
    let body = body.into();
    request("POST", target).with("CONTENT_LENGTH", body.len().to_string()).and_then(body)
}

impl Request {
    /// One more variable.
    pub fn with(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.variables.push((name.as_ref().to_vec(), value.as_ref().to_vec()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(found, _)| found != name.as_bytes());
        self
    }

    /// The variable in the place of all others of its name.
    pub fn set(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.without(name).with(name, value)
    }

    /// What follows the variables, whatever CONTENT_LENGTH says.
    pub fn and_then(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub fn kept(mut self) -> Self {
        self.keep = true;
        self
    }

    /// Its bytes.
    pub fn pack(&self, protocol: Protocol) -> Vec<u8> {
        match protocol {
            Protocol::Uwsgi => uwsgi::pack([0, 0], self),
            Protocol::Scgi => scgi::pack(self),
            Protocol::FastCgi => fastcgi::pack(1, self),
            Protocol::Http | Protocol::Proxied => panic!("variables are no HTTP"),
        }
    }
}

/// CRC-32 as zlib has it, by which the mirror tells a large body.
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum: u32, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| sum >> 1 ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}
