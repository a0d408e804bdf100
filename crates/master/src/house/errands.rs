//! Commands that cron starts.

use goherd_sys::clock::Millis;
use goherd_sys::process::{self, Bounds, Ending, Pid};
use goherd_sys::signal::Signum;
use goherd_sys::stderr;

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// What a shell is told.
    pub command: String,
    /// It is not started while it runs.
    pub unique: bool,
    /// How long it may run, in milliseconds; 0: as long as it likes.
    pub limit: u64,
}

/// One that runs, as a program hands it on that is replaced by another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its shell.
    pub pid: Pid,
    /// When it is given up.
    pub until: Option<Millis>,
    /// What the shell was told.
    pub command: String,
}

/// All that run.
#[derive(Debug, Default)]
pub(super) struct Errands {
    bounds: Bounds,
    running: Vec<Running>,
    started: u64,
}

impl Errands {
    /// Takes over those of the program before this one.
    pub fn adopt(&mut self, running: Vec<Running>) {
        self.running = running;
    }

    /// Starts commands in these bounds from now on.
    pub fn follow(&mut self, bounds: &Bounds) {
        self.bounds = bounds.clone();
    }

    pub fn running(&self) -> &[Running] {
        &self.running
    }

    pub fn started(&self) -> u64 {
        self.started
    }

    pub fn start(&mut self, errand: &Errand, now: Millis) {
        let Errand { command, unique, limit } = errand;
        if let Some(former) = self.running.iter().find(|former| *unique && former.command == *command) {
            stderr::line(&format!(
                "cron: {command:?} runs still (pid {}): not started once more",
                former.pid
            ));
            return;
        }
        match process::start_command(command, &self.bounds, None) {
            Ok(pid) => {
                self.started += 1;
                let until = (*limit > 0).then(|| now.after(*limit));
                self.running.push(Running { pid, until, command: command.clone() });
            }
            Err(error) => stderr::line(&format!("cron: {command:?} cannot be started: {error}")),
        }
    }

    /// Notes the end of a child, if it was one of these; says whether it was.
    pub fn reaped(&mut self, pid: Pid, ending: Option<Ending>) -> bool {
        let Some(at) = self.running.iter().position(|running| running.pid == pid) else { return false };
        let Running { command, .. } = self.running.swap_remove(at);
        match ending {
            Some(Ending::Exited(0)) | None => {}
            Some(ending) => stderr::line(&format!("cron: {command:?} (pid {pid}) {ending}")),
        }
        true
    }

    /// When the next one has to have ended.
    pub fn due(&self) -> Option<Millis> {
        self.running.iter().filter_map(|running| running.until).min()
    }

    /// Ends those whose time is over.
    pub fn tick(&mut self, now: Millis) {
        for Running { pid, until, command } in &mut self.running {
            if until.take_if(|until| *until <= now).is_some() {
                stderr::line(&format!("cron: {command:?} (pid {pid}) takes too long: ending it"));
                process::kill_group(*pid, Signum::KILL);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(errands: &mut Errands, command: &str, until: Option<Millis>) -> Pid {
        let pid = Pid::new(i32::MAX - 1).unwrap(); // nobody's
        errands.adopt(vec![Running { pid, until, command: command.to_owned() }]);
        pid
    }

    #[test]
    fn a_unique_command_is_not_started_while_it_runs() {
        let mut errands = Errands::default();
        let pid = running(&mut errands, "backup", None);
        let errand = Errand { command: "backup".to_owned(), unique: true, limit: 0 };
        errands.start(&errand, Millis(0));
        assert_eq!((errands.running().len(), errands.started(), errands.due()), (1, 0, None));
        assert!(errands.reaped(pid, Some(Ending::Exited(1))));
        assert!(!errands.reaped(pid, None), "it is known no longer");
        assert_eq!(errands.running(), []);
    }

    #[test]
    fn a_command_past_its_time_is_ended_once() {
        let mut errands = Errands::default();
        running(&mut errands, "backup", Some(Millis(100)));
        assert_eq!(errands.due(), Some(Millis(100)));
        errands.tick(Millis(99));
        assert_eq!(errands.due(), Some(Millis(100)));
        errands.tick(Millis(100));
        assert_eq!((errands.due(), errands.running().len()), (None, 1), "until it is reaped");
    }
}
