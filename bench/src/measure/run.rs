//! One run: a fresh server, a warm-up, the load → a sample.

use std::thread;
use std::time::Duration;

use crate::cases::{Case, Load};
use crate::contestants::{Contestant, Server, Toolchain};
use crate::load::{Count, Herd, constant_rate, saturate};
use crate::measure::{gets, signals};
use crate::results::{Quantity, Sample, Spread};
use crate::{Outcome, processes};

/// wrk knows no shorter one.
const WARM_UP_SECONDS: u64 = 1;
/// What a server takes to start and to end.
const AROUND: Duration = Duration::from_millis(300);
/// Before memory is looked at: time for a garbage collector to return what it does not need.
const SETTLE: Duration = Duration::from_secs(2);
/// Come and go before memory is first looked at, so that what a server needs once is not counted per connection.
const PATHFINDERS: u32 = 64;

/// What all runs of a case have in common.
pub struct Run {
    /// Which one.
    pub case: &'static Case,
    seconds: u64,
    /// Requests per second, where the load is a constant rate.
    rate: Option<f64>,
}

/// How long a run takes, about.
pub fn length(case: &Case, seconds: u64) -> Duration {
    match case.load {
        Load::Idle { .. } => SETTLE * 2 + AROUND * 4,
        Load::Start { times } => AROUND / 2 * times,
        Load::Signals => Duration::from_secs(seconds) + AROUND,
        Load::Gets => Duration::from_secs(seconds) + AROUND * 3,
        Load::Workers => (SETTLE + AROUND) * 3,
        Load::Saturation { .. } | Load::HalfSaturation => {
            Duration::from_secs(WARM_UP_SECONDS + seconds) + AROUND
        }
    }
}

impl Run {
    /// Finds out the rate, if the load has one.
    pub fn of(case: &'static Case, seconds: u64) -> Outcome<Self> {
        let mut run = Self { case, seconds, rate: None };
        if case.load == Load::HalfSaturation {
            let net_http = run.warm_server(Contestant::NetHttp(Toolchain::Go))?;
            run.rate = Some(run.wrk(&net_http, seconds)?.rate / 2.0);
        }
        Ok(run)
    }

    /// What a reader should know beside the numbers.
    pub fn note(&self) -> Option<String> {
        self.rate.map(|rate| format!("The rate is {rate:.0} requests per second, on 64 connections."))
    }

    /// With one contestant.
    pub fn with(&self, contestant: Contestant) -> Outcome<Sample> {
        match self.case.load {
            Load::Saturation { idle } => self.saturation(&self.warm_server(contestant)?, idle),
            Load::HalfSaturation => self.latency(&self.warm_server(contestant)?),
            Load::Idle { connections } => self.memory(&contestant.start(self.case)?, connections),
            Load::Start { times } => self.starts(contestant, times),
            Load::Signals => signals::measure(&contestant.start(self.case)?, self.seconds),
            Load::Gets => gets::measure(&contestant.start(self.case)?, self.seconds),
            Load::Workers => self.workers(contestant),
        }
    }

    fn warm_server(&self, contestant: Contestant) -> Outcome<Server> {
        let server = contestant.start(self.case)?;
        self.wrk(&server, WARM_UP_SECONDS)?;
        Ok(server)
    }

    fn wrk(&self, server: &Server, seconds: u64) -> Outcome<Count> {
        let request = &self.case.request;
        saturate(&server.url(request.path), request, self.case.workers, seconds)
    }

    fn saturation(&self, server: &Server, idle: u32) -> Outcome<Sample> {
        let _herd = Herd::open(server.address, &self.case.request, idle)?;
        let pids = server.processes()?;
        let before = processes::cpu_time(&pids)?;
        let count = self.wrk(server, self.seconds)?;
        let after = processes::cpu_time(&pids)?;
        let per_request = |seconds: f64| seconds * 1e6 / count.requests;
        let (user, system) =
            (per_request(after.user - before.user), per_request(after.system - before.system));
        Ok(Sample::from([
            (Quantity::User, user),
            (Quantity::System, system),
            (Quantity::Cpu, user + system),
            (Quantity::Rate, count.rate),
        ]))
    }

    fn latency(&self, server: &Server) -> Outcome<Sample> {
        let rate = self.rate.ok_or("no rate was found")?;
        let length = Duration::from_secs(self.seconds);
        let latencies = constant_rate(server.address, &self.case.request, rate, length)?;
        let at = |quantile| u32::try_from(latencies.value_at_quantile(quantile)).map(f64::from);
        Ok(Sample::from([
            (Quantity::P50, at(0.5)?),
            (Quantity::P99, at(0.99)?),
            (Quantity::P999, at(0.999)?),
        ]))
    }

    fn starts(&self, contestant: Contestant, times: u32) -> Outcome<Sample> {
        let start = |_| Ok(contestant.time_to_first_answer(self.case)?.as_secs_f64() * 1e3);
        let times = (0..times).map(start).collect::<Outcome<Vec<f64>>>()?;
        let spread = Spread::of(times.into_iter()).ok_or("it was never started")?;
        Ok(Sample::from([(Quantity::Start, spread.median)]))
    }

    fn workers(&self, contestant: Contestant) -> Outcome<Sample> {
        const MEBIBYTE: f64 = 1_048_576.0;
        let (mut sizes, mut unshared) = ([0.0; 3], 0.0);
        for (size, count) in sizes.iter_mut().zip([1, 2, 4]) {
            let server = contestant.start_with(count, self.case)?;
            drop(Herd::open(server.address, &self.case.request, PATHFINDERS)?);
            thread::sleep(SETTLE);
            let pids = server.processes()?;
            *size = processes::anonymous(&pids)? / MEBIBYTE;
            unshared = processes::unshared(*pids.last().ok_or("there is no worker")?)? / MEBIBYTE;
        }
        let [one, two, four] = sizes;
        Ok(Sample::from([
            (Quantity::SecondWorker, two - one),
            (Quantity::LaterWorkers, (four - two) / 2.0),
            (Quantity::Unshared, unshared),
        ]))
    }

    fn memory(&self, server: &Server, connections: u32) -> Outcome<Sample> {
        let request = &self.case.request;
        drop(Herd::open(server.address, request, PATHFINDERS)?);
        let before = settled_memory(server)?;
        let _herd = Herd::open(server.address, request, connections)?;
        let after = settled_memory(server)?;
        Ok(Sample::from([(Quantity::Memory, (after - before) / f64::from(connections))]))
    }
}

fn settled_memory(server: &Server) -> Outcome<f64> {
    thread::sleep(SETTLE);
    processes::memory(&server.processes()?)
}
