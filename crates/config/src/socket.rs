//! What is listened on: an address, and the protocol that is spoken there; and whom socket files belong to.

use std::fmt;

use crate::address::Address;

/// A socket to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Where.
    pub address: Address,
    /// What its peers speak.
    pub protocol: Protocol,
}

/// What is spoken at a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.0 and HTTP/1.1.
    Http,
    /// uwsgi, as nginx's `uwsgi_pass` speaks it.
    Uwsgi,
    /// FastCGI.
    FastCgi,
    /// SCGI.
    Scgi,
    /// Orders to the cache.
    Cache,
    /// Signals.
    Signal,
    /// Calls of functions.
    Rpc,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Http, Self::Uwsgi, Self::FastCgi, Self::Scgi, Self::Cache, Self::Signal, Self::Rpc];
}

/// The name: that of its option without `-socket`.
impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Uwsgi => "uwsgi",
            Self::FastCgi => "fastcgi",
            Self::Scgi => "scgi",
            Self::Cache => "cache",
            Self::Signal => "signal",
            Self::Rpc => "rpc",
        })
    }
}

/// Whom a file belongs to: names or numbers, not yet looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub user: String,
    /// The group; `None`: it stays as it is.
    pub group: Option<String>,
}
