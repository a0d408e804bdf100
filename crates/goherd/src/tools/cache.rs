//! `goherd cache`: looking into the caches of a running server, and changing them.

use std::io::Read;
use std::time::Duration;

use goherd_config::{CacheDeed, CacheTool};
use goherd_proto::service::cache::Lifetime;
use goherd_proto::service::{Answer, CACHE, Command, Order, Status};

use super::ask::Connection;
use super::{MISSING, print};
use crate::settings::Failure;

/// Does it; gives the code to exit with.
pub(super) fn cache(tool: &CacheTool) -> Result<u8, Failure> {
    let value = match &tool.deed {
        CacheDeed::Set { value: None, .. } => read_stdin()?,
        CacheDeed::Set { value: Some(value), .. } => value.clone(),
        _ => Vec::new(),
    };
    let mut session = Session { connection: Connection::open(&tool.peer)?, cache: tool.cache.as_bytes() };
    match &tool.deed {
        CacheDeed::Get(key) => {
            let (answer, value) = session.ask(Command::Get, key)?;
            if is_missing(&answer)? { Ok(MISSING) } else { print(&value) }
        }
        CacheDeed::Set { key, ttl, add, .. } => {
            let command = if *add { Command::Set } else { Command::Update };
            let (answer, _) =
                session.send(Order { lifetime: lifetime(*ttl), ..session.order(command, key) }, &value)?;
            if answer.status == Some(Status::Exists) { Ok(MISSING) } else { done(&answer).map(|()| 0) }
        }
        CacheDeed::Delete(keys) => {
            let mut code = 0;
            for key in keys {
                if is_missing(&session.ask(Command::Delete, key)?.0)? {
                    code = MISSING;
                }
            }
            Ok(code)
        }
        CacheDeed::Clear => done(&session.ask(Command::Clear, b"")?.0).map(|()| 0),
        CacheDeed::List { null } => session.list(if *null { 0 } else { b'\n' }),
        CacheDeed::Stats => session.stats(),
    }
}

struct Session<'a> {
    connection: Connection,
    cache: &'a [u8],
}

impl<'a> Session<'a> {
    fn order(&self, command: Command, key: &'a [u8]) -> Order<'a> {
        Order::new(command, self.cache, key)
    }

    fn ask(&mut self, command: Command, key: &[u8]) -> Result<(Answer, Vec<u8>), Failure> {
        let order = Order::new(command, self.cache, key);
        self.send(order, b"")
    }

    fn send(&mut self, order: Order<'_>, value: &[u8]) -> Result<(Answer, Vec<u8>), Failure> {
        let order = Order { size: value.len() as u64, ..order };
        let packet = order.encode().ok_or("the key is too long to be sent: a packet has 65535 bytes")?;
        self.connection.send(&packet, value);
        self.connection.answer(CACHE)
    }

    fn list(&mut self, end: u8) -> Result<u8, Failure> {
        for portion in 0.. {
            let order = Order { portion, ..self.order(Command::Keys, b"") };
            let (answer, keys) = self.send(order, b"")?;
            if is_missing(&answer)? {
                break;
            }
            let keys = names(&keys).ok_or_else(|| self.connection.no_answer())?;
            let lines: Vec<u8> = keys.into_iter().flat_map(|key| [key, &[end]].concat()).collect();
            print(&lines)?;
        }
        Ok(0)
    }

    /// The figures of the cache that is named, or of all.
    fn stats(&mut self) -> Result<u8, Failure> {
        if !self.cache.is_empty() {
            let (answer, name) = self.ask(Command::Stats, b"")?;
            done(&answer)?;
            return print(figures(&name, &answer).as_bytes());
        }
        let (answer, caches) = self.ask(Command::Caches, b"")?;
        done(&answer)?;
        let mut text = Vec::new();
        for cache in names(&caches).ok_or_else(|| self.connection.no_answer())? {
            let (answer, name) = self.send(Order::new(Command::Stats, cache, b""), b"")?;
            done(&answer)?;
            text.push(figures(&name, &answer));
        }
        print(text.join("\n").as_bytes())
    }
}

fn figures(name: &[u8], answer: &Answer) -> String {
    let first = format!("{:<12} {}\n", "name", String::from_utf8_lossy(name));
    let rest = answer.variables.iter().map(|(name, value)| format!("{name:<12} {value}\n"));
    std::iter::once(first).chain(rest).collect()
}

/// What lies one after another, each behind its length.
fn names(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut names = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let (name, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        names.push(name);
        bytes = rest;
    }
    bytes.is_empty().then_some(names)
}

fn lifetime(ttl: Option<Duration>) -> Lifetime {
    match ttl {
        None => Lifetime::Usual,
        Some(Duration::MAX) => Lifetime::Endless,
        Some(ttl) => Lifetime::Millis(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)),
    }
}

fn read_stdin() -> Result<Vec<u8>, Failure> {
    let mut value = Vec::new();
    std::io::stdin()
        .read_to_end(&mut value)
        .map_err(|error| format!("cannot read the value from stdin: {error}"))?;
    Ok(value)
}

/// Whether the key is missing; an error if it is anything but that or there.
fn is_missing(answer: &Answer) -> Result<bool, Failure> {
    if answer.status == Some(Status::Missing) { Ok(true) } else { done(answer).map(|()| false) }
}

fn done(answer: &Answer) -> Result<(), Failure> {
    match answer.status {
        Some(Status::Ok) => Ok(()),
        _ if answer.reason.is_empty() => Err("the server does not do it, and does not say why".into()),
        _ => Err(answer.reason.clone().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_where_the_bytes_do() {
        assert_eq!(names(b"").unwrap(), [b""; 0]);
        assert_eq!(names(b"\x01\0\0\0a\0\0\0\0").unwrap(), [&b"a"[..], b""]);
        for cut in [&b"\x01"[..], b"\x01\0\0\0", b"\xff\xff\xff\xffa", b"\0\0\0\0\0"] {
            assert_eq!(names(cut), None, "{cut:?}");
        }
    }
}
