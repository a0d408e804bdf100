//! Caches that lie in Redis: the same as those in shared memory, and what comes of a server that may be away.

use std::fs;
use std::time::Duration;

use goherd_tests::{
    Client, Launch, Place, Redis, RedisPort, Scratch, Server, Shape, Signal, Toolchain, app, eventually,
    kill, launch, launch_of, shaped, skip_for_want_of, with_both_toolchains,
};

use crate::status::{stats_address, told};

with_both_toolchains!(
    a_cache_is_the_same_wherever_it_lies,
    two_servers_share_a_redis,
    a_cache_with_two_names_is_one,
    workers_live_on_while_redis_is_away,
    a_server_starts_without_redis,
    redis_is_refused_in_its_own_words,
    nobody_waits_for_longer_than_said,
    others_go_on_while_redis_is_slow,
    a_late_handler_ends_though_redis_is_slow,
    copies_are_good_until_this_server_writes,
    copies_outlive_workers_reloads_and_upgrades,
    a_worker_that_is_killed_in_a_call_harms_nothing,
    connections_are_as_many_as_the_pool,
    tls_is_checked,
    a_password_is_needed_and_never_shown,
    the_example_counts_in_redis,
    executables_with_their_server_ask_redis,
);

/// Long enough for any machine; short enough for a test that waits for it.
const PATIENT: &str = "connect=15000,timeout=15000";

fn redis() -> Option<Redis> {
    redis_with(&[])
}

fn redis_with(args: &[&str]) -> Option<Redis> {
    let redis = Redis::start(args);
    if redis.is_none() {
        skip_for_want_of("redis-server");
    }
    redis
}

/// A server of two workers with this cache.
fn server(toolchain: Toolchain, cache: &str) -> Launch {
    launch()
        .on_loopback()
        .load(&app(toolchain, "commons"))
        .with(["--processes=2", "--goroutines=16"])
        .with([format!("--cache2={cache}")])
        .expect_workers(2)
}

fn says(server: &Server, path: &str, text: &str) {
    assert_eq!(server.text(path), text, "{path}\n{}", server.log());
}

/// Asks until the answer is this one: while connections are lost and made anew there are others.
fn comes_to_say(server: &Server, path: &str, text: &str) {
    eventually(&format!("{path} comes to say {text}"), || (server.text(path) == text).then_some(()));
}

/// Asks one worker after the other until each of both has answered `path` with `text`.
fn both_say(server: &Server, path: &str, text: &str) {
    both(server, path, |answer| {
        assert_eq!(answer, text, "{path}\n{}", server.log());
        true
    });
}

/// The same, while they may also answer something else at first.
fn both_come_to_say(server: &Server, path: &str, text: &str) {
    both(server, path, |answer| answer == text);
}

fn both(server: &Server, path: &str, is_it: impl Fn(&str) -> bool) {
    let mut heard = Vec::new();
    eventually("both workers answer", || {
        let mut client = server.connect(); // it stays open, so that the other worker takes the next one
        let answer = client.get(path).unwrap();
        if is_it(&answer.text()) {
            heard.push((answer.field("X-Pid").unwrap().parse::<u32>().unwrap(), client));
        }
        let workers = server.worker_pids();
        let all =
            workers.len() == 2 && workers.iter().all(|worker| heard.iter().any(|(pid, _)| pid == worker));
        all.then_some(())
    });
}

/// What every cache does, wherever it lies: each path in its order, and what is answered. `{cache}` is how errors name it.
const DEEDS: &[(&str, &str)] = &[
    ("/clear", "ok"),
    ("/get?k=k", "missing"),
    ("/exists?k=k", "false"),
    ("/ttl?k=k", "it is not there"),
    ("/delete?k=k", "it is not there"),
    ("/update?k=k&v=1", "it is not there"),
    ("/set?k=k&v=", "ok"),
    ("/get?k=k", "value \"\""),
    ("/exists?k=k", "true"),
    ("/ttl?k=k", "forever"),
    ("/set?k=k&v=one", "ok"),
    ("/get?k=k", "value \"one\""),
    ("/old?k=k", "one"),
    ("/old?k=other", ""),
    ("/add?k=k&v=two", "there is an entry with this key"),
    ("/update?k=k&v=three", "ok"),
    ("/get?k=k", "value \"three\""),
    ("/delete?k=k", "ok"),
    ("/add?k=k&v=four", "ok"),
    ("/get?k=k", "value \"four\""),
    ("/incr?k=k&by=1", "uwsgi: {cache}: key \"k\": it is not a number of 64 bits"),
    ("/incr?k=n&by=5", "5"),
    ("/incr?k=n&by=-7", "-2"),
    ("/incr?k=n&by=0", "-2"),
    ("/get?k=n", "value \"-2\""),
    ("/ttl?k=n", "forever"),
    ("/set?k=n&v=9223372036854775806", "ok"),
    ("/incr?k=n&by=1", "9223372036854775807"),
    ("/incr?k=n&by=1", "uwsgi: {cache}: key \"n\": it is not a number of 64 bits"),
    ("/get?k=n", "value \"9223372036854775807\""),
    ("/incr?k=brief&by=9007199254740993&ttl=1ms", "9007199254740993"),
    ("gone /get?k=brief", "missing"),
    ("/incr?k=brief&by=1&ttl=90m", "1"),
    ("/incr?k=brief&by=1&ttl=1ms", "2"),
    ("starts /ttl?k=brief", "1h"),
    ("/set?k=timed&v=1&ttl=30ms", "ok"),
    ("gone /get?k=timed", "missing"),
    ("/add?k=timed&v=1&ttl=90m", "ok"),
    ("starts /ttl?k=timed", "1h"),
    ("/set?k=timed&v=1", "ok"),
    ("/ttl?k=timed", "forever"),
    ("/keys", "[brief k n timed]"),
    ("/set?k=%00%ff%0a*&v=%00%ff%0d%0a", "ok"),
    ("/get?k=%00%ff%0a*", "value \"\\x00\\xff\\r\\n\""),
    ("/delete?k=%00%ff%0a*", "ok"),
    ("/set?k=&v=1", "uwsgi: {cache}: the key is empty: its length is wrong"),
    ("/get?k=", "uwsgi: {cache}: the key is empty: its length is wrong"),
    ("/set?k=sixteen-bytes-is&v=1", "ok"),
    (
        "/set?k=seventeen-bytes-is&v=1",
        "uwsgi: {cache}: the key has 18 bytes, and keys may have 16 (keysize): its length is wrong",
    ),
    (
        "/get?k=seventeen-bytes-is",
        "uwsgi: {cache}: the key has 18 bytes, and keys may have 16 (keysize): its length is wrong",
    ),
    ("/ttl?k=", "uwsgi: {cache}: the key is empty: its length is wrong"),
    ("/delete?k=", "uwsgi: {cache}: the key is empty: its length is wrong"),
    ("/exists?k=", "false"),
    ("/old?k=", ""),
    ("/set?k=k&v=1&ttl=-1s", "uwsgi: {cache}: an entry cannot live for -1s"),
    ("/long?k=long&tens=30000", "true"),
    ("/long?k=long&tens=3", "true"),
    ("/clear", "ok"),
    ("/keys", "[]"),
    ("/fill?count=1500", "1500"),
    ("/clear", "ok"),
    ("/keys", "[]"),
];

fn a_cache_is_the_same_wherever_it_lies(toolchain: Toolchain) {
    let Some(redis) = redis() else { return };
    let url = redis.url();
    let server = server(toolchain, "name=local,items=2000,blocksize=1024,keysize=16")
        .with([format!("--cache2=name=redis,backend={url},keysize=16,{PATIENT}")])
        .with([format!("--cache2=name=near,backend={url},keysize=16,near=3600000,{PATIENT}")])
        .start();
    assert_eq!(redis.ask(&["SET", "of another", "v"]), "OK");
    for name in ["local", "redis", "near"] {
        for (deed, outcome) in DEEDS {
            let (how, path) = deed.split_once(' ').unwrap_or(("", deed));
            let path = format!("{path}{}cache={name}", if path.contains('?') { '&' } else { '?' });
            let outcome = outcome.replace("{cache}", &format!("cache \"{name}\""));
            match how {
                "gone" => comes_to_say(&server, &path, &outcome),
                "starts" => {
                    let text = server.text(&path);
                    assert!(text.starts_with(&outcome), "{path}: {text}, expected {outcome}");
                }
                _ => says(&server, &path, &outcome),
            }
        }
    }
    assert_eq!(redis.ask(&["KEYS", "*"]), "of another", "what others have there stays");
}

fn two_servers_share_a_redis(toolchain: Toolchain) {
    let Some(redis) = Redis::start_at(RedisPort::Plain, &[]) else { return skip_for_want_of("redis-server") };
    let tcp = format!("name=a,backend=redis://localhost:{}/3,{PATIENT}", redis.port());
    let unix = format!("name=b,backend={}?db=3,prefix=goherd:a:,{PATIENT}", redis.url());
    let (one, other) = (server(toolchain, &tcp).start(), server(toolchain, &unix).start());
    says(&one, "/set?k=k&v=1", "ok");
    both_say(&other, "/get?k=k", "value \"1\"");
    let sums: Vec<i64> = (0..20)
        .map(|turn| if turn % 2 == 0 { &one } else { &other }.text("/incr?k=n&by=3").parse().unwrap())
        .collect();
    assert_eq!(sums, (1..=20).map(|turn| turn * 3).collect::<Vec<_>>());
    says(&other, "/keys", "[k n]");
    says(&one, "/clear", "ok");
    both_say(&other, "/keys", "[]");
}

fn workers_live_on_while_redis_is_away(toolchain: Toolchain) {
    let Some(mut redis) = redis() else { return };
    let server = server(toolchain, &format!("name=r,backend={},{PATIENT}", redis.url())).start();
    says(&server, "/set?k=k&v=1", "ok");
    both_say(&server, "/get?k=k", "value \"1\"");
    let workers = server.worker_pids();
    let mut storm: Vec<Client> = (0..4).map(|_| server.connect()).collect();
    for round in 1..=3 {
        for client in &mut storm {
            client.send("GET /storm HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
        }
        eventually("the storm rages", || (server.text("/get?k=storm") != "missing").then_some(()));
        redis.kill();
        for client in &mut storm {
            let told = client.receive().unwrap().text();
            assert!(told.starts_with("uwsgi: the first cache: it cannot be reached: unix:///"), "{told}");
        }
        says(&server, "/kind?k=k", "remote true, unreachable true");
        says(&server, "/old?k=k", "");
        says(&server, "/exists?k=k", "false");
        server.wait_for_log("cache r: no answer: unix:///");
        redis.start_again();
        comes_to_say(&server, "/set?k=k&v=2", "ok");
        both_come_to_say(&server, "/get?k=k", "value \"2\"");
        assert_eq!(server.worker_pids(), workers, "round {round}: {}", server.log());
    }
    server.wait_for_log("cache r: it answers again");
    // Connections that have been idle are looked at before they are given what must not be done twice.
    redis.kill();
    redis.start_again();
    std::thread::sleep(Duration::from_millis(1_100));
    assert_eq!((1..=10).map(|_| server.text("/incr?k=n&by=1")).collect::<Vec<_>>().pop().unwrap(), "10");
}

fn a_server_starts_without_redis(toolchain: Toolchain) {
    let Some(mut redis) = redis() else { return };
    redis.kill();
    let server = server(toolchain, &format!("name=r,backend={},{PATIENT}", redis.url())).start();
    server.wait_for_log("worker 1: cache r: no answer: unix:///");
    let told = server.text("/set?k=k&v=1");
    assert!(told.contains("it cannot be reached") && told.contains("No such file"), "{told}");
    redis.start_again();
    comes_to_say(&server, "/set?k=k&v=1", "ok");
    both_come_to_say(&server, "/get?k=k", "value \"1\"");
    assert_eq!(server.stop(), 0);
}

/// The first cache is also the one without a name: those who ask for it by either share its connections.
fn a_cache_with_two_names_is_one(toolchain: Toolchain) {
    let Some(redis) = redis() else { return };
    let cache = format!("name=r,backend={},pool=2,{PATIENT}", redis.url());
    let server = server(toolchain, &cache).start();
    for key in 0..8 {
        says(&server, &format!("/set?k={key}&v={key}"), "ok");
    }
    std::thread::scope(|scope| {
        for key in 0..8 {
            let (server, name) = (&server, if key % 2 == 0 { "" } else { "&cache=r" });
            scope.spawn(move || {
                for _ in 0..100 {
                    says(server, &format!("/get?k={key}{name}"), &format!("value \"{key}\""));
                }
            });
        }
    });
}

fn redis_is_refused_in_its_own_words(toolchain: Toolchain) {
    let Some(redis) = redis() else { return };
    let server = server(toolchain, &format!("name=r,backend={},prefix=p:,{PATIENT}", redis.url())).start();
    let refuses = |path: &str, words: &str| {
        let told = server.text(path);
        assert!(told.starts_with("uwsgi: the first cache: it refuses: unix:///"), "{path}: {told}");
        assert!(told.contains(words), "{path}: {told}");
    };
    assert_eq!(redis.ask(&["LPUSH", "p:list", "1"]), "1");
    refuses("/get?k=list", "WRONGTYPE Operation against a key");
    says(&server, "/kind?k=list", "remote true, unreachable false");
    says(&server, "/old?k=list", "");
    server.wait_for_log("it refuses: unix:///");
    says(&server, "/delete?k=list", "ok");

    assert_eq!(redis.ask(&["CONFIG", "SET", "maxmemory", "1"]), "OK");
    let told = server.text("/set?k=k&v=1");
    assert!(
        told.starts_with("uwsgi: the first cache: it is full: unix:///") && told.contains("OOM command"),
        "{told}"
    );
    let told = server.text("/incr?k=n&by=1&ttl=1h");
    assert!(told.contains("it is full") && told.contains("OOM command"), "{told}");
    assert_eq!(redis.ask(&["CONFIG", "SET", "maxmemory", "0"]), "OK");
    says(&server, "/set?k=k&v=1", "ok");

    assert_eq!(redis.ask(&["REPLICAOF", "127.0.0.1", "1"]), "OK");
    refuses("/set?k=k&v=2", "READONLY You can't write against a read only replica");
    assert_eq!(redis.ask(&["REPLICAOF", "NO", "ONE"]), "OK");
    says(&server, "/set?k=k&v=2", "ok");
    says(&server, "/get?k=k", "value \"2\"");
}

fn nobody_waits_for_longer_than_said(toolchain: Toolchain) {
    let Some(redis) = redis() else { return };
    let server =
        server(toolchain, &format!("name=r,backend={},connect=300,timeout=300", redis.url())).start();
    comes_to_say(&server, "/set?k=k&v=1", "ok");
    redis.stop();
    let told = server.text("/set?k=k&v=2");
    assert!(
        told.contains("no answer within 300 ms") || told.contains("connecting takes longer than 300 ms"),
        "{told}"
    );
    says(&server, "/kind?k=k", "remote true, unreachable true");
    redis.go_on();
    comes_to_say(&server, "/set?k=k&v=3", "ok");
    comes_to_say(&server, "/get?k=k", "value \"3\"");
}

fn others_go_on_while_redis_is_slow(toolchain: Toolchain) {
    let Some(redis) = redis() else { return };
    let server = launch()
        .on_loopback()
        .load(&app(toolchain, "commons"))
        .with(["--goroutines=8"])
        .with([format!("--cache2=name=r,backend={},pool=2,connect=60000,timeout=60000", redis.url())])
        .environment("GOMAXPROCS", "1")
        .start();
    says(&server, "/set?k=k&v=1", "ok");
    assert_eq!(redis.ask(&["CLIENT", "PAUSE", "600000", "WRITE"]), "OK");
    let mut waiting: Vec<Client> = (0..4).map(|_| server.connect()).collect();
    for client in &mut waiting {
        client.send("GET /set?k=k&v=2 HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    }
    eventually("two calls are on their way", || (clients_waiting(&redis) >= 2).then_some(()));
    for count in 1..=50 {
        says(&server, "/count?name=c&by=1", &count.to_string());
    }
    assert_eq!(redis.ask(&["CLIENT", "UNPAUSE"]), "OK");
    for client in &mut waiting {
        assert_eq!(client.receive().unwrap().text(), "ok");
    }
}

/// How many clients have sent something that waits for the end of a pause.
fn clients_waiting(redis: &Redis) -> usize {
    redis.ask(&["CLIENT", "LIST"]).lines().filter(|line| line.contains(" flags=b")).count()
}

fn a_late_handler_ends_though_redis_is_slow(toolchain: Toolchain) {
    let Some(redis) = redis() else { return };
    let server = server(toolchain, &format!("name=r,backend={},connect=60000,timeout=60000", redis.url()))
        .with(["--harakiri=1", "--harakiri-grace=1"])
        .start();
    says(&server, "/set?k=k&v=1", "ok");
    let workers = server.worker_pids();
    redis.stop();
    assert_eq!(server.get("/get?k=k").status, 504);
    eventually("another worker is there", || {
        let now = server.worker_pids();
        (now.len() == 2 && now != workers).then_some(())
    });
    says(&server, "/count?name=c&by=1", "1");
    redis.go_on();
    comes_to_say(&server, "/get?k=k", "value \"1\"");
}

fn copies_are_good_until_this_server_writes(toolchain: Toolchain) {
    let Some(redis) = redis() else { return };
    let cache =
        |near: &str| format!("name=r,backend={},prefix=p:,near={near},items=100,{PATIENT}", redis.url());
    let (one, other) = (
        server(toolchain, &cache("3600000")).with(["--stats=127.0.0.1:0"]).start(),
        server(toolchain, &cache("20")).start(),
    );
    says(&one, "/set?k=k&v=1", "ok");
    both_say(&one, "/get?k=k", "value \"1\"");
    told(stats_address(&one), "the statistics tell of the copy", |document| {
        let copies = &document["near"][0];
        copies["name"] == "r" && copies["items"] == 1 && copies["hits"].as_i64() > Some(0)
    });
    both_say(&other, "/get?k=k", "value \"1\"");
    assert_eq!(redis.ask(&["SET", "p:k", "2"]), "OK");
    both_say(&one, "/get?k=k", "value \"1\"");
    comes_to_say(&other, "/get?k=k", "value \"2\"");
    for round in 3..20 {
        says(&one, &format!("/set?k=k&v={round}"), "ok");
        both_say(&one, "/get?k=k", &format!("value \"{round}\""));
    }
    says(&one, "/incr?k=k&by=5", "24");
    both_say(&one, "/get?k=k", "value \"24\"");
    says(&one, "/delete?k=k", "ok");
    both_say(&one, "/get?k=k", "missing");
    says(&one, "/set?k=k&v=long-lived", "ok");
    both_say(&one, "/get?k=k", "value \"long-lived\"");
    says(&one, "/clear", "ok");
    both_say(&one, "/get?k=k", "missing");
    says(&one, "/set?k=k&v=brief&ttl=50ms", "ok");
    comes_to_say(&one, "/get?k=k", "missing");
}

fn copies_outlive_workers_reloads_and_upgrades(toolchain: Toolchain) {
    let Some(redis) = redis() else { return };
    let cache = format!("name=r,backend={},prefix=p:,near=3600000,{PATIENT}", redis.url());
    let scratch = Scratch::new();
    let server = server(toolchain, &cache).program(&scratch.install_server()).start();
    says(&server, "/set?k=k&v=1", "ok");
    both_say(&server, "/get?k=k", "value \"1\"");
    assert_eq!(redis.ask(&["SET", "p:k", "2"]), "OK");
    let victim: u32 = server.get("/keys").field("X-Pid").unwrap().parse().unwrap();
    kill(victim, Signal::KILL);
    eventually("another worker is there", || {
        let workers = server.worker_pids();
        (workers.len() == 2 && !workers.contains(&victim)).then_some(())
    });
    both_say(&server, "/get?k=k", "value \"1\"");
    server.signal(Signal::HUP);
    server.wait_for_lines("the reload is complete", 1);
    both_say(&server, "/get?k=k", "value \"1\"");
    scratch.install_server();
    server.signal(Signal::HUP);
    server.wait_for_log("is good: it takes over");
    server.wait_for_lines(" is ready after ", 7);
    both_say(&server, "/get?k=k", "value \"1\"");
    says(&server, "/update?k=k&v=3", "ok");
    both_say(&server, "/get?k=k", "value \"3\"");
}

fn a_worker_that_is_killed_in_a_call_harms_nothing(toolchain: Toolchain) {
    let Some(redis) = redis() else { return };
    let server = server(toolchain, &format!("name=r,backend={},near=1000,{PATIENT}", redis.url())).start();
    says(&server, "/set?k=kept&v=1", "ok");
    for _ in 0..3 {
        let victim: u32 = server.get("/keys").field("X-Pid").unwrap().parse().unwrap();
        let mut storm: Vec<Client> = (0..4).map(|_| server.connect()).collect();
        for client in &mut storm {
            client.send("GET /storm HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
        }
        eventually("the storm rages", || (server.text("/get?k=storm") != "missing").then_some(()));
        kill(victim, Signal::KILL);
        eventually("another worker is there", || {
            let workers = server.worker_pids();
            (workers.len() == 2 && !workers.contains(&victim)).then_some(())
        });
        storm.into_iter().for_each(drop);
        eventually("calm", || {
            let calmed: Vec<_> =
                (0..4).map(|_| server.get("/calm").field("X-Pid").unwrap().to_owned()).collect();
            calmed.iter().any(|pid| *pid != calmed[0]).then_some(())
        });
    }
    both_say(&server, "/get?k=kept", "value \"1\"");
    says(&server, "/set?k=kept&v=2", "ok");
    both_say(&server, "/get?k=kept", "value \"2\"");
}

fn connections_are_as_many_as_the_pool(toolchain: Toolchain) {
    let Some(redis) = redis() else { return };
    let server = launch()
        .on_loopback()
        .load(&app(toolchain, "commons"))
        .with(["--goroutines=16"])
        .with([format!("--cache2=name=r,backend={},pool=3,connect=60000,timeout=60000", redis.url())])
        .start();
    says(&server, "/set?k=k&v=1", "ok");
    assert_eq!(redis.ask(&["CLIENT", "PAUSE", "600000", "WRITE"]), "OK");
    let mut waiting: Vec<Client> = (0..12).map(|_| server.connect()).collect();
    for client in &mut waiting {
        client.send("GET /set?k=k&v=2 HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    }
    eventually("three calls are on their way", || (clients_waiting(&redis) >= 3).then_some(()));
    for count in 1..=20 {
        says(&server, "/count?name=c&by=1", &count.to_string());
    }
    assert_eq!(clients_waiting(&redis), 3);
    assert_eq!(redis.ask(&["CLIENT", "UNPAUSE"]), "OK");
    for client in &mut waiting {
        assert_eq!(client.receive().unwrap().text(), "ok");
    }
}

fn tls_is_checked(toolchain: Toolchain) {
    let Some(redis) = Redis::start_at(RedisPort::Tls, &[]) else {
        return skip_for_want_of("redis-server, or openssl,");
    };
    let (ca, cert, key) = (redis.file("ca.pem"), redis.file("server.pem"), redis.file("server.key"));
    let backend = format!("backend=rediss://localhost:{},{PATIENT}", redis.port());
    let server = server(toolchain, &format!("name=good,{backend},tls_ca={ca},tls_cert={cert},tls_key={key}"))
        .with([format!("--cache2=name=stranger,{backend},tls_ca={ca}")])
        .with([format!("--cache2=name=wary,{backend},tls_cert={cert},tls_key={key}")])
        .start();
    says(&server, "/set?k=k&v=1", "ok");
    both_say(&server, "/get?k=k", "value \"1\"");
    says(&server, "/long?k=long&tens=30000", "true");
    let told = server.text("/get?cache=wary&k=k");
    assert!(
        told.contains("it cannot be reached: rediss://localhost") && told.contains("UnknownIssuer"),
        "{told}"
    );
    let told = server.text("/get?cache=stranger&k=k");
    assert!(told.contains("it cannot be reached: rediss://localhost"), "{told}");
}

fn a_password_is_needed_and_never_shown(toolchain: Toolchain) {
    const PASSWORD: &str = "p%40ss%2Cw%25rd-banana";
    let Some(redis) = redis_with(&["--requirepass", "p@ss,w%rd-banana"]) else { return };
    let with = |secret: &str| redis.url() + "?pass=" + secret;
    let scratch = Scratch::new();
    let file = scratch.write("password", "p@ss,w%rd-banana\n");
    let ini = |url: &str| {
        scratch.write(
            "app.ini",
            format!(
                "[uwsgi]\nhttp-socket = 127.0.0.1:0\nprocesses = 2\ngoroutines = 4\ngo-load = {}\n\
                 cache2 = name=good,backend={url},{PATIENT}\n\
                 cache2 = name=filed,backend={},password_file={},{PATIENT}\n\
                 cache2 = name=wrong,backend={},{PATIENT}\n\
                 cache2 = name=none,backend={},{PATIENT}\n",
                app(toolchain, "commons").display(),
                redis.url(),
                file.display(),
                with("another-banana"),
                redis.url(),
            ),
        )
    };
    let path = ini(&with(PASSWORD));
    let shown = launch().with([path.as_os_str(), "--show-config".as_ref()]).output();
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("?pass=***,") && !shown.contains("banana"), "{shown}");
    let server = launch().with([&path]).expect_workers(2).start();
    says(&server, "/set?k=k&v=1", "ok");
    both_say(&server, "/get?cache=filed&k=other", "missing");
    let told = server.text("/get?cache=wrong&k=k");
    assert!(told.contains("it refuses") && told.contains("user or password is wrong"), "{told}");
    let told = server.text("/get?cache=none&k=k");
    assert!(told.contains("it refuses") && told.contains("NOAUTH"), "{told}");
    server.wait_for_log("cache wrong: it refuses: unix:///");
    for process in server.family() {
        assert!(!process.file("cmdline").contains("banana"));
    }
    // A reload that is refused says why, and not more.
    ini("redis://:sec/ret-banana@localhost");
    server.signal(Signal::HUP);
    server.wait_for_log("backend= as %2F");
    assert!(!server.log().contains("banana"), "{}", server.log());
}

fn the_example_counts_in_redis(toolchain: Toolchain) {
    let Some(redis) = redis() else { return };
    let ini = fs::read_to_string(Place::Workspace.path().join("examples/cache/redis.ini")).unwrap();
    let ini = ini
        .replace("127.0.0.1:9090", "127.0.0.1:0")
        .replace("target/apps/cache-go.so", app(toolchain, "cache").to_str().unwrap())
        .replace("redis://127.0.0.1:6379/0", &format!("{},{PATIENT}", redis.url()));
    let scratch = Scratch::new();
    let server = launch().with([scratch.write("redis.ini", ini)]).expect_workers(2).start();
    says(&server, "/welcome", "welcome\n");
    let page = server.text("/page");
    assert!((0..10).all(|_| server.text("/page") == page));
    let visits: Vec<_> = (0..5).map(|_| server.text("/count/home")).collect();
    assert!(visits[4].starts_with("home: visit 5, seen by worker "), "{visits:?}");
    assert_eq!(redis.ask(&["GET", "goherd:counts:home"]), "5");
}

fn executables_with_their_server_ask_redis(toolchain: Toolchain) {
    let Some(redis) = redis() else { return };
    for shape in [Shape::Monolith, Shape::Linked] {
        let program = shaped(toolchain, shape, "commons");
        let cache = format!("--cache2=name=r,backend={},near=1000,{PATIENT}", redis.url());
        let server = launch_of(&program).on_loopback().processes(2).with([cache]).start();
        says(&server, "/incr?k=n&by=1", if shape == Shape::Monolith { "1" } else { "2" });
        says(&server, "/set?k=k&v=1", "ok");
        both_say(&server, "/get?k=k", "value \"1\"");
        assert_eq!(server.stop(), 0);
    }
}

#[test]
fn what_is_wrong_is_said_at_the_start() {
    let scratch = Scratch::new();
    let garbage =
        scratch.write("garbage.pem", "-----BEGIN CERTIFICATE-----\nbanana\n-----END CERTIFICATE-----\n");
    let empty = scratch.write("empty", "\n");
    let garbage = format!("name=a,backend=rediss://host,tls_ca={}", garbage.display());
    let empty = format!("name=a,backend=redis://host,password_file={}", empty.display());
    for (cache, part) in [
        ("name=a,backend=redis://:banana/@host", "%2F and %40"),
        ("name=a,backend=http://banana@host", "expected redis://"),
        ("name=a,backend=redis://host:banana", "1 to 65535"),
        ("name=a,backend=redis://:ba,nana@host", "%2C"),
        ("name=a,near=5,items=1", "backend=redis://HOST"),
        ("name=a,backend=redis://host,password_file=/nowhere", "password_file /nowhere"),
        ("name=a,backend=rediss://host,tls_ca=/nowhere", "tls_ca, /nowhere"),
        (&garbage, "tls_ca, tls_cert, tls_key: "),
        (&empty, "is empty"),
    ] {
        for more in [&[][..], &["--check"]] {
            let failure = launch().on_loopback().with([format!("--cache2={cache}")]).with(more).failure();
            failure.is_one_line_with(&["cache2", part]);
            assert!(!format!("{failure:?}").contains("nana"), "{cache}: {failure:?}");
        }
    }
}

#[test]
fn to_check_connects_with_nobody() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let output = launch()
        .on_loopback()
        .with([format!("--cache2=name=a,backend=redis://127.0.0.1:{port}"), "--check".into()])
        .output();
    assert!(output.status.success(), "{output:?}");
    assert!(listener.accept().is_err());
}
