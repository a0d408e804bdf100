//! A small HTTP/1 client that keeps its connection, and lets a test send and see every byte.

use std::fmt::Debug;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpStream};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixStream};
use std::path::PathBuf;

use rustix::net::{self, AddressFamily, SocketFlags, SocketType};

use crate::wait::DEADLINE;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// TCP.
    Inet(SocketAddr),
    /// A socket file.
    Unix(PathBuf),
    /// A name in Linux's abstract namespace.
    Abstract(String),
}

impl Address {
    /// Reads what the server's log says after "listening on ".
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some(address) = text.strip_prefix("http://") {
            return address.trim_end_matches('/').parse().ok().map(Self::Inet);
        }
        let (name, _protocol) = text.strip_suffix(')')?.rsplit_once(" (")?;
        Some(match (name.strip_prefix('@'), name.parse()) {
            (Some(name), _) => Self::Abstract(name.to_owned()),
            (None, Ok(address)) => Self::Inet(address),
            (None, Err(_)) => Self::Unix(name.into()),
        })
    }
}

trait Stream: Read + Write + Debug + Send {
    fn end_sending(&self) -> io::Result<()>;
    fn own_address(&self) -> Option<SocketAddr>;
}

impl Stream for TcpStream {
    fn end_sending(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    fn own_address(&self) -> Option<SocketAddr> {
        self.local_addr().ok()
    }
}

impl Stream for UnixStream {
    fn end_sending(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    fn own_address(&self) -> Option<SocketAddr> {
        None
    }
}

/// A connection to a server.
#[derive(Debug)]
pub struct Client {
    stream: Box<dyn Stream>,
    received: Vec<u8>,
}

/// An answer, with its body whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Such as 200.
    pub status: u16,
    /// The status line and the fields, as they came.
    pub head: String,
    /// The body, put together if it came in chunks.
    pub body: Vec<u8>,
    /// The fields behind a body in chunks, as they came.
    pub trailer: String,
}

impl Answer {
    /// The value of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether the connection ends with this answer.
    #[must_use]
    pub fn ends_the_connection(&self) -> bool {
        let closes = self.field("Connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        closes || self.head.starts_with("HTTP/1.0 ")
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

impl Client {
    /// Connects.
    pub fn connect(address: &Address) -> io::Result<Self> {
        Ok(match address {
            Address::Inet(address) => Self::over_tcp(TcpStream::connect_timeout(address, DEADLINE)?)?,
            Address::Unix(path) => Self::over_unix(UnixStream::connect(path)?)?,
            Address::Abstract(name) => {
                let address = UnixAddr::from_abstract_name(name)?;
                Self::over_unix(UnixStream::connect_addr(&address)?)?
            }
        })
    }

    /// Connects from this address of the machine, if it goes over TCP: it tells one client from all others.
    pub fn connect_from(source: Ipv4Addr, address: &Address) -> io::Result<Self> {
        let Address::Inet(address) = address else { return Self::connect(address) };
        // Servers that other tests start at this moment are not to have it.
        let socket = net::socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        net::bind(&socket, &SocketAddrV4::new(source, 0))?;
        net::connect(&socket, address)?;
        Self::over_tcp(TcpStream::from(socket))
    }

    fn over_tcp(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        Ok(Self::over(stream))
    }

    fn over_unix(stream: UnixStream) -> io::Result<Self> {
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        Ok(Self::over(stream))
    }

    fn over(stream: impl Stream + 'static) -> Self {
        Self { stream: Box::new(stream), received: Vec::new() }
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Tells the server that nothing more will be sent.
    pub fn end_sending(&self) -> io::Result<()> {
        self.stream.end_sending()
    }

    /// The address of this end; `None`: it has none.
    #[must_use]
    pub fn own_address(&self) -> Option<SocketAddr> {
        self.stream.own_address()
    }

    /// Gets `path`, and leaves the connection open.
    pub fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.send(get(path))?;
        self.receive()
    }

    /// Posts `body` to `path`, and leaves the connection open.
    pub fn post(&mut self, path: &str, body: &[u8]) -> io::Result<Answer> {
        self.send(format!("POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n", body.len()))?;
        self.send(body)?;
        self.receive()
    }

    /// Receives one answer.
    pub fn receive(&mut self) -> io::Result<Answer> {
        let mut answer = self.receive_head()?;
        self.receive_body(&mut answer)?;
        Ok(answer)
    }

    /// Receives what follows the head of an answer.
    pub fn receive_body(&mut self, answer: &mut Answer) -> io::Result<()> {
        answer.body = match (answer.field("Content-Length"), answer.field("Transfer-Encoding")) {
            _ if answer.status < 200 || answer.status == 204 || answer.status == 304 => Vec::new(),
            (_, Some(_)) => self.receive_chunks(&mut answer.trailer)?,
            (Some(length), None) => {
                let length = length.parse().map_err(|_| broken("a malformed Content-Length"))?;
                self.take(length)?
            }
            (None, None) if answer.ends_the_connection() => self.receive_to_end()?,
            (None, None) => return Err(broken("an answer whose end nobody can know")),
        };
        Ok(())
    }

    /// Receives the head of an answer: all of an answer to HEAD.
    pub fn receive_head(&mut self) -> io::Result<Answer> {
        let head = self.take_through(b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&head).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| broken(&format!("a malformed status line: {head:?}")))?;
        Ok(Answer { status, head, body: Vec::new(), trailer: String::new() })
    }

    fn receive_chunks(&mut self, trailer: &mut String) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            match self.receive_chunk_length()? {
                0 => break,
                length => body.extend(self.receive_chunk_data(length)?),
            }
        }
        loop {
            match self.take_line()?.as_str() {
                "\r\n" => return Ok(body),
                field => trailer.push_str(field),
            }
        }
    }

    /// Receives one chunk; the last one is empty.
    pub fn receive_chunk(&mut self) -> io::Result<Vec<u8>> {
        let length = self.receive_chunk_length()?;
        self.receive_chunk_data(length)
    }

    fn receive_chunk_length(&mut self) -> io::Result<usize> {
        let line = self.take_line()?;
        usize::from_str_radix(line.trim_end(), 16).map_err(|_| broken("a malformed chunk length"))
    }

    fn receive_chunk_data(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut chunk = self.take(length + 2)?;
        chunk.ends_with(b"\r\n").then_some(()).ok_or_else(|| broken("a chunk without an end"))?;
        chunk.truncate(length);
        Ok(chunk)
    }

    /// Receives so many bytes, whatever they are.
    pub fn receive_bytes(&mut self, length: usize) -> io::Result<Vec<u8>> {
        self.take(length)
    }

    fn take_line(&mut self) -> io::Result<String> {
        let line = self.take_through(b"\r\n")?;
        String::from_utf8(line).map_err(|_| broken("a line that is not text"))
    }

    /// Receives what there is and forgets it; gives how much it was, 0 at the end.
    pub fn receive_and_forget(&mut self) -> io::Result<usize> {
        self.received.clear();
        self.fill()
    }

    /// Receives everything until the server closes the connection.
    pub fn receive_to_end(&mut self) -> io::Result<Vec<u8>> {
        while self.fill()? > 0 {}
        Ok(std::mem::take(&mut self.received))
    }

    fn fill(&mut self) -> io::Result<usize> {
        let mut room = [0; 16 << 10];
        let n = loop {
            match self.stream.read(&mut room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.received.extend_from_slice(&room[..n]);
        Ok(n)
    }

    fn fill_or_fail(&mut self) -> io::Result<()> {
        match self.fill()? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection")),
            _ => Ok(()),
        }
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.received.len() < length {
            self.fill_or_fail()?;
        }
        let rest = self.received.split_off(length);
        Ok(std::mem::replace(&mut self.received, rest))
    }

    fn take_through(&mut self, end: &[u8]) -> io::Result<Vec<u8>> {
        loop {
            if let Some(at) = self.received.windows(end.len()).position(|window| window == end) {
                return self.take(at + end.len());
            }
            self.fill_or_fail()?;
        }
    }
}

/// The bytes of a request for `path`.
fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")
}
