//! Where the entries of a cache lie, if not in shared memory: a Redis server by its URL, and how it is to be talked to.
//!
//! In: the text after `backend=`. Out: an [`Backend`], or what was expected. Invariant: no sentence from here repeats any
//! part of the URL, of which one is the password.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;

/// The port that Redis listens at, if none is named.
const USUAL_PORT: u16 = 6379;
/// The most databases that a Redis can be given.
const MOST_DATABASES: u32 = i32::MAX as u32;
/// What is expected, in all errors of the form.
const FORM: &str = "expected redis://[[USER]:PASSWORD@]HOST[:PORT][/DB], rediss:// for TLS, or unix:///PATH[?db=DB] \
                    after backend=, with a comma in a password as %2C";

/// A Redis server as the home of a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    /// Where it is, and who asks.
    pub server: RedisServer,
    /// What all keys there begin with; `None`: `goherd:NAME:`.
    pub prefix: Option<String>,
    /// The most connections of a process; `None`: as many as it handles requests at a time, up to a limit.
    pub pool: Option<u32>,
    /// How long connecting may take.
    pub connect: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// For how long what was read is served from shared memory without asking; 0: not at all.
    pub near: Duration,
    /// A file that holds the password, and nothing else.
    pub password_file: Option<PathBuf>,
    /// For TLS: the file of the authorities that are trusted, instead of the system's.
    pub ca: Option<PathBuf>,
    /// For TLS: the file of this server's own certificate, and that of its key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// A Redis server, a database of it, and who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisServer {
    /// Where it listens.
    pub place: RedisPlace,
    /// The user, if it is not the usual one.
    pub user: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// The number of the database.
    pub database: u32,
}

/// Where a Redis server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisPlace {
    /// At a port of a host.
    Tcp {
        /// A name or an address.
        host: String,
        /// The port.
        port: u16,
        /// Talk TLS.
        tls: bool,
    },
    /// At a socket in the file system.
    Unix(PathBuf),
}

/// What is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// What is not shown.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// It, for the one whom it is for.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// As a URL without user and password.
impl fmt::Display for RedisServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            RedisPlace::Tcp { host, port, tls } => {
                let (scheme, host) = (if *tls { "rediss" } else { "redis" }, bracketed(host));
                write!(f, "{scheme}://{host}:{port}/{}", self.database)
            }
            RedisPlace::Unix(path) => write!(f, "unix://{}?db={}", path.display(), self.database),
        }
    }
}

/// An IPv6 address as it stands in a URL.
fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

impl RedisServer {
    /// What `url` names.
    pub fn parse(url: &str) -> Result<Self, String> {
        let (scheme, rest) = url.split_once("://").ok_or(FORM)?;
        match scheme {
            "redis" | "valkey" => tcp(rest, false),
            "rediss" | "valkeys" => tcp(rest, true),
            "unix" | "redis+unix" | "valkey+unix" => unix(rest),
            _ => Err(FORM.to_owned()),
        }
    }
}

fn tcp(rest: &str, tls: bool) -> Result<RedisServer, String> {
    if rest.contains(['?', '#']) {
        return Err(format!("a ? or # in the URL means nothing (in a password: %3F, %23): {FORM}"));
    }
    let (who, rest) = rest.rsplit_once('@').map_or((None, rest), |(who, rest)| (Some(who), rest));
    if who.is_some_and(|who| who.contains(['/', '@'])) {
        return Err("write / and @ in the user or password of backend= as %2F and %40".to_owned());
    }
    let (user, password) = match who.map(|who| who.split_once(':').ok_or(who)) {
        None => (None, None),
        Some(Ok((user, password))) => (Some(user), Some(password)),
        Some(Err(_)) => {
            return Err(format!(
                "there is a user without a password, or a password without a : before it: {FORM}"
            ));
        }
    };
    let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = host_and_port(address)?;
    Ok(RedisServer {
        place: RedisPlace::Tcp { host, port, tls },
        user: user.map(decoded).transpose()?.filter(|user| !user.is_empty()),
        password: password.map(decoded).transpose()?.filter(|it| !it.is_empty()).map(Secret),
        database: database(path.trim_end_matches('/'))?,
    })
}

fn host_and_port(address: &str) -> Result<(String, u16), String> {
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, after) =
                rest.split_once(']').ok_or("the [ of an IPv6 address after backend= has no ]")?;
            (host, after)
        }
        None => address.find(':').map_or((address, ""), |colon| address.split_at(colon)),
    };
    let is_of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_of_a_name) {
        return Err(format!("the host is missing, or no name or address: {FORM}"));
    }
    let port = match port {
        "" => Some(USUAL_PORT),
        port => port.strip_prefix(':').and_then(|port| port.parse().ok()).filter(|port| *port != 0),
    };
    let port = port.ok_or(
        "the port after backend= is no number from 1 to 65535; a : in a password needs an @ after it",
    )?;
    Ok((host.to_owned(), port))
}

fn unix(rest: &str) -> Result<RedisServer, String> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    if !path.starts_with('/') || path == "/" {
        return Err(
            "expected the path of a socket from / on: backend=unix:///run/redis/redis.sock".to_owned()
        );
    }
    let (mut user, mut password, mut number) = (None, None, 0);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("db", text)) => number = database(text)?,
            Some(("user", text)) => user = Some(decoded(text)?),
            Some(("pass", text)) => password = Some(Secret(decoded(text)?)),
            _ => {
                return Err(
                    "after the ? of a unix:// URL there may be db=, user= and pass=, joined by &".to_owned()
                );
            }
        }
    }
    Ok(RedisServer { place: RedisPlace::Unix(decoded(path)?.into()), user, password, database: number })
}

fn database(text: &str) -> Result<u32, String> {
    let number = if text.is_empty() { Some(0) } else { text.parse().ok() };
    number.filter(|number| *number <= MOST_DATABASES).ok_or_else(|| {
        "the database after backend= is no number: redis://HOST/2, unix:///PATH?db=2".to_owned()
    })
}

fn decoded(text: &str) -> Result<String, String> {
    let hex = |pair: Option<&[u8]>| pair.is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit));
    let bytes = text.as_bytes();
    let whole = (0..bytes.len()).filter(|&at| bytes[at] == b'%').all(|at| hex(bytes.get(at + 1..at + 3)));
    let decoded = percent_decode_str(text).decode_utf8().ok().filter(|text| whole && !text.contains('\0'));
    decoded.map(Into::into).ok_or_else(|| {
        "a % in the URL after backend= begins the code of a character, as %25 for % itself".to_owned()
    })
}

/// `text` without what may be a password: nothing of what follows the `://` of a URL that is a backend, or has a user.
#[must_use]
pub fn without_secret(text: &str) -> String {
    match text.split_once("://") {
        Some((before, after)) if before.contains("backend") || after.contains('@') => {
            format!("{before}://***")
        }
        _ => match text.split_once("backend=") {
            Some((before, after)) if after.contains(['@', '?']) => format!("{before}backend=***"),
            _ => text.to_owned(),
        },
    }
}

/// `value`, which is a good one of `cache2`, with its password hidden and all else as it stands.
pub fn shown(value: &str) -> String {
    let part = |part: &str| match part.split_once("://") {
        Some((before, after)) if part.trim_start().starts_with("backend") => {
            format!("{before}://{}", shown_after_scheme(after))
        }
        _ => part.to_owned(),
    };
    value.split(',').map(part).collect::<Vec<_>>().join(",")
}

fn shown_after_scheme(after: &str) -> String {
    let user = |who: &str| who.split(':').next().unwrap_or_default().to_owned();
    let after = match after.rsplit_once('@') {
        Some((who, rest)) if !after.starts_with('/') => format!("{}:***@{rest}", user(who)),
        _ => after.to_owned(),
    };
    let Some((path, query)) = after.split_once('?') else { return after };
    let hidden = query.split('&').map(|pair| if pair.starts_with("pass=") { "pass=***" } else { pair });
    format!("{path}?{}", hidden.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str) -> RedisServer {
        RedisServer::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn a_url_names_a_server() {
        for (url, shown) in [
            ("redis://cache", "redis://cache:6379/0"),
            ("redis://10.0.0.1:7000/3", "redis://10.0.0.1:7000/3"),
            ("valkey://[::1]:7000", "redis://[::1]:7000/0"),
            ("rediss://me:secret@cache.example/", "rediss://cache.example:6379/0"),
            ("unix:///run/redis.sock?db=2&pass=secret", "unix:///run/redis.sock?db=2"),
            ("redis+unix:///run/a%20b", "unix:///run/a b?db=0"),
        ] {
            assert_eq!(server(url).to_string(), shown, "{url}");
        }
        let both = server("redis://me:s%40%2Fcret%25@host");
        assert_eq!(both.user.as_deref(), Some("me"));
        assert_eq!(both.password.as_ref().map(Secret::reveal), Some("s@/cret%"));
        let alone = server("redis://:secret@host");
        assert_eq!((alone.user, alone.password.as_ref().map(Secret::reveal)), (None, Some("secret")));
        let unix = server("unix:///s?user=me&pass=secret");
        assert_eq!(
            (unix.user.as_deref(), unix.password.as_ref().map(Secret::reveal)),
            (Some("me"), Some("secret"))
        );
    }

    #[test]
    fn no_refusal_tells_the_password() {
        for (url, part) in [
            ("secret", "expected redis://"),
            ("memcached://secret@host", "expected redis://"),
            ("redis://", "the host is missing"),
            ("redis://:secret@", "the host is missing"),
            ("redis://:sec/ret@host", "%2F"),
            ("redis://:secret@x@host", "%40"),
            ("redis://secret@host", "without a password"),
            ("redis://host:secret", "1 to 65535"),
            ("redis://host:0", "1 to 65535"),
            ("redis://host:70000", "1 to 65535"),
            ("redis://host/secret", "no number"),
            ("redis://host/-1", "no number"),
            ("redis://host?db=secret", "a ? or #"),
            ("redis://:sec%ret@host", "%25"),
            ("redis://[::1", "has no ]"),
            ("redis://ho st", "no name or address"),
            ("unix://secret", "from / on"),
            ("unix:///s?password=secret", "db=, user= and pass="),
            ("unix:///s?db=secret", "no number"),
        ] {
            let error = RedisServer::parse(url).expect_err(url);
            assert!(error.contains(part), "{url}: {error}");
            assert!(!error.contains("secret") && !error.contains("sec%"), "{url}: {error}");
        }
    }

    #[test]
    fn passwords_are_hidden_wherever_text_is_shown() {
        assert_eq!(without_secret("name=a,backend=redis://:a,b@h/1,near=1"), "name=a,backend=redis://***");
        assert_eq!(without_secret("cach = redis://u:p@h"), "cach = redis://***");
        assert_eq!(without_secret("http://host/path"), "http://host/path");
        for (value, hidden) in [
            ("name=a,backend=redis://u:p@h:1/2,near=5", "name=a,backend=redis://u:***@h:1/2,near=5"),
            ("backend=unix:///s@x?db=1&pass=p", "backend=unix:///s@x?db=1&pass=***"),
            ("items=5,backend=redis://h", "items=5,backend=redis://h"),
            ("items=5", "items=5"),
        ] {
            assert_eq!(shown(value), hidden);
        }
        let debug = format!("{:?}", server("redis://:secret@h"));
        assert!(!debug.contains("secret"), "{debug}");
    }
}
