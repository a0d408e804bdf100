//! Starting the server: everything that can be found wrong is, before the first fork.

use std::path::PathBuf;
use std::sync::Arc;

use goherd_config::Config;
use goherd_master::{Alarms, Generation, Handover, Life, Plan, Upkeep};
use goherd_shm::Scoreboard;
use goherd_sys::inherited::Inherited;
use goherd_sys::notify::Notifier;
use goherd_sys::{Pid, process, stderr, user};

use crate::background;
use crate::caches;
use crate::reload::Server;
use crate::settings::{self, Failure};
use crate::sockets::{self, Sources};
use crate::spools;
use crate::{Application, Next};

/// Looks whether the server could start with `config`, without starting it or binding a socket.
pub fn check(config: &Config, inherited: &[Inherited], application: &Application) -> Result<(), Failure> {
    notes(config);
    warn_root(config);
    sockets::check(config, inherited.len())?;
    let home = Folder::enter(config)?;
    let app = settings::app(config, application)?;
    spools::check(config, &settings::confinement(config)?)?;
    settings::capacity(config)?;
    settings::agenda(config)?;
    caches::remote(config)?;
    caches::stores(config)?;
    home.leave()?;
    app.describe().for_each(|line| stderr::line(&line));
    stderr::line("the configuration is good");
    Ok(())
}

/// Serves until the end; in a worker it returns only if the application is the program's own.
pub fn run(
    config: &Config,
    mut server: Server,
    sources: Sources,
    mut handover: Option<Handover>,
) -> Result<Next, Failure> {
    notes(config);
    if handover.is_none() {
        warn_root(config);
    }
    sockets::check(config, sources.len())?;
    config.umask.into_iter().for_each(process::set_umask);
    let folder = Folder::enter(config)?;
    let log = if handover.is_none() { background::open_log(config.daemonize.as_deref())? } else { None };
    let pidfile = config.pidfile.as_ref().map(std::path::absolute).transpose()?;
    folder.leave()?;
    if let Some(left) = handover.as_mut().and_then(|handover| handover.commons.take()) {
        server.inherit(left);
    }
    let (generation, lines) = server.prepare(1, config, sources)?;
    let scoreboard = match &handover {
        None => Scoreboard::new()?,
        Some(handover) => Scoreboard::adopt(handover.scoreboard.try_clone()?)?,
    };
    let number = || {
        goherd_master::keep_signals()?; // whoever has read the file may send some
        match pidfile.map_or(Ok(()), |path| server.write_pidfile(&path)) {
            Err(error) if handover.is_some() => {
                stderr::line(&format!("{error}; the server goes on without it")); // its number is what it was
                Ok(())
            }
            written => written,
        }
    };
    if let Some(code) = background::enter(log.as_ref(), number)? {
        return Ok(Next::Exit(code));
    }
    let notifier = Notifier::take()?; // the process is the one that stays
    stderr::line(&format!("version {}, master pid {}", env!("CARGO_PKG_VERSION"), Pid::me()));
    lines.iter().for_each(|line| stderr::line(line));
    notifier.main_pid(Pid::me());
    live(server, generation, scoreboard, notifier, handover)
}

/// Tries out whether the server can serve with `config`, and with sockets that have these names: one worker loads the
/// application, and takes no requests.
pub fn try_out(config: &Config, mut server: Server, names: &[String]) -> Result<Next, Failure> {
    sockets::check(config, sockets::count_from_outside(names))?;
    let (generation, _) = server.prepare(
        1,
        &Config { sockets: Vec::new(), stats: None, ..config.clone() },
        Sources::default(),
    )?;
    let plan = Plan { workers: 1, crew: Vec::new(), trial: true, cheaper: None, ..generation.plan };
    let generation = Generation {
        plan,
        touch_reload: Vec::new(),
        fifos: Vec::new(),
        agenda: Arc::default(), // what is due the running server does
        alarms: Alarms::default(),
        upkeep: Upkeep::default(), // the files are the running server's
        ..generation
    };
    live(server, generation, Scoreboard::new()?, Notifier::default(), None)
}

fn live(
    mut server: Server,
    generation: Generation,
    scoreboard: Scoreboard,
    notifier: Notifier,
    handover: Option<Handover>,
) -> Result<Next, Failure> {
    let scoreboard = Arc::new(scoreboard);
    let master =
        goherd_master::Settings { generation, scoreboard, inherited: server.inherited(), notifier, handover };
    match goherd_master::run(master, &mut server)? {
        Life::Worker(birth) => {
            let worker =
                server.worker(birth.generation).ok_or("there is nothing to make this worker from")?;
            drop(server); // with what other generations are made from
            goherd_worker::run(&worker, birth);
            Ok(Next::Application)
        }
        Life::Master(code) => {
            server.clean_up();
            Ok(Next::Exit(u8::try_from(code).unwrap_or(1)))
        }
    }
}

/// Says what is to be known of a configuration.
pub fn notes(config: &Config) {
    for note in &config.notes {
        stderr::line(note);
    }
}

/// Once, when the server is started: reloads and upgrades are not the time to think about it.
fn warn_root(config: &Config) {
    if user::is_root() && config.uid.is_none() {
        stderr::line("running as root: name a user for the workers with uid");
    }
}

/// What is to be said of what workers are made from.
pub fn describe(config: &Config, worker: &goherd_worker::Settings) -> Vec<String> {
    let mut lines: Vec<_> = worker.app.describe().collect();
    if !worker.app.has_main() {
        lines.push(
            "no library with a Go main is loaded (go-load): every request will be answered 404".to_owned(),
        );
    }
    if config.goroutines.is_none() {
        lines.push("each worker handles one request at a time; goroutines = N lets it handle N".to_owned());
    }
    lines
}

/// The folder of a configuration's relative paths, while it is turned into settings.
#[derive(Debug)]
pub struct Folder {
    outside: PathBuf,
    /// Where workers are to live.
    pub inside: PathBuf,
}

impl Folder {
    /// Goes where `config` says.
    pub fn enter(config: &Config) -> Result<Self, Failure> {
        let outside = std::env::current_dir()?;
        if let Some(folder) = &config.chdir {
            std::env::set_current_dir(folder)
                .map_err(|error| format!("chdir: cannot go to {}: {error}", folder.display()))?;
        }
        let inside = std::env::current_dir()?;
        Ok(Self { outside, inside })
    }

    /// Goes back.
    pub fn leave(&self) -> Result<(), Failure> {
        Ok(std::env::set_current_dir(&self.outside)?)
    }
}
