//! What all workers share: caches, locks, metrics, things done once.

use std::fs;
use std::path::Path;
use std::process::Command;

use goherd_tests::{
    Client, Launch, Program, Scratch, Server, Shape, Signal, Toolchain, app, eventually, kill, launch,
    launch_of, shaped, with_both_toolchains,
};

with_both_toolchains!(
    two_workers_share_a_cache,
    a_worker_that_is_killed_leaves_all_whole,
    reloads_and_upgrades_keep_what_is_shared,
    a_reload_that_changes_sizes_copies,
    a_store_outlives_the_server,
    a_store_is_written_while_the_server_runs,
    what_has_expired_is_gone,
    a_full_cache_refuses_or_drops,
    what_is_wrong_is_said,
    locks_exclude_processes_and_outlive_nobody,
    once_is_once_for_all_workers,
    metrics_are_of_all_workers,
    what_is_wrong_with_the_old_functions_is_in_the_log,
    the_example_shares_its_pages,
    the_example_keeps_notes,
    a_program_for_the_plugins_of_uwsgi_runs,
    executables_with_their_server_share_too,
);

const CACHES: [&str; 3] = ["--cache2=name=a,items=8,blocksize=64,keysize=16", "--locks=2", "--goroutines=16"];

/// A server of two workers with a cache of eight small items.
fn shares(toolchain: Toolchain) -> Launch {
    launch()
        .on_loopback()
        .load(&app(toolchain, "commons"))
        .with(["--processes=2"])
        .with(CACHES)
        .expect_workers(2)
}

/// Asks one worker after the other until each of both has answered `path` with `text`.
fn both_say(server: &Server, path: &str, text: &str) {
    let workers = two_workers(server);
    let mut heard = Vec::new();
    eventually("both workers answer", || {
        // A connection that stays open, so that the other worker takes the next one.
        let mut client = server.connect();
        let answer = client.get(path).unwrap();
        assert_eq!(answer.text(), text, "{path}\n{}", server.log());
        let pid: u32 = answer.field("X-Pid").unwrap().parse().unwrap();
        heard.push((pid, client));
        workers.iter().all(|worker| heard.iter().any(|(pid, _)| pid == worker)).then_some(())
    });
}

fn says(server: &Server, path: &str, text: &str) {
    assert_eq!(server.text(path), text, "{path}\n{}", server.log());
}

fn two_workers_share_a_cache(toolchain: Toolchain) {
    let server = shares(toolchain).start();
    both_say(&server, "/get?k=k", "missing");
    says(&server, "/set?k=k&v=", "ok");
    both_say(&server, "/get?k=k", "value \"\"");
    says(&server, "/set?k=k&v=hello", "ok");
    both_say(&server, "/get?k=k", "value \"hello\"");
    both_say(&server, "/old?k=k", "hello");
    says(&server, "/add?k=k&v=x", "there is an entry with this key");
    says(&server, "/update?k=other&v=x", "it is not there");
    let sum: i64 = (0..20).map(|_| server.text("/incr?k=n&by=3").parse::<i64>().unwrap()).max().unwrap();
    assert_eq!(sum, 60);
    both_say(&server, "/keys", "[k n]");
    says(&server, "/delete?k=n", "ok");
    says(&server, "/clear", "ok");
    both_say(&server, "/keys", "[]");
}

fn a_worker_that_is_killed_leaves_all_whole(toolchain: Toolchain) {
    let server = shares(toolchain).start();
    says(&server, "/set?k=kept&v=1", "ok");
    for _ in 0..3 {
        let victim = serving(&server);
        let mut storm: Vec<Client> = (0..4).map(|_| server.connect()).collect();
        for client in &mut storm {
            client.send("GET /storm HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
        }
        eventually("the storm rages", || (server.text("/get?k=storm") != "missing").then_some(()));
        kill(victim, Signal::KILL);
        other_workers(&server, victim);
        storm.into_iter().for_each(drop);
        says(&server, "/calm", "ok");
    }
    says(&server, "/get?k=kept", "value \"1\"");
    // At worst the entry that was being written is lost: two of its values do not fit into the blocks side by side.
    let whole = ["a", "b"].map(|b| format!("value {:?}", b.repeat(300)));
    let text = server.text("/get?k=storm");
    assert!(text == "missing" || whole.contains(&text), "{text}");
    says(&server, "/set?k=kept&v=2", "ok");
    both_say(&server, "/get?k=kept", "value \"2\"");
}

/// The processes of the workers, when there are two.
fn two_workers(server: &Server) -> Vec<u32> {
    eventually("there are two workers", || Some(server.worker_pids()).filter(|workers| workers.len() == 2))
}

/// Waits until there are two workers, of which the one that was killed is none.
fn other_workers(server: &Server, killed: u32) {
    eventually("another worker is there", || {
        let workers = server.worker_pids();
        (workers.len() == 2 && !workers.contains(&killed)).then_some(())
    });
}

/// A worker that answers.
fn serving(server: &Server) -> u32 {
    server.get("/keys").field("X-Pid").unwrap().parse().unwrap()
}

/// A server whose configuration and program a test changes.
fn site(toolchain: Toolchain, scratch: &Scratch, lines: &str) -> Launch {
    let library = app(toolchain, "commons");
    configure(scratch, &library, lines);
    launch().program(&scratch.install_server()).with([scratch.path("app.ini")]).expect_workers(2)
}

fn configure(scratch: &Scratch, library: &Path, lines: &str) {
    scratch.write(
        "app.ini",
        format!(
            "[uwsgi]\nhttp-socket = 127.0.0.1:0\nprocesses = 2\ngoroutines = 4\ngo-load = {}\n{lines}\n",
            library.display()
        ),
    );
}

fn reload(server: &Server, count: usize) {
    server.signal(Signal::HUP);
    server.wait_for_lines("the reload is complete", count);
}

fn reloads_and_upgrades_keep_what_is_shared(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = site(toolchain, &scratch, "cache = 10\nlocks = 1").start();
    says(&server, "/set?cache=default&k=k&v=1", "ok");
    says(&server, "/once?name=o", "ran");
    says(&server, "/count?name=c&by=5", "5");
    reload(&server, 1);
    both_say(&server, "/get?k=k", "value \"1\"");
    says(&server, "/once?name=o", "had run");
    scratch.install_server();
    server.signal(Signal::HUP);
    server.wait_for_log("is good: it takes over");
    server.wait_for_lines(" is ready after ", 6);
    both_say(&server, "/get?k=k", "value \"1\"");
    says(&server, "/once?name=o", "had run");
    says(&server, "/count?name=c&by=2", "7");
    assert_eq!(server.stop(), 0);
}

fn a_reload_that_changes_sizes_copies(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = site(toolchain, &scratch, "cache = 2").start();
    says(&server, "/set?k=k&v=1", "ok");
    configure(&scratch, &app(toolchain, "commons"), "cache = 3\nlocks = 7");
    reload(&server, 1);
    server.wait_for_log("cache default: its sizes are other ones: 1 entries were copied");
    server.wait_for_log("there are 8 locks now");
    both_say(&server, "/get?k=k", "value \"1\"");
}

fn a_store_outlives_the_server(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let store = scratch.text("store");
    let caches = || shares(toolchain).with([format!("--cache2=name=s,items=9,store={store},store_sync=0")]);
    let server = caches().start();
    says(&server, "/set?cache=s&k=k&v=1", "ok");
    says(&server, "/set?cache=s&k=brief&v=1&ttl=1ms", "ok");
    assert_eq!(server.stop(), 0);
    let server = caches().start();
    server.wait_for_log("cache s: 1 entries were restored from ");
    both_say(&server, "/get?cache=s&k=k", "value \"1\"");
    assert_eq!(server.stop(), 0);

    let whole = fs::read(&store).unwrap();
    fs::write(&store, &whole[..whole.len() - 9]).unwrap();
    let server = caches().start();
    let line = server.wait_for_log("cache s: cannot restore a cache from ");
    assert!(line.contains("it ends too early") && line.contains("it begins empty"), "{line}");
    both_say(&server, "/get?cache=s&k=k", "missing");
    assert!(scratch.path("store.damaged").exists() && !scratch.path("store").exists());
}

fn a_store_is_written_while_the_server_runs(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let store = format!("--cache2=name=s,items=9,store={},store_sync=1", scratch.text("store"));
    let server = shares(toolchain).with([store.as_str()]).start();
    says(&server, "/set?cache=s&k=k&v=1", "ok");
    scratch.wait_for("store");
    kill(server.master_pid(), Signal::KILL);
    server.wait_until_nobody_is_left();
    let server = shares(toolchain).with([store.as_str()]).start();
    says(&server, "/get?cache=s&k=k", "value \"1\"");
}

fn what_has_expired_is_gone(toolchain: Toolchain) {
    let usual = "--cache2=name=u,items=2,expires=1000";
    let server = shares(toolchain).with([usual, "--cache-expire-freq=0.05"]).start();
    says(&server, "/set?k=k&v=1&ttl=20ms", "ok");
    eventually("the entry has expired", || (server.text("/get?k=k") == "missing").then_some(()));
    says(&server, "/keys", "[]");
    says(&server, "/set?cache=u&k=k&v=1", "ok");
    let left = server.text("/ttl?cache=u&k=k");
    assert!(left.starts_with("16m"), "{left}");
    says(&server, "/set?k=k&v=1", "ok");
    says(&server, "/ttl?k=k", "forever");
}

fn a_full_cache_refuses_or_drops(toolchain: Toolchain) {
    let server = shares(toolchain).with(["--cache2=name=lru,items=8,purge_lru=1"]).start();
    for number in 0..8 {
        says(&server, &format!("/set?k={number}&v=x"), "ok");
        says(&server, &format!("/set?cache=lru&k={number}&v=x"), "ok");
    }
    let full = "uwsgi: the first cache: it is full (items, blocks, purge_lru)";
    says(&server, "/set?k=more&v=x", full);
    says(&server, "/set?k=3&v=y", "ok");
    says(&server, "/get?cache=lru&k=0", "value \"x\"");
    says(&server, "/set?cache=lru&k=more&v=x", "ok");
    says(&server, "/get?cache=lru&k=more", "value \"x\"");
    assert_eq!(server.text("/keys?cache=lru").split(' ').count(), 8);
}

fn what_is_wrong_is_said(toolchain: Toolchain) {
    let server = shares(toolchain).start();
    let long = "k".repeat(17);
    for (path, parts) in [
        (format!("/set?k={long}&v=x"), ["the key has 17 bytes", "keys may have 16 (keysize)"]),
        ("/set?k=&v=x".to_owned(), ["the key is empty", ""]),
        (format!("/set?k=k&v={}", "v".repeat(513)), ["the value has 513 bytes", "together have 512"]),
        ("/set?cache=b&k=k&v=x".to_owned(), ["has no cache called \"b\"", "cache2"]),
        ("/set?k=k&v=x&ttl=-1s".to_owned(), ["cannot live for -1s", ""]),
        ("/lock?n=3".to_owned(), ["there is no lock 3: the last one is lock 2", "locks"]),
        ("/once?name=a%20b".to_owned(), ["\"a b\" is no name", ""]),
    ] {
        let text = server.text(&path);
        assert!(parts.iter().all(|part| text.contains(part)), "{path}: {text}");
    }
    says(&server, "/set?k=word&v=word", "ok");
    says(&server, "/incr?k=word&by=1", "uwsgi: the first cache: key \"word\": it is not a number of 64 bits");
    let none = launch().on_loopback().load(&app(toolchain, "commons")).start();
    says(&none, "/get?cache=&k=k", "uwsgi: the server has no cache (option cache2): it is not there");
}

fn locks_exclude_processes_and_outlive_nobody(toolchain: Toolchain) {
    let server = shares(toolchain).start();
    let mut held = server.connect();
    let holder: u32 = held.get("/lock?n=1").unwrap().field("X-Pid").unwrap().parse().unwrap();
    let mut waiting: Vec<Client> = (0..4).map(|_| server.connect()).collect();
    for client in &mut waiting {
        client.send("GET /locked?n=1 HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    }
    says(&server, "/locked?n=2", "had it");
    kill(holder, Signal::KILL);
    other_workers(&server, holder);
    for mut client in waiting {
        // Those that the dead worker had taken are gone with it.
        if let Ok(answer) = client.receive() {
            assert_eq!(answer.text(), "had it");
        }
    }
    both_say(&server, "/locked?n=1", "had it");
}

fn once_is_once_for_all_workers(toolchain: Toolchain) {
    let server = shares(toolchain).start();
    both_say(&server, "/mains", "1");
    says(&server, "/once?name=o&fail=1", "failed");
    says(&server, "/once?name=o", "ran");
    both_say(&server, "/once?name=o", "had run");
}

fn metrics_are_of_all_workers(toolchain: Toolchain) {
    let server = shares(toolchain).start();
    for number in 1..=10 {
        let mut client = server.connect();
        assert_eq!(client.get("/count?name=c&by=1").unwrap().text(), number.to_string());
    }
    let victim = serving(&server);
    kill(victim, Signal::KILL);
    other_workers(&server, victim);
    both_say(&server, "/count?name=c&by=0", "10");
    let text = server.text("/gauge?name=c");
    assert!(text.contains("\"c\" is a counter already"), "{text}");
}

fn the_example_shares_its_pages(toolchain: Toolchain) {
    let server = launch()
        .on_loopback()
        .load(&app(toolchain, "cache"))
        .with(["--processes=2", "--goroutines=4", "--locks=1"])
        .with(["--cache2=name=pages,items=10,purge_lru=1", "--cache2=name=counts,items=10"])
        .expect_workers(2)
        .start();
    says(&server, "/welcome", "welcome\n");
    let page = server.text("/page");
    assert!((0..10).all(|_| server.text("/page") == page));
    says(&server, "/metrics", "pages made: 1\n");
    let visits: Vec<_> = (0..5).map(|_| server.text("/count/home")).collect();
    assert!(visits[4].starts_with("home: visit 5, seen by worker "), "{visits:?}");
}

fn what_is_wrong_with_the_old_functions_is_in_the_log(toolchain: Toolchain) {
    let server = shares(toolchain).start();
    for (path, answer, line) in [
        ("/old?cache=b&k=k", "", "uwsgi: the server has no cache called \"b\" (option cache2)"),
        ("/locked?n=3", "no", "uwsgi: there is no lock 3: the last one is lock 2 (option locks)"),
        ("/old?k=seventeen-bytes-is", "", "the key has 18 bytes, and keys may have 16 (keysize)"),
    ] {
        // There is one line a second at most.
        eventually("the log has it", || {
            says(&server, path, answer);
            (server.lines_with(line) > 0).then_some(())
        });
    }
}

fn the_example_keeps_notes(toolchain: Toolchain) {
    let server = launch()
        .on_loopback()
        .load(&app(toolchain, "notes"))
        .with(["--goroutines=4", "--cache2=name=notes,items=2,blocksize=256,keysize=100"])
        .start();
    let mut client = server.connect();
    let mut ask = |method: &str, path: &str, text: &str| {
        let length = text.len();
        client
            .send(format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{text}"))
            .unwrap();
        let mut answer = client.receive_head().unwrap();
        if method != "HEAD" {
            client.receive_body(&mut answer).unwrap();
        }
        answer
    };
    for (method, path, text, status) in [
        ("GET", "/notes/a", "", 404),
        ("PATCH", "/notes/a", "no", 404),
        ("POST", "/notes/a", "first", 204),
        ("POST", "/notes/a", "second", 409),
        ("PATCH", "/notes/a", "third", 204),
        ("HEAD", "/notes/a", "", 200),
        ("HEAD", "/notes/b", "", 404),
        ("PUT", "/notes/b?for=90m", "brief", 204),
        ("PUT", "/notes/c", "more than there may be", 507),
        ("GET", "/notes/", "", 400),
        ("GET", &format!("/notes/{}", "k".repeat(101)), "", 400),
        ("DELETE", "/notes/c", "", 404),
    ] {
        assert_eq!(ask(method, path, text).status, status, "{method} {path}");
    }
    assert_eq!(ask("GET", "/notes/a", "").text(), "third");
    assert_eq!(ask("GET", "/notes/b", "").field("X-For"), Some("1h30m0s"));
    assert_eq!(ask("GET", "/notes", "").text(), "a\nb\n");
    assert_eq!(ask("GET", "/kept", "").text(), "2\n");
    assert_eq!(ask("DELETE", "/notes/a", "").status, 204);
    assert_eq!(ask("GET", "/vote/tea", "").text(), "1\n");
    assert_eq!(ask("GET", "/vote/tea?against=1", "").text(), "0\n");
    assert_eq!(ask("DELETE", "/notes", "").status, 204);
    assert_eq!(ask("GET", "/notes", "").text(), "");
}

fn a_program_for_the_plugins_of_uwsgi_runs(toolchain: Toolchain) {
    let server = launch()
        .on_loopback()
        .load(&app(toolchain, "plugins"))
        .with(["--processes=2", "--goroutines=4", "--cache=100", "--alarm=log log:"])
        .expect_workers(2)
        .start();
    for (path, answer) in [
        ("/exists?key=started", "true"),
        ("/exists?key=k", "false"),
        ("/set?key=k&value=1", "true"),
        ("/set?key=k&value=2", "false"),
        ("/get?key=k", "1"),
        ("/update?key=k&value=3", "true"),
        ("/get?key=k", "3"),
        ("/until?key=k&value=4&time=1", "false"),
        ("/until?key=k&value=4&time=99999999999", "true"),
        ("/get?key=k", "4"),
        ("/delete?key=k", "true"),
        ("/delete?key=k", "false"),
        ("/count?key=n", "1"),
        ("/count?key=n", "2"),
        ("/set?key=forgettable&value=1", "true"),
        ("/forget", "true"),
    ] {
        assert_eq!(server.text(path).trim_end(), answer, "{path}\n{}", server.log());
    }
    eventually("a worker has forgotten it", || {
        (server.text("/exists?key=forgettable") == "false\n").then_some(())
    });
    eventually("the timers tick", || (server.text("/ticks") != "0\n").then_some(()));
    assert!(["true\n", "false\n"].contains(&&*server.text("/alarm?message=it+rings")));
    server.wait_for_log("alarm log: it rings");
    let home = server.text("/");
    assert!(home.starts_with("worker ") && home.ends_with(", mule 0\n"), "{home}");
}

fn executables_with_their_server_share_too(toolchain: Toolchain) {
    for shape in [Shape::Monolith, Shape::Linked] {
        let program = shaped(toolchain, shape, "commons");
        let server = launch_of(&program).on_loopback().processes(2).with(CACHES).start();
        says(&server, "/set?k=k&v=1", "ok");
        both_say(&server, "/get?k=k", "value \"1\"");
        let victim = serving(&server);
        kill(victim, Signal::KILL);
        other_workers(&server, victim);
        both_say(&server, "/get?k=k", "value \"1\"");
        both_say(&server, "/mains", "1");
        says(&server, "/locked?n=1", "had it");
        assert_eq!(server.stop(), 0);
    }
}

#[test]
fn a_place_where_no_file_can_be_ends_the_start() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("folder")).unwrap();
    std::os::unix::fs::symlink(scratch.path("one"), scratch.path("link")).unwrap();
    scratch.write("one", "");
    assert!(Command::new("mkfifo").arg(scratch.path("pipe")).status().unwrap().success());
    for (stores, reason) in [
        (&["absent/file"][..], "absent: No such file or directory"),
        (&["folder"], "something else than a file"),
        (&["pipe"], "something else than a file"),
        (&["one", "link"], "the cache c0 is kept there: give each a file of its own"),
        (&["new", "folder/../new"], "the cache c0 is kept there: give each a file of its own"),
    ] {
        let cache = |(number, store): (usize, &&str)| {
            format!("--cache2=name=c{number},items=1,store={}", scratch.text(store))
        };
        let caches: Vec<_> = stores.iter().enumerate().map(cache).collect();
        for check in [&[][..], &["--check"]] {
            let failure = launch().on_loopback().with(&caches).with(check).failure();
            failure.is_one_line_with(&["cache2: c", reason]);
        }
    }
}

#[test]
fn the_example_runs_by_itself() {
    let (program, address) = Program::start(Toolchain::Go, "cache", &[]);
    let get = |path: &str| Client::connect(&address).unwrap().get(path).unwrap().text();
    assert_eq!(get("/welcome"), "welcome\n");
    assert_eq!(get("/page"), get("/page"));
    assert_eq!(get("/metrics"), "pages made: 1\n");
    assert_eq!([get("/count/a"), get("/count/a")][1], "a: visit 2, seen by worker 0\n");
    drop(program);
}
