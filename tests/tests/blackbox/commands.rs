//! What the server does instead of serving, and configurations in files.

use std::process::Output;

use goherd_tests::{Launch, Scratch, Toolchain, app, launch, with_both_toolchains};

fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

/// What `launch` prints; it must succeed.
fn printed(launch: &Launch) -> String {
    let output = launch.output();
    let (out, err) = said(&output);
    assert_eq!(output.status.code(), Some(0), "{launch:?}: {out}{err}");
    out
}

#[test]
fn version_is_one_line() {
    for option in ["--version", "-V"] {
        assert_eq!(printed(&launch().with([option])), concat!("goherd ", env!("CARGO_PKG_VERSION"), "\n"));
    }
}

#[test]
fn help_names_the_options() {
    for option in ["--help", "-h"] {
        let help = printed(&launch().with([option]));
        for name in ["--http-socket", "--go-load", "--goroutines", "--processes", "Usage: goherd"] {
            assert!(help.contains(name), "{name} is not in\n{help}");
        }
    }
}

#[test]
fn show_config_prints_an_ini_file_that_means_the_same() {
    let scratch = Scratch::new();
    scratch.write("app.ini", "[uwsgi]\nhttp-socket = :9090\nprocesses = 3\ngo-args = -v 'two words'\n");
    let shown = printed(&launch().with(["app.ini", "-p", "4", "--show-config"]).in_folder(scratch.folder()));
    for part in ["# app.ini:2\nhttp-socket = :9090\n", "# command line\nprocesses = 4\n", "two words"] {
        assert!(shown.contains(part), "{part:?} is not in\n{shown}");
    }
    scratch.write("shown.ini", &shown);
    let again = printed(&launch().with(["shown.ini", "--show-config"]).in_folder(scratch.folder()));
    let settings =
        |text: &str| text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    assert_eq!(settings(&again), settings(&shown));
}

with_both_toolchains!(
    check_judges_without_serving,
    an_ini_file_holds_all_of_it,
    the_server_changes_its_folder
);

fn check_judges_without_serving(toolchain: Toolchain) {
    let library = app(toolchain, "probe");
    let output = launch().on_loopback().load(&library).with(["--check"]).output();
    let (out, err) = said(&output);
    assert_eq!(output.status.code(), Some(0), "{err}");
    assert!(err.contains("the configuration is good") && out.is_empty(), "{out}{err}");
    assert!(!err.contains("listening on"), "{err}");
    let missing = launch().on_loopback().with(["--check", "--go-load", "/nowhere/app.so"]);
    missing.failure().is_one_line_with(&["/nowhere/app.so", "cannot be read"]);
}

fn an_ini_file_holds_all_of_it(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let ini = format!(
        "[uwsgi]\nhttp-socket = 127.0.0.1:0\nhttp-socket = {}\nmaster = true\nprocesses = 2\ngoroutines = 5\n\
         go-load = {}\ngo-args = one 'two words'\nenv = FOO=from ini\npidfile = {}\n",
        scratch.text("app.sock"),
        app(toolchain, "probe").display(),
        scratch.text("pid"),
    );
    scratch.write("app.ini", ini);
    let server = launch().with(["app.ini"]).in_folder(scratch.folder()).expect_workers(2).start();
    assert_eq!(server.addresses().len(), 2);
    assert_eq!(server.workers().len(), 2);
    assert!(server.text("/args").ends_with(",\"one\",\"two words\"]\n"), "{}", server.text("/args"));
    assert_eq!(server.text("/env?name=FOO"), "from ini");
    let pidfile = std::fs::read_to_string(scratch.path("pid")).unwrap();
    assert_eq!(pidfile, format!("{}\n", server.master_pid()));
    assert_eq!(server.stop(), 0);
}

fn the_server_changes_its_folder(toolchain: Toolchain) {
    let scratch = Scratch::new();
    std::fs::copy(app(toolchain, "probe"), scratch.path("here.so")).unwrap();
    let launch = launch().on_loopback().with(["--chdir", &scratch.text(""), "--go-load", "here.so"]);
    let server = launch.start();
    let folder = std::fs::read_link(format!("/proc/{}/cwd", server.worker_pids()[0])).unwrap();
    assert_eq!(folder, scratch.folder().canonicalize().unwrap());
    assert_eq!(server.text("/args"), "[\"here.so\"]\n");
}

#[test]
fn the_last_value_of_an_option_wins() {
    let server = launch().on_loopback().with(["-p", "3", "--processes", "2"]).expect_workers(2).start();
    assert_eq!(server.workers().len(), 2);
}
