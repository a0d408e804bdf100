//! The document of the stats server: what the master knows, under uWSGI's names where uWSGI has one.
//!
//! There is nothing in it of what clients have sent, unlike in uWSGI's, which shows the variables of requests under way.

use std::collections::BTreeMap;

use goherd_shm::Role;
use goherd_shm::cache;
use goherd_shm::commons::NamedCache;
use goherd_shm::metrics::{Reading, What};
use goherd_sys::clock::{self, Millis};
use goherd_sys::process::{self, Pid};
use serde::Serialize;

use super::Stats;
use crate::family::{Standing, Status};
use crate::house::{Generation, House};

/// So many locks are listed in any case; of others, those that are held.
const ALL_LOCKS: u32 = 64;

#[derive(Serialize)]
pub struct Document<'a> {
    version: &'a str,
    /// How many connections wait to be taken: of all sockets, and at the one with the most of them.
    listen_queue: u64,
    load: u64,
    signal_queue: u64,
    pid: i32,
    uid: u32,
    gid: u32,
    cwd: String,
    state: &'static str,
    generation: u32,
    goroutines: u32,
    signals: Signals,
    locks: Vec<BTreeMap<String, i32>>,
    caches: Vec<Cache<'a>>,
    /// The copies of caches in Redis.
    near: Vec<Cache<'a>>,
    metrics: BTreeMap<String, Metric>,
    sockets: Vec<Socket<'a>>,
    workers: Vec<Worker>,
    /// Processes that are on their way to a worker's place, or out of it.
    replacing: Vec<Worker>,
    /// With the keys of workers; their requests are jobs and tasks.
    mules: Vec<Worker>,
    spoolers: Vec<Worker>,
}

#[derive(Serialize)]
struct Signals {
    due: u64,
    raised: u64,
    sent: u64,
    dropped: u64,
}

#[derive(Serialize)]
struct Cache<'a> {
    name: &'a str,
    hash: &'static str,
    hashsize: u64,
    keysize: u32,
    max_items: u32,
    blocks: u32,
    blocksize: u32,
    items: u64,
    used_blocks: u64,
    bytes: u64,
    hits: u64,
    /// uWSGI's name.
    miss: u64,
    full: u64,
    purged: u64,
    expired: u64,
    repairs: u64,
    last_modified_at: u64,
}

#[derive(Serialize)]
struct Metric {
    /// uWSGI's number: 0 is a counter, 1 a gauge.
    #[serde(rename = "type")]
    kind: u8,
    value: i64,
}

#[derive(Serialize)]
struct Socket<'a> {
    name: String,
    proto: &'a str,
    queue: u32,
    max_queue: u32,
    shared: u8,
    can_offload: u8,
}

#[derive(Serialize)]
struct Worker {
    id: u32,
    pid: i32,
    accepting: u8,
    requests: u64,
    delta_requests: u64,
    exceptions: u64,
    harakiri_count: u64,
    signals: u64,
    signal_queue: u64,
    status: &'static str,
    stage: &'static str,
    generation: u32,
    /// Requests under way.
    busy: u64,
    rss: u64,
    vsz: u64,
    /// Of processor time, in microseconds.
    cpu: u64,
    /// Of handlers, in microseconds, all lives together.
    running_time: u64,
    last_spawn: u64,
    respawn_count: u64,
    tx: u64,
    avg_rt: u64,
    apps: Vec<App>,
    cores: Vec<Core>,
}

#[derive(Serialize)]
struct App {
    id: u32,
    modifier1: u8,
    mountpoint: &'static str,
    /// In seconds.
    startup_time: u64,
    requests: u64,
    exceptions: u64,
    chdir: String,
}

#[derive(Serialize)]
struct Core {
    id: u32,
    requests: u64,
    in_request: u8,
}

impl<'a> Document<'a> {
    pub fn of(house: &House<'_>, generation: &'a Generation, stats: &'a Stats, now: Millis) -> Self {
        let about = &stats.about;
        let sockets: Vec<_> = sockets(generation, stats).collect();
        let queues = || sockets.iter().map(|socket| u64::from(socket.queue));
        let status = house.family.status(now);
        let worker = |status: &Status| Worker::of(house, stats, status, now);
        let [due, raised, sent, dropped] = house.chime.counts();
        let waiting = |status: &Status| house.scoreboard.slot(status.line).signals_waiting();
        let all_of = |role: Role| status.iter().filter(move |status| status.who.role == role);
        let at =
            |number: u32| all_of(Role::Worker).find(|status| status.at_place && status.who.number == number);
        let near = |copies: &'a NamedCache| {
            // Behind the name of the cache the name of its copies tells where it lies.
            let name = copies.name.rsplit_once('.').map_or(&*copies.name, |(name, _)| name);
            Cache { name, ..Cache::of(copies, now) }
        };
        Self {
            version: about.version,
            listen_queue: queues().sum(),
            load: queues().max().unwrap_or(0),
            signal_queue: status.iter().map(waiting).sum(),
            pid: Pid::me().get(),
            uid: about.user,
            gid: about.group,
            cwd: about.folder.display().to_string(),
            state: match (house.family.is_ending(), house.family.is_paused()) {
                (true, _) => "ending",
                (false, true) => "paused",
                (false, false) => "serving",
            },
            generation: house.family.generation(),
            goroutines: about.cores,
            signals: Signals { due, raised, sent, dropped },
            locks: locks(house, generation),
            caches: generation.commons.caches.iter().map(|cache| Cache::of(cache, now)).collect(),
            near: generation.commons.near.iter().map(near).collect(),
            metrics: generation.commons.metrics.readings().into_iter().map(Metric::named).collect(),
            workers: (1..=house.family.workers())
                .map(|number| at(number).map_or_else(|| Worker::nobody(house, number), worker))
                .collect(),
            replacing: all_of(Role::Worker).filter(|status| !status.at_place).map(worker).collect(),
            mules: all_of(Role::Mule).map(worker).collect(),
            spoolers: all_of(Role::Spooler).map(worker).collect(),
            sockets,
        }
    }
}

fn sockets<'a>(generation: &'a Generation, stats: &'a Stats) -> impl Iterator<Item = Socket<'a>> {
    let protocols = stats.about.protocols.iter().map(String::as_str).chain(std::iter::repeat(""));
    generation.listeners.iter().zip(protocols).map(|(listener, proto)| {
        let (queue, max_queue) = listener.queue().unwrap_or_default();
        Socket { name: listener.endpoint().to_string(), proto, queue, max_queue, shared: 0, can_offload: 0 }
    })
}

fn locks(house: &House<'_>, generation: &Generation) -> Vec<BTreeMap<String, i32>> {
    let locks = &generation.commons.locks;
    let holder = |number| locks.holder(number, house.keeper.seat()).map_or(0, Pid::get);
    let shown = |(number, holder): &(u32, i32)| *number < ALL_LOCKS || *holder != 0;
    let all = (0..locks.count()).map(|number| (number, holder(number))).filter(shown);
    all.map(|(number, holder)| BTreeMap::from([(format!("user {number}"), holder)])).collect()
}

impl<'a> Cache<'a> {
    fn of(NamedCache { name, cache, .. }: &'a NamedCache, now: Millis) -> Self {
        let (settings, stats) = (cache.settings(), cache.stats());
        let cache::Settings { items: max_items, key_size, block_size, blocks, .. } = settings;
        Self {
            name,
            hash: "siphash",
            hashsize: cache.chains(),
            keysize: key_size,
            max_items,
            blocks,
            blocksize: block_size,
            items: stats.items,
            used_blocks: stats.blocks,
            bytes: stats.bytes,
            hits: stats.hits,
            miss: stats.misses,
            full: stats.full,
            purged: stats.purged,
            expired: stats.expired,
            repairs: stats.repairs,
            last_modified_at: match stats.changed_at {
                Millis(0) => 0,
                then => unix_time_of(now.since(then)),
            },
        }
    }
}

impl Metric {
    fn named(Reading { name, what, value }: Reading) -> (String, Self) {
        (name, Self { kind: u8::from(what == What::Gauge), value })
    }
}

impl Worker {
    fn of(house: &House<'_>, stats: &Stats, status: &Status, now: Millis) -> Self {
        let slot = house.scoreboard.slot(status.line);
        let usage = Pid::new(status.pid).map(process::usage).unwrap_or_default();
        let (life, busy, number) = (slot.deeds(), slot.busy(), status.who.number);
        let past = house.scoreboard.past(status.who.as_worker()).filter(|_| status.at_place);
        let all = past.map_or(life, |past| past.deeds() + life);
        let serves = status.stage == Standing::Ready;
        let running_time = all.handling.saturating_mul(1000);
        let app = status.start.map(|start| App {
            id: 0,
            modifier1: 11,
            mountpoint: "",
            startup_time: start / 1000,
            requests: all.requests,
            exceptions: all.panics,
            chdir: stats.about.folder.display().to_string(),
        });
        // Cores are not counted one by one, so there is a line only where there is but one.
        let core = (stats.about.cores == 1).then(|| Core {
            id: 0,
            requests: life.requests,
            in_request: u8::from(busy > 0),
        });
        Self {
            id: number,
            pid: status.pid,
            accepting: u8::from(serves && !house.family.is_paused()),
            requests: all.requests,
            delta_requests: life.requests,
            exceptions: all.panics,
            harakiri_count: all.late,
            signals: slot.signals_sent(),
            signal_queue: slot.signals_waiting(),
            status: match (busy, serves && house.family.is_paused()) {
                (1.., _) => "busy",
                (0, true) => "pause",
                (0, false) => "idle",
            },
            stage: status.stage.word(),
            generation: status.generation,
            busy,
            rss: usage.rss,
            vsz: usage.address_space,
            cpu: usage.cpu.saturating_mul(1000),
            running_time,
            last_spawn: unix_time_of(now.since(status.born)),
            respawn_count: past.map_or(0, goherd_shm::scoreboard::Past::lives),
            tx: all.sent,
            avg_rt: running_time / all.requests.saturating_sub(busy).max(1),
            apps: app.into_iter().collect(),
            cores: core.into_iter().collect(),
        }
    }

    /// A place that nobody fills.
    fn nobody(house: &House<'_>, number: u32) -> Self {
        let past = house.scoreboard.past(number);
        let all = past.map(goherd_shm::scoreboard::Past::deeds).unwrap_or_default();
        let running_time = all.handling.saturating_mul(1000);
        Self {
            id: number,
            pid: 0,
            accepting: 0,
            requests: all.requests,
            delta_requests: 0,
            exceptions: all.panics,
            harakiri_count: all.late,
            signals: 0,
            signal_queue: 0,
            status: "cheap",
            stage: "none",
            generation: 0,
            busy: 0,
            rss: 0,
            vsz: 0,
            cpu: 0,
            running_time,
            last_spawn: 0,
            respawn_count: past.map_or(0, goherd_shm::scoreboard::Past::lives),
            tx: all.sent,
            avg_rt: running_time / all.requests.max(1),
            apps: Vec::new(),
            cores: Vec::new(),
        }
    }
}

/// The second since 1970 that was so many milliseconds ago.
fn unix_time_of(ago: u64) -> u64 {
    clock::unix_millis().saturating_sub(ago) / 1000
}
