//! What a socket can speak.

/// What is spoken at a socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.0 and HTTP/1.1 (RFC 9112).
    #[default]
    Http,
    /// uwsgi, as nginx's `uwsgi_pass` speaks it.
    Uwsgi,
    /// FastCGI 1.0, responder role.
    FastCgi,
    /// SCGI.
    Scgi,
    /// uwsgi packets for the cache alone.
    Cache,
    /// uwsgi packets that raise signals, alone.
    Signal,
    /// uwsgi packets that call functions, alone.
    Rpc,
}

impl Protocol {
    /// Whether something other than web requests is asked for.
    #[must_use]
    pub fn is_service(self) -> bool {
        matches!(self, Self::Cache | Self::Signal | Self::Rpc)
    }

    /// Whether the server answers itself, without the application.
    #[must_use]
    pub fn is_answered_here(self) -> bool {
        matches!(self, Self::Cache | Self::Signal)
    }
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
