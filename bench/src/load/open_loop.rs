//! A constant rate, on one thread and at most 64 connections.
//!
//! Requests are due by a schedule that does not wait for answers (an open loop). One that finds no free connection waits
//! its turn, and its latency counts from the time it was due: a server that stalls pays for all whom it kept waiting (no
//! coordinated omission).

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};

use super::schedule::Schedule;
use crate::cases::Request;
use crate::{Outcome, http};

const CONNECTIONS: usize = 64;
/// How long after the last request was due its answer may come.
const PATIENCE: Duration = Duration::from_secs(10);
/// Latencies in microseconds: from one to a minute, with three digits.
const SHORTEST: u64 = 1;
const LONGEST: u64 = 60_000_000;
const DIGITS: u8 = 3;

/// Puts `rate` requests per second on the server; gives the latency of each, in microseconds.
pub fn run(address: SocketAddr, request: &Request, rate: f64, length: Duration) -> Outcome<Histogram<u64>> {
    // Otherwise the kernel may end each wait 50 µs late.
    rustix::thread::set_current_timer_slack(NonZeroU64::new(1))?;
    let mut load = OpenLoop::connect(address, request)?;
    let start = Instant::now();
    load.run(Schedule::new(start, rate, length), start + length + PATIENCE)?;
    Ok(load.latencies)
}

struct OpenLoop<'a> {
    request: &'a Request,
    bytes: Vec<u8>,
    epoll: OwnedFd,
    connections: Vec<Connection>,
    /// Those without a request, by number; the one that rested longest comes first.
    free: VecDeque<usize>,
    events: Vec<epoll::Event>,
    latencies: Histogram<u64>,
}

struct Connection {
    stream: TcpStream,
    /// When the request on it was due.
    due: Instant,
    received: Vec<u8>,
}

impl<'a> OpenLoop<'a> {
    fn connect(address: SocketAddr, request: &'a Request) -> Outcome<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let connections: Vec<_> = (0..CONNECTIONS)
            .map(|number| Connection::open(address, request, &epoll, number))
            .collect::<Outcome<_>>()?;
        Ok(Self {
            request,
            bytes: request.bytes(),
            epoll,
            free: (0..connections.len()).collect(),
            connections,
            events: Vec::with_capacity(CONNECTIONS),
            latencies: Histogram::new_with_bounds(SHORTEST, LONGEST, DIGITS)?,
        })
    }

    fn run(&mut self, schedule: Schedule, deadline: Instant) -> Outcome<()> {
        let mut next = 0;
        while self.latencies.len() < u64::from(schedule.total()) {
            next = self.send_what_is_due(&schedule, next)?;
            let now = Instant::now();
            if now > deadline {
                return Err("the server did not keep up with the rate".into());
            }
            let until = schedule.due(next).filter(|_| !self.free.is_empty()).unwrap_or(deadline);
            self.receive(until.saturating_duration_since(now))?;
        }
        Ok(())
    }

    /// Gives the number of the next request that is not due, or has no connection yet.
    fn send_what_is_due(&mut self, schedule: &Schedule, mut next: u32) -> Outcome<u32> {
        while let Some(due) = schedule.due(next).filter(|due| *due <= Instant::now()) {
            let Some(free) = self.free.pop_front() else { break };
            self.connections[free].send(&self.bytes, due)?;
            next += 1;
        }
        Ok(next)
    }

    fn receive(&mut self, wait: Duration) -> Outcome<()> {
        // epoll_wait(2) counts in milliseconds, poll(2) through its newer form in nanoseconds.
        poll(&mut [PollFd::new(&self.epoll, PollFlags::IN)], Some(&wait.try_into()?))?;
        epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&Timespec::default()))?;
        for event in self.events.drain(..) {
            let number = usize::try_from(event.data.u64())?;
            let connection = &mut self.connections[number];
            if connection.receive(self.request)? {
                let latency = connection.due.elapsed().as_micros();
                self.latencies.saturating_record(u64::try_from(latency)?.max(SHORTEST));
                self.free.push_back(number);
            }
        }
        Ok(())
    }
}

impl Connection {
    fn open(address: SocketAddr, request: &Request, epoll: &OwnedFd, number: usize) -> Outcome<Self> {
        let stream = http::ask(address, request)?;
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        epoll::add(epoll, &stream, epoll::EventData::new_u64(number as u64), epoll::EventFlags::IN)?;
        Ok(Self { stream, due: Instant::now(), received: Vec::new() })
    }

    fn send(&mut self, bytes: &[u8], due: Instant) -> Outcome<()> {
        self.due = due;
        self.received.clear();
        Ok(self.stream.write_all(bytes)?)
    }

    /// Whether the answer is whole.
    fn receive(&mut self, request: &Request) -> Outcome<bool> {
        let mut room = [0; 4096];
        match self.stream.read(&mut room) {
            Ok(0) => Err("the server closed a connection".into()),
            Ok(n) => {
                self.received.extend_from_slice(&room[..n]);
                request.is_answered(&self.received)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::{Arc, Mutex};
    use std::thread;

    use super::*;

    const REQUEST: Request = Request { path: "/", fields: &[], body: 0, wrk_script: None, answer: 2 };
    const LENGTH: Duration = Duration::from_millis(200);
    const STALL: Duration = Duration::from_millis(100);

    /// A thread for each connection. At the first request under load all of them stall.
    fn stalling_server() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answered = Arc::new(Mutex::new(0));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let answered = Arc::clone(&answered);
                thread::spawn(move || serve(stream.unwrap(), &answered));
            }
        });
        address
    }

    fn serve(mut stream: TcpStream, answered: &Mutex<usize>) {
        while stream.read(&mut [0; 1024]).is_ok_and(|n| n > 0) {
            let mut answered = answered.lock().unwrap();
            *answered += 1;
            if *answered == CONNECTIONS + 1 {
                thread::sleep(STALL);
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
        }
    }

    #[test]
    fn all_who_were_kept_waiting_count() {
        let latencies = run(stalling_server(), &REQUEST, 2_000.0, LENGTH).unwrap();
        assert_eq!(latencies.len(), 400);
        let (longest, waited) = (latencies.max(), latencies.count_between(20_000, LONGEST));
        assert!(longest >= 95_000, "{longest} µs");
        assert!(waited >= 150, "{waited} waited: a closed loop would count one for each connection only");
    }
}
