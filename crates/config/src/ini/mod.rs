//! Ini files: the files to read in, their settings in order out; includes take the place of their line.
//!
//! The reading itself is a function handed in, so that everything here can be tried without a disk.

mod source;
mod syntax;
#[cfg(test)]
mod tests;
mod text;

use std::io::{self, Read as _};
use std::ops::Range;
use std::path::Path;

use crate::error::Error;
use crate::options::{self, OptionRow, Part};
use crate::origin::{IniLine, Origin};
use crate::printable::printable;
use crate::settings::{Setting, Typed, Unknown};
pub use source::{BUILT_IN, Source};
use syntax::Content;

/// The largest ini file, in bytes.
const MAX_SIZE: usize = 1 << 20;

/// How deep files may include one another.
const MAX_DEPTH: usize = 16;

/// Reads a file, at least its first `MAX_SIZE + 1` bytes.
pub type Read<'a> = &'a dyn Fn(&Path) -> io::Result<Vec<u8>>;

/// Reads a file from the disk, not much further than an ini file may reach.
pub fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_SIZE).expect("the limit of a file fits 64 bits") + 1;
    std::fs::File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The settings of the files which the command line names.
pub fn load(sources: &[Source], read: Read<'_>) -> Result<Typed, Error> {
    let mut loader = Loader { read, typed: Typed::default(), open: Vec::new() };
    for source in sources {
        loader.file(source, &Origin::CommandLine)?;
    }
    Ok(loader.typed)
}

struct Loader<'a> {
    read: Read<'a>,
    typed: Typed,
    /// The files being read now, each including the next.
    open: Vec<Source>,
}

impl Loader<'_> {
    fn file(&mut self, source: &Source, asked_by: &Origin) -> Result<(), Error> {
        let bytes = (self.read)(&source.path).map_err(|cause| Error::read(&source.path, asked_by, cause))?;
        let text = text::decode(&source.path, bytes)?;
        self.open.push(source.clone());
        let found = self.section(source, &text)?;
        self.open.pop();
        if found { Ok(()) } else { Err(no_section(source, &text)) }
    }

    /// Takes the entries of the section; says whether there is such a section.
    fn section(&mut self, source: &Source, text: &str) -> Result<bool, Error> {
        let (mut found, mut inside) = (false, None);
        for (number, line) in (1..).zip(text.lines()) {
            let content = syntax::content(line);
            let place = IniLine { file: source.path.clone(), number, text: line.to_owned(), mark: 0..0 };
            match content {
                Content::Nothing => {}
                Content::Section(name) => {
                    inside = Some(line[name] == *source.section());
                    found |= inside == Some(true);
                }
                Content::Entry { key, value } if inside == Some(true) => self.entry(&place, key, value)?,
                Content::Entry { .. } if inside == Some(false) => {}
                Content::Entry { key, .. } => return Err(refuse(&place, &key, NO_HEADER)),
                Content::Broken { mark, sentence } => return Err(refuse(&place, &mark, sentence)),
            }
        }
        Ok(found)
    }

    fn entry(&mut self, line: &IniLine, key: Range<usize>, value: Option<Range<usize>>) -> Result<(), Error> {
        let name = line.text[key.clone()].to_owned();
        let at_key = line.marking(&key);
        let Some(row) = options::find(&name.replace('_', "-")) else {
            self.typed.unknown.push(Unknown { name, origin: Origin::Ini(Box::new(at_key)) });
            return Ok(());
        };
        if row.part.is_argv_only() {
            let sentence =
                format!("\"{name}\" belongs on the command line, not in an ini file: remove the line");
            return Err(refuse(line, &key, &sentence));
        }
        let (value, origin) = match value {
            Some(value) => given_value(&at_key, &value),
            None => bare_value(row, &at_key)?,
        };
        self.setting(Setting { option: row, name, value, origin }, line)
    }

    fn setting(&mut self, setting: Setting, line: &IniLine) -> Result<(), Error> {
        if setting.option.part == Part::Source {
            return self.include(&setting, &line.file);
        }
        self.typed.settings.push(setting);
        Ok(())
    }

    fn include(&mut self, setting: &Setting, from: &Path) -> Result<(), Error> {
        let refused = |sentence: String| Error::at(&setting.origin, format!("{setting}: {sentence}"));
        let source = Source::included(&setting.value, from).map_err(refused)?;
        if self.open.len() < MAX_DEPTH {
            return self.file(&source, &setting.origin);
        }
        let last: Vec<String> =
            self.open[MAX_DEPTH - 2..].iter().chain([&source]).map(Source::to_string).collect();
        let chain = printable(&last.join(" -> "));
        Err(refused(format!(
            "files include one another more than {MAX_DEPTH} deep, at the end {chain}; break the loop"
        )))
    }
}

const NO_HEADER: &str = "no section has begun yet; put a line [uwsgi] above";

fn refuse(line: &IniLine, mark: &Range<usize>, sentence: &str) -> Error {
    Error::Line { line: Box::new(line.marking(mark)), sentence: sentence.to_owned() }
}

/// The value after the `=`; an empty one leaves nothing to point at but its key.
fn given_value(at_key: &IniLine, value: &Range<usize>) -> (String, Origin) {
    let line = if value.is_empty() { at_key.clone() } else { at_key.marking(value) };
    (at_key.text[value.clone()].to_owned(), Origin::Ini(Box::new(line)))
}

/// What a key without `=` means: true for a flag, and something of its own for a few others.
fn bare_value(row: &OptionRow, at_key: &IniLine) -> Result<(String, Origin), Error> {
    if let Some(bare) = row.bare() {
        return Ok((bare.to_owned(), Origin::Ini(Box::new(at_key.clone()))));
    }
    let name = row.name();
    Err(refuse(at_key, &at_key.mark, &format!("\"{name}\" needs a value; write {name} = {}", row.value_name)))
}

fn no_section(source: &Source, text: &str) -> Error {
    let mut names: Vec<String> = Vec::new();
    for line in text.lines() {
        if let Content::Section(name) = syntax::content(line) {
            names.push(format!("[{}]", &line[name]));
        }
    }
    names.dedup();
    let wanted = printable(source.section());
    let sentence = if names.is_empty() {
        format!("there is no section [{wanted}], nor any other; put a line [{wanted}] above the settings")
    } else {
        format!("there is no section [{wanted}]; the file has {}", printable(&names.join(", ")))
    };
    Error::File { path: source.path.clone(), sentence }
}
