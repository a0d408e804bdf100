//! Stream sockets: listen, accept, receive, send (socket(7), tcp(7), unix(7)). All are non-blocking.

use std::ffi::OsStr;
use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::{
    self, AddressFamily, RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown, SocketAddrAny, SocketAddrUnix,
    SocketFlags, SocketType, sockopt,
};

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// TCP over IPv4 or IPv6; port 0 lets the kernel choose.
    Inet(SocketAddr),
    /// A socket file.
    Unix(PathBuf),
    /// A name in Linux's abstract namespace.
    Abstract(String),
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Inet(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
            Self::Abstract(name) => write!(f, "@{name}"),
        }
    }
}

impl Endpoint {
    /// Its file, if it has one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Unix(path) => Some(path),
            Self::Inet(_) | Self::Abstract(_) => None,
        }
    }
}

/// A listening socket.
#[derive(Debug)]
pub struct Listener {
    fd: OwnedFd,
    endpoint: Endpoint,
}

/// What [`Listener::accept`] found.
#[derive(Debug)]
pub enum Accepted {
    /// A connection, and its peer's address (`None` for unix sockets).
    Stream(Stream, Option<SocketAddr>),
    /// Nobody waits.
    Nobody,
    /// This process or the machine has no descriptor or memory left, or something else is in the way; the connection keeps
    /// waiting.
    Exhausted(io::Error),
}

/// A socket that has an address, and that nobody can connect to yet.
#[derive(Debug)]
pub struct Bound {
    fd: OwnedFd,
    endpoint: Endpoint,
}

impl Bound {
    /// Binds. A socket file which nobody serves any more is replaced; one that a process still serves is "in use".
    pub fn new(endpoint: &Endpoint) -> io::Result<Self> {
        let family = match endpoint {
            Endpoint::Inet(SocketAddr::V4(_)) => AddressFamily::INET,
            Endpoint::Inet(SocketAddr::V6(_)) => AddressFamily::INET6,
            Endpoint::Unix(_) | Endpoint::Abstract(_) => AddressFamily::UNIX,
        };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let fd = net::socket_with(family, SocketType::STREAM, flags, None)?;
        match endpoint {
            Endpoint::Inet(address) => {
                sockopt::set_socket_reuseaddr(&fd, true)?;
                sockopt::set_tcp_nodelay(&fd, true)?; // accepted sockets inherit it
                if address.is_ipv6() {
                    sockopt::set_ipv6_v6only(&fd, true)?;
                }
                net::bind(&fd, address)?;
            }
            Endpoint::Unix(path) => {
                remove_if_stale(path)?;
                net::bind(&fd, &SocketAddrUnix::new(path)?)?;
            }
            Endpoint::Abstract(name) => net::bind(&fd, &SocketAddrUnix::new_abstract_name(name.as_bytes())?)?,
        }
        let endpoint = match net::getsockname(&fd)?.try_into() {
            Ok(bound) => Endpoint::Inet(bound),
            Err(_not_inet) => endpoint.clone(),
        };
        Ok(Self { fd, endpoint })
    }

    /// The socket's file, if it has one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.endpoint.file()
    }

    /// Listens. `backlog`: how many connections may wait; the kernel caps it at net.core.somaxconn.
    pub fn listen(self, backlog: u32) -> io::Result<Listener> {
        net::listen(&self.fd, i32::try_from(backlog).unwrap_or(i32::MAX))?;
        Ok(Listener { fd: self.fd, endpoint: self.endpoint })
    }
}

impl Listener {
    /// Binds and listens.
    pub fn bind(endpoint: &Endpoint, backlog: u32) -> io::Result<Self> {
        Bound::new(endpoint)?.listen(backlog)
    }

    /// Takes over a socket that somebody else has made, if it listens for stream connections.
    pub fn adopt(fd: OwnedFd) -> io::Result<Self> {
        let listens = sockopt::socket_type(&fd)? == SocketType::STREAM && sockopt::socket_acceptconn(&fd)?;
        let endpoint = endpoint(net::getsockname(&fd)?);
        let Some(endpoint) = endpoint.filter(|_| listens) else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is no socket that listens for stream connections",
            ));
        };
        rustix::io::fcntl_setfd(&fd, rustix::io::FdFlags::CLOEXEC)?;
        rustix::io::ioctl_fionbio(&fd, true)?;
        if matches!(endpoint, Endpoint::Inet(_)) {
            sockopt::set_tcp_nodelay(&fd, true)?; // accepted sockets inherit it
        }
        Ok(Self { fd, endpoint })
    }

    /// The same socket once more.
    pub fn duplicate(&self) -> io::Result<Self> {
        Ok(Self { fd: self.fd.try_clone()?, endpoint: self.endpoint.clone() })
    }

    /// Its descriptor.
    #[must_use]
    pub fn into_fd(self) -> OwnedFd {
        self.fd
    }

    /// Whether connections to `endpoint` come in here: it is bound there, or to all addresses of both IPv6 and IPv4 where
    /// `endpoint` means all of IPv4.
    #[must_use]
    pub fn serves(&self, endpoint: &Endpoint) -> bool {
        if let (Endpoint::Inet(SocketAddr::V6(own)), Endpoint::Inet(SocketAddr::V4(asked))) =
            (&self.endpoint, endpoint)
        {
            let all = own.ip().is_unspecified() && asked.ip().is_unspecified();
            return all && own.port() == asked.port() && sockopt::ipv6_v6only(&self.fd) == Ok(false);
        }
        self.endpoint == *endpoint
    }

    /// Where it listens, with the port that the kernel chose.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// How many connections wait to be taken, and how many may (TCP_INFO of tcp(7)); `None` for unix sockets, of which the
    /// kernel does not tell.
    #[must_use]
    pub fn queue(&self) -> Option<(u32, u32)> {
        if !matches!(self.endpoint, Endpoint::Inet(_)) {
            return None;
        }
        // SAFETY: tcp_info is made of integers, of which every bit pattern is one.
        let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
        let mut length = libc::socklen_t::try_from(size_of_val(&info)).unwrap_or(0);
        // SAFETY: the descriptor is open, and the kernel writes at most `length` bytes to `info`, which has as many.
        let done = unsafe {
            libc::getsockopt(
                self.fd.as_raw_fd(),
                libc::IPPROTO_TCP,
                libc::TCP_INFO,
                (&raw mut info).cast(),
                &raw mut length,
            )
        };
        // Of a listening socket these two are the length of its queue and the most that this may be.
        (done == 0).then_some((info.tcpi_unacked, info.tcpi_sacked))
    }

    /// Takes one connection that waits.
    #[must_use]
    pub fn accept(&self) -> Accepted {
        use rustix::io::Errno;
        loop {
            return match net::acceptfrom_with(&self.fd, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
                Ok((fd, peer)) => Accepted::Stream(Stream { fd }, peer.and_then(inet)),
                Err(Errno::AGAIN) => Accepted::Nobody,
                // The connection ended while it waited, or a signal came (accept(2)): the next one may be good.
                Err(
                    Errno::CONNABORTED
                    | Errno::INTR
                    | Errno::PROTO
                    | Errno::PERM
                    | Errno::NETDOWN
                    | Errno::NOPROTOOPT
                    | Errno::HOSTDOWN
                    | Errno::NONET
                    | Errno::HOSTUNREACH
                    | Errno::NETUNREACH,
                ) => continue,
                Err(error) => Accepted::Exhausted(error.into()),
            };
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// IPv4 in IPv6, as on a socket that takes both, is IPv4.
fn inet(address: SocketAddrAny) -> Option<SocketAddr> {
    let address: SocketAddr = address.try_into().ok()?;
    Some(match address.ip().to_canonical() {
        IpAddr::V4(ip) => (ip, address.port()).into(),
        IpAddr::V6(_) => address,
    })
}

/// Where a socket is bound; `None`: nowhere, or to something else than a stream's address.
fn endpoint(address: SocketAddrAny) -> Option<Endpoint> {
    if let Ok(address) = SocketAddr::try_from(address.clone()) {
        return Some(Endpoint::Inet(address));
    }
    let address = SocketAddrUnix::try_from(address).ok()?;
    if let Some(name) = address.abstract_name() {
        return Some(Endpoint::Abstract(String::from_utf8_lossy(name).into_owned()));
    }
    let path = address.path()?;
    Some(Endpoint::Unix(OsStr::from_bytes(path.to_bytes()).into()))
}

/// Removes a socket file that refuses connections: its server is gone.
fn remove_if_stale(path: &Path) -> io::Result<()> {
    let Ok(found) = std::fs::symlink_metadata(path) else { return Ok(()) };
    if !found.file_type().is_socket() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "a file that is not a socket is in the way",
        ));
    }
    // Whoever listens there, and is busy, has it.
    match connect_to_file(path, Duration::from_millis(1)) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        _ => Err(io::ErrorKind::AddrInUse.into()),
    }
}

/// Connects to a socket file; the connection blocks, and has `patience` for each sending. So long it waits as well while the
/// queue of who listens is full, and then the error is [`io::ErrorKind::WouldBlock`]: connect(2) alone waits for ever.
pub fn connect_to_file(path: &Path, patience: Duration) -> io::Result<UnixStream> {
    connect_unix(&SocketAddrUnix::new(path)?, patience)
}

/// The same for a name in Linux's abstract namespace.
pub fn connect_to_name(name: &str, patience: Duration) -> io::Result<UnixStream> {
    connect_unix(&SocketAddrUnix::new_abstract_name(name.as_bytes())?, patience)
}

fn connect_unix(address: &SocketAddrUnix, patience: Duration) -> io::Result<UnixStream> {
    let fd = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_timeout(&fd, sockopt::Timeout::Send, Some(patience))?;
    net::connect(&fd, address)?;
    Ok(fd.into())
}

/// A connection.
#[derive(Debug)]
pub struct Stream {
    fd: OwnedFd,
}

/// What a transfer came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// So many bytes went through; never 0.
    Done(usize),
    /// None can go through for now.
    WouldBlock,
    /// The peer sends no more (when receiving).
    Ended,
    /// The connection is broken.
    Broken,
}

impl Stream {
    /// Receives into `buffer`, which must not be empty.
    #[must_use]
    pub fn receive(&self, buffer: &mut [u8]) -> Transfer {
        loop {
            match net::recv(&self.fd, &mut *buffer, RecvFlags::empty()) {
                Ok((0, _)) => return Transfer::Ended,
                Ok((n, _)) => return Transfer::Done(n),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return Transfer::WouldBlock,
                Err(_) => return Transfer::Broken,
            }
        }
    }

    /// Sends from the `pieces` as if they were one.
    #[must_use]
    pub fn send(&self, pieces: [&[u8]; 3]) -> Transfer {
        loop {
            let sent = match pieces {
                [one, [], []] | [[], one, []] => net::send(&self.fd, one, SendFlags::NOSIGNAL),
                [a, b, c] => {
                    let pieces = [IoSlice::new(a), IoSlice::new(b), IoSlice::new(c)];
                    let mut nothing = SendAncillaryBuffer::default();
                    net::sendmsg(&self.fd, &pieces, &mut nothing, SendFlags::NOSIGNAL)
                }
            };
            match sent {
                Ok(0) | Err(rustix::io::Errno::AGAIN) => return Transfer::WouldBlock,
                Ok(n) => return Transfer::Done(n),
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return Transfer::Broken,
            }
        }
    }

    /// Sends up to `count` bytes of `file`, from its own position on, which moves with them (sendfile(2)). `Ended`: the file
    /// has none left. `None`: it is a file that cannot be sent in this way.
    #[must_use]
    pub fn send_file(&self, file: impl AsFd, count: usize) -> Option<Transfer> {
        use rustix::io::Errno;
        loop {
            return Some(match rustix::fs::sendfile(&self.fd, &file, None, count) {
                Ok(0) => Transfer::Ended,
                Ok(n) => Transfer::Done(n),
                Err(Errno::AGAIN) => Transfer::WouldBlock,
                Err(Errno::INTR) => continue,
                Err(Errno::INVAL | Errno::NOSYS | Errno::BADF | Errno::OVERFLOW | Errno::IO) => return None,
                Err(_) => Transfer::Broken,
            });
        }
    }

    /// How many bytes were sent that the peer has not taken yet (SIOCOUTQ of tcp(7) and unix(7)).
    #[must_use]
    pub fn untaken(&self) -> Option<u64> {
        let mut count: libc::c_int = 0;
        // SAFETY: the descriptor is open, and the request writes one c_int to the address given.
        let done = unsafe { libc::ioctl(self.fd.as_raw_fd(), libc::TIOCOUTQ, &raw mut count) };
        u64::try_from(count).ok().filter(|_| done == 0)
    }

    /// The address that the peer has connected to; `None` for unix sockets.
    #[must_use]
    pub fn local_address(&self) -> Option<SocketAddr> {
        net::getsockname(&self.fd).ok().and_then(inet)
    }

    /// The descriptor, for somebody who goes on with the connection.
    #[must_use]
    pub fn into_fd(self) -> OwnedFd {
        self.fd
    }

    /// Says to the peer that no more bytes will come, while its own may still be received.
    pub fn end_sending(&self) {
        let _gone = net::shutdown(&self.fd, Shutdown::Write);
    }

    /// Lets the end of the connection look like the failure that it is: closing it resets it, over TCP.
    pub fn fail_at_end(&self) {
        let _not_over_tcp = sockopt::set_socket_linger(&self.fd, Some(Duration::ZERO));
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    fn loopback() -> Endpoint {
        Endpoint::Inet("127.0.0.1:0".parse().unwrap())
    }

    #[test]
    fn a_connection_carries_bytes_both_ways() {
        let listener = Listener::bind(&loopback(), 8).unwrap();
        let Endpoint::Inet(address) = listener.endpoint().clone() else { panic!("not TCP") };
        assert_ne!(address.port(), 0);
        assert!(matches!(listener.accept(), Accepted::Nobody));
        assert_eq!(listener.queue(), Some((0, 8)));

        let mut client = std::net::TcpStream::connect(address).unwrap();
        assert_eq!(listener.queue(), Some((1, 8)));
        let Accepted::Stream(stream, Some(peer)) = listener.accept() else { panic!("nobody") };
        assert_eq!(peer, client.local_addr().unwrap());

        let mut buffer = [0; 16];
        assert_eq!(stream.receive(&mut buffer), Transfer::WouldBlock);
        client.write_all(b"ping").unwrap();
        assert_eq!(stream.receive(&mut buffer), Transfer::Done(4));
        assert_eq!(stream.send([b"p", b"o", b"ng"]), Transfer::Done(4));
        let mut answer = [0; 4];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"pong");
        drop(client);
        assert_eq!(stream.receive(&mut buffer), Transfer::Ended);
    }

    #[test]
    fn a_port_in_use_is_refused() {
        let first = Listener::bind(&loopback(), 8).unwrap();
        let error = Listener::bind(first.endpoint(), 8).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn a_unix_socket_with_a_full_queue_is_not_waited_for() {
        let path = std::env::temp_dir().join(format!("goherd-full-{}", std::process::id()));
        let endpoint = Endpoint::Unix(path.clone());
        let connect = || connect_to_file(&path, Duration::from_millis(1));
        let listener = Listener::bind(&endpoint, 0).unwrap();
        let _first = connect().unwrap();
        assert_eq!(connect().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(Listener::bind(&endpoint, 0).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(listener);
        assert_eq!(connect().unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        let again = Listener::bind(&endpoint, 0).map(drop);
        std::fs::remove_file(&path).unwrap();
        again.unwrap();
    }

    #[test]
    fn a_socket_that_listens_can_be_taken_over() {
        let made = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = made.local_addr().unwrap();
        let listener = Listener::adopt(made.into()).unwrap();
        assert_eq!(listener.endpoint(), &Endpoint::Inet(address));
        assert!(matches!(listener.accept(), Accepted::Nobody), "it does not block");
        assert!(listener.serves(&Endpoint::Inet(address)));
        assert!(!listener.serves(&Endpoint::Inet(([0, 0, 0, 0], address.port()).into())));
        let client = std::net::TcpStream::connect(address).unwrap();
        assert_eq!(Listener::adopt(client.into()).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert!(Listener::adopt(std::fs::File::open("/dev/null").unwrap().into()).is_err());
    }

    #[test]
    fn a_socket_for_both_families_tells_them_apart() {
        let Ok(made) = std::net::TcpListener::bind("[::]:0") else { return };
        if sockopt::ipv6_v6only(&made) != Ok(false) {
            return; // this machine's default: net.ipv6.bindv6only
        }
        let port = made.local_addr().unwrap().port();
        let listener = Listener::adopt(made.into()).unwrap();
        assert!(listener.serves(&Endpoint::Inet(([0, 0, 0, 0], port).into())));
        assert!(!listener.serves(&Endpoint::Inet(([127, 0, 0, 1], port).into())));
        let client = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        let Accepted::Stream(stream, Some(peer)) = listener.accept() else { panic!("nobody") };
        assert_eq!(peer, client.local_addr().unwrap());
        assert_eq!(stream.local_address(), client.peer_addr().ok());
    }

    #[test]
    fn a_stale_socket_file_is_replaced_and_a_served_one_is_not() {
        let folder = std::env::temp_dir().join(format!("goherd-sys-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let endpoint = Endpoint::Unix(folder.join("s.sock"));
        let first = Listener::bind(&endpoint, 8).unwrap();
        assert_eq!(Listener::bind(&endpoint, 8).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(first);
        assert_eq!(Listener::bind(&endpoint, 8).unwrap().queue(), None);

        let file = folder.join("plain");
        std::fs::write(&file, "not a socket").unwrap();
        assert_eq!(
            Listener::bind(&Endpoint::Unix(file), 8).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
