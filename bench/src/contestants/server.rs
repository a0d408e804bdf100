//! A running server: started, awaited, and ended when dropped, also when the benchmark fails or is killed.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::cases::Request;
use crate::{Outcome, http, places, processes};

/// How long a server may take to start, or to end.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_micros(500);
/// Where the time that it takes is what is measured.
const GLANCE: Duration = Duration::from_micros(100);

/// How a contestant is started.
pub struct Launch {
    /// The server, in the foreground. Its log goes to stderr.
    pub command: Command,
    /// Where it listens, unless it says so in its log.
    pub address: Option<SocketAddr>,
    /// How many workers say in the log that they are ready.
    pub workers_to_await: usize,
}

/// A running server.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Starts it, and waits until it gives the right answer.
    pub fn start(name: &str, launch: &Launch, request: &Request) -> Outcome<Self> {
        let log = log_of(name)?;
        let child = spawn(&launch.command, File::create(&log)?)?;
        let mut server = Self { child, address: SocketAddr::from(([0; 4], 0)) };
        server.address = await_address(launch, &log, PAUSE)?;
        let answered = || http::ask(server.address, request).map(drop);
        until(PAUSE, || answered().ok()).ok_or_else(|| failure(&log, answered().err()))?;
        Ok(server)
    }

    /// Starts it, and ends it as soon as it has given the right answer; gives how long that took. It may say where it
    /// listens before it serves: a connection waits in the kernel then.
    pub fn time_to_first_answer(name: &str, launch: &Launch, request: &Request) -> Outcome<Duration> {
        let log = log_of(name)?;
        let file = File::create(&log)?;
        let began = Instant::now();
        let mut server =
            Self { child: spawn(&launch.command, file)?, address: SocketAddr::from(([0; 4], 0)) };
        server.address = await_address(launch, &log, GLANCE)?;
        let answered = http::ask(server.address, request);
        let time = began.elapsed();
        answered.map(|_| time).map_err(|error| failure(&log, Some(error)))
    }

    /// Its processes: the one that was started, and its children.
    pub fn processes(&self) -> Outcome<Vec<u32>> {
        processes::family(self.child.id())
    }

    /// Where `path` is.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Server {
    /// SIGTERM ends every contestant, with its children. SIGKILL is for one that does not listen.
    fn drop(&mut self) {
        signal(self.child.id(), Signal::TERM);
        if until(PAUSE, || self.child.try_wait().ok().flatten()).is_none() {
            self.processes().unwrap_or_default().into_iter().for_each(|pid| signal(pid, Signal::KILL));
            let _ended_already = self.child.wait();
        }
    }
}

fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let _ended_already = pid.map(|pid| kill_process(pid, signal));
}

fn log_of(name: &str) -> Outcome<PathBuf> {
    let file = format!("{name}.log").replace(", ", "-").replace(['/', ' '], "-");
    Ok(places::scratch("logs")?.join(file))
}

/// With setpriv(1) the kernel sends SIGTERM to the server when this process dies in a way that runs no destructors.
fn spawn(server: &Command, log: File) -> Outcome<Child> {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "--"]).arg(server.get_program()).args(server.get_args());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    command.spawn().map_err(|error| format!("cannot start {command:?}: {error}").into())
}

fn await_address(launch: &Launch, log: &Path, pause: Duration) -> Outcome<SocketAddr> {
    let announced = || {
        let text = fs::read_to_string(log).ok()?;
        let ready = text.matches(" is ready").count() >= launch.workers_to_await;
        launch.address.or_else(|| address_in(&text)).filter(|_| ready)
    };
    until(pause, announced).ok_or_else(|| failure(log, None))
}

/// Of a line such as "listening on http://127.0.0.1:8080/".
fn address_in(log: &str) -> Option<SocketAddr> {
    let (_, after) = log.split_once("listening on http://")?;
    after.split_once('/')?.0.parse().ok()
}

/// Asks again and again, for as long as patience lasts.
fn until<T>(pause: Duration, mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let outcome = attempt();
        if outcome.is_some() || Instant::now() > deadline {
            return outcome;
        }
        thread::sleep(pause);
    }
}

fn failure(log: &Path, cause: Option<Box<dyn std::error::Error>>) -> Box<dyn std::error::Error> {
    let said = fs::read_to_string(log).unwrap_or_default();
    let cause = cause.map(|error| format!(" ({error})")).unwrap_or_default();
    format!("the server does not start{cause}; its log, {}:\n{said}", log.display()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_a_log() {
        let log = "goherd: version 1\ngoherd: listening on http://127.0.0.1:8080/\nworker 1 is ready\n";
        assert_eq!(address_in(log), Some(SocketAddr::from(([127, 0, 0, 1], 8080))));
        assert_eq!(address_in("listening on http://127.0.0.1:80"), None, "the line is not whole yet");
    }
}
