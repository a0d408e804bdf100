//! The process tree: a master without Go, and workers that are its children.

use std::collections::HashSet;

use goherd_tests::{Process, Scratch, Toolchain, skip, with_both_toolchains};

use crate::{hold, probe};

with_both_toolchains!(
    two_workers_are_two_processes_and_both_answer,
    the_master_has_one_thread_and_no_go_in_it,
    workers_are_children_of_the_master_and_lead_groups_of_their_own,
    when_memory_runs_out_a_worker_goes_before_the_master,
    workers_become_the_user_that_uid_and_gid_name,
    a_user_without_a_group_brings_its_own,
);

fn two_workers_are_two_processes_and_both_answer(toolchain: Toolchain) {
    let (server, scratch) = (probe(toolchain).processes(2).start(), Scratch::new());
    let first = server.answering_pid();
    let mut held = hold(&server, &scratch, "gate");
    let second = server.answering_pid(); // with one core each, the worker that is held cannot be this one
    let numbers = server.text("/worker");
    scratch.write("gate", "");
    assert_eq!(held.receive().unwrap().text(), "let go");
    let holder = held.get("/pid").unwrap().text().parse().unwrap();
    assert_ne!(holder, second);
    let workers: HashSet<u32> = server.worker_pids().into_iter().collect();
    assert_eq!(HashSet::from([holder, second]), workers);
    assert!(workers.contains(&first));
    let other = held.get("/worker").unwrap().text();
    assert_eq!(HashSet::from([numbers.as_str(), &other]), HashSet::from(["1", "2"]));
}

fn the_master_has_one_thread_and_no_go_in_it(toolchain: Toolchain) {
    let server = probe(toolchain).processes(2).start();
    let _answered = server.get("/");
    let master = Process::find(server.master_pid()).unwrap();
    assert_eq!(master.threads, 1);
    for library in ["libgo", "app.so", "uwsgi-gccgo"] {
        assert!(
            !master.file("maps").contains(library),
            "{library} is in the master:\n{}",
            master.file("maps")
        );
    }
    let worker = server.workers()[0];
    assert!(worker.file("maps").contains("app.so"), "the worker has the library:\n{}", worker.file("maps"));
}

fn workers_are_children_of_the_master_and_lead_groups_of_their_own(toolchain: Toolchain) {
    let server = probe(toolchain).processes(3).start();
    let workers = server.workers();
    assert_eq!(workers.len(), 3, "{workers:?}");
    for worker in &workers {
        assert_eq!((worker.parent, worker.group), (server.master_pid(), worker.pid));
    }
    assert_eq!(server.family().len(), 4, "{:?}", server.family());
}

fn when_memory_runs_out_a_worker_goes_before_the_master(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let preference =
        |pid: u32| -> i32 { Process::find(pid).unwrap().file("oom_score_adj").trim().parse().unwrap() };
    let (master, worker) = (preference(server.master_pid()), preference(server.worker_pids()[0]));
    assert!(worker > master || master == 1000, "{worker} and {master}");
}

fn a_user_without_a_group_brings_its_own(toolchain: Toolchain) {
    if !rustix::process::geteuid().is_root() {
        return skip("only root can start workers as somebody else");
    }
    let server = probe(toolchain).with(["--uid", "nobody"]).start();
    let status = server.workers()[0].file("status");
    for line in ["Uid:\t65534\t65534", "Gid:\t65534\t65534", "Groups:\t65534 \n"] {
        assert!(status.contains(line), "{line:?} is not in\n{status}");
    }
}

fn workers_become_the_user_that_uid_and_gid_name(toolchain: Toolchain) {
    if !rustix::process::geteuid().is_root() {
        return skip("only root can start workers as somebody else");
    }
    let server = probe(toolchain).with(["--uid", "65534", "--gid", "65534"]).start();
    let status = server.workers()[0].file("status");
    for line in ["Uid:\t65534\t65534\t65534\t65534", "Gid:\t65534\t65534\t65534\t65534"] {
        assert!(status.contains(line), "{line:?} is not in\n{status}");
    }
    assert_eq!(server.text("/"), "hello from the probe\n");
}
