//! What the worker answers itself at the sockets of services: orders to the caches that all workers share, and signals.
//!
//! In: orders, as `proto` has read them. Out: answers. Nothing of the application has a part in it.

use std::sync::Arc;

use goherd_bridge::Share;
use goherd_proto::service::cache::Lifetime;
use goherd_proto::service::{CACHE, Command, Order, Status, answer};
use goherd_reactor::Services;
use goherd_shm::cache::{CacheError, Rule, Ttl};
use goherd_shm::commons::NamedCache;
use goherd_shm::{Seat, ToMaster};
use goherd_sys::clock::Millis;

use crate::host::Desk;

/// [`Services`] for one worker.
#[derive(Debug)]
pub(crate) struct Counters {
    pub share: Arc<Share>,
    pub desk: Arc<Desk>,
}

/// Why an order is not done.
type Failure = (Status, String);

/// What it comes to: the variables of the answer, and the bytes behind them.
type Outcome = Result<(Vec<(&'static str, i64)>, Vec<u8>), Failure>;

impl Services for Counters {
    fn look(&self, order: &Order<'_>) -> Option<Failure> {
        let cache = match self.cache_of(order) {
            Ok(named) => &named.cache,
            Err(failure) => return Some(failure),
        };
        if let Err(error) = cache.check_key(order.key) {
            return Some(failure(error));
        }
        let (size, most) = (order.size, cache.longest_value());
        let length = usize::try_from(size).unwrap_or(usize::MAX);
        (length > most).then(|| failure(CacheError::ValueSize { length, most }))
    }

    fn cache(&self, order: &Order<'_>, value: &[u8], most: u64, out: &mut Vec<u8>) {
        match self.done(order, value, most) {
            Ok((numbers, bytes)) => answer::write(out, CACHE, Status::Ok, &numbers, &bytes),
            Err((status, reason)) => answer::write_failure(out, CACHE, status, &reason),
        }
    }

    fn signal(&self, number: u8) -> bool {
        let is_registered = self.share.commons.signals.receiver(number).is_some();
        is_registered && self.desk.tell_of_signals(&ToMaster::Signal(number))
    }
}

impl Counters {
    fn done(&self, order: &Order<'_>, value: &[u8], most: u64) -> Outcome {
        if order.command == Command::Caches {
            let names = self.share.commons.caches.iter().map(|named| named.name.as_bytes());
            return Ok((Vec::new(), listed(names)));
        }
        let named = self.cache_of(order)?;
        let (cache, seat, key, now) = (&named.cache, &self.share.seat, order.key, Millis::lately());
        if order.command.takes_key() {
            cache.check_key(key).map_err(failure)?;
        }
        let put = |rule| cache.put(seat, key, value, lifetime(order, named), rule, now);
        let bare = |()| (Vec::new(), Vec::new());
        match order.command {
            Command::Get => return get(named, seat, key, most),
            Command::Exists => {
                if !cache.exists(seat, key, now) {
                    return Err(failure(CacheError::Missing));
                }
                Ok(())
            }
            Command::Ttl => {
                let left = cache.ttl(seat, key, now).ok_or_else(|| failure(CacheError::Missing))?;
                let millis = match left {
                    Ttl::Endless => i64::MAX,
                    Ttl::Millis(millis) => i64::try_from(millis).unwrap_or(i64::MAX),
                };
                return Ok((vec![("millis", millis)], Vec::new()));
            }
            Command::Set => put(Rule::IfAbsent),
            Command::Update => put(Rule::Always),
            Command::Replace => put(Rule::IfPresent),
            Command::Delete => cache
                .delete(seat, key, now)
                .and_then(|was_there| if was_there { Ok(()) } else { Err(CacheError::Missing) }),
            Command::Increment => {
                let sum = cache.add_to(seat, key, order.by, lifetime(order, named), now).map_err(failure)?;
                return Ok((vec![("sum", sum)], Vec::new()));
            }
            Command::Clear => cache.clear(seat, now),
            Command::Keys => {
                let portion = usize::try_from(order.portion).unwrap_or(usize::MAX);
                let keys = cache.keys_in(portion, seat, now);
                let keys = keys.ok_or((Status::Missing, "there are no more keys".to_owned()))?;
                return Ok((Vec::new(), listed(keys.iter().map(Vec::as_slice))));
            }
            Command::Stats => return Ok((figures(named), named.name.clone().into_bytes())),
            Command::Caches => Ok(()),
        }
        .map(bare)
        .map_err(failure)
    }

    fn cache_of(&self, order: &Order<'_>) -> Result<&NamedCache, Failure> {
        let (caches, remotes) = (&self.share.commons.caches, &self.share.remotes);
        let elsewhere = match order.cache {
            b"" => remotes.first,
            name => remotes.caches.iter().any(|remote| remote.settings().name.as_bytes() == name),
        };
        let wanted = |named: &&NamedCache| order.cache.is_empty() || named.name.as_bytes() == order.cache;
        let found = caches.iter().filter(|_| !elsewhere).find(wanted);
        found.ok_or_else(|| {
            let reason = match order.cache {
                b"" if elsewhere => {
                    "the server's first cache lies in Redis: ask that, or name another one".to_owned()
                }
                b"" => "the server has no cache (option cache2)".to_owned(),
                name if elsewhere => {
                    format!("the cache {:?} lies in Redis: ask that", String::from_utf8_lossy(name))
                }
                name => format!(
                    "the server has no cache called {:?} (option cache2)",
                    String::from_utf8_lossy(name)
                ),
            };
            (Status::Unknown, reason)
        })
    }
}

/// The value of a key, if it is not too long to be sent now.
fn get(named: &NamedCache, seat: &Seat, key: &[u8], most: u64) -> Outcome {
    let (cache, now) = (&named.cache, Millis::lately());
    if most < cache.longest_value() as u64
        && cache.get_slice(seat, key, &mut [], now).is_some_and(|length| length as u64 > most)
    {
        return Err((
            Status::Busy,
            "too many values are on their way from this worker: try again".to_owned(),
        ));
    }
    cache.get(seat, key, now).map(|value| (Vec::new(), value)).ok_or_else(|| failure(CacheError::Missing))
}

/// Each behind its length.
fn listed<'a>(names: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for name in names {
        bytes.extend_from_slice(&u32::try_from(name.len()).unwrap_or(0).to_le_bytes());
        bytes.extend_from_slice(name);
    }
    bytes
}

fn figures(named: &NamedCache) -> Vec<(&'static str, i64)> {
    let (settings, stats) = (named.cache.settings(), named.cache.stats());
    [
        ("items", stats.items),
        ("max_items", settings.items.into()),
        ("bytes", stats.bytes),
        ("blocks", stats.blocks),
        ("max_blocks", settings.blocks.into()),
        ("blocksize", settings.block_size as u64),
        ("keysize", settings.key_size as u64),
        ("hits", stats.hits),
        ("misses", stats.misses),
        ("full", stats.full),
        ("purged", stats.purged),
        ("expired", stats.expired),
        ("repairs", stats.repairs),
    ]
    .map(|(name, value)| (name, i64::try_from(value).unwrap_or(i64::MAX)))
    .to_vec()
}

fn lifetime(order: &Order<'_>, named: &NamedCache) -> Ttl {
    match order.lifetime {
        Lifetime::Usual => named.usual_ttl,
        Lifetime::Endless => Ttl::Endless,
        Lifetime::Millis(millis) => Ttl::Millis(millis),
    }
}

fn failure(error: CacheError) -> Failure {
    let status = match error {
        CacheError::KeySize { .. } => Status::Key,
        CacheError::ValueSize { .. } => Status::Value,
        CacheError::Exists => Status::Exists,
        CacheError::Missing => Status::Missing,
        CacheError::Full => Status::Full,
        CacheError::NotANumber => Status::Number,
        CacheError::Overflow => Status::Overflow,
        CacheError::Busy => Status::Busy,
        CacheError::Damaged => Status::Damaged,
    };
    (status, error.to_string())
}
