//! Upgrades: another program goes on in the master's process.

use std::fs;
use std::os::unix::fs::MetadataExt;

use goherd_tests::{
    Habit, Scratch, Server, Shape, Signal, Toolchain, Traffic, eventually, installed, launch_of, shaped,
    with_both_toolchains,
};

use crate::reloads::{HABITS, Site};

with_both_toolchains!(
    upgrades_under_load_lose_no_request,
    what_is_under_way_outlives_an_upgrade,
    executables_that_carry_their_server_are_replaced_under_load,
    a_new_library_with_the_server_in_it_takes_over,
);

/// Puts this in the place of the server's program.
fn install_written(site: &Site, content: &str) {
    site.scratch.install_written(content, "server");
}

/// A server whose program can be replaced.
pub fn server_in(site: &Site) -> Server {
    site.launch().program(&site.scratch.install_server()).start()
}

/// The file that a process runs.
fn runs(pid: u32) -> u64 {
    fs::metadata(format!("/proc/{pid}/exe")).map_or(0, |file| file.ino())
}

/// Puts a copy of the program in its place, and waits until it has taken over, for the `count`th time.
pub fn upgrade(site: &Site, server: &Server, count: usize) {
    let new = fs::metadata(site.scratch.install_server()).unwrap().ino();
    server.signal(Signal::HUP);
    server.wait_for_lines("is good: it takes over", count);
    eventually("the new program runs", || (runs(server.master_pid()) == new).then_some(()));
}

fn upgrades_under_load_lose_no_request(toolchain: Toolchain) {
    let site = Site::new(toolchain);
    let server = server_in(&site);
    let old = server.worker_pids();
    let traffic = Traffic::begin(&server.address(), &HABITS);
    for count in 1..=3 {
        upgrade(&site, &server, count);
        eventually("all workers run the new program", || {
            let (master, workers) = (runs(server.master_pid()), server.worker_pids());
            (workers.len() == 2 && workers.iter().all(|&pid| runs(pid) == master)).then_some(())
        });
    }
    let tally = traffic.end();
    assert!(tally.missed.is_empty() && tally.answered > 100, "{tally}\n{}", server.log());
    assert!(server.worker_pids().iter().all(|pid| !old.contains(pid)));
    server.signal(Signal::HUP);
    server.wait_for_log("the reload is complete");
    assert_eq!(server.stop(), 0);
}

fn what_is_under_way_outlives_an_upgrade(toolchain: Toolchain) {
    let site = Site::new(toolchain);
    let server = server_in(&site);
    let mut held = crate::hold(&server, &site.scratch, "gate");
    let child = server.text("/spawn").parse().unwrap();
    upgrade(&site, &server, 1);
    eventually("the old worker and two new ones are there", || {
        (server.worker_pids().len() >= 3 && server.lines_with(" is ready after ") >= 5).then_some(())
    });
    site.scratch.write("gate", "");
    assert_eq!(held.receive().unwrap().text(), "let go");
    eventually("the old ones end", || (server.worker_pids().len() == 2).then_some(()));
    eventually("with their children", || goherd_tests::Process::find(child).is_none().then_some(()));
    assert_eq!(server.stop(), 0);
}

/// An application with its server in one executable: a new build of it is both, and comes with a reload.
/// The example makes way for another build, and comes back.
fn executables_that_carry_their_server_are_replaced_under_load(toolchain: Toolchain) {
    let (example, other) = ("Hello from worker", "hello from the probe\n");
    for shape in [Shape::Monolith, Shape::Linked] {
        let scratch = Scratch::new();
        let build =
            |name| fs::metadata(scratch.install(&shaped(toolchain, shape, name), "app")).unwrap().ino();
        build("hello");
        let server = launch_of(&scratch.path("app")).on_loopback().processes(2).goroutines(8).start();
        assert!(server.text("/").contains(example));
        let habits = [Habit::KeepAlive, Habit::KeepAlive, Habit::Fresh, Habit::Fresh];
        let traffic = Traffic::begin(&server.address(), &habits);
        server.signal(Signal::HUP);
        server.wait_for_lines("the reload is complete", 1);
        for (name, says) in [("probe", other), ("hello", example)] {
            let new = build(name);
            server.signal(Signal::HUP);
            eventually("all processes run the new program", || {
                let all = [server.worker_pids(), vec![server.master_pid()]].concat();
                (all.len() == 3 && all.iter().all(|&pid| runs(pid) == new)).then_some(())
            });
            assert!(server.text("/").contains(says), "{shape:?} {name}");
        }
        let tally = traffic.end();
        assert!(tally.missed.is_empty() && tally.answered > 100, "{shape:?}: {tally}\n{}", server.log());
        assert_eq!(server.stop(), 0);
    }
}

/// An application that is linked with the server: a new version of that comes with a reload, though the executable is the same.
fn a_new_library_with_the_server_in_it_takes_over(toolchain: Toolchain) {
    let (scratch, program) = (Scratch::new(), shaped(toolchain, Shape::Linked, "probe"));
    let install = || {
        for file in fs::read_dir(installed().join("lib")).unwrap().map(|file| file.unwrap()) {
            if file.file_name().to_string_lossy().contains(".so") {
                scratch.install(&file.path(), file.file_name().to_str().unwrap());
            }
        }
    };
    install();
    let libraries = scratch.folder().to_str().unwrap();
    let launch = launch_of(&program).environment("LD_LIBRARY_PATH", libraries).on_loopback();
    let server = launch.processes(2).goroutines(8).start();
    let runs_old_code = |pid: u32| {
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
        maps.lines().any(|line| line.contains("libgoherd.so") && line.ends_with(" (deleted)"))
    };
    assert!(!runs_old_code(server.master_pid()), "{}", server.log());
    let traffic = Traffic::begin(&server.address(), &HABITS);
    install();
    assert!(runs_old_code(server.master_pid()));
    server.signal(Signal::HUP);
    server.wait_for_log("is good: it takes over");
    server.wait_for_log("the reload is complete");
    eventually("all processes run the new library", || {
        let all = [server.worker_pids(), vec![server.master_pid()]].concat();
        (all.len() == 3 && !all.into_iter().any(runs_old_code)).then_some(())
    });
    let tally = traffic.end();
    assert!(tally.missed.is_empty() && tally.answered > 100, "{tally}\n{}", server.log());
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_program_that_is_no_good_does_not_take_over() {
    let site = Site::new(Toolchain::Go);
    let server = server_in(&site);
    let (program, workers) = (runs(server.master_pid()), server.worker_pids());
    let refused = |count: usize, words: &[&str]| {
        server.signal(Signal::HUP);
        let lines = server.wait_for_lines("the reload is refused: ", count);
        let line = lines.last().unwrap();
        assert!(words.iter().all(|word| line.contains(word)), "{line}");
        assert_eq!((runs(server.master_pid()), server.worker_pids()), (program, workers.clone()));
        assert_eq!(server.text("/"), "hello from the probe\n");
    };
    install_written(&site, "");
    refused(1, &["server"]);
    install_written(&site, "#!/bin/sh\nexit 3\n");
    refused(2, &["being tried, exited with code 3"]);
    site.scratch.install_server();
    site.configure("no-such-option = 1");
    refused(3, &["being tried, exited with code 1"]);
    server.wait_for_log("no-such-option");
    site.configure("env = PROBE_MAIN=panic");
    refused(4, &["being tried, exited with code 1"]);
    site.configure("env = PROBE_MAIN=hang\nworker-start-timeout = 0.3");
    refused(5, &["being tried, exited with code 1"]);
    site.scratch.write("app.ini", "[uwsgi]\nprocesses = 2\n");
    refused(6, &["being tried, exited with code 1"]);
    server.wait_for_log("there is nothing to listen on");
    site.configure("");
    upgrade(&site, &server, 1);
    assert_ne!(runs(server.master_pid()), program);
}

#[test]
fn a_program_that_does_not_come_to_an_end_is_given_up() {
    let site = Site::new(Toolchain::Go);
    site.configure("worker-start-timeout = 0.2");
    let server = server_in(&site);
    let program = runs(server.master_pid());
    install_written(&site, "#!/bin/sh\nexec sleep 1000\n");
    server.signal(Signal::HUP);
    server.wait_for_log("takes too long: giving it up");
    server.wait_for_log("being tried, was killed by SIGKILL");
    assert_eq!(runs(server.master_pid()), program);
    assert_eq!(server.text("/"), "hello from the probe\n");
}

#[test]
fn an_end_comes_before_an_upgrade() {
    let site = Site::new(Toolchain::Go);
    let server = server_in(&site);
    install_written(&site, "#!/bin/sh\nexec sleep 1000\n");
    server.signal(Signal::HUP);
    server.wait_for_log("is another program now: trying it");
    assert_eq!(server.stop(), 0);
}

#[test]
fn no_letter_is_lost_in_an_upgrade() {
    let site = Site::new(Toolchain::Go);
    let pipe = site.scratch.text("fifo");
    site.configure(&format!("master-fifo = {pipe}"));
    let server = server_in(&site);
    let mut letters = 0;
    for _ in 0..3 {
        let new = fs::metadata(site.scratch.install_server()).unwrap().ino();
        server.signal(Signal::HUP);
        eventually("the new program runs", || {
            fs::write(&pipe, "s").unwrap();
            letters += 1;
            (runs(server.master_pid()) == new).then_some(())
        });
    }
    server.wait_for_lines("statistics: master pid ", letters);
    assert_eq!(server.lines_with("statistics: master pid "), letters);
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_pidfile_that_cannot_be_written_does_not_end_a_server_that_serves() {
    let site = Site::new(Toolchain::Go);
    let server = server_in(&site);
    site.configure("pidfile = /nowhere/app.pid");
    upgrade(&site, &server, 1);
    server.wait_for_log("cannot write /nowhere/app.pid");
    server.wait_for_log("the reload is complete");
    assert_eq!(server.text("/"), "hello from the probe\n");
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_trial_ends_with_the_server_that_wants_to_know() {
    let site = Site::new(Toolchain::Go);
    let server = server_in(&site);
    site.configure("env = PROBE_MAIN=hang\nworker-start-timeout = 0");
    site.scratch.install_server();
    server.signal(Signal::HUP);
    server.wait_for_log("is another program now: trying it");
    eventually("the trial has a worker", || (server.family().len() == 5).then_some(()));
    server.signal(Signal::KILL);
    server.wait_until_nobody_is_left();
}
