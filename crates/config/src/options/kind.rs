//! The kinds of values: the text of a value in, the typed value to the row's setter, or what was expected.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::Config;
use crate::draft::Draft;
use crate::options::whole::Whole;

/// The longest time an option takes: a year.
const MAX_SECONDS: u64 = 365 * 24 * 60 * 60;

/// What a value must be, with the setter which takes it.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// True or false; the name alone means true.
    Flag(fn(&mut Draft, bool)),
    /// A whole number in a range, both ends included.
    Number {
        /// The least value.
        min: u64,
        /// The greatest value; it fits the field.
        max: u64,
        /// Where it is kept.
        field: fn(&mut Config) -> &mut dyn Whole,
    },
    /// A time in seconds and thousandths of them.
    Seconds {
        /// What 0 means.
        zero: &'static str,
        /// Where it is kept.
        field: fn(&mut Config) -> &mut Duration,
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
    /// Permissions in octal digits, at most 777.
    Mode(fn(&mut Draft, u32)),
    /// A text the row itself understands; its error says what it expected.
    Text(fn(&mut Draft, &str) -> Result<(), String>),
}

impl Kind {
    /// Gives `value` to the setter; the error is a sentence part which says what was expected.
    pub fn apply(&self, value: &str, draft: &mut Draft) -> Result<(), String> {
        match self {
            Self::Flag(set) => set(draft, flag(value)?),
            Self::Number { min, max, field } => {
                field(&mut draft.config).put(number(value, *min, *max)?);
            }
            Self::Seconds { field, .. } => *field(&mut draft.config) = seconds(value)?,
            Self::Choice { of, set } => set(draft, choice(value, of)?),
            Self::Name { of, set } => set(draft, name(value, of)?),
            Self::Path(set) => set(draft, path(value)?),
            Self::Words(set) => set(draft, words(value)?),
            Self::Mode(set) => set(draft, mode(value)?),
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
            Self::Number { min, max, .. } => format!("`{name}`, {}", range(*min, *max)),
            Self::Seconds { zero, .. } => format!("`{name}`, such as `10` or `0.5`; `0` is {zero}"),
            Self::Choice { of, .. } => format!("`{name}`, one of {}", quoted(of)),
            Self::Name { of, .. } => format!("`{name}`, the name or the number of a {of}"),
            Self::Path(_) => format!("`{name}`, a path"),
            Self::Words(_) => format!("`{name}`, words with the quoting of a shell"),
            Self::Mode(_) => format!("`{name}`, octal"),
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

fn range(min: u64, max: u64) -> String {
    match max {
        u64::MAX => format!("a whole number from {min} on"),
        max => format!("a whole number from {min} to {max}"),
    }
}

/// Digits and nothing else, which Rust's own reading does not insist on.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn number(value: &str, min: u64, max: u64) -> Result<u64, String> {
    digits(value)
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| format!("expected {}", range(min, max)))
}

fn seconds(value: &str) -> Result<Duration, String> {
    let (whole, thousandths) = value.split_once('.').unwrap_or((value, "0"));
    let thousandths = Some(thousandths)
        .filter(|text| (1..=3).contains(&text.len()))
        .and_then(|text| digits(&format!("{text:0<3}")));
    let time = digits(whole).zip(thousandths).map(|(whole, thousandths)| {
        Duration::from_secs(whole).saturating_add(Duration::from_millis(thousandths))
    });
    time.filter(|time| *time <= Duration::from_secs(MAX_SECONDS))
        .ok_or_else(|| format!("expected seconds such as 10 or 0.5, from 0 to {MAX_SECONDS}"))
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

fn mode(value: &str) -> Result<u32, String> {
    let octal = (3..=4).contains(&value.len()) && value.bytes().all(|digit| matches!(digit, b'0'..=b'7'));
    let mode = octal.then(|| u32::from_str_radix(value, 8).ok()).flatten().filter(|mode| *mode <= 0o777);
    mode.ok_or_else(|| "expected three octal digits, such as 660 or 022".to_owned())
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
        assert_eq!(number("18446744073709551615", 0, u64::MAX), Ok(u64::MAX));
        assert_eq!(
            number("18446744073709551616", 0, u64::MAX),
            Err("expected a whole number from 0 on".to_owned())
        );
    }

    #[test]
    fn seconds_have_up_to_three_decimals() {
        for (text, milliseconds) in [
            ("0", 0),
            ("10", 10_000),
            ("0.5", 500),
            ("1.25", 1_250),
            ("0.001", 1),
            ("31536000", 31_536_000_000),
        ] {
            assert_eq!(seconds(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for bad in [
            "",
            ".",
            ".5",
            "1.",
            "0.0001",
            "-1",
            "+1",
            "1e3",
            "1.-1",
            "1s",
            "31536000.001",
            "99999999999999999999",
        ] {
            assert!(seconds(bad).is_err_and(|error| error.contains("such as 10 or 0.5")), "{bad}");
        }
    }

    #[test]
    fn words_are_split_as_a_shell_does() {
        assert_eq!(words("a 'b c' \"d e\" f\\ g").unwrap(), ["a", "b c", "d e", "f g"]);
        assert_eq!(words("").unwrap(), [""; 0]);
        assert!(words("a 'b").unwrap_err().contains("quote"));
    }
}
