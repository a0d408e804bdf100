//! What a reload reads anew, and what the server is made from meanwhile.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use goherd_config::{Call, Config, Request};
use goherd_master::{Generation, Handover, Owner, Program, Renewed};
use goherd_shm::Commons;
use goherd_shm::commons::Descriptors;
use goherd_sys::eventfd::EventFd;
use goherd_sys::socket::Listener;
use goherd_sys::{process, stderr};

use crate::Application;
use crate::pidfile;
use crate::serve::{self, Folder};
use crate::settings::{self, Failure};
use crate::sockets::{self, Opened, Source, Sources};
use crate::vacuum::Vacuum;

/// The server as it was called, with what workers of each generation are made from.
#[derive(Debug)]
pub struct Server {
    call: Call,
    application: Application,
    program: Program,
    /// The library that has the server in it, if it is not the program itself.
    library: Option<PathBuf>,
    /// Which files program and library were, when this process was started.
    started: Files,
    /// Which ones they were when they were last found to be others.
    found: Files,
    workers: BTreeMap<u32, Workers>,
    /// What the program before this one has left of what all share.
    inherited: Option<Arc<Commons>>,
    /// Shared by the workers of all generations.
    baton: Arc<EventFd>,
    /// The files that are to be removed at the end, if the last configuration wants that.
    vacuum: Vacuum,
}

#[derive(Debug)]
struct Workers {
    settings: goherd_worker::Settings,
    /// What is known of their sockets, for a program that takes over.
    names: Vec<String>,
    commons: Arc<Commons>,
    vacuum: bool,
}

/// What tells a file from one that was put in its place.
type Identity = (u64, u64, u64, i64, i64);

/// Those of the program and of its library, as far as they are there.
type Files = [Option<Identity>; 2];

fn identity(path: &Path) -> Option<Identity> {
    let data = fs::metadata(path).ok()?;
    Some((data.dev(), data.ino(), data.size(), data.mtime(), data.mtime_nsec()))
}

impl Server {
    /// Of this process. Call it in the folder that the server was started in.
    pub fn new(call: &Call, application: &Application) -> Result<Self, Failure> {
        let args = command_line()?;
        let folder = std::env::current_dir()?;
        let path = match process::executed_path() {
            Some(path) => folder.join(path),
            None => std::env::current_exe()
                .map_err(|error| format!("cannot tell where this program is: {error}"))?,
        };
        let program = Program { path, args };
        let own = identity(Path::new("/proc/self/exe"));
        let library = process::file_with_this_code().filter(|file| identity(file) != own);
        let started = [own, library.as_deref().and_then(identity)];
        Ok(Self {
            call: call.clone(),
            application: application.clone(),
            program,
            library,
            started,
            found: Files::default(),
            workers: BTreeMap::new(),
            inherited: None,
            baton: Arc::new(EventFd::new()?),
            vacuum: Vacuum::default(),
        })
    }

    /// Takes over what all share from the program before this one, if this one knows how it is laid out.
    pub fn inherit(&mut self, left: Descriptors) {
        match Commons::adopt(left) {
            Ok(commons) => self.inherited = Some(Arc::new(commons)),
            Err(error) => stderr::line(&format!("caches, locks and metrics begin anew: {error}")),
        }
    }

    /// What was taken over, once the first generation has what it keeps of that.
    pub fn inherited(&mut self) -> Option<Arc<Commons>> {
        self.inherited.take()
    }

    /// Turns a configuration into a generation; gives what is to be said of it, too.
    pub fn prepare(
        &mut self,
        number: u32,
        config: &Config,
        sources: Sources,
    ) -> Result<(Generation, Vec<String>), Failure> {
        let folder = Folder::enter(config)?;
        let prepared = self.prepare_inside(number, config, sources, &folder);
        folder.leave()?;
        prepared
    }

    fn prepare_inside(
        &mut self,
        number: u32,
        config: &Config,
        sources: Sources,
        folder: &Folder,
    ) -> Result<(Generation, Vec<String>), Failure> {
        let mut worker =
            settings::worker(config, settings::app(config, &self.application)?, Arc::clone(&self.baton))?;
        worker.folder.clone_from(&folder.inside);
        let mut sources = sources;
        let stats = sockets::open_stats(config, &mut sources)?;
        let opened = sockets::open(config, sources)?;
        worker.doors = opened.iter().map(|socket| socket.door).collect();
        let mut lines = serve::describe(config, &worker);
        lines.extend(opened.iter().map(Opened::describe));
        lines.extend(stats.as_ref().map(|stats| format!("statistics at {}", stats.endpoint())));
        let stats_file = stats.as_ref().and_then(|stats| stats.endpoint().file());
        for path in opened.iter().filter_map(Opened::file).chain(stats_file) {
            let _somebody_removed_it = self.vacuum.remember(path);
        }
        let names = opened.iter().map(Opened::name).chain(stats.iter().map(|_| sockets::STATS.to_owned()));
        let names = names.collect();
        let stats = stats.map(|listener| settings::stats(config, listener, &worker));
        let absolute =
            |paths: &[PathBuf]| paths.iter().map(std::path::absolute).collect::<Result<Vec<_>, _>>();
        let touched = [&config.touch_reload[..], &config.touch_chain_reload].concat();
        let (commons, changed) = self.commons(config)?;
        lines.extend(changed);
        let generation = Generation {
            plan: settings::plan(config),
            listeners: opened.into_iter().map(|socket| socket.listener).collect(),
            touch_reload: absolute(&touched)?,
            fifos: absolute(&config.master_fifo)?,
            commons: Arc::clone(&commons),
            upkeep: settings::upkeep(config)?,
            agenda: Arc::new(settings::agenda(config)?),
            alarms: settings::alarms(config),
            stats,
        };
        self.workers.insert(number, Workers { settings: worker, names, commons, vacuum: config.vacuum });
        Ok((generation, lines))
    }

    /// What all share by this configuration, which keeps what stays as it was; and what is to be said of that.
    fn commons(&self, config: &Config) -> Result<(Arc<Commons>, Option<String>), Failure> {
        let wanted = settings::commons(config);
        let old =
            self.workers.values().next_back().map(|workers| &workers.commons).or(self.inherited.as_ref());
        let made = old.map_or_else(|| Commons::new(&wanted), |old| old.renewed(&wanted));
        let commons = made.map_err(|error| format!("cannot make the memory that workers share: {error}"))?;
        let others = old.is_some_and(|old| !Arc::ptr_eq(&old.locks, &commons.locks));
        let note = others.then(|| {
            format!(
                "there are {} locks now: workers from before the reload hold others",
                commons.locks.count()
            )
        });
        Ok((Arc::new(commons), note))
    }

    /// Writes the number of this process to `path`.
    pub fn write_pidfile(&mut self, path: &Path) -> Result<(), Failure> {
        pidfile::write(path)?;
        Ok(self.vacuum.remember(path)?)
    }

    /// The server has ended.
    pub fn clean_up(&self) {
        if self.workers.values().next_back().is_some_and(|workers| workers.vacuum) {
            self.vacuum.clean();
        }
    }

    /// What workers of this generation are made from, in one of them.
    pub fn worker(&mut self, generation: u32) -> Option<goherd_worker::Settings> {
        self.workers.remove(&generation).map(|workers| workers.settings)
    }

    /// Which files the program and its library are now.
    fn files(&self) -> Files {
        [identity(&self.program.path), self.library.as_deref().and_then(identity)]
    }

    fn read_anew(&mut self, number: u32, sources: Sources) -> Result<Generation, Failure> {
        let Request::Run(config) = goherd_config::parse(&self.call)? else {
            return Err("the command line does not ask for a server any more".into());
        };
        serve::notes(&config);
        sockets::check(&config, sources.len())?;
        let (generation, lines) = self.prepare(number, &config, sources)?;
        lines.iter().for_each(|line| stderr::line(line));
        Ok(generation)
    }
}

impl Owner for Server {
    fn renew(&mut self, generation: u32, open: &[&Listener]) -> Result<Renewed, String> {
        let found = self.files();
        if found.iter().zip(&self.started).any(|(found, started)| found.is_some() && found != started) {
            self.found = found;
            return Ok(Renewed::Program(self.program.clone()));
        }
        let names = self.workers.values().next_back().map_or(&[][..], |workers| &workers.names[..]);
        let sources =
            open.iter().zip(names).map(|(listener, name)| Ok(Source::known(listener.duplicate()?, name)));
        let sources = sources.collect::<std::io::Result<_>>().map_err(|error| error.to_string())?;
        self.read_anew(generation, Sources::in_use(sources, false))
            .map(|generation| Renewed::Generation(Box::new(generation)))
            .map_err(|error| error.to_string())
    }

    fn forget(&mut self, generation: u32) {
        self.workers.remove(&generation);
    }

    fn names(&self, generation: u32) -> Vec<String> {
        self.workers.get(&generation).map_or_else(Vec::new, |workers| workers.names.clone())
    }

    fn is_as_found(&self) -> bool {
        self.files() == self.found
    }
}

/// The sockets that the program before this one has handed on.
pub fn handed_over(handover: &mut Handover) -> Sources {
    let listeners = std::mem::take(&mut handover.listeners);
    let sources = listeners.into_iter().map(|(listener, name)| Source::known(listener, &name));
    Sources::in_use(sources.collect(), true)
}

/// What this process was called with: Rust's own knowledge of it is not there yet when a constructor asks.
fn command_line() -> Result<Vec<OsString>, Failure> {
    let line = fs::read("/proc/self/cmdline")
        .map_err(|error| format!("cannot tell what this process was called with: {error}"))?;
    let words = line.strip_suffix(b"\0").unwrap_or(&line).split(|&byte| byte == 0);
    Ok(words.map(|word| OsStr::from_bytes(word).to_owned()).collect())
}
