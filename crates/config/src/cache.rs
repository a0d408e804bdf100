//! A cache as the option `cache2` describes it: `key=value,…` in, its sizes out, or what was expected.

use std::path::PathBuf;
use std::time::Duration;

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
        }
    }

    /// What `text` describes, and whether it has keys that are not needed.
    pub fn parse(text: &str) -> Result<(Self, bool), String> {
        let (mut cache, mut items, mut blocks, mut ignored) = (Self::of_items(0), None, None, false);
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
                "store" => {
                    let path = value.filter(|path| !path.is_empty()).ok_or("expected a path after store=")?;
                    cache.store = Some(path.into());
                }
                "store_sync" => cache.store_sync = seconds(key, value)?,
                _ if NOT_NEEDED.contains(&key) => ignored = true,
                _ => {
                    return Err(format!(
                        "{key:?} is none of its keys, which are name, items, blocks, blocksize, keysize, purge_lru, \
                         expires, store and store_sync"
                    ));
                }
            }
        }
        cache.items = items.ok_or("expected items=N among its keys, such as name=pages,items=1000")?;
        cache.blocks = blocks.unwrap_or(cache.items);
        Ok((cache, ignored))
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
            ("items=1,backend=redis", "\"backend\" is none of its keys"),
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
        }
    }
}
