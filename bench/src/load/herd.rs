//! Idle connections: each has made one request and had its answer, and stays open.

use std::net::{SocketAddr, TcpStream};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::cases::Request;
use crate::{Outcome, http};

/// Descriptors that a process needs beside its connections.
const OTHERS: u64 = 200;

/// They close when this is dropped.
pub struct Herd {
    _connections: Vec<TcpStream>,
}

impl Herd {
    /// Opens them, one after another.
    pub fn open(address: SocketAddr, request: &Request, connections: u32) -> Outcome<Self> {
        let connections = (0..connections).map(|_| http::ask(address, request));
        Ok(Self { _connections: connections.collect::<Outcome<_>>()? })
    }
}

/// To all that this process may have, for itself and the servers that it starts.
pub fn raise_descriptor_limit(connections: u32) -> Outcome<()> {
    let hard = getrlimit(Resource::Nofile).maximum;
    if hard.is_some_and(|hard| hard < u64::from(connections) + OTHERS) {
        return Err(format!("{connections} connections need a higher limit of open files: ulimit -Hn").into());
    }
    Ok(setrlimit(Resource::Nofile, Rlimit { current: hard, maximum: hard })?)
}
