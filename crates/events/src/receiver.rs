//! Who receives a signal, as applications say it.

use std::fmt;

/// The receivers there are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Receiver {
    /// "", "worker" and "worker0": one of the workers.
    AnyWorker,
    /// "workers": every worker.
    Workers,
    /// "active-workers": every worker that takes requests.
    ActiveWorkers,
    /// "worker3": this one.
    Worker(u32),
    /// "mule" and "mule0": one of the mules.
    AnyMule,
    /// "mules": every mule.
    Mules,
    /// "mule2": this one.
    Mule(u32),
    /// "`farm_NAME"`: one of the mules of this farm.
    Farm(String),
    /// "farm2": one of the mules of the farm that comes second in the configuration.
    NthFarm(u32),
    /// "spooler": one of the spoolers.
    Spooler,
}

impl Receiver {
    /// Whether it means one process, whichever of several.
    #[must_use]
    pub fn is_one_of_several(&self) -> bool {
        matches!(self, Self::AnyWorker | Self::AnyMule | Self::Farm(_) | Self::NthFarm(_) | Self::Spooler)
    }
}

/// Some text names no receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverError {
    text: String,
}

impl fmt::Display for ReceiverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no receiver: there are worker, workers, active-workers, worker1, mule, mules, mule1, farm_NAME, farm1 and spooler",
            self.text
        )
    }
}

impl std::error::Error for ReceiverError {}

impl std::str::FromStr for Receiver {
    type Err = ReceiverError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "" | "worker" | "worker0" => Self::AnyWorker,
            "workers" => Self::Workers,
            "active-workers" => Self::ActiveWorkers,
            "mule" | "mule0" => Self::AnyMule,
            "mules" => Self::Mules,
            "spooler" => Self::Spooler,
            _ => one(text).ok_or_else(|| ReceiverError { text: text.to_owned() })?,
        })
    }
}

/// One with a number or a name.
fn one(text: &str) -> Option<Receiver> {
    let number = |digits: &str| {
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        digits.parse().ok().filter(|_| plain)
    };
    if let Some(name) = text.strip_prefix("farm_") {
        return (!name.is_empty()).then(|| Receiver::Farm(name.to_owned()));
    }
    let is = |word| text.strip_prefix(word);
    match (is("worker"), is("mule"), is("farm")) {
        (Some(digits), ..) => number(digits).map(Receiver::Worker),
        (_, Some(digits), _) => number(digits).map(Receiver::Mule),
        (.., Some(digits)) => number(digits).map(Receiver::NthFarm),
        (None, None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receivers_are_read() {
        for (text, receiver) in [
            ("", Receiver::AnyWorker),
            ("worker", Receiver::AnyWorker),
            ("worker0", Receiver::AnyWorker),
            ("worker12", Receiver::Worker(12)),
            ("workers", Receiver::Workers),
            ("active-workers", Receiver::ActiveWorkers),
            ("mule", Receiver::AnyMule),
            ("mule0", Receiver::AnyMule),
            ("mule3", Receiver::Mule(3)),
            ("mules", Receiver::Mules),
            ("farm_mail", Receiver::Farm("mail".into())),
            ("farm_2", Receiver::Farm("2".into())),
            ("farm2", Receiver::NthFarm(2)),
            ("spooler", Receiver::Spooler),
        ] {
            assert_eq!(text.parse(), Ok(receiver), "{text}");
        }
    }

    #[test]
    fn what_is_no_receiver_is_refused_with_those_there_are() {
        for text in [
            "Worker",
            "worker01",
            "worker-1",
            "worker+1",
            "mulex",
            "farm_",
            "farm",
            "farm0",
            "farmx",
            "all",
            "worker99999999999",
        ] {
            let error = text.parse::<Receiver>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{text:?} is no receiver: there are worker,")), "{error}");
        }
    }
}
