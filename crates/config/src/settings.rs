//! What was typed, before it means anything: options with their raw values, in the order they count.

use std::fmt;

use crate::error::Error;
use crate::options::{self, OptionRow};
use crate::origin::Origin;
use crate::printable::printable;

/// One option as it was typed.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The row of the table.
    pub option: &'static OptionRow,
    /// The name as typed: canonical or an alias.
    pub name: String,
    /// The value as typed, or what its absence means.
    pub value: String,
    /// Where it was typed.
    pub origin: Origin,
}

/// A key of an ini file which no option has; `strict` decides what becomes of it.
#[derive(Clone, Debug)]
pub struct Unknown {
    /// The key as typed.
    pub name: String,
    /// Where it was typed.
    pub origin: Origin,
}

/// All that was typed: ini files first, in their order, then the environment, then the command line.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    /// The options.
    pub settings: Vec<Setting>,
    /// The keys which are no options.
    pub unknown: Vec<Unknown>,
}

impl Typed {
    /// The settings which count: all of a list, the last of any other option.
    pub fn effective(&self) -> impl Iterator<Item = &Setting> {
        self.settings
            .iter()
            .enumerate()
            .filter(|(at, setting)| {
                let same = |later: &Setting| later.option.name() == setting.option.name();
                setting.option.list || !self.settings[at + 1..].iter().any(same)
            })
            .map(|(_, setting)| setting)
    }
}

/// The setting without its place: `processes = 2` or `--processes 2`.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, value) = (&self.name, printable(&self.value));
        match (&self.origin, self.option.bare()) {
            (Origin::Environment(variable), _) => write!(f, "{variable}={value}"),
            (Origin::Ini(_), _) => write!(f, "{name} = {value}"),
            (Origin::CommandLine, Some(_)) => write!(f, "--{name}={value}"),
            (Origin::CommandLine, None) => write!(f, "--{name} {value}"),
        }
    }
}

impl Unknown {
    /// The error this key is under `strict`.
    pub fn error(&self) -> Error {
        Error::at(&self.origin, self.sentence())
    }

    /// What is wrong with the key.
    pub fn sentence(&self) -> String {
        match self.origin {
            Origin::CommandLine | Origin::Environment(_) => {
                options::unknown(&self.name, |name| format!("--{name}"))
            }
            Origin::Ini(_) => options::unknown(&self.name, |name| format!("\"{name}\"")),
        }
    }
}
