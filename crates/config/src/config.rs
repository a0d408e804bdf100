//! What the settings mean: the typed configuration which main hands on to the parts, field by field.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::address::Address;
use crate::agenda::{CronJob, Timer};
use crate::alarm::Alarm;
use crate::cache::Cache;
use crate::draft::Draft;
use crate::farm::Farm;
use crate::settings::Typed;
use crate::socket::{Owner, Socket};

/// The effective configuration. `Config::default()` holds the defaults of the option table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where what is served, in the order given; may be empty.
    pub sockets: Vec<Socket>,
    /// Every HTTP connection begins with a PROXY header.
    pub http_enable_proxy_protocol: bool,
    /// The permissions of socket files, at most 0o777.
    pub chmod_socket: Option<u32>,
    /// The owner of socket files.
    pub chown_socket: Option<Owner>,
    /// The uWSGI modifier of HTTP requests: 0 or 11, which both mean the Go application.
    pub http_socket_modifier1: u8,
    /// Length of the listen queue in connections, 1..=65535; the kernel caps it to `net.core.somaxconn`.
    pub listen: u16,
    /// The most bytes of a request's head or of its variables, 1024..=1048576.
    pub buffer_size: u32,
    /// The most bytes of a request line, 128..=1048576.
    pub limit_request_line: u32,
    /// The most fields of a request, 1..=1000.
    pub limit_request_fields: u32,
    /// The most bytes of one field, 128..=1048576.
    pub limit_request_field_size: u32,
    /// The most bytes of a body; 0: no limit.
    pub limit_post: u64,
    /// How long a head may take; this and the other times: 0 is no limit.
    pub http_headers_timeout: Duration,
    /// How long a connection is kept without a request.
    pub http_keepalive: Duration,
    /// The most requests of a connection, from 1 on.
    pub http_keepalive_requests: u32,
    /// How long an HTTP peer may stall within a body or an answer.
    pub http_timeout: Duration,
    /// The same of peers that speak another protocol.
    pub socket_timeout: Duration,
    /// The most connections of a worker, 1..=1048576; `None` when not given.
    pub max_connections: Option<u32>,
    /// The most descriptors of a process, 64..=2^30; `None` when not given.
    pub max_fd: Option<u64>,
    /// Go libraries to load, in the order given; may be empty. Relative paths are as typed.
    pub go_load: Vec<PathBuf>,
    /// Arguments of the Go program, without the program name.
    pub go_args: Vec<String>,
    /// Requests each worker serves at the same time, 1..=65535; `None` when not given.
    pub goroutines: Option<u16>,
    /// The loop asked for; `None` when not given.
    pub loop_engine: Option<LoopEngine>,
    /// Refuse to start without an application.
    pub need_app: bool,
    /// Worker processes, 1..=1024.
    pub processes: u16,
    /// The folder to change to before the application is loaded.
    pub chdir: Option<PathBuf>,
    /// Environment variables to set: name (never empty, without `=`) and value, in the order given.
    pub env: Vec<(String, String)>,
    /// The user to run as: a name or a number, not yet looked up.
    pub uid: Option<String>,
    /// The group to run as: a name or a number, not yet looked up.
    pub gid: Option<String>,
    /// The file to write the master's process id to.
    pub pidfile: Option<PathBuf>,
    /// How long a handler may take; this and the other times of this table: 0 is no limit where nothing else is said.
    pub harakiri: Duration,
    /// How long a handler past that may go on until its worker is given up; 0: not at all.
    pub harakiri_grace: Duration,
    /// The most requests of a worker; 0: no limit.
    pub max_requests: u64,
    /// How many more each worker has, times its number.
    pub max_requests_delta: u32,
    /// How long a worker lives before it is replaced for its requests or its memory; 0: not at all.
    pub min_worker_lifetime: Duration,
    /// How long a worker lives at most; not less than `min_worker_lifetime`, unless it is 0.
    pub max_worker_lifetime: Duration,
    /// How much longer each worker lives, times its number; 0: not at all.
    pub max_worker_lifetime_delta: Duration,
    /// The resident memory of a worker that is to be replaced, in MiB; 0: no limit.
    pub reload_on_rss: u64,
    /// The resident memory of a worker that is to be killed, in MiB; 0: no limit.
    pub evil_reload_on_rss: u64,
    /// The most address space of a worker, in MiB; 0: no limit.
    pub limit_as: u64,
    /// How long a worker may take until it is ready.
    pub worker_start_timeout: Duration,
    /// How long a worker may take to finish; 0: not at all.
    pub worker_reload_mercy: Duration,
    /// How long the server goes on after it was asked to end; 0: not at all.
    pub shutdown_delay: Duration,
    /// The least workers, 0..=`processes`; 0: always `processes`.
    pub cheaper: u16,
    /// Workers at the start, `cheaper`..=`processes`; `None` when not given.
    pub cheaper_initial: Option<u16>,
    /// Workers that are started at a time, from 1 on.
    pub cheaper_step: u16,
    /// How long the load must last; 0: not at all.
    pub cheaper_overload: Duration,
    /// What load is.
    pub cheaper_algo: CheaperAlgo,
    /// The busyness in percent above which workers are started; more than `cheaper_busyness_min`.
    pub cheaper_busyness_max: u32,
    /// The busyness in percent below which workers are ended.
    pub cheaper_busyness_min: u32,
    /// How long without a request until workers are ended.
    pub idle: Duration,
    /// Then the server ends.
    pub die_on_idle: bool,
    /// How many mules there are beside `mules`, up to 256.
    pub mule: u32,
    /// How many mules there are beside `mule`; together they are 256 at most.
    pub mules: u32,
    /// The farms, in the order given; no two have the same name, and all of their mules are there.
    pub farms: Vec<Farm>,
    /// How long one of the crew may take to finish; 0: not at all.
    pub mule_reload_mercy: Duration,
    /// Files that ask for a reload when they change.
    pub touch_reload: Vec<PathBuf>,
    /// Files that do so too.
    pub touch_chain_reload: Vec<PathBuf>,
    /// Named pipes to take orders from.
    pub master_fifo: Vec<PathBuf>,
    /// Remove socket files and the pidfile at the end.
    pub vacuum: bool,
    /// The runtime's GOMAXPROCS in each worker, from 1 on; `None` when not given.
    pub go_maxprocs: Option<u16>,
    /// The runtime's GOMEMLIMIT in each worker, in MiB, from 1 on; `None` when not given.
    pub go_memlimit: Option<u64>,
    /// The caches, in the order given; no two have the same name.
    pub caches: Vec<Cache>,
    /// The most entries of one more, which comes first; `None` when not given.
    pub cache: Option<u32>,
    /// How often what has expired is taken out of caches; 0: not at all.
    pub cache_expire_freq: Duration,
    /// It is not, unless its room is needed.
    pub cache_no_expire: bool,
    /// Locks for applications besides lock 0, up to 65535.
    pub locks: u32,
    /// Signals that are raised every so often, in the order given.
    pub timers: Vec<Timer>,
    /// Commands that are started at certain times, in the order given.
    pub crons: Vec<CronJob>,
    /// How long these may run; 0: as long as they like.
    pub cron_harakiri: Duration,
    /// The time zone of cron, not yet looked up; `None` when not given.
    pub cron_timezone: Option<String>,
    /// Files and folders whose changes raise signals; relative paths are as typed.
    pub fs_signals: Vec<(PathBuf, u8)>,
    /// Folders of tasks, in the order given, no two the same; may be empty.
    pub spoolers: Vec<PathBuf>,
    /// Processes of each of them, 1..=64.
    pub spooler_processes: u16,
    /// How often all of a folder is looked at, in seconds, 1..=86400.
    pub spooler_frequency: u32,
    /// How often a task is tried; 0: as often as it takes.
    pub spooler_retries: u32,
    /// How many tasks the life of a spooler is for; 0: no limit.
    pub spooler_max_tasks: u64,
    /// How long a task may take; 0: no limit.
    pub spooler_harakiri: Duration,
    /// Where statistics are told.
    pub stats: Option<Address>,
    /// They are told as HTTP has it.
    pub stats_http: bool,
    /// They have no white space.
    pub stats_minified: bool,
    /// What the application may raise, in the order given.
    pub alarms: Vec<Alarm>,
    /// How long an alarm is quiet that went off; 0: not at all.
    pub alarm_freq: Duration,
    /// The permissions that new files do not get, at most 0o777.
    pub umask: Option<u32>,
    /// More groups to be in: names or numbers, not yet looked up.
    pub add_gid: Vec<String>,
    /// The folder that workers take for the root.
    pub chroot: Option<PathBuf>,
    /// Programs that workers start gain no rights.
    pub no_new_privs: bool,
    /// The log file to go on with in the background.
    pub daemonize: Option<PathBuf>,
    /// Whether unknown ini keys are errors; when false they are in `notes`.
    pub strict: bool,
    /// The settings that count, and the defaults of those that were not made, by the options' names. Passwords in addresses
    /// are masked.
    pub options: BTreeMap<&'static str, Vec<String>>,
    /// Sentences to log at start: options which were accepted and have no effect, and the like.
    pub notes: Vec<String>,
}

/// The loop which drives the requests of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoopEngine {
    /// Each request runs in a goroutine of its own.
    Goroutines,
}

/// What load is, when the number of workers follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheaperAlgo {
    /// Whether workers are idle.
    Spare,
    /// How much of the time workers are busy.
    Busyness,
}

impl Config {
    /// How many mules there are.
    #[must_use]
    pub fn all_mules(&self) -> u32 {
        self.mule + self.mules
    }

    /// All caches: that of the option `cache` is the first.
    pub fn all_caches(&self) -> impl Iterator<Item = Cache> + '_ {
        self.cache.map(Cache::of_items).into_iter().chain(self.caches.iter().cloned())
    }

    /// How many spoolers there are.
    pub fn all_spoolers(&self) -> u32 {
        u32::try_from(self.spoolers.len()).unwrap_or(u32::MAX).saturating_mul(self.spooler_processes.into())
    }

    /// All fields empty or zero: the ground onto which the table's defaults are applied.
    pub(crate) fn blank() -> Self {
        Self {
            sockets: Vec::new(),
            http_enable_proxy_protocol: false,
            chmod_socket: None,
            chown_socket: None,
            http_socket_modifier1: 0,
            listen: 0,
            buffer_size: 0,
            limit_request_line: 0,
            limit_request_fields: 0,
            limit_request_field_size: 0,
            limit_post: 0,
            http_headers_timeout: Duration::ZERO,
            http_keepalive: Duration::ZERO,
            http_keepalive_requests: 0,
            http_timeout: Duration::ZERO,
            socket_timeout: Duration::ZERO,
            max_connections: None,
            max_fd: None,
            go_load: Vec::new(),
            go_args: Vec::new(),
            goroutines: None,
            loop_engine: None,
            need_app: false,
            processes: 0,
            chdir: None,
            env: Vec::new(),
            uid: None,
            gid: None,
            pidfile: None,
            harakiri: Duration::ZERO,
            harakiri_grace: Duration::ZERO,
            max_requests: 0,
            max_requests_delta: 0,
            min_worker_lifetime: Duration::ZERO,
            max_worker_lifetime: Duration::ZERO,
            max_worker_lifetime_delta: Duration::ZERO,
            reload_on_rss: 0,
            evil_reload_on_rss: 0,
            limit_as: 0,
            worker_start_timeout: Duration::ZERO,
            worker_reload_mercy: Duration::ZERO,
            shutdown_delay: Duration::ZERO,
            cheaper: 0,
            cheaper_initial: None,
            cheaper_step: 0,
            cheaper_overload: Duration::ZERO,
            cheaper_algo: CheaperAlgo::Spare,
            cheaper_busyness_max: 0,
            cheaper_busyness_min: 0,
            idle: Duration::ZERO,
            die_on_idle: false,
            mule: 0,
            mules: 0,
            farms: Vec::new(),
            mule_reload_mercy: Duration::ZERO,
            touch_reload: Vec::new(),
            touch_chain_reload: Vec::new(),
            master_fifo: Vec::new(),
            vacuum: false,
            go_maxprocs: None,
            go_memlimit: None,
            caches: Vec::new(),
            cache: None,
            cache_expire_freq: Duration::ZERO,
            cache_no_expire: false,
            locks: 0,
            timers: Vec::new(),
            crons: Vec::new(),
            cron_harakiri: Duration::ZERO,
            cron_timezone: None,
            fs_signals: Vec::new(),
            spoolers: Vec::new(),
            spooler_processes: 0,
            spooler_frequency: 0,
            spooler_retries: 0,
            spooler_max_tasks: 0,
            spooler_harakiri: Duration::ZERO,
            stats: None,
            stats_http: false,
            stats_minified: false,
            alarms: Vec::new(),
            alarm_freq: Duration::ZERO,
            umask: None,
            add_gid: Vec::new(),
            chroot: None,
            no_new_privs: false,
            daemonize: None,
            strict: false,
            options: BTreeMap::new(),
            notes: Vec::new(),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self { options: Typed::default().by_name(), ..Draft::default().config }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_table() {
        let config = Config::default();
        assert_eq!((config.processes, config.listen, config.http_socket_modifier1), (1, 1024, 0));
        assert!(config.strict && !config.need_app && config.notes.is_empty());
    }
}
