//! What is measured: one table of cases, each with its load and those who take part.

use crate::contestants::Contestant::{self, Floor, Goherd, NetHttp, Nginx};
use crate::contestants::Toolchain::{Gccgo, Go};

/// One line of the benchmark.
pub struct Case {
    /// For `BENCH_CASES`.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// What every run puts on a server.
    pub load: Load,
    /// What is asked for.
    pub request: Request,
    /// How many workers Goherd has. net/http takes all cores always.
    pub workers: Workers,
    /// Who takes part, in the order of their turns.
    pub contestants: &'static [Contestant],
}

/// The shape of a load.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// wrk, as fast as it goes, beside so many connections that are open and silent.
    Saturation {
        /// The silent ones.
        idle: u32,
    },
    /// A constant rate: half of what saturates net/http.
    HalfSaturation,
    /// One request, as soon as the server is started, so many times.
    Start {
        /// How many.
        times: u32,
    },
    /// A handler raises signals, one after another.
    Signals,
    /// Handlers get values from caches, as fast as it goes.
    Gets,
    /// None: servers of one, two and four workers that have each answered once.
    Workers,
    /// So many connections that have each made one request, and stay.
    Idle {
        /// How many.
        connections: u32,
    },
}

/// A request, and what tells that its answer is right.
#[derive(Clone, Copy)]
pub struct Request {
    /// The path of the URL.
    pub path: &'static str,
    /// Fields beside Host.
    pub fields: &'static [&'static str],
    /// Length of the body; `wrk_script` must send the same.
    pub body: usize,
    /// A Lua file in bench/wrk.
    pub wrk_script: Option<&'static str>,
    /// Length of the answer's body.
    pub answer: usize,
}

/// How many processes Goherd serves with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Workers {
    /// One.
    One,
    /// Two.
    Two,
    /// As many as there are cores.
    AllCores,
}

/// As a line of a request's head.
pub const CLOSE: &str = "Connection: close";

const GO_APPS: &[Contestant] = &[NetHttp(Go), Goherd(Go), NetHttp(Gccgo), Goherd(Gccgo)];
const ALL: &[Contestant] = &[NetHttp(Go), Goherd(Go), Nginx, Floor, NetHttp(Gccgo), Goherd(Gccgo)];

const SATURATION: Load = Load::Saturation { idle: 0 };
const HELLO: Request = Request { path: "/hello", fields: &[], body: 0, wrk_script: None, answer: 14 };

/// All cases, in the order of the report.
pub const CASES: [Case; 13] = [
    Case {
        name: "hello",
        title: "a short answer",
        load: SATURATION,
        request: HELLO,
        workers: Workers::One,
        contestants: ALL,
    },
    Case {
        name: "json",
        title: "10 header fields in and out, and a JSON document",
        load: SATURATION,
        request: Request { path: "/json", fields: TEN_FIELDS, answer: 60, ..HELLO },
        workers: Workers::One,
        contestants: GO_APPS,
    },
    Case {
        name: "close",
        title: "a connection per request",
        load: SATURATION,
        request: Request { fields: &[CLOSE], ..HELLO },
        workers: Workers::One,
        contestants: ALL,
    },
    Case {
        name: "idle",
        title: "1 000 idle connections beside the 64 busy ones",
        load: Load::Saturation { idle: 1_000 },
        request: HELLO,
        workers: Workers::One,
        contestants: ALL,
    },
    Case {
        name: "upload",
        title: "64 KiB up, all cores",
        load: SATURATION,
        request: Request {
            path: "/upload",
            body: 64 << 10,
            wrk_script: Some("upload.lua"),
            answer: 6,
            ..HELLO
        },
        workers: Workers::AllCores,
        contestants: GO_APPS,
    },
    Case {
        name: "download",
        title: "1 MiB down, all cores",
        load: SATURATION,
        request: Request { path: "/download", answer: 1 << 20, ..HELLO },
        workers: Workers::AllCores,
        contestants: GO_APPS,
    },
    Case {
        name: "cores",
        title: "a short answer, all cores",
        load: SATURATION,
        request: HELLO,
        workers: Workers::AllCores,
        contestants: GO_APPS,
    },
    Case {
        name: "latency",
        title: "latency at half of net/http's saturation rate, all cores",
        load: Load::HalfSaturation,
        request: HELLO,
        workers: Workers::AllCores,
        contestants: &[NetHttp(Go), Goherd(Go), Floor],
    },
    Case {
        name: "memory",
        title: "memory per idle connection, over 8 000",
        load: Load::Idle { connections: 8_000 },
        request: HELLO,
        workers: Workers::One,
        contestants: &[NetHttp(Go), Goherd(Go), Nginx, NetHttp(Gccgo), Goherd(Gccgo)],
    },
    Case {
        name: "start",
        title: "from the start of the server to its first answer, median of 20 starts",
        load: Load::Start { times: 20 },
        request: HELLO,
        workers: Workers::One,
        contestants: GO_APPS,
    },
    Case {
        name: "signal",
        title: "from raising a signal in a handler to the signal's own handler, in the same worker",
        load: Load::Signals,
        request: HELLO,
        workers: Workers::One,
        contestants: &[Goherd(Go), Goherd(Gccgo)],
    },
    Case {
        name: "cache",
        title: "a get of 100 bytes in a handler: from the server's cache, a sync.Map, Redis on a unix socket",
        load: Load::Gets,
        request: HELLO,
        workers: Workers::Two,
        contestants: &[Goherd(Go), Goherd(Gccgo)],
    },
    Case {
        name: "workers",
        title: "memory that a worker adds",
        load: Load::Workers,
        request: HELLO,
        workers: Workers::One,
        contestants: &[Goherd(Go), Goherd(Gccgo)],
    },
];

const TEN_FIELDS: &[&str] = &[
    "X-In-0: text/html,application/xhtml+xml",
    "X-In-1: en-GB,en;q=0.5",
    "X-In-2: gzip, deflate, br",
    "X-In-3: Mozilla/5.0 (X11; Linux x86_64)",
    "X-In-4: session=0123456789abcdef",
    "X-In-5: 192.0.2.1, 198.51.100.7",
    "X-In-6: https",
    "X-In-7: no-cache",
    "X-In-8: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "X-In-9: 10",
];

impl Request {
    /// Whether each request has a connection of its own.
    pub fn closes(&self) -> bool {
        self.fields.contains(&CLOSE)
    }
}

impl Workers {
    /// As a number of processes.
    pub fn count(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::AllCores => cores(),
        }
    }

    /// How many threads of wrk press: half of the cores that the servers have, so that wrk is not what is measured.
    pub fn wrk_threads(self) -> usize {
        (self.count() / 2).max(1)
    }
}

/// How many cores this machine has.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}
