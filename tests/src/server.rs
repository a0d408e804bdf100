//! A running server: its log, its processes, its addresses, its end.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use crate::client::Address;
use crate::wait::{DEADLINE, SOON, eventually, try_eventually};
use crate::{Answer, Client, Process, Signal, kill};

/// A master with its workers. Dropping it ends them all.
#[derive(Debug)]
pub struct Server {
    child: Mutex<Child>,
    pid: u32,
    mark: String,
    log: Arc<Log>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Log {
    lines: Mutex<(Vec<String>, bool)>,
    grown: Condvar,
    sleep: Mutex<Sleep>,
    woken: Condvar,
}

/// Whether the log is left unread.
#[derive(Debug, Default)]
struct Sleep {
    wanted: bool,
    begun: bool,
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, (Vec<String>, bool)> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what is read until the last process of the family has closed its stderr.
    fn fill(&self, from: impl std::io::Read) {
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            self.lock().0.push(String::from_utf8_lossy(&line).into_owned());
            self.grown.notify_all();
            self.sleep_if_wanted();
        }
        self.lock().1 = true;
        self.grown.notify_all();
    }

    fn sleep(&self) -> MutexGuard<'_, Sleep> {
        self.sleep.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep_if_wanted(&self) {
        let mut sleep = self.sleep();
        while sleep.wanted {
            sleep.begun = true;
            sleep = self.woken.wait(sleep).unwrap_or_else(PoisonError::into_inner);
        }
        sleep.begun = false;
    }

    fn wake(&self) {
        self.sleep().wanted = false;
        self.woken.notify_all();
    }

    /// Waits until `look` finds what it wants in the lines, or there will be no more, or none in this time.
    fn wait<T>(&self, time: Duration, mut look: impl FnMut(&[String]) -> Option<T>) -> Option<T> {
        let end = Instant::now() + time;
        let mut lines = self.lock();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match look(&lines.0) {
                Some(found) => return Some(found),
                None if lines.1 || left.is_zero() => return None,
                None => {
                    lines = self.grown.wait_timeout(lines, left).unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }
}

impl Server {
    pub(crate) fn new(mut child: Child, mark: String) -> Self {
        let log = Arc::new(Log::default());
        let filled = Arc::clone(&log);
        let reader = child.stderr.take().map(|stderr| std::thread::spawn(move || filled.fill(stderr)));
        Self { pid: child.id(), child: Mutex::new(child), mark, log, reader }
    }

    pub(crate) fn wait_until_ready(&self, workers: usize) {
        self.wait_for_lines(" is ready after ", workers);
        assert!(
            self.addresses_of("goherd: listening on ").next().is_some(),
            "it listens nowhere:\n{}",
            self.log()
        );
    }

    /// All that the server and its application have written to stderr.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().0.join("\n")
    }

    /// Stops reading the log, and fills the pipe that it comes through.
    pub fn choke_log(&self) {
        self.log.sleep().wanted = true;
        let pipe = format!("/proc/{}/fd/2", self.pid);
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap();
        let mut pipe = OpenOptions::new().write(true).custom_flags(flags).open(pipe).unwrap();
        let page = [&[b' '; 4095][..], b"\n"].concat();
        eventually("the reader of the log is asleep", || {
            while pipe.write(&page).is_ok() {}
            self.log.sleep().begun.then_some(())
        });
        while pipe.write(&page).is_ok() || pipe.write(b"\n").is_ok() {}
    }

    /// Reads the log again.
    pub fn read_log_on(&self) {
        self.log.wake();
    }

    /// Waits for a line with `part` in it, and gives it.
    pub fn wait_for_log(&self, part: &str) -> String {
        self.wait_for_lines(part, 1).remove(0)
    }

    /// Waits for so many lines with `part` in them, and gives all that there are.
    pub fn wait_for_lines(&self, part: &str, count: usize) -> Vec<String> {
        let found = self.lines_within(DEADLINE, part, count);
        found.unwrap_or_else(|| panic!("{part:?} is not {count} times in the log:\n{}", self.log()))
    }

    /// The same for lines that may have been lost, which may be asked for again: `None` if they are not there soon.
    #[must_use]
    pub fn soon(&self, part: &str, count: usize) -> Option<Vec<String>> {
        self.lines_within(SOON, part, count)
    }

    fn lines_within(&self, time: Duration, part: &str, count: usize) -> Option<Vec<String>> {
        self.log.wait(time, |lines| {
            let found: Vec<_> = lines.iter().filter(|line| line.contains(part)).cloned().collect();
            (found.len() >= count).then_some(found)
        })
    }

    /// How many lines of the log have `part` in them.
    #[must_use]
    pub fn lines_with(&self, part: &str) -> usize {
        self.log.lock().0.iter().filter(|line| line.contains(part)).count()
    }

    fn addresses_of(&self, start: &str) -> impl Iterator<Item = Address> {
        let lines = self.log.lock().0.clone();
        let start = start.to_owned();
        lines.into_iter().filter_map(move |line| Address::parse(line.strip_prefix(&start)?))
    }

    /// Where it listens, in the order in which the sockets were named.
    #[must_use]
    pub fn addresses(&self) -> Vec<Address> {
        self.addresses_of("goherd: listening on ").collect()
    }

    /// Where it listens first.
    #[must_use]
    pub fn address(&self) -> Address {
        self.addresses().remove(0)
    }

    /// The port of the first address.
    #[must_use]
    pub fn port(&self) -> u16 {
        match self.address() {
            Address::Inet(address) => address.port(),
            other => panic!("{other:?} has no port"),
        }
    }

    /// A connection to its first address.
    #[must_use]
    pub fn connect(&self) -> Client {
        Client::connect(&self.address()).unwrap_or_else(|error| panic!("{error}; its log:\n{}", self.log()))
    }

    /// Gets `path` on a connection of its own.
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        let answer = self.connect().get(path);
        answer.unwrap_or_else(|error| panic!("GET {path}: {error}; its log:\n{}", self.log()))
    }

    /// Gets `path` on a connection of its own, for an answer of 200, and gives its body.
    #[must_use]
    pub fn text(&self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.text());
        answer.text()
    }

    /// The process that answers at the moment.
    #[must_use]
    pub fn answering_pid(&self) -> u32 {
        self.text("/pid").parse().unwrap()
    }

    /// The master.
    #[must_use]
    pub fn master_pid(&self) -> u32 {
        self.pid
    }

    /// The workers, ready or not.
    #[must_use]
    pub fn workers(&self) -> Vec<Process> {
        Process::children_of(self.pid)
    }

    /// How many TCP connections its workers have taken and hold.
    #[must_use]
    pub fn established_in_workers(&self) -> usize {
        let sockets = |pid: u32| {
            let links = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
            links.filter_map(|entry| Some(std::fs::read_link(entry.path()).ok()?.to_str()?.to_owned()))
        };
        let held: Vec<_> = self.worker_pids().into_iter().flat_map(sockets).collect();
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
        let port = format!(":{:04X}", self.port());
        let established = table.lines().filter(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            let [_, local, _, "01", _, _, _, _, _, inode, ..] = words[..] else { return false };
            local.ends_with(&port) && held.contains(&format!("socket:[{inode}]"))
        });
        established.count()
    }

    /// The numbers of the workers' processes.
    #[must_use]
    pub fn worker_pids(&self) -> Vec<u32> {
        self.workers().iter().map(|worker| worker.pid).collect()
    }

    /// Every process that the server, or its application, has started and that has not ended.
    #[must_use]
    pub fn family(&self) -> Vec<Process> {
        Process::with_variable(&self.mark)
    }

    /// Waits until no process of the family is left.
    pub fn wait_until_nobody_is_left(&self) {
        let what = format!("all processes of {} end; its log:\n{}", self.pid, self.log());
        eventually(&what, || self.family().is_empty().then_some(()));
    }

    /// Sends a signal to the master.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid, signal);
    }

    /// Waits for the master's end.
    pub fn exit(&self) -> ExitStatus {
        let what = format!("the master {} ends; its log:\n{}", self.pid, self.log());
        eventually(&what, || self.try_exit())
    }

    /// Whether the master has ended, and how.
    pub fn try_exit(&self) -> Option<ExitStatus> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner).try_wait().unwrap()
    }

    /// Ends the server with SIGTERM; nobody may be left. Gives the exit code, or minus the signal that killed it.
    pub fn stop(&self) -> i32 {
        self.end_with(Signal::TERM)
    }

    /// Ends the server with a signal; nobody may be left. Gives the exit code, or minus the signal that killed it.
    pub fn end_with(&self, signal: Signal) -> i32 {
        self.signal(signal);
        let status = self.exit();
        self.wait_until_nobody_is_left();
        status.code().unwrap_or_else(|| -status.signal().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended_already = self.child.get_mut().map(Child::kill);
        self.log.wake();
        let gone = try_eventually(&mut || {
            let left = self.family();
            left.iter().for_each(|process| kill(process.pid, Signal::KILL));
            left.is_empty().then_some(())
        });
        let _reaped = self.child.get_mut().map(Child::wait);
        if let Some(reader) = self.reader.take().filter(|_| gone.is_some()) {
            let _panicked = reader.join();
        }
        if std::thread::panicking() {
            eprintln!("the log of the server {}:\n{}", self.pid, self.log());
        }
    }
}
