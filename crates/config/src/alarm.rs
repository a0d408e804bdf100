//! The value of the option `alarm`: a name, and what is done when the application raises it.

/// An alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Its name: not empty, without white space.
    pub name: String,
    /// What it does.
    pub does: AlarmDoes,
}

/// What an alarm does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlarmDoes {
    /// A line in the log.
    Log,
    /// A command for a shell; not empty.
    Command(String),
    /// A signal to the application.
    Signal(u8),
}

impl Alarm {
    /// Reads `NAME PLUGIN:ARGS`.
    pub(crate) fn parse(value: &str) -> Result<Self, String> {
        let expected =
            "expected NAME cmd:COMMAND, NAME log: or NAME signal:N, as in disk cmd:mail -s disk admin";
        let (name, does) = value.split_once(char::is_whitespace).ok_or(expected)?;
        let (plugin, args) = does.trim_start().split_once(':').ok_or(expected)?;
        let does = match (plugin, args.trim()) {
            ("log", "") => AlarmDoes::Log,
            ("log", _) => return Err(format!("log: takes nothing behind the colon; {expected}")),
            ("cmd", "") => return Err(format!("there is no command behind cmd:; {expected}")),
            ("cmd", command) => AlarmDoes::Command(command.to_owned()),
            ("signal", number) => AlarmDoes::Signal(number.parse().map_err(|_| {
                format!("{number:?} is no signal, which have the numbers 0 to 255; {expected}")
            })?),
            (other, _) => return Err(format!("there is no alarm plugin {other:?}; {expected}")),
        };
        if name.is_empty() {
            return Err(expected.to_owned());
        }
        Ok(Self { name: name.to_owned(), does })
    }
}
