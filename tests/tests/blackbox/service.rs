//! The server as a service: its pidfile, the background, and what is left of it afterwards.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use goherd_tests::{
    Address, Client, Launch, Process, Scratch, Signal, Toolchain, eventually, kill, launch, skip,
    with_both_toolchains,
};

use crate::probe;

with_both_toolchains!(a_daemon_serves_with_its_log_in_the_file,);

fn read(scratch: &Scratch, name: &str) -> String {
    fs::read_to_string(scratch.path(name)).unwrap_or_default()
}

/// A server in the background, which the pidfile names; it ends with the value.
struct Daemon {
    pid: u32,
}

impl Daemon {
    /// Starts it, with `app.pid` and `app.log` in the folder, and waits until the starter has ended, with what it said.
    fn start(launch: Launch, scratch: &Scratch) -> (Self, String) {
        let started = launch
            .with(["--daemonize", "app.log", "--pidfile", "app.pid"])
            .in_folder(scratch.folder())
            .output();
        let said = String::from_utf8(started.stderr).unwrap();
        assert_eq!(started.status.code(), Some(0), "{said}");
        let daemon = Self { pid: read(scratch, "app.pid").trim().parse().unwrap() };
        (daemon, said)
    }

    /// Ends it and waits for that.
    fn stop(&self) {
        kill(self.pid, Signal::TERM);
        eventually("the daemon ends", || Process::find(self.pid).is_none().then_some(()));
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        kill(self.pid, Signal::KILL); // its workers notice
    }
}

fn a_daemon_serves_with_its_log_in_the_file(toolchain: Toolchain) {
    let scratch = Scratch::new();
    scratch.write("app.log", "what was there\n");
    let socket = scratch.path("app.sock");
    let launch = probe(toolchain).with(["--http-socket", "app.sock"]);
    let (daemon, said) = Daemon::start(launch, &scratch);
    assert!(said.contains(&format!("going on in the background, master pid {}", daemon.pid)), "{said}");
    let log = || read(&scratch, "app.log");
    eventually("the worker is ready", || log().contains("is ready after").then_some(()));
    let ask = |path: &str| Client::connect(&Address::Unix(socket.clone())).unwrap().get(path).unwrap().text();
    assert_eq!(ask("/"), "hello from the probe\n");
    assert_eq!(ask("/descriptors"), "0 1 2 3");

    let master = Process::find(daemon.pid).unwrap();
    assert_eq!(master.group, daemon.pid, "it leads a session of its own");
    let link = |number: u32| fs::read_link(format!("/proc/{}/fd/{number}", daemon.pid)).unwrap();
    let log_file = scratch.path("app.log").canonicalize().unwrap();
    assert_eq!([0, 1, 2].map(link), [Path::new("/dev/null"), &log_file, &log_file]);
    let workers = Process::children_of(daemon.pid);
    daemon.stop();
    assert_eq!(workers.iter().filter_map(|worker| Process::find(worker.pid)).count(), 0);
    assert!(log().starts_with("what was there\n"), "{}", log());
    for line in [format!("master pid {}", daemon.pid), "probe: main run 1".to_owned(), "goodbye".to_owned()] {
        assert!(log().contains(&line), "{line} is not in\n{}", log());
    }
}

#[test]
fn what_is_wrong_is_said_before_the_terminal_is_left() {
    let scratch = Scratch::new();
    let daemon = |args: &[&str]| {
        let launch = launch().on_loopback().with(["--daemonize", "app.log"]).with(args);
        launch.in_folder(scratch.folder()).failure()
    };
    daemon(&["--processes", "banana"]).is_one_line_with(&["--processes banana"]);
    daemon(&["--go-load", "/gone.so"]).is_one_line_with(&["go-load: /gone.so", "cannot be read"]);
    daemon(&["--pidfile", "/gone/app.pid"]).is_one_line_with(&["pidfile: cannot write /gone/app.pid"]);
    assert_eq!(read(&scratch, "app.log"), "");
    let failure = launch().on_loopback().with(["--daemonize", "/gone/app.log"]).failure();
    failure.is_one_line_with(&["daemonize: cannot write the log /gone/app.log", "No such file"]);
}

#[test]
fn the_pidfile_names_the_master() {
    let scratch = Scratch::new();
    for option in ["--pidfile", "--safe-pidfile"] {
        scratch.write("app.pid", "12345678901234567890\n");
        let server = launch().on_loopback().with([option, &scratch.text("app.pid")]).start();
        assert_eq!(read(&scratch, "app.pid"), format!("{}\n", server.master_pid()), "{option}");
        assert_eq!(server.stop(), 0);
        assert_eq!(
            read(&scratch, "app.pid"),
            format!("{}\n", server.master_pid()),
            "it stays without vacuum"
        );
    }
    assert_eq!(fs::read_dir(scratch.folder()).unwrap().count(), 1, "nothing is left beside it");
}

/// Whoever has read the number may use it.
#[test]
fn a_server_that_has_written_its_pidfile_understands_signals() {
    for _ in 0..10 {
        let scratch = Scratch::new();
        let file = scratch.path("app.pid");
        let server = launch().on_loopback().with(["--pidfile", &scratch.text("app.pid")]).begin();
        while !file.exists() {
            assert_eq!(server.try_exit(), None, "{}", server.log());
        }
        server.signal(Signal::HUP);
        server.wait_for_log("the reload is complete");
        assert_eq!(server.stop(), 0);
    }
}

#[test]
fn a_server_that_does_not_start_leaves_the_pidfile_of_another_alone() {
    let scratch = Scratch::new();
    let running = launch().on_loopback().with(["--pidfile", &scratch.text("app.pid")]).start();
    let address = format!("127.0.0.1:{}", running.port());
    let second = launch().with(["--http-socket", &address, "--pidfile", &scratch.text("app.pid")]).failure();
    second.is_one_line_with(&["Address already in use"]);
    assert_eq!(read(&scratch, "app.pid"), format!("{}\n", running.master_pid()));
}

#[test]
fn a_pidfile_that_cannot_be_written_ends_the_start() {
    let scratch = Scratch::new();
    let refused = |path: &str, words: &[&str]| {
        let failure = launch().on_loopback().with(["--pidfile", path]).failure();
        failure.is_one_line_with(&[&["pidfile: cannot write", path], words].concat());
    };
    refused("/nowhere/app.pid", &["its folder must be there"]);
    refused("/dev/null", &["something that is no file is in the way"]);
    refused(&scratch.text(""), &["no file is in the way"]);
}

#[test]
fn a_full_disk_ends_the_start() {
    let scratch = Scratch::new();
    // A file system with room for its root folder and for no other file.
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "nr_inodes=1", "goherd-test"]).arg(scratch.folder());
    if !mount.output().is_ok_and(|output| output.status.success()) {
        return skip("no file system can be mounted here");
    }
    let full = |option: &str| {
        let launch = launch().on_loopback().with([option, &scratch.text("app.file")]);
        std::panic::catch_unwind(|| launch.failure())
    };
    let (pidfile, log) = (full("--pidfile"), full("--daemonize"));
    let unmounted = Command::new("umount").arg(scratch.folder()).status();
    assert!(unmounted.unwrap().success());
    pidfile.unwrap().is_one_line_with(&["pidfile: cannot write", "No space left", "make room on the disk"]);
    log.unwrap().is_one_line_with(&["daemonize: cannot write the log", "No space left"]);
}

#[test]
fn vacuum_removes_what_is_still_the_server_s_own() {
    let scratch = Scratch::new();
    for ending in [Signal::TERM, Signal::INT] {
        let sockets =
            ["--http-socket", "http.sock", "--uwsgi-socket", "uwsgi.sock", "--scgi-socket=other.sock"];
        let server = launch()
            .in_folder(scratch.folder())
            .with(sockets)
            .with(["--pidfile", "app.pid", "--vacuum"])
            .start();
        assert_eq!(fs::read_dir(scratch.folder()).unwrap().count(), 4);
        fs::remove_file(scratch.path("other.sock")).unwrap();
        symlink("/dev/null", scratch.path("other.sock")).unwrap();
        let _code = server.end_with(ending);
        let left: Vec<_> =
            fs::read_dir(scratch.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["other.sock"], "{ending:?}");
        fs::remove_file(scratch.path("other.sock")).unwrap();
    }
}

#[test]
fn vacuum_leaves_the_sockets_of_others_and_the_pidfile_of_a_successor() {
    let scratch = Scratch::new();
    let path = scratch.path("app.sock");
    let theirs = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let named = ["--http-socket", path.to_str().unwrap(), "--vacuum", "--pidfile", &scratch.text("app.pid")];
    let server = launch().hand_over(theirs, "").with(named).start();
    scratch.write("new.pid", "1\n");
    fs::rename(scratch.path("new.pid"), scratch.path("app.pid")).unwrap();
    assert_eq!(server.stop(), 0);
    assert!(path.exists(), "systemd keeps its socket");
    assert_eq!(read(&scratch, "app.pid"), "1\n");
}
