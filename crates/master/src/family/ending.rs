//! The end of the server: it goes on accepting for a moment, finishes what is under way, or stops at once.

use goherd_sys::clock::Millis;

use super::member::Stage;
use super::{Action, Actions, Family, News, log, seconds};

/// How far the server's end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    Serving,
    /// It is to end, and takes requests for a moment more: whoever sends them learns of its end meanwhile.
    Lingering {
        until: Millis,
    },
    Finishing,
    Stopping {
        code: i32,
    },
}

impl Mood {
    pub fn is_ending(self) -> bool {
        matches!(self, Self::Finishing | Self::Stopping { .. })
    }

    pub fn due(self) -> Option<Millis> {
        match self {
            Self::Lingering { until } => Some(until),
            _ => None,
        }
    }
}

impl Family {
    /// SIGTERM: each further one skips what the one before it waits for.
    pub(super) fn finish(&mut self, now: Millis, actions: &mut Actions) {
        match self.mood {
            Mood::Serving => {
                actions.push(Action::Tell(News::Stopping));
                let delay = self.plan.shutdown_delay;
                if delay == 0 {
                    return self.drain_all(now, actions);
                }
                self.mood = Mood::Lingering { until: now.after(delay) };
                let delay = seconds(delay);
                log(
                    actions,
                    format!("ending: taking requests for {delay} s more (shutdown-delay), then finishing"),
                );
            }
            Mood::Lingering { .. } => self.drain_all(now, actions),
            Mood::Finishing => self.stop(0, actions),
            Mood::Stopping { .. } => {}
        }
    }

    fn drain_all(&mut self, now: Millis, actions: &mut Actions) {
        let mercy = seconds(self.plan.mercy);
        log(
            actions,
            format!(
                "finishing: workers have {mercy} s for what is under way{} (a second SIGTERM ends them at once)",
                self.crews_turn()
            ),
        );
        self.mood = Mood::Finishing;
        actions.push(Action::CloseDoors);
        self.dismiss_all(now, false, actions);
    }

    /// What follows for the crew, if there is one.
    fn crews_turn(&self) -> String {
        if self.plan.crew.is_empty() {
            return String::new();
        }
        format!(", then mules and spoolers {} s for what waits for them", seconds(self.plan.crew_mercy))
    }

    /// Ends all workers, or all of the crew.
    fn dismiss_all(&mut self, now: Millis, crew: bool, actions: &mut Actions) {
        let those = self.members.iter().filter(|(_, member)| member.who.is_crew() == crew);
        let lines: Vec<_> = those.map(|(&line, _)| line).collect();
        lines.into_iter().for_each(|line| self.dismiss(now, line, actions));
    }

    pub(super) fn stop(&mut self, code: i32, actions: &mut Actions) {
        if matches!(self.mood, Mood::Stopping { .. }) {
            return;
        }
        if matches!(self.mood, Mood::Serving) {
            actions.push(Action::Tell(News::Stopping));
        }
        self.mood = Mood::Stopping { code };
        for (&line, member) in &mut self.members {
            if member.stage != Stage::Expected {
                actions.push(Action::Kill(line));
            }
            member.stage = Stage::Doomed;
        }
    }

    pub(super) fn go_on_ending(&mut self, now: Millis, actions: &mut Actions) {
        match self.mood {
            Mood::Lingering { until } if until <= now => self.drain_all(now, actions),
            Mood::Serving | Mood::Lingering { .. } => {}
            Mood::Finishing => {
                if self.members.values().all(|member| member.who.is_crew()) {
                    self.dismiss_all(now, true, actions); // there is nobody left who has work for it
                }
                self.leave_if_alone(0, actions);
            }
            Mood::Stopping { code } => self.leave_if_alone(code, actions),
        }
    }

    fn leave_if_alone(&mut self, code: i32, actions: &mut Actions) {
        if self.members.is_empty() {
            if !self.plan.trial {
                log(actions, format!("all workers have ended: goodbye (exit code {code})"));
            }
            actions.push(Action::Exit(code));
        }
    }
}
