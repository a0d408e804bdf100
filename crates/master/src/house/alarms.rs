//! Alarms, which the application raises by name: a line in the log, or a command that is told what has happened.
//!
//! In: names and messages from workers, with the time. Out: what the configuration has for that name. Commands run beside the
//! master, which waits for none of them. Invariant: an alarm goes off once in `every` milliseconds, and so many commands are
//! under way at most, whatever an application does.

use goherd_sys::clock::Millis;
use goherd_sys::process::{self, Bounds, Ending, Pid};
use goherd_sys::stderr;

/// The most commands of alarms that are under way at a time.
const MOST_COMMANDS: usize = 16;

/// What the configuration says of alarms.
#[derive(Clone, Debug, Default)]
pub struct Alarms {
    /// How long each is quiet after it went off, in milliseconds.
    pub every: u64,
    /// Those that there are.
    pub alarms: Vec<Alarm>,
}

/// An alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Its name. Several may have the same: they all go off.
    pub name: String,
    /// What it does.
    pub means: Means,
}

/// What an alarm does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Means {
    /// A line in the log.
    Log,
    /// A command for a shell, with the message as its input.
    Command(String),
    /// A signal to the application.
    Signal(u8),
}

/// The alarms of the generation that serves.
#[derive(Debug, Default)]
pub(super) struct Bells {
    every: u64,
    bounds: Bounds,
    bells: Vec<Bell>,
    commands: Vec<(Pid, String)>,
}

#[derive(Debug)]
struct Bell {
    alarm: Alarm,
    /// When it went off last.
    rang: Option<Millis>,
    /// How often it was kept quiet since.
    withheld: u64,
}

impl Bells {
    /// These are the alarms from now on, and their commands run in these bounds. Those that stay keep quiet for as long as they would have.
    pub fn follow(&mut self, settings: &Alarms, bounds: &Bounds) {
        let old = std::mem::take(&mut self.bells);
        let bell = |alarm: &Alarm| {
            let rang = old.iter().find(|bell| bell.alarm == *alarm).and_then(|bell| bell.rang);
            Bell { alarm: alarm.clone(), rang, withheld: 0 }
        };
        self.bells = settings.alarms.iter().map(bell).collect();
        (self.every, self.bounds) = (settings.every, bounds.clone());
    }

    /// Lets those of this name go off. Gives the signals that are to be raised for that.
    pub fn raise(&mut self, name: &str, message: &str, now: Millis) -> Vec<u8> {
        let (mut found, mut signals) = (false, Vec::new());
        for at in 0..self.bells.len() {
            let bell = &mut self.bells[at];
            if bell.alarm.name != name {
                continue;
            }
            found = true;
            let Some(withheld) = bell.ring(now, self.every) else { continue };
            if withheld > 0 {
                stderr::line(&format!("alarm {name}: {withheld} of it were withheld (alarm-freq)"));
            }
            match bell.alarm.means.clone() {
                Means::Signal(signal) => signals.push(signal),
                Means::Log => stderr::lines(&format!("alarm {name}: "), message),
                Means::Command(command) => self.sound(name, &command, message),
            }
        }
        if !found {
            stderr::lines(&format!("alarm {name:?}: there is none with this name (option alarm): "), message);
        }
        signals
    }

    fn sound(&mut self, name: &str, command: &str, message: &str) {
        if self.commands.len() >= MOST_COMMANDS {
            let said = format!("alarm {name}: {MOST_COMMANDS} commands are under way already: ");
            return stderr::lines(&said, message);
        }
        // It is shorter than goherd_sys::control::MAX_MESSAGE, as it came in a message of a worker's.
        let input = [message.as_bytes(), b"\n"].concat();
        match process::start_command(command, &self.bounds, Some(&input)) {
            Ok(pid) => self.commands.push((pid, name.to_owned())),
            Err(error) => {
                stderr::lines(&format!("alarm {name}: {command:?} cannot be started: {error}: "), message);
            }
        }
    }

    /// Notes the end of a child, if it was a command of an alarm; says whether it was.
    pub fn reaped(&mut self, pid: Pid, ending: Option<Ending>) -> bool {
        let Some(at) = self.commands.iter().position(|(command, _)| *command == pid) else { return false };
        let (_, name) = self.commands.swap_remove(at);
        if let Some(ending) = ending.filter(|ending| *ending != Ending::Exited(0)) {
            stderr::line(&format!("alarm {name}: its command {ending}"));
        }
        true
    }
}

impl Bell {
    /// `Some`: it goes off now, and so often it did not since it went off last.
    fn ring(&mut self, now: Millis, every: u64) -> Option<u64> {
        if self.rang.is_some_and(|rang| now.since(rang) < every) {
            self.withheld += 1;
            return None;
        }
        self.rang = Some(now);
        Some(std::mem::take(&mut self.withheld))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bell() -> Bell {
        Bell { alarm: Alarm { name: "a".to_owned(), means: Means::Log }, rang: None, withheld: 0 }
    }

    #[test]
    fn an_alarm_goes_off_once_in_a_while() {
        let mut bell = bell();
        let rings: Vec<_> = [0, 1, 2_999, 3_000, 3_001].map(|now| bell.ring(Millis(now), 3_000)).into();
        assert_eq!(rings, [Some(0), None, None, Some(2), None]);
    }

    #[test]
    fn no_time_is_no_limit() {
        let mut bell = bell();
        assert_eq!([bell.ring(Millis(5), 0), bell.ring(Millis(5), 0)], [Some(0), Some(0)]);
    }

    #[test]
    fn all_alarms_of_a_name_go_off() {
        let alarm = |name: &str, signal| Alarm { name: name.to_owned(), means: Means::Signal(signal) };
        let alarms = vec![alarm("a", 1), alarm("b", 2), alarm("a", 3)];
        let mut bells = Bells::default();
        bells.follow(&Alarms { every: 10, alarms }, &Bounds::default());
        assert_eq!(bells.raise("a", "", Millis(100)), [1, 3]);
        assert_eq!(bells.raise("a", "", Millis(101)), [0_u8; 0]);
        assert_eq!(bells.raise("b", "", Millis(101)), [2]);
        assert_eq!(bells.raise("c", "", Millis(101)), [0_u8; 0]);
    }

    #[test]
    fn a_reload_does_not_make_it_louder() {
        let alarm = bell().alarm;
        let settings = Alarms { every: 10, alarms: vec![alarm] };
        let mut bells = Bells::default();
        bells.follow(&settings, &Bounds::default());
        assert_eq!(bells.raise("a", "first", Millis(100)), [0_u8; 0]);
        bells.follow(&settings, &Bounds::default());
        assert_eq!(bells.bells[0].ring(Millis(105), 10), None);
        assert_eq!(bells.bells[0].ring(Millis(110), 10), Some(1));
    }
}
