//! All that the processes of a server share beside the scoreboard: made before the first fork, kept over the deaths of workers,
//! over reloads as far as it stays what the configuration asks for, and over upgrades of the master.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use goherd_sys::inbox::Inbox;

use crate::cache::{Cache, Settings, Ttl};
use crate::inboxes::{Addressees, Inboxes};
use crate::locks::Locks;
use crate::marks::Marks;
use crate::metrics::Metrics;
use crate::once::Once;
use crate::region::AdoptError;
use crate::seats::{Life, MOST_SEATS, Seat, Seats};
use crate::signals::Signals;

/// How many metrics there can be.
const METRICS: u32 = 1024;
/// How many things there can be that are done once.
const ONCE: u32 = 1024;
/// How many timers, cron entries and file monitors applications can have.
const SOURCES: u32 = 1024;

/// What a configuration asks for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Locks, with lock 0.
    pub locks: u32,
    /// Caches, each with a name of its own.
    pub caches: Vec<WantedCache>,
    /// Whom there are to be inboxes for.
    pub addressees: Addressees,
    /// Copies of what lies elsewhere.
    pub near: Vec<WantedCache>,
}

/// A cache that is asked for.
#[derive(Clone, Debug)]
pub struct WantedCache {
    /// Its name.
    pub name: String,
    /// Its sizes.
    pub settings: Settings,
    /// How long entries live that are put without a time.
    pub usual_ttl: Ttl,
}

/// All of it.
#[derive(Debug)]
pub struct Commons {
    /// Who may hold locks.
    pub seats: Arc<Seats>,
    /// The numbered locks.
    pub locks: Arc<Locks>,
    /// Counters and gauges.
    pub metrics: Arc<Metrics>,
    /// What is done once.
    pub once: Arc<Once>,
    /// Who receives which signal, and what raises it.
    pub signals: Arc<Signals>,
    /// What tells copies that are good from others.
    pub marks: Arc<Marks>,
    /// The caches, in the order of the configuration.
    pub caches: Vec<NamedCache>,
    /// The inboxes, which are no memory, and are kept like it.
    pub inboxes: Inboxes,
    /// Copies of what lies elsewhere, in that order, too. The name tells where.
    pub near: Vec<NamedCache>,
}

/// A cache with its name.
#[derive(Clone, Debug)]
pub struct NamedCache {
    /// The name.
    pub name: String,
    /// How long entries live that are put without a time.
    pub usual_ttl: Ttl,
    /// The cache.
    pub cache: Arc<Cache>,
}

/// What is left of the commons of a master that this one replaces.
#[derive(Debug)]
pub struct Descriptors {
    /// Of the seats.
    pub seats: OwnedFd,
    /// Of the locks.
    pub locks: OwnedFd,
    /// Of the metrics.
    pub metrics: OwnedFd,
    /// Of what is done once.
    pub once: OwnedFd,
    /// Of the table of signals.
    pub signals: OwnedFd,
    /// Of the marks.
    pub marks: OwnedFd,
    /// Of the caches, with their names.
    pub caches: Vec<(String, OwnedFd)>,
    /// The inboxes, with their names.
    pub inboxes: Vec<(String, Inbox)>,
    /// Of the copies, with their names.
    pub near: Vec<(String, OwnedFd)>,
}

impl Commons {
    /// Empty ones.
    pub fn new(wanted: &Wanted) -> io::Result<Self> {
        Ok(Self {
            seats: Arc::new(Seats::new(MOST_SEATS)?),
            locks: Arc::new(Locks::new(wanted.locks)?),
            metrics: Arc::new(Metrics::new(METRICS)?),
            once: Arc::new(Once::new(ONCE)?),
            signals: Arc::new(Signals::new(SOURCES)?),
            marks: Arc::new(Marks::new()?),
            caches: make(&wanted.caches, &[])?,
            near: make(&wanted.near, &[])?,
            inboxes: Inboxes::default().renewed(&wanted.addressees)?,
        })
    }

    /// Takes over those of the master that this one replaces, as they are.
    pub fn adopt(left: Descriptors) -> Result<Self, AdoptError> {
        let cache =
            |(name, fd)| Ok(NamedCache { name, usual_ttl: Ttl::Endless, cache: Arc::new(Cache::adopt(fd)?) });
        Ok(Self {
            seats: Arc::new(Seats::adopt(left.seats)?),
            locks: Arc::new(Locks::adopt(left.locks)?),
            metrics: Arc::new(Metrics::adopt(left.metrics)?),
            once: Arc::new(Once::adopt(left.once)?),
            signals: Arc::new(Signals::adopt(left.signals)?),
            marks: Arc::new(Marks::adopt(left.marks)?),
            caches: left.caches.into_iter().map(cache).collect::<Result<_, _>>()?,
            inboxes: Inboxes::adopt(left.inboxes),
            near: left.near.into_iter().map(cache).collect::<Result<_, _>>()?,
        })
    }

    /// What is wanted now: the same memory for all that stays as it was, new memory for the rest.
    pub fn renewed(&self, wanted: &Wanted) -> io::Result<Self> {
        let locks = if self.locks.count() == wanted.locks {
            Arc::clone(&self.locks)
        } else {
            Arc::new(Locks::new(wanted.locks)?)
        };
        Ok(Self {
            seats: Arc::clone(&self.seats),
            locks,
            metrics: Arc::clone(&self.metrics),
            once: Arc::clone(&self.once),
            signals: Arc::clone(&self.signals),
            marks: Arc::clone(&self.marks),
            caches: make(&wanted.caches, &self.caches)?,
            near: make(&wanted.near, &self.near)?,
            inboxes: self.inboxes.renewed(&wanted.addressees)?,
        })
    }

    /// The cache `name`, which may have another memory than one had that was called so before.
    #[must_use]
    pub fn cache(&self, name: &str) -> Option<&NamedCache> {
        self.caches.iter().find(|cache| cache.name == name)
    }

    /// Releases all that the life `dead` held. For whoever reaped that process.
    pub fn release_all_of(&self, seat: &Seat, dead: Life) {
        let _released = self.locks.release_all_of(dead);
        self.once.release_all_of(dead);
        for cache in self.caches.iter().chain(&self.near) {
            let _put_right = cache.cache.release_all_of(seat, dead);
        }
    }

    /// The memory of each part, for a program that takes over: what it is, and the descriptor.
    pub fn parts(&self) -> impl Iterator<Item = (String, BorrowedFd<'_>)> {
        let tables = [
            ("seats", self.seats.as_fd()),
            ("locks", self.locks.as_fd()),
            ("metrics", self.metrics.as_fd()),
            ("once", self.once.as_fd()),
            ("signals", self.signals.as_fd()),
            ("marks", self.marks.as_fd()),
        ];
        let caches = self.caches.iter().map(|cache| ("cache", cache));
        let caches = caches.chain(self.near.iter().map(|cache| ("near", cache)));
        let caches = caches.map(|(what, cache)| (format!("{what} {}", cache.name), cache.cache.as_fd()));
        let ends = self.inboxes.parts().flat_map(|(name, (entry, exit))| {
            [(format!("entry {name}"), entry), (format!("exit {name}"), exit)]
        });
        tables.into_iter().map(|(what, fd)| (what.to_owned(), fd)).chain(caches).chain(ends)
    }
}

/// The caches that are `wanted`, each of them one of `old` if that has such a one.
fn make(wanted: &[WantedCache], old: &[NamedCache]) -> io::Result<Vec<NamedCache>> {
    wanted.iter().map(|cache| cache.make(old)).collect()
}

impl WantedCache {
    /// The cache among `old` that is what is wanted, or a new one.
    fn make(&self, old: &[NamedCache]) -> io::Result<NamedCache> {
        let same = |old: &&NamedCache| old.name == self.name && old.cache.settings() == self.settings;
        let cache = match old.iter().find(same) {
            Some(old) => Arc::clone(&old.cache),
            None => Arc::new(Cache::new(&self.name, &self.settings).map_err(|error| self.refused(&error))?),
        };
        Ok(NamedCache { name: self.name.clone(), usual_ttl: self.usual_ttl, cache })
    }

    fn refused(&self, error: &io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("that of the cache {}: {error}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Rule;
    use goherd_sys::clock::Millis;

    fn wanted(locks: u32, caches: &[(&str, u32)]) -> Wanted {
        let cache = |&(name, items): &(&str, u32)| WantedCache {
            name: name.to_owned(),
            settings: Settings { items, key_size: 16, block_size: 64, blocks: items, purge_lru: false },
            usual_ttl: Ttl::Endless,
        };
        let near = WantedCache { name: "near.it".to_owned(), ..cache(&("", 8)) };
        Wanted {
            locks,
            caches: caches.iter().map(cache).collect(),
            near: vec![near],
            addressees: Addressees::default(),
        }
    }

    #[test]
    fn what_stays_as_it_was_keeps_its_memory() {
        let first = Commons::new(&wanted(1, &[("a", 8), ("b", 8)])).unwrap();
        let next = first.renewed(&wanted(1, &[("b", 8), ("a", 9), ("c", 8)])).unwrap();
        let same = |name: &str| {
            next.cache(name).zip(first.cache(name)).is_some_and(|(a, b)| Arc::ptr_eq(&a.cache, &b.cache))
        };
        assert_eq!(["a", "b", "c"].map(same), [false, true, false]);
        assert!(Arc::ptr_eq(&first.near[0].cache, &next.near[0].cache));
        assert!(Arc::ptr_eq(&first.marks, &next.marks));
        assert!(next.cache("near.it").is_none(), "copies are no caches");
        assert!(Arc::ptr_eq(&first.locks, &next.locks) && Arc::ptr_eq(&first.once, &next.once));
        assert!(Arc::ptr_eq(&first.signals, &next.signals));
        let more = next.renewed(&wanted(4, &[])).unwrap();
        assert_eq!((more.locks.count(), more.caches.len()), (4, 0));
    }

    #[test]
    #[cfg_attr(miri, ignore = "hands memory on")]
    fn all_of_it_is_adopted_by_its_descriptors() {
        let first = Commons::new(&wanted(3, &[("a", 8)])).unwrap();
        let seat = first.seats.sit().unwrap();
        let (now, cache) = (Millis::now(), &first.caches[0].cache);
        cache.put(&seat, b"k", b"v", Ttl::Endless, Rule::Always, now).unwrap();
        let mut parts: Vec<_> =
            first.parts().map(|(what, fd)| (what, fd.try_clone_to_owned().unwrap())).collect();
        assert_eq!(parts.len(), 8);
        let mut next = || parts.pop().unwrap();
        let (near, cache) = (next(), next());
        assert_eq!([&near.0, &cache.0], ["near near.it", "cache a"]);
        let [marks, signals, once, metrics, locks, seats] = std::array::from_fn(|_| next().1);
        let (caches, near) = (vec![("a".to_owned(), cache.1)], vec![("near.it".to_owned(), near.1)]);
        let second = Commons::adopt(Descriptors {
            seats,
            locks,
            metrics,
            once,
            signals,
            marks,
            caches,
            near,
            inboxes: Vec::new(),
        })
        .unwrap();
        assert_eq!(second.near[0].name, "near.it");
        assert_eq!(second.locks.count(), 3);
        assert_eq!(second.cache("a").unwrap().cache.get(&seat, b"k", now).as_deref(), Some(&b"v"[..]));
    }
}
