//! The figures that decide, each with its bar.

use crate::contestants::Contestant::{self, Goherd, NetHttp, Nginx};
use crate::contestants::Toolchain::{Gccgo, Go};
use crate::results::{Quantity, Results, Spread};

/// One figure: Goherd's value of a quantity, or its ratio to another's, against a bar.
pub struct Figure {
    /// For people.
    pub title: &'static str,
    case: &'static str,
    quantity: Quantity,
    ours: Contestant,
    theirs: Option<Contestant>,
    /// What it must reach.
    pub bar: Bar,
}

/// What a figure must reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bar {
    /// This, or less.
    AtMost(f64),
    /// This, or more.
    AtLeast(f64),
}

const fn cpu(title: &'static str, ours: Contestant, theirs: Contestant, bar: f64) -> Figure {
    Figure {
        title,
        case: "hello",
        quantity: Quantity::Cpu,
        ours,
        theirs: Some(theirs),
        bar: Bar::AtMost(bar),
    }
}

const fn rate(title: &'static str, case: &'static str, bar: f64) -> Figure {
    let theirs = Some(NetHttp(Go));
    Figure { title, case, quantity: Quantity::Rate, ours: Goherd(Go), theirs, bar: Bar::AtLeast(bar) }
}

const fn memory(title: &'static str, ours: Contestant) -> Figure {
    Figure { title, case: "memory", quantity: Quantity::Memory, ours, theirs: None, bar: Bar::AtMost(1024.0) }
}

const fn get(title: &'static str, ours: Contestant) -> Figure {
    Figure { title, case: "cache", quantity: Quantity::Get, ours, theirs: None, bar: Bar::AtMost(300.0) }
}

/// All of them.
pub const FIGURES: [Figure; 13] = [
    cpu("CPU per request, hello, one worker, vs net/http", Goherd(Go), NetHttp(Go), 0.55),
    cpu("the same with gccgo, vs net/http built with gccgo", Goherd(Gccgo), NetHttp(Gccgo), 0.35),
    cpu("CPU per request vs nginx `return 200`", Goherd(Go), Nginx, 1.3),
    rate("requests/s, hello, all cores, vs net/http", "cores", 1.5),
    Figure {
        title: "p99 latency at half of net/http's saturation rate, vs net/http",
        case: "latency",
        quantity: Quantity::P99,
        ours: Goherd(Go),
        theirs: Some(NetHttp(Go)),
        bar: Bar::AtMost(1.0),
    },
    memory("bytes of memory per idle connection, over 8 000", Goherd(Go)),
    memory("the same with gccgo", Goherd(Gccgo)),
    rate("1 MiB download, throughput vs net/http", "download", 1.0),
    rate("64 KiB upload, throughput vs net/http", "upload", 1.0),
    Figure {
        title: "milliseconds from the start of the server to its first answer, one worker",
        case: "start",
        quantity: Quantity::Start,
        ours: Goherd(Go),
        theirs: None,
        bar: Bar::AtMost(50.0),
    },
    get("nanoseconds for a get of 100 bytes from a cache, in a handler", Goherd(Go)),
    get("the same with gccgo", Goherd(Gccgo)),
    Figure {
        title: "gets of two workers at once, vs one worker",
        case: "cache",
        quantity: Quantity::Scale,
        ours: Goherd(Go),
        theirs: None,
        bar: Bar::AtLeast(1.8),
    },
];

impl Figure {
    /// What was measured, if it was.
    pub fn measured(&self, results: &Results) -> Option<Spread> {
        let case = results.case(self.case)?;
        match self.theirs {
            Some(theirs) => case.ratios(self.ours, theirs, self.quantity),
            None => case.spread(self.ours, self.quantity),
        }
    }

    /// Digits after the point.
    pub fn decimals(&self) -> usize {
        match (self.theirs, self.quantity) {
            (Some(_), _) | (None, Quantity::Scale) => 2,
            (None, Quantity::Start) => 1,
            (None, _) => 0,
        }
    }
}

impl Bar {
    /// Whether a median reaches it.
    pub fn is_met_by(self, median: f64) -> bool {
        match self {
            Self::AtMost(bar) => median <= bar,
            Self::AtLeast(bar) => median >= bar,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::CASES;
    use crate::results::{Measured, Round, Sample};

    #[test]
    fn every_figure_is_of_a_case_that_has_both_sides() {
        for figure in &FIGURES {
            let case = CASES.iter().find(|case| case.name == figure.case).unwrap();
            let sides = std::iter::once(figure.ours).chain(figure.theirs);
            assert!(sides.into_iter().all(|side| case.contestants.contains(&side)), "{}", figure.title);
        }
    }

    #[test]
    fn bars_include_their_own_value() {
        assert!(Bar::AtMost(0.55).is_met_by(0.55) && !Bar::AtMost(0.55).is_met_by(0.56));
        assert!(Bar::AtLeast(1.5).is_met_by(1.5) && !Bar::AtLeast(1.5).is_met_by(1.49));
    }

    #[test]
    fn what_was_not_measured_has_no_value() {
        assert!(FIGURES.iter().all(|figure| figure.measured(&Results::default()).is_none()));
    }

    #[test]
    fn ratios_and_absolute_values() {
        let sample = |value: f64| Sample::from([(Quantity::Cpu, value), (Quantity::Memory, value)]);
        let rounds = vec![Round::from([(Goherd(Go), sample(4.0)), (NetHttp(Go), sample(8.0))])];
        let cases = ["hello", "memory"].map(|name| {
            let case = CASES.iter().find(|case| case.name == name).unwrap();
            Measured { case, note: None, rounds: rounds.clone() }
        });
        let results = Results { cases: cases.into(), ..Results::default() };
        assert_eq!(FIGURES[0].measured(&results).unwrap().median, 0.5);
        assert_eq!(FIGURES[5].measured(&results).unwrap().median, 4.0);
    }
}
