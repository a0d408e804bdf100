//! What is asked for: environment variables → `Settings`.

use std::env;
use std::fmt::Write;

use crate::Outcome;
use crate::cases::{CASES, Case};

/// Medians of fewer rounds, or of shorter runs, are not worth publishing.
const ENOUGH_ROUNDS: usize = 5;
const ENOUGH_SECONDS: u64 = 3;

/// How much is measured.
pub struct Settings {
    /// How many times each contestant has its turn.
    pub rounds: usize,
    /// Length of a run.
    pub seconds: u64,
    /// In the order of the table of cases.
    pub cases: Vec<&'static Case>,
}

impl Settings {
    /// Reads `BENCH_PAIRS`, `BENCH_SECONDS` and `BENCH_CASES`.
    pub fn from_environment() -> Outcome<Self> {
        Ok(Self {
            rounds: usize::try_from(number("BENCH_PAIRS", 5)?)?,
            seconds: number("BENCH_SECONDS", 3)?,
            cases: env::var("BENCH_CASES")
                .map_or_else(|_| Ok(CASES.iter().collect()), |names| select(&names))?,
        })
    }

    /// Whether the outcome may stand in docs/.
    pub fn is_whole(&self) -> bool {
        self.rounds >= ENOUGH_ROUNDS && self.seconds >= ENOUGH_SECONDS && self.cases.len() == CASES.len()
    }
}

/// The text of `--help`.
pub fn help() -> String {
    let mut text = String::from(
        "Measures Goherd beside net/http, nginx and a bare epoll loop. Environment variables:

  BENCH_PAIRS=5      how many rounds; in each, every contestant has its turn
  BENCH_SECONDS=3    how long a run is
  BENCH_CASES=all    some cases only, separated by commas
  GOHERD_BIN=FILE    the server to measure, in place of target/release/goherd

All cases with these pairs and seconds, or more, write docs/benchmarks.md; less writes target/bench/benchmarks.md.

Cases:
",
    );
    for case in &CASES {
        let _to_a_string = writeln!(text, "  {:<10} {}", case.name, case.title);
    }
    text
}

fn number(variable: &str, default: u64) -> Outcome<u64> {
    let Ok(text) = env::var(variable) else { return Ok(default) };
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("{variable}={text}: expected a whole number of at least 1").into()),
    }
}

fn select(names: &str) -> Outcome<Vec<&'static Case>> {
    let names: Vec<_> = names.split(',').map(str::trim).collect();
    match names.iter().find(|name| CASES.iter().all(|case| case.name != **name)) {
        Some(name) => Err(format!("BENCH_CASES: there is no case {name:?}; --help lists them").into()),
        None => Ok(CASES.iter().filter(|case| names.contains(&case.name)).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_selected_in_their_own_order() {
        let chosen: Vec<_> = select("memory, hello").unwrap().iter().map(|case| case.name).collect();
        assert_eq!(chosen, ["hello", "memory"]);
        assert!(select("helo").is_err_and(|error| error.to_string().contains("helo")));
    }

    #[test]
    fn only_a_whole_run_may_stand_in_docs() {
        let is_whole = |rounds, seconds, cases: &str| {
            Settings { rounds, seconds, cases: select(cases).unwrap() }.is_whole()
        };
        let all = CASES.each_ref().map(|case| case.name).join(",");
        assert!(is_whole(5, 3, &all));
        assert!(!is_whole(4, 3, &all) && !is_whole(5, 2, &all) && !is_whole(5, 3, "hello"));
    }

    #[test]
    fn help_lists_every_case() {
        let help = help();
        assert!(CASES.iter().all(|case| help.contains(case.name) && help.contains(case.title)), "{help}");
    }
}
