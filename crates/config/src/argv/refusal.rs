//! Why a command line was refused, in Goherd's own words: clap's error in, ours out.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::error::Error;
use crate::options;
use crate::printable::printable;

/// The error for what clap refused.
pub fn from_clap(error: &clap::Error) -> Error {
    let argument = invalid_argument(error);
    Error::CommandLine(match (error.kind(), argument) {
        (ErrorKind::UnknownArgument, Some(word)) => unknown_option(&word),
        (ErrorKind::InvalidValue, Some(usage)) => format!("{usage} needs a value"),
        (ErrorKind::TooManyValues, Some(usage)) => {
            format!("{usage} takes no value")
        }
        (ErrorKind::InvalidUtf8, _) => "an argument is not valid UTF-8; Goherd takes UTF-8 only".to_owned(),
        _ => first_line(error),
    })
}

/// The error for a word which is neither an option nor an ini file.
pub fn stray_word(word: &str) -> Error {
    let shown = printable(word);
    let hint = match word {
        "true" | "false" | "on" | "off" | "yes" | "no" | "0" | "1" => {
            "a flag takes its value with '=', as in --master=false".to_owned()
        }
        _ if word.starts_with(|c: char| c.is_ascii_digit()) => {
            "an option whose value may be left out takes it with '=', as in --chmod-socket=660".to_owned()
        }
        _ if word.ends_with(".so") => format!("a Go library is loaded with --go-load {shown}"),
        _ => "a word which is no option must be an ini file, with a name which ends in .ini; \
              another name is read with --ini"
            .to_owned(),
    };
    Error::CommandLine(format!("unexpected argument {shown}; {hint}"))
}

fn invalid_argument(error: &clap::Error) -> Option<String> {
    match error.get(ContextKind::InvalidArg)? {
        ContextValue::String(text) => Some(text.replace(['<', '>'], "")),
        _ => None,
    }
}

/// `word` is `--name`, `--name=value`, or a short form.
fn unknown_option(word: &str) -> String {
    match word.strip_prefix("--") {
        Some(long) => {
            let name = long.split('=').next().unwrap_or(long);
            options::unknown(name, |name| format!("--{name}"))
        }
        None => format!("unknown option {}; goherd --help lists the options", printable(word)),
    }
}

/// What clap says itself, for the kinds of errors which this command line has no use for.
fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}
