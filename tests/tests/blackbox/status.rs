//! How a server is watched and asked: statistics, alarms, and the Go functions that look at the server around.

use std::collections::HashSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;

use goherd_tests::{
    Client, DEADLINE, Launch, Program, Scratch, Server, Signal, Toolchain, app, eventually, kill, launch,
    with_both_toolchains,
};
use serde_json::Value;

use crate::reloads::Site;
use crate::upgrades;

with_both_toolchains!(
    the_application_knows_its_server,
    requests_have_names_of_their_own,
    the_application_writes_to_the_log,
    the_application_asks_for_a_reload,
    the_application_asks_for_the_end,
    alarms_do_what_the_configuration_says,
    statistics_tell_what_workers_do,
    statistics_tell_what_is_shared,
);

/// A server for the example, of two workers.
fn status(toolchain: Toolchain) -> Launch {
    launch().on_loopback().load(&app(toolchain, "status")).processes(2).goroutines(8)
}

fn the_application_knows_its_server(toolchain: Toolchain) {
    let server = status(toolchain).with(["--env=A=1", "--env=B=2", "--cache2=name=c,items=3"]).start();
    let home = server.text("/");
    let version = env!("CARGO_PKG_VERSION");
    assert!(home.starts_with(&format!("goherd \"{version}\", worker ")), "{home}");
    assert!(home.contains(", init, fork\n"), "{home}");
    for (name, shown) in [
        ("processes", "true [\"2\"]"),
        ("env", "true [\"A=1\" \"B=2\"]"),
        ("cache2", "true [\"name=c,items=3\"]"),
        ("listen", "true [\"1024\"]"), // a default
        ("pidfile", "false []"),
        ("nonsense", "false []"),
    ] {
        assert_eq!(server.text(&format!("/option?name={name}")).trim(), shown, "{name}");
    }
    let workers = eventually("both workers are known to be ready", || {
        let workers = server.text("/workers");
        (workers.matches(", ready, generation 1, ").count() == 2).then_some(workers)
    });
    for pid in server.worker_pids() {
        assert!(workers.contains(&format!(": pid {pid}, ")), "{workers}");
    }
    assert!(workers.contains("worker 1: ") && workers.contains("worker 2: "), "{workers}");
    assert!(workers.contains(" 1 busy, since 20"), "the one that answers is busy: {workers}");
}

fn requests_have_names_of_their_own(toolchain: Toolchain) {
    let server = status(toolchain).start();
    let mut names = HashSet::new();
    for _ in 0..20 {
        let answer = server.get("/");
        let name = answer.field("X-Request-Id").unwrap().to_owned();
        assert!(answer.text().ends_with(&format!("request {name}\n")), "a copy of the request has it, too");
        assert!(name.len() <= 33 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{name}");
        assert!(names.insert(name.clone()), "{name} came twice");
    }
}

fn the_application_writes_to_the_log(toolchain: Toolchain) {
    let server = status(toolchain).start();
    assert_eq!(server.text("/log?text=first%0Asecond%1B%5B2J%0A"), "noted\n");
    let first = server.wait_for_log(": first");
    assert!(first.starts_with("goherd: worker "), "{first}");
    let second = server.wait_for_log(": second");
    assert!(second.starts_with("goherd: worker ") && second.ends_with("second\\u{1b}[2J"), "{second}");
}

fn the_application_asks_for_a_reload(toolchain: Toolchain) {
    let server = status(toolchain).start();
    assert_eq!(server.text("/reload"), "asked\n");
    server.wait_for_log("the reload is complete");
    eventually("both workers are of the second generation", || {
        (server.text("/workers").matches(", ready, generation 2, ").count() == 2).then_some(())
    });
}

fn the_application_asks_for_the_end(toolchain: Toolchain) {
    let server = status(toolchain).start();
    assert_eq!(server.text("/stop"), "asked\n");
    assert_eq!(server.exit().code(), Some(0));
    server.wait_until_nobody_is_left();
}

fn alarms_do_what_the_configuration_says(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let alarms = [
        "--alarm=disk log:".to_owned(),
        format!("--alarm=disk cmd:cat >{0}/new && mv {0}/new {0}/told", scratch.folder().display()),
        "--alarm=disk signal:17".to_owned(),
        "--alarm=bad cmd:exit 3".to_owned(),
        "--alarm-freq=1000".to_owned(),
    ];
    let server = status(toolchain).with(alarms).start();
    assert_eq!(server.text("/alarm?name=disk&message=it+is%0Afull"), "raised\n");
    server.wait_for_log("goherd: alarm disk: it is");
    server.wait_for_log("goherd: alarm disk: full");
    server.wait_for_log(": signal 17 came");
    scratch.wait_for("told");
    assert_eq!(fs::read_to_string(scratch.path("told")).unwrap(), "it is\nfull\n");
    assert_eq!(server.text("/alarm?name=bad&message=x"), "raised\n");
    server.wait_for_log("alarm bad: its command exited with code 3");
    for _ in 0..5 {
        assert_eq!(server.text("/alarm?name=disk&message=again"), "raised\n");
    }
    assert_eq!(server.text("/alarm?name=nobody&message=hears"), "raised\n");
    let line = server.wait_for_log("hears");
    assert_eq!(line, "goherd: alarm \"nobody\": there is none with this name (option alarm): hears");
    assert_eq!(server.lines_with("alarm disk: again"), 0, "alarm-freq: the ones before came before");
    assert_eq!(server.text("/alarm?name=&message=nameless"), "raised\n");
    server.wait_for_log("that is no name: nameless");
}

/// Where the stats server of this server listens.
pub fn stats_address(server: &Server) -> SocketAddr {
    let line = server.wait_for_log("goherd: statistics at ");
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// All that the stats server says.
fn told_at(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Waits until the document is as `is` wants it.
pub fn told(address: SocketAddr, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        eventually(what, || {
            last = document(&told_at(address));
            is(&last).then(|| last.clone())
        })
    }));
    found.unwrap_or_else(|_| panic!("{what}: {last:#}"))
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// What a program reads that was written for uWSGI's stats server, uwsgitop 0.12: each key, and how it uses the value.
fn is_readable_by_uwsgitop(document: &Value) {
    for key in ["listen_queue", "uid", "gid", "pid", "signal_queue"] {
        number(&document[key]);
    }
    for key in ["version", "cwd"] {
        assert!(document[key].is_string(), "{key}");
    }
    for worker in document["workers"].as_array().unwrap() {
        for key in [
            "id",
            "pid",
            "requests",
            "exceptions",
            "signals",
            "harakiri_count",
            "rss",
            "vsz",
            "running_time",
            "last_spawn",
            "respawn_count",
            "tx",
            "avg_rt",
        ] {
            number(&worker[key]);
        }
        assert!(worker["status"].is_string());
        for core in worker["cores"].as_array().unwrap() {
            assert!(["id", "requests", "in_request"].iter().all(|key| core[key].is_u64()), "{core}");
        }
    }
}

fn statistics_tell_what_workers_do(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let stats = ["--stats=127.0.0.1:0", "--harakiri=1000"];
    let server = crate::probe(toolchain).processes(2).with(stats).start();
    let address = stats_address(&server);
    for _ in 0..5 {
        assert_eq!(server.text("/"), "hello from the probe\n");
    }
    assert_eq!(server.get("/panic").status, 500);
    let mut held = crate::hold(&server, &scratch, "gate");
    let all = |document: &Value, key: &str| -> i64 {
        document["workers"].as_array().unwrap().iter().map(|worker| number(&worker[key])).sum()
    };
    let found = told(address, "a worker is busy", |document| {
        all(document, "requests") == 7 && all(document, "busy") == 1 && all(document, "exceptions") == 1
    });
    is_readable_by_uwsgitop(&found);
    assert_eq!(number(&found["pid"]), i64::from(server.master_pid()));
    assert_eq!((&found["state"], number(&found["generation"])), (&"serving".into(), 1));
    assert_eq!(found["sockets"][0]["proto"], "http");
    assert_eq!(found["sockets"][0]["name"], format!("127.0.0.1:{}", server.port()));
    let workers = found["workers"].as_array().unwrap();
    let busy = workers.iter().find(|worker| worker["status"] == "busy").expect("one is busy");
    assert_eq!(
        busy["cores"],
        serde_json::json!([{ "id": 0, "requests": busy["requests"], "in_request": 1 }])
    );
    assert!(workers.iter().all(|worker| number(&worker["rss"]) > 1 << 20 && worker["accepting"] == 1));
    assert!(workers.iter().all(|worker| worker["respawn_count"] == 1));
    assert!(all(&found, "tx") > 5 * i64::try_from("hello from the probe\n".len()).unwrap());
    assert!(!told_at(address).contains("gate"), "nothing of a request is in it");
    scratch.write("gate", "");
    held.receive().unwrap();

    let victim = i32::try_from(number(&busy["pid"])).unwrap();
    kill(victim.unsigned_abs(), Signal::KILL);
    let found = told(address, "another one has its place", |document| {
        let worker = &document["workers"][usize::try_from(number(&busy["id"]) - 1).unwrap()];
        worker["respawn_count"] == 2 && worker["pid"] != victim && worker["accepting"] == 1
    });
    assert_eq!(all(&found, "requests"), 7, "those of the dead are counted on: {found:#}");
    assert_eq!(all(&found, "delta_requests") + number(&busy["delta_requests"]), 7);
}

fn statistics_tell_what_is_shared(toolchain: Toolchain) {
    let server = launch()
        .on_loopback()
        .load(&app(toolchain, "commons"))
        .with(["--stats=127.0.0.1:0", "--stats-minified", "--goroutines=16", "--locks=1"])
        .with(["--cache2=name=a,items=2,blocksize=64,keysize=16", "--cache2=name=b,items=9"])
        .start();
    let address = stats_address(&server);
    for (path, answer) in [
        ("/set?k=1&v=hello", "ok"),
        ("/set?k=2&v=", "ok"),
        ("/get?k=1", "value \"hello\""),
        ("/get?k=9", "missing"),
        ("/count?name=c&by=5", "5"),
    ] {
        assert_eq!(server.text(path), answer);
    }
    assert!(server.text("/set?k=3&v=").contains("it is full"));
    let pid = server.get("/lock?n=1").field("X-Pid").unwrap().parse::<i64>().unwrap();
    let found = told(address, "the cache is full", |document| document["caches"][0]["full"] == 1);
    let cache = &found["caches"][0];
    for (key, value) in [
        ("items", 2),
        ("max_items", 2),
        ("blocks", 2),
        ("blocksize", 64),
        ("keysize", 16),
        ("bytes", 5),
        ("hits", 1),
        ("miss", 1),
        ("full", 1),
        ("purged", 0),
        ("expired", 0),
        ("repairs", 0),
    ] {
        assert_eq!(number(&cache[key]), value, "{key}: {cache:#}");
    }
    assert!(cache["name"] == "a" && found["caches"][1]["name"] == "b");
    assert!(
        number(&cache["last_modified_at"]) > 1_700_000_000 && found["caches"][1]["last_modified_at"] == 0
    );
    assert_eq!(found["metrics"]["c"], serde_json::json!({ "type": 0, "value": 5 }));
    assert_eq!(found["signals"], serde_json::json!({ "due": 0, "raised": 0, "sent": 0, "dropped": 0 }));
    assert_eq!(found["locks"], serde_json::json!([{ "user 0": 0 }, { "user 1": pid }]));
    let text = told_at(address);
    assert!(!text.contains('\n') && !text.contains("\": "), "stats-minified: {text}");
}

/// A server whose stats server speaks HTTP.
fn over_http() -> Server {
    crate::probe(Toolchain::Go).with(["--stats=127.0.0.1:0", "--stats-http"]).start()
}

#[test]
fn over_http_it_answers_any_request() {
    let server = over_http();
    let address = goherd_tests::Address::Inet(stats_address(&server));
    for path in ["/", "/anything?at=all"] {
        let answer = Client::connect(&address).unwrap().get(path).unwrap();
        assert_eq!((answer.status, answer.field("Content-Type")), (200, Some("application/json")));
        assert!(answer.ends_the_connection());
        is_readable_by_uwsgitop(&document(&answer.text()));
    }
    // A body that nobody reads does not cost the answer.
    let mut client = Client::connect(&address).unwrap();
    let answer = client.post("/", &[b'x'; 50_000]).unwrap();
    assert_eq!(answer.status, 200);
    is_readable_by_uwsgitop(&document(&answer.text()));
}

#[test]
fn it_is_at_a_socket_file_with_the_permissions_of_others() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = Scratch::new();
    let path = scratch.path("stats.sock");
    let server = crate::probe(Toolchain::Go)
        .with([format!("--stats={}", path.display()), "--chmod-socket=600".to_owned(), "--vacuum".to_owned()])
        .start();
    let mut text = String::new();
    UnixStream::connect(&path).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(number(&document(&text)["pid"]), i64::from(server.master_pid()));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(server.stop(), 0);
    assert!(!path.exists(), "vacuum");
}

#[test]
fn clients_that_do_nothing_hold_nobody_up() {
    let server = over_http();
    let address = stats_address(&server);
    // More than are served at a time: they say nothing, so they get nothing, and are given up.
    let silent: Vec<_> = (0..100).map(|_| TcpStream::connect(address).unwrap()).collect();
    assert_eq!(server.text("/"), "hello from the probe\n");
    kill(server.worker_pids()[0], Signal::KILL);
    server.wait_for_lines(" is ready after ", 2); // the master is at work
    let mut client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    drop(silent);
    // Readers that never read.
    let plain = crate::probe(Toolchain::Go).with(["--stats=127.0.0.1:0"]).start();
    let address = stats_address(&plain);
    let lazy: Vec<_> = (0..100).map(|_| TcpStream::connect(address).unwrap()).collect();
    is_readable_by_uwsgitop(&document(&told_at(address)));
    drop(lazy);
}

#[test]
fn it_stays_where_it_is_over_reloads_and_upgrades() {
    let site = Site::new(Toolchain::Go);
    site.configure("stats = 127.0.0.1:0");
    let server = upgrades::server_in(&site);
    let address = stats_address(&server);
    assert_eq!(number(&document(&told_at(address))["generation"]), 1);
    server.signal(Signal::HUP);
    server.wait_for_log("the reload is complete");
    told(address, "it tells of the second generation", |document| {
        document["generation"] == 2 && document["replacing"] == serde_json::json!([])
    });
    upgrades::upgrade(&site, &server, 1);
    server.wait_for_lines(" is ready after ", 6);
    let found = told(address, "it tells of the new program's", |document| {
        document["generation"] == 1
            && document["workers"].as_array().unwrap().iter().all(|worker| worker["generation"] == 1)
    });
    let lives: Vec<_> =
        found["workers"].as_array().unwrap().iter().map(|it| number(&it["respawn_count"])).collect();
    assert_eq!(lives, [3, 3], "the past outlives the program");
    site.configure("");
    server.signal(Signal::HUP);
    eventually("it is no more", || TcpStream::connect(address).is_err().then_some(()));
    site.configure("stats = 127.0.0.1:0\nstats-http = true");
    server.signal(Signal::HUP);
    server.wait_for_lines("goherd: statistics at ", 3);
    assert_eq!(server.text("/"), "hello from the probe\n");
    assert_eq!(server.stop(), 0);
}

#[test]
fn what_keeps_it_from_being_is_said() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let failure = crate::probe(Toolchain::Go).with([format!("--stats={address}")]).failure();
    failure.is_one_line_with(&["stats: cannot listen on", &address.to_string(), "another process has it"]);
}

#[test]
fn the_example_runs_by_itself() {
    let (program, address) = Program::start(Toolchain::Go, "status", &[]);
    let get = |path: &str| Client::connect(&address).unwrap().get(path).unwrap();
    let (first, second) = (get("/"), get("/"));
    assert!(first.text().starts_with("goherd \"\", worker 0, init, fork\n"), "{}", first.text());
    let name = first.field("X-Request-Id").unwrap();
    assert!(first.text().ends_with(&format!("request {name}\n")));
    assert_ne!(Some(name), second.field("X-Request-Id"));
    assert_eq!(
        (get("/workers").text(), get("/option?name=processes").text()),
        (String::new(), "false []\n".to_owned())
    );
    let refused = get("/reload");
    assert_eq!(
        (refused.status, refused.text()),
        (503, "uwsgi: reload: there is no server around\n".to_owned())
    );
    assert_eq!(get("/stop").status, 503);
    get("/alarm?name=disk&message=full");
    get("/log?text=noted");
    let said = program.end();
    assert!(said.contains("uwsgi: alarm disk: full\n") && said.contains("\nnoted\n"), "{said}");
}
