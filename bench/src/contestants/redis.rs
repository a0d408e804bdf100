//! Redis on a unix socket, beside a server that measures what a get from it costs. It keeps nothing on disk.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Outcome, places};

const PATIENCE: Duration = Duration::from_secs(20);

/// One that runs; it ends with this.
pub struct Redis {
    child: Child,
    /// Its socket.
    pub socket: PathBuf,
}

impl Redis {
    /// Starts it; `None`: this machine has none.
    pub fn start() -> Outcome<Option<Self>> {
        let runs = Command::new("redis-server")
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !runs.is_ok_and(|status| status.success()) {
            return Ok(None);
        }
        let socket = places::scratch("redis")?.join("s.sock");
        let mut command = Command::new("setpriv");
        command.args([
            "--pdeathsig",
            "TERM",
            "--",
            "redis-server",
            "--port",
            "0",
            "--save",
            "",
            "--unixsocket",
        ]);
        let child =
            command.arg(&socket).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let redis = Self { child, socket };
        let deadline = Instant::now() + PATIENCE;
        while UnixStream::connect(&redis.socket).is_err() {
            if Instant::now() > deadline {
                return Err(format!("redis-server does not listen at {}", redis.socket.display()).into());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(Some(redis))
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}
