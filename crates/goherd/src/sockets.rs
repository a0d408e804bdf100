//! The sockets: those that are named in the configuration are bound, unless whoever started the server has done so
//! already; what else was handed over is served as well.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{PermissionsExt, lchown};
use std::path::Path;

use goherd_config::{Address, Config, Protocol};
use goherd_sys::inherited::Inherited;
use goherd_sys::socket::{Bound, Endpoint, Listener};
use goherd_sys::{stderr, user};
use goherd_worker::DoorSettings;

use crate::settings::{Failure, find};

/// How many clients of the stats server may wait until the master takes them.
const BACKLOG_OF_STATS: u32 = 128;

const NOTHING: &str = "there is nothing to listen on: name an address with http-socket, uwsgi-socket, fastcgi-socket or \
                       scgi-socket, as in --http-socket :9090 (--help shows the rest)";

/// A listening socket, and what is spoken there.
#[derive(Debug)]
pub struct Opened {
    pub listener: Listener,
    pub door: DoorSettings,
    /// Whoever started the server has opened it, so that it is served whether somebody names it or not.
    pub from_outside: bool,
}

impl Opened {
    /// Where it listens.
    pub fn describe(&self) -> String {
        let endpoint = self.listener.endpoint();
        match (endpoint, self.door.protocol) {
            (Endpoint::Inet(_), goherd_worker::Protocol::Http) => format!("listening on http://{endpoint}/"),
            (_, protocol) => format!("listening on {endpoint} ({protocol})"),
        }
    }

    /// Its file, if it has one and the server made it.
    pub fn file(&self) -> Option<&Path> {
        match self.listener.endpoint() {
            Endpoint::Unix(path) if !self.from_outside => Some(path),
            _ => None,
        }
    }

    /// What [`Source::known`] understands.
    pub fn name(&self) -> String {
        let outside = if self.from_outside { OUTSIDE } else { "" };
        format!("{}{outside}", self.door.protocol)
    }
}

/// What the name of a socket ends with that was handed over from outside.
const OUTSIDE: &str = " from outside";

/// How many sockets with these names were handed over from outside.
pub fn count_from_outside(names: &[String]) -> usize {
    names.iter().filter(|name| name.ends_with(OUTSIDE)).count()
}

/// A socket that is open already.
#[derive(Debug)]
pub struct Source {
    listener: Listener,
    /// The protocol, if nobody says otherwise.
    name: String,
    from_outside: bool,
}

impl Source {
    /// One with a name of [`Opened::name`].
    pub fn known(listener: Listener, name: &str) -> Self {
        let (name, from_outside) =
            name.strip_suffix(OUTSIDE).map_or((name, false), |protocol| (protocol, true));
        Self { listener, name: name.to_owned(), from_outside }
    }
}

/// The sockets that are open already.
#[derive(Debug, Default)]
pub struct Sources {
    sources: Vec<Source>,
    /// A socket that cannot be bound is done without: the service goes on in any case.
    lenient: bool,
}

impl Sources {
    /// Those that whoever started the server has handed over.
    pub fn from_outside(inherited: Vec<Inherited>) -> Self {
        let source = |Inherited { listener, name, .. }| Source { listener, name, from_outside: true };
        Self { sources: inherited.into_iter().map(source).collect(), lenient: false }
    }

    /// Those that are in use.
    pub fn in_use(sources: Vec<Source>, lenient: bool) -> Self {
        Self { sources, lenient }
    }

    /// How many are served in any case.
    pub fn len(&self) -> usize {
        self.sources.iter().filter(|source| source.from_outside).count()
    }

    /// Takes those that serve these, each once.
    fn take(&mut self, wanted: &[Endpoint]) -> Vec<Option<Source>> {
        let mut serving = |endpoint| self.take_one(|source| source.listener.serves(endpoint));
        let mut found: Vec<_> = wanted.iter().map(&mut serving).collect();
        for (found, endpoint) in found.iter_mut().zip(wanted).filter(|(found, _)| found.is_none()) {
            *found = self.take_one(|source| !source.from_outside && had_no_port(source, endpoint));
        }
        found
    }

    fn take_one(&mut self, is_it: impl FnMut(&Source) -> bool) -> Option<Source> {
        let found = self.sources.iter().position(is_it)?;
        Some(self.sources.remove(found))
    }
}

/// How socket files are to be.
#[derive(Debug, Default)]
struct Files {
    mode: Option<u32>,
    user: Option<u32>,
    group: Option<u32>,
}

/// Looks whether there is something to listen on, without binding anything; `given` sockets were handed over.
pub fn check(config: &Config, given: usize) -> Result<(), Failure> {
    if config.sockets.is_empty() && given == 0 {
        return Err(NOTHING.into());
    }
    let serves_caches = config.sockets.iter().any(|socket| socket.protocol == Protocol::Cache);
    if serves_caches && config.all_caches().next().is_none() {
        return Err(
            "cache-socket: there is no cache to serve: make one with cache2, or remove the option".into()
        );
    }
    files(config).map(drop)
}

/// Opens every socket, in the order in which they are named; what was handed over from outside besides comes last.
pub fn open(config: &Config, mut sources: Sources) -> Result<Vec<Opened>, Failure> {
    let files = files(config)?;
    let door = |protocol| DoorSettings {
        protocol: spoken(protocol),
        behind_proxy: config.http_enable_proxy_protocol && protocol == Protocol::Http,
    };
    let wanted = config.sockets.iter().map(|socket| absolute(endpoint(&socket.address)));
    let wanted = wanted.collect::<io::Result<Vec<_>>>()?;
    let mut opened = Vec::new();
    for (socket, source) in config.sockets.iter().zip(sources.take(&wanted)) {
        let (listener, from_outside) = match source {
            Some(source) => (source.listener, source.from_outside),
            None => match bind(
                &format!("{}-socket", socket.protocol),
                &socket.address,
                &files,
                config.listen.into(),
            ) {
                Err(error) if sources.lenient => {
                    stderr::line(&format!("{error}: going on without it"));
                    continue;
                }
                bound => (bound?, false),
            },
        };
        opened.push(Opened { listener, door: door(socket.protocol), from_outside });
    }
    let unnamed = sources.sources.into_iter().filter(|source| source.from_outside);
    opened.extend(unnamed.map(|source| {
        let protocol = protocol_of(&source);
        Opened { listener: source.listener, door: door(protocol), from_outside: true }
    }));
    Ok(opened)
}

/// The name of the stats server's socket, for [`Source::known`].
pub const STATS: &str = "stats";

/// Opens the socket of the stats server, if there is to be one; one that is open already stays.
pub fn open_stats(config: &Config, sources: &mut Sources) -> Result<Option<Listener>, Failure> {
    let own = sources.take_one(|source| source.name == STATS && !source.from_outside);
    let Some(address) = &config.stats else { return Ok(None) };
    let wanted = absolute(endpoint(address))?;
    let same = |own: &Source| own.listener.serves(&wanted) || had_no_port(own, &wanted);
    if let Some(own) = own.filter(same) {
        return Ok(Some(own.listener));
    }
    match bind("stats", address, &files(config)?, BACKLOG_OF_STATS) {
        Err(error) if sources.lenient => {
            stderr::line(&format!("{error}: going on without it"));
            Ok(None)
        }
        bound => bound.map(Some),
    }
}

/// Whether a socket may be the one that the kernel has given a port, for an address without one.
fn had_no_port(source: &Source, wanted: &Endpoint) -> bool {
    match (source.listener.endpoint(), wanted) {
        (Endpoint::Inet(found), Endpoint::Inet(wanted)) => wanted.port() == 0 && found.ip() == wanted.ip(),
        _ => false,
    }
}

/// What is to be spoken at a socket that is named nowhere but in its own name.
fn protocol_of(source: &Source) -> Protocol {
    let named = Protocol::ALL.into_iter().find(|protocol| protocol.to_string() == source.name);
    named.unwrap_or_else(|| {
        stderr::line(&format!(
            "the socket {} that was handed over (LISTEN_FDS) is called {:?}, not http, uwsgi, fastcgi, scgi, cache, \
             signal or rpc: serving HTTP there",
            source.listener.endpoint(),
            source.name
        ));
        Protocol::Http
    })
}

fn spoken(protocol: Protocol) -> goherd_worker::Protocol {
    match protocol {
        Protocol::Http => goherd_worker::Protocol::Http,
        Protocol::Uwsgi => goherd_worker::Protocol::Uwsgi,
        Protocol::FastCgi => goherd_worker::Protocol::FastCgi,
        Protocol::Scgi => goherd_worker::Protocol::Scgi,
        Protocol::Cache => goherd_worker::Protocol::Cache,
        Protocol::Signal => goherd_worker::Protocol::Signal,
        Protocol::Rpc => goherd_worker::Protocol::Rpc,
    }
}

/// Finds the user and the group that socket files are to belong to.
fn files(config: &Config) -> Result<Files, Failure> {
    let mut files = Files { mode: config.chmod_socket, ..Files::default() };
    if let Some(owner) = &config.chown_socket {
        let user = find("chown-socket", "user", Some(&owner.user), user::find_user)?;
        let group = find("chown-socket", "group", owner.group.as_deref(), user::find_group)?;
        files.user = user.map(|user| user.id.0);
        files.group = group.map(|group| group.0);
    }
    Ok(files)
}

fn endpoint(address: &Address) -> Endpoint {
    match address {
        Address::Inet(address) => Endpoint::Inet(*address),
        Address::Unix(path) => Endpoint::Unix(path.clone()),
        Address::Abstract(name) => Endpoint::Abstract(name.clone()),
    }
}

/// The same with a path as others have bound it, who may have been in another folder.
fn absolute(endpoint: Endpoint) -> io::Result<Endpoint> {
    match endpoint {
        Endpoint::Unix(path) => std::path::absolute(path).map(Endpoint::Unix),
        other => Ok(other),
    }
}

/// Binds, makes the file what it is to be, and only then listens: nobody connects to it half made.
fn bind(option: &str, address: &Address, files: &Files, backlog: u32) -> Result<Listener, Failure> {
    let refused = |error: io::Error| -> Failure {
        let what_to_do = match error.kind() {
            io::ErrorKind::AddrInUse => "; another process has it: end that one, or choose another address",
            io::ErrorKind::PermissionDenied => {
                "; ports below 1024 are root's, and a socket file needs a folder to write to"
            }
            io::ErrorKind::AddrNotAvailable => "; this machine does not have that address",
            _ => "",
        };
        format!("{option}: cannot listen on {address}: {error}{what_to_do}").into()
    };
    let bound = Bound::new(&endpoint(address)).map_err(refused)?;
    if let Some(file) = bound.file() {
        settle(file, files)?;
    }
    bound.listen(backlog).map_err(refused)
}

/// Gives a socket's file its permissions and its owner.
fn settle(file: &Path, files: &Files) -> Result<(), Failure> {
    let shown = file.display();
    if let Some(mode) = files.mode {
        std::fs::set_permissions(file, Permissions::from_mode(mode))
            .map_err(|error| format!("chmod-socket: cannot make {shown} {mode:03o}: {error}"))?;
    }
    if files.user.is_some() || files.group.is_some() {
        lchown(file, files.user, files.group).map_err(|error| {
            format!("chown-socket: cannot give {shown} away: {error}; to start the server as root allows it")
        })?;
    }
    Ok(())
}
