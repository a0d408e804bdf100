//! The worker as its application's bridge sees it, on whatever thread that runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use goherd_bridge::Host;
use goherd_reactor::Reactor;
use goherd_shm::{Phase, Scoreboard, ToMaster, ToWorker};
use goherd_sys::clock::Millis;
use goherd_sys::control::{Control, Received};
use goherd_sys::signal::Signum;
use goherd_sys::{Pid, eventfd, process, stderr};

/// How long a worker whose master is gone may go on finishing.
const ORPHAN_MERCY_MS: u64 = 60_000;
/// How often it looks at the time meanwhile, in microseconds.
const ORPHAN_TICK_MICROS: u32 = 500_000;

/// What the threads of a worker share.
#[derive(Debug)]
pub(crate) struct Desk {
    pub number: u32,
    pub line: u32,
    pub control: Control,
    pub scoreboard: Arc<Scoreboard>,
    ready: AtomicBool,
    orphaned: AtomicBool,
}

impl Desk {
    pub fn new(number: u32, line: u32, control: Control, scoreboard: Arc<Scoreboard>) -> Self {
        Self {
            number,
            line,
            control,
            scoreboard,
            ready: AtomicBool::new(false),
            orphaned: AtomicBool::new(false),
        }
    }

    /// Tells the master; if it is gone, the control socket says so soon enough.
    pub fn tell(&self, message: &ToMaster) {
        let _gone = self.control.send(&message.encode());
    }

    /// Ends the process if its master dies before the reactor looks after the control socket: an application that is
    /// still loading has nobody to finish for. And looks after the reactor's pace, for as long as the process lives.
    pub fn watch(&self, reactor: &Reactor) {
        let mut wait = None;
        while !self.control.wait_for_end(reactor.watch_call(), wait) {
            wait = reactor.look();
        }
        if !self.ready.load(Ordering::SeqCst) {
            process::exit_now(1);
        }
        // Nobody else ends a worker that cannot finish now.
        let mercy = Millis::now().after(ORPHAN_MERCY_MS);
        while Millis::now() < mercy {
            eventfd::wait(reactor.watch_call(), reactor.look().unwrap_or(ORPHAN_TICK_MICROS));
        }
        stderr::line(&format!("worker {}: still not finished without a master: ending", self.number));
        process::kill_group(Pid::me(), Signum::KILL);
    }

    fn drain(&self, reactor: &Reactor) {
        self.scoreboard.slot(self.line).set_phase(Phase::Draining);
        reactor.drain();
    }
}

/// [`Desk`], as the bridge wants it.
#[derive(Debug)]
pub(crate) struct Counter(pub Arc<Desk>);

impl Host for Counter {
    fn ready(&self) {
        self.0.ready.store(true, Ordering::SeqCst);
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
                    None => {
                        stderr::line(&format!("worker {}: the master said something unknown", desk.number));
                    }
                },
                Received::Closed => {
                    stderr::line(&format!(
                        "worker {}: the master is gone: finishing what is under way, then ending",
                        desk.number
                    ));
                    desk.orphaned.store(true, Ordering::SeqCst);
                    let _not_watched = reactor.forget_control(&desk.control);
                    return desk.drain(reactor);
                }
            }
        }
    }

    fn took_request(&self) {
        self.0.scoreboard.slot(self.0.line).count_request();
    }

    fn drained(&self) -> ! {
        if self.0.orphaned.load(Ordering::SeqCst) {
            // The master would end the children that handlers have left behind. They are in this process's group, so
            // this ends it as well.
            process::kill_group(Pid::me(), Signum::KILL);
        }
        process::exit_now(0)
    }
}
