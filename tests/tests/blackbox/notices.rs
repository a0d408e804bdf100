//! What the server tells a service manager: systemd's Type=notify and WatchdogSec.

use std::os::unix::net::UnixDatagram;

use goherd_tests::{DEADLINE, Scratch, Signal, Toolchain};

use crate::probe;
use crate::reloads::Site;

/// A service manager, as far as it listens.
struct Manager {
    scratch: Scratch,
    socket: UnixDatagram,
}

impl Manager {
    fn new() -> Self {
        let scratch = Scratch::new();
        let socket = UnixDatagram::bind(scratch.path("notify")).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        Self { scratch, socket }
    }

    fn address(&self) -> String {
        self.scratch.text("notify")
    }

    /// Waits for a notice with this line, past all others; gives it whole.
    fn hears(&self, wanted: &str) -> String {
        let mut passed = Vec::new();
        let mut buffer = [0; 1024];
        loop {
            let length =
                self.socket.recv(&mut buffer).unwrap_or_else(|error| panic!("{wanted}: {error}; {passed:?}"));
            let notice = String::from_utf8(buffer[..length].to_vec()).unwrap();
            if notice.lines().any(|line| line == wanted || line.starts_with(wanted) && wanted.ends_with('='))
            {
                return notice;
            }
            passed.push(notice);
        }
    }
}

#[test]
fn a_service_manager_hears_of_start_reload_and_end() {
    let (manager, site) = (Manager::new(), Site::new(Toolchain::Go));
    let server = site.launch().environment("NOTIFY_SOCKET", &manager.address()).begin();
    manager.hears(&format!("MAINPID={}", server.master_pid()));
    manager.hears("READY=1");
    manager.hears("STATUS=2 of 2 workers ready, generation 1");
    let answer = server.get("/env?name=NOTIFY_SOCKET");
    assert_eq!(answer.status, 404, "the application is not to speak for the service");
    server.signal(Signal::HUP);
    assert!(manager.hears("RELOADING=1").contains("\nMONOTONIC_USEC="));
    manager.hears("STATUS=2 of 2 workers ready, generation 2");
    manager.hears("READY=1");
    site.configure("no-such-option = 1");
    server.signal(Signal::HUP);
    manager.hears("RELOADING=1");
    manager.hears("READY=1");
    server.signal(Signal::TERM);
    manager.hears("STOPPING=1");
    manager.hears("STATUS=ending: finishing what is under way, generation 2");
    assert_eq!(server.exit().code(), Some(0));
}

#[test]
fn a_service_manager_hears_of_an_upgrade_and_that_the_server_is_alive() {
    let (manager, site) = (Manager::new(), Site::new(Toolchain::Go));
    let launch = site.launch().program(&site.scratch.install_server());
    let server = launch
        .environment("NOTIFY_SOCKET", &manager.address())
        .environment("WATCHDOG_USEC", "200000")
        .start();
    manager.hears("READY=1");
    manager.hears("WATCHDOG=1");
    site.scratch.install_server();
    server.signal(Signal::HUP);
    manager.hears("RELOADING=1");
    server.wait_for_log("is good: it takes over");
    manager.hears(&format!("MAINPID={}", server.master_pid()));
    manager.hears("READY=1");
    manager.hears("WATCHDOG=1");
    manager.hears("WATCHDOG=1");
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_service_manager_that_is_not_there_is_no_error() {
    let server = probe(Toolchain::Go).environment("NOTIFY_SOCKET", "/nowhere/notify").start();
    assert_eq!(server.text("/"), "hello from the probe\n");
    assert_eq!(server.stop(), 0);
}
