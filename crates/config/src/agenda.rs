//! What happens by the clock, as options describe it: text in, signals and commands with their times out, or what was
//! expected.

use std::path::PathBuf;
use std::time::Duration;

use goherd_events::Cron;

/// The longest time in seconds: a year.
const MOST_SECONDS: u64 = 365 * 24 * 60 * 60;

/// A signal that is raised every so often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// The signal.
    pub signal: u8,
    /// How often: 1 second to a year.
    pub every: Duration,
    /// So many times; 0: for ever.
    pub times: u32,
}

/// A command that is started at certain times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronJob {
    /// When.
    pub cron: Cron,
    /// What a shell is told; it is not empty.
    pub command: String,
    /// It is not started while it runs.
    pub unique: bool,
    /// How long it may run; `None`: nothing is said of that.
    pub harakiri: Option<Duration>,
}

impl Timer {
    /// What `SIGNAL SECONDS`, and `TIMES` if there may be any, describe.
    pub fn parse(text: &str, has_times: bool) -> Result<Self, String> {
        let words: Vec<_> = text.split_ascii_whitespace().collect();
        let (signal, seconds, times) = match words[..] {
            [signal, seconds] => (signal, seconds, None),
            [signal, seconds, times] if has_times => (signal, seconds, Some(times)),
            _ if has_times => {
                return Err("expected SIGNAL SECONDS [TIMES], such as 7 60 or 7 60 3".to_owned());
            }
            _ => return Err("expected SIGNAL SECONDS, such as 7 60".to_owned()),
        };
        let times = times.map_or(Ok(0), |times| {
            times.parse().map_err(|_| format!("{times:?} is no number of times, 0 to {}", u32::MAX))
        })?;
        let every = seconds.parse().ok().filter(|seconds| (1..=MOST_SECONDS).contains(seconds));
        let every = every.ok_or_else(|| format!("{seconds:?} are no seconds, 1 to {MOST_SECONDS}"))?;
        Ok(Self { signal: signal_number(signal)?, every: Duration::from_secs(every), times })
    }
}

/// What `PATH SIGNAL` describe.
pub fn monitor(text: &str) -> Result<(PathBuf, u8), String> {
    let expected = || "expected PATH SIGNAL, such as /etc/app.conf 7".to_owned();
    let (path, signal) = text.trim().rsplit_once([' ', '\t']).ok_or_else(expected)?;
    let path = path.trim_end();
    if path.is_empty() { Err(expected()) } else { Ok((path.into(), signal_number(signal)?)) }
}

fn signal_number(text: &str) -> Result<u8, String> {
    text.parse().map_err(|_| format!("{text:?} is no signal: they are numbered from 0 to 255"))
}

impl CronJob {
    /// What five fields, or a nickname, and a command describe.
    pub fn parse(text: &str, unique: bool) -> Result<Self, String> {
        let fields = if text.trim_start().starts_with('@') { 1 } else { 5 };
        let (when, command) = split(text, fields);
        let cron = Cron::parse(&when).map_err(|error| error.to_string())?;
        Self::of(cron, command, unique, None)
    }

    /// What `key=value,…` and a command describe, and whether there is a key that means nothing here.
    pub fn parse_keys(text: &str) -> Result<(Self, bool), String> {
        let (keys, command) = split(text, 1);
        let mut fields = ["*"; 5];
        let (mut unique, mut harakiri, mut legion) = (false, None, false);
        for part in keys.split(',').filter(|part| !part.is_empty()) {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            match (key, ["minute", "hour", "day", "month", "week"].iter().position(|name| *name == key)) {
                (_, Some(field)) => fields[field] = value,
                ("unique", _) => unique = flag(value)?,
                ("harakiri", _) => {
                    let seconds = value.parse().ok().filter(|seconds| *seconds <= MOST_SECONDS);
                    let seconds = seconds.ok_or_else(|| {
                        format!("expected seconds from 0 to {MOST_SECONDS} after harakiri=")
                    })?;
                    harakiri = Some(Duration::from_secs(seconds));
                }
                ("legion", _) => legion = true,
                _ => {
                    return Err(format!(
                        "{key:?} is none of its keys, which are minute, hour, day, month, week, unique and harakiri"
                    ));
                }
            }
        }
        let cron = Cron::parse(&fields.join(" ")).map_err(|error| error.to_string())?;
        Ok((Self::of(cron, command, unique, harakiri)?, legion))
    }

    fn of(cron: Cron, command: &str, unique: bool, harakiri: Option<Duration>) -> Result<Self, String> {
        if command.is_empty() {
            return Err(format!("expected a command after {:?}", cron.as_str()));
        }
        if command.contains('\n') {
            return Err("a command is one line".to_owned());
        }
        Ok(Self { cron, command: command.to_owned(), unique, harakiri })
    }
}

/// The first words, and the rest.
fn split(text: &str, words: usize) -> (String, &str) {
    let (mut first, mut rest) = (Vec::new(), text.trim());
    while first.len() < words && !rest.is_empty() {
        let (word, after) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
        first.push(word);
        rest = after.trim_start();
    }
    (first.join(" "), rest)
}

fn flag(value: &str) -> Result<bool, String> {
    match value {
        "" | "1" | "true" | "on" | "yes" => Ok(true),
        "0" | "false" | "off" | "no" => Ok(false),
        _ => Err("expected true or false after unique=".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_have_the_times_of_either_form() {
        for (text, fields, command) in [
            ("59 2 -1 -1 -1 /bin/backup --all", "59 2 -1 -1 -1", "/bin/backup --all"),
            ("*/5  * * jan mon-fri\techo  'a  b'", "*/5 * * jan mon-fri", "echo  'a  b'"),
            ("@daily x", "@daily", "x"),
        ] {
            let job = CronJob::parse(text, true).unwrap();
            assert_eq!((job.cron.as_str(), job.command.as_str(), job.unique), (fields, command, true));
        }
        let (job, legion) =
            CronJob::parse_keys("minute=-5,week=1,unique=1,harakiri=9,legion=l do it").unwrap();
        assert_eq!((job.cron.as_str(), job.command.as_str()), ("-5 * * * 1", "do it"));
        assert_eq!((job.unique, job.harakiri, legion), (true, Some(Duration::from_secs(9)), true));
    }

    #[test]
    fn timers_and_monitors_are_read() {
        let timer = |every, times| Timer { signal: 7, every: Duration::from_secs(every), times };
        assert_eq!(Timer::parse(" 7  60 ", false), Ok(timer(60, 0)));
        assert_eq!(Timer::parse("7 60 3", true), Ok(timer(60, 3)));
        assert_eq!(monitor("/etc/my app.conf 255"), Ok(("/etc/my app.conf".into(), 255)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let errors = [
            (CronJob::parse("61 * * * * x", false), "\"61\" is no minute"),
            (CronJob::parse("* * * * *", false), "expected a command"),
            (CronJob::parse("* * x", false), "has 3 fields"),
            (CronJob::parse("", false), "has 0 fields"),
            (CronJob::parse_keys("minute=61 x").map(|(job, _)| job), "\"61\" is no minute"),
            (CronJob::parse_keys("second=1 x").map(|(job, _)| job), "\"second\" is none of its keys"),
            (CronJob::parse_keys("unique=maybe x").map(|(job, _)| job), "true or false"),
            (CronJob::parse_keys("minute=1").map(|(job, _)| job), "expected a command"),
        ];
        for (result, part) in errors {
            let error = result.unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
