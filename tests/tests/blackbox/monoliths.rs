//! An executable that carries its server: when it is a server and when a plain program, and what the application finds.

use std::fs;
use std::path::PathBuf;

use goherd_tests::{
    Address, Client, Program, Scratch, Server, Shape, Signal, Toolchain, app, eventually, every_go, kill,
    launch_of, shaped, shaped_by, with_both_toolchains,
};

with_both_toolchains!(
    an_ini_file_or_the_environment_asks_for_a_server,
    without_a_server_asked_for_it_is_a_plain_program,
    arguments_and_environment_are_the_application_s_own,
    a_worker_that_dies_is_replaced,
    main_runs_once_in_each_worker,
    its_mules_and_spoolers_work_die_and_are_replaced,
    a_library_cannot_join_it,
    what_is_wrong_at_start_is_one_line,
    nothing_takes_the_place_of_closed_descriptors,
);

/// Nobody tidies up before the server as Rust's own start-up does: what it opens first would be its input, and its log.
fn nothing_takes_the_place_of_closed_descriptors(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let launch = launch_of(&shaped(toolchain, Shape::Monolith, "probe"));
    let socket = Address::Unix(scratch.path("socket"));
    let closed = ["sh", "-c", r#"exec "$0" "$@" <&- >&- 2>&-"#];
    let server = launch.with(["--http-socket", &scratch.text("socket")]).under(closed).begin();
    let ask = || Client::connect(&socket).and_then(|mut client| client.get("/")).ok();
    assert_eq!(eventually("it serves", ask).text(), "hello from the probe\n");
    let link = |number: u32| fs::read_link(format!("/proc/{}/fd/{number}", server.master_pid())).unwrap();
    assert_eq!([0, 1, 2].map(link), ["/dev/null"; 3].map(PathBuf::from));
    assert_eq!(server.stop(), 0);
}

fn an_ini_file_or_the_environment_asks_for_a_server(toolchain: Toolchain) {
    let program = shaped(toolchain, Shape::Monolith, "probe");
    let scratch = Scratch::new();
    let ini = scratch.write("app.ini", "[uwsgi]\nhttp-socket = 127.0.0.1:0\nprocesses = 2\n");
    let server = launch_of(&program).with([&ini]).expect_workers(2).start();
    assert_eq!(server.text("/"), "hello from the probe\n");
    assert_eq!(server.stop(), 0);
    let variables = launch_of(&program).environment("GOHERD_HTTP_SOCKET", "127.0.0.1:0");
    let server = variables.environment("GOHERD_PROCESSES", "2").expect_workers(2).start();
    assert_eq!(server.text("/"), "hello from the probe\n");
    assert_eq!(server.stop(), 0);
}

fn without_a_server_asked_for_it_is_a_plain_program(toolchain: Toolchain) {
    let program = shaped(toolchain, Shape::Monolith, "probe");
    let (running, address) = Program::start_file(&program, &[], &["--help", "--processes", "4"]);
    let mut client = Client::connect(&address).unwrap();
    assert_eq!(client.get("/worker").unwrap().text(), "0");
    assert!(client.get("/args").unwrap().text().ends_with(",\"--help\",\"--processes\",\"4\"]\n"));
    assert!(running.end().contains("uwsgi: no server around: serving plain net/http"));
    let off = [("GOHERD_SERVER", "off".as_ref())];
    let (running, address) = Program::start_file(&program, &off, &["--http-socket", "127.0.0.1:0"]);
    assert_eq!(Client::connect(&address).unwrap().get("/worker").unwrap().text(), "0");
    assert!(running.end().contains("uwsgi: no server around"));
}

fn arguments_and_environment_are_the_application_s_own(toolchain: Toolchain) {
    let program = shaped(toolchain, Shape::Monolith, "probe");
    let launch = launch_of(&program).on_loopback().with(["--go-args", "-v 'b c'", "--env", "FOO=bar"]);
    let server = launch.environment("GOHERD_TEST_INHERITED", "from the shell").start();
    assert_eq!(server.text("/args"), format!("[{:?},\"-v\",\"b c\"]\n", program.to_str().unwrap()));
    assert_eq!(server.text("/env?name=FOO"), "bar");
    assert_eq!(server.text("/env?name=GOHERD_TEST_INHERITED"), "from the shell");
    assert_eq!(server.text("/env?name=GOHERD_SERVER"), "off", "its own children are no servers");
}

fn a_worker_that_dies_is_replaced(toolchain: Toolchain) {
    let server = launch_of(&shaped(toolchain, Shape::Monolith, "probe")).on_loopback().start();
    let first = server.answering_pid();
    kill(first, Signal::KILL);
    server.wait_for_lines(" is ready after ", 2);
    assert_ne!(server.answering_pid(), first);
    assert_eq!(server.stop(), 0);
}

fn main_runs_once_in_each_worker(toolchain: Toolchain) {
    let server = launch_of(&shaped(toolchain, Shape::Monolith, "probe")).on_loopback().processes(2).start();
    for worker in server.workers() {
        assert_eq!(server.lines_with(&format!("probe: main run 1 in process {}", worker.pid)), 1);
    }
    assert_eq!(server.lines_with("probe: main run"), 2, "{}", server.log());
}

fn its_mules_and_spoolers_work_die_and_are_replaced(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = launch_of(&shaped(toolchain, Shape::Monolith, "muleteer"))
        .on_loopback()
        .with(["--mules=2", "--farm=both:1,2", "--farm=second:2"])
        .with([format!("--spooler={}", scratch.text("spool")), format!("--env=FOLDER={}", scratch.text(""))])
        .expect_workers(4)
        .start();
    let mut expected = Vec::new();
    let mut all_work = |turn: &str| {
        for (path, text) in [
            (format!("/send?to=mule1&m={turn}"), turn.to_owned()),
            ("/signal?n=13".to_owned(), "signal 13".to_owned()),
            (format!("/spool?text={turn}"), format!("task {turn}")),
        ] {
            assert!(["ok", "true", "<nil>"].contains(&&*server.text(&path)), "{path}\n{}", server.log());
            expected.push(text);
        }
        expected.sort();
        eventually("all is handled", || (handled(&scratch) == expected).then_some(()));
        assert_eq!(
            server.text("/call?f=fail&node=spooler"),
            "uwsgi: calling \"fail\" at spooler: no such luck"
        );
    };
    all_work("first");
    for process in ["mule 1", "mule 2", "spooler 1"] {
        kill(last_pid(&server, process), Signal::KILL);
    }
    server.wait_for_lines(" is ready after ", 7);
    all_work("second");
    server.signal(Signal::HUP);
    server.wait_for_log("the reload is complete");
    all_work("third");
    assert_eq!(server.stop(), 0);
    server.wait_until_nobody_is_left();
}

/// What mules and spoolers have handled, sorted.
fn handled(scratch: &Scratch) -> Vec<String> {
    let text = fs::read_to_string(scratch.path("handled")).unwrap_or_default();
    let text_of = |line: &str| line.splitn(3, ' ').nth(2).unwrap_or_default().to_owned();
    let mut handled: Vec<_> = text.lines().map(text_of).collect();
    handled.sort();
    handled
}

/// The last process that the log calls so.
fn last_pid(server: &Server, name: &str) -> u32 {
    let log = server.log();
    let line = log.lines().rfind(|line| line.contains(&format!("{name} (pid "))).unwrap();
    line.split("(pid ").nth(1).unwrap().split(')').next().unwrap().parse().unwrap()
}

fn a_library_cannot_join_it(toolchain: Toolchain) {
    let monolith = launch_of(&shaped(toolchain, Shape::Monolith, "probe")).on_loopback();
    let library = app(toolchain, "hello");
    let words = ["go-load", library.to_str().unwrap(), "cannot join the application that this program is"];
    monolith.load(&library).failure().is_one_line_with(&words);
}

fn what_is_wrong_at_start_is_one_line(toolchain: Toolchain) {
    let monolith = launch_of(&shaped(toolchain, Shape::Monolith, "probe")).on_loopback();
    monolith.with(["--procesess", "2"]).failure().is_one_line_with(&["did you mean --processes"]);
}

#[test]
fn an_ini_file_may_be_built_in() {
    Toolchain::Go.run(|_| {
        let program = shaped_by(&every_go()[0], Shape::Monolith, "withini", &[], &[]);
        let server = launch_of(&program).with(["--goroutines", "3"]).expect_workers(2).start();
        assert_eq!(server.text("/"), "built in\n");
        assert_eq!(server.workers().len(), 2);
        assert_eq!(server.stop(), 0);
    });
}

#[test]
fn without_cgo_it_says_why_it_is_no_server() {
    Toolchain::Go.run(|_| {
        let program = shaped_by(&every_go()[0], Shape::Monolith, "probe", &[], &[("CGO_ENABLED", "0")]);
        let (running, address) = Program::start_file(&program, &[], &["--http-socket", "127.0.0.1:0"]);
        assert_eq!(Client::connect(&address).unwrap().get("/worker").unwrap().text(), "0");
        let said = running.end();
        assert!(
            said.contains("no server around") && said.contains("CGO_ENABLED=0: no server can be in it"),
            "{said}"
        );
    });
}
