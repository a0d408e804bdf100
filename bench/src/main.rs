//! `make bench`: CPU time, throughput, latency and memory of Goherd, beside net/http, nginx and a bare epoll loop.
//!
//! In: the environment variables that `--help` lists. Out: tables on stdout, progress on stderr, and docs/benchmarks.md
//! with its plot. Machines are shared and noisy, so contestants take turns (A B A B …), what counts is the ratio within
//! each round, and of the ratios the median.

#![forbid(unsafe_code)]

mod cases;
mod contestants;
mod figures;
mod http;
mod load;
mod measure;
mod places;
mod processes;
mod report;
mod results;
mod settings;

use std::error::Error;
use std::process::ExitCode;

use settings::Settings;

/// What goes wrong is told as a sentence.
type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        [] => bench(),
        [contestants::floor::SUBCOMMAND, answer] => contestants::floor::serve(answer),
        ["--help" | "-h"] => {
            print!("{}", settings::help());
            Ok(())
        }
        _ => Err("there are no arguments but --help: environment variables say what is measured".into()),
    };
    outcome.map_or_else(
        |error| {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

fn bench() -> Outcome<()> {
    let settings = Settings::from_environment()?;
    let machine = report::machine::describe(&settings)?;
    let mut results = measure::all(&settings)?;
    results.shapes = contestants::shapes::measure(settings.rounds)?;
    println!("{}", report::tables(&results));
    report::write(&settings, &machine, &results)
}
