//! The worker as its application's bridge sees it, on whatever thread that runs.

use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use goherd_bridge::{Host, Post};
use goherd_reactor::{Reactor, Tallied};
use goherd_shm::{Phase, Scoreboard, ToMaster, ToWorker};
use goherd_sys::control::{Control, Received};
use goherd_sys::signal::Signum;
use goherd_sys::{Pid, process, stderr};

use crate::post::{Mailbox, Next};

/// The stages of [`Desk`]: of the last two a worker comes to one.
const STARTING: u8 = 0;
const READY: u8 = 1;
const GIVEN_UP: u8 = 2;

/// The most that the master is told of signals and has not heard yet.
const MOST_SAID: u64 = 100;

/// What the threads of a worker share.
#[derive(Debug)]
pub(crate) struct Desk {
    pub number: u32,
    pub line: u32,
    pub control: Control,
    pub scoreboard: Arc<Scoreboard>,
    /// How many requests one life is for; 0: no limit.
    life: u64,
    stage: AtomicU8,
    /// What comes besides requests.
    post: Mailbox,
    orphaned: AtomicBool,
    /// The application has written its stacks down.
    stacks_told: (Mutex<bool>, Condvar),
}

impl Desk {
    /// The desk of a worker whose life is for `life` requests; 0: for as many as come.
    pub fn new(
        number: u32,
        line: u32,
        control: Control,
        scoreboard: Arc<Scoreboard>,
        life: u64,
        post: Mailbox,
    ) -> Self {
        Self {
            number,
            line,
            control,
            scoreboard,
            life,
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
    fn tell_of_signals(&self, message: &ToMaster) -> bool {
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
        reactor.drain();
    }

    /// The master is gone: what is under way is finished, and nothing is left behind at the end.
    pub fn finish_alone(&self, reactor: &Reactor) {
        if !self.orphaned.swap(true, Ordering::SeqCst) {
            stderr::line(&format!(
                "worker {}: the master is gone: finishing what is under way, then ending",
                self.number
            ));
            self.drain(reactor);
        }
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
            // The master would end the children that handlers have left behind. They are in this process's group, so
            // this ends it as well.
            process::kill_group(Pid::me(), Signum::KILL);
        }
        process::exit_now(0)
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
                    None => {
                        stderr::line(&format!("worker {}: the master said something unknown", desk.number));
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
        if desk.scoreboard.slot(desk.line).count_request() == desk.life {
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
        self.0.ask(message)
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
        if self.0.post.is_over() {
            self.0.end()
        }
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
            Next::End => self.0.end(),
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
