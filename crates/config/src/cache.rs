//! A cache as the option `cache2` describes it: `key=value,…` in, its sizes out, or what was expected.

use std::path::PathBuf;
use std::time::Duration;

use crate::backend::{Backend, RedisServer};

/// The most entries, and the most blocks, of a cache.
pub const MOST_ITEMS: u32 = 1 << 30;
/// The longest key that can be asked for, in bytes.
pub const LONGEST_KEY: u32 = 65_535;
/// The largest block that can be asked for, in bytes.
pub const LARGEST_BLOCK: u32 = 1 << 30;

/// The name of a cache that is given none.
const USUAL_NAME: &str = "default";
const USUAL_BLOCK: u32 = 65_536;
const USUAL_KEY: u32 = 2048;
const USUAL_SYNC: u32 = 10;
const LONGEST_NAME: usize = 63;
/// The longest time in seconds: a year.
const MOST_SECONDS: u32 = 365 * 24 * 60 * 60;
/// How long Redis may take to be connected with, and to answer: in milliseconds.
const USUAL_TIMEOUT: u32 = 1_000;
const LONGEST_TIMEOUT: u32 = 60_000;
/// How long what was read may be served without asking: in milliseconds.
const LONGEST_NEAR: u32 = 3_600_000;
/// The most connections of a process.
const MOST_CONNECTIONS: u32 = 1_024;
/// How many entries are kept near, if it is not said.
const USUAL_NEAR_ITEMS: u32 = 1_000;
const LONGEST_PREFIX: usize = 255;

/// Keys that need `backend`.
const OF_REDIS: [&str; 9] =
    ["prefix", "pool", "connect", "timeout", "near", "password_file", "tls_ca", "tls_cert", "tls_key"];
/// Keys that with `backend` describe what is kept near.
const OF_NEAR: [&str; 4] = ["items", "blocks", "blocksize", "max_items"];
/// Keys that make no sense with `backend`.
const OF_MEMORY: [&str; 4] = ["purge_lru", "lru", "store", "store_sync"];

/// Keys that say how uWSGI is to do what is done here in any case.
const NOT_NEEDED: [&str; 7] =
    ["bitmap", "hash", "hashsize", "lastmod", "lazy_expire", "store_delete", "sweep_on_full"];
/// What is said of those.
pub const NOT_NEEDED_NOTE: &str =
    "bitmap, hash, hashsize, lastmod, lazy_expire, store_delete and sweep_on_full are not needed; ignored";

/// A cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// Its name: letters, digits, `_`, `.` and `-`.
    pub name: String,
    /// The most entries, 1..=2^30.
    pub items: u32,
    /// The longest key in bytes, 1..=65535.
    pub key_size: u32,
    /// The bytes of a block, 1..=2^30.
    pub block_size: u32,
    /// How many blocks there are, 1..=2^30.
    pub blocks: u32,
    /// Drop what was not used for longest, when it is full.
    pub purge_lru: bool,
    /// How long entries live that are put without a time; 0: until they are deleted.
    pub expires: Duration,
    /// The file that it is kept in.
    pub store: Option<PathBuf>,
    /// How often it is saved there; 0: at the end alone.
    pub store_sync: Duration,
    /// The server that it lies in, if not in shared memory: `items`, `blocks` and `block_size` are those of what is kept
    /// near then.
    pub backend: Option<Backend>,
}

impl Cache {
    /// The cache that the option `cache` makes.
    pub fn of_items(items: u32) -> Self {
        Self {
            name: USUAL_NAME.to_owned(),
            items,
            key_size: USUAL_KEY,
            block_size: USUAL_BLOCK,
            blocks: items,
            purge_lru: false,
            expires: Duration::ZERO,
            store: None,
            store_sync: Duration::from_secs(USUAL_SYNC.into()),
            backend: None,
        }
    }

    /// What `text` describes, and whether it has keys that are not needed.
    pub fn parse(text: &str) -> Result<(Self, bool), String> {
        let (mut cache, mut items, mut blocks, mut ignored) = (Self::of_items(0), None, None, false);
        let mut redis = RedisKeys::default();
        let mut seen = Vec::new();
        for part in text.split(',') {
            let (key, value) = part.split_once('=').map_or((part, None), |(key, value)| (key, Some(value)));
            let key = key.trim();
            if seen.contains(&key) {
                return Err(format!("{key} is there twice"));
            }
            seen.push(key);
            let most = |most| number(key, value, most);
            match key {
                "name" => cache.name = name(value)?,
                "items" | "max_items" | "maxitems" => items = Some(most(MOST_ITEMS)?),
                "blocks" => blocks = Some(most(MOST_ITEMS)?),
                "blocksize" => cache.block_size = most(LARGEST_BLOCK)?,
                "keysize" => cache.key_size = most(LONGEST_KEY)?,
                "purge_lru" | "lru" => cache.purge_lru = flag(key, value)?,
                "expires" => cache.expires = seconds(key, value)?,
                "store" => cache.store = Some(path(key, value)?),
                "store_sync" => cache.store_sync = seconds(key, value)?,
                "backend" => redis.server = Some(RedisServer::parse(value.unwrap_or_default())?),
                _ if OF_REDIS.contains(&key) => redis.take(key, value)?,
                _ if NOT_NEEDED.contains(&key) => ignored = true,
                _ if redis.server.is_some() => {
                    return Err(
                        "what follows a comma after backend= is none of its keys; a comma in the URL is \
                                written %2C"
                            .to_owned(),
                    );
                }
                _ => return Err(unknown(key)),
            }
        }
        redis.agree(&seen)?;
        cache.backend = redis.into_backend();
        if let Some(backend) = &cache.backend {
            items = items.or(Some(USUAL_NEAR_ITEMS));
            cache.purge_lru = !backend.near.is_zero();
        }
        cache.items = items.ok_or("expected items=N among its keys, such as name=pages,items=1000")?;
        cache.blocks = blocks.unwrap_or(cache.items);
        Ok((cache, ignored))
    }
}

fn unknown(key: &str) -> String {
    format!(
        "{key:?} is none of its keys, which are name, items, blocks, blocksize, keysize, purge_lru, expires, store, \
         store_sync and backend, and with that {}",
        OF_REDIS.join(", ")
    )
}

/// The keys that say how Redis is to be talked to.
#[derive(Debug, Default)]
struct RedisKeys {
    server: Option<RedisServer>,
    prefix: Option<String>,
    pool: Option<u32>,
    connect: Option<Duration>,
    timeout: Option<Duration>,
    near: Option<Duration>,
    password_file: Option<PathBuf>,
    ca: Option<PathBuf>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl RedisKeys {
    fn take(&mut self, key: &str, value: Option<&str>) -> Result<(), String> {
        match key {
            "prefix" => {
                let prefix = value.filter(|text| (1..=LONGEST_PREFIX).contains(&text.len()));
                let expected = || format!("expected 1 to {LONGEST_PREFIX} bytes after prefix=");
                self.prefix = Some(prefix.map(str::to_owned).ok_or_else(expected)?);
            }
            "pool" => self.pool = Some(number(key, value, MOST_CONNECTIONS)?),
            "connect" => self.connect = Some(milliseconds(key, value, LONGEST_TIMEOUT)?),
            "timeout" => self.timeout = Some(milliseconds(key, value, LONGEST_TIMEOUT)?),
            "near" => self.near = Some(milliseconds(key, value, LONGEST_NEAR)?),
            "password_file" => self.password_file = Some(path(key, value)?),
            "tls_ca" => self.ca = Some(path(key, value)?),
            "tls_cert" => self.cert = Some(path(key, value)?),
            _ => self.key = Some(path(key, value)?),
        }
        Ok(())
    }

    /// Fails if keys were `seen` that cannot be meant together.
    fn agree(&self, seen: &[&str]) -> Result<(), String> {
        let among = |keys: &[&str]| seen.iter().find(|key| keys.contains(key)).copied();
        let Some(server) = &self.server else {
            return among(&OF_REDIS).map_or(Ok(()), |key| {
                Err(format!("{key} says how Redis is to be asked: it needs backend=redis://HOST, too"))
            });
        };
        if let Some(key) = among(&OF_MEMORY) {
            return Err(format!("{key} is for caches in shared memory: with backend= Redis sees to it"));
        }
        if let (Some(key), None) = (among(&OF_NEAR), self.near) {
            return Err(format!(
                "{key} with backend= is of what is kept near: add near=MILLISECONDS, or leave it out"
            ));
        }
        let is_tls = matches!(server.place, crate::RedisPlace::Tcp { tls: true, .. });
        if let (Some(key), false) = (among(&["tls_ca", "tls_cert", "tls_key"]), is_tls) {
            return Err(format!("{key} needs a backend that talks TLS: rediss://HOST"));
        }
        if self.cert.is_some() != self.key.is_some() {
            return Err("tls_cert and tls_key go together: the certificate, and its key".to_owned());
        }
        if self.password_file.is_some() && server.password.is_some() {
            return Err("there is a password in the URL and a password_file: remove one".to_owned());
        }
        Ok(())
    }

    fn into_backend(self) -> Option<Backend> {
        let usual = Duration::from_millis(USUAL_TIMEOUT.into());
        Some(Backend {
            server: self.server?,
            prefix: self.prefix,
            pool: self.pool,
            connect: self.connect.unwrap_or(usual),
            timeout: self.timeout.unwrap_or(usual),
            near: self.near.unwrap_or_default(),
            password_file: self.password_file,
            ca: self.ca,
            identity: self.cert.zip(self.key),
        })
    }
}

fn name(value: Option<&str>) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    let name = value.filter(|name| (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(allowed));
    name.map(str::to_owned)
        .ok_or_else(|| format!("expected 1 to {LONGEST_NAME} letters, digits, _ . or - after name="))
}

fn digits(value: Option<&str>) -> Option<u32> {
    let digits = value.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|text| text.parse().ok())
}

fn number(key: &str, value: Option<&str>, most: u32) -> Result<u32, String> {
    digits(value)
        .filter(|number| (1..=most).contains(number))
        .ok_or_else(|| format!("expected a whole number from 1 to {most} after {key}="))
}

fn seconds(key: &str, value: Option<&str>) -> Result<Duration, String> {
    let seconds = digits(value).filter(|seconds| *seconds <= MOST_SECONDS);
    let seconds = seconds.ok_or_else(|| format!("expected seconds from 0 to {MOST_SECONDS} after {key}="))?;
    Ok(Duration::from_secs(seconds.into()))
}

fn milliseconds(key: &str, value: Option<&str>, most: u32) -> Result<Duration, String> {
    let millis = digits(value).filter(|millis| (1..=most).contains(millis));
    let millis = millis.ok_or_else(|| format!("expected milliseconds from 1 to {most} after {key}="))?;
    Ok(Duration::from_millis(millis.into()))
}

fn path(key: &str, value: Option<&str>) -> Result<PathBuf, String> {
    let path = value.filter(|path| !path.is_empty());
    path.map(PathBuf::from).ok_or_else(|| format!("expected a path after {key}="))
}

fn flag(key: &str, value: Option<&str>) -> Result<bool, String> {
    match value {
        None | Some("1" | "true" | "on" | "yes") => Ok(true),
        Some("0" | "false" | "off" | "no") => Ok(false),
        Some(_) => Err(format!("expected true or false after {key}=")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_has_what_is_said_and_else_what_is_usual() {
        let text = "name=a,items=5,blocks=7,blocksize=64,keysize=9,lru=1,expires=3,store=/a b,store_sync=0";
        let (cache, ignored) = Cache::parse(text).unwrap();
        let wanted = Cache {
            name: "a".to_owned(),
            items: 5,
            key_size: 9,
            block_size: 64,
            blocks: 7,
            purge_lru: true,
            expires: Duration::from_secs(3),
            store: Some("/a b".into()),
            store_sync: Duration::ZERO,
            backend: None,
        };
        assert_eq!((cache, ignored), (wanted, false));
        assert_eq!(Cache::parse("max_items=5").unwrap(), (Cache::of_items(5), false));
        assert_eq!(Cache::parse("items=5,hash=murmur2,bitmap").unwrap(), (Cache::of_items(5), true));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, part) in [
            ("", "is none of its keys"),
            ("name=a", "items=N"),
            ("items=1,items=2", "items is there twice"),
            ("items=1,banana=redis", "\"banana\" is none of its keys"),
            ("backend=banana", "expected redis://"),
            ("backend", "expected redis://"),
            ("items=1,near=5", "near says how Redis is to be asked"),
            ("backend=redis://h,items=5", "items with backend= is of what is kept near"),
            ("backend=redis://h,near=5,store=/a", "store is for caches in shared memory"),
            ("backend=redis://h,near=5,purge_lru", "purge_lru is for caches in shared memory"),
            ("backend=redis://h,near=0", "1 to 3600000 after near="),
            ("backend=redis://h,timeout=1s", "1 to 60000 after timeout="),
            ("backend=redis://h,pool=0", "1 to 1024 after pool="),
            ("backend=redis://h,prefix=", "1 to 255 bytes after prefix="),
            ("backend=redis://h,tls_ca=/a", "tls_ca needs a backend that talks TLS"),
            ("backend=rediss://h,tls_cert=/a", "tls_cert and tls_key go together"),
            ("backend=redis://:secret@h,password_file=/a", "remove one"),
            ("backend=redis://:a,secret@h", "a comma in a password as %2C"),
            ("backend=redis://:a@h,secret", "a comma in the URL is written %2C"),
            ("items=0", "1 to 1073741824 after items="),
            ("items", "after items="),
            ("items=1,keysize=65536", "1 to 65535 after keysize="),
            ("items=1,name=a b", "letters"),
            ("items=1,name", "letters"),
            ("items=1,purge_lru=maybe", "true or false after purge_lru="),
            ("items=1,expires=-1", "seconds from 0"),
            ("items=1,store=", "a path"),
        ] {
            let error = Cache::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
            assert!(!error.contains("secret"), "{text}: {error}");
        }
    }

    #[test]
    fn a_cache_in_redis_has_what_is_said_and_else_what_is_usual() {
        let (cache, _) = Cache::parse("name=a,backend=redis://h").unwrap();
        let backend = cache.backend.unwrap();
        assert_eq!((backend.prefix, backend.pool, backend.near), (None, None, Duration::ZERO));
        assert_eq!([backend.connect, backend.timeout], [Duration::from_secs(1); 2]);
        let text = "name=a,backend=rediss://h,prefix=p:,pool=3,connect=20,timeout=30,near=40,items=9,blocksize=64,\
                    password_file=/p,tls_ca=/a,tls_cert=/c,tls_key=/k,expires=2";
        let (cache, _) = Cache::parse(text).unwrap();
        let backend = cache.backend.unwrap();
        assert_eq!((cache.items, cache.blocks, cache.block_size, cache.purge_lru), (9, 9, 64, true));
        assert_eq!((backend.prefix.as_deref(), backend.pool), (Some("p:"), Some(3)));
        let times = [backend.connect, backend.timeout, backend.near];
        assert_eq!(times, [20, 30, 40].map(Duration::from_millis));
        assert_eq!(backend.identity, Some(("/c".into(), "/k".into())));
        assert_eq!((backend.ca, backend.password_file), (Some("/a".into()), Some("/p".into())));
    }
}
