//! Options in the environment: `GOHERD_HTTP_SOCKET` is `http-socket`.
//!
//! In: variables. Out: settings and sources, as from the command line. A variable that no option is called after is left alone.

use std::ffi::{OsStr, OsString};

use crate::call::is_for_environment;
use crate::error::Error;
use crate::ini::Source;
use crate::options::{self, OptionRow, Part};
use crate::origin::Origin;
use crate::settings::Setting;

/// The variable that keeps a program which carries its server from being one.
pub const SWITCH: &str = "GOHERD_SERVER";

/// The options among the variables, in the order of the table: the row, the name that was used, the value.
pub fn options(
    variables: &[(OsString, OsString)],
) -> impl Iterator<Item = (&'static OptionRow, &'static str, &OsStr)> {
    let rows = options::all().filter(|row| is_for_environment(row.part));
    let names = rows.flat_map(|row| row.names.iter().map(move |name| (row, *name)));
    names.filter_map(|(row, name)| {
        let variable = variable(name);
        let (_, value) = variables.iter().find(|(given, _)| *given == *variable)?;
        Some((row, name, value.as_os_str()))
    })
}

/// Reads them: the ini files that they name, and their settings.
pub fn read(variables: &[(OsString, OsString)]) -> Result<(Vec<Source>, Vec<Setting>), Error> {
    let (mut sources, mut settings) = (Vec::new(), Vec::new());
    for (option, name, value) in options(variables) {
        let Some(value) = value.to_str() else {
            let sentence =
                format!("the value of {} is not valid UTF-8; Goherd takes UTF-8 only", variable(name));
            return Err(Error::CommandLine(sentence));
        };
        let origin = Origin::Environment(variable(name));
        let setting = Setting { option, name: name.to_owned(), value: value.to_owned(), origin };
        if option.part == Part::Source {
            let source = Source::parse(value);
            sources.push(source.map_err(|sentence| Error::CommandLine(format!("{setting}: {sentence}")))?);
        } else {
            settings.push(setting);
        }
    }
    Ok((sources, settings))
}

/// The variable of the option `name`.
fn variable(name: &str) -> String {
    format!("GOHERD_{}", name.to_uppercase().replace('-', "_"))
}
