//! From the words of the command line to what Goherd shall do: the composition of the other modules.

use std::path::Path;

use crate::agreement;
use crate::argv;
use crate::call::Call;
use crate::config::Config;
use crate::environment;
use crate::error::Error;
use crate::ini::{self, BUILT_IN, Read, Source};
use crate::resolve::resolve;
use crate::settings::Typed;
use crate::show::show;
use crate::tool::{self, Asked, Tool};

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
    /// Do this, then exit.
    Tool(Tool),
}

/// Understands what the process was called with and reads the ini files it names.
///
/// `--help` and `--version` win over everything else on a well-formed command line and read no file;
/// then comes `--show-config`, then `--check`.
///
/// # Errors
/// The first thing which does not fit, be it an argument, a file or a line of a file.
pub fn parse(call: &Call) -> Result<Request, Error> {
    parse_with(call, &ini::read_file)
}

/// [`parse`] with the reading of files left to `read`.
pub(crate) fn parse_with(call: &Call, read: Read<'_>) -> Result<Request, Error> {
    match tool::parse(&call.words)? {
        Some(Asked::Tool(tool)) => return Ok(Request::Tool(tool)),
        Some(Asked::Help(text)) => return Ok(Request::Help(text)),
        None => {}
    }
    let line = argv::parse(call.words.iter().cloned())?;
    let asked = resolve(&Typed { settings: line.settings.clone(), unknown: Vec::new() })?;
    if asked.help {
        return Ok(Request::Help(argv::help()));
    }
    if asked.version {
        return Ok(Request::Version);
    }
    let (named, variables) = environment::read(&call.variables)?;
    let built_in = call.built_in.as_ref().map(|_| Source::built_in());
    let sources: Vec<Source> = built_in.into_iter().chain(named).chain(line.sources).collect();
    let mut typed = ini::load(&sources, &|path| match &call.built_in {
        Some(text) if path == Path::new(BUILT_IN) => Ok(text.clone()),
        _ => read(path),
    })?;
    typed.settings.extend(variables.into_iter().chain(line.settings));
    let mut draft = resolve(&typed)?;
    agreement::check(&typed, &draft.config)?;
    draft.config.notes.extend(agreement::notes(&typed, &draft.config));
    draft.config.options = typed.by_name();
    Ok(match draft {
        draft if draft.show_config => Request::ShowConfig(show(&typed)?),
        draft if draft.check => Request::Check(draft.config),
        draft => Request::Run(draft.config),
    })
}
