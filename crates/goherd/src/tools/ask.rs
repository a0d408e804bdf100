//! A connection to a running server, for the tools that ask one.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use goherd_config::Peer;
use goherd_proto::service::Answer;
use goherd_sys::socket;

use crate::settings::Failure;

trait Stream: Read + Write {}
impl Stream for TcpStream {}
impl Stream for UnixStream {}

/// A connection.
pub(super) struct Connection {
    stream: Box<dyn Stream>,
    address: String,
    received: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub fn open(peer: &Peer) -> Result<Self, Failure> {
        let stream =
            connect(peer).map_err(|error| format!("cannot connect to {}: {}", peer.address, said(&error)))?;
        Ok(Self { stream, address: peer.address.clone(), received: Vec::new() })
    }

    /// Sends a packet and what follows it. A server that does not read all of it may have said why: so nothing is made of
    /// an error here.
    pub fn send(&mut self, packet: &[u8], more: &[u8]) {
        let _the_answer_tells = self.stream.write_all(packet).and_then(|()| self.stream.write_all(more));
    }

    /// Receives an answer with the bytes that follow it.
    pub fn answer(&mut self, modifier1: u8) -> Result<(Answer, Vec<u8>), Failure> {
        let answer = loop {
            match Answer::find(&self.received, modifier1) {
                Ok(Some(answer)) => break answer,
                Ok(None) => self.receive()?,
                Err(_) => return Err(self.no_answer()),
            }
        };
        let size = usize::try_from(answer.size).map_err(|_| self.no_answer())?;
        let end = answer.length.checked_add(size).ok_or_else(|| self.no_answer())?;
        while self.received.len() < end {
            self.receive()?;
        }
        let rest = self.received.split_off(end);
        let bytes = std::mem::replace(&mut self.received, rest).split_off(answer.length);
        Ok((answer, bytes))
    }

    /// Receives so many bytes.
    pub fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Failure> {
        while self.received.len() < N {
            self.receive()?;
        }
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.received[..N]);
        self.received.drain(..N);
        Ok(bytes)
    }

    /// What to say when something else than an answer came.
    pub fn no_answer(&self) -> Failure {
        format!("what {} says is no answer: is that address one of another service?", self.address).into()
    }

    fn receive(&mut self) -> Result<(), Failure> {
        let mut room = [0; 64 << 10];
        let count = loop {
            match self.stream.read(&mut room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        match count {
            Ok(0) => Err(format!(
                "{} closed the connection without an answer: does it serve this (cache-socket, signal-socket, rpc-socket)?",
                self.address
            )
            .into()),
            Ok(count) => {
                self.received.extend_from_slice(&room[..count]);
                Ok(())
            }
            Err(error) => Err(format!("{}: {}", self.address, said(&error)).into()),
        }
    }
}

fn connect(peer: &Peer) -> io::Result<Box<dyn Stream>> {
    let (address, timeout) = (peer.address.as_str(), Some(peer.timeout));
    if let Some(name) = address.strip_prefix('@') {
        return unix(socket::connect_to_name(name, peer.timeout)?, timeout);
    }
    if address.contains('/') || address.ends_with(".sock") {
        return unix(socket::connect_to_file(Path::new(address), peer.timeout)?, timeout);
    }
    let address = if address.starts_with(':') { format!("127.0.0.1{address}") } else { address.to_owned() };
    let mut failure = io::Error::new(io::ErrorKind::InvalidInput, "this name has no address");
    for found in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&found, peer.timeout) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(timeout)?;
                stream.set_write_timeout(timeout)?;
                return Ok(Box::new(stream));
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn unix(stream: UnixStream, timeout: Option<Duration>) -> io::Result<Box<dyn Stream>> {
    stream.set_read_timeout(timeout)?;
    Ok(Box::new(stream))
}

/// An error for people.
fn said(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "no answer in time".to_owned(),
        io::ErrorKind::InvalidInput => {
            format!("{error}; expected host:port, or the path of a unix socket")
        }
        _ => error.to_string(),
    }
}
