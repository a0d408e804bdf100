//! Reloads: another generation of workers, or another program in the master's place.
//!
//! A new program is tried first: it starts beside this one, with the same arguments, has one worker load the application,
//! and says by its exit code whether that went well. Only then does it take this one's place, in the same process.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use goherd_sys::clock::Millis;
use goherd_sys::parcel::Packed;
use goherd_sys::process::{self, Ending, Pid};
use goherd_sys::signal::Signum;
use goherd_sys::stderr;

use super::{Generation, House, Program, Renewed};
use crate::family::Event;
use crate::handover::{self, Handover};

/// How much longer than a worker may take to start its trial may last, in milliseconds: it reads the configuration and the
/// libraries before.
const BEFORE_THE_WORKER_MS: u64 = 5_000;

/// A new program, being tried.
#[derive(Debug)]
pub(super) struct Trial {
    program: Program,
    pid: Pid,
    ending: Option<Ending>,
    /// When it is given up; `None`: never, or it was already.
    until: Option<Millis>,
}

impl Trial {
    /// `names` are those of the sockets that it would take over. It may take `patience` milliseconds; 0: as long as it likes.
    fn begin(program: Program, names: &[String], patience: u64) -> io::Result<Self> {
        let (name, args) = program.args.split_first().map_or((OsStr::new(""), &[][..]), |(a, b)| (a, b));
        let child = Command::new(&program.path)
            .arg0(name)
            .args(args)
            .env(handover::TRIAL, handover::Question::text(names))
            .process_group(0)
            .spawn()?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::new);
        let pid = pid.ok_or_else(|| io::Error::other("the process has no number"))?;
        let until = (patience > 0).then(|| Millis::now().after(patience + BEFORE_THE_WORKER_MS));
        Ok(Self { program, pid, ending: None, until })
    }

    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// When to see whether it takes too long.
    pub fn due(&self) -> Option<Millis> {
        self.until
    }

    /// Ends one that takes too long: it may be no server at all.
    pub fn lose_patience(&mut self, now: Millis) {
        if self.until.take_if(|until| *until <= now).is_some() {
            stderr::line(&format!("{} takes too long: giving it up", self.program.path.display()));
            process::kill_group(self.pid, Signum::KILL);
        }
    }

    /// It has ended.
    pub fn ended(&mut self, ending: Option<Ending>) {
        self.ending = ending;
    }

    /// Gives it up.
    pub fn end(self) {
        process::kill_group(self.pid, Signum::KILL);
    }
}

impl House<'_> {
    pub(super) fn renew(&mut self, generation: u32) {
        let current = self.family.generation();
        let open: Vec<_> = self.generations.get(&current).into_iter().flat_map(Generation::sockets).collect();
        let event = match self.owner.renew(generation, &open) {
            Ok(Renewed::Generation(new)) => {
                let plan = new.plan.clone();
                let old = self.generations.get(&current).map(|old| &*old.commons);
                self.keeper.fill(&new.commons, &new.upkeep, old);
                self.generations.insert(generation, *new);
                Event::Renewed { generation, plan }
            }
            Ok(Renewed::Program(program)) => {
                let path = program.path.display().to_string();
                stderr::line(&format!("{path} is another program now: trying it"));
                let patience = self.generations.get(&current).map_or(0, |current| current.plan.start_timeout);
                match Trial::begin(program, &self.owner.names(current), patience) {
                    Ok(trial) => {
                        self.trial = Some(trial);
                        return;
                    }
                    Err(error) => Event::RenewFailed(format!("{path} cannot be started: {error}")),
                }
            }
            Err(reason) => Event::RenewFailed(reason),
        };
        self.events.push_back(event);
    }

    /// If the trial has ended, and all was well, this returns only when the program cannot take over after all.
    pub(super) fn conclude_trial(&mut self) {
        let Some(ended) = self.trial.take_if(|trial| trial.ending.is_some()) else { return };
        let Trial { program, pid, ending: Some(ending), .. } = ended else { return };
        let path = program.path.display();
        let reason = match ending {
            _ if self.family.is_ending() => return,
            Ending::Exited(0) if !self.owner.is_as_found() => {
                self.events.push_back(Event::Reload);
                format!("{path} is yet another program now")
            }
            Ending::Exited(0) => {
                stderr::line(&format!("{path} is good: it takes over"));
                match self.hand_over(&program) {
                    Ok(error) | Err(error) => format!("{path} cannot take over: {error}"),
                }
            }
            ending => format!("{path} (pid {pid}), being tried, {ending}"),
        };
        self.events.push_back(Event::RenewFailed(reason));
    }

    /// Puts `program` in the place of this one, with all that it needs to go on. Returns why that could not be done.
    fn hand_over(&mut self, program: &Program) -> io::Result<io::Error> {
        let members = self.family.hand_on();
        let current = self.family.generation();
        let listeners = self.generations.get(&current).into_iter().flat_map(Generation::sockets);
        self.keeper.stop_saving();
        let mut handover = Handover::pack(
            self.family.is_paused(),
            &self.scoreboard,
            self.keeper.commons(),
            listeners.zip(self.owner.names(current)),
            members.into_iter().filter_map(|member| Some((member, self.children.control(member.line)?))),
            self.children.strangers(),
            &self.chime.legacy(),
        )?;
        Handover::add_pipes(&mut handover, self.commands.pipes())?;
        let (variable, packed): (CString, Packed) = handover.pack()?;
        let text = |text: &OsStr| CString::new(text.as_bytes());
        let args = program.args.iter().map(|arg| text(arg)).collect::<Result<Vec<_>, _>>()?;
        let kept = self.notifier.variables().iter().map(|(name, value)| (name.into(), value.clone()));
        let variables = std::env::vars_os().chain(kept).map(|(name, value): (OsString, OsString)| {
            CString::new([name.as_bytes(), b"=", value.as_bytes()].concat())
        });
        let variables = variables.chain([Ok(variable)]).collect::<Result<Vec<_>, _>>()?;
        let path = text(program.path.as_os_str())?;
        let error = process::become_program(&path, &args, &variables);
        drop(packed);
        Ok(error)
    }
}
