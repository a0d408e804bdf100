//! A real nginx in front of a server.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::toolchain::answers;
use crate::wait::eventually;
use crate::{Address, Client, Scratch, Signal, kill};

/// An nginx with one worker. Dropping it ends it.
#[derive(Debug)]
pub struct Nginx {
    child: Child,
    socket: PathBuf,
    _files: Scratch,
}

impl Nginx {
    /// Starts one whose server block holds `server`, and whose http block holds `http`; `None`: there is no nginx here.
    #[must_use]
    pub fn start(http: &str, server: &str) -> Option<Self> {
        let command = command()?;
        let files = Scratch::new();
        let socket = files.path("nginx.sock");
        let folders: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {};\n", files.text(kind)))
            .concat();
        let config = format!(
            "daemon off; worker_processes 1; pid {pid}; error_log {log} info;\n\
             events {{ worker_connections 256; }}\n\
             http {{\naccess_log off; client_max_body_size 0;\n{folders}{http}\n\
             server {{\nlisten unix:{socket};\n{server}\n}}\n}}\n",
            pid = files.text("pid"),
            log = files.text("error.log"),
            socket = socket.display(),
        );
        let path = files.write("nginx.conf", config);
        let mut nginx = Command::new(command);
        nginx.arg("-p").arg(files.folder()).arg("-c").arg(path).arg("-e").arg(files.path("early.log"));
        // nginx's workers are of another user when it is started by root; the folder must let them in.
        files.open_to_all();
        let child = nginx.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let nginx = Self { child, socket, _files: files };
        eventually("nginx answers", || Client::connect(&nginx.address()).ok().map(drop));
        Some(nginx)
    }

    fn address(&self) -> Address {
        Address::Unix(self.socket.clone())
    }

    /// A connection to it.
    #[must_use]
    pub fn connect(&self) -> Client {
        Client::connect(&self.address()).unwrap()
    }
}

fn command() -> Option<&'static str> {
    ["nginx", "/usr/sbin/nginx"].into_iter().find(|command| answers(command, "-v"))
}

impl Drop for Nginx {
    fn drop(&mut self) {
        kill(self.child.id(), Signal::TERM);
        let _ended = self.child.wait();
    }
}
