//! Starting the server: everything that can be found wrong is, before the first fork.

use std::path::Path;
use std::sync::Arc;

use goherd_config::Config;
use goherd_master::Life;
use goherd_shm::Scoreboard;
use goherd_sys::inherited::Inherited;
use goherd_sys::socket::Endpoint;
use goherd_sys::{Pid, stderr, user};
use goherd_worker::Protocol;

use crate::settings::{self, Failure};
use crate::sockets::{self, Opened};
use crate::{Application, Next};

/// Looks whether the server could start with `config`, without starting it or binding a socket.
pub fn check(config: &Config, inherited: &[Inherited], application: &Application) -> Result<(), Failure> {
    notes(config);
    sockets::check(config, inherited)?;
    change_folder(config)?;
    let app = settings::app(config, application)?;
    settings::identity(config)?;
    settings::capacity(config)?;
    app.describe().for_each(|line| stderr::line(&line));
    stderr::line("the configuration is good");
    Ok(())
}

/// Serves until the end; in a worker it returns only if the application is the program's own.
pub fn run(config: &Config, inherited: Vec<Inherited>, application: &Application) -> Result<Next, Failure> {
    notes(config);
    sockets::check(config, &inherited)?;
    change_folder(config)?;
    let mut worker = settings::worker(config, settings::app(config, application)?)?;
    let sockets = sockets::open(config, inherited)?;
    worker.doors = sockets.iter().map(|socket| socket.door).collect();
    let scoreboard = Arc::new(Scoreboard::new(config.processes.into())?);
    if let Some(path) = &config.pidfile {
        write_pidfile(path)?;
    }
    announce(config, &worker.app, &sockets);
    let listeners = sockets.into_iter().map(|socket| socket.listener).collect();
    let master = goherd_master::Settings { workers: config.processes.into(), listeners, scoreboard };
    match goherd_master::run(master)? {
        Life::Worker(birth) => {
            goherd_worker::run(&worker, birth);
            Ok(Next::Application)
        }
        Life::Master(code) => Ok(Next::Exit(u8::try_from(code).unwrap_or(1))),
    }
}

fn notes(config: &Config) {
    for note in &config.notes {
        stderr::line(note);
    }
    if user::is_root() && config.uid.is_none() {
        stderr::line("running as root: name a user for the workers with uid");
    }
}

fn change_folder(config: &Config) -> Result<(), Failure> {
    let Some(folder) = &config.chdir else { return Ok(()) };
    std::env::set_current_dir(folder)
        .map_err(|error| format!("chdir: cannot go to {}: {error}", folder.display()).into())
}

fn announce(config: &Config, app: &goherd_bridge::App, sockets: &[Opened]) {
    stderr::line(&format!("version {}, master pid {}", env!("CARGO_PKG_VERSION"), Pid::me()));
    app.describe().for_each(|line| stderr::line(&line));
    if !app.has_main() {
        stderr::line("no library with a Go main is loaded (go-load): every request will be answered 404");
    }
    if config.goroutines.is_none() {
        stderr::line("each worker handles one request at a time; goroutines = N lets it handle N");
    }
    for Opened { listener, door } in sockets {
        let endpoint = listener.endpoint();
        stderr::line(&match (endpoint, door.protocol) {
            (Endpoint::Inet(_), Protocol::Http) => format!("listening on http://{endpoint}/"),
            (_, protocol) => format!("listening on {endpoint} ({protocol})"),
        });
    }
}

fn write_pidfile(path: &Path) -> Result<(), Failure> {
    std::fs::write(path, format!("{}\n", Pid::me()))
        .map_err(|error| format!("pidfile: cannot write {}: {error}", path.display()).into())
}
