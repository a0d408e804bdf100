//! Which processes a signal goes to.

use crate::receiver::Receiver;

/// What a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It takes requests.
    Worker,
    /// It works in the background.
    Mule,
    /// It works off a folder of tasks.
    Spooler,
}

/// A process that lives and can be told something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// What it is.
    pub role: Role,
    /// Its number among those of its role, from 1.
    pub number: u32,
    /// It takes requests: it is neither asleep nor paused nor about to end.
    pub active: bool,
    /// How much it has to do: requests under way and signals that wait.
    pub busy: u32,
    /// The farms to which it belongs: their names, with their places among all farms, from 1.
    pub farms: Vec<(u32, String)>,
}

/// Chooses, and remembers whom it chose last.
#[derive(Clone, Debug, Default)]
pub struct Router {
    last_worker: u32,
    last_mule: u32,
    last_spooler: u32,
}

impl Router {
    /// Where in `live` those are whom a signal for `receiver` goes to; none if no such process lives.
    ///
    /// One of several is an active one if there is one, of these the one with the least to do, and of equals the next in turn.
    pub fn route(&mut self, receiver: &Receiver, live: &[Process]) -> Vec<usize> {
        let all = |wanted: &dyn Fn(&Process) -> bool| {
            live.iter().enumerate().filter(|(_, process)| wanted(process)).map(|(at, _)| at).collect()
        };
        match receiver {
            Receiver::Workers => all(&|process| process.role == Role::Worker),
            Receiver::ActiveWorkers => all(&|process| process.role == Role::Worker && process.active),
            Receiver::Mules => all(&|process| process.role == Role::Mule),
            Receiver::Worker(number) => {
                all(&|process| process.role == Role::Worker && process.number == *number)
            }
            Receiver::Mule(number) => all(&|process| process.role == Role::Mule && process.number == *number),
            Receiver::AnyWorker => self.one_of(Role::Worker, live, |_| true),
            Receiver::AnyMule => self.one_of(Role::Mule, live, |_| true),
            Receiver::Spooler => self.one_of(Role::Spooler, live, |_| true),
            Receiver::Farm(name) => {
                self.one_of(Role::Mule, live, |process| process.farms.iter().any(|(_, other)| other == name))
            }
            Receiver::NthFarm(number) => self
                .one_of(Role::Mule, live, |process| process.farms.iter().any(|(place, _)| place == number)),
        }
    }

    fn one_of(&mut self, role: Role, live: &[Process], wanted: impl Fn(&Process) -> bool) -> Vec<usize> {
        let last = match role {
            Role::Worker => &mut self.last_worker,
            Role::Mule => &mut self.last_mule,
            Role::Spooler => &mut self.last_spooler,
        };
        let candidates =
            live.iter().enumerate().filter(|(_, process)| process.role == role && wanted(process));
        let best = candidates.min_by_key(|(_, process)| {
            let turn = process.number.wrapping_sub(*last).wrapping_sub(1);
            (!process.active, process.busy, turn)
        });
        best.map(|(at, process)| {
            *last = process.number;
            at
        })
        .into_iter()
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(role: Role, number: u32) -> Process {
        Process { role, number, active: true, busy: 0, farms: Vec::new() }
    }

    /// Workers 1 to 3, of which the second is asleep; mules 1 to 3, of which the last two are the farm "mail".
    fn live() -> Vec<Process> {
        let mut live: Vec<_> = (1..=3).map(|number| process(Role::Worker, number)).collect();
        live[1].active = false;
        live.extend((1..=3).map(|number| process(Role::Mule, number)));
        live[4].farms = vec![(1, "mail".to_owned())];
        live[5].farms = vec![(1, "mail".to_owned()), (2, "other".to_owned())];
        live
    }

    fn names(receiver: &str, live: &[Process], router: &mut Router) -> String {
        let receivers = router.route(&receiver.parse().unwrap(), live);
        let name = |at: usize| format!("{:?}{}", live[at].role, live[at].number);
        receivers.into_iter().map(name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn receivers_are_honoured_exactly() {
        for (receiver, expected) in [
            ("workers", "Worker1 Worker2 Worker3"),
            ("active-workers", "Worker1 Worker3"),
            ("worker2", "Worker2"),
            ("worker9", ""),
            ("mules", "Mule1 Mule2 Mule3"),
            ("mule3", "Mule3"),
            ("farm_mail", "Mule2"),
            ("farm_other", "Mule3"),
            ("farm_none", ""),
            ("farm2", "Mule3"),
            ("farm3", ""),
            ("spooler", ""),
            ("", "Worker1"),
            ("mule", "Mule1"),
        ] {
            assert_eq!(names(receiver, &live(), &mut Router::default()), expected, "{receiver}");
        }
    }

    #[test]
    fn one_of_several_is_the_least_busy_and_else_the_next_in_turn() {
        let (mut live, mut router) = (live(), Router::default());
        let turns: Vec<_> = (0..3).map(|_| names("worker", &live, &mut router)).collect();
        assert_eq!(turns, ["Worker1", "Worker3", "Worker1"]);
        live[2].busy = 1;
        assert_eq!(names("worker", &live, &mut router), "Worker1");
        assert_eq!(names("farm_mail", &live, &mut router), "Mule2");
        assert_eq!(names("farm_mail", &live, &mut router), "Mule3");
        assert_eq!(names("farm_mail", &live, &mut router), "Mule2");
        // Those asleep are told when there is nobody else.
        live.truncate(2);
        live.remove(0);
        assert_eq!(names("worker", &live, &mut router), "Worker2");
    }
}
