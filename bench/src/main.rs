//! CPU time per request: the same handler, built by the same Go, in one worker of Goherd and under plain net/http.
//!
//! In: `BENCH_PAIRS` (how many pairs of runs, default 5) and `BENCH_SECONDS` (how long a run is, default 3). Out: a
//! table. The machines that this runs on are shared and noisy, so contestants take turns (A B A B …), what counts is the
//! ratio of each pair, and of the ratios the median.

#![forbid(unsafe_code)]

mod contestant;
mod load;
mod table;

use std::error::Error;

use contestant::Contestant;
use load::{Load, Run};

/// What goes wrong in a benchmark is told and ends it.
type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let pairs = number("BENCH_PAIRS", 5)?;
    let load = Load { connections: 64, seconds: number("BENCH_SECONDS", 3)? };
    let apps = contestant::build()?;
    let net_http = Contestant::net_http(&apps)?;
    let goherd = Contestant::goherd(&apps)?;
    println!(
        "hello, {} keep-alive connections, {} s a run, {pairs} pairs, {} cores, {}",
        load.connections,
        load.seconds,
        std::thread::available_parallelism()?,
        apps.go_version
    );
    for contestant in [&net_http, &goherd] {
        load.warm_up(contestant)?;
    }
    let mut runs: Vec<(Run, Run)> = Vec::new();
    for pair in 1..=pairs {
        eprintln!("pair {pair} of {pairs}");
        runs.push((load.run(&net_http)?, load.run(&goherd)?));
    }
    println!("{}", table::render(&runs));
    Ok(())
}

fn number(variable: &str, default: u64) -> Outcome<u64> {
    match std::env::var(variable) {
        Err(_) => Ok(default),
        Ok(text) => text.parse().map_err(|_| format!("{variable}={text}: expected a whole number").into()),
    }
}
