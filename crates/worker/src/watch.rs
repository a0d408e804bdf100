//! The worker's watch: a thread beside the application that sees to what no goroutine may get to see to.
//!
//! In: the control socket, a call of the reactor's, and its timer. Out: the end of a worker that is told to end before
//! the application is ready, or whose master dies before, or which cannot finish without one; alarms for leaders that stay away (the reactor's `pace.rs`);
//! time limits that nobody keeps because no goroutine runs; and the end of a worker with handlers that do not return.

use std::sync::Arc;
use std::time::Duration;

use goherd_reactor::Reactor;
use goherd_shm::ToMaster;
use goherd_sys::clock::Millis;
use goherd_sys::control::Heard;
use goherd_sys::{eventfd, process, stderr};

use crate::host::Desk;
use crate::life::Settings;

/// How often a worker whose master is gone looks at the time meanwhile, in microseconds.
const ORPHAN_TICK_MICROS: u32 = 100_000;
/// How often a worker with handlers that do not return is looked at.
const STUCK_TICK_MICROS: u32 = 50_000;
/// For so many of these looks goroutines are called; if none comes none ever will.
const CALLS: u32 = 40;
/// How long the application may take to write its stacks down.
const TIME_FOR_STACKS: Duration = Duration::from_secs(5);

/// What the watch knows.
#[derive(Debug)]
pub(crate) struct Watch {
    desk: Arc<Desk>,
    reactor: Arc<Reactor>,
    /// How long a worker whose master is gone may go on finishing, in milliseconds.
    mercy: u64,
    /// How many requests the application handles at a time.
    cores: u32,
    /// The application may be asked for its stacks while others are at work.
    asks_at_once: bool,
    /// The master knows that handlers do not return.
    told: bool,
    /// The application was asked for its stacks.
    asked: bool,
    /// How often somebody had polled at the last look at those.
    polls: u64,
    /// How many calls have been in vain since.
    calls: u32,
}

impl Watch {
    pub fn new(desk: Arc<Desk>, reactor: Arc<Reactor>, settings: &Settings) -> Self {
        let (cores, asks_at_once) = (settings.cores, settings.app.can_stop_goroutines());
        let mercy = settings.mercy(desk.who);
        Self { desk, reactor, mercy, cores, asks_at_once, told: false, asked: false, polls: 0, calls: 0 }
    }

    /// Watches for as long as the process lives.
    pub fn watch(mut self) -> ! {
        let reactor = Arc::clone(&self.reactor);
        let (mut timer, mut wait) = (Some(reactor.watch_timer()), None);
        loop {
            let starting = !self.desk.is_ready();
            match self.desk.control.wait(starting, reactor.watch_call(), timer, wait) {
                Heard::End => break,
                // The master says only one thing to those who are not ready.
                Heard::Message if self.desk.gives_up() => process::exit_now(0),
                Heard::Message | Heard::Nothing => {}
            }
            let time = reactor.look_at_time();
            self.desk.note(&reactor); // there may be late handlers that never end a request
            timer = time.is_none().then(|| reactor.watch_timer()); // it is readable already
            wait = [reactor.look(), time, self.mind_stuck()].into_iter().flatten().min();
        }
        if self.desk.gives_up() {
            self.desk.end_unready()
        }
        self.end_orphan()
    }

    /// Nobody else ends a worker that cannot finish now. And nobody else may get to close its doors, at which the next server
    /// wants to listen.
    fn end_orphan(&mut self) -> ! {
        self.desk.finish_alone(&self.reactor);
        let end = Millis::now().after(self.mercy);
        while Millis::now() < end {
            let waits = [self.reactor.look(), self.reactor.look_at_time(), self.mind_stuck()];
            let wait = waits.into_iter().flatten().min();
            eventfd::wait(self.reactor.watch_call(), wait.unwrap_or(ORPHAN_TICK_MICROS));
        }
        self.desk.end_at_last()
    }

    /// Sees to handlers that do not return, if there are any: the others finish, then the process ends. Gives after how
    /// many microseconds to look again.
    fn mind_stuck(&mut self) -> Option<u32> {
        let stuck = self.reactor.stuck();
        if stuck == 0 {
            return None;
        }
        if !self.told {
            self.told = true;
            self.desk.tell(&ToMaster::Stuck);
            self.desk.drain(&self.reactor);
            if self.asks_at_once {
                self.ask_for_stacks();
            }
        }
        if stuck >= self.cores || !self.somebody_comes() {
            self.reactor.turn_away();
        }
        if self.reactor.has_only_stuck() {
            self.end_stuck();
        }
        Some(STUCK_TICK_MICROS)
    }

    /// Calls for somebody to poll; `false`: nobody has come for a while.
    fn somebody_comes(&mut self) -> bool {
        let polls = self.reactor.polls();
        self.calls = if self.polls == polls { self.calls + 1 } else { 0 };
        self.polls = polls;
        self.reactor.kick();
        self.calls < CALLS
    }

    fn ask_for_stacks(&mut self) {
        if !std::mem::replace(&mut self.asked, true) {
            self.reactor.ask_for_stacks();
        }
    }

    fn end_stuck(&mut self) -> ! {
        self.ask_for_stacks();
        if !self.desk.wait_for_stacks(TIME_FOR_STACKS) {
            stderr::line(&format!(
                "{}: no goroutine gets to run, so it cannot be told what they are doing",
                self.desk.who
            ));
        }
        self.desk.end()
    }
}
