//! What was measured: cases → rounds → one sample of each contestant. And what is read from it: medians.

use std::collections::BTreeMap;

use crate::cases::Case;
use crate::contestants::{Contestant, shapes};

/// What a run can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quantity {
    /// CPU time of the server per request, in its own code, µs.
    User,
    /// The same, in the kernel.
    System,
    /// The sum of both.
    Cpu,
    /// Requests per second.
    Rate,
    /// Median latency, µs.
    P50,
    /// What 99 of 100 requests stay below, µs.
    P99,
    /// What 999 of 1 000 requests stay below, µs.
    P999,
    /// Memory per connection, bytes.
    Memory,
    /// From the start of the server to its first answer, ms.
    Start,
    /// From raising a signal to its handler, µs.
    Signal,
    /// A get by `Cache.Get`, ns.
    Get,
    /// A get by `CacheGet`, ns.
    CacheGet,
    /// A get from a `sync.Map`, ns.
    MapGet,
    /// A get from Redis, ns.
    RedisGet,
    /// How many times as many gets two workers make as one.
    Scale,
    /// What a second worker adds, MiB.
    SecondWorker,
    /// What each of the third and the fourth adds, MiB.
    LaterWorkers,
    /// What the processes of a worker share with nobody, MiB.
    Unshared,
}

/// One run of one contestant.
pub type Sample = BTreeMap<Quantity, f64>;

/// A turn of each contestant. One whose run did not count is missing.
pub type Round = BTreeMap<Contestant, Sample>;

/// All rounds of a case.
pub struct Measured {
    /// Which one.
    pub case: &'static Case,
    /// What there is to know beside the numbers.
    pub note: Option<String>,
    /// In their order.
    pub rounds: Vec<Round>,
}

/// A whole benchmark.
#[derive(Default)]
pub struct Results {
    /// In the order of the table of cases.
    pub cases: Vec<Measured>,
    /// Contestants that this machine cannot run, with the tool that is missing.
    pub skipped: Vec<(Contestant, &'static str)>,
    /// The shapes that this machine can build.
    pub shapes: Vec<shapes::Figures>,
    /// Runs that do not count, and why.
    pub discarded: Vec<String>,
}

/// The median of some values, and how far they spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The least.
    pub min: f64,
    /// The one in the middle.
    pub median: f64,
    /// The greatest.
    pub max: f64,
}

impl Results {
    /// What was measured of the case with this name.
    pub fn case(&self, name: &str) -> Option<&Measured> {
        self.cases.iter().find(|measured| measured.case.name == name)
    }
}

impl Measured {
    /// Of all rounds; `None` where there is no run that counts.
    pub fn spread(&self, contestant: Contestant, quantity: Quantity) -> Option<Spread> {
        Spread::of(self.rounds.iter().filter_map(|round| value(round, contestant, quantity)))
    }

    /// Ratios within each round.
    pub fn ratios(&self, ours: Contestant, theirs: Contestant, quantity: Quantity) -> Option<Spread> {
        Spread::of(
            self.rounds
                .iter()
                .filter_map(|round| Some(value(round, ours, quantity)? / value(round, theirs, quantity)?)),
        )
    }
}

fn value(round: &Round, contestant: Contestant, quantity: Quantity) -> Option<f64> {
    round.get(&contestant)?.get(&quantity).copied()
}

impl Spread {
    /// `None` of no values.
    pub fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<_> = values.collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        Some(Self { min, median: f64::midpoint(low, high), max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::CASES;
    use crate::contestants::Toolchain::Go;

    const OURS: Contestant = Contestant::Goherd(Go);
    const THEIRS: Contestant = Contestant::NetHttp(Go);

    #[test]
    fn medians() {
        let median = |values: &[f64]| Spread::of(values.iter().copied()).map(|spread| spread.median);
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[2.0]), Some(2.0));
        assert_eq!(median(&[3.0, 1.0]), Some(2.0));
        assert_eq!(median(&[9.0, 1.0, 2.0]), Some(2.0));
    }

    #[test]
    fn ratios_are_of_the_same_round() {
        let round = |ours: f64, theirs: f64| {
            let sample = |cpu| Sample::from([(Quantity::Cpu, cpu)]);
            Round::from([(OURS, sample(ours)), (THEIRS, sample(theirs))])
        };
        let rounds = vec![round(5.0, 10.0), round(12.0, 20.0), round(9.0, 10.0)];
        let measured = Measured { case: &CASES[0], note: None, rounds };
        let spread = Spread { min: 0.5, median: 0.6, max: 0.9 };
        assert_eq!(measured.ratios(OURS, THEIRS, Quantity::Cpu), Some(spread));
        assert_eq!(measured.ratios(OURS, THEIRS, Quantity::Rate), None);
    }

    #[test]
    fn a_round_with_one_side_only_has_no_ratio() {
        let alone = Round::from([(OURS, Sample::from([(Quantity::Cpu, 1.0)]))]);
        let measured = Measured { case: &CASES[0], note: None, rounds: vec![alone] };
        assert_eq!(measured.ratios(OURS, THEIRS, Quantity::Cpu), None);
    }
}
