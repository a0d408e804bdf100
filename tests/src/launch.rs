//! How a server is to be started, and what it says when it is not to start.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::wait::try_eventually;
use crate::{Place, Server, Signal, kill};

/// A command line of the server, and what surrounds it.
#[derive(Clone, Debug)]
pub struct Launch {
    program: Option<PathBuf>,
    args: Vec<OsString>,
    env: Vec<(String, String)>,
    folder: Option<PathBuf>,
    handed: Vec<(Arc<OwnedFd>, String)>,
    left_open: Option<u8>,
    under: Vec<String>,
    log: Option<PathBuf>,
    pub(crate) workers: usize,
}

/// A server that listens nowhere yet, with one worker.
#[must_use]
pub fn launch() -> Launch {
    Launch {
        args: Vec::new(),
        env: Vec::new(),
        folder: None,
        program: None,
        handed: Vec::new(),
        left_open: None,
        under: Vec::new(),
        log: None,
        workers: 1,
    }
}

impl Launch {
    /// Adds arguments.
    #[must_use]
    pub fn with<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Lets this executable be the server, instead of the binary.
    #[must_use]
    pub fn program(mut self, program: &Path) -> Self {
        self.program = Some(program.to_owned());
        self
    }

    /// Lets it listen on a port of 127.0.0.1 that the kernel chooses.
    #[must_use]
    pub fn on_loopback(self) -> Self {
        self.with(["--http-socket", "127.0.0.1:0"])
    }

    /// Lets it load this library.
    #[must_use]
    pub fn load(self, library: &Path) -> Self {
        self.with(["--go-load".as_ref(), library.as_os_str()])
    }

    /// The number of workers, as an argument.
    #[must_use]
    pub fn processes(self, count: usize) -> Self {
        self.with(["-p", &count.to_string()]).expect_workers(count)
    }

    /// The number of workers that the rest of the arguments amounts to.
    #[must_use]
    pub fn expect_workers(mut self, count: usize) -> Self {
        self.workers = count;
        self
    }

    /// The number of requests that a worker handles at a time.
    #[must_use]
    pub fn goroutines(self, count: usize) -> Self {
        self.with(["--goroutines", &count.to_string()])
    }

    /// A variable in the server's own environment.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Hands a descriptor over under this name, as systemd does with sockets (`LISTEN_FDS`). Two at most.
    #[must_use]
    pub fn hand_over(mut self, descriptor: impl Into<OwnedFd>, name: &str) -> Self {
        self.handed.push((Arc::new(descriptor.into()), name.to_owned()));
        self
    }

    /// Leaves the descriptor of this number, from 5 to 9, open in a server that something is handed over to.
    #[must_use]
    pub fn leave_open(mut self, number: u8) -> Self {
        self.left_open = Some(number);
        self
    }

    /// The folder that it is started in.
    #[must_use]
    pub fn in_folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Lets another program, of which these are the name and the arguments, become the server, as setpriv(1) does.
    #[must_use]
    pub fn under<S: Into<String>>(mut self, command: impl IntoIterator<Item = S>) -> Self {
        self.under = command.into_iter().map(Into::into).collect();
        self
    }

    /// Lets it write its log into this file, where the test will not look for it.
    #[must_use]
    pub fn log_into(mut self, path: &Path) -> Self {
        self.log = Some(path.to_owned());
        self
    }

    /// Starts the server, and waits until it listens and all its workers are ready.
    #[must_use]
    pub fn start(&self) -> Server {
        let server = self.begin();
        server.wait_until_ready(self.workers);
        server
    }

    /// Starts the server, and waits for nothing.
    #[must_use]
    pub fn begin(&self) -> Server {
        let mark = mark();
        Server::new(self.spawn(&mark, Stdio::null()), mark)
    }

    /// Runs the server to its end, which must come by itself.
    #[must_use]
    pub fn output(&self) -> Output {
        let mut child = self.spawn(&mark(), Stdio::piped());
        let ended = try_eventually(&mut || child.try_wait().unwrap());
        if ended.is_none() {
            kill(child.id(), Signal::KILL);
        }
        let output = child.wait_with_output().unwrap();
        assert!(ended.is_some(), "{self:?} did not end by itself; it said\n{}", text(&output.stderr));
        output
    }

    /// Runs the server, which must refuse to start.
    #[must_use]
    pub fn failure(&self) -> Failure {
        let output = self.output();
        Failure { code: output.status.code(), said: text(&output.stderr) }
    }

    fn spawn(&self, mark: &str, stdout: Stdio) -> Child {
        let (name, value) = mark.split_once('=').unwrap();
        let mut command = self.command(stdout);
        command.args(&self.args).env(name, value).envs(self.env.iter().cloned());
        command.current_dir(self.folder.as_deref().unwrap_or(Path::new("/")));
        let log = self.log.as_ref().map(|path| File::options().append(true).open(path).unwrap());
        command.stderr(log.map_or_else(Stdio::piped, Stdio::from)).spawn().unwrap()
    }

    /// The server itself, or a shell that puts what is handed over in its place, knows its own number, and becomes the
    /// server.
    fn command(&self, stdout: Stdio) -> Command {
        let program = self.program.clone().unwrap_or_else(|| Place::Binary.path());
        let mut server = match self.under.split_first() {
            None => Command::new(program),
            Some((other, arguments)) => {
                let mut command = Command::new(other);
                command.args(arguments).arg(program);
                command
            }
        };
        server.stdin(Stdio::null()).stdout(stdout);
        if self.handed.is_empty() {
            return server;
        }
        let mut shell = Command::new("sh");
        let become_the_server = r#"export LISTEN_PID="${LISTEN_PID:-$$}"; exec "$0" "$@""#;
        let place = ["exec 3<&0 </dev/null", "exec 3<&0 4<&1 </dev/null >/dev/null"][self.handed.len() - 1];
        let left = self.left_open.map(|number| format!("; exec {number}</dev/null")).unwrap_or_default();
        shell.arg("-c").arg(format!("{place}{left}; {become_the_server}")).arg(server.get_program());
        let names: Vec<&str> = self.handed.iter().map(|(_, name)| name.as_str()).collect();
        shell.env("LISTEN_FDS", names.len().to_string()).env("LISTEN_FDNAMES", names.join(":"));
        let mut descriptors =
            self.handed.iter().map(|(descriptor, _)| Stdio::from(descriptor.try_clone().unwrap()));
        shell.stdin(descriptors.next().unwrap()).stdout(descriptors.next().unwrap_or(Stdio::null()));
        shell
    }
}

/// A variable that tells one server's processes from all others.
fn mark() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("GOHERD_TEST_FAMILY={}.{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a server that refused to start left behind.
#[derive(Debug)]
pub struct Failure {
    /// Its exit code; `None`: a signal killed it.
    pub code: Option<i32>,
    /// All that it wrote to stderr.
    pub said: String,
}

/// What the server says of itself to root, whatever it is asked.
const ROOT_NOTE: &str = "goherd: running as root: ";

impl Failure {
    /// The one line that says why, and contains all of `words`; the exit code is 1.
    ///
    /// # Panics
    ///
    /// If there are more lines, or a word is missing. A line of an ini file may be shown below.
    pub fn is_one_line_with(&self, words: &[&str]) {
        let lines =
            || self.said.lines().filter(|line| line.starts_with("goherd: ") && !line.starts_with(ROOT_NOTE));
        assert_eq!(lines().count(), 1, "one line should say it all, not\n{}", self.said);
        self.ends_with(words);
    }

    /// The last line says why, and contains all of `words`; the exit code is 1.
    pub fn ends_with(&self, words: &[&str]) {
        let mut reasons =
            self.said.lines().filter(|line| line.starts_with("goherd: ") && !line.contains("goodbye"));
        let reason = reasons.next_back().unwrap_or_default();
        for word in words {
            assert!(reason.contains(word), "{reason:?} does not say {word:?}; all of it:\n{}", self.said);
        }
        assert_eq!(self.code, Some(1), "the exit code; it said\n{}", self.said);
    }
}
