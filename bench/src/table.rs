//! The table that is printed.

use std::fmt::Write;

use crate::load::Run;

type Figure = fn(&Run) -> f64;

const FIGURES: [(&str, Figure); 4] = [
    ("CPU µs per request", Run::cpu),
    ("  user", |run| run.user),
    ("  system", |run| run.system),
    ("requests per second", |run| run.rate),
];

/// Medians of both contestants (net/http first in each pair), and of the ratios.
pub fn render(pairs: &[(Run, Run)]) -> String {
    let mut table =
        String::from("                         net/http    goherd    ratio (median of pairs, min–max)\n");
    for (name, figure) in FIGURES {
        let of = |side: fn(&(Run, Run)) -> Run| sorted(pairs.iter().map(|pair| figure(&side(pair))));
        let (net_http, goherd) = (of(|pair| pair.0), of(|pair| pair.1));
        let ratios = sorted(pairs.iter().map(|pair| figure(&pair.1) / figure(&pair.0)));
        let _to_a_string = writeln!(
            table,
            "{name:<22} {:>10.2} {:>9.2}    {:.2}  ({:.2}–{:.2})",
            median(&net_http),
            median(&goherd),
            median(&ratios),
            ratios.first().copied().unwrap_or(f64::NAN),
            ratios.last().copied().unwrap_or(f64::NAN)
        );
    }
    table
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match sorted {
        [] => f64::NAN,
        _ if sorted.len() % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_ratios() {
        let run = |cpu: f64| Run { user: cpu / 2.0, system: cpu / 2.0, rate: 100.0 };
        let table = render(&[(run(10.0), run(5.0)), (run(20.0), run(12.0)), (run(10.0), run(9.0))]);
        assert!(table.contains("10.00      9.00    0.60  (0.50–0.90)"), "{table}");
        assert!(median(&[]).is_nan());
        assert!((median(&[1.0, 2.0]) - 1.5).abs() < 1e-9);
    }
}
