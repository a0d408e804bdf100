//! Where a setting was typed: the command line, the environment, or a line of an ini file which can be shown with a caret.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use crate::backend::without_secret;
use crate::printable::printable;

/// The place a setting comes from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// An argument of the program.
    CommandLine,
    /// The variable of this name.
    Environment(String),
    /// A line of an ini file.
    Ini(Box<IniLine>),
}

/// A line of an ini file, kept so that an error can point at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IniLine {
    /// The file, as it was named.
    pub file: PathBuf,
    /// The number of the line, from 1.
    pub number: usize,
    /// The line itself, without its end.
    pub text: String,
    /// The bytes of `text` to point at; when empty nothing is shown.
    pub mark: Range<usize>,
}

impl IniLine {
    /// The same line with another part to point at.
    pub(crate) fn marking(&self, mark: &Range<usize>) -> Self {
        Self { mark: mark.clone(), ..self.clone() }
    }

    /// Writes the line with a caret under the mark, as compilers do; each line starts with a line break.
    pub(crate) fn write_caret(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(before), Some(marked)) =
            (self.text.get(..self.mark.start), self.text.get(self.mark.clone()))
        else {
            return Ok(());
        };
        if marked.is_empty() {
            return Ok(());
        }
        let gutter = " ".repeat(self.number.to_string().len());
        let text: String =
            without_secret(&self.text).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let from = before.chars().count();
        let room = text.chars().count().saturating_sub(from); // a mark may have begun in what is hidden
        let (indent, carets) = (" ".repeat(from), "^".repeat(marked.chars().count().min(room)));
        write!(f, "\n{gutter} |\n{} | {text}\n{gutter} | {indent}{carets}", self.number)
    }
}

impl fmt::Display for IniLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", printable(&self.file.to_string_lossy()), self.number)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => f.write_str("command line"),
            Self::Environment(name) => write!(f, "environment, {name}"),
            Self::Ini(line) => line.fmt(f),
        }
    }
}
