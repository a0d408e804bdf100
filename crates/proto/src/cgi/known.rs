//! The variables that mean something to the server, each of which may be there once.

use crate::http1::Refusal;

/// What they are. An empty variable is one that is not there (RFC 3875 §4.1).
#[derive(Debug, Default)]
pub(super) struct Known<'a> {
    pub method: Option<&'a [u8]>,
    pub request_uri: Option<&'a [u8]>,
    pub script_name: Option<&'a [u8]>,
    pub path_info: Option<&'a [u8]>,
    pub query: Option<&'a [u8]>,
    pub protocol: Option<&'a [u8]>,
    pub host: Option<&'a [u8]>,
    pub server_name: Option<&'a [u8]>,
    pub server_port: Option<&'a [u8]>,
    pub content_type: Option<&'a [u8]>,
    pub content_length: Option<&'a [u8]>,
    pub remote_addr: Option<&'a [u8]>,
    pub remote_port: Option<&'a [u8]>,
    pub https: Option<&'a [u8]>,
    pub scheme: Option<&'a [u8]>,
}

impl<'a> Known<'a> {
    /// Takes the variable if it is one of these; `false`: it is not.
    pub fn take(&mut self, name: &[u8], value: &'a [u8]) -> Result<bool, Refusal> {
        let (place, twice) = match name {
            b"REQUEST_METHOD" => (&mut self.method, "has more than one REQUEST_METHOD"),
            b"REQUEST_URI" => (&mut self.request_uri, "has more than one REQUEST_URI"),
            b"SCRIPT_NAME" => (&mut self.script_name, "has more than one SCRIPT_NAME"),
            b"PATH_INFO" => (&mut self.path_info, "has more than one PATH_INFO"),
            b"QUERY_STRING" => (&mut self.query, "has more than one QUERY_STRING"),
            b"SERVER_PROTOCOL" => (&mut self.protocol, "has more than one SERVER_PROTOCOL"),
            b"HTTP_HOST" => (&mut self.host, "has more than one HTTP_HOST"),
            b"SERVER_NAME" => (&mut self.server_name, "has more than one SERVER_NAME"),
            b"SERVER_PORT" => (&mut self.server_port, "has more than one SERVER_PORT"),
            b"CONTENT_TYPE" => (&mut self.content_type, "has more than one CONTENT_TYPE"),
            b"CONTENT_LENGTH" => (&mut self.content_length, "has more than one CONTENT_LENGTH"),
            b"REMOTE_ADDR" => (&mut self.remote_addr, "has more than one REMOTE_ADDR"),
            b"REMOTE_PORT" => (&mut self.remote_port, "has more than one REMOTE_PORT"),
            b"HTTPS" => (&mut self.https, "has more than one HTTPS"),
            b"REQUEST_SCHEME" => (&mut self.scheme, "has more than one REQUEST_SCHEME"),
            _ => return Ok(false),
        };
        match place.replace(value) {
            None => Ok(true),
            Some(_) => Err(Refusal::bad(twice)),
        }
    }

    /// Whether the client speaks TLS to the web server.
    pub fn is_https(&self) -> bool {
        let https = self.https.unwrap_or_default();
        https.eq_ignore_ascii_case(b"on")
            || https == b"1"
            || self.scheme.unwrap_or_default().eq_ignore_ascii_case(b"https")
    }
}
