//! The plot: CPU time per request, as a share of net/http's, a group of bars for each case.

use plotters::prelude::*;

use crate::Outcome;
use crate::contestants::{Contestant, Toolchain};
use crate::results::{Measured, Quantity, Results};

const SIZE: (u32, u32) = (960, 420);
/// Of the space between two groups' middles, what the bars of a group take.
const GROUP: f64 = 0.8;
/// The legend's share of the width, compared with that of the groups.
const LEGEND: f64 = 0.2;
const REFERENCE: Contestant = Contestant::NetHttp(Toolchain::Go);

struct Bar {
    left: f64,
    right: f64,
    height: f64,
}

/// As SVG.
pub fn render(results: &Results) -> Outcome<String> {
    let cases: Vec<_> =
        results.cases.iter().filter(|measured| share(measured, REFERENCE).is_some()).collect();
    let mut svg = String::new();
    draw(&SVGBackend::with_string(&mut svg, SIZE).into_drawing_area(), &cases)
        .map_err(|error| format!("the plot: {error}"))?;
    Ok(svg)
}

fn draw<'a, B: DrawingBackend + 'a>(
    area: &DrawingArea<B, plotters::coord::Shift>,
    cases: &[&Measured],
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    area.fill(&WHITE)?;
    let names = |x: &f64| name_at(cases, *x);
    let mut chart = ChartBuilder::on(area)
        .caption("CPU time per request, net/http with standard Go = 1", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(28)
        .y_label_area_size(44)
        .build_cartesian_2d(-0.5..right_end(cases), 0.0..highest(cases) * 1.1)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .axis_style(TRANSPARENT)
        .max_light_lines(1)
        .x_labels(2 * cases.len())
        .x_label_formatter(&names)
        .draw()?;
    for contestant in Contestant::ALL {
        let style = colour(contestant).filled();
        let bars = bars(cases, contestant).into_iter();
        let drawn = bars.map(|bar| Rectangle::new([(bar.left, 0.0), (bar.right, bar.height)], style));
        let key = move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], style);
        chart.draw_series(drawn)?.label(contestant.to_string()).legend(key);
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .draw()
}

fn share(measured: &Measured, contestant: Contestant) -> Option<f64> {
    measured.ratios(contestant, REFERENCE, Quantity::Cpu).map(|spread| spread.median)
}

fn bars(cases: &[&Measured], contestant: Contestant) -> Vec<Bar> {
    let middles = (0..).map(f64::from);
    let bar = |(middle, measured): (f64, &&Measured)| {
        let members = || Contestant::ALL.into_iter().filter(|who| share(measured, *who).is_some());
        let place = members().position(|who| who == contestant)?;
        let (place, members) =
            (f64::from(u32::try_from(place).ok()?), f64::from(u32::try_from(members().count()).ok()?));
        let width = GROUP / members;
        let left = middle - GROUP / 2.0 + place * width;
        Some(Bar { left, right: left + width, height: share(measured, contestant)? })
    };
    middles.zip(cases).filter_map(bar).collect()
}

/// Behind the last group, with room for the legend.
fn right_end(cases: &[&Measured]) -> f64 {
    u32::try_from(cases.len().max(1)).map_or(1.0, f64::from) * (1.0 + LEGEND) - 0.5
}

fn highest(cases: &[&Measured]) -> f64 {
    let shares =
        cases.iter().flat_map(|measured| Contestant::ALL.map(|who| share(measured, who).unwrap_or(0.0)));
    shares.fold(1.0, f64::max)
}

/// Groups stand at whole numbers.
fn name_at(cases: &[&Measured], x: f64) -> String {
    let whole = (0_u32..).zip(cases).find(|(place, _)| (f64::from(*place) - x).abs() < 1e-6);
    whole.map_or(String::new(), |(_, measured)| measured.case.name.to_owned())
}

/// Goherd's are dark, the others of the same toolchain lighter.
fn colour(contestant: Contestant) -> RGBColor {
    match contestant {
        Contestant::NetHttp(Toolchain::Go) => RGBColor(158, 202, 225),
        Contestant::Goherd(Toolchain::Go) => RGBColor(8, 81, 156),
        Contestant::NetHttp(Toolchain::Gccgo) => RGBColor(253, 190, 133),
        Contestant::Goherd(Toolchain::Gccgo) => RGBColor(217, 71, 1),
        Contestant::Nginx => RGBColor(65, 171, 93),
        Contestant::Floor => RGBColor(150, 150, 150),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::CASES;
    use crate::results::{Round, Sample};

    fn measured() -> Measured {
        let sample = |cpu: f64| Sample::from([(Quantity::Cpu, cpu)]);
        let round = Round::from([(REFERENCE, sample(8.0)), (Contestant::Nginx, sample(2.0))]);
        Measured { case: &CASES[0], note: None, rounds: vec![round] }
    }

    #[test]
    fn bars_of_a_group_stand_side_by_side() {
        let measured = measured();
        let cases = [&measured];
        let (first, second) = (&bars(&cases, REFERENCE)[0], &bars(&cases, Contestant::Nginx)[0]);
        assert!((first.left + 0.4).abs() < 1e-9 && (first.right - second.left).abs() < 1e-9);
        assert!((second.right - 0.4).abs() < 1e-9 && (second.height - 0.25).abs() < 1e-9);
        assert!(bars(&cases, Contestant::Floor).is_empty());
    }

    #[test]
    fn the_plot_is_svg_even_of_nothing() {
        let svg = render(&Results { cases: vec![measured()], ..Results::default() }).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains(">\nhello\n</text>"), "{svg}");
        assert!(render(&Results::default()).unwrap().starts_with("<svg"));
    }
}
