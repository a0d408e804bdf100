//! What a master hands on to the program that is about to take its place, and what that one makes of it.

use goherd_shm::Who;
use goherd_sys::clock::Millis;

use super::member::{Member, Place, Stage};
use super::renewal::Renewal;
use super::{Action, Family, MAX_WORKERS, Plan};

/// A member as a master hands it on that is about to be replaced by another program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heirloom {
    /// Its line of the scoreboard.
    pub line: u32,
    /// What it is, and its number.
    pub who: Who,
    /// Its process.
    pub pid: i32,
    /// When it was born.
    pub born: Millis,
    /// It serves; else it is on its way out, or on its way in.
    pub serves: bool,
    /// It is one of the crew that serves, and was not told to begin.
    pub waits: bool,
}

impl Family {
    /// A family that takes over the members of another, which were made from something older and are replaced. Gives what is to
    /// be done first.
    #[must_use]
    pub fn adopt(plan: Plan, now: Millis, members: &[Heirloom], paused: bool) -> (Self, Vec<Action>) {
        let mut family = Self::new(plan, now);
        (family.paused, family.proven, family.renewal) = (paused, true, Renewal::rolling_out());
        family.in_force = 0; // that of the program before this one
        for member in members {
            family.take_over(now, member);
        }
        // Some of them may not have been told yet: those that were on their way in.
        let leaving = members.iter().filter(|member| !member.serves);
        (family, leaving.map(|member| Action::Drain(member.line)).collect())
    }

    fn take_over(&mut self, now: Millis, member: &Heirloom) {
        let Heirloom { line, who, pid, born, serves, waits } = *member;
        let until = now.after(self.plan.mercy_for(who.role));
        let stage = if serves { Stage::Ready { since: now } } else { Stage::Draining { until } };
        if serves && (1..=MAX_WORKERS).contains(&who.number) {
            self.places.entry(who).or_insert_with(|| Place::new(now)).current = Some(line);
            if !who.is_crew() {
                self.load.keep_awake(who.number);
            }
        }
        let member = Member::expected(who, 0, born);
        self.members.insert(line, Member { pid, stage, begun: !waits, ..member });
    }

    /// What another master needs to know to take over. A member that is on its way in may have come to be ready, and to
    /// requests, unheard: it leaves like the others that do.
    #[must_use]
    pub fn hand_on(&self) -> Vec<Heirloom> {
        let heirloom = |(&line, member): (&u32, &Member)| {
            let Member { who, pid, born, stage, begun, .. } = *member;
            let serves = matches!(stage, Stage::Ready { .. });
            Heirloom { line, who, pid, born, serves, waits: serves && who.is_crew() && !begun }
        };
        self.members.iter().map(heirloom).collect()
    }
}
