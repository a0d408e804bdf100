//! The process as its application's bridge sees it, on whatever thread that runs.

use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use goherd_bridge::{Host, Post, Taking};
use goherd_reactor::{Reactor, Tallied};
use goherd_shm::{Phase, Scoreboard, ToMaster, ToWorker, Who};
use goherd_sys::control::{Control, Received};
use goherd_sys::signal::Signum;
use goherd_sys::{Pid, process, stderr};

use crate::duty::{Closed, Duty};
use crate::inbox::{Intake, Mail};
use crate::post::{Mailbox, Next};
use crate::spool::Tasks;

/// The stages of [`Desk`]: of the last two a worker comes to one.
const STARTING: u8 = 0;
const READY: u8 = 1;
const GIVEN_UP: u8 = 2;

/// The most that the master is told of signals and has not heard yet.
const MOST_SAID: u64 = 100;
/// The same where an alarm is to be added, which may be forty times as long as a signal.
const MOST_ALARMS: u64 = 12;

/// What the threads of a process share.
#[derive(Debug)]
pub(crate) struct Desk {
    pub who: Who,
    pub line: u32,
    pub control: Control,
    pub scoreboard: Arc<Scoreboard>,
    pub mail: Mail,
    pub duty: Duty,
    /// How many requests one life is for; 0: no limit.
    life: u64,
    /// How one of the crew ends: after the work at hand, or after all that waits.
    pub course: Course,
    /// What a spooler has.
    tasks: OnceLock<Tasks>,
    stage: AtomicU8,
    /// What comes besides requests.
    post: Mailbox,
    orphaned: AtomicBool,
    /// The application has written its stacks down.
    stacks_told: (Mutex<bool>, Condvar),
}

impl Desk {
    /// The desk of a process whose life is for `life` requests; 0: for as many as come.
    pub fn new(
        who: Who,
        line: u32,
        control: Control,
        scoreboard: Arc<Scoreboard>,
        mail: Mail,
        life: u64,
        post: Mailbox,
    ) -> Self {
        Self {
            who,
            line,
            control,
            scoreboard,
            mail,
            duty: Duty::default(),
            life,
            course: Course::default(),
            tasks: OnceLock::new(),
            stage: AtomicU8::new(STARTING),
            post,
            orphaned: AtomicBool::new(false),
            stacks_told: Default::default(),
        }
    }

    /// Tells the master; if it is gone, the control socket says so soon enough.
    pub fn tell(&self, message: &ToMaster) {
        let _gone = self.ask(message);
    }

    /// The same, for who wants to know whether it went.
    pub fn ask(&self, message: &ToMaster) -> io::Result<()> {
        self.control.send(&message.encode())
    }

    /// Tells the master something about signals, unless it has a lot of that to hear still: it must have room for all else.
    pub fn tell_of_signals(&self, message: &ToMaster) -> bool {
        let slot = self.scoreboard.slot(self.line);
        if !slot.count_said(MOST_SAID) {
            return false;
        }
        let told = self.control.send(&message.encode()).is_ok();
        if !told {
            slot.count_heard();
        }
        told
    }

    /// Whether `uwsgi.Run()` was reached.
    pub fn is_ready(&self) -> bool {
        self.stage.load(Ordering::SeqCst) == READY
    }

    /// Gives up starting, if that has not come to its end; `false`: the worker is ready, and takes requests.
    pub fn gives_up(&self) -> bool {
        self.leaves_starting_for(GIVEN_UP)
    }

    fn leaves_starting_for(&self, stage: u8) -> bool {
        self.stage.compare_exchange(STARTING, stage, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Shows on the scoreboard what the reactor has counted.
    pub fn note(&self, reactor: &Reactor) {
        let Tallied { sent, handling, late } = reactor.tallied();
        self.scoreboard.slot(self.line).note(late, sent, handling);
    }

    /// Takes nothing new, and finishes what there is.
    pub fn drain(&self, reactor: &Reactor) {
        self.scoreboard.slot(self.line).set_phase(Phase::Draining);
        self.duty.close(); // who comes after this one takes what waits
        reactor.drain();
    }

    /// The master is gone: what is under way is finished, and nothing is left behind at the end. `false`: that is known already.
    pub fn is_alone(&self) -> bool {
        let first = !self.orphaned.swap(true, Ordering::SeqCst);
        if first {
            let _some_may_be_left = process::adopt_orphans(); // the master did
            stderr::line(&format!(
                "{}: the master is gone: finishing what is under way, then ending",
                self.who
            ));
        }
        first
    }

    /// A worker whose master is gone.
    pub fn finish_alone(&self, reactor: &Reactor) {
        if self.is_alone() {
            self.drain(reactor);
        }
    }

    /// The process is a spooler.
    pub fn has_tasks(&self, tasks: Tasks) {
        let _it_is_told_once = self.tasks.set(tasks);
    }

    /// Ends the process when nothing is at hand, which may be now.
    pub fn leave(&self) {
        self.scoreboard.slot(self.line).set_phase(Phase::Draining);
        self.tasks.get().into_iter().for_each(|tasks| tasks.parting.signal());
        self.end_if_done();
    }

    /// Ends the process, which was told to, if no signal and no work is at hand.
    fn end_if_done(&self) {
        let (signals, work) = (self.post.is_over(), self.duty.leave());
        if signals && work {
            self.end();
        }
    }

    /// Work of one of the crew is counted where requests of workers are.
    fn count<T>(&self, taken: Option<T>) -> Taking<T> {
        if taken.is_some() && self.who.is_crew() {
            self.scoreboard.slot(self.line).count_request();
        }
        taken.map_or(Taking::Nothing, Taking::Taken)
    }

    /// Waits until the application has written its stacks down; `false`: it did not in this time.
    pub fn wait_for_stacks(&self, time: Duration) -> bool {
        let (told, changed) = &self.stacks_told;
        let told = told.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = changed.wait_timeout_while(told, time, |told| !*told);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Ends the process.
    pub fn end(&self) -> ! {
        if self.orphaned.load(Ordering::SeqCst) {
            self.end_alone()
        }
        process::exit_now(0)
    }
}

impl Desk {
    /// Ends a process that has had its time to finish without a master.
    pub fn end_at_last(&self) -> ! {
        stderr::line(&format!("{}: still not finished without a master: ending", self.who));
        self.end_alone()
    }

    /// Ends a process without a master, and all that it has started, as the master would have: its children first, some of which
    /// may have left its group, then that group, and itself with it.
    fn end_alone(&self) -> ! {
        process::end_children(&[]);
        process::kill_group(Pid::me(), Signum::KILL);
        process::sleep_for_ever()
    }

    /// Ends a process whose master is gone before the application was ready: it has nobody to finish for.
    pub fn end_unready(&self) -> ! {
        let _nobody_else_does = process::adopt_orphans();
        self.end_alone()
    }
}

/// How far one of the crew has come.
#[derive(Debug, Default)]
pub(crate) struct Course {
    /// Nobody else of its name is left.
    begun: AtomicBool,
    /// The signals that have come before.
    early: Mutex<Vec<u8>>,
    /// The application takes messages.
    listens: AtomicBool,
    /// The server ends: when no message waits any more, this process does.
    finishes: AtomicBool,
}

impl Desk {
    /// Messages are this process's from now on, and signals.
    pub fn begin(&self) {
        let mut early = self.course.early.lock().unwrap_or_else(PoisonError::into_inner);
        if self.course.begun.load(Ordering::SeqCst) {
            return;
        }
        if let Some(Err(error)) = self.mail.messages.as_ref().map(Intake::open) {
            stderr::line(&format!("{}: cannot watch its inboxes: {error}", self.who));
        }
        self.course.begun.store(true, Ordering::SeqCst);
        early.drain(..).for_each(|signal| self.post.put(signal));
        // Whoever looks now knows that this has begun: if the process was told to finish and nothing waits, it ends.
        self.mail.messages.iter().for_each(Intake::nudge);
    }

    /// A signal has come to one of the crew. It waits for the one before it, as messages do.
    pub fn hear_signal(&self, signal: u8) {
        let mut early = self.course.early.lock().unwrap_or_else(PoisonError::into_inner);
        if self.course.begun.load(Ordering::SeqCst) {
            self.post.put(signal);
        } else {
            early.push(signal);
        }
    }

    /// Ends the process after all that waits for it.
    pub fn finish(&self) {
        match &self.mail.messages {
            Some(messages) if self.course.listens.load(Ordering::SeqCst) => {
                self.course.finishes.store(true, Ordering::SeqCst);
                messages.nudge();
            }
            _ => self.leave(),
        }
    }

    /// No message waits: if that was waited for, the process ends after the work at hand.
    fn found_no_message(&self) {
        let course = &self.course;
        if course.begun.load(Ordering::SeqCst) && course.finishes.load(Ordering::SeqCst) {
            self.leave();
        }
    }
}

/// [`Desk`], as the bridge wants it.
#[derive(Debug)]
pub(crate) struct Counter(pub Arc<Desk>);

impl Host for Counter {
    fn ready(&self) {
        if !self.0.leaves_starting_for(READY) {
            process::sleep_for_ever(); // the watch is about to end this process
        }
        self.0.scoreboard.slot(self.0.line).set_phase(Phase::Ready);
        self.0.tell(&ToMaster::Ready);
    }

    fn control(&self, reactor: &Reactor) {
        let desk = &self.0;
        loop {
            match desk.control.receive() {
                Received::Nothing => return,
                Received::Message(bytes) => match ToWorker::decode(&bytes) {
                    Some(ToWorker::Drain) => desk.drain(reactor),
                    Some(ToWorker::Pause) => reactor.pause(),
                    Some(ToWorker::Resume) => reactor.resume(),
                    Some(ToWorker::Signal(signal)) => desk.post.put(signal),
                    Some(ToWorker::Begin | ToWorker::Finish) | None => {
                        stderr::line(&format!("{}: the master said something unknown", desk.who));
                    }
                },
                Received::Closed => {
                    let _not_watched = reactor.forget_control(&desk.control);
                    return desk.finish_alone(reactor);
                }
            }
        }
    }

    fn took_request(&self) {
        let desk = &self.0;
        let taken = desk.scoreboard.slot(desk.line).count_request();
        // It is said again now and then, lest the socket was full when it was said.
        if desk.life > 0 && taken >= desk.life && (taken - desk.life).is_multiple_of(128) {
            desk.tell(&ToMaster::Enough);
        }
    }

    fn ended_request(&self, reactor: &Reactor) {
        self.0.note(reactor);
        self.0.scoreboard.slot(self.0.line).count_end();
    }

    fn panicked(&self) {
        self.0.scoreboard.slot(self.0.line).count_panic();
    }

    fn tell(&self, message: &ToMaster) -> io::Result<()> {
        let is_alarm = matches!(message, ToMaster::Alarm { .. });
        let slot = self.0.scoreboard.slot(self.0.line);
        if is_alarm && !slot.count_said(MOST_ALARMS) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let told = self.0.ask(message);
        if is_alarm && told.is_err() {
            slot.count_heard();
        }
        told
    }

    fn scoreboard(&self) -> &Scoreboard {
        &self.0.scoreboard
    }

    fn stacks_told(&self) {
        let (told, changed) = &self.0.stacks_told;
        *told.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
    }

    fn drained(&self) {
        self.0.leave();
    }

    fn work_begins(&self) -> bool {
        self.0.duty.take(|| Some(())).is_ok_and(|begun| matches!(self.0.count(begun), Taking::Taken(())))
    }

    fn work_ended(&self) {
        if self.0.who.is_crew() {
            self.0.scoreboard.slot(self.0.line).count_end();
        }
        if self.0.duty.end_one() {
            self.0.end_if_done();
        }
    }

    fn task_begins(&self) -> bool {
        self.0.duty.take(|| Some(())).is_ok()
    }

    fn no_task(&self) {
        if self.0.duty.end_one() {
            self.0.end_if_done();
        }
    }

    fn took_task(&self) {
        self.took_request();
        self.0.tasks.get().into_iter().for_each(Tasks::begin);
    }

    fn task_ended(&self) {
        self.0.tasks.get().into_iter().for_each(Tasks::end);
        self.work_ended();
    }

    fn messages(&self) -> Option<RawFd> {
        self.0.course.listens.store(self.0.mail.messages.is_some(), Ordering::SeqCst);
        self.0.mail.messages.as_ref().map(Intake::raw_fd)
    }

    fn take_message(&self, buffer: &mut [u8]) -> Taking<usize> {
        let desk = &self.0;
        let Some(messages) = &desk.mail.messages else { return Taking::Ending };
        desk.course.listens.store(true, Ordering::SeqCst);
        match desk.duty.take(|| messages.message(buffer)) {
            Err(Closed) => Taking::Ending,
            Ok(taken) => {
                if taken.is_none() {
                    desk.found_no_message();
                }
                desk.count(taken)
            }
        }
    }

    fn has_message(&self) -> bool {
        self.0.course.listens.store(false, Ordering::SeqCst); // what there is, it leaves
        self.0.mail.messages.as_ref().is_some_and(Intake::has_something)
    }

    fn calls(&self) -> RawFd {
        self.0.mail.calls.raw_fd()
    }

    fn take_call(&self) -> Taking<OwnedFd> {
        let desk = &self.0;
        desk.duty.take(|| desk.mail.calls.socket()).map_or(Taking::Ending, |taken| desk.count(taken))
    }

    fn post(&self) -> RawFd {
        self.0.post.raw()
    }

    fn next_in_post(&self) -> Option<Post> {
        self.0.post.next()
    }

    fn next_signal(&self) -> Option<u8> {
        match self.0.post.next_signal() {
            Next::Signal(signal) => {
                self.0.scoreboard.slot(self.0.line).count_signal_taken();
                Some(signal)
            }
            Next::Nothing => None,
            Next::End => {
                self.0.end_if_done();
                None
            }
        }
    }

    fn raise(&self, signal: u8) -> bool {
        self.0.tell_of_signals(&ToMaster::Signal(signal))
    }

    fn registered(&self) {
        // If the master has much to hear, it will look at the table then.
        let _or_later = self.0.tell_of_signals(&ToMaster::Registered);
    }
}
