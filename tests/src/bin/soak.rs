//! `make soak`: servers that are reloaded, upgraded and recycled without pause, under load, for a long time.
//!
//! In: `SOAK_SECONDS` (600), half of them for each toolchain. Out: progress on stderr, figures on stdout; the exit code is
//! 1 if a request was lost, or the master has more descriptors at the end than at the start.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "it is a test, if a long one")]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use goherd_tests::{Habit, Scratch, Server, Signal, Tally, Toolchain, Traffic, app, eventually, launch};

const DEFAULT_SECONDS: u64 = 600;
/// So many reloads there are for each toolchain, however short the time is.
const LEAST_RELOADS: usize = 50;
/// After so many reloads the server is upgraded.
const RELOADS_PER_UPGRADE: usize = 5;
const WORKERS: usize = 2;
/// How often it is told how far things are.
const PROGRESS: Duration = Duration::from_secs(10);

const HABITS: [Habit; 8] = [
    Habit::KeepAlive,
    Habit::KeepAlive,
    Habit::KeepAlive,
    Habit::Fresh,
    Habit::Fresh,
    Habit::Slow(5),
    Habit::Slow(30),
    Habit::Slow(300),
];

fn main() -> ExitCode {
    let seconds = match std::env::var("SOAK_SECONDS").map(|text| text.parse::<u64>()) {
        Ok(Ok(seconds)) if seconds > 0 => seconds,
        Err(_) => DEFAULT_SECONDS,
        _ => {
            eprintln!("soak: SOAK_SECONDS: expected a whole number of at least 1");
            return ExitCode::FAILURE;
        }
    };
    let toolchains: Vec<_> =
        [Toolchain::Go, Toolchain::Gccgo].into_iter().filter(|toolchain| toolchain.is_here()).collect();
    let each = Duration::from_secs(seconds) / u32::try_from(toolchains.len().max(1)).unwrap();
    let mut good = !toolchains.is_empty();
    for toolchain in toolchains {
        let figures = soak(toolchain, each);
        println!("{}", figures.table(toolchain));
        good &= figures.are_good();
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a server holds at a quiet moment.
struct Holdings {
    master: u64,
    workers: Vec<u64>,
    descriptors: usize,
}

impl Holdings {
    fn of(server: &Server) -> Self {
        eventually(
            "nobody but the workers that serve is there, nor a dead one that the master holds",
            || {
                let (master, alive) = (server.master_pid(), server.worker_pids().len());
                let children = fs::read_to_string(format!("/proc/{master}/task/{master}/children")).unwrap();
                (alive == WORKERS && children.split_whitespace().count() == WORKERS).then_some(())
            },
        );
        Self {
            master: memory(server.master_pid()),
            workers: server.worker_pids().into_iter().map(memory).collect(),
            descriptors: fs::read_dir(format!("/proc/{}/fd", server.master_pid())).unwrap().count(),
        }
    }
}

/// KiB of memory that a process holds.
fn memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

/// What a soak comes to.
struct Figures {
    seconds: u64,
    tally: Tally,
    reloads: usize,
    upgrades: usize,
    started: usize,
    before: Holdings,
    after: Holdings,
    code: i32,
}

impl Figures {
    fn are_good(&self) -> bool {
        let kept = self.after.descriptors <= self.before.descriptors;
        self.tally.missed.is_empty() && kept && self.code == 0
    }

    fn table(&self, toolchain: Toolchain) -> String {
        let Self { seconds, tally, reloads, upgrades, started, before, after, code } = self;
        let lost = tally.missed.len();
        let rows = [
            ("seconds", seconds.to_string()),
            ("requests", (tally.answered + lost as u64).to_string()),
            ("requests lost", lost.to_string()),
            ("reloads", reloads.to_string()),
            ("upgrades", upgrades.to_string()),
            ("workers started", started.to_string()),
            ("longest request that was not to be slow, ms", tally.longest.to_string()),
            ("memory of the master, KiB", format!("{} before, {} after", before.master, after.master)),
            ("memory of the workers, KiB", format!("{:?} before, {:?} after", before.workers, after.workers)),
            (
                "descriptors of the master",
                format!("{} before, {} after", before.descriptors, after.descriptors),
            ),
            ("exit code", code.to_string()),
        ];
        let mut table = format!("soak, {}:\n", toolchain.name());
        for (name, value) in rows {
            table += &format!("  {name:<45}{value}\n");
        }
        table.extend(tally.missed.iter().take(20).map(|miss| format!("  {miss:?}\n")));
        table
    }
}

/// A server with all that it is made from in one folder.
struct Site {
    scratch: Scratch,
    server: Server,
}

impl Site {
    fn start(toolchain: Toolchain) -> Self {
        let scratch = Scratch::new();
        fs::copy(app(toolchain, "probe"), scratch.path("app.so")).unwrap();
        let library = scratch.text("app.so");
        let ini = format!(
            "[uwsgi]\nhttp-socket = 127.0.0.1:0\nprocesses = {WORKERS}\ngoroutines = 8\ngo-load = {library}\n\
             max-requests = 3000\nmax-requests-delta = 1000\nmin-worker-lifetime = 0\n"
        );
        let file = scratch.write("app.ini", ini);
        let program = scratch.install_server();
        let launch = launch().with([file]).expect_workers(WORKERS).program(&program);
        Self { server: launch.start(), scratch }
    }

    fn reload(&self) {
        let done = self.server.lines_with("the reload is complete");
        self.server.signal(Signal::HUP);
        eventually("the reload is complete, or refused", || {
            let complete = self.server.lines_with("the reload is complete") > done;
            let refused =
                ["the reload is refused", "the reload has failed"].map(|words| self.server.lines_with(words));
            assert_eq!(refused, [0, 0], "{}", self.server.log());
            complete.then_some(())
        });
    }

    /// Puts a copy of the program in its place; that goes on in the master's process, and replaces the workers.
    fn upgrade(&self) {
        let installed = self.scratch.install_server();
        self.reload();
        let [installed, runs] = [installed, format!("/proc/{}/exe", self.server.master_pid()).into()]
            .map(|path| fs::metadata(path).unwrap().ino());
        assert_eq!(installed, runs, "the new program runs");
    }
}

fn soak(toolchain: Toolchain, time: Duration) -> Figures {
    let site = Site::start(toolchain);
    site.upgrade(); // what a program holds that has taken over is compared with the same
    let (before, began) = (Holdings::of(&site.server), Instant::now());
    let traffic = Traffic::begin(&site.server.address(), &HABITS);
    let (mut reloads, mut upgrades, mut told) = (0, 0, began);
    while began.elapsed() < time || reloads < LEAST_RELOADS {
        site.reload();
        reloads += 1;
        if reloads % RELOADS_PER_UPGRADE == 0 {
            site.upgrade();
            upgrades += 1;
        }
        if told.elapsed() >= PROGRESS {
            told = Instant::now();
            eprintln!(
                "soak, {}: {} s, {} answers, {} lost, {reloads} reloads, {upgrades} upgrades",
                toolchain.name(),
                began.elapsed().as_secs(),
                traffic.answered(),
                traffic.missed(),
            );
        }
    }
    let tally = traffic.end();
    site.upgrade();
    let (server, seconds) = (&site.server, began.elapsed().as_secs());
    let started = server.lines_with(" is ready after ");
    let after = Holdings::of(server);
    if !tally.missed.is_empty() {
        eprintln!("soak: the end of the log:");
        let log = server.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(200)..].iter().for_each(|line| eprintln!("{line}"));
    }
    Figures { seconds, tally, reloads, upgrades, started, before, after, code: server.stop() }
}
