//! Settings → results: each case in rounds, in each round every contestant in turn.

mod gets;
mod run;
mod signals;

use std::time::Duration;

use crate::Outcome;
use crate::cases::{Case, Load};
use crate::contestants::Contestant;
use crate::load;
use crate::results::{Measured, Results, Round};
use crate::settings::Settings;
use run::Run;

/// Measures all that is asked for. A run that fails is noted and does not count; the others go on.
pub fn all(settings: &Settings) -> Outcome<Results> {
    load::raise_descriptor_limit(most_connections(&settings.cases))?;
    let mut results = Results::default();
    let present = prepare(settings, &mut results)?;
    eprintln!("this takes about {} min", estimate(settings, &present).as_secs().div_ceil(60));
    for case in &settings.cases {
        let contestants: Vec<_> = taking_part(case, &present).collect();
        match Run::of(case, settings.seconds) {
            Ok(run) => {
                let rounds = rounds(&run, &contestants, settings.rounds, &mut results.discarded);
                results.cases.push(Measured { case, note: run.note(), rounds });
            }
            Err(error) => discard(&mut results.discarded, format!("{}: {error}", case.name)),
        }
    }
    Ok(results)
}

/// Builds what takes part, and tells what cannot.
fn prepare(settings: &Settings, results: &mut Results) -> Outcome<Vec<Contestant>> {
    let asked = |who: &Contestant| settings.cases.iter().any(|case| case.contestants.contains(who));
    let mut present = Vec::new();
    for contestant in Contestant::ALL.into_iter().filter(asked) {
        if let Some(tool) = contestant.lacks() {
            eprintln!("skipped: {contestant}: {tool} is missing");
            results.skipped.push((contestant, tool));
        } else {
            eprintln!("preparing {contestant}");
            contestant.build()?;
            present.push(contestant);
        }
    }
    Ok(present)
}

fn rounds(run: &Run, contestants: &[Contestant], rounds: usize, discarded: &mut Vec<String>) -> Vec<Round> {
    let name = run.case.name;
    let turn = |number: usize| {
        eprintln!("{name}: round {number} of {rounds}");
        let mut round = Round::new();
        for contestant in contestants {
            match run.with(*contestant) {
                Ok(sample) => drop(round.insert(*contestant, sample)),
                Err(error) => discard(discarded, format!("{name}, round {number}, {contestant}: {error}")),
            }
        }
        round
    };
    (1..=rounds).map(turn).collect()
}

fn discard(discarded: &mut Vec<String>, why: String) {
    eprintln!("does not count: {why}");
    discarded.push(why);
}

fn taking_part(case: &Case, present: &[Contestant]) -> impl Iterator<Item = Contestant> {
    case.contestants.iter().copied().filter(|who| present.contains(who))
}

/// A rough one, for people who wait.
fn estimate(settings: &Settings, present: &[Contestant]) -> Duration {
    let turns = |case: &Case| u32::try_from(taking_part(case, present).count()).unwrap_or(u32::MAX);
    let round: Duration =
        settings.cases.iter().map(|case| run::length(case, settings.seconds) * turns(case)).sum();
    round * u32::try_from(settings.rounds).unwrap_or(u32::MAX)
}

/// That are held open beside a load.
fn most_connections(cases: &[&Case]) -> u32 {
    let connections = cases.iter().map(|case| match case.load {
        Load::Idle { connections } => connections,
        Load::Saturation { idle } => idle,
        Load::HalfSaturation | Load::Start { .. } | Load::Signals | Load::Gets | Load::Workers => 0,
    });
    connections.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::CASES;

    #[test]
    fn the_estimate_counts_every_turn() {
        let case = CASES.iter().find(|case| case.name == "latency").unwrap();
        let settings = Settings { rounds: 5, seconds: 3, cases: vec![case] };
        assert_eq!(estimate(&settings, &Contestant::ALL), run::length(case, 3) * 15);
        assert_eq!(estimate(&settings, &Contestant::ALL[..1]), run::length(case, 3) * 5);
    }

    #[test]
    fn descriptors_are_for_the_cases_asked_for() {
        let cases: Vec<_> = CASES.iter().collect();
        assert_eq!(most_connections(&cases), 8_000);
        assert_eq!(most_connections(&cases[..1]), 0);
    }
}
