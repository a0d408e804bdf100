//! What an application finds in its process: arguments, environment, one run of main.

use goherd_tests::{Process, Toolchain, app, launch, with_both_toolchains};

use crate::probe;

with_both_toolchains!(
    go_args_become_the_arguments,
    the_first_argument_is_the_library_s_name,
    env_is_seen_by_the_application,
    main_runs_once_in_each_worker,
);

fn go_args_become_the_arguments(toolchain: Toolchain) {
    let server = probe(toolchain).with(["--go-args", r#"a "b c" d\ e"#]).start();
    assert_eq!(server.text("/args"), "[\"app.so\",\"a\",\"b c\",\"d e\"]\n");
}

fn the_first_argument_is_the_library_s_name(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    assert_eq!(server.text("/args"), "[\"app.so\"]\n");
}

fn env_is_seen_by_the_application(toolchain: Toolchain) {
    let server = probe(toolchain)
        .environment("GOHERD_TEST_INHERITED", "from the shell")
        .environment("GOHERD_TEST_CHANGED", "old")
        .with(["--env", "FOO=bar", "--env", "GOHERD_TEST_CHANGED=new=er", "--env", "EMPTY="])
        .start();
    assert_eq!(server.text("/env?name=FOO"), "bar");
    assert_eq!(server.text("/env?name=GOHERD_TEST_CHANGED"), "new=er");
    assert_eq!(server.text("/env?name=GOHERD_TEST_INHERITED"), "from the shell");
    assert_eq!(server.text("/env?name=EMPTY"), "");
    assert_eq!(server.get("/env?name=GOHERD_TEST_NEVER_SET").status, 404);
}

fn main_runs_once_in_each_worker(toolchain: Toolchain) {
    let server = probe(toolchain).processes(2).start();
    assert_eq!(server.text("/init-count"), "1");
    for Process { pid, .. } in server.workers() {
        assert_eq!(server.lines_with(&format!("probe: main run 1 in process {pid}")), 1, "{}", server.log());
    }
    assert_eq!(server.lines_with("probe: main run"), 2, "{}", server.log());
}

#[test]
fn a_library_without_a_main_leaves_the_answers_to_the_server() {
    Toolchain::Gccgo.run(|toolchain| {
        let server = launch().on_loopback().load(&app(toolchain, "nomain")).processes(2).start();
        assert_eq!(server.get("/").status, 404);
        server.wait_for_log("nomain-gccgo/app.so: gccgo, without a main");
        server.wait_for_log("no Go main to run: answering 404 to everything");
        assert_eq!(server.stop(), 0);
    });
}

#[test]
fn a_library_without_a_main_may_come_before_the_one_with_it() {
    Toolchain::Gccgo.run(|toolchain| {
        let server =
            launch().on_loopback().load(&app(toolchain, "nomain")).load(&app(toolchain, "probe")).start();
        server.wait_for_log("nomain-gccgo/app.so: gccgo, without a main");
        assert_eq!(server.text("/"), "hello from the probe\n");
    });
}

#[test]
fn a_library_that_needs_no_libgo_is_known_as_gccgo_s_all_the_same() {
    Toolchain::Gccgo.run(|toolchain| {
        let server = launch().on_loopback().load(&app(toolchain, "tiny")).start();
        assert_eq!(server.get("/").status, 404);
    });
}

#[test]
fn without_a_library_every_request_is_answered_404() {
    let server = launch().on_loopback().start();
    server.wait_for_log("no library with a Go main is loaded (go-load): every request will be answered 404");
    let mut client = server.connect();
    for path in ["/", "/anything?x=y"] {
        let answer = client.get(path).unwrap();
        assert_eq!(answer.status, 404);
        assert!(answer.text().contains("no application"), "{}", answer.text());
    }
    assert_eq!(client.post("/", &[b'x'; 100_000]).unwrap().status, 404);
    assert_eq!(client.get("/again").unwrap().status, 404);
    assert_eq!(server.stop(), 0);
}
