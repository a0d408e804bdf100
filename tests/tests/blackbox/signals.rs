//! Signals, and what raises them: timers, cron, files.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use goherd_tests::{
    Client, Launch, Program, Scratch, Server, Signal, Toolchain, app, eventually, kill, launch,
    with_both_toolchains,
};

with_both_toolchains!(
    receivers_are_honoured,
    signals_keep_their_order_and_those_of_nobody_are_refused,
    a_process_without_the_handler_says_so_once,
    one_timer_is_there_for_all_workers,
    a_timer_outlives_its_workers_and_goes_with_its_code,
    an_upgrade_keeps_timers_and_numbers,
    a_reload_that_fails_changes_no_timer,
    what_old_code_registers_during_a_reload_is_no_error,
    handlers_run_while_all_cores_are_busy,
    a_handler_that_panics_or_leaves_ends_nothing,
    a_full_queue_drops_and_says_so,
    signals_are_handled_before_a_worker_ends,
    files_and_folders_raise_signals,
    what_is_wrong_is_said,
    the_example_does_things_by_itself,
);

/// A server of so many workers, whose main registers what `args` say.
fn signals(toolchain: Toolchain, workers: usize, args: &[&str]) -> Launch {
    let args = args.iter().map(|arg| format!("'{arg}'")).collect::<Vec<_>>().join(" ");
    launch()
        .on_loopback()
        .load(&app(toolchain, "bells"))
        .processes(workers)
        .goroutines(8)
        .with(["--go-args", &args])
}

fn ask(server: &Server, what: &str, q: &str) -> String {
    server.text(&format!("/{what}?q={q}"))
}

/// The counter with this name, which all workers share.
fn count(server: &Server, name: &str) -> u64 {
    ask(server, "count", name).parse().unwrap()
}

fn counts(server: &Server, name: &str, wanted: u64) {
    eventually(&format!("{name} is {wanted}"), || (count(server, name) >= wanted).then_some(()));
    assert_eq!(count(server, name), wanted, "{name}\n{}", server.log());
}

/// The counts of what is called so, of each worker from the first on.
fn of_each(server: &Server, name: &str, workers: usize) -> Vec<u64> {
    (1..=workers).map(|number| count(server, &format!("{name}/w{number}"))).collect()
}

fn raise(server: &Server, signals: &str) {
    assert_eq!(server.text(&format!("/raises?n={signals}")), "ok", "{}", server.log());
}

fn receivers_are_honoured(toolchain: Toolchain) {
    let server = signals(
        toolchain,
        3,
        &[
            "register=1:",
            "register=2:workers",
            "register=3:active-workers",
            "register=4:worker2",
            "register=5:worker9",
        ],
    )
    .start();
    raise(&server, "1,1,1");
    counts(&server, "s1", 3);
    raise(&server, "2");
    counts(&server, "s2", 3);
    assert_eq!(of_each(&server, "s2", 3), [1, 1, 1]);
    raise(&server, "3");
    counts(&server, "s3", 3);
    raise(&server, "4,4");
    counts(&server, "s4", 2);
    assert_eq!(of_each(&server, "s4", 3), [0, 2, 0]);
    raise(&server, "5");
    let line = server.wait_for_log("signal 5 was dropped");
    assert!(line.contains("no worker9 is there"), "{line}");
    // A worker that takes no new connections hears signals, but is not active.
    let mut client = server.connect();
    client.get("/count?q=s3").unwrap();
    server.signal(Signal::TSTP);
    server.wait_for_log("no new connections");
    assert_eq!(client.get("/raises?n=2").unwrap().text(), "ok");
    eventually("it is said", || {
        // The log hears of dropped signals once a second at most.
        assert_eq!(client.get("/raises?n=3").unwrap().text(), "ok");
        (server.lines_with("signal 3 was dropped: no active-workers is there to receive it") > 0)
            .then_some(())
    });
    eventually("all hear it", || (client.get("/count?q=s2").unwrap().text() == "6").then_some(()));
    assert_eq!(client.get("/count?q=s3").unwrap().text(), "3");
}

fn a_process_without_the_handler_says_so_once(toolchain: Toolchain) {
    let server = signals(toolchain, 1, &["register=8:worker"]).start();
    // What this worker registers another one does not know, which takes its place.
    assert_eq!(ask(&server, "register", "7:worker1"), "true");
    raise(&server, "7");
    counts(&server, "s7", 1);
    let pid = server.answering_pid();
    kill(pid, Signal::KILL);
    server.wait_for_lines(" is ready after ", 2);
    raise(&server, "7,7,8,7,8");
    counts(&server, "s8", 2);
    assert_eq!(server.lines_with("there is no handler here for signal 7"), 1, "{}", server.log());
    assert_eq!(count(&server, "s7"), 1);
}

fn signals_keep_their_order_and_those_of_nobody_are_refused(toolchain: Toolchain) {
    let server = signals(toolchain, 1, &["register=7:worker", "register=8:worker"]).start();
    raise(&server, "7,8,8,7,8,7");
    eventually("all are handled", || (server.text("/order") == "[7 8 8 7 8 7]").then_some(()));
    assert_eq!([ask(&server, "registered", "7"), ask(&server, "registered", "9")], ["true", "false"]);
    assert_eq!([ask(&server, "registered", "256"), ask(&server, "registered", "-1")], ["false", "false"]);
    assert_eq!(ask(&server, "raise", "9"), "false");
    server.wait_for_log("uwsgi: Signal(9): nobody has registered it");
    assert_eq!(ask(&server, "raise", "256"), "false");
    server.wait_for_log("uwsgi: Signal(256): there is no signal 256");
    // Later registrations count at once.
    assert_eq!(ask(&server, "register", "9:worker1"), "true");
    raise(&server, "9");
    counts(&server, "s9", 1);
}

/// How many signals were due by now, as the master says.
fn due(server: &Server) -> u64 {
    let asked = server.lines_with("statistics: signals: ");
    server.signal(Signal::USR1);
    let lines = server.wait_for_lines("statistics: signals: ", asked + 1);
    let words = lines[asked].split("signals: ").nth(1).unwrap().split(' ').next().unwrap();
    words.parse().unwrap()
}

fn one_timer_is_there_for_all_workers(toolchain: Toolchain) {
    let server = signals(toolchain, 4, &["timer=100ms"]).start();
    let before = count(&server, "timer");
    let so_far = due(&server);
    eventually("it goes on", || (count(&server, "timer") >= before + 10).then_some(()));
    // As often as it was due, and not once for each worker that has asked for it.
    let (at_least, handled) = (due(&server), count(&server, "timer"));
    let at_most = due(&server);
    assert!(so_far <= handled && handled <= at_most, "{so_far} {handled} {at_most}");
    eventually("all that was due is handled", || (count(&server, "timer") >= at_least).then_some(()));
    let shares = of_each(&server, "timer", 4);
    assert!(shares.iter().all(|share| *share > 0), "idle workers take turns: {shares:?}");
}

fn a_timer_outlives_its_workers_and_goes_with_its_code(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = site(toolchain, &scratch, "timer=50ms addtimer=7:1 register=7:workers").start();
    goes_on(&server);
    for victim in server.worker_pids() {
        kill(victim, Signal::KILL);
    }
    server.wait_for_lines(" is ready after ", 4);
    goes_on(&server);
    configure(&scratch, toolchain, "timer=50ms");
    reload(&server, 1);
    goes_on(&server);
    assert_eq!([ask(&server, "registered", "7"), ask(&server, "registered", "255")], ["false", "true"]);
    let last = count(&server, "s7");
    configure(&scratch, toolchain, "register=9:worker");
    reload(&server, 2);
    let (gone, due_then) = (count(&server, "timer"), due(&server));
    assert_eq!(ask(&server, "registered", "255"), "false");
    raise(&server, "9,9,9");
    counts(&server, "s9", 3);
    assert_eq!((count(&server, "timer"), count(&server, "s7"), due(&server)), (gone, last, due_then));
}

fn goes_on(server: &Server) {
    let before = count(server, "timer");
    eventually("the timer goes on", || (count(server, "timer") >= before + 3).then_some(()));
}

/// A server of two workers whose configuration and program a test changes.
fn site(toolchain: Toolchain, scratch: &Scratch, args: &str) -> Launch {
    configure(scratch, toolchain, args);
    launch().program(&scratch.install_server()).with([scratch.path("app.ini")]).expect_workers(2)
}

fn configure(scratch: &Scratch, toolchain: Toolchain, args: &str) {
    let library = app(toolchain, "bells");
    let lines = format!(
        "[uwsgi]\nhttp-socket = 127.0.0.1:0\nprocesses = 2\ngoroutines = 4\ngo-load = {}\ngo-args = {args}\n",
        library.display()
    );
    scratch.write("app.ini", lines);
}

fn reload(server: &Server, count: usize) {
    server.signal(Signal::HUP);
    server.wait_for_lines("the reload is complete", count);
}

fn an_upgrade_keeps_timers_and_numbers(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = site(toolchain, &scratch, "timer=50ms register=7:workers").start();
    reload(&server, 1); // the generation is not the first one
    for upgrade in 1..=2 {
        goes_on(&server);
        scratch.install_server();
        server.signal(Signal::HUP);
        server.wait_for_lines("is good: it takes over", upgrade);
        server.wait_for_lines("the reload is complete", 1 + upgrade);
        goes_on(&server);
        let before = count(&server, "s7");
        raise(&server, "7");
        counts(&server, "s7", before + 2);
    }
    configure(&scratch, toolchain, "register=8:worker");
    reload(&server, 4);
    assert_eq!(
        ["7", "8", "255"].map(|signal| ask(&server, "registered", signal)),
        ["false", "true", "false"]
    );
    assert_eq!(server.stop(), 0);
}

fn a_reload_that_fails_changes_no_timer(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = site(toolchain, &scratch, "timer=50ms").start();
    for failure in 1..=3 {
        // What comes after the timer ends the process.
        configure(&scratch, toolchain, "timer=70ms register=7:worker nothing=1");
        server.signal(Signal::HUP);
        server.wait_for_lines("the reload has failed", failure);
    }
    assert_eq!([ask(&server, "registered", "7"), ask(&server, "registered", "254")], ["false", "false"]);
    goes_on(&server);
}

fn what_old_code_registers_during_a_reload_is_no_error(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let waits = |gate: &str| format!("waits={} timer=1h register=7:mules\nmules = 1", scratch.text(gate));
    scratch.write("old", "");
    let server = site(toolchain, &scratch, &waits("old")).expect_workers(3).start();
    fs::remove_file(scratch.path("old")).unwrap();
    let line = server.wait_for_log("mule 1 (pid ");
    let mule = line.split("(pid ").nth(1).unwrap().split(')').next().unwrap();
    kill(mule.parse().unwrap(), Signal::KILL);
    server.wait_for_lines("is starting", 4);
    // The next one is at its main still when the workers run new code. Its own successor waits, too.
    configure(&scratch, toolchain, &waits("new"));
    server.signal(Signal::HUP);
    server.wait_for_lines(" is ready after ", 5);
    scratch.write("old", "");
    server.wait_for_lines(" is ready after ", 6);
    raise(&server, "7");
    counts(&server, "s7", 1);
    scratch.write("new", "");
    server.wait_for_log("the reload is complete");
    assert_eq!(server.lines_with("newer code"), 0, "{}", server.log());
}

fn handlers_run_while_all_cores_are_busy(toolchain: Toolchain) {
    let server =
        signals(toolchain, 1, &["register=7:worker", "addtimer=7:1"]).with(["--goroutines=2"]).start();
    // Both requests wait for a signal that is handled after they have come.
    let mut clients = [server.connect(), server.connect()];
    for client in &mut clients {
        client.send("GET /next HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    }
    for client in &mut clients {
        assert_eq!(client.receive().unwrap().text(), "handled");
    }
}

fn a_handler_that_panics_or_leaves_ends_nothing(toolchain: Toolchain) {
    let server = signals(toolchain, 1, &["panics=7:worker", "leaves=8:worker", "register=9:worker"]).start();
    let pid = server.answering_pid();
    raise(&server, "7,8,7,9,8,9");
    eventually("all are handled", || (server.text("/order") == "[7 8 7 9 8 9]").then_some(()));
    let line = server.wait_for_log("panic handling signal 7");
    assert!(line.contains("a handler of signals panics"), "{line}");
    server.wait_for_log("bells.go");
    assert_eq!(server.answering_pid(), pid);
}

fn a_full_queue_drops_and_says_so(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = signals(toolchain, 1, &["blocks=7:worker", "register=8:worker"])
        .environment("SIGNALS_FREE", &scratch.text("free"))
        .start();
    raise(&server, "7");
    counts(&server, "s7", 1);
    raise(&server, &["8"; 300].join(","));
    let line = server.wait_for_log("signal 8 was dropped: the queue of the process ");
    assert!(line.contains("is full"), "{line}");
    let statistics = eventually("all have come to the master", || {
        due(&server);
        let log = server.log();
        let line = log.lines().rfind(|line| line.contains("statistics: signals: ")).unwrap().to_owned();
        line.contains("301 were raised").then_some(line)
    });
    assert!(statistics.contains("129 were sent, 172 were dropped"), "{statistics}");
    scratch.write("free", "");
    counts(&server, "s8", 128);
    raise(&server, "8");
    counts(&server, "s8", 129);
}

fn signals_are_handled_before_a_worker_ends(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = signals(toolchain, 2, &["blocks=7:worker1", "register=8:worker1"])
        .environment("SIGNALS_FREE", &scratch.text("free"))
        .start();
    raise(&server, "7");
    counts(&server, "s7", 1);
    raise(&server, "8,8,8");
    server.signal(Signal::HUP);
    // The handler does not keep others from taking over, and its worker waits for it.
    server.wait_for_log("the reload is complete");
    eventually("one waits", || (server.worker_pids().len() == 3).then_some(()));
    assert_eq!(count(&server, "s8"), 0);
    scratch.write("free", "");
    counts(&server, "s8", 3);
    eventually("it has ended", || (server.worker_pids().len() == 2).then_some(()));
}

fn files_and_folders_raise_signals(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let (file, folder) = (scratch.text("file"), scratch.text("folder"));
    fs::create_dir(&folder).unwrap();
    let monitors = [format!("monitor={file}"), format!("monitor={folder}")];
    let server = signals(toolchain, 2, &[&monitors[0], &monitors[1]]).start();
    let mut handled = 0;
    let mut after = |deed: &dyn Fn()| {
        deed();
        eventually("it is noticed", || (count(&server, "monitor") > handled).then_some(()));
        // What follows within a moment may be one signal more.
        handled = settled(&server);
    };
    after(&|| fs::write(&file, "made").unwrap());
    after(&|| fs::write(&file, "written").unwrap());
    after(&|| {
        scratch.write("other", "replaced");
        fs::rename(scratch.path("other"), &file).unwrap();
    });
    after(&|| fs::write(&file, "written again").unwrap());
    after(&|| fs::remove_file(&file).unwrap());
    after(&|| fs::write(&file, "made again").unwrap());
    after(&|| fs::write(Path::new(&folder).join("entry"), "").unwrap());
    scratch.write("another", "");
    assert_eq!(settled(&server), handled, "that is none of them");
}

/// The count of monitors, when all that was due has been handled.
fn settled(server: &Server) -> u64 {
    eventually("nothing is left", || {
        let before = due(server);
        let count = count(server, "monitor");
        (count == before && due(server) == before).then_some(count)
    })
}

fn what_is_wrong_is_said(toolchain: Toolchain) {
    let server = signals(toolchain, 1, &["timer=1s"]).start();
    let long = format!("/{}", "x".repeat(299));
    for (what, q, said, logged) in [
        ("register", "7:everybody", "false", "\"everybody\" is no receiver: there are worker"),
        ("register", "255:worker", "false", "signal 255 was allotted to a timer"),
        (
            "register",
            "7:mule1",
            "false",
            "the server has no mule called \"mule1\": the options mules and farm",
        ),
        ("register", "7:farm_mail", "false", "the server has no farm called \"farm_mail\""),
        (
            "monitor",
            &long,
            &format!(
                "uwsgi: FileMonitor(\"{long}\"): a receiver, cron entry or path has up to 255 bytes, and this has 300"
            ),
            "",
        ),
        ("addtimer", "7:18446744074", "false", "is no time between two signals: it is 878400h0m0s at most"),
        ("addtimer", "7:0", "false", "0s is no time between two signals"),
        ("addtimer", "7:-5", "false", "-5s is no time between two signals"),
        ("addrbtimer", "256:1", "false", "there is no signal 256"),
        (
            "timer",
            "-1s",
            "uwsgi: Timer(-1s): -1s is no time between two signals: it is a millisecond at least",
            "",
        ),
        (
            "cron",
            "61_*_*_*_*",
            "uwsgi: Cron(\"61 * * * *\"): cron: \"61\" is no minute: numbers are 0 to 59, with * , - and / between them",
            "",
        ),
        (
            "cron",
            ",_*_*_*_*",
            "uwsgi: Cron(\", * * * *\"): cron: \",\" is no minute: numbers are 0 to 59, with * , - and / between them",
            "",
        ),
        (
            "cron",
            "*_*",
            "uwsgi: Cron(\"* *\"): \"* *\" has 2 fields, and cron has 5: minute, hour, day, month, weekday",
            "",
        ),
        ("monitor", "", "uwsgi: FileMonitor(\"\"): the path is empty", ""),
    ] {
        assert_eq!(ask(&server, what, q), said, "{what} {q}");
        server.wait_for_log(logged);
    }
    for _ in 0..255 {
        assert_eq!(ask(&server, "cron", "@yearly"), "ok");
    }
    assert_eq!(ask(&server, "cron", "@yearly"), "uwsgi: Cron(\"@yearly\"): all 256 signals are taken");
}

fn the_example_does_things_by_itself(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let watched = scratch.text("watched");
    let server = launch()
        .on_loopback()
        .load(&app(toolchain, "signals"))
        .processes(1)
        .goroutines(4)
        .with([format!("--env=WATCHED_FILE={watched}")])
        .start();
    assert_eq!(server.text("/"), "made 1 times by worker 1\n");
    assert_eq!(server.text("/forget"), "told: true\n");
    eventually("it is forgotten", || (server.text("/") == "made 2 times by worker 1\n").then_some(()));
    fs::write(&watched, "").unwrap();
    eventually("it is forgotten again", || (server.text("/") == "made 3 times by worker 1\n").then_some(()));
    eventually("the heart beats", || (!server.text("/beats").starts_with("0 ")).then_some(()));
}

#[test]
fn the_example_runs_by_itself() {
    let (program, address) = Program::start(Toolchain::Go, "signals", &[]);
    let get = |path: &str| Client::connect(&address).unwrap().get(path).unwrap().text();
    assert_eq!(get("/"), "made 1 times by worker 0\n");
    assert_eq!(get("/forget"), "told: true\n");
    eventually("it is forgotten", || (get("/") == "made 2 times by worker 0\n").then_some(()));
    eventually("the heart beats", || (!get("/beats").starts_with("0 ")).then_some(()));
    drop(program);
}

/// How long a whole minute of the wall clock may take to come, with time for what follows.
const A_MINUTE: Duration = Duration::from_secs(150);

/// Waits for what cron does.
fn within_a_minute(what: &str, server: &Server, mut look: impl FnMut() -> bool) {
    let end = Instant::now() + A_MINUTE;
    while !look() {
        assert!(Instant::now() < end, "{what}\n{}", server.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// It waits for a minute of the wall clock, and so asks all at once.
#[test]
fn cron_starts_commands_once_in_their_minute() {
    let scratch = Scratch::new();
    scratch.open_to_all();
    let list = scratch.text("list");
    let free = scratch.text("free");
    let lines = [
        format!("cron = * * * * * echo \"$(id -u) $(pwd)\" >> {list}; echo said to the log"),
        "cron2 = minute=*,harakiri=1 sleep 1000 & sleep 1000".to_owned(),
        format!("unique-cron = * * * * * while [ ! -e {free} ]; do sleep 0.05; done; exit 5"),
        "cron = * * * * * sleep 1001".to_owned(),
        "cron-timezone = Europe/Berlin".to_owned(),
        format!("chdir = {}", scratch.folder().display()),
        if is_root() { "uid = nobody".to_owned() } else { String::new() },
    ];
    let server = site(Toolchain::Go, &scratch, &format!("cron=*_*_*_*_*\n{}", lines.join("\n"))).start();
    reload(&server, 1);
    within_a_minute("cron is due", &server, || count(&server, "cron") > 0 && Path::new(&list).exists());
    server.wait_for_log("said to the log");
    // Another program knows what runs, and does not start it anew.
    scratch.install_server();
    server.signal(Signal::HUP);
    server.wait_for_log("is good: it takes over");
    server.wait_for_lines("the reload is complete", 2);
    scratch.write("free", "");
    let line = server.wait_for_log("exited with code 5");
    assert!(line.contains("cron: \"while ["), "{line}");
    let line = server.wait_for_log("takes too long: ending it");
    assert!(line.contains("\"sleep 1000 & sleep 1000\""), "{line}");
    server.wait_for_log("was killed by SIGKILL");
    let minutes = fs::read_to_string(&list).unwrap();
    let user = if is_root() { 65534 } else { rustix::process::getuid().as_raw() };
    let expected = format!("{user} {}", scratch.folder().display());
    assert!(minutes.lines().all(|line| line == expected), "{minutes}");
    // The minute may have changed meanwhile, but not twice for each of them.
    let commands = u64::try_from(minutes.lines().count()).unwrap();
    let said = server.log().lines().filter(|line| *line == "said to the log").count();
    assert_eq!(said, minutes.lines().count(), "{}", server.log());
    assert!(commands <= count(&server, "cron") + 1, "{minutes}");
    assert_eq!(server.stop(), 0);
    server.wait_until_nobody_is_left();
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn what_is_wrong_with_timers_and_cron_is_one_line() {
    for (option, words) in [
        ("--cron=61 * * * * true", ["\"61\" is no minute", "0 to 59"]),
        ("--cron=* * * * *", ["expected a command", "* * * * *"]),
        ("--unique-cron=0 0 30 2 * true", ["never happens", "30 2"]),
        ("--cron2=minute=7,banana=1 true", ["\"banana\" is none of its keys", "harakiri"]),
        ("--timer=256 10", ["\"256\" is no signal", "0 to 255"]),
        ("--timer=1 -10", ["\"-10\" are no seconds", "1 to "]),
        ("--rbtimer=1 10 often", ["\"often\" is no number of times", "0 to "]),
        ("--fs-signal=/etc/passwd", ["expected PATH SIGNAL", "such as"]),
        ("--cron-timezone=Middle/Earth", ["cron-timezone: ", "Middle/Earth"]),
    ] {
        launch().on_loopback().with([option]).failure().is_one_line_with(&words);
    }
}
