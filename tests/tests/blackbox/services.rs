//! Services on sockets of their own: the cache, signals and calls, for other servers and for the tools.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use goherd_tests::{
    Address, Client, Launch, Place, Program, Scratch, Server, Signal, Toolchain, app, eventually, kill,
    launch, with_both_toolchains,
};

with_both_toolchains!(
    a_cache_is_served_to_another_server,
    calls_go_to_another_server,
    calls_fail_with_a_reason,
    calls_end_with_their_caller,
    calls_take_a_core,
    the_cache_answers_while_all_cores_are_busy,
    uwsgi_s_form_of_calls_is_answered,
    a_worker_that_is_killed_costs_its_connections,
    the_old_functions_say_nothing_and_log_why,
    signals_come_from_outside,
    the_example_asks_its_other_half,
);

const CACHES: [&str; 3] = [
    "--cache-socket=127.0.0.1:0",
    "--cache2=name=a,items=8,blocksize=64,keysize=16",
    "--cache2=name=b,items=4",
];

/// A server without an application, with two caches that it serves.
fn caches() -> Launch {
    launch().on_loopback().with(CACHES)
}

/// The address at which this is served.
fn served(server: &Server, protocol: &str) -> String {
    let line = server.wait_for_log(&format!(" ({protocol})"));
    let address =
        line.strip_prefix("goherd: listening on ").and_then(|rest| rest.split_once(" (")).unwrap().0;
    address.to_owned()
}

fn connect(address: &str) -> Client {
    Client::connect(&Address::Inet(address.parse().unwrap())).unwrap()
}

fn connect_to(server: &Server, protocol: &str) -> Client {
    connect(&served(server, protocol))
}

/// A text behind its length.
fn text(text: impl AsRef<[u8]>) -> Vec<u8> {
    let length = u16::try_from(text.as_ref().len()).unwrap();
    [&length.to_le_bytes()[..], text.as_ref()].concat()
}

fn packet(modifier1: u8, packed: &[u8], modifier2: u8) -> Vec<u8> {
    let length = u16::try_from(packed.len()).unwrap();
    [&[modifier1][..], &length.to_le_bytes(), &[modifier2], packed].concat()
}

fn variables(variables: &[(&str, &str)]) -> Vec<u8> {
    variables.iter().flat_map(|(name, value)| [text(name), text(value)].concat()).collect()
}

/// An order to the cache, with its value if there is one.
fn order(of: &[(&str, &str)], value: &[u8]) -> Vec<u8> {
    let size = value.len().to_string();
    let sized = [of, &[("size", &*size)][..]].concat();
    let packed = variables(if value.is_empty() { of } else { &sized });
    [packet(111, &packed, 17), value.to_vec()].concat()
}

/// Receives an answer: its variables, each as `name=value`, and the bytes behind them.
fn answer(client: &mut Client, modifier1: u8) -> (Vec<String>, Vec<u8>) {
    let header = client.receive_bytes(4).unwrap();
    assert_eq!((header[0], header[3]), (modifier1, 17), "{header:?}");
    let mut packed = client.receive_bytes(u16::from_le_bytes([header[1], header[2]]).into()).unwrap();
    let mut take = || {
        let length = usize::from(u16::from_le_bytes([packed[0], packed[1]]));
        let text = String::from_utf8(packed[2..2 + length].to_vec()).unwrap();
        packed.drain(..2 + length);
        (text, packed.is_empty())
    };
    let (mut found, mut size) = (Vec::new(), 0);
    loop {
        let (name, _) = take();
        let (value, is_last) = take();
        if name == "size" {
            size = value.parse().unwrap();
        } else {
            found.push(format!("{name}={value}"));
        }
        if is_last {
            return (found, client.receive_bytes(size).unwrap());
        }
    }
}

/// Sends an order and gives the status, or what goes with it if there is anything.
fn asked(client: &mut Client, of: &[(&str, &str)], value: &[u8]) -> String {
    client.send(order(of, value)).unwrap();
    let (variables, bytes) = answer(client, 111);
    let said = variables.join(" ");
    if bytes.is_empty() { said } else { format!("{said} {}", String::from_utf8_lossy(&bytes)) }
}

/// Whether the server closes the connection without a word.
fn closes(mut client: Client, sent: &[u8]) -> bool {
    let _may_be_too_late = client.send(sent);
    matches!(client.receive_to_end().as_deref(), Ok([]) | Err(_))
}

#[test]
fn every_order_is_obeyed() {
    let server = caches().start();
    let mut client = connect_to(&server, "cache");
    let mut says = |of: &[(&str, &str)], value: &str, expected: &str| {
        assert_eq!(asked(&mut client, of, value.as_bytes()), expected, "{of:?}\n{}", server.log());
    };
    let missing = "status=missing reason=there is no entry with this key";
    says(&[("cmd", "get"), ("key", "k")], "", missing);
    says(&[("cmd", "set"), ("key", "k"), ("cache", "a")], "one", "status=ok");
    says(&[("cmd", "get"), ("key", "k")], "", "status=ok one");
    says(&[("cmd", "get"), ("key", "k"), ("cache", "b")], "", missing);
    says(&[("cmd", "set"), ("key", "k")], "two", "status=exists reason=there is an entry with this key");
    says(&[("cmd", "update"), ("key", "k"), ("expires", "1000")], "two", "status=ok");
    says(&[("cmd", "exists"), ("key", "k")], "", "status=ok");
    says(&[("cmd", "replace"), ("key", "l")], "x", missing);
    says(&[("cmd", "replace"), ("key", "k"), ("size", "0")], "", "status=ok");
    says(&[("cmd", "get"), ("key", "k")], "", "status=ok");
    says(&[("cmd", "ttl"), ("key", "k")], "", "status=ok millis=9223372036854775807");
    says(&[("cmd", "incr"), ("key", "n"), ("by", "5")], "", "status=ok sum=5");
    says(&[("cmd", "incr"), ("key", "n"), ("by", "-7")], "", "status=ok sum=-2");
    says(&[("cmd", "get"), ("key", "n")], "", "status=ok -2");
    let no_number = "status=number reason=the entry is not a whole number of 64 bits in decimal";
    says(&[("cmd", "incr"), ("key", "k"), ("by", "1")], "", no_number);
    says(&[("cmd", "caches")], "", "status=ok \x01\0\0\0a\x01\0\0\0b");
    says(&[("cmd", "del"), ("key", "k")], "", "status=ok");
    says(&[("cmd", "keys"), ("portion", "0")], "", "status=ok \x01\0\0\0n");
    says(&[("cmd", "keys"), ("portion", "1")], "", "status=missing reason=there are no more keys");
    says(&[("cmd", "clear")], "", "status=ok");
    says(&[("cmd", "get"), ("key", "n")], "", missing);
    let stats = asked(&mut client, &[("cmd", "stats"), ("cache", "b")], b"");
    assert!(stats.starts_with("status=ok items=0 max_items=4 ") && stats.ends_with(" b"), "{stats}");
}

#[test]
fn what_the_cache_does_not_take_is_an_answer() {
    let server = caches().start();
    let address = served(&server, "cache");
    for (of, value, expected) in [
        (
            &[("cmd", "get"), ("key", "k"), ("cache", "c")][..],
            0,
            "status=unknown reason=the server has no cache called \"c\"",
        ),
        (&[("cmd", "set"), ("key", "")], 1, "status=key reason=the key is empty"),
        (&[("cmd", "set"), ("key", "01234567890123456")], 1, "status=key reason=the key has 17 bytes"),
        (&[("cmd", "get"), ("key", "")], 0, "status=key reason=the key is empty"),
        (&[("cmd", "del"), ("key", "01234567890123456")], 0, "status=key reason=the key has 17 bytes"),
        (&[("cmd", "set"), ("key", "k")], 513, "status=value reason=the value has 513 bytes, and all blocks"),
    ] {
        let mut client = connect(&address);
        let said = asked(&mut client, of, &vec![b'v'; value]);
        assert!(said.starts_with(expected), "{said}");
    }
    let mut client = connect(&address);
    assert_eq!(asked(&mut client, &[("cmd", "update"), ("key", "k")], &[b'v'; 512]), "status=ok");
    assert_eq!(
        asked(&mut client, &[("cmd", "incr"), ("key", "n"), ("by", "1")], b"").split(' ').next(),
        Some("status=full")
    );
    // A value that is announced to be larger than can be is refused before it comes, and takes no memory.
    let mut client = connect(&address);
    client
        .send(packet(111, &variables(&[("cmd", "set"), ("key", "k"), ("size", "18446744073709551615")]), 17))
        .unwrap();
    let (said, _) = answer(&mut client, 111);
    assert!(said[0] == "status=value", "{said:?}");
    assert_eq!(
        client.receive_bytes(1).unwrap_err().kind(),
        std::io::ErrorKind::UnexpectedEof,
        "what would follow is lost"
    );
}

#[test]
fn many_orders_at_a_time_are_answered_in_their_order() {
    const COUNT: usize = 5_000;
    let server = caches().start();
    let mut client = connect_to(&server, "cache");
    let mut orders = order(&[("cmd", "update"), ("key", "k")], b"v");
    for _ in 0..COUNT {
        orders.extend(order(&[("cmd", "incr"), ("key", "n"), ("by", "1")], b""));
    }
    let mut writer = connect_to(&server, "cache");
    let sender = std::thread::spawn(move || {
        writer.send(&orders).unwrap();
        assert_eq!(answer(&mut writer, 111).0, ["status=ok"]);
        for number in 1..=COUNT {
            assert_eq!(answer(&mut writer, 111).0, ["status=ok", &format!("sum={number}")]);
        }
    });
    eventually("somebody else has a turn", || {
        let said = asked(&mut client, &[("cmd", "get"), ("key", "k")], b"");
        (said == "status=ok v").then_some(())
    });
    sender.join().unwrap();
    assert_eq!(asked(&mut client, &[("cmd", "get"), ("key", "n")], b""), format!("status=ok {COUNT}"));
}

#[test]
fn a_large_value_comes_and_goes_whole() {
    let server = launch()
        .on_loopback()
        .with(["--cache-socket=127.0.0.1:0", "--cache2=name=a,items=64,blocksize=1048576", "--processes=2"])
        .expect_workers(2)
        .start();
    // Forty mebibytes, no kibibyte of them like another.
    let block = |number: u32| [&number.to_le_bytes()[..], &[b'v'; 1020]].concat();
    let value = (0..40 << 10).map(block).collect::<Vec<_>>().concat();
    let mut client = connect_to(&server, "cache");
    client.send(order(&[("cmd", "set"), ("key", "k")], &value)).unwrap();
    assert_eq!(answer(&mut client, 111).0, ["status=ok"]);
    let mut other = connect_to(&server, "cache");
    for client in [&mut client, &mut other] {
        client.send(order(&[("cmd", "get"), ("key", "k")], b"")).unwrap();
        let (said, found) = answer(client, 111);
        assert!(said == ["status=ok"] && found == value, "{said:?}, {} bytes", found.len());
    }
}

#[test]
fn sockets_serve_nothing_but_their_service() {
    let server = caches()
        .with(["--uwsgi-socket=127.0.0.1:0", "--signal-socket=127.0.0.1:0", "--rpc-socket=127.0.0.1:0"])
        .start();
    let get = variables(&[("REQUEST_METHOD", "GET"), ("PATH_INFO", "/"), ("HTTP_HOST", "x")]);
    let cache = order(&[("cmd", "caches")], b"");
    let call = packet(173, &text("f"), 0);
    let signal = packet(110, b"", 1);
    let web = packet(11, &get, 0);
    let http = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec();
    let wrong = [
        ("uwsgi", vec![&cache, &call, &signal]),
        ("cache", vec![&web, &http, &call, &signal]),
        ("signal", vec![&web, &http, &call, &cache]),
        ("rpc", vec![&web, &http, &cache, &signal]),
    ];
    for (protocol, packets) in wrong {
        for bytes in packets {
            assert!(closes(connect_to(&server, protocol), bytes), "{protocol}: {bytes:?}");
        }
        // Lines of one kind come once a second at most.
        server.wait_for_log("it asks for a modifier that this socket does not serve");
    }
    assert_eq!(connect_to_web(&server, &cache), "", "no head of a request");
    let uwsgi_raw = packet(111, b"key", 0);
    assert!(closes(connect_to(&server, "cache"), &uwsgi_raw), "uWSGI's raw orders are not served");
    assert_eq!(
        asked(&mut connect_to(&server, "cache"), &[("cmd", "caches")], b""),
        "status=ok \x01\0\0\0a\x01\0\0\0b"
    );
}

/// What the web socket says to these bytes.
fn connect_to_web(server: &Server, bytes: &[u8]) -> String {
    let mut client = server.connect();
    client.send(bytes).unwrap();
    client.end_sending().unwrap();
    String::from_utf8_lossy(&client.receive_to_end().unwrap()).into_owned()
}

#[test]
fn what_is_malformed_ends_the_connection_and_nothing_else() {
    let server = caches().with(["--signal-socket=127.0.0.1:0", "--rpc-socket=127.0.0.1:0"]).start();
    for (protocol, bytes) in [
        ("cache", packet(111, b"", 17)),
        ("cache", packet(111, b"\x05\0ab", 17)),
        ("cache", packet(111, &[0; 65_535], 17)),
        ("cache", packet(111, &variables(&[("cmd", "steal")]), 17)),
        ("cache", packet(111, &variables(&[("cmd", "set"), ("key", "k"), ("size", "-1")]), 17)),
        ("cache", packet(111, &variables(&[("key", "k")]), 17)),
        ("signal", packet(110, b"x", 1)),
        ("rpc", packet(173, b"", 0)),
        ("rpc", packet(173, b"", 17)),
        ("rpc", packet(173, b"\x09\0f", 0)),
        ("rpc", packet(173, &variables(&[("name", "f"), ("size", "99999999999")]), 17)),
    ] {
        assert!(closes(connect_to(&server, protocol), &bytes), "{protocol}: {bytes:?}");
    }
    // A packet that is cut short is no order.
    let whole = order(&[("cmd", "update"), ("key", "k")], b"value");
    for end in 1..whole.len() {
        let mut client = connect_to(&server, "cache");
        client.send(&whole[..end]).unwrap();
        client.end_sending().unwrap();
        assert_eq!(client.receive_to_end().unwrap(), b"", "cut at {end}");
    }
    let mut client = connect_to(&server, "cache");
    assert_eq!(
        asked(&mut client, &[("cmd", "exists"), ("key", "k")], b"").split(' ').next(),
        Some("status=missing")
    );
}

#[test]
fn who_is_too_slow_is_given_up() {
    let server =
        caches().with(["--socket-timeout=1", "--http-headers-timeout=1", "--http-keepalive=1"]).start();
    let whole = order(&[("cmd", "update"), ("key", "k")], b"value");
    for part in [&b""[..], &whole[..3], &whole[..20], &whole[..whole.len() - 1]] {
        let mut client = connect_to(&server, "cache");
        client.send(part).unwrap();
        assert_eq!(client.receive_to_end().unwrap(), b"", "{part:?}");
    }
    let mut idle = connect_to(&server, "cache");
    assert_eq!(asked(&mut idle, &[("cmd", "caches")], b""), "status=ok \x01\0\0\0a\x01\0\0\0b");
    assert_eq!(idle.receive_to_end().unwrap(), b"");
}

#[test]
fn a_drain_ends_connections_between_orders() {
    let server = caches().start();
    let mut client = connect_to(&server, "cache");
    assert_eq!(asked(&mut client, &[("cmd", "update"), ("key", "k")], b"1"), "status=ok");
    server.signal(Signal::HUP);
    server.wait_for_log("the reload is complete");
    assert_eq!(client.receive_to_end().unwrap(), b"");
    assert_eq!(asked(&mut connect_to(&server, "cache"), &[("cmd", "get"), ("key", "k")], b""), "status=ok 1");
    assert_eq!(server.stop(), 0);
}

#[test]
fn signals_that_nobody_has_registered_are_not_taken() {
    let server = launch().with(["--signal-socket=127.0.0.1:0"]).start();
    let mut client = connect_to(&server, "signal");
    client.send([packet(110, b"", 7), packet(110, b"", 255)].concat()).unwrap();
    assert_eq!(client.receive_bytes(8).unwrap(), [255, 0, 0, 0, 255, 0, 0, 0]);
}

#[test]
fn a_cache_socket_without_a_cache_is_an_error() {
    let failure = launch().with(["--cache-socket=127.0.0.1:0"]).failure();
    failure.is_one_line_with(&["cache-socket", "there is no cache to serve", "cache2"]);
}

#[test]
fn nothing_is_open_unless_it_is_asked_for() {
    let server = launch().on_loopback().with(["--cache2=name=a,items=8"]).start();
    assert_eq!(server.addresses().len(), 1);
    let pid = server.worker_pids()[0];
    let listeners = || {
        let links = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
        let sockets: Vec<_> = links.filter_map(|entry| std::fs::read_link(entry.path()).ok()).collect();
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap()
            + &std::fs::read_to_string("/proc/net/unix").unwrap();
        let listens = |line: &&str| line.contains(" 0A ") || line.contains(" 00010000 ");
        let inode = |line: &str| {
            line.split_whitespace()
                .find(|word| sockets.contains(&format!("socket:[{word}]").into()))
                .is_some()
        };
        table.lines().filter(listens).filter(|line| inode(line)).count()
    };
    assert_eq!(listeners(), 1);
}

#[test]
fn a_socket_file_has_the_mode_that_is_asked_for() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    let file = scratch.path("cache.sock");
    let _server = launch()
        .with([
            format!("--cache-socket={}", file.display()),
            "--cache=4".to_owned(),
            "--chmod-socket=600".to_owned(),
        ])
        .start();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        goherd(&["cache", "set", &format!("default@{}", file.display()), "k", "v"], b"").status.code(),
        Some(0)
    );
}

/// Runs the command with this on its stdin.
fn goherd(args: &[&str], stdin: &[u8]) -> Output {
    let mut command = Command::new(Place::Binary.path());
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let _may_not_read_it = child.stdin.take().unwrap().write_all(stdin);
    child.wait_with_output().unwrap()
}

/// The code it exits with, what it prints, and what it says.
fn did(args: &[&str], stdin: &[u8]) -> (i32, Vec<u8>, String) {
    let output = goherd(args, stdin);
    (output.status.code().unwrap(), output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn the_tool_reads_and_changes_caches() {
    let server = caches().start();
    let address = served(&server, "cache");
    let a = format!("a@{address}");
    let quiet = |code: i32, out: &[u8]| (code, out.to_vec(), String::new());
    assert_eq!(did(&["cache", "get", &a, "k"], b""), quiet(1, b""));
    assert_eq!(did(&["cache", "set", &a, "k", "v"], b""), quiet(0, b""));
    assert_eq!(did(&["cache", "get", &a, "k"], b""), quiet(0, b"v"));
    assert_eq!(did(&["cache", "get", "--server", &address, "", "k"], b""), quiet(0, b"v"), "the first one");
    assert_eq!(did(&["cache", "set", "--add", &a, "k", "w"], b""), quiet(1, b""));
    let raw = [0, 255, b'\n', 0];
    assert_eq!(did(&["cache", "set", "--ttl", "1h", &a, "raw"], &raw), quiet(0, b""));
    assert_eq!(did(&["cache", "get", &a, "raw"], b""), quiet(0, &raw));
    let ttl = asked(&mut connect(&address), &[("cmd", "ttl"), ("key", "raw")], b"");
    let left: u64 = ttl.strip_prefix("status=ok millis=").unwrap().parse().unwrap();
    assert!((3_000_000..=3_600_000).contains(&left), "{left}");
    let mut keys: Vec<_> =
        did(&["cache", "list", &a], b"").1.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    keys.sort();
    assert_eq!(keys, [&b""[..], b"k", b"raw"]);
    let (code, text, _) = did(&["cache", "stats", "--server", &address], b"");
    let text = String::from_utf8(text).unwrap();
    assert!(code == 0 && text.starts_with("name         a\nitems        2\nmax_items    8\n"), "{text}");
    assert!(text.contains("\n\nname         b\nitems        0\n"), "{text}");
    assert_eq!(did(&["cache", "del", &a, "k", "none"], b""), quiet(1, b""));
    assert_eq!(did(&["cache", "clear", &a], b""), quiet(0, b""));
    assert_eq!(did(&["cache", "list", "-0", &a], b""), quiet(0, b""));
}

#[test]
fn the_tools_say_what_is_wrong() {
    let server = caches().with(["--signal-socket=127.0.0.1:0", "--rpc-socket=127.0.0.1:0"]).start();
    let (cache, signal, rpc) = (served(&server, "cache"), served(&server, "signal"), served(&server, "rpc"));
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mute = silent.local_addr().unwrap().to_string();
    let wrong = server.address();
    let Address::Inet(web) = wrong else { panic!("{wrong:?}") };
    let web = web.to_string();
    for (args, code, said) in [
        (&["cache", "get", "-s", &*nobody, "a", "k"][..], 2, "cannot connect to 127.0.0.1:"),
        (&["cache", "get", "-s", &*mute, "--timeout", "0.2", "a", "k"], 2, "no answer in time"),
        (&["cache", "get", "-s", &*web, "--timeout", "0.2", "a", "k"], 2, "no answer in time"),
        (&["cache", "get", "-s", &*signal, "a", "k"], 2, "closed the connection without an answer"),
        (&["cache", "get", "-s", &*cache, "c", "k"], 2, "has no cache called \"c\""),
        (&["cache", "get", "-s", &*cache, "a", ""], 2, "the key is empty"),
        (&["cache", "set", "-s", &*cache, "a", "01234567890123456", "v"], 2, "the key has 17 bytes"),
        (&["cache", "get", "-s", "nowhere", "a", "k"], 2, "cannot connect to nowhere"),
        (&["cache", "get", "a", "k"], 2, "which server?"),
        (&["cache", "frobnicate"], 2, "goherd cache --help tells more"),
        (&["signal", &*signal, "9"], 1, "does not take signal 9"),
        (&["signal", &*signal, "256"], 2, "0 to 255"),
        (&["signal", &*nobody, "9"], 2, "cannot connect"),
        (&["signal", "--timeout", "0.2", &*web, "9"], 2, "no answer in time"),
        (&["rpc", &*rpc, "f"], 1, "no application"),
        (&["rpc", &*nobody, "f"], 2, "cannot connect"),
    ] {
        let (found, out, err) = did(args, b"");
        assert_eq!((found, out.len()), (code, 0), "{args:?}: {err}");
        assert!(err.contains(said) && err.lines().count() <= 1, "{args:?}: {err}");
    }
    let (code, help, _) = did(&["cache", "--help"], b"");
    assert!(
        code == 0
            && String::from_utf8_lossy(&help).contains("Codes to exit with: 0 done, 1 the key is missing")
    );
}

/// A server with the functions of the application `services`, and one whose handlers call them.
fn callers(toolchain: Toolchain) -> (Server, Server, String) {
    let library = app(toolchain, "services");
    let server = || launch().on_loopback().load(&library).goroutines(8);
    let callee = server().with(["--rpc-socket=127.0.0.1:0"]).start();
    let node = served(&callee, "rpc");
    (server().start(), callee, node)
}

fn calls_go_to_another_server(toolchain: Toolchain) {
    let (caller, callee, node) = callers(toolchain);
    for node in ["", &node] {
        let call = |rest: &str| caller.text(&format!("/call?node={node}&{rest}"));
        assert_eq!(call("name=echo&a=one&a=&a=three"), "3:one,0:,5:three,");
        assert_eq!(call("name=echo"), "");
        assert_eq!(call("name=size&n=254&length=65535"), "254 16645890");
        assert_eq!(call("name=big&a=16777216&count=1"), "16777216");
    }
    for _ in 0..20 {
        assert_eq!(caller.text(&format!("/call?node={node}&name=echo&a=x")), "1:x,");
    }
    // The tool calls it too, and a call may go on.
    assert_eq!(did(&["rpc", &node, "echo", "a", "-b"], b""), (0, b"1:a,2:-b,".to_vec(), String::new()));
    assert_eq!(caller.text(&format!("/call?name=onward&a={node}&a=size&a=xyz")), "1 3");
    assert_eq!((caller.stop(), callee.stop()), (0, 0));
}

fn calls_fail_with_a_reason(toolchain: Toolchain) {
    let (caller, callee, node) = callers(toolchain);
    let nobody = "127.0.0.1:1";
    for (query, said) in [
        (format!("node={node}&name=none"), "unknown error: uwsgi: calling \"none\" at "),
        (format!("node={node}&name=fail"), "no luck"),
        (format!("node={node}&name=fail"), "failed error: uwsgi: calling \"fail\" at "),
        (format!("node={node}&name=fault"), "the function \"fault\" panicked: boom"),
        (format!("node={node}&name=goexit"), "remote error: "),
        (format!("node={node}&name=big&a=16777217"), "a result has up to 16777216"),
        (format!("node={node}&name=onward&a=&a=none"), "failed error: "),
        (format!("node={node}&name=echo&n=255&length=1"), "a call has up to 254 arguments, and this one 255"),
        (
            format!("node={node}&name=echo&n=2&length=65536"),
            "an argument has up to 65535 bytes, and number 1 has 65536",
        ),
        ("name=none".to_owned(), "unknown error: "),
        ("name=fail".to_owned(), "error: no luck"),
        ("name=fault".to_owned(), "error: uwsgi: the function \"fault\" panicked: boom"),
        (
            format!("node={nobody}&name=echo"),
            "remote error: uwsgi: calling \"echo\" at 127.0.0.1:1: cannot connect: ",
        ),
        ("node=nowhere&name=echo".to_owned(), "nowhere"),
        ("node=:80&name=echo".to_owned(), "expected host:port"),
    ] {
        let text = caller.text(&format!("/call?{query}"));
        assert!(text.contains(said), "{query}: {text}");
    }
    callee.wait_for_log("panic in the function \"fault\": boom");
    caller.wait_for_log("panic in the function \"fault\": boom");
    assert_eq!(caller.text(&format!("/call?node={node}&name=echo&a=x")), "1:x,", "{}", callee.log());
    let names = caller.text("/registered");
    let lines: Vec<_> = names.lines().collect();
    assert!(
        lines[0].contains("1 to 255 bytes, and this one 0") && lines[1].contains("and this one 256"),
        "{names}"
    );
    assert!(
        lines[2].contains("there is no function") && lines[3].contains("called \"echo\" already"),
        "{names}"
    );
}

fn calls_end_with_their_caller(toolchain: Toolchain) {
    let (caller, callee, node) = callers(toolchain);
    let scratch = Scratch::new();
    for (name, node) in [("here", ""), ("there", &*node)] {
        let file = scratch.text(name);
        let text = caller.text(&format!("/call?node={node}&name=wait&a={file}&ms=300"));
        assert!(text.starts_with("late ") || text.contains("deadline exceeded"), "{text}");
        scratch.wait_for(name);
    }
    // The caller's client goes away, so the caller does, so the function hears of it.
    let file = scratch.text("gone");
    let mut client = caller.connect();
    client.send(format!("GET /call?node={node}&name=wait&a={file} HTTP/1.1\r\nHost: test\r\n\r\n")).unwrap();
    scratch.wait_for("gone.entered");
    drop(client);
    scratch.wait_for("gone");
    // So it does when the caller dies.
    let file = scratch.text("dead");
    let mut client = caller.connect();
    client.send(format!("GET /call?node={node}&name=wait&a={file} HTTP/1.1\r\nHost: test\r\n\r\n")).unwrap();
    scratch.wait_for("dead.entered");
    kill(caller.worker_pids()[0], Signal::KILL);
    scratch.wait_for("dead");
    assert_eq!(callee.stop(), 0);
}

fn calls_take_a_core(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server =
        launch().on_loopback().load(&app(toolchain, "services")).with(["--rpc-socket=127.0.0.1:0"]).start();
    let node = served(&server, "rpc");
    let mut client = server.connect();
    let file = scratch.text("hold");
    client.send(format!("GET /hold?file={file} HTTP/1.1\r\nHost: test\r\n\r\n")).unwrap();
    scratch.wait_for("hold.entered");
    let (code, _, said) = did(&["rpc", "--timeout", "0.3", &node, "echo"], b"");
    assert!(code == 2 && said.contains("no answer in time"), "{said}");
    scratch.write("hold", "");
    assert_eq!(client.receive().unwrap().text(), "let go");
    assert_eq!(did(&["rpc", &node, "echo", "x"], b"").0, 0);
}

fn the_cache_answers_while_all_cores_are_busy(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = launch().on_loopback().load(&app(toolchain, "services")).with(CACHES).start();
    let mut old = connect_to(&server, "cache");
    assert_eq!(asked(&mut old, &[("cmd", "update"), ("key", "k")], b"v"), "status=ok");
    let mut client = server.connect();
    let file = scratch.text("hold");
    client.send(format!("GET /hold?file={file} HTTP/1.1\r\nHost: test\r\n\r\n")).unwrap();
    scratch.wait_for("hold.entered");
    for client in [&mut old, &mut connect_to(&server, "cache")] {
        assert_eq!(asked(client, &[("cmd", "get"), ("key", "k")], b""), "status=ok v");
    }
    scratch.write("hold", "");
    assert_eq!(client.receive().unwrap().text(), "let go");
    // A handler that asks the server it runs in has an answer, too.
    let address = served(&server, "cache");
    assert_eq!(server.text(&format!("/get?k=k&cache=a@{address}")), "\"v\"");
}

fn uwsgi_s_form_of_calls_is_answered(toolchain: Toolchain) {
    let (_caller, callee, node) = callers(toolchain);
    let mut client = connect(&node);
    let call = |parts: &[&str]| packet(173, &parts.iter().flat_map(text).collect::<Vec<_>>(), 0);
    for _ in 0..3 {
        client.send(call(&["echo", "one", ""])).unwrap();
        let expected = packet(173, b"3:one,0:,", 0);
        assert_eq!(client.receive_bytes(expected.len()).unwrap(), expected);
    }
    client.send(call(&["big", "65536"])).unwrap();
    let expected = packet(173, &variables(&[("CONTENT_LENGTH", "65536")]), 5);
    assert_eq!(client.receive_bytes(expected.len()).unwrap(), expected);
    assert_eq!(client.receive_bytes(65_536).unwrap(), [b'x'; 65_536]);
    for parts in [&["fail"][..], &["none"]] {
        assert!(closes(connect(&node), &call(parts)), "{parts:?}");
    }
    assert!(callee.wait_for_log("a call from 127.0.0.1:").contains("no luck"));
    // Half a call is none.
    let mut half = connect(&node);
    half.send(&call(&["echo", "one"])[..9]).unwrap();
    half.end_sending().unwrap();
    assert_eq!(half.receive_to_end().unwrap(), b"");
}

fn a_cache_is_served_to_another_server(toolchain: Toolchain) {
    let commons = app(toolchain, "commons");
    let keeper = launch().on_loopback().load(&commons).with(CACHES).start();
    let asker = launch().on_loopback().load(&commons).goroutines(4).start();
    let (address, scratch) = (served(&keeper, "cache"), Scratch::new());
    let says = |path: &str, expected: &str| {
        let path = format!("{path}&cache=a@{address}");
        assert_eq!(asker.text(&path), expected, "{path}\n{}\n{}", asker.log(), keeper.log());
    };
    says("/get?k=k", "missing");
    says("/set?k=k&v=hello", "ok");
    says("/get?k=k", "value \"hello\"");
    assert_eq!(keeper.text("/get?k=k&cache=a"), "value \"hello\"");
    says("/old?k=k", "hello");
    says("/add?k=k&v=x", "there is an entry with this key");
    says("/update?k=other&v=x", "it is not there");
    says("/set?k=k&v=", "ok");
    says("/get?k=k", "value \"\"");
    says("/incr?k=n&by=3", "3");
    says("/incr?k=n&by=-5", "-2");
    says("/keys?", "[k n]");
    says("/delete?k=n", "ok");
    says("/clear?", "ok");
    says("/keys?", "[]");
    let wrong = |cache: &str, key: &str, said: &str| {
        let text = asker.text(&format!("/set?k={key}&v=x&cache={cache}"));
        assert!(text.contains(said), "{cache}: {text}");
    };
    wrong(&format!("c@{address}"), "k", "has no cache called \"c\"");
    wrong(&format!("a@{address}"), "", "the key is empty");
    wrong("a@127.0.0.1:1", "k", "cannot connect: dial tcp 127.0.0.1:1");
    wrong("a@nowhere", "k", "expected host:port or the path of a unix socket");
    wrong(&format!("a@{}", scratch.text("no.sock")), "k", "cannot connect: dial unix");
    // The first cache there, over a connection that a reload has ended meanwhile.
    assert_eq!(asker.text(&format!("/set?k=k&v=first&cache=@{address}")), "ok");
    keeper.signal(Signal::HUP);
    keeper.wait_for_log("the reload is complete");
    assert_eq!(asker.text(&format!("/get?k=k&cache=@{address}")), "value \"first\"");
}

fn a_worker_that_is_killed_costs_its_connections(toolchain: Toolchain) {
    let server = launch()
        .on_loopback()
        .load(&app(toolchain, "services"))
        .with(CACHES)
        .with(["--rpc-socket=127.0.0.1:0"])
        .start();
    let scratch = Scratch::new();
    let (cache, node) = (served(&server, "cache"), served(&server, "rpc"));
    let mut half = connect(&cache);
    let whole = order(&[("cmd", "update"), ("key", "k")], b"value");
    half.send(&whole[..whole.len() - 1]).unwrap();
    let file = scratch.text("dead");
    let waiting = std::thread::spawn({
        let node = node.clone();
        move || did(&["rpc", "--timeout", "60", &node, "wait", &file], b"")
    });
    scratch.wait_for("dead.entered");
    let victim = server.worker_pids()[0];
    kill(victim, Signal::KILL);
    let (code, _, said) = waiting.join().unwrap();
    assert!(code == 2 && (said.contains("closed the connection") || said.contains("reset")), "{said}");
    assert!(matches!(half.receive_to_end().as_deref(), Ok([]) | Err(_)));
    eventually("another worker is there", || {
        server.worker_pids().iter().any(|pid| *pid != victim).then_some(())
    });
    let mut client = connect(&cache);
    assert_eq!(
        asked(&mut client, &[("cmd", "exists"), ("key", "k")], b"").split(' ').next(),
        Some("status=missing")
    );
    assert_eq!(asked(&mut client, &[("cmd", "update"), ("key", "k")], b"value"), "status=ok");
    assert_eq!(did(&["rpc", "--timeout", "20", &node, "echo", "x"], b"").0, 0);
}

fn signals_come_from_outside(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = launch()
        .load(&app(toolchain, "services"))
        .environment("SIGNAL_FILE", &scratch.text("raised"))
        .with(["--signal-socket=127.0.0.1:0"])
        .start();
    let mut client = connect_to(&server, "signal");
    client.send([packet(110, b"", 18), packet(110, b"", 17)].concat()).unwrap();
    assert_eq!(client.receive_bytes(8).unwrap(), [255, 0, 0, 0, 255, 0, 0, 1]);
    scratch.wait_for("raised");
    std::fs::remove_file(scratch.path("raised")).unwrap();
    assert_eq!(did(&["signal", &served(&server, "signal"), "17"], b""), (0, Vec::new(), String::new()));
    scratch.wait_for("raised");
}

fn the_example_asks_its_other_half(toolchain: Toolchain) {
    let library = app(toolchain, "rpc");
    let back = launch()
        .load(&library)
        .with(["--rpc-socket=127.0.0.1:0", "--cache-socket=127.0.0.1:0"])
        .with(["--cache2=name=results,items=1000,blocksize=256"])
        .goroutines(4)
        .start();
    let front = launch()
        .on_loopback()
        .load(&library)
        .with([
            format!("--env=BACK={}", served(&back, "rpc")),
            format!("--env=BACK_CACHE={}", served(&back, "cache")),
        ])
        .start();
    assert_eq!(front.text("/factorial?n=20"), "2432902008176640000\n");
    assert_eq!(front.text("/factorial?n=20"), "2432902008176640000 (it was there)\n");
    let refused = front.get("/factorial?n=-1");
    assert!(
        refused.status == 400 && refused.text().contains("is no number from 0 to 2000"),
        "{}",
        refused.text()
    );
    assert_eq!(back.stop(), 0);
    let alone = front.get("/factorial?n=20");
    assert!(alone.status == 502 && alone.text().contains("cannot connect"), "{}", alone.text());
}

#[test]
fn the_example_runs_by_itself() {
    let (program, address) = Program::start(Toolchain::Go, "rpc", &[]);
    let get = |path: &str| Client::connect(&address).unwrap().get(path).unwrap().text();
    assert_eq!(get("/factorial?n=5"), "120\n");
    assert_eq!(get("/factorial?n=5"), "120 (it was there)\n");
    drop(program);
}

fn the_old_functions_say_nothing_and_log_why(toolchain: Toolchain) {
    let server = launch().on_loopback().load(&app(toolchain, "services")).start();
    for _ in 0..10 {
        assert_eq!(server.text("/get?k=k&cache=a@127.0.0.1:1"), "\"\"");
    }
    server.wait_for_log("uwsgi: cache \"a\" at 127.0.0.1:1: cannot connect: ");
    assert!(Path::new("/proc").exists() && server.lines_with("cannot connect") < 10, "{}", server.log());
}
