//! What was typed, before it means anything: options with their raw values, in the order they count.

use std::collections::BTreeMap;
use std::fmt;

use crate::backend;
use crate::error::Error;
use crate::options::{self, OptionRow, Part};
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
    /// The values which count and the defaults of other options, by their names; passwords in addresses are masked.
    pub fn by_name(&self) -> BTreeMap<&'static str, Vec<String>> {
        let mut options = BTreeMap::<_, Vec<_>>::new();
        for setting in self.effective().filter(|setting| setting.option.part == Part::Setting) {
            options.entry(setting.option.name()).or_default().push(masked(&backend::shown(&setting.value)));
        }
        for row in options::all() {
            if let Some(default) = row.default {
                options.entry(row.name()).or_insert_with(|| vec![default.to_owned()]);
            }
        }
        options
    }

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

/// A value with the password of each `scheme://user:password@host` in it masked: of any option, `env` for one.
fn masked(value: &str) -> String {
    let Some((scheme, rest)) = value.split_once("://") else { return value.to_owned() };
    let end = rest.find(['/', ',', ' ', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let shown =
        match authority.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?.0, host))) {
            Some((user, host)) => format!("{user}:***@{host}"),
            None => authority.to_owned(),
        };
    format!("{scheme}://{shown}{}", masked(rest))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_masked() {
        for (value, shown) in [
            ("name=a,items=1", "name=a,items=1"),
            ("backend=redis://host:1/0,near=1", "backend=redis://host:1/0,near=1"),
            ("backend=redis://:secret@host:1/0", "backend=redis://:***@host:1/0"),
            ("a=x://u:p@h,b=y://v:q@i/r:s@t", "a=x://u:***@h,b=y://v:***@i/r:s@t"),
            ("redis://u:p@q@h", "redis://u:***@h"),
        ] {
            assert_eq!(masked(value), shown);
        }
        let hidden = masked(&backend::shown("name=a,backend=unix:///run/r.sock?db=1&pass=secret"));
        assert_eq!(hidden, "name=a,backend=unix:///run/r.sock?db=1&pass=***");
    }
}
