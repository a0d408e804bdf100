//! What the settings mean: the typed configuration which main hands on to the parts, field by field.

use std::path::PathBuf;
use std::time::Duration;

use crate::draft::Draft;
use crate::socket::{Owner, Socket};

/// The effective configuration. `Config::default()` holds the defaults of the option table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where what is served, in the order given; may be empty.
    pub sockets: Vec<Socket>,
    /// Every HTTP connection begins with a PROXY header.
    pub http_enable_proxy_protocol: bool,
    /// The permissions of socket files, at most 0o777.
    pub chmod_socket: Option<u32>,
    /// The owner of socket files.
    pub chown_socket: Option<Owner>,
    /// The uWSGI modifier of HTTP requests: 0 or 11, which both mean the Go application.
    pub http_socket_modifier1: u8,
    /// Length of the listen queue in connections, 1..=65535; the kernel caps it to `net.core.somaxconn`.
    pub listen: u16,
    /// The most bytes of a request's head or of its variables, 1024..=1048576.
    pub buffer_size: u32,
    /// The most bytes of a request line, 128..=1048576.
    pub limit_request_line: u32,
    /// The most fields of a request, 1..=1000.
    pub limit_request_fields: u32,
    /// The most bytes of one field, 128..=1048576.
    pub limit_request_field_size: u32,
    /// The most bytes of a body; 0: no limit.
    pub limit_post: u64,
    /// How long a head may take; this and the other times: 0 is no limit.
    pub http_headers_timeout: Duration,
    /// How long a connection is kept without a request.
    pub http_keepalive: Duration,
    /// The most requests of a connection, from 1 on.
    pub http_keepalive_requests: u32,
    /// How long an HTTP peer may stall within a body or an answer.
    pub http_timeout: Duration,
    /// The same of peers that speak another protocol.
    pub socket_timeout: Duration,
    /// The most connections of a worker, 1..=1048576; `None` when not given.
    pub max_connections: Option<u32>,
    /// The most descriptors of a process, 64..=2^30; `None` when not given.
    pub max_fd: Option<u64>,
    /// Go libraries to load, in the order given; may be empty. Relative paths are as typed.
    pub go_load: Vec<PathBuf>,
    /// Arguments of the Go program, without the program name.
    pub go_args: Vec<String>,
    /// Requests each worker serves at the same time, 1..=65535; `None` when not given.
    pub goroutines: Option<u16>,
    /// The loop asked for; `None` when not given.
    pub loop_engine: Option<LoopEngine>,
    /// Refuse to start without an application.
    pub need_app: bool,
    /// Worker processes, 1..=1024.
    pub processes: u16,
    /// The folder to change to before the application is loaded.
    pub chdir: Option<PathBuf>,
    /// Environment variables to set: name (never empty, without `=`) and value, in the order given.
    pub env: Vec<(String, String)>,
    /// The user to run as: a name or a number, not yet looked up.
    pub uid: Option<String>,
    /// The group to run as: a name or a number, not yet looked up.
    pub gid: Option<String>,
    /// The file to write the master's process id to.
    pub pidfile: Option<PathBuf>,
    /// Whether unknown ini keys are errors; when false they are in `notes`.
    pub strict: bool,
    /// Sentences to log at start: options which were accepted and have no effect, and the like.
    pub notes: Vec<String>,
}

/// The loop which drives the requests of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoopEngine {
    /// Each request runs in a goroutine of its own.
    Goroutines,
}

impl Config {
    /// All fields empty or zero: the ground onto which the table's defaults are applied.
    pub(crate) fn blank() -> Self {
        Self {
            sockets: Vec::new(),
            http_enable_proxy_protocol: false,
            chmod_socket: None,
            chown_socket: None,
            http_socket_modifier1: 0,
            listen: 0,
            buffer_size: 0,
            limit_request_line: 0,
            limit_request_fields: 0,
            limit_request_field_size: 0,
            limit_post: 0,
            http_headers_timeout: Duration::ZERO,
            http_keepalive: Duration::ZERO,
            http_keepalive_requests: 0,
            http_timeout: Duration::ZERO,
            socket_timeout: Duration::ZERO,
            max_connections: None,
            max_fd: None,
            go_load: Vec::new(),
            go_args: Vec::new(),
            goroutines: None,
            loop_engine: None,
            need_app: false,
            processes: 0,
            chdir: None,
            env: Vec::new(),
            uid: None,
            gid: None,
            pidfile: None,
            strict: false,
            notes: Vec::new(),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Draft::default().config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_table() {
        let config = Config::default();
        assert_eq!((config.processes, config.listen, config.http_socket_modifier1), (1, 1024, 0));
        assert!(config.strict && !config.need_app && config.notes.is_empty());
    }
}
