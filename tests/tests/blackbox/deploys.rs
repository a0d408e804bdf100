//! A file that is changed under a running server.

use std::fs;

use goherd_tests::{Scratch, Server, Signal, Toolchain, app, eventually, kill, launch, with_both_toolchains};

with_both_toolchains!(a_library_overwritten_in_place_harms_nobody, a_library_that_is_removed_harms_nobody);

fn a_library_overwritten_in_place_harms_nobody(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let library = scratch.write("app.so", fs::read(app(toolchain, "probe")).unwrap());
    let length = usize::try_from(fs::metadata(&library).unwrap().len()).unwrap();
    serves_after(&library, || fs::write(&library, vec![0xcc; length]).unwrap());
}

fn a_library_that_is_removed_harms_nobody(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let library = scratch.write("app.so", fs::read(app(toolchain, "probe")).unwrap());
    serves_after(&library, || fs::remove_file(&library).unwrap());
}

/// The worker serves on after `change`, and so does its successor.
fn serves_after(library: &std::path::Path, change: impl FnOnce()) {
    let server = launch().on_loopback().load(library).start();
    let old = server.answering_pid();
    change();
    serves(&server);
    kill(old, Signal::KILL);
    let new =
        eventually("the successor is there", || server.worker_pids().into_iter().find(|&pid| pid != old));
    serves(&server);
    assert_eq!(server.answering_pid(), new);
}

/// It answers, also when a stack is to be shown: a runtime looks into files for that.
fn serves(server: &Server) {
    let pid = server.answering_pid();
    assert_eq!(server.get("/panic").status, 500);
    assert_eq!(server.text("/"), "hello from the probe\n");
    assert_eq!(server.answering_pid(), pid);
}
