//! Results → tables on the terminal, and a document with a plot.

mod document;
pub mod machine;
mod plot;
mod table;
mod tables;

use std::fs;

use crate::results::Results;
use crate::settings::Settings;
use crate::{Outcome, places};
use machine::Machine;

const DOCUMENT: &str = "benchmarks.md";
const PLOT: &str = "benchmarks.svg";

/// All tables, each with its heading, as Markdown that is easy to read as it is.
pub fn tables(results: &Results) -> String {
    let mut text = format!("## Figures\n\n{}\n{}\n", tables::figures(results), tables::verdict(results));
    for measured in &results.cases {
        text += &format!("\n{}", tables::case(measured));
    }
    text + &tables::shapes(results) + &tables::left_out(results)
}

/// Writes both files: into docs/ if all was measured, else into the scratch folder.
pub fn write(settings: &Settings, machine: &Machine, results: &Results) -> Outcome<()> {
    let folder = if settings.is_whole() { places::workspace().join("docs") } else { places::scratch("")? };
    fs::write(folder.join(DOCUMENT), document::render(settings, machine, results))?;
    fs::write(folder.join(PLOT), plot::render(results)?)?;
    eprintln!("written: {}", folder.join(DOCUMENT).display());
    Ok(())
}
