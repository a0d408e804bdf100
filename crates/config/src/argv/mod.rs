//! The command line: words in, the files to read and the settings out, in the order they were typed.
//!
//! clap does the reading, fed from the option table; it never prints and never exits.

mod command;
mod refusal;
#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};

use clap::ArgMatches;
use clap::parser::ValueSource;

use crate::call::names_ini;
use crate::error::Error;
use crate::ini::Source;
use crate::options::{self, Part};
use crate::origin::Origin;
use crate::printable::printable;
use crate::settings::Setting;
use command::{FILES, command};

/// What a command line says.
#[derive(Debug, Default)]
pub struct CommandLine {
    /// The ini files, in their order.
    pub sources: Vec<Source>,
    /// The options other than `--ini`, in their order.
    pub settings: Vec<Setting>,
}

/// The text of `--help`.
pub fn help() -> String {
    command().render_help().to_string()
}

/// Understands the words after the program's name.
pub fn parse(words: impl Iterator<Item = OsString>) -> Result<CommandLine, Error> {
    let matches = command().try_get_matches_from(words).map_err(|error| refusal::from_clap(&error))?;
    let mut line = CommandLine::default();
    for (_, id, value) in in_order(&matches) {
        match text(id, value)? {
            path if id == FILES => line.sources.push(bare_file(path)?),
            value => line.option(id, value)?,
        }
    }
    Ok(line)
}

impl CommandLine {
    fn option(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let option = options::find(name).expect("clap knows only the names of the table");
        let setting =
            Setting { option, name: name.to_owned(), value: value.to_owned(), origin: Origin::CommandLine };
        if option.part != Part::Source {
            self.settings.push(setting);
            return Ok(());
        }
        let source = Source::parse(value);
        self.sources.push(source.map_err(|e| Error::CommandLine(format!("{setting}: {e}")))?);
        Ok(())
    }
}

/// All values with the ids of their arguments, in the order they were typed.
fn in_order(matches: &ArgMatches) -> Vec<(usize, &str, &OsStr)> {
    let mut values: Vec<(usize, &str, &OsStr)> = matches
        .ids()
        .map(clap::Id::as_str)
        .filter(|id| matches.value_source(id) == Some(ValueSource::CommandLine))
        .flat_map(|id| {
            let values = matches.get_many::<OsString>(id).into_iter().flatten();
            let indices = matches.indices_of(id).into_iter().flatten();
            indices.zip(values).map(move |(at, value)| (at, id, value.as_os_str()))
        })
        .collect();
    values.sort_by_key(|(at, ..)| *at);
    values
}

fn text<'a>(id: &str, value: &'a OsStr) -> Result<&'a str, Error> {
    value.to_str().ok_or_else(|| {
        let what = if id == FILES { "an argument".to_owned() } else { format!("the value of --{id}") };
        let shown = printable(&value.to_string_lossy());
        Error::CommandLine(format!("{what} is not valid UTF-8: {shown}; Goherd takes UTF-8 only"))
    })
}

/// A word which is no option: an ini file or a mistake.
fn bare_file(word: &str) -> Result<Source, Error> {
    match Source::parse(word) {
        Ok(source) if names_ini(&source.path) => Ok(source),
        Err(sentence) if word.contains(".ini:") => {
            Err(Error::CommandLine(format!("{}: {sentence}", printable(word))))
        }
        _ => Err(refusal::stray_word(word)),
    }
}
