//! Which protocols a socket can speak.

/// A protocol that carries requests.
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
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Uwsgi => "uwsgi",
            Self::FastCgi => "fastcgi",
            Self::Scgi => "scgi",
        })
    }
}
