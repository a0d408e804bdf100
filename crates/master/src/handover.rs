//! What a master hands on to the program that takes its place, and what that takes over.
//!
//! The text of the parcel has a line for each thing; numbers behind `#` are places in the parcel's list of descriptors:
//! ```text
//! goherd 3                                 the version of this format, and of what master and workers share
//! paused
//! scoreboard #0
//! seats #1                                 so, too: locks, metrics, once, signals, marks
//! cache #5 NAME                            so, too: near
//! entry #6 call:worker1                    where things go into an inbox; `exit`: where they come out
//! listener #1 http                         and whatever else its owner says of it
//! member LINE worker 1 PID BORN serves #2  BORN in milliseconds of the monotonic clock; or `leaves`, or `waits`
//! stranger PID
//! pipe #8                                  of commands: a named pipe that nobody holds loses what was written into it
//! looked-at WALL                           when cron was looked at, in milliseconds since 1970
//! timer SIGNAL EVERY TIMES DUE LEFT        a `-` for what has no end
//! command PID UNTIL TEXT                   one that cron has started
//! ```

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use goherd_events::{Beat, When};
use goherd_shm::commons::Descriptors;
use goherd_shm::{Commons, Role, Scoreboard, Who};
use goherd_sys::Pid;
use goherd_sys::clock::Millis;
use goherd_sys::control::Control;
use goherd_sys::fifo::Fifo;
use goherd_sys::inbox::Inbox;
use goherd_sys::parcel::Parcel;
use goherd_sys::socket::Listener;

use crate::family::Heirloom;
use crate::house::{Legacy, Running};

/// The version of the format, of the scoreboard, and of the messages between master and workers. What else is shared has a
/// version of its own in each memory.
pub const VERSION: u32 = 3;

/// The variable that asks a program whether it could take over.
pub(crate) const TRIAL: &str = "GOHERD_TRIAL";

/// What a running server asks of a program that it tries out: whether it could take over this.
#[derive(Debug, PartialEq, Eq)]
pub struct Question {
    /// The version of what would be handed on.
    pub version: u32,
    /// What the owner of the listening sockets says of each.
    pub listeners: Vec<String>,
}

impl Question {
    /// The one that this process was asked, if it was started for that.
    #[must_use]
    pub fn asked() -> Option<Self> {
        Some(Self::read(&std::env::var_os(TRIAL)?.to_string_lossy()))
    }

    fn read(text: &str) -> Self {
        let mut lines = text.lines();
        let version = lines.next().and_then(|version| version.parse().ok()).unwrap_or(0);
        Self { version, listeners: lines.map(str::to_owned).collect() }
    }

    /// The question of this program: the version, and a line for each listener.
    pub(crate) fn text(listeners: &[String]) -> String {
        [&[VERSION.to_string()], listeners].concat().join("\n")
    }
}

/// What was taken over.
#[derive(Debug)]
pub struct Handover {
    /// Workers are told to take no new connections.
    pub paused: bool,
    /// The memory that all share.
    pub scoreboard: OwnedFd,
    /// What else all share, until somebody takes it.
    pub commons: Option<Descriptors>,
    /// Listening sockets, and what their owner has said of them.
    pub listeners: Vec<(Listener, String)>,
    /// Workers, each with the socket to it.
    pub members: Vec<(Heirloom, Control)>,
    /// Children that are none of ours.
    pub strangers: Vec<Pid>,
    /// Named pipes, to be held until they are opened anew.
    pub pipes: Vec<OwnedFd>,
    /// What is to be done by the clock.
    pub legacy: Legacy,
}

impl Handover {
    /// Puts together what is to be handed on.
    pub(crate) fn pack<'a>(
        paused: bool,
        scoreboard: &Scoreboard,
        commons: &Commons,
        listeners: impl Iterator<Item = (&'a Listener, String)>,
        members: impl Iterator<Item = (Heirloom, &'a Control)>,
        strangers: &[Pid],
        legacy: &Legacy,
    ) -> io::Result<Parcel> {
        let mut text = format!("goherd {VERSION}\n{}scoreboard #0\n", if paused { "paused\n" } else { "" });
        let mut descriptors = vec![scoreboard.as_fd().try_clone_to_owned()?];
        for (what, fd) in commons.parts() {
            let (what, name) = what.split_once(' ').unwrap_or((&what, ""));
            text += format!("{what} #{} {name}", descriptors.len()).trim_end();
            text.push('\n');
            descriptors.push(fd.try_clone_to_owned()?);
        }
        for (listener, name) in listeners {
            text += &format!("listener #{} {name}\n", descriptors.len());
            descriptors.push(listener.duplicate()?.into_fd());
        }
        for (member, control) in members {
            let Heirloom { line, who, pid, born, serves, waits } = member;
            let stage = match (serves, waits) {
                (false, _) => "leaves",
                (true, false) => "serves",
                (true, true) => "waits",
            };
            text += &format!("member {line} {who} {pid} {} {stage} #{}\n", born.0, descriptors.len());
            descriptors.push(control.duplicate()?);
        }
        for pid in strangers {
            text += &format!("stranger {pid}\n");
        }
        text += &legacy_text(legacy);
        Ok(Parcel { text, descriptors })
    }

    /// Adds named pipes that the new program is to hold until it has opened them itself.
    pub(crate) fn add_pipes<'a>(
        parcel: &mut Parcel,
        pipes: impl Iterator<Item = &'a Fifo>,
    ) -> io::Result<()> {
        for pipe in pipes {
            parcel.text += &format!("pipe #{}\n", parcel.descriptors.len());
            parcel.descriptors.push(pipe.as_fd().try_clone_to_owned()?);
        }
        Ok(())
    }

    /// Takes over what the program before this one has handed on, if there was one. Call it first of all.
    pub fn take() -> io::Result<Option<Self>> {
        Parcel::take()?.map(Self::unpack).transpose()
    }

    fn unpack(parcel: Parcel) -> io::Result<Self> {
        let mut descriptors: Vec<_> = parcel.descriptors.into_iter().map(Some).collect();
        let mut lines = parcel.text.lines();
        if lines.next() != Some(&format!("goherd {VERSION}")) {
            return Err(malformed("its version is another one"));
        }
        let (mut paused, mut scoreboard) = (false, None);
        let (mut tables, mut caches, mut near) = ([const { None }; 6], Vec::new(), Vec::new());
        let (mut entries, mut exits) = (Vec::new(), Vec::new());
        let (mut listeners, mut members) = (Vec::new(), Vec::new());
        let (mut strangers, mut pipes) = (Vec::new(), Vec::new());
        let mut legacy = Legacy::default();
        let mut take = |word: &str| {
            let index = word.strip_prefix('#').and_then(|index| index.parse::<usize>().ok());
            let found = index.and_then(|index| descriptors.get_mut(index)).and_then(Option::take);
            found.ok_or_else(|| malformed(&format!("{word:?} is no descriptor of it")))
        };
        for line in lines {
            let words: Vec<_> = line.split(' ').collect();
            match words[..] {
                ["paused"] => paused = true,
                ["scoreboard", fd] => scoreboard = Some(take(fd)?),
                ["seats", fd] => tables[0] = Some(take(fd)?),
                ["locks", fd] => tables[1] = Some(take(fd)?),
                ["metrics", fd] => tables[2] = Some(take(fd)?),
                ["once", fd] => tables[3] = Some(take(fd)?),
                ["signals", fd] => tables[4] = Some(take(fd)?),
                ["marks", fd] => tables[5] = Some(take(fd)?),
                ["near", fd, name] => near.push((name.to_owned(), take(fd)?)),
                ["cache", fd, name] => caches.push((name.to_owned(), take(fd)?)),
                ["entry", fd, name] => entries.push((name.to_owned(), take(fd)?)),
                ["exit", fd, name] => exits.push((name.to_owned(), take(fd)?)),
                ["listener", fd, ..] => {
                    let name = words[2..].join(" ");
                    listeners.push((Listener::adopt(take(fd)?)?, name));
                }
                ["member", number, role, of_role, pid, born, stage, fd] => {
                    let member = member(role, [number, of_role, pid, born], stage);
                    let member = member.ok_or_else(|| malformed(line))?;
                    members.push((member, Control::adopt(take(fd)?)));
                }
                ["stranger", pid] => strangers.extend(pid.parse().ok().and_then(Pid::new)),
                ["pipe", fd] => pipes.push(take(fd)?),
                _ if read_legacy(&words, &mut legacy).is_some() => {}
                _ => return Err(malformed(&format!("{line:?} means nothing"))),
            }
        }
        let scoreboard = scoreboard.ok_or_else(|| malformed("there is no scoreboard"))?;
        let [Some(seats), Some(locks), Some(metrics), Some(once), Some(signals), Some(marks)] = tables else {
            return Err(malformed("a table of what all share is missing"));
        };
        let inbox = |((name, entry), (same, exit)): ((String, OwnedFd), (String, OwnedFd))| {
            if name == same {
                Ok((name, Inbox::adopt(entry, exit)))
            } else {
                Err(malformed("inboxes are mixed up"))
            }
        };
        let inboxes = entries.into_iter().zip(exits).map(inbox).collect::<io::Result<_>>()?;
        let commons =
            Some(Descriptors { seats, locks, metrics, once, signals, marks, caches, near, inboxes });
        Ok(Self { paused, scoreboard, commons, listeners, members, strangers, pipes, legacy })
    }

    /// The workers, without the sockets.
    pub(crate) fn members(&self) -> Vec<Heirloom> {
        self.members.iter().map(|(member, _)| *member).collect()
    }
}

fn member(role: &str, numbers: [&str; 4], stage: &str) -> Option<Heirloom> {
    let [line, number, pid, born] = numbers;
    let role = Role::ALL.into_iter().find(|known| known.word() == role)?;
    Some(Heirloom {
        line: line
            .parse()
            .ok()
            .filter(|line| (1..=goherd_shm::LINES).contains(line))
            .and_then(|line| u32::try_from(line).ok())?,
        who: Who { role, number: number.parse().ok()? },
        pid: pid.parse().ok()?,
        born: Millis(born.parse().ok()?),
        serves: stage != "leaves",
        waits: stage == "waits",
    })
}

fn legacy_text(legacy: &Legacy) -> String {
    let mut text = String::new();
    if let Some(looked_at) = legacy.looked_at {
        text += &format!("looked-at {looked_at}\n");
    }
    for (signal, when, Beat { due, left }) in &legacy.beats {
        let (every, times) = match when {
            When::Every(every) => (every, "-".to_owned()),
            When::Times(every, times) => (every, times.to_string()),
            When::Cron(_) => continue,
        };
        let left = left.map_or("-".to_owned(), |left| left.to_string());
        text += &format!("timer {signal} {every} {times} {} {left}\n", due.0);
    }
    for Running { pid, until, command } in &legacy.running {
        let until = until.map_or("-".to_owned(), |until| until.0.to_string());
        // The text comes last, and a line feed in it would end the line.
        text += &format!("command {pid} {until} {}\n", command.replace('\n', " "));
    }
    text
}

/// Takes a line of that.
fn read_legacy(words: &[&str], legacy: &mut Legacy) -> Option<()> {
    let unless_none = |word: &str| -> Option<Option<u64>> {
        if word == "-" { Some(None) } else { word.parse().ok().map(Some) }
    };
    match *words {
        ["looked-at", wall] => legacy.looked_at = Some(wall.parse().ok()?),
        ["timer", signal, every, times, due, left] => {
            let every = every.parse().ok()?;
            let when = match unless_none(times)? {
                None => When::Every(every),
                Some(times) => When::Times(every, u32::try_from(times).ok()?),
            };
            let left = unless_none(left)?.map(u32::try_from).transpose().ok()?;
            legacy.beats.push((signal.parse().ok()?, when, Beat { due: Millis(due.parse().ok()?), left }));
        }
        ["command", pid, until, ..] => {
            let pid = Pid::new(pid.parse().ok()?)?;
            let until = unless_none(until)?.map(Millis);
            legacy.running.push(Running { pid, until, command: words[3..].join(" ") });
        }
        _ => return None,
    }
    Some(())
}

fn malformed(what: &str) -> io::Error {
    let sentence = format!("what the program before this one has handed on is malformed: {what}");
    io::Error::new(io::ErrorKind::InvalidData, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_by_the_clock_comes_out_as_it_went_in() {
        let legacy = Legacy {
            looked_at: Some(1_790_000_040_000),
            beats: vec![
                (0, When::Every(5), Beat { due: Millis(7), left: None }),
                (255, When::Times(5, 3), Beat { due: Millis(8), left: Some(2) }),
            ],
            running: vec![
                Running { pid: Pid::me(), until: None, command: "echo  a 'b c'".to_owned() },
                Running { pid: Pid::me(), until: Some(Millis(9)), command: String::new() },
            ],
        };
        let mut read = Legacy::default();
        for line in legacy_text(&legacy).lines() {
            let words: Vec<_> = line.split(' ').collect();
            assert_eq!(read_legacy(&words, &mut read), Some(()), "{line}");
        }
        assert_eq!(read, legacy);
        for line in ["timer 256 1 1 1 1", "timer 1 1 1 1", "command 0 - x", "looked-at soon", "other 1"] {
            let words: Vec<_> = line.split(' ').collect();
            assert_eq!(read_legacy(&words, &mut read), None, "{line}");
        }
    }

    #[test]
    fn a_question_is_understood() {
        let listeners = ["http".to_owned(), "uwsgi from outside".to_owned()];
        let question = Question::read(&Question::text(&listeners));
        assert_eq!(question, Question { version: VERSION, listeners: listeners.into() });
        assert_eq!(Question::read(""), Question { version: 0, listeners: Vec::new() });
    }
}
