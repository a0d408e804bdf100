//! Where Redis is, and how it is to be asked.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use redis::{
    Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisConnectionInfo,
    RedisError, TlsCertificates,
};

/// A cache in Redis.
#[derive(Clone)]
pub struct Settings {
    /// The name of the cache.
    pub name: String,
    /// Where Redis listens.
    pub place: Place,
    /// The user, if it is not the usual one.
    pub user: Option<String>,
    /// The password.
    pub password: Option<String>,
    /// The number of the database.
    pub database: u32,
    /// For TLS.
    pub certificates: Option<Certificates>,
    /// What all keys begin with there.
    pub prefix: String,
    /// How many connections there may be.
    pub lines: u32,
    /// How long connecting may take, with TLS and login.
    pub connect: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// The longest key, in bytes, without the prefix.
    pub longest_key: usize,
    /// How long entries live that are put without a time, in milliseconds; `None`: until they are deleted.
    pub usual_ttl: Option<u64>,
    /// For how many milliseconds a copy may be served, and its place among those of the server.
    pub near: Option<(u64, usize)>,
}

/// Where Redis listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
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

/// What TLS is to believe and to show, as PEM.
#[derive(Clone)]
pub struct Certificates {
    /// The authorities that are trusted, instead of the system's.
    pub authorities: Option<Vec<u8>>,
    /// The own certificate and its key.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

/// Without the password.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {self} under {}", self.name, self.prefix)
    }
}

/// As a URL without user and password.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Tcp { host, port, tls } => {
                let scheme = if *tls { "rediss" } else { "redis" };
                let host = if host.contains(':') { &format!("[{host}]") } else { host };
                write!(f, "{scheme}://{host}:{port}/{}", self.database)
            }
            Place::Unix(path) => write!(f, "unix://{}?db={}", path.display(), self.database),
        }
    }
}

impl Settings {
    /// Fails if certificates are none, in a sentence. It connects with nobody.
    pub fn check(&self) -> Result<(), String> {
        let made = self.client().map(drop);
        made.map_err(|error| {
            format!("tls_ca, tls_cert, tls_key: {}", error.detail().unwrap_or(&error.to_string()))
        })
    }

    /// For how long a call may take, everything included.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.connect + self.timeout
    }

    pub(crate) fn client(&self) -> Result<Client, RedisError> {
        let info = self.connection_info()?;
        let Some(Certificates { authorities, identity }) = &self.certificates else {
            return Client::open(info);
        };
        let identity = identity.clone();
        let client_tls =
            identity.map(|(client_cert, client_key)| ClientTlsConfig { client_cert, client_key });
        Client::build_with_tls(info, TlsCertificates { client_tls, root_cert: authorities.clone() })
    }

    fn connection_info(&self) -> Result<ConnectionInfo, RedisError> {
        let address = match self.place.clone() {
            Place::Tcp { host, port, tls: false } => ConnectionAddr::Tcp(host, port),
            Place::Tcp { host, port, tls: true } => {
                ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
            }
            Place::Unix(path) => ConnectionAddr::Unix(path),
        };
        let mut login = RedisConnectionInfo::default()
            .set_db(self.database.into())
            .set_lib_name("goherd", env!("CARGO_PKG_VERSION"));
        if let Some(user) = &self.user {
            login = login.set_username(user);
        }
        if let Some(password) = &self.password {
            login = login.set_password(password);
        }
        Ok(address.into_connection_info()?.set_redis_settings(login))
    }
}
