//! What the master does for the memory that all share: it frees what the dead held, takes out of caches what has expired, and
//! keeps caches in files.
//!
//! A cache is saved by a child of the master, which goes on meanwhile; at the end by the master, when nobody else is left.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use goherd_shm::cache::Rule;
use goherd_shm::store::{self, StoreError};
use goherd_shm::{Cache, Commons, Life, Seat};
use goherd_sys::clock::{self, Millis};
use goherd_sys::process::{self, Ending, Pid};
use goherd_sys::signal::Signum;
use goherd_sys::stderr;

/// A cache that a reload has given other sizes is copied, if its values have no more bytes than this. It takes a moment in
/// which the master does nothing else.
const MOST_COPIED: u64 = 64 << 20;
/// Nor more entries than this.
const MOST_ENTRIES_COPIED: u64 = 200_000;

/// How the memory that all share is to be looked after.
#[derive(Clone, Debug, Default)]
pub struct Upkeep {
    /// How often what has expired is taken out of caches, in milliseconds; 0: not at all.
    pub sweep_every: u64,
    /// The caches that are kept in files.
    pub stores: Vec<Store>,
}

/// A cache that is kept in a file.
#[derive(Clone, Debug)]
pub struct Store {
    /// The name of the cache.
    pub cache: String,
    /// The file.
    pub path: PathBuf,
    /// How often it is saved, in milliseconds; 0: at the end alone.
    pub every: u64,
}

/// Who does that.
#[derive(Debug)]
pub(super) struct Keeper {
    seat: Seat,
    commons: Arc<Commons>,
    sweep_every: u64,
    /// When to sweep next.
    sweep: Option<Millis>,
    stores: Vec<Kept>,
}

/// A file, and when it was written.
#[derive(Debug)]
struct Kept {
    store: Store,
    cache: Arc<Cache>,
    /// When to save it next.
    due: Option<Millis>,
    /// The cache's turns before it was saved; `None`: it was not.
    saved: Option<u64>,
    saver: Option<Pid>,
}

impl Keeper {
    /// The one of this process, which may have been another program before.
    pub fn new(commons: &Arc<Commons>) -> io::Result<Self> {
        let _former_lives_of_ours = commons.seats.bury(Pid::me());
        let seat = commons.seats.sit().map_err(io::Error::other)?;
        let commons = Arc::clone(commons);
        Ok(Self { seat, commons, sweep_every: 0, sweep: None, stores: Vec::new() })
    }

    /// Fills the caches of `new` that have new memory: from those that were called so in `old`, else from their files.
    pub fn fill(&self, new: &Commons, upkeep: &Upkeep, old: Option<&Commons>) {
        for named in &new.caches {
            let name = &named.name;
            match old.and_then(|old| old.cache(name)) {
                Some(old) if Arc::ptr_eq(&old.cache, &named.cache) => {}
                Some(old) => stderr::line(&format!("cache {name}: {}", self.copy(&old.cache, &named.cache))),
                None => {
                    if let Some(store) = upkeep.stores.iter().find(|store| store.cache == *name) {
                        self.restore(&named.cache, store);
                    }
                }
            }
        }
    }

    fn copy(&self, old: &Cache, new: &Cache) -> String {
        let stats = old.stats();
        if stats.bytes > MOST_COPIED || stats.items > MOST_ENTRIES_COPIED {
            return format!(
                "its sizes are other ones, and its {} entries too much to copy: it is empty",
                stats.items
            );
        }
        let (mut copied, mut refused) = (0_u64, 0_u64);
        let now = Millis::now();
        for entry in old.entries(&self.seat, now) {
            match new.put(&self.seat, &entry.key, &entry.value, entry.ttl, Rule::Always, now) {
                Ok(()) => copied += 1,
                Err(_) => refused += 1,
            }
        }
        format!("its sizes are other ones: {copied} entries were copied{}", and(refused, "find no room"))
    }

    fn restore(&self, cache: &Cache, Store { cache: name, path, .. }: &Store) {
        match store::restore(cache, &self.seat, path, Millis::now(), clock::unix_millis()) {
            Ok(restored) => stderr::line(&format!(
                "cache {name}: {} entries were restored from {}{}{}",
                restored.entries,
                path.display(),
                and(restored.expired, "had expired"),
                and(restored.refused, "find no room")
            )),
            Err(StoreError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                stderr::line(&format!("cache {name}: {error}: it begins empty"));
                if !matches!(error, StoreError::Cache(_)) {
                    set_aside(path);
                }
            }
        }
    }

    /// Looks after these from now on.
    pub fn follow(&mut self, commons: &Arc<Commons>, upkeep: &Upkeep, now: Millis) {
        self.commons = Arc::clone(commons);
        self.sweep_every = if commons.caches.is_empty() { 0 } else { upkeep.sweep_every };
        self.sweep = in_future(self.sweep_every, now);
        self.stop_saving();
        let kept = |store: &Store| {
            let cache = Arc::clone(&commons.cache(&store.cache)?.cache);
            let due = in_future(store.every, now);
            Some(Kept { store: store.clone(), cache, due, saved: None, saver: None })
        };
        self.stores = upkeep.stores.iter().filter_map(kept).collect();
    }

    /// When there is something to do next.
    pub fn due(&self) -> Option<Millis> {
        self.stores.iter().map(|kept| kept.due).chain([self.sweep]).flatten().min()
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Millis) {
        if self.sweep.is_some_and(|due| due <= now) {
            for named in &self.commons.caches {
                let _next_time = named.cache.sweep(&self.seat, now);
            }
            self.sweep = in_future(self.sweep_every, now);
        }
        for kept in &mut self.stores {
            if kept.due.is_some_and(|due| due <= now) {
                kept.due = in_future(kept.store.every, now);
                kept.save_aside(&self.commons);
            }
        }
    }

    /// The lives of a process that was reaped, which hold nothing from now on.
    pub fn bury(&self, pid: Pid) -> Vec<Life> {
        self.commons.seats.bury(pid)
    }

    /// What is looked after.
    pub fn commons(&self) -> &Commons {
        &self.commons
    }

    /// The master's own seat.
    pub fn seat(&self) -> &Seat {
        &self.seat
    }

    /// Notes the end of a child, if it was one that saves; says whether it was.
    pub fn reaped(&mut self, pid: Pid, ending: Option<Ending>) -> bool {
        let Some(kept) = self.stores.iter_mut().find(|kept| kept.saver == Some(pid)) else { return false };
        kept.saver = None;
        if ending != Some(Ending::Exited(0)) {
            kept.saved = None; // once more next time
        }
        true
    }

    /// Nobody saves any more.
    pub fn stop_saving(&mut self) {
        for pid in self.stores.iter_mut().filter_map(|kept| kept.saver.take()) {
            process::kill(pid, Signum::KILL);
        }
    }

    /// Saves all that has changed. Call it when nobody else is left.
    pub fn save_all(&self) {
        for kept in &self.stores {
            if kept.saver.is_some() || kept.has_changed() {
                let _said = kept.save(&self.seat);
            }
        }
    }
}

impl Kept {
    fn has_changed(&self) -> bool {
        self.cache.turns() != self.saved.unwrap_or(0)
    }

    /// Saves it in a child of this process, if it has changed and nobody is at it.
    fn save_aside(&mut self, commons: &Commons) {
        if self.saver.is_some() || !self.has_changed() {
            return;
        }
        let turns = self.cache.turns();
        let save = || i32::from(!commons.seats.sit().is_ok_and(|seat| self.save(&seat)));
        match process::fork_for(save) {
            Ok(pid) => {
                self.saver = Some(pid);
                self.saved = Some(turns);
            }
            Err(error) => stderr::line(&format!("cache {}: cannot be saved: {error}", self.store.cache)),
        }
    }

    fn save(&self, seat: &Seat) -> bool {
        let saved = store::save(&self.cache, seat, &self.store.path, Millis::now(), clock::unix_millis());
        if let Err(error) = &saved {
            stderr::line(&format!("cache {}: cannot be saved: {error}", self.store.cache));
        }
        saved.is_ok()
    }
}

fn in_future(every: u64, now: Millis) -> Option<Millis> {
    (every > 0).then(|| now.after(every))
}

/// What is to be said of some entries, if there are any.
fn and(count: u64, what: &str) -> String {
    if count == 0 { String::new() } else { format!(", {count} {what}") }
}

/// Keeps a file that cannot be read from being overwritten.
fn set_aside(path: &std::path::Path) {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".damaged");
    let shown = aside.display();
    match fs::rename(path, &aside) {
        Ok(()) => stderr::line(&format!("the file is kept as {shown}")),
        Err(error) => stderr::line(&format!("{} cannot be kept as {shown}: {error}", path.display())),
    }
}
