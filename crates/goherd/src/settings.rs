//! From the configuration to the parts: names become numbers, options the settings of those who heed them.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use goherd_bridge::App;
use goherd_config::{AlarmDoes, CheaperAlgo, Config};
use goherd_events::{Job, TimeZone, When};
use goherd_master::{
    About, Agenda, Alarm, Alarms, Algorithm, Cheaper, Errand, Means, Plan, Stats, Task, Upkeep,
};
use goherd_shm::Who;
use goherd_shm::cache;
use goherd_shm::commons::Wanted;
use goherd_shm::inboxes::{Addressees, Farm};
use goherd_shm::locks;
use goherd_sys::descriptors;
use goherd_sys::eventfd::EventFd;
use goherd_sys::process::Bounds;
use goherd_sys::socket::Listener;
use goherd_sys::user::{self, Identity};
use goherd_worker::{Confinement, Limits, Times};

use crate::Application;
use crate::{caches, runtime, spools};

/// The most connections of one worker, unless max-connections says otherwise.
const USUAL_CONNECTIONS: u32 = 65_536;

/// Why the server does not start: a sentence.
pub type Failure = Box<dyn Error>;

/// Reads and inspects the application.
pub fn app(config: &Config, application: &Application) -> Result<App, Failure> {
    let app = match (application, config.go_load.first()) {
        (Application::Loaded, _) => App::read(&config.go_load)?,
        (Application::Own(name), None) => App::own(name.clone()),
        (Application::Own(_), Some(library)) => {
            return Err(format!(
                "go-load: {} cannot join the application that this program is, a process has room for one: serve it \
                 with goherd",
                library.display()
            )
            .into());
        }
    };
    if config.need_app && !app.has_main() {
        return Err("need-app: no library with a Go main is loaded: name one with go-load".into());
    }
    Ok(app)
}

/// Finds what workers give up, and whether they can.
pub fn confinement(config: &Config) -> Result<Confinement, Failure> {
    let identity = identity(config)?;
    if let Some(root) = &config.chroot {
        check_root(root, config)?;
    }
    Ok(Confinement {
        identity,
        root: config.chroot.clone(),
        no_new_privileges: config.no_new_privs,
        address_space: (config.limit_as > 0).then_some(config.limit_as << 20),
    })
}

/// Finds the user and the groups that workers are to be. A user without `gid` brings its own group, so that nothing of
/// root's is left.
fn identity(config: &Config) -> Result<Identity, Failure> {
    let user = find("uid", "user", config.uid.as_deref(), user::find_user)?;
    let group = find("gid", "group", config.gid.as_deref(), user::find_group)?;
    let more = config.add_gid.iter().map(|name| find("add-gid", "group", Some(name), user::find_group));
    let more_groups: Vec<_> = more.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    if (user.is_some() || group.is_some() || !more_groups.is_empty()) && !user::is_root() {
        return Err("uid/gid/add-gid: only root can become somebody else: start the server as root, or remove the option"
            .into());
    }
    let group = group.or(user.and_then(|user| user.group));
    if let (Some(user), None) = (user, group) {
        let number = user.id.0;
        return Err(format!("uid: {number} is in no database, so it has no group: name one with gid").into());
    }
    Ok(Identity { user: user.map(|user| user.id), group, more_groups })
}

/// Looks whether workers can live below `root`.
fn check_root(root: &Path, config: &Config) -> Result<(), Failure> {
    let shown = root.display();
    if !user::is_root() {
        return Err("chroot: only root can do that: start the server as root, or remove the option".into());
    }
    if !root.metadata().map_err(|error| format!("chroot: cannot use {shown}: {error}"))?.is_dir() {
        return Err(format!("chroot: {shown} is not a folder").into());
    }
    if !config.go_load.is_empty() && !root.join("proc/self/fd").is_dir() {
        return Err(format!(
            "chroot: {shown} has no /proc, through which workers load the application: mount it (mount --bind /proc \
             {shown}/proc)"
        )
        .into());
    }
    Ok(())
}

/// Looks a name up that `option` has.
pub fn find<T>(
    option: &str,
    kind: &str,
    name: Option<&str>,
    lookup: fn(&str) -> io::Result<Option<T>>,
) -> Result<Option<T>, Failure> {
    let Some(name) = name else { return Ok(None) };
    match lookup(name) {
        Ok(Some(found)) => Ok(Some(found)),
        Ok(None) => Err(format!("{option}: there is no {kind} called {name}").into()),
        Err(error) => Err(format!("{option}: cannot look up {name}: {error}").into()),
    }
}

/// The variable that makes a plain program of one that carries its server, with the value `off`.
const SWITCH: &str = "GOHERD_SERVER";

/// What workers are like, but for their doors.
pub fn worker(config: &Config, app: App, baton: Arc<EventFd>) -> Result<goherd_worker::Settings, Failure> {
    let confinement = confinement(config)?;
    let name = app.program().unwrap_or_else(|| "goherd".to_owned());
    // Should the application start its own program once more, that one is to be no second server.
    let no_second = app.is_own().then(|| (SWITCH.to_owned(), "off".to_owned()));
    Ok(goherd_worker::Settings {
        args: std::iter::once(name).chain(config.go_args.iter().cloned()).collect(),
        env: no_second.into_iter().chain(runtime::environment(config, &app)).collect(),
        cores: config.goroutines.unwrap_or(1).into(),
        spool: spools::prepare(config, &confinement)?,
        confinement,
        doors: Vec::new(),
        max_connections: capacity(config)?,
        max_requests: config.http_keepalive_requests,
        limits: limits(config),
        times: times(config),
        harakiri: config.harakiri,
        harakiri_grace: config.harakiri_grace,
        worker_mercy: config.worker_reload_mercy,
        crew_mercy: config.mule_reload_mercy,
        max_requests_per_life: config.max_requests,
        max_requests_delta: config.max_requests_delta,
        baton,
        remotes: caches::remote(config)?,
        folder: PathBuf::new(),
        options: options(config),
        app,
    })
}

/// The options as the application is given them: name and value, each followed by a NUL.
fn options(config: &Config) -> Arc<[u8]> {
    let pairs =
        config.options.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    pairs.flat_map(|(name, value)| [name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat()).collect()
}

/// How many connections a worker may have; settles on the way how many descriptors there are for them.
pub fn capacity(config: &Config) -> Result<u32, Failure> {
    connections(config, descriptors(config)?)
}

/// Settles how many descriptors each process may have, from this one on.
fn descriptors(config: &Config) -> Result<u64, Failure> {
    let Some(wanted) = config.max_fd else { return Ok(descriptors::raise()?) };
    descriptors::set(wanted).map_err(|error| {
        let most = descriptors::most();
        format!(
            "max-fd: cannot have {wanted} descriptors: {error}; this user may have {most} (ulimit -Hn): choose \
             fewer, or have the limit raised"
        )
    })?;
    Ok(wanted)
}

/// How many connections a worker may have, of so many descriptors.
fn connections(config: &Config, descriptors: u64) -> Result<u32, Failure> {
    match config.max_connections {
        None => Ok(u32::try_from(descriptors - descriptors / 4).unwrap_or(u32::MAX).min(USUAL_CONNECTIONS)),
        Some(wanted) if u64::from(wanted) < descriptors => Ok(wanted),
        Some(wanted) => Err(format!(
            "max-connections: {wanted} connections need more than the {descriptors} descriptors that a worker may \
             have: raise max-fd, or the user's limit (ulimit -Hn)"
        )
        .into()),
    }
}

fn limits(config: &Config) -> Limits {
    Limits {
        request_line: config.limit_request_line as usize,
        head: config.buffer_size as usize,
        field: config.limit_request_field_size as usize,
        fields: config.limit_request_fields as usize,
        body: if config.limit_post == 0 { u64::MAX } else { config.limit_post },
    }
}

/// How the family is to live.
pub fn plan(config: &Config) -> Plan {
    let mebibytes = |count: u64| count.saturating_mul(1 << 20);
    Plan {
        workers: config.processes.into(),
        crew: (1..=config.all_mules())
            .map(Who::mule)
            .chain((1..=config.all_spoolers()).map(Who::spooler))
            .collect(),
        crew_mercy: milliseconds(config.mule_reload_mercy),
        start_timeout: milliseconds(config.worker_start_timeout),
        mercy: milliseconds(config.worker_reload_mercy),
        shutdown_delay: milliseconds(config.shutdown_delay),
        min_lifetime: milliseconds(config.min_worker_lifetime),
        max_lifetime: milliseconds(config.max_worker_lifetime),
        max_lifetime_delta: milliseconds(config.max_worker_lifetime_delta),
        reload_on_rss: mebibytes(config.reload_on_rss),
        evil_reload_on_rss: mebibytes(config.evil_reload_on_rss),
        cheaper: (config.cheaper > 0).then(|| cheaper(config)),
        idle: milliseconds(config.idle),
        die_on_idle: config.die_on_idle,
        trial: false,
    }
}

fn cheaper(config: &Config) -> Cheaper {
    Cheaper {
        least: config.cheaper.into(),
        initial: config.cheaper_initial.unwrap_or(config.cheaper).into(),
        step: config.cheaper_step.into(),
        overload: milliseconds(config.cheaper_overload),
        algorithm: match config.cheaper_algo {
            CheaperAlgo::Spare => Algorithm::Spare,
            CheaperAlgo::Busyness => {
                Algorithm::Busyness { max: config.cheaper_busyness_max, min: config.cheaper_busyness_min }
            }
        },
        cores: config.goroutines.unwrap_or(1).into(),
    }
}

/// What the processes are to share.
pub fn commons(config: &Config) -> Wanted {
    let farm = |farm: &goherd_config::Farm| Farm { name: farm.name.clone(), mules: farm.mules.clone() };
    let addressees = Addressees {
        workers: config.processes.into(),
        mules: config.all_mules(),
        spoolers: config.all_spoolers(),
        farms: config.farms.iter().map(farm).collect(),
    };
    Wanted { locks: config.locks + 1, caches: caches::shared(config), near: caches::near(config), addressees }
}

/// The stats server at `listener`.
pub fn stats(config: &Config, listener: Listener, worker: &goherd_worker::Settings) -> Stats {
    let Identity { user, group, .. } = &worker.confinement.identity;
    let own = user::own();
    let about = About {
        version: env!("CARGO_PKG_VERSION"),
        cores: worker.cores,
        user: user.unwrap_or(own.0).0,
        group: group.unwrap_or(own.1).0,
        folder: worker.folder.clone(),
        protocols: worker.doors.iter().map(|door| door.protocol.to_string()).collect(),
    };
    Stats { listener, http: config.stats_http, minified: config.stats_minified, about }
}

/// What the application may raise.
pub fn alarms(config: &Config) -> Alarms {
    let alarm = |alarm: &goherd_config::Alarm| Alarm {
        name: alarm.name.clone(),
        means: match &alarm.does {
            AlarmDoes::Log => Means::Log,
            AlarmDoes::Command(command) => Means::Command(command.clone()),
            AlarmDoes::Signal(signal) => Means::Signal(*signal),
        },
    };
    Alarms { every: milliseconds(config.alarm_freq), alarms: config.alarms.iter().map(alarm).collect() }
}

/// How that is to be looked after. Relative paths are of the current folder.
pub fn upkeep(config: &Config) -> Result<Upkeep, Failure> {
    let sweep_every = if config.cache_no_expire { 0 } else { milliseconds(config.cache_expire_freq) };
    Ok(Upkeep { sweep_every, stores: caches::stores(config)? })
}

/// What happens by the clock. Relative paths are of the current folder.
pub fn agenda(config: &Config) -> Result<Agenda, Failure> {
    let timer = |timer: &goherd_config::Timer| Job {
        what: Task::Signal(timer.signal),
        when: match timer.times {
            0 => When::Every(milliseconds(timer.every)),
            times => When::Times(milliseconds(timer.every), times),
        },
    };
    let command = |job: &goherd_config::CronJob| Job {
        what: Task::Errand(Errand {
            command: job.command.clone(),
            unique: job.unique,
            limit: milliseconds(job.harakiri.unwrap_or(config.cron_harakiri)),
        }),
        when: When::Cron(job.cron.clone()),
    };
    let monitor = |(path, signal): &(PathBuf, u8)| std::path::absolute(path).map(|path| (path, *signal));
    let Confinement { identity, root, no_new_privileges, .. } = confinement(config)?;
    Ok(Agenda {
        jobs: config.timers.iter().map(timer).chain(config.crons.iter().map(command)).collect(),
        monitors: config.fs_signals.iter().map(monitor).collect::<io::Result<_>>()?,
        zone: zone(config)?,
        bounds: Bounds { identity, root, no_new_privileges, folder: std::env::current_dir()? },
    })
}

fn zone(config: &Config) -> Result<TimeZone, Failure> {
    let Some(name) = &config.cron_timezone else { return Ok(TimeZone::system()) };
    TimeZone::get(name).map_err(|error| {
        format!("cron-timezone: {error}: name one as in /usr/share/zoneinfo, such as Europe/Berlin").into()
    })
}

/// What the options take is what the parts can do.
const _: () = assert!(
    goherd_config::MOST_ITEMS <= cache::MOST_ITEMS
        && goherd_config::LONGEST_KEY <= cache::LONGEST_KEY
        && goherd_config::LARGEST_BLOCK <= cache::LARGEST_BLOCK
        && 65_535 < locks::MOST_LOCKS
);

pub fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn times(config: &Config) -> Times {
    Times {
        head: milliseconds(config.http_headers_timeout),
        idle: milliseconds(config.http_keepalive),
        http: milliseconds(config.http_timeout),
        socket: milliseconds(config.socket_timeout),
        ..Times::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_the_options_are_those_of_the_parts() {
        let config = Config::default();
        assert_eq!(format!("{:?}", limits(&config)), format!("{:?}", Limits::default()));
        assert_eq!(format!("{:?}", times(&config)), format!("{:?}", Times::default()));
        assert_eq!(plan(&config), Plan::default());
    }

    #[test]
    fn connections_leave_descriptors_for_the_rest() {
        let config = Config::default();
        let given = |max_connections| Config { max_connections: Some(max_connections), ..Config::default() };
        assert_eq!(connections(&config, 1_024).unwrap(), 768);
        assert_eq!(connections(&config, u64::MAX).unwrap(), USUAL_CONNECTIONS);
        assert_eq!(connections(&given(1_023), 1_024).unwrap(), 1_023);
        assert!(connections(&given(1_024), 1_024).unwrap_err().to_string().contains("raise max-fd"));
    }
}
