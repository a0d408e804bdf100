//! What workers give up before they run the application, and what that takes.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use goherd_tests::{Scratch, Server, Toolchain, launch, skip, with_both_toolchains};

use crate::probe;

with_both_toolchains!(
    workers_are_in_the_groups_of_add_gid_and_no_others,
    a_worker_stays_in_its_root,
    children_of_a_worker_gain_no_rights,
    umask_holds_for_sockets_and_for_the_application,
    the_address_space_of_a_worker_is_limited,
    programs_that_a_handler_starts_get_no_descriptors,
);

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// What /proc says of the server's one worker.
fn status_of_worker(server: &Server) -> String {
    server.workers()[0].file("status")
}

fn workers_are_in_the_groups_of_add_gid_and_no_others(toolchain: Toolchain) {
    if !is_root() {
        return skip("only root can start workers as somebody else");
    }
    let server = probe(toolchain).with(["--uid", "nobody", "--add-gid", "4001", "--add-gid=adm"]).start();
    let status = status_of_worker(&server);
    assert!(status.contains("Uid:\t65534\t65534\t65534\t65534"), "{status}");
    assert!(status.contains("Groups:\t4 4001 65534 \n"), "{status}");
    assert_eq!(server.text("/"), "hello from the probe\n");
    let alone = probe(toolchain).with(["--add-gid", "4001"]).start();
    assert!(status_of_worker(&alone).contains("Groups:\t4001 \n"), "{}", status_of_worker(&alone));
}

/// A folder with a /proc of its own, which goes with the value.
struct Jail(Scratch);

impl Jail {
    /// `None`: this machine does not let root mount anything.
    fn new() -> Option<Self> {
        let scratch = Scratch::new();
        scratch.open_to_all();
        let proc = scratch.path("proc");
        std::fs::create_dir(&proc).unwrap();
        let mounted = Command::new("mount").args(["--bind", "/proc"]).arg(&proc).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(scratch))
    }

    fn path(&self) -> &Path {
        self.0.folder()
    }
}

impl Drop for Jail {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(self.0.path("proc")).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "{:?} stays mounted", self.0.path("proc"));
    }
}

fn a_worker_stays_in_its_root(toolchain: Toolchain) {
    if !is_root() {
        return skip("only root can change the root");
    }
    let Some(jail) = Jail::new() else { return skip("mount --bind does not work here") };
    let jailed = ["--uid", "nobody", "--chroot", jail.path().to_str().unwrap()];
    let server = probe(toolchain).with(jailed).start();
    let worker = server.workers()[0].pid;
    let link = |pid: u32, name: &str| std::fs::read_link(format!("/proc/{pid}/{name}")).unwrap();
    assert_eq!([link(worker, "root"), link(worker, "cwd")], [jail.path(), jail.path()]);
    assert_eq!(link(server.master_pid(), "root"), Path::new("/"));
    assert!(status_of_worker(&server).contains("Uid:\t65534\t"), "{}", status_of_worker(&server));
    jail.0.write("there", "");
    assert_eq!(server.text("/until?file=/there"), "let go");
    assert!(jail.0.path("there.entered").exists());
    assert_eq!(server.stop(), 0);
}

fn children_of_a_worker_gain_no_rights(toolchain: Toolchain) {
    let privileges = |server: &Server| {
        let child = server.text("/spawn");
        [server.master_pid().to_string(), server.workers()[0].pid.to_string(), child].map(|pid| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
            status.lines().find_map(|line| line.strip_prefix("NoNewPrivs:\t").map(str::to_owned)).unwrap()
        })
    };
    let ours = std::fs::read_to_string("/proc/self/status").unwrap();
    if !ours.contains("NoNewPrivs:\t0") {
        return skip("the tests themselves have no way to gain rights here");
    }
    assert_eq!(privileges(&probe(toolchain).start()), ["0", "0", "0"]);
    assert_eq!(privileges(&probe(toolchain).with(["--no-new-privs"]).start()), ["0", "1", "1"]);
}

fn umask_holds_for_sockets_and_for_the_application(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let (socket, pidfile) = (scratch.text("app.sock"), scratch.text("app.pid"));
    let options = ["--http-socket", &socket, "--pidfile", &pidfile, "--umask", "027"];
    let server = probe(toolchain).with(options).start();
    let mode = |path: &str| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&socket), mode(&pidfile)), (0o750, 0o640));
    assert!(status_of_worker(&server).contains("Umask:\t0027\n"), "{}", status_of_worker(&server));
}

fn the_address_space_of_a_worker_is_limited(toolchain: Toolchain) {
    let server = probe(toolchain).with(["--limit-as", "8192"]).start();
    assert_eq!(server.text("/"), "hello from the probe\n");
    let limit = |limits: &str| {
        let line = limits.lines().find(|line| line.starts_with("Max address space")).unwrap().to_owned();
        line.split_whitespace().skip(3).take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(limit(&server.workers()[0].file("limits")), ["8589934592", "8589934592"]);
    let ours = limit(&std::fs::read_to_string("/proc/self/limits").unwrap());
    let master = std::fs::read_to_string(format!("/proc/{}/limits", server.master_pid())).unwrap();
    assert_eq!(limit(&master), ours, "the master's stays as it is");
    let failure = probe(toolchain).with(["--limit-as", "1"]).failure();
    failure.ends_with(&["cannot start a thread", "more address space (limit-as)"]);
}

fn programs_that_a_handler_starts_get_no_descriptors(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    // A shell leaves a descriptor open in the server, as careless starters do.
    let server = probe(toolchain)
        .with(["--http-socket", &scratch.text("app.sock"), "--pidfile", &scratch.text("app.pid")])
        .hand_over(listener, "http")
        .leave_open(9)
        .start();
    assert_eq!(server.text("/descriptors"), "0 1 2 3");
    let starters = std::fs::read_link(format!("/proc/{}/fd/9", server.master_pid()));
    assert_eq!(starters.unwrap(), Path::new("/dev/null"), "it was there");
}

#[test]
fn root_is_told_once_to_name_a_user() {
    if !is_root() {
        return skip("only root is told");
    }
    let server = launch().on_loopback().processes(2).start();
    server.signal(goherd_tests::Signal::HUP);
    server.wait_for_log("the reload is complete");
    assert_eq!(server.stop(), 0);
    assert_eq!(server.lines_with("running as root: name a user for the workers with uid"), 1);
    let named = launch().on_loopback().with(["--uid", "nobody"]).start();
    assert_eq!((named.stop(), named.lines_with("running as root")), (0, 0));
}

#[test]
fn what_takes_root_is_refused_to_others() {
    if is_root() {
        return skip("root may do all of it");
    }
    for option in ["--uid=0", "--gid=0", "--add-gid=0"] {
        let failure = launch().on_loopback().with([option]).failure();
        failure.is_one_line_with(&["uid/gid/add-gid: only root can become somebody else"]);
    }
    launch().on_loopback().with(["--chroot", "/"]).failure().is_one_line_with(&["chroot: only root can"]);
}

#[test]
fn a_root_that_is_none_is_refused() {
    if !is_root() {
        return skip("only root can change the root");
    }
    let scratch = Scratch::new();
    let file = scratch.write("file", "");
    let refused = |path: &Path, words: &[&str]| {
        let jail = ["--chroot".as_ref(), path.as_os_str()];
        for request in [&[][..], &["--check"]] {
            launch().on_loopback().with(jail).with(request).failure().is_one_line_with(words);
        }
    };
    refused(&scratch.path("gone"), &["chroot: cannot use", "gone", "No such file"]);
    refused(&file, &["chroot:", "is not a folder"]);
    Toolchain::Go.run(|toolchain| {
        let scratch = Scratch::new();
        let jailed = probe(toolchain).with(["--chroot", &scratch.text("")]);
        jailed.failure().ends_with(&["chroot:", "has no /proc", "mount --bind /proc"]);
    });
}

#[test]
fn an_unknown_group_to_add_is_refused() {
    let failure = launch().on_loopback().with(["--add-gid", "nobody-of-this-name"]).failure();
    failure.is_one_line_with(&["add-gid", "there is no group called nobody-of-this-name"]);
}

#[test]
fn a_mask_that_is_none_is_refused() {
    let failure = launch().on_loopback().with(["--umask", "8"]).failure();
    failure.is_one_line_with(&["--umask 8", "three octal digits, such as 660 or 022"]);
}
