//! Caches: which lie in shared memory, and in which files those are kept; and which lie in Redis.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use goherd_config::{Backend, Cache, Config, RedisPlace, Secret};
use goherd_master::Store;
use goherd_redis::{Certificates, Place};
use goherd_shm::cache::{self, Ttl};
use goherd_shm::commons::WantedCache;
use goherd_sys::folder;
use goherd_worker::RemoteSettings;

use crate::settings::{Failure, milliseconds};

/// The most connections of a process, unless `pool` says otherwise.
const USUAL_LINES: u32 = 16;

/// Those in shared memory.
pub fn shared(config: &Config) -> Vec<WantedCache> {
    config
        .all_caches()
        .filter(|cache| cache.backend.is_none())
        .map(|cache| wanted(cache.name.clone(), &cache))
        .collect()
}

/// What is kept in shared memory of those in Redis.
pub fn near(config: &Config) -> Vec<WantedCache> {
    let copies = |cache: Cache| {
        let backend = cache.backend.as_ref().filter(|backend| !backend.near.is_zero())?;
        Some(wanted(name_of_copies(&cache, backend), &cache))
    };
    config.all_caches().filter_map(copies).collect()
}

fn wanted(name: String, cache: &Cache) -> WantedCache {
    WantedCache {
        name,
        settings: cache::Settings {
            items: cache.items,
            key_size: cache.key_size,
            block_size: cache.block_size,
            blocks: cache.blocks,
            purge_lru: cache.purge_lru,
        },
        usual_ttl: usual_ttl(cache).map_or(Ttl::Endless, Ttl::Millis),
    }
}

fn usual_ttl(cache: &Cache) -> Option<u64> {
    Some(milliseconds(cache.expires)).filter(|millis| *millis > 0)
}

/// The files that caches are kept in, each by a path without links. Relative paths are of the current folder.
pub fn stores(config: &Config) -> Result<Vec<Store>, Failure> {
    let mut stores: Vec<Store> = Vec::new();
    for cache in config.all_caches() {
        let Some(typed) = &cache.store else { continue };
        let refused = |reason: String| format!("cache2: {}: store={}: {reason}", cache.name, typed.display());
        let path = place_of_file(typed).map_err(refused)?;
        if let Some(other) = stores.iter().find(|other| other.path == path) {
            let reason = format!("the cache {} is kept there: give each a file of its own", other.cache);
            return Err(refused(reason).into());
        }
        stores.push(Store { cache: cache.name, path, every: milliseconds(cache.store_sync) });
    }
    Ok(stores)
}

/// Where a file is, or is to be, that will be replaced again and again.
fn place_of_file(typed: &Path) -> Result<PathBuf, String> {
    let absolute = std::path::absolute(typed).map_err(|error| error.to_string())?;
    let path = match fs::canonicalize(&absolute) {
        Err(error) if error.kind() == ErrorKind::NotFound => absolute,
        other => other.map_err(|error| error.to_string())?,
    };
    if path.exists() && !path.is_file() {
        return Err("that is something else than a file: name one, or the place of one to be made".to_owned());
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err("that is no place for a file".to_owned());
    };
    folder::may_use(folder)
        .and_then(|()| fs::canonicalize(folder))
        .map(|folder| folder.join(name))
        .map_err(|error| format!("files cannot be made in the folder {}: {error}", folder.display()))
}

/// A name that is another one when the originals lie elsewhere: the copies are no good then.
fn name_of_copies(cache: &Cache, backend: &Backend) -> String {
    let place = format!("{} {}", backend.server, prefix(cache, backend));
    format!("{}.{:08x}", cache.name, crc32fast::hash(place.as_bytes()))
}

fn prefix(cache: &Cache, backend: &Backend) -> String {
    backend.prefix.clone().unwrap_or_else(|| format!("goherd:{}:", cache.name))
}

/// Those in Redis. Relative paths are of the current folder.
pub fn remote(config: &Config) -> Result<RemoteSettings, Failure> {
    let mut copies = 0..;
    let mut caches = Vec::new();
    for cache in config.all_caches() {
        let Some(backend) = &cache.backend else { continue };
        let near = milliseconds(backend.near);
        let near = (near > 0).then(|| copies.next().map(|place| (near, place))).flatten();
        let settings = settings(&cache, backend, near, config.goroutines.unwrap_or(1).into())
            .map_err(|error| format!("cache2: {}: {error}", cache.name))?;
        caches.push(settings);
    }
    let first = config.all_caches().next().is_some_and(|cache| cache.backend.is_some());
    Ok(RemoteSettings { caches, first })
}

fn settings(
    cache: &Cache,
    backend: &Backend,
    near: Option<(u64, usize)>,
    cores: u32,
) -> Result<goherd_redis::Settings, String> {
    let server = &backend.server;
    let password = match &backend.password_file {
        Some(path) => Some(password(path)?),
        None => server.password.as_ref().map(Secret::reveal).map(str::to_owned),
    };
    let settings = goherd_redis::Settings {
        name: cache.name.clone(),
        place: match server.place.clone() {
            RedisPlace::Tcp { host, port, tls } => Place::Tcp { host, port, tls },
            RedisPlace::Unix(path) => Place::Unix(path),
        },
        user: server.user.clone(),
        password,
        database: server.database,
        certificates: certificates(backend)?,
        prefix: prefix(cache, backend),
        lines: backend.pool.unwrap_or_else(|| cores.clamp(1, USUAL_LINES)),
        connect: backend.connect,
        timeout: backend.timeout,
        longest_key: cache.key_size as usize,
        usual_ttl: usual_ttl(cache),
        near,
    };
    settings.check()?;
    Ok(settings)
}

fn password(path: &Path) -> Result<String, String> {
    let text = fs::read_to_string(path)
        .map_err(|error| format!("cannot read the password_file {}: {error}", path.display()))?;
    let password = text.trim_end_matches(['\n', '\r']);
    if password.is_empty() {
        return Err(format!("the password_file {} is empty", path.display()));
    }
    Ok(password.to_owned())
}

fn certificates(backend: &Backend) -> Result<Option<Certificates>, String> {
    let read = |(key, path): (&str, &PathBuf)| {
        fs::read(path).map_err(|error| format!("cannot read the file of {key}, {}: {error}", path.display()))
    };
    let authorities = backend.ca.as_ref().map(|path| read(("tls_ca", path))).transpose()?;
    let identity = match &backend.identity {
        None => None,
        Some((certificate, key)) => Some((read(("tls_cert", certificate))?, read(("tls_key", key))?)),
    };
    let some = authorities.is_some() || identity.is_some();
    Ok(some.then_some(Certificates { authorities, identity }))
}
