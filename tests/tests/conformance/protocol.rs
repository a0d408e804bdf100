//! What the sockets of a server under test speak, and how a client of each kind says the simplest things.

use goherd_tests::{Address, Server};

use crate::fronts::request;

/// What a socket speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http,
    Uwsgi,
    FastCgi,
    Scgi,
    /// HTTP behind a PROXY header.
    Proxied,
}

impl Protocol {
    /// Those of a server that is behind something, in the order of its sockets.
    pub const OF_FRONTS: [Self; 4] = [Self::Uwsgi, Self::FastCgi, Self::Scgi, Self::Proxied];

    /// The server's socket for it: that of HTTP, or one of several.
    pub fn address(self, server: &Server) -> Address {
        let number = Self::OF_FRONTS.iter().position(|protocol| *protocol == self);
        server.addresses().remove(number.unwrap_or(0))
    }

    /// What the server's socket for HTTP speaks.
    pub fn of_fence(self) -> Self {
        if self == Self::Http { Self::Http } else { Self::Proxied }
    }

    pub fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Proxied)
    }

    /// What a connection begins with, before any request.
    pub fn opening(self) -> &'static [u8] {
        if self == Self::Proxied { b"PROXY UNKNOWN\r\n" } else { b"" }
    }

    /// A request on a connection that has begun; it is kept, if it can be.
    pub fn get(self, target: &str) -> Vec<u8> {
        match self {
            Self::Http | Self::Proxied => crate::row::get(target).into_bytes(),
            Self::Uwsgi | Self::FastCgi | Self::Scgi => request("GET", target).kept().pack(self),
        }
    }

    /// The request that asks the mirror what it has seen of a peer.
    pub fn question(self, peer: &str) -> Vec<u8> {
        let peer = peer.replace('[', "%5B").replace(']', "%5D");
        self.get(&format!("/seen?by={peer}"))
    }
}
