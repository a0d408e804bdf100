//! What an application finds in its process: arguments, environment, one run of main.

use goherd_tests::{Launch, Process, Toolchain, app, launch, skip, with_both_toolchains};

use crate::probe;

with_both_toolchains!(
    go_args_become_the_arguments,
    the_first_argument_is_the_library_s_name,
    env_is_seen_by_the_application,
    main_runs_once_in_each_worker,
    workers_share_the_processors,
    options_and_variables_say_what_a_runtime_s_share_is,
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

fn workers_share_the_processors(toolchain: Toolchain) {
    if std::env::var_os("GOMAXPROCS").is_some() {
        return skip("GOMAXPROCS is set");
    }
    let all = std::thread::available_parallelism().unwrap().get();
    let least = if toolchain == Toolchain::Gccgo { 2 } else { 1 };
    for workers in [1, 2, all + 1] {
        let server = probe(toolchain).processes(workers).start();
        let expected = format!("{} processors, ", least.max(all / workers));
        let told = server.text("/share");
        assert!(told.starts_with(&expected), "{told} with {workers} workers, not {expected}");
    }
}

fn options_and_variables_say_what_a_runtime_s_share_is(toolchain: Toolchain) {
    let told = |launch: Launch| launch.start().text("/share");
    // gccgo's runtime knows no such limit.
    let share = |processors, bytes: i64| {
        let bytes = if toolchain == Toolchain::Gccgo { -1 } else { bytes };
        format!("{processors} processors, {bytes} bytes")
    };
    let of_the_server =
        || probe(toolchain).environment("GOMAXPROCS", "5").environment("GOMEMLIMIT", "300MiB");
    assert_eq!(told(of_the_server()), share(5, 300 << 20));
    let of_workers = || of_the_server().with(["--env", "GOMAXPROCS=6", "--env", "GOMEMLIMIT=2GiB"]);
    assert_eq!(told(of_workers()), share(6, 2 << 30));
    assert_eq!(told(of_workers().with(["--go-maxprocs=7", "--go-memlimit=64"])), share(7, 64 << 20));
    assert_eq!(told(of_the_server().with(["--env", "GOMEMLIMIT=off"])), share(5, i64::MAX));
    assert_eq!(told(of_the_server().with(["--env", "GOMEMLIMIT=much"])), share(5, 300 << 20));
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
