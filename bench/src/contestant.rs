//! The servers that are measured: built, started on a port of the kernel's choice, and ended when dropped.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Outcome;

/// How long a server may take to start.
const START: Duration = Duration::from_secs(20);

/// What `go build` made.
pub struct Apps {
    library: PathBuf,
    program: PathBuf,
    /// As Go itself names it.
    pub go_version: String,
}

/// A running server.
pub struct Contestant {
    child: Child,
    /// Where it listens.
    pub url: String,
}

/// Builds the application in both shapes.
pub fn build() -> Outcome<Apps> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("apps/hello");
    let out = root().join("target/bench-apps");
    fs::create_dir_all(&out)?;
    let apps = Apps {
        library: out.join("hello.so"),
        program: out.join("hello"),
        go_version: go(&source, &["env", "GOVERSION"])?.trim().to_owned(),
    };
    for (mode, file) in [("c-shared", &apps.library), ("default", &apps.program)] {
        eprintln!("building {}", file.display());
        let file = file.to_str().ok_or("the path of the workspace is not UTF-8")?;
        go(&source, &["build", &format!("-buildmode={mode}"), "-o", file, "."])?;
    }
    Ok(apps)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn go(folder: &Path, arguments: &[&str]) -> Outcome<String> {
    let output = Command::new("go").args(arguments).current_dir(folder).output()?;
    if !output.status.success() {
        return Err(format!("go {arguments:?}:\n{}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

impl Contestant {
    /// The program by itself.
    pub fn net_http(apps: &Apps) -> Outcome<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new(&apps.program);
        command.env("PORT", port.to_string()).stderr(Stdio::null());
        let contestant = Self { child: command.spawn()?, url: format!("http://127.0.0.1:{port}/") };
        let deadline = Instant::now() + START;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if Instant::now() > deadline {
                return Err("the net/http program does not start".into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(contestant)
    }

    /// One worker of Goherd.
    pub fn goherd(apps: &Apps) -> Outcome<Self> {
        let mut command = Command::new(root().join("target/release/goherd"));
        command.args([
            "--http-socket",
            "127.0.0.1:0",
            "--processes",
            "1",
            "--goroutines",
            "256",
            "--go-load",
        ]);
        let mut child = command.arg(&apps.library).stderr(Stdio::piped()).spawn()?;
        let log = child.stderr.take().ok_or("no stderr")?;
        let mut contestant = Self { child, url: String::new() };
        let mut lines = BufReader::new(log).lines();
        for line in lines.by_ref() {
            let line = line?;
            if let Some((_, url)) = line.split_once("listening on ") {
                url.clone_into(&mut contestant.url);
            }
            if line.contains("is ready") {
                thread::spawn(move || lines.for_each(drop));
                return Ok(contestant);
            }
        }
        Err("goherd did not start".into())
    }

    /// User and system time of the server's processes so far, in seconds.
    pub fn cpu(&self) -> Outcome<(f64, f64)> {
        let mut total = (0.0, 0.0);
        for pid in self.processes()? {
            let (user, system) = cpu_of(pid)?;
            total = (total.0 + user, total.1 + system);
        }
        Ok(total)
    }

    fn processes(&self) -> Outcome<Vec<u32>> {
        let pid = self.child.id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
        let children = children.split_whitespace().map(str::parse);
        Ok(std::iter::once(Ok(pid)).chain(children).collect::<Result<_, _>>()?)
    }
}

/// Fields 14 and 15 of /proc/PID/stat (proc(5)), in ticks of 1/100 s.
fn cpu_of(pid: u32) -> Outcome<(f64, f64)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, after_name) = stat.rsplit_once(')').ok_or("a malformed /proc/PID/stat")?;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut ticks =
        || -> Outcome<f64> { Ok(fields.next().ok_or("a short /proc/PID/stat")?.parse::<f64>()? / 100.0) };
    Ok((ticks()?, ticks()?))
}

impl Drop for Contestant {
    fn drop(&mut self) {
        // SIGTERM would be politer, but the master's end is noticed by its workers in any case.
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}
