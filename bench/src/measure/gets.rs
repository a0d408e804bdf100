//! What a get of 100 bytes costs a handler: from a cache of the server's, by both of its functions, from a `sync.Map` of the
//! process, and from Redis; and how many gets two workers make at once, beside one.
//!
//! The handler makes them and tells how many it were in how long, so nothing of HTTP is in the figures.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::contestants::Server;
use crate::contestants::redis::Redis;
use crate::results::{Quantity, Sample};

/// How long a handler may take beyond what it is asked for.
const PATIENCE: Duration = Duration::from_secs(20);
/// So many workers are compared with one.
const WORKERS: usize = 2;
/// What is measured one after the other.
const WHAT: [(&str, Quantity); 4] = [
    ("get", Quantity::Get),
    ("cacheget", Quantity::CacheGet),
    ("map", Quantity::MapGet),
    ("redis", Quantity::RedisGet),
];

/// A worker, by a connection that it holds.
struct Worker {
    stream: TcpStream,
    number: u32,
}

/// What a handler tells of its gets.
#[derive(Clone, Copy)]
struct Gets {
    count: f64,
    nanos: f64,
    /// Of one get, in nanoseconds.
    median: f64,
}

/// Measures all of it with this server of two workers, for so many seconds altogether.
pub fn measure(server: &Server, seconds: u64) -> Outcome<Sample> {
    let redis = Redis::start()?;
    let socket = redis.as_ref().map(|redis| redis.socket.display().to_string()).unwrap_or_default();
    let mut workers = two_workers(server.address, &socket)?;
    let millis = (seconds * 1000 / 6).max(100);
    let mut sample = Sample::new();
    for (what, quantity) in WHAT.into_iter().filter(|(what, _)| redis.is_some() || *what != "redis") {
        let gets = workers[0].gets(what, millis, &socket)?;
        sample.insert(quantity, gets.median);
    }
    // One, both, one, both: the machine is not ours alone.
    let (mut alone, mut together) = (0.0, 0.0);
    for _ in 0..2 {
        let gets = workers[0].gets("get", millis / 2, "")?;
        alone += gets.count / gets.nanos;
        together += at_once(&mut workers, millis / 2)?;
    }
    sample.insert(Quantity::Scale, together / alone);
    Ok(sample)
}

/// Gets per nanosecond of all workers together.
fn at_once(workers: &mut [Worker], millis: u64) -> Outcome<f64> {
    let rates: Vec<_> = thread::scope(|scope| {
        let ask =
            |worker| scope.spawn(move || Worker::gets(worker, "get", millis, "").map_err(|e| e.to_string()));
        let asked: Vec<_> = workers.iter_mut().map(ask).collect();
        asked.into_iter().map(|asked| asked.join().map_err(|_| "a thread has panicked".to_owned())?).collect()
    });
    let mut sum = 0.0;
    for gets in rates {
        let Gets { count, nanos, .. } = gets?;
        sum += count / nanos;
    }
    Ok(sum)
}

/// Opens connections until each worker holds one.
fn two_workers(address: SocketAddr, socket: &str) -> Outcome<Vec<Worker>> {
    let (mut workers, mut others): (Vec<Worker>, Vec<Worker>) = (Vec::new(), Vec::new());
    let deadline = Instant::now() + PATIENCE;
    while workers.len() < WORKERS {
        if Instant::now() > deadline {
            return Err("one worker takes all connections".into());
        }
        let worker = Worker::connect(address, socket)?;
        let known = workers.iter().any(|other| other.number == worker.number);
        if known { others.push(worker) } else { workers.push(worker) }
    }
    Ok(workers)
}

impl Worker {
    fn connect(address: SocketAddr, socket: &str) -> Outcome<Self> {
        let mut worker = Self { stream: TcpStream::connect(address)?, number: 0 };
        worker.stream.set_read_timeout(Some(PATIENCE))?;
        worker.number = worker.ask(&format!("/prepare?redis={socket}"))?.trim().parse()?;
        Ok(worker)
    }

    fn gets(&mut self, what: &str, millis: u64, socket: &str) -> Outcome<Gets> {
        let told = self.ask(&format!("/gets?what={what}&millis={millis}&redis={socket}"))?;
        let mut words = told.split_whitespace();
        let mut number = || words.next().ok_or("a short answer");
        let (count, nanos) = (number()?.parse()?, number()?.parse()?);
        let (worker, median) = (number()?.parse::<u32>()?, number()?.parse()?);
        match worker {
            worker if worker == self.number => Ok(Gets { count, nanos, median }),
            other => Err(format!("worker {other} has answered in place of worker {}", self.number).into()),
        }
    }

    /// The body of the answer to a GET. The connection stays.
    fn ask(&mut self, path: &str) -> Outcome<String> {
        self.stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())?;
        let (mut received, mut room) = (Vec::new(), [0; 4096]);
        loop {
            let text = String::from_utf8_lossy(&received);
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
                if body.len() == length.ok_or("an answer without Content-Length")?.trim().parse::<usize>()? {
                    let answer = head.starts_with("HTTP/1.1 200 ").then(|| body.to_owned());
                    return answer.ok_or_else(|| format!("{path}: {text}").into());
                }
            }
            match self.stream.read(&mut room)? {
                0 => return Err(format!("{path}: cut short: {text}").into()),
                n => received.extend_from_slice(&room[..n]),
            }
        }
    }
}
