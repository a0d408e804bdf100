//! Cron: five fields that tell at which minutes something happens: minute, hour, day, month, weekday.
//!
//! Read by the crate `croner`: `*`, numbers, names (`jan`, `mon`), ranges, lists, steps (`*/5`, `1-20/2`), `L`, `W`, `#`, and the
//! nicknames `@hourly` to `@yearly`. If both day and weekday are restricted, either will do. Added here is uWSGI's own form: -1
//! is any, and -n is every value that n divides.
//!
//! When the clocks change (croner's rules, which are Vixie cron's): a fixed time that is skipped happens at the first minute
//! after the gap, and one that comes twice happens the first time. Entries with `*` or a step in minute or hour
//! follow the clock on the wall: they leave out what is skipped, and happen in both passes of an hour that comes twice.

use std::fmt;

use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// The fields, in their order, with the least and the greatest value.
const FIELDS: [(&str, u32, u32); 5] =
    [("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 6)];

/// Names of months and weekdays, which stand for numbers there and nowhere else.
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Milliseconds of a minute.
pub(crate) const MINUTE_MS: i64 = 60_000;

/// An entry that can be asked.
#[derive(Clone, Debug)]
pub struct Cron {
    /// As it was written.
    text: String,
    cron: Box<croner::Cron>,
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Cron {}

/// Why some text is no cron entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CronError {
    /// It has not five fields, nor is it a nickname.
    Count {
        /// The text.
        text: String,
        /// How many fields it has.
        fields: usize,
    },
    /// A field is malformed, or out of its range.
    Field {
        /// Which one.
        name: &'static str,
        /// What it was.
        found: String,
        /// Its least value.
        least: u32,
        /// Its greatest value.
        most: u32,
    },
    /// An `@` is followed by no nickname that is known.
    Nickname(String),
    /// There is no such day in any year.
    Never(String),
}

impl fmt::Display for CronError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count { text, fields } => {
                write!(f, "{text:?} has {fields} fields, and cron has 5: minute, hour, day, month, weekday")
            }
            Self::Field { name, found, least, most } => write!(
                f,
                "cron: {found:?} is no {name}: numbers are {least} to {most}, with * , - and / between them"
            ),
            Self::Nickname(text) => write!(
                f,
                "cron: {text:?} is unknown; there are @hourly, @daily (@midnight), @weekly, @monthly and @yearly"
            ),
            Self::Never(text) => write!(f, "cron: {text:?} never happens"),
        }
    }
}

impl std::error::Error for CronError {}

impl Cron {
    /// Reads five fields, or a nickname.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let written = fields.join(" ");
        let pattern = match fields.as_slice() {
            ["@midnight"] => "@daily".to_owned(),
            [nickname] if nickname.starts_with('@') => written.clone(),
            [_, _, _, _, _] => translate(&fields)?,
            _ => return Err(CronError::Count { text: text.to_owned(), fields: fields.len() }),
        };
        let cron = read(&pattern).ok_or_else(|| CronError::Nickname(text.to_owned()))?;
        let start = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
        if cron.find_next_occurrence(&start, true).is_err() {
            return Err(CronError::Never(text.to_owned()));
        }
        Ok(Self { text: written, cron })
    }

    /// As it was written, with one space between the fields.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first minute (since 1970) from `minute` on at which it happens; `None`: none that a calendar has.
    #[must_use]
    pub fn next(&self, minute: i64, zone: &TimeZone) -> Option<i64> {
        // After the minute before, not from this one on: right after a gap, what was skipped is due.
        let before = zoned(minute.checked_sub(1)?, zone)?;
        let next = self.cron.find_next_occurrence(&before, false).ok()?;
        Some(next.timestamp().as_millisecond().div_euclid(MINUTE_MS))
    }
}

fn zoned(minute: i64, zone: &TimeZone) -> Option<Zoned> {
    let time = Timestamp::from_millisecond(minute.checked_mul(MINUTE_MS)?).ok()?;
    Some(time.to_zoned(zone.clone()))
}

fn read(pattern: &str) -> Option<Box<croner::Cron>> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    parser.parse(pattern).ok().map(Box::new)
}

/// Checks each field by itself, so that an error names it, and puts uWSGI's form into cron's.
fn translate(fields: &[&str]) -> Result<String, CronError> {
    let mut translated = Vec::new();
    for (number, (field, (name, least, most))) in fields.iter().zip(FIELDS).enumerate() {
        let field_error = || CronError::Field { name, found: (*field).to_owned(), least, most };
        let plain = match negative(field) {
            Some(every) => multiples(every, number, least, most).ok_or_else(field_error)?,
            None => (*field).to_owned(),
        };
        if !is_spelt_well(&plain, number) {
            return Err(field_error());
        }
        let mut alone = ["*"; 5];
        alone[number] = &plain;
        read(&alone.join(" ")).ok_or_else(field_error)?;
        translated.push(plain);
    }
    Ok(translated.join(" "))
}

/// Whether no item of a list is empty and each word in it is one: `croner` looks for ever for what is not there, and reads names
/// wherever they are, also as digits of a number.
fn is_spelt_well(text: &str, field: usize) -> bool {
    let mut words =
        text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    text.split(',').all(|item| !item.is_empty())
        && words.all(|word| is_word(&word.to_ascii_lowercase(), field))
}

/// Whether a word is a number or a name, with what may stand behind it: `L` and `W` behind days, `L` behind weekdays.
fn is_word(word: &str, field: usize) -> bool {
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    match field {
        2 => is_number(word.trim_end_matches(['l', 'w'])),
        3 => is_number(word) || MONTHS.contains(&word),
        4 => {
            let day = word.strip_suffix('l').unwrap_or(word);
            !day.is_empty() && (is_number(day) || WEEKDAYS.contains(&day))
        }
        _ => is_number(word),
    }
}

/// The n of -n.
fn negative(field: &str) -> Option<u32> {
    field.strip_prefix('-').and_then(|digits| digits.parse().ok()).filter(|every| *every > 0)
}

/// All values that `every` divides, as cron writes them. Minutes and hours stay steps, by which they are known as such
/// when the clocks change; of days, `*/n` would be those after the first of the month.
fn multiples(every: u32, field: usize, least: u32, most: u32) -> Option<String> {
    if every == 1 {
        return Some("*".to_owned());
    }
    if field < 2 && every <= most {
        return Some(format!("*/{every}"));
    }
    let values: Vec<_> =
        (least..=most).filter(|value| value.is_multiple_of(every)).map(|value| value.to_string()).collect();
    (!values.is_empty()).then(|| values.join(","))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    /// Berlin's rules: on the last Sunday of March 2:00 is followed by 3:00, on that of October 3:00 by 2:00.
    fn berlin() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    fn minute(day: (i16, i8, i8), hour: i8, minute: i8, zone: &TimeZone) -> i64 {
        let (year, month, day) = day;
        let time = date(year, month, day).at(hour, minute, 0, 0).to_zoned(zone.clone()).unwrap();
        time.timestamp().as_second() / 60
    }

    /// The next times, of a zone, as day and time on the wall and offset in hours.
    fn times(text: &str, from: (i16, i8, i8), count: usize, zone: &TimeZone) -> Vec<String> {
        let cron = Cron::parse(text).unwrap();
        let mut from = minute(from, 0, 0, zone);
        (0..count)
            .map(|_| {
                let next = cron.next(from, zone).unwrap();
                from = next + 1;
                zoned(next, zone).unwrap().strftime("%d %H:%M %:::z").to_string()
            })
            .collect()
    }

    fn in_utc(text: &str, count: usize) -> Vec<String> {
        let times = times(text, (2026, 11, 1), count, &TimeZone::UTC); // a Sunday
        times.into_iter().map(|time| time.trim_end_matches(" +00").to_owned()).collect()
    }

    #[test]
    fn fields_have_names_ranges_steps_and_lists() {
        for (text, expected) in [
            ("30 4 * * *", ["01 04:30", "02 04:30", "03 04:30"]),
            ("*/20 * * * *", ["01 00:00", "01 00:20", "01 00:40"]),
            ("5,10-11 3 * * *", ["01 03:05", "01 03:10", "01 03:11"]),
            ("10-50/20 0 * * *", ["01 00:10", "01 00:30", "01 00:50"]),
            ("0 0 * nov mon-fri", ["02 00:00", "03 00:00", "04 00:00"]),
            ("0 0 * * 7", ["01 00:00", "08 00:00", "15 00:00"]),
            ("0 0 * Nov-dec Tue,THU", ["03 00:00", "05 00:00", "10 00:00"]),
            ("0 0 L,2W * *", ["02 00:00", "30 00:00", "02 00:00"]),
            ("0 0 * * friL", ["27 00:00", "25 00:00", "29 00:00"]),
            ("@daily", ["01 00:00", "02 00:00", "03 00:00"]),
            ("@midnight", ["01 00:00", "02 00:00", "03 00:00"]),
            // Day or weekday.
            ("0 0 3 * mon", ["02 00:00", "03 00:00", "09 00:00"]),
            // uWSGI's form.
            ("-1 -1 -1 -1 -1", ["01 00:00", "01 00:01", "01 00:02"]),
            ("-20 -12 -1 -1 -1", ["01 00:00", "01 00:20", "01 00:40"]),
            ("0 0 -10 -1 -1", ["10 00:00", "20 00:00", "30 00:00"]),
            ("0 0 3 -1 1", ["02 00:00", "03 00:00", "09 00:00"]),
            ("-99 -1 -1 -1 -1", ["01 00:00", "01 01:00", "01 02:00"]),
            ("0 0 -1 -1 -3", ["01 00:00", "04 00:00", "07 00:00"]),
        ] {
            assert_eq!(in_utc(text, 3), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_entry_is_named() {
        let refusal = |text| Cron::parse(text).unwrap_err().to_string();
        assert_eq!(
            refusal("61 * * * *"),
            "cron: \"61\" is no minute: numbers are 0 to 59, with * , - and / between them"
        );
        for (text, name) in [
            ("* 24 * * *", "hour"),
            ("* * 0 * *", "day"),
            ("* * * 13 *", "month"),
            ("* * * foo *", "month"),
            ("* * * * 8", "weekday"),
            ("*/0 * * * *", "minute"),
            ("5-1 * * * *", "minute"),
            ("-0 * * * *", "minute"),
            ("* * -99 * *", "day"),
            ("x * * * *", "minute"),
            (", * * * *", "minute"),
            ("1,,2 * * * *", "minute"),
            ("* 1, * * *", "hour"),
            ("jan * * * *", "minute"),
            ("* * * janfeb *", "month"),
            ("* * * 1feb *", "month"),
            ("* * * * monday", "weekday"),
            ("* * * * L", "weekday"),
        ] {
            let error = Cron::parse(text).unwrap_err();
            assert!(
                matches!(error, CronError::Field { name: found, .. } if found == name),
                "{text}: {error}"
            );
        }
        assert!(refusal("* * * *").contains("has 4 fields"));
        assert!(refusal("0 * * * * *").contains("has 6 fields"));
        assert!(refusal("").contains("has 0 fields"));
        assert!(refusal("@never").contains("is unknown"));
        assert_eq!(refusal("0 0 30 2 *"), "cron: \"0 0 30 2 *\" never happens");
    }

    #[test]
    fn a_fixed_time_that_is_skipped_happens_right_after_the_gap() {
        let spring = |text| times(text, (2026, 3, 28), 3, &berlin());
        assert_eq!(spring("30 2 * * *"), ["28 02:30 +01", "29 03:00 +02", "30 02:30 +02"]);
        assert_eq!(spring("0 3 * * *"), ["28 03:00 +01", "29 03:00 +02", "30 03:00 +02"]);
        // What follows the clock leaves the hour out.
        let hourly = times("30 * * * *", (2026, 3, 29), 3, &berlin());
        assert_eq!(hourly, ["29 00:30 +01", "29 01:30 +01", "29 03:30 +02"]);
    }

    #[test]
    fn a_fixed_time_that_comes_twice_happens_the_first_time() {
        let autumn = |text| times(text, (2026, 10, 24), 3, &berlin());
        assert_eq!(autumn("30 2 * * *"), ["24 02:30 +02", "25 02:30 +02", "26 02:30 +01"]);
        let hourly = times("30 */1 * * *", (2026, 10, 25), 4, &berlin());
        assert_eq!(hourly, ["25 00:30 +02", "25 01:30 +02", "25 02:30 +02", "25 02:30 +01"]);
    }
}
