//! Processes as /proc shows them: proc(5).

use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// What /proc/PID/stat says of a process that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its parent's.
    pub parent: u32,
    /// Its process group's.
    pub group: u32,
    /// How many threads it has.
    pub threads: usize,
}

impl Process {
    /// The process with this number, unless it has ended.
    #[must_use]
    pub fn find(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // pid (name) state ppid pgrp session tty tpgid flags 4×faults 4×times priority nice threads …
        let (_, after_name) = stat.rsplit_once(") ")?;
        let words: Vec<&str> = after_name.split(' ').collect();
        let number = |index: usize| words.get(index)?.parse::<u32>().ok();
        if matches!(words.first(), Some(&("Z" | "X"))) {
            return None;
        }
        Some(Self { pid, parent: number(1)?, group: number(2)?, threads: number(17)? as usize })
    }

    /// Every process.
    fn all() -> impl Iterator<Item = Self> {
        let numbers = fs::read_dir("/proc").unwrap().flatten();
        numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(Self::find)
    }

    /// The children of the process `parent`.
    #[must_use]
    pub fn children_of(parent: u32) -> Vec<Self> {
        Self::all().filter(|process| process.parent == parent).collect()
    }

    /// Every process that was started with this variable in its environment, or is a fork of one.
    #[must_use]
    pub fn with_variable(assignment: &str) -> Vec<Self> {
        Self::all().filter(|process| process.has_variable(assignment)).collect()
    }

    fn has_variable(&self, assignment: &str) -> bool {
        let environ = fs::read(format!("/proc/{}/environ", self.pid)).unwrap_or_default();
        environ.split(|&byte| byte == 0).any(|variable| variable == assignment.as_bytes())
    }

    /// The processor time that it has used.
    #[must_use]
    pub fn cpu_time(&self) -> Duration {
        let stat = self.file("stat");
        let (_, after_name) = stat.rsplit_once(") ").unwrap();
        let ticks: u64 =
            after_name.split(' ').skip(11).take(2).map(|word| word.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 10) // USER_HZ is 100 wherever Linux runs
    }

    /// A file of /proc about it.
    #[must_use]
    pub fn file(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.pid)).unwrap()
    }
}

/// Sends a signal to a process, which may have ended.
pub fn kill(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).expect("a process number is not 0");
    let _ended = kill_process(pid, signal);
}
