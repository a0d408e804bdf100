//! `--show-config`: the effective settings as an ini document which parses back to the same [`Config`].
//!
//! Passwords are not shown, and do not parse back.
//!
//! Settings keep the order in which they count, as sockets of several protocols do in `Config`; then come the defaults.
//!
//! [`Config`]: crate::Config

use std::fmt::Write;

use crate::backend;
use crate::error::Error;
use crate::options::{self, Part};
use crate::settings::{Setting, Typed};

/// The document: one `[uwsgi]` section, each setting under a comment with the place it comes from.
pub fn show(typed: &Typed) -> Result<String, Error> {
    let mut document = "# The effective configuration; the comment above a line says where it comes from.\n\
                        [uwsgi]\n"
        .to_owned();
    for setting in typed.effective().filter(|setting| setting.option.part == Part::Setting) {
        fits_ini(setting)?;
        let value = backend::shown(&setting.value);
        line(&mut document, &setting.origin.to_string(), setting.option.name(), &value);
    }
    for row in options::all() {
        let given = typed.settings.iter().any(|setting| setting.option.name() == row.name());
        if let Some(value) = row.default.filter(|_| !given) {
            line(&mut document, "default", row.name(), value);
        }
    }
    Ok(document)
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
