//! Why a configuration was refused: a first line which is complete on its own, then, for a line of an ini
//! file, the line with a caret under the place.
//!
//! The cause of a read error is part of the first line, so `source()` stays empty and nothing prints twice.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::origin::{IniLine, Origin};
use crate::printable::printable;

/// Why [`parse`](crate::parse) or `--show-config` refused; the variant says where, the sentence what.
#[derive(Debug)]
pub enum Error {
    /// An argument of the command line, or a variable, does not fit.
    CommandLine(String),
    /// A line of an ini file does not fit.
    Line {
        /// The line, with the part to point at.
        line: Box<IniLine>,
        /// What is wrong and what to do.
        sentence: String,
    },
    /// An ini file as a whole does not fit.
    File {
        /// The file, as it was named.
        path: PathBuf,
        /// What is wrong and what to do.
        sentence: String,
    },
    /// An ini file cannot be read.
    Read {
        /// The file, as it was named, relative to the folder of the file which includes it.
        path: PathBuf,
        /// The line which asks for the file; `None` when the command line does.
        asked_by: Option<Box<IniLine>>,
        /// What the system says.
        cause: io::Error,
    },
    /// `--show-config`: a value of the command line cannot be written in an ini file.
    NotIni {
        /// The canonical name of the option.
        option: &'static str,
        /// What the value contains.
        why: &'static str,
    },
}

impl Error {
    /// The error for a setting from `origin`.
    pub(crate) fn at(origin: &Origin, sentence: String) -> Self {
        match origin {
            Origin::CommandLine | Origin::Environment(_) => Self::CommandLine(sentence),
            Origin::Ini(line) => Self::Line { line: line.clone(), sentence },
        }
    }

    /// The error for a file which cannot be read, asked for from `origin`.
    pub(crate) fn read(path: &Path, origin: &Origin, cause: io::Error) -> Self {
        let asked_by = match origin {
            Origin::CommandLine | Origin::Environment(_) => None,
            Origin::Ini(line) => Some(line.clone()),
        };
        Self::Read { path: path.to_owned(), asked_by, cause }
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine(sentence) => f.write_str(sentence),
            Self::Line { line, sentence } => {
                write!(f, "{line}: {sentence}")?;
                line.write_caret(f)
            }
            Self::File { path, sentence } => write!(f, "{}: {sentence}", shown(path)),
            Self::Read { path, asked_by: None, cause } => {
                write!(
                    f,
                    "cannot read {}: {cause}; {}",
                    shown(path),
                    hint(cause, "the folder Goherd was started in")
                )
            }
            Self::Read { path, asked_by: Some(line), cause } => {
                let hint = hint(cause, "the folder of the including file");
                write!(f, "{line}: cannot read {}: {cause}; {hint}", shown(path))?;
                line.write_caret(f)
            }
            Self::NotIni { option, why } => {
                write!(
                    f,
                    "cannot show the value of --{option}: it contains {why}, which no ini file can hold"
                )
            }
        }
    }
}

fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy())
}

/// What to do about a file which cannot be read; a relative path starts at `base`.
fn hint(cause: &io::Error, base: &str) -> String {
    match cause.kind() {
        io::ErrorKind::NotFound => format!("check the path: a relative one starts at {base}"),
        io::ErrorKind::PermissionDenied => "the user who starts Goherd must be able to read it".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder: name a file in it".to_owned(),
        _ => "check the file".to_owned(),
    }
}
