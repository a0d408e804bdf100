//! `--show-config`: the effective settings as an ini document which parses back to the same [`Config`].
//!
//! [`Config`]: crate::Config

use std::fmt::Write;

use crate::error::Error;
use crate::options::{self, OptionRow, Part};
use crate::settings::{Setting, Typed};

/// The document: one `[uwsgi]` section, each setting under a comment with the place it comes from.
pub fn show(typed: &Typed) -> Result<String, Error> {
    let mut document = "# The effective configuration; the comment above a line says where it comes from.\n\
                        [uwsgi]\n"
        .to_owned();
    for row in options::all().filter(|row| row.part == Part::Setting) {
        show_row(row, typed, &mut document)?;
    }
    Ok(document)
}

fn show_row(row: &'static OptionRow, typed: &Typed, document: &mut String) -> Result<(), Error> {
    let mut given = typed.effective().filter(|setting| setting.option.name() == row.name()).peekable();
    if let (None, Some(value)) = (given.peek(), row.default) {
        line(document, "default", row.name(), value);
    }
    for setting in given {
        fits_ini(setting)?;
        line(document, &setting.origin.to_string(), row.name(), &setting.value);
    }
    Ok(())
}

fn line(document: &mut String, origin: &str, name: &str, value: &str) {
    writeln!(document, "\n# {origin}\n{name} = {value}").expect("a String takes all that is written to it");
}

/// A value of the command line may hold what an ini line cannot.
fn fits_ini(setting: &Setting) -> Result<(), Error> {
    let value = &setting.value;
    let why = if value.contains(['\n', '\r']) {
        "a line break"
    } else if value.trim() != value {
        "a blank at its start or end"
    } else {
        return Ok(());
    };
    Err(Error::NotIni { option: setting.option.name(), why })
}
