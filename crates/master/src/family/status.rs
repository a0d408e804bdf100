//! What there is to know of the family: by who can tell its members something, by who asks for statistics, and by the service
//! manager.

use std::fmt;

use goherd_shm::Who;
use goherd_sys::clock::Millis;

use super::ending::Mood;
use super::member::{Member, Stage};
use super::{Action, Actions, Family, seconds};

/// What a service manager wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The server serves.
    Ready,
    /// It reads everything anew.
    Reloading,
    /// It ends.
    Stopping,
    /// How it is, in a sentence for people.
    State(String),
}

/// A member that can be told something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Live {
    /// Its line of the scoreboard.
    pub line: u32,
    /// What it is, and its number.
    pub who: Who,
    /// It takes requests; of the crew: its work is its own by now.
    pub active: bool,
    /// It runs the code that is in force.
    pub current: bool,
}

/// What a member is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its line of the scoreboard.
    pub line: u32,
    /// What it is, and its number.
    pub who: Who,
    /// Its process.
    pub pid: i32,
    /// What it was made from.
    pub generation: u32,
    /// "ready for 3.2 s" and the like.
    pub about: String,
    /// The stage of its life.
    pub stage: Standing,
    /// When it was born.
    pub born: Millis,
    /// How long it took until it was ready, in milliseconds, if it is.
    pub start: Option<u64>,
    /// It is who fills its place; else it is on its way to it, or out of it.
    pub at_place: bool,
}

/// The stage of a member's life, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not ready yet.
    Starting,
    /// It serves.
    Ready,
    /// It finishes.
    Draining,
    /// It was killed.
    Doomed,
}

impl Standing {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
            Self::Doomed => "killed",
        }
    }
}

impl From<Stage> for Standing {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Expected | Stage::Starting => Self::Starting,
            Stage::Ready { .. } => Self::Ready,
            Stage::Draining { .. } => Self::Draining,
            Stage::Doomed => Self::Doomed,
        }
    }
}

impl Family {
    /// The members that serve, and so can be told something. Others would not hear it, or are about to go.
    #[must_use]
    pub fn live(&self) -> Vec<Live> {
        let serving = |(_, member): &(&u32, &Member)| matches!(member.stage, Stage::Ready { .. });
        let live = |(&line, member): (&u32, &Member)| Live {
            line,
            who: member.who,
            active: if member.who.is_crew() { member.begun } else { !self.paused },
            current: member.generation == self.in_force && self.in_force > 0,
        };
        self.members.iter().filter(serving).map(live).collect()
    }

    /// What all members are about.
    #[must_use]
    pub fn status(&self, now: Millis) -> Vec<Status> {
        let about = |member: &Member| match member.stage {
            Stage::Expected | Stage::Starting => {
                format!("starting for {} s", seconds(now.since(member.born)))
            }
            Stage::Ready { since } if self.paused && !member.who.is_crew() => {
                format!("paused, ready for {} s", seconds(now.since(since)))
            }
            Stage::Ready { since } if member.who.is_crew() && !member.begun => {
                format!("waiting for the one before it, ready for {} s", seconds(now.since(since)))
            }
            Stage::Ready { since } => format!("ready for {} s", seconds(now.since(since))),
            Stage::Draining { until } => {
                format!("finishing, for {} s at most", seconds(until.since(now)))
            }
            Stage::Doomed => "killed".to_owned(),
        };
        let status = |(&line, member): (&u32, &Member)| Status {
            line,
            who: member.who,
            pid: member.pid,
            generation: member.generation,
            about: about(member),
            stage: member.stage.into(),
            born: member.born,
            start: match member.stage {
                Stage::Ready { since } => Some(since.since(member.born)),
                _ => None,
            },
            at_place: self.places.values().any(|place| place.current == Some(line)),
        };
        self.members.iter().map(status).collect()
    }

    /// Tells the service manager how the server is, if that has changed.
    pub(super) fn tell_state(&mut self, actions: &mut Actions) {
        if !self.proven {
            return;
        }
        let state = self.state();
        if self.told.replace(state) != Some(state) {
            actions.push(Action::Tell(News::State(state.to_string())));
        }
    }

    fn state(&self) -> State {
        let is_ready =
            |member: &&Member| matches!(member.stage, Stage::Ready { .. }) && !member.who.is_crew();
        let course = match self.mood {
            Mood::Serving if self.load.is_asleep() => Course::Asleep,
            Mood::Serving => Course::Serving {
                ready: self.members.values().filter(is_ready).count(),
                wanted: self.wanted(),
            },
            Mood::Lingering { .. } => Course::Lingering,
            Mood::Finishing => Course::Finishing,
            Mood::Stopping { .. } => Course::Stopping,
        };
        State { course, generation: self.generation, paused: self.paused }
    }
}

/// The state of things, as the service manager is told it: two that read alike are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    course: Course,
    generation: u32,
    paused: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    Asleep,
    Serving { ready: usize, wanted: u32 },
    Lingering,
    Finishing,
    Stopping,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { course, generation, paused } = self;
        match course {
            Course::Asleep => f.write_str("no workers until a connection comes")?,
            Course::Serving { ready, wanted } => write!(f, "{ready} of {wanted} workers ready")?,
            Course::Lingering => f.write_str("ending: taking requests for a moment more")?,
            Course::Finishing => f.write_str("ending: finishing what is under way")?,
            Course::Stopping => f.write_str("ending at once")?,
        }
        write!(f, ", generation {generation}{}", if *paused { ", paused" } else { "" })
    }
}
