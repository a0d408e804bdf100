//! The kinds of values: the text of a value in, the typed value to the row's setter, or what was expected.

use std::path::PathBuf;

use crate::draft::Draft;

/// What a value must be, with the setter which takes it.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// True or false; the name alone means true.
    Flag(fn(&mut Draft, bool)),
    /// A small whole number in a range, both ends included.
    Number {
        /// The least value.
        min: u16,
        /// The greatest value.
        max: u16,
        /// Takes the value.
        set: fn(&mut Draft, u16),
    },
    /// One of a few words.
    Choice {
        /// The words.
        of: &'static [&'static str],
        /// Takes the word.
        set: fn(&mut Draft, &'static str),
    },
    /// The name or the number of a user or group, not yet looked up.
    Name {
        /// Of what: a word for the error.
        of: &'static str,
        /// Takes the name.
        set: fn(&mut Draft, String),
    },
    /// A path, as typed.
    Path(fn(&mut Draft, PathBuf)),
    /// Words with the quoting of a shell.
    Words(fn(&mut Draft, Vec<String>)),
    /// A text the row itself understands; its error says what it expected.
    Text(fn(&mut Draft, &str) -> Result<(), String>),
}

impl Kind {
    /// Gives `value` to the setter; the error is a sentence part which says what was expected.
    pub fn apply(&self, value: &str, draft: &mut Draft) -> Result<(), String> {
        match self {
            Self::Flag(set) => set(draft, flag(value)?),
            Self::Number { min, max, set } => set(draft, number(value, *min, *max)?),
            Self::Choice { of, set } => set(draft, choice(value, of)?),
            Self::Name { of, set } => set(draft, name(value, of)?),
            Self::Path(set) => set(draft, path(value)?),
            Self::Words(set) => set(draft, words(value)?),
            Self::Text(set) => set(draft, value)?,
        }
        Ok(())
    }

    /// Whether the name alone is a setting.
    pub fn is_flag(&self) -> bool {
        matches!(self, Self::Flag(_))
    }

    /// What the reference says about the value; `name` stands for it.
    pub fn value_doc(&self, name: &str) -> String {
        match self {
            Self::Flag(_) => "a flag".to_owned(),
            Self::Number { min, max, .. } => format!("`{name}`, a whole number from {min} to {max}"),
            Self::Choice { of, .. } => format!("`{name}`, one of {}", quoted(of)),
            Self::Name { of, .. } => format!("`{name}`, the name or the number of a {of}"),
            Self::Path(_) => format!("`{name}`, a path"),
            Self::Words(_) => format!("`{name}`, words with the quoting of a shell"),
            Self::Text(_) => format!("`{name}`"),
        }
    }
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn flag(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "on" | "yes" => Ok(true),
        "false" | "0" | "off" | "no" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

fn number(value: &str, min: u16, max: u16) -> Result<u16, String> {
    let digits = value.bytes().all(|b| b.is_ascii_digit());
    digits
        .then(|| value.parse().ok())
        .flatten()
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| format!("expected a whole number from {min} to {max}"))
}

fn choice(value: &str, of: &'static [&'static str]) -> Result<&'static str, String> {
    let found = of.iter().copied().find(|word| *word == value);
    found.ok_or_else(|| format!("expected one of {}", of.join(", ")))
}

fn name(value: &str, of: &str) -> Result<String, String> {
    if value.is_empty() || value.contains(char::is_whitespace) {
        return Err(format!("expected the name or the number of a {of}"));
    }
    Ok(value.to_owned())
}

fn path(value: &str) -> Result<PathBuf, String> {
    if value.is_empty() {
        return Err("expected a path".to_owned());
    }
    Ok(PathBuf::from(value))
}

fn words(value: &str) -> Result<Vec<String>, String> {
    shell_words::split(value).map_err(|_| "expected each quote to be closed, as in a shell".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_have_eight_spellings_in_any_case() {
        assert!(["true", "1", "on", "yes", "True", "YES"].iter().all(|v| flag(v) == Ok(true)));
        assert!(["false", "0", "off", "no", "OFF"].iter().all(|v| flag(v) == Ok(false)));
        assert!(["", "2", "y", "true "].iter().all(|v| flag(v).is_err()));
    }

    #[test]
    fn numbers_are_plain_digits_within_the_range() {
        assert_eq!((number("1", 1, 9), number("9", 1, 9), number("007", 1, 9)), (Ok(1), Ok(9), Ok(7)));
        for bad in ["", "0", "10", "+1", "-1", "1.0", "0x1", " 1", "99999999999999999999", "banana"] {
            assert_eq!(number(bad, 1, 9), Err("expected a whole number from 1 to 9".to_owned()), "{bad}");
        }
    }

    #[test]
    fn words_are_split_as_a_shell_does() {
        assert_eq!(words("a 'b c' \"d e\" f\\ g").unwrap(), ["a", "b c", "d e", "f g"]);
        assert_eq!(words("").unwrap(), [""; 0]);
        assert!(words("a 'b").unwrap_err().contains("quote"));
    }
}
