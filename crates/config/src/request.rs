//! From the words of the command line to what Goherd shall do: the composition of the other modules.

use std::ffi::OsString;

use crate::agreement;
use crate::argv;
use crate::config::Config;
use crate::error::Error;
use crate::ini::{self, Read};
use crate::resolve::resolve;
use crate::settings::Typed;
use crate::show::show;

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Serve.
    Run(Config),
    /// Say whether this configuration could serve, then exit.
    Check(Config),
    /// Print this ini document, then exit.
    ShowConfig(String),
    /// Print this help text, then exit.
    Help(String),
    /// Print the version, then exit.
    Version,
}

/// Understands a command line and reads the ini files it names.
///
/// `args` starts with the name of the program, which is skipped, as `std::env::args_os()` gives it.
///
/// `--help` and `--version` win over everything else on a well-formed command line and read no file;
/// then comes `--show-config`, then `--check`.
///
/// # Errors
/// The first thing which does not fit, be it an argument, a file or a line of a file.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Request, Error> {
    parse_with(args, &ini::read_file)
}

/// [`parse`] with the reading of files left to `read`.
pub(crate) fn parse_with(args: impl IntoIterator<Item = OsString>, read: Read<'_>) -> Result<Request, Error> {
    let line = argv::parse(args.into_iter().skip(1))?;
    let asked = resolve(&Typed { settings: line.settings.clone(), unknown: Vec::new() })?;
    if asked.help {
        return Ok(Request::Help(argv::help()));
    }
    if asked.version {
        return Ok(Request::Version);
    }
    let mut typed = ini::load(&line.sources, read)?;
    typed.settings.extend(line.settings);
    let draft = resolve(&typed)?;
    agreement::check(&typed, &draft.config)?;
    Ok(match draft {
        draft if draft.show_config => Request::ShowConfig(show(&typed)?),
        draft if draft.check => Request::Check(draft.config),
        draft => Request::Run(draft.config),
    })
}
