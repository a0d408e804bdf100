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
use rustix::event::{Timespec, epoll};

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
        let wait = Timespec { tv_sec: i64::try_from(wait.as_secs())?, tv_nsec: wait.subsec_nanos().into() };
        epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&wait))?;
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
