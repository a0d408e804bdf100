//! Orders to the cache: variables `cmd`, `key`, `cache` and more, and after them the value, if the command takes one.
//!
//! The commands `get`, `exists`, `set`, `update`, `del` and `clear`, with `expires` in seconds, are those of uWSGI, and its
//! clients can be served. The others are Goherd's.

use super::{CACHE, DICTIONARY, HEADER, Header, Packer, number, signed_number};
use crate::http1::Refusal;
use crate::uwsgi;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Give the value.
    Get,
    /// Say whether there is an entry.
    Exists,
    /// Say how long the entry lives on.
    Ttl,
    /// Put an entry if there is none with this key.
    Set,
    /// Put an entry.
    Update,
    /// Put an entry if there is one with this key.
    Replace,
    /// Delete an entry.
    Delete,
    /// Add to the number that an entry is.
    Increment,
    /// Delete all entries.
    Clear,
    /// List a portion of the keys.
    Keys,
    /// Tell the figures.
    Stats,
    /// List the names of the caches.
    Caches,
}

impl Command {
    /// All of them, with their words.
    const WORDS: [(&'static str, Self); 12] = [
        ("get", Self::Get),
        ("exists", Self::Exists),
        ("ttl", Self::Ttl),
        ("set", Self::Set),
        ("update", Self::Update),
        ("replace", Self::Replace),
        ("del", Self::Delete),
        ("incr", Self::Increment),
        ("clear", Self::Clear),
        ("keys", Self::Keys),
        ("stats", Self::Stats),
        ("caches", Self::Caches),
    ];

    /// Whether a value follows the packet.
    #[must_use]
    pub fn takes_value(self) -> bool {
        matches!(self, Self::Set | Self::Update | Self::Replace)
    }

    /// Whether it is about one entry.
    #[must_use]
    pub fn takes_key(self) -> bool {
        !matches!(self, Self::Clear | Self::Keys | Self::Stats | Self::Caches)
    }

    /// Its word, the variable `cmd`.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, command)| *command == self).map_or("", |(word, _)| word)
    }
}

/// How long an entry is to live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lifetime {
    /// As long as is usual in the cache.
    #[default]
    Usual,
    /// Until it is deleted.
    Endless,
    /// For so many milliseconds.
    Millis(u64),
}

impl Lifetime {
    fn of_millis(millis: u64) -> Self {
        const ENDLESS: u64 = i64::MAX as u64;
        match millis {
            0 => Self::Usual,
            ENDLESS.. => Self::Endless,
            millis => Self::Millis(millis),
        }
    }
}

/// An order. The value that follows it is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order<'a> {
    /// What is to be done.
    pub command: Command,
    /// The name of the cache; empty: the first one.
    pub cache: &'a [u8],
    /// The key; empty if the command has none, or the peer has given none.
    pub key: &'a [u8],
    /// How long what is put lives.
    pub lifetime: Lifetime,
    /// What is added.
    pub by: i64,
    /// Which portion of the keys.
    pub portion: u64,
    /// How many bytes of a value follow.
    pub size: u64,
    /// How many bytes the packet is.
    pub length: usize,
}

impl<'a> Order<'a> {
    /// An order to `command` with nothing else in it.
    #[must_use]
    pub fn new(command: Command, cache: &'a [u8], key: &'a [u8]) -> Self {
        Self { command, cache, key, lifetime: Lifetime::Usual, by: 0, portion: 0, size: 0, length: 0 }
    }

    /// Looks for one at the front of `input`; `None`: more bytes are needed.
    pub fn find(input: &'a [u8]) -> Result<Option<Self>, Refusal> {
        let Some(header) = Header::read(input, CACHE, &[DICTIONARY])? else { return Ok(None) };
        let Some(packed) = header.packed() else { return Ok(None) };
        let mut order = Self::new(Command::Get, b"", b"");
        order.length = HEADER + packed.len();
        let mut command = None;
        for variable in uwsgi::variables(packed) {
            let (name, value) = variable?;
            match name {
                b"cmd" => command = Some(command_of(value)?),
                b"cache" => order.cache = value,
                b"key" => order.key = value,
                b"size" => order.size = number(value)?,
                b"expires" => order.lifetime = Lifetime::of_millis(number(value)?.saturating_mul(1000)),
                b"millis" => order.lifetime = Lifetime::of_millis(number(value)?),
                b"by" => order.by = signed_number(value)?,
                b"portion" => order.portion = number(value)?,
                _ => {} // of a later version
            }
        }
        order.command = command.ok_or(Refusal::silent("has no cmd"))?;
        if order.size > 0 && !order.command.takes_value() {
            return Err(Refusal::silent("has a value for a command that takes none"));
        }
        Ok(Some(order))
    }

    /// The packet of it; `None`: cache and key are too long for one.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut packer = Packer::new(CACHE, DICTIONARY);
        let mut fits = packer.put("cmd", self.command.word().as_bytes());
        if !self.cache.is_empty() {
            fits &= packer.put("cache", self.cache);
        }
        if !self.key.is_empty() {
            fits &= packer.put("key", self.key);
        }
        if self.command.takes_value() {
            fits &= packer.put_number("size", self.size);
        }
        fits &= match self.lifetime {
            Lifetime::Usual => true,
            Lifetime::Endless => packer.put_number("millis", i64::MAX),
            Lifetime::Millis(millis) => packer.put_number("millis", millis),
        };
        if self.command == Command::Increment {
            fits &= packer.put_number("by", self.by);
        }
        if self.command == Command::Keys {
            fits &= packer.put_number("portion", self.portion);
        }
        fits.then_some(packer.bytes)
    }
}

fn command_of(word: &[u8]) -> Result<Command, Refusal> {
    let found = Command::WORDS.iter().find(|(known, _)| known.as_bytes() == word);
    found.map(|(_, command)| *command).ok_or(Refusal::silent("has a cmd that the cache does not know"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(variables: &[(&str, &[u8])]) -> Vec<u8> {
        let mut packer = Packer::new(CACHE, DICTIONARY);
        assert!(variables.iter().all(|(name, value)| packer.put(name, value)));
        packer.bytes
    }

    #[test]
    fn an_order_is_read_as_it_was_written() {
        for (_, command) in Command::WORDS {
            for lifetime in [Lifetime::Usual, Lifetime::Endless, Lifetime::Millis(1500)] {
                let mut order = Order { lifetime, ..Order::new(command, b"pages", b"\0\r\nkey") };
                order.size = if command.takes_value() { 7 } else { 0 };
                order.by = if command == Command::Increment { -3 } else { 0 };
                order.portion = if command == Command::Keys { 9 } else { 0 };
                let bytes = order.encode().unwrap();
                order.length = bytes.len();
                assert_eq!(Order::find(&bytes), Ok(Some(order)));
                assert!((0..bytes.len()).all(|end| Order::find(&bytes[..end]) == Ok(None)));
            }
        }
    }

    #[test]
    fn uwsgi_s_clients_are_understood() {
        let bytes = packet(&[
            ("cmd", b"update"),
            ("key", b"k"),
            ("size", b"5"),
            ("expires", b"60"),
            ("size", b"5"),
            ("cache", b"users"),
        ]);
        let order = Order::find(&bytes).unwrap().unwrap();
        assert_eq!(
            (order.command, order.key, order.cache, order.size),
            (Command::Update, &b"k"[..], &b"users"[..], 5)
        );
        assert_eq!(order.lifetime, Lifetime::Millis(60_000));
    }

    #[test]
    fn times_beyond_all_measure_are_endless() {
        let bytes = packet(&[("cmd", b"set"), ("expires", b"18446744073709551615")]);
        assert_eq!(Order::find(&bytes).unwrap().unwrap().lifetime, Lifetime::Endless);
        let bytes = packet(&[("cmd", b"set"), ("expires", b"0")]);
        assert_eq!(Order::find(&bytes).unwrap().unwrap().lifetime, Lifetime::Usual);
    }

    #[test]
    fn what_is_wrong_ends_the_connection() {
        for (bytes, reason) in [
            (packet(&[("key", b"k")]), "has no cmd"),
            (packet(&[]), "has no cmd"),
            (packet(&[("cmd", b"steal")]), "has a cmd that the cache does not know"),
            (packet(&[("cmd", b"set"), ("size", b"-1")]), "should be a number"),
            (packet(&[("cmd", b"set"), ("size", b"99999999999999999999")]), "should be a number"),
            (packet(&[("cmd", b"get"), ("size", b"1")]), "a command that takes none"),
            (packet(&[("cmd", b"incr"), ("by", b"1.5")]), "should be a number"),
            (b"\x6f\x02\0\x11\0\0".to_vec(), "cut short"),
            (b"\x6f\x04\0\x11\0\0\0\0".to_vec(), "without a name"),
            (b"\x6f\x05\0\0hello".to_vec(), "a modifier that this socket does not serve"),
            (b"\0\x05\0\0".to_vec(), "a modifier that this socket does not serve"),
            (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "a modifier that this socket does not serve"),
        ] {
            let refusal = Order::find(&bytes).unwrap_err();
            assert!(refusal.is_silent() && refusal.reason.contains(reason), "{bytes:?}: {refusal}");
        }
    }

    #[test]
    fn a_key_that_no_packet_holds_is_not_sent() {
        assert!(Order::new(Command::Get, b"", &[b'k'; 65_535]).encode().is_none());
        assert!(Order::new(Command::Get, b"", &[b'k'; 65_500]).encode().is_some());
    }
}
