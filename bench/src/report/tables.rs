//! The tables: the figures with their bars, each case, and what was left out.

use super::table::Table;
use crate::cases::Load;
use crate::contestants::Contestant;
use crate::figures::{Bar, FIGURES, Figure};
use crate::results::{Measured, Quantity, Results, Spread};

/// A column of a case's table: the heading, the quantity, how many digits, and whether it is compared with net/http.
type Column = (&'static str, Quantity, usize, bool);

const SATURATION: &[Column] = &[
    ("user µs", Quantity::User, 2, false),
    ("system µs", Quantity::System, 2, false),
    ("CPU µs/request", Quantity::Cpu, 2, true),
    ("requests/s", Quantity::Rate, 0, true),
];
const LATENCY: &[Column] = &[
    ("p50 µs", Quantity::P50, 0, true),
    ("p99 µs", Quantity::P99, 0, true),
    ("p99.9 µs", Quantity::P999, 0, true),
];
const MEMORY: &[Column] = &[("bytes/connection", Quantity::Memory, 0, true)];

const START: &[Column] = &[("ms to the first answer", Quantity::Start, 1, true)];

const SIGNAL: &[Column] = &[("µs to the handler", Quantity::Signal, 1, false)];
const GETS: &[Column] = &[
    ("Cache.Get ns", Quantity::Get, 0, false),
    ("CacheGet ns", Quantity::CacheGet, 0, false),
    ("sync.Map ns", Quantity::MapGet, 0, false),
    ("Redis ns", Quantity::RedisGet, 0, false),
    ("two workers, times one", Quantity::Scale, 2, false),
];

const WORKERS: &[Column] = &[
    ("the second worker, MiB", Quantity::SecondWorker, 1, false),
    ("each of the next two, MiB", Quantity::LaterWorkers, 1, false),
    ("shared with nobody, MiB", Quantity::Unshared, 1, false),
];

const NONE: &str = "–";

/// The figures that decide.
pub fn figures(results: &Results) -> Table {
    let mut table = Table::new(["figure", "bar", "median", "min–max", "verdict"]);
    for figure in &FIGURES {
        table.push(figure_row(figure, figure.measured(results)));
    }
    table
}

fn figure_row(figure: &Figure, measured: Option<Spread>) -> Vec<String> {
    let decimals = figure.decimals();
    let (median, range, verdict) = measured.map_or_else(
        || (NONE.to_owned(), NONE.to_owned(), "not measured"),
        |spread| {
            let verdict = if figure.bar.is_met_by(spread.median) { "met" } else { "**NOT met**" };
            (format!("{:.decimals$}", spread.median), range(spread, decimals), verdict)
        },
    );
    let bar = match figure.bar {
        Bar::AtMost(bar) => format!("≤ {bar:.decimals$}"),
        Bar::AtLeast(bar) => format!("≥ {bar:.decimals$}"),
    };
    vec![figure.title.to_owned(), bar, median, range, verdict.to_owned()]
}

/// How many bars are met, in a sentence.
pub fn verdict(results: &Results) -> String {
    let measured = FIGURES.iter().filter_map(|figure| Some((figure, figure.measured(results)?)));
    let (met, missed): (Vec<_>, Vec<_>) =
        measured.partition(|(figure, spread)| figure.bar.is_met_by(spread.median));
    let unknown = FIGURES.len() - met.len() - missed.len();
    format!("{} bars are met, {} are **NOT met**, {unknown} were not measured.", met.len(), missed.len())
}

/// A case: its heading, what there is to note, and its table.
pub fn case(measured: &Measured) -> String {
    let note = measured.note.iter().map(|note| format!("{note}\n\n")).collect::<String>();
    let (name, title, table) = (measured.case.name, measured.case.title, case_table(measured));
    format!("## {name}: {title}\n\n{note}{table}")
}

fn case_table(measured: &Measured) -> Table {
    let columns = match measured.case.load {
        Load::Saturation { .. } => SATURATION,
        Load::HalfSaturation => LATENCY,
        Load::Idle { .. } => MEMORY,
        Load::Start { .. } => START,
        Load::Signals => SIGNAL,
        Load::Gets => GETS,
        Load::Workers => WORKERS,
    };
    let heading = columns.iter().flat_map(|(heading, .., compared)| {
        std::iter::once(*heading).chain(compared.then_some("vs net/http"))
    });
    let mut table = Table::new(std::iter::once("").chain(heading));
    for contestant in Contestant::ALL.into_iter().filter(|who| measured.case.contestants.contains(who)) {
        table.push(case_row(measured, contestant, columns));
    }
    table
}

fn case_row(measured: &Measured, contestant: Contestant, columns: &[Column]) -> Vec<String> {
    let mut row = vec![contestant.to_string()];
    for (_, quantity, decimals, compared) in columns {
        let value = measured.spread(contestant, *quantity);
        row.push(value.map_or(NONE.to_owned(), |spread| format!("{:.decimals$}", spread.median)));
        if *compared {
            row.push(comparison(measured, contestant, *quantity));
        }
    }
    row
}

fn comparison(measured: &Measured, contestant: Contestant, quantity: Quantity) -> String {
    let reference = contestant.reference();
    match measured.ratios(contestant, reference, quantity) {
        Some(_) if contestant == reference => "1".to_owned(),
        Some(spread) => format!("{:.2} ({})", spread.median, range(spread, 2)),
        None => NONE.to_owned(),
    }
}

fn range(spread: Spread, decimals: usize) -> String {
    format!("{:.decimals$}–{:.decimals$}", spread.min, spread.max)
}

/// The shapes of the application; nothing if none was built.
pub fn shapes(results: &Results) -> String {
    if results.shapes.is_empty() {
        return String::new();
    }
    let mut table = Table::new(["", "file, MiB", "first answer, ms", "min–max", "memory, MiB", "min–max"]);
    for shape in &results.shapes {
        let mebibytes = |bytes: f64| bytes / f64::from(1 << 20);
        let memory = Spread {
            min: mebibytes(shape.memory.min),
            median: mebibytes(shape.memory.median),
            max: mebibytes(shape.memory.max),
        };
        #[allow(clippy::cast_precision_loss, reason = "no file is that long")]
        let size = mebibytes(shape.size as f64);
        table.push(vec![
            shape.title.to_owned(),
            format!("{size:.1}"),
            format!("{:.1}", shape.start.median),
            range(shape.start, 1),
            format!("{:.1}", memory.median),
            range(memory, 1),
        ]);
    }
    format!("\n## shapes: one worker, from the start of the process to its first answer\n\n{table}")
}

/// Who did not take part, and which runs do not count.
pub fn left_out(results: &Results) -> String {
    let mut text = String::new();
    if !results.skipped.is_empty() {
        text += "\n## Not on this machine\n\n";
        text.extend(results.skipped.iter().map(|(who, tool)| format!("- {who}: {tool} is missing\n")));
    }
    if !results.discarded.is_empty() {
        text += "\n## Runs that do not count\n\n";
        text.extend(results.discarded.iter().map(|why| format!("- {}\n", why.trim().replace('\n', "\n  "))));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::CASES;
    use crate::contestants::Toolchain::Go;
    use crate::results::{Round, Sample};

    fn results(ours: f64) -> Results {
        let sample = |cpu: f64| Sample::from([(Quantity::Cpu, cpu), (Quantity::Rate, 1e4)]);
        let (net_http, goherd) = (Contestant::NetHttp(Go), Contestant::Goherd(Go));
        let rounds = vec![Round::from([(net_http, sample(10.0)), (goherd, sample(ours))])];
        Results { cases: vec![Measured { case: &CASES[0], note: None, rounds }], ..Results::default() }
    }

    #[test]
    fn a_verdict_is_plain() {
        let row = |ours| figure_row(&FIGURES[0], FIGURES[0].measured(&results(ours)))[1..].join(" ");
        assert_eq!(row(5.0), "≤ 0.55 0.50 0.50–0.50 met");
        assert_eq!(row(6.0), "≤ 0.55 0.60 0.60–0.60 **NOT met**");
        assert_eq!(verdict(&results(6.0)), "0 bars are met, 1 are **NOT met**, 12 were not measured.");
        assert!(figure_row(&FIGURES[0], None).join(" ").ends_with("– – not measured"));
    }

    #[test]
    fn a_case_shows_medians_and_ratios() {
        let row = |who| case_row(&results(5.0).cases[0], who, SATURATION).join(" ");
        assert_eq!(row(Contestant::NetHttp(Go)), "net/http – – 10.00 1 10000 1");
        assert_eq!(row(Contestant::Goherd(Go)), "Goherd – – 5.00 0.50 (0.50–0.50) 10000 1.00 (1.00–1.00)");
        assert_eq!(row(Contestant::Nginx), "nginx return 200 – – – – – –");
    }

    #[test]
    fn what_was_left_out_is_named() {
        assert_eq!(left_out(&Results::default()), "");
        let skipped = vec![(Contestant::Nginx, "nginx")];
        let text = left_out(&Results { skipped, discarded: vec!["a\nb".to_owned()], ..Results::default() });
        assert!(
            text.contains("- nginx return 200: nginx is missing\n") && text.contains("- a\n  b\n"),
            "{text}"
        );
    }
}
