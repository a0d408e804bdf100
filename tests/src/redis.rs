//! A real Redis, on a socket of its own.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::toolchain::answers;
use crate::wait::{eventually, try_eventually};
use crate::{Scratch, Signal, kill};

/// A redis-server that keeps nothing on disk. Dropping it ends it.
#[derive(Debug)]
pub struct Redis {
    child: Option<Child>,
    args: Vec<String>,
    port: u16,
    files: Scratch,
}

/// How it is to be reached, besides the socket in its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedisPort {
    /// Not at all.
    None,
    /// At a port of 127.0.0.1.
    Plain,
    /// At one, over TLS.
    Tls,
}

impl Redis {
    /// Starts one that is reached by its socket alone; `None`: there is no redis-server here.
    #[must_use]
    pub fn start(args: &[&str]) -> Option<Self> {
        Self::start_at(RedisPort::None, args)
    }

    /// Starts one that is reached by a port, too. With TLS `ca.pem`, `server.pem` and `server.key` are in its folder.
    #[must_use]
    pub fn start_at(kind: RedisPort, args: &[&str]) -> Option<Self> {
        if !answers("redis-server", "--version") || kind == RedisPort::Tls && !answers("openssl", "version") {
            return None;
        }
        let files = Scratch::new();
        files.open_to_all();
        if kind == RedisPort::Tls {
            make_certificates(&files);
        }
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        let mut redis = Self { child: None, args, port: 0, files };
        for _ in 0..10 {
            redis.choose_port(kind);
            if redis.try_start_again() {
                return Some(redis);
            }
        }
        panic!("redis-server does not start:\n{}", redis.log());
    }

    /// Somebody else may take the port before Redis does: then it is another one's turn.
    fn choose_port(&mut self, kind: RedisPort) {
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        self.port = if kind == RedisPort::None { 0 } else { free() };
        let mut options = vec![("bind", "127.0.0.1".to_owned())];
        match kind {
            RedisPort::None => options.push(("port", "0".to_owned())),
            RedisPort::Plain => options.push(("port", self.port.to_string())),
            RedisPort::Tls => {
                options.extend([("port", "0".to_owned()), ("tls-port", self.port.to_string())]);
                options.extend([
                    ("tls-ca-cert-file", self.files.text("ca.pem")),
                    ("tls-cert-file", self.files.text("server.pem")),
                    ("tls-key-file", self.files.text("server.key")),
                ]);
            }
        }
        options.extend([
            ("unixsocket", self.files.text("redis.sock")),
            ("unixsocketperm", "777".to_owned()),
            ("save", "\"\"".to_owned()),
            ("appendonly", "no".to_owned()),
            ("daemonize", "no".to_owned()),
            ("dir", self.files.folder().to_str().unwrap().to_owned()),
        ]);
        let text: String = options.iter().map(|(name, value)| format!("{name} {value}\n")).collect();
        self.files.write("redis.conf", text);
    }

    /// Starts it once more where it was.
    pub fn start_again(&mut self) {
        eventually("redis-server starts where it was", || self.try_start_again().then_some(()));
    }

    fn try_start_again(&mut self) -> bool {
        self.kill();
        let log = fs::File::create(self.files.path("log")).unwrap();
        let mut command = Command::new("redis-server");
        command.arg(self.files.path("redis.conf")).args(&self.args).stdin(Stdio::null());
        self.child = Some(command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap());
        let started = try_eventually(&mut || {
            if self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_some()) {
                return Some(false);
            }
            self.try_ask(&["PING"]).map(|_| true)
        });
        started == Some(true)
    }

    /// Ends it at once, if it runs.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            kill(child.id(), Signal::KILL);
            let _ended = child.wait();
        }
        let _there_is_none = fs::remove_file(self.files.path("redis.sock"));
    }

    /// Lets it do nothing until it may go on; connections are still made, by the kernel.
    pub fn stop(&self) {
        kill(self.child.as_ref().unwrap().id(), Signal::STOP);
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        kill(self.child.as_ref().unwrap().id(), Signal::CONT);
    }

    /// A URL of its socket.
    #[must_use]
    pub fn url(&self) -> String {
        format!("unix://{}", self.files.text("redis.sock"))
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A file in its folder.
    #[must_use]
    pub fn file(&self, name: &str) -> String {
        self.files.text(name)
    }

    /// What it has written.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.files.path("log")).unwrap_or_default()
    }

    /// What it answers to a command, as text: `-ERR …` for an error, nothing for nil, a line for each of a list.
    #[must_use]
    pub fn ask(&self, words: &[&str]) -> String {
        self.try_ask(words)
            .unwrap_or_else(|| panic!("redis-server does not answer to {words:?}:\n{}", self.log()))
    }

    fn try_ask(&self, words: &[&str]) -> Option<String> {
        let mut stream = UnixStream::connect(self.files.path("redis.sock")).ok()?;
        stream.set_read_timeout(Some(crate::DEADLINE)).unwrap();
        let mut command = format!("*{}\r\n", words.len());
        for word in words {
            command += &format!("${}\r\n{word}\r\n", word.len());
        }
        stream.write_all(command.as_bytes()).ok()?;
        reply(&mut BufReader::new(stream))
    }
}

fn reply(from: &mut BufReader<UnixStream>) -> Option<String> {
    let mut line = String::new();
    from.read_line(&mut line).ok()?;
    let line = line.trim_end();
    let (kind, rest) = line.split_at_checked(1)?;
    match kind {
        "$" | "*" if rest == "-1" => Some(String::new()),
        "$" => {
            let mut bytes = vec![0; rest.parse::<usize>().ok()? + 2];
            from.read_exact(&mut bytes).ok()?;
            bytes.truncate(bytes.len() - 2);
            Some(String::from_utf8_lossy(&bytes).into_owned())
        }
        "*" => {
            let parts = (0..rest.parse().ok()?).map(|_| reply(from)).collect::<Option<Vec<_>>>()?;
            Some(parts.join("\n"))
        }
        "-" => Some(line.to_owned()),
        _ => Some(rest.to_owned()),
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// An authority, and a certificate of 127.0.0.1 and localhost that it has signed; the same serves as that of a client.
fn make_certificates(files: &Scratch) {
    let extensions =
        files.write("extensions", "subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:FALSE\n");
    let openssl = |line: &str, more: &[&Path]| {
        let mut command = Command::new("openssl");
        command.current_dir(files.folder()).args(line.split(' ')).args(more);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let new_key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!("req -x509 {new_key} -keyout ca.key -out ca.pem -days 2 -subj /CN=authority"), &[]);
    openssl(&format!("req {new_key} -keyout server.key -out server.csr -subj /CN=localhost"), &[]);
    openssl(
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out server.pem -extfile",
        &[&extensions],
    );
}
