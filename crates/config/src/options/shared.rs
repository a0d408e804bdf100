//! Rows: what the processes of a server share.

use super::{Kind, OptionRow, ROW};
use crate::cache::{Cache, MOST_ITEMS, NOT_NEEDED_NOTE};
use crate::draft::Draft;

pub const ROWS: &[OptionRow] = &[
    OptionRow {
        names: &["cache2"],
        kind: Kind::Text(cache2),
        value_name: "KEY=VALUE,…",
        list: true,
        help: "Make a cache that all workers share: name=pages,items=1000, or one in Redis: backend=redis://HOST",
        doc: "\
Its keys are

- `name`: 1 to 63 letters, digits, `_`, `.` or `-`; without it `default`. Each cache has a name of its own.
- `items` (`max_items`): the most entries. It has to be there.
- `blocksize`: a value lies in blocks of so many bytes, as many as it fills; 65536.
- `blocks`: how many blocks there are, which together limit the longest value; as many as `items`.
- `keysize`: the longest key in bytes; 2048.
- `purge_lru` (`lru`): when it is full, drop what was not used for longest. Without it a full cache refuses what is new.
- `expires`: entries that are put without a time live so many seconds; `0`, the default: until they are deleted.
- `store`: a file that it is saved in, and restored from when the server starts. One that is damaged is set aside as
  `FILE.damaged`, with the reason in the log, and the cache begins empty. Its folder has to be there, and is the master's to write
  in; each cache has a file of its own.
- `store_sync`: it is saved every so many seconds, if it has changed, and at the end; `0`: at the end alone; 10.
- `backend`: it lies in Redis, or Valkey, instead of shared memory. `redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]`,
  `rediss://…` for TLS, `unix:///PATH[?db=DB&user=USER&pass=PASSWORD]`. In user and password characters such as `@`, `/`, `:`, `,`
  and `%` are written `%40`, `%2F`, `%3A`, `%2C`, `%25`. `items` need not be there then, nor may `store` and `purge_lru`:
  Redis sees to that.

With `backend` there are also

- `prefix`: what all keys begin with in Redis; `goherd:NAME:`.
- `pool`: the most connections of a process, which is how many calls can be under way; as many as `goroutines`, up to 16.
- `connect`, `timeout`: how many milliseconds connecting may take, with TLS and login, and an answer; 1000 each.
- `near`: for so many milliseconds what was read is served from shared memory without asking Redis. What this server
  writes is seen by all its processes at once, what others write after that time. `items`, `blocks` and `blocksize` are of
  this memory then, with `items=1000`; what was not used for longest is dropped.
- `password_file`: a file that holds the password, read at the start and in reloads.
- `tls_ca`, `tls_cert`, `tls_key`: PEM files with the authorities that are trusted instead of the system's, and with a
  certificate of the server's own and its key.

Memory is taken only as far as it is used. The cache outlives workers, reloads and upgrades of the server. If a reload
gives it other sizes, it is made anew and what it holds is copied, unless that is a lot. Applications reach it through the
Go package: docs/shared-state.md. `bitmap`, `hash`, `hashsize`, `lastmod`, `lazy_expire`, `store_delete` and
`sweep_on_full` are accepted with a note.",
        uwsgi: "keeps one entry less than `items`, forgets all caches without a `store` in a reload, and refuses empty values.",
        ..ROW
    },
    OptionRow {
        names: &["cache"],
        kind: Kind::Number { min: 1, max: MOST_ITEMS as u64, field: |config| &mut config.cache },
        value_name: "N",
        help: "Make a cache of N items called default: the same as cache2 = name=default,items=N",
        doc: "It is the first of all caches.",
        ..ROW
    },
    OptionRow {
        names: &["cache-expire-freq"],
        kind: Kind::Seconds { zero: "not at all", field: |config| &mut config.cache_expire_freq },
        value_name: "SECONDS",
        default: Some("3"),
        help: "How often what has expired is taken out of the caches",
        doc: "Entries that have expired are not seen any more, in any case; this is about their room, which is also taken \
              back when a full cache needs it.",
        ..ROW
    },
    OptionRow {
        names: &["cache-no-expire"],
        kind: Kind::Flag(|draft, on| draft.config.cache_no_expire = on),
        default: Some("false"),
        help: "Take what has expired out of the caches only when its room is needed",
        ..ROW
    },
    OptionRow {
        names: &["locks"],
        kind: Kind::Number { min: 0, max: 65_535, field: |config| &mut config.locks },
        value_name: "N",
        default: Some("0"),
        help: "Make N locks for applications, numbered from 1, besides lock 0, which is always there",
        ..ROW
    },
];

fn cache2(draft: &mut Draft, value: &str) -> Result<(), String> {
    let (cache, has_ignored) = Cache::parse(value)?;
    if draft.config.caches.iter().any(|other| other.name == cache.name) {
        return Err(format!("there is a cache called {} already: give each a name of its own", cache.name));
    }
    draft.config.caches.push(cache);
    if has_ignored {
        draft.remarks.push(NOT_NEEDED_NOTE);
    }
    Ok(())
}
