//! The floor: one thread, one epoll set, one receive and one send for each request, and hardly any parsing.
//!
//! In: bytes that end with a blank line. Out: always the same answer. No server that parses and decides can be cheaper,
//! so this is what the kernel costs. A blank line that arrives in two pieces is not seen; wrk sends none.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::Command;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

use super::server::Launch;
use crate::Outcome;
use crate::cases::Request;

/// What makes this binary the floor: `goherd-bench floor keep` or `… close`.
pub const SUBCOMMAND: &str = "floor";

const KEEP: &[u8] = b"HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: 14\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\r\nHello, World!\n";
const CLOSE: &[u8] = b"HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: 14\r\n\
    Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\nHello, World!\n";

/// How many events are taken at a time.
const BATCH: usize = 256;

/// This binary again.
pub fn launch(request: &Request) -> Outcome<Launch> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(SUBCOMMAND).arg(if request.closes() { "close" } else { "keep" });
    Ok(Launch { command, address: None, workers_to_await: 0 })
}

/// The loop, until a signal ends the process.
pub fn serve(answer: &str) -> Outcome<()> {
    let mut floor = match answer {
        "keep" => Floor::new(KEEP, true)?,
        "close" => Floor::new(CLOSE, false)?,
        _ => return Err(format!("{SUBCOMMAND} {answer}: expected keep or close").into()),
    };
    eprintln!("listening on http://{}/", floor.listener.local_addr()?);
    let mut events = Vec::with_capacity(BATCH);
    loop {
        epoll::wait(&floor.epoll, spare_capacity(&mut events), None)?;
        for event in events.drain(..) {
            floor.react(event)?;
        }
    }
}

struct Floor {
    epoll: OwnedFd,
    listener: TcpListener,
    /// By descriptor number.
    connections: Vec<Option<TcpStream>>,
    answer: &'static [u8],
    keeps: bool,
}

impl Floor {
    fn new(answer: &'static [u8], keeps: bool) -> io::Result<Self> {
        let (epoll, listener) = (epoll::create(CreateFlags::CLOEXEC)?, TcpListener::bind("127.0.0.1:0")?);
        listener.set_nonblocking(true)?;
        // SOMAXCONN of the standard library is too short a queue for a connection per request.
        rustix::net::listen(&listener, 4096)?;
        let floor = Self { epoll, listener, connections: Vec::new(), answer, keeps };
        floor.watch(&floor.listener)?;
        Ok(floor)
    }

    fn watch(&self, socket: &(impl AsFd + AsRawFd)) -> io::Result<()> {
        let number = EventData::new_u64(index(socket) as u64);
        Ok(epoll::add(&self.epoll, socket, number, EventFlags::IN)?)
    }

    fn react(&mut self, event: Event) -> Outcome<()> {
        let number = usize::try_from(event.data.u64())?;
        if number == index(&self.listener) {
            return Ok(self.accept()?);
        }
        let Some(connection) = self.connections.get_mut(number) else { return Ok(()) };
        let stays = connection.as_mut().is_some_and(|stream| answer(stream, self.answer) && self.keeps);
        if !stays {
            *connection = None;
        }
        Ok(())
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let stream = match self.listener.accept() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                accepted => accepted?.0,
            };
            stream.set_nodelay(true)?;
            self.watch(&stream)?;
            let number = index(&stream);
            if self.connections.len() <= number {
                self.connections.resize_with(number + 1, || None);
            }
            self.connections[number] = Some(stream);
        }
    }
}

/// Whether the connection is still good. A request that is not whole yet is waited for.
fn answer(stream: &mut TcpStream, answer: &[u8]) -> bool {
    let mut room = [0; 4096];
    match stream.read(&mut room) {
        Ok(0) | Err(_) => false,
        Ok(n) if room[..n].ends_with(b"\r\n\r\n") => stream.write_all(answer).is_ok(),
        Ok(_) => true,
    }
}

fn index(socket: &impl AsRawFd) -> usize {
    usize::try_from(socket.as_raw_fd()).expect("descriptors of open sockets are not negative")
}
