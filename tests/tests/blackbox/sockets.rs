//! Where a server listens: TCP over both protocols, socket files, abstract names, several at a time.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use goherd_tests::{Address, Client, Front, Scratch, Server, Toolchain, launch, skip, with_both_toolchains};

use crate::probe;

with_both_toolchains!(
    a_socket_file,
    an_abstract_socket,
    ipv6,
    several_sockets_at_once,
    sockets_of_all_protocols_at_once,
    a_proxy_tells_who_the_client_is,
);

fn ask(address: &Address, path: &str) -> String {
    Client::connect(address).unwrap().get(path).unwrap().text()
}

fn started(toolchain: Toolchain, sockets: &[&str]) -> Server {
    let library = goherd_tests::app(toolchain, "probe");
    sockets
        .iter()
        .fold(launch().load(&library), |launch, socket| launch.with(["--http-socket", socket]))
        .start()
}

fn a_socket_file(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let path = scratch.text("app.sock");
    let server = started(toolchain, &[&path]);
    assert_eq!(server.addresses(), [Address::Unix(path.clone().into())]);
    assert_eq!(server.text("/"), "hello from the probe\n");
    assert!(server.text("/request").contains(" remote=@ "), "{}", server.text("/request"));
    assert_eq!(server.stop(), 0);
    let next = started(toolchain, &[&path]);
    assert_eq!(next.text("/"), "hello from the probe\n");
}

fn an_abstract_socket(toolchain: Toolchain) {
    let name = format!("goherd-test-{}-{}", std::process::id(), toolchain.name());
    let server = started(toolchain, &[&format!("@{name}")]);
    assert_eq!(server.addresses(), [Address::Abstract(name)]);
    assert_eq!(server.text("/"), "hello from the probe\n");
}

fn ipv6(toolchain: Toolchain) {
    if TcpListener::bind("[::1]:0").is_err() {
        return skip("this machine has no IPv6");
    }
    let server = started(toolchain, &["[::1]:0"]);
    assert!(
        matches!(server.address(), Address::Inet(address) if address.is_ipv6()),
        "{:?}",
        server.address()
    );
    assert!(server.text("/request").contains(" remote=[::1]:"), "{}", server.text("/request"));
}

fn several_sockets_at_once(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = started(toolchain, &["127.0.0.1:0", &scratch.text("app.sock"), "localhost:0"]);
    let addresses = server.addresses();
    assert_eq!(addresses.len(), 3);
    for address in &addresses {
        assert_eq!(ask(address, "/"), "hello from the probe\n", "{address:?}");
    }
}

fn sockets_of_all_protocols_at_once(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let server = launch()
        .load(&goherd_tests::app(toolchain, "probe"))
        .with(["--scgi-socket", "127.0.0.1:0", "--http-socket", "127.0.0.1:0"])
        .with(["-s", &scratch.text("uwsgi.sock"), "--fastcgi-socket", "localhost:0"])
        .start();
    let [scgi, http, uwsgi, fastcgi] = server.addresses().try_into().unwrap();
    assert_eq!(ask(&http, "/"), "hello from the probe\n");
    for (front, address) in [(Front::Scgi, scgi), (Front::Uwsgi, uwsgi), (Front::FastCgi, fastcgi)] {
        let mut client = Client::connect(&address).unwrap();
        client.send(front.request("GET", "/", b"")).unwrap();
        let answer = front.unpack(&client.receive_to_end().unwrap());
        assert_eq!(answer.text(), "hello from the probe\n", "{front:?}");
    }
    for (words, count) in
        [("listening on http://127.0.0.1:", 1), (" (scgi)", 1), (" (uwsgi)", 1), (" (fastcgi)", 1)]
    {
        assert_eq!(server.lines_with(words), count, "{words}");
    }
}

fn permissions(path: &str) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn socket_files_get_the_permissions_of_chmod_socket() {
    let scratch = Scratch::new();
    let [http, uwsgi] = ["http.sock", "uwsgi.sock"].map(|name| scratch.text(name));
    let both = launch().with(["--http-socket", &http, "--uwsgi-socket", &uwsgi]);
    for (option, expected) in
        [("--chmod-socket=600", 0o600), ("--chmod-socket", 0o666), ("--chmod-socket=0711", 0o711)]
    {
        let server = both.clone().with([option]).start();
        assert_eq!([permissions(&http), permissions(&uwsgi)], [expected; 2], "{option}");
        assert_eq!(server.get("/").status, 404);
    }
    assert_eq!(launch().on_loopback().with(["--chmod-socket=660"]).start().get("/").status, 404);
}

#[test]
fn socket_files_get_the_owner_of_chown_socket() {
    if !rustix::process::geteuid().is_root() {
        return skip("only root can give files away");
    }
    let scratch = Scratch::new();
    let path = scratch.text("app.sock");
    let owner = || fs::metadata(&path).map(|file| (file.uid(), file.gid())).unwrap();
    let _server = launch().with(["--http-socket", &path, "--chown-socket", "4001:4002"]).start();
    assert_eq!(owner(), (4001, 4002));
    drop(_server);
    let _server = launch().with(["--http-socket", &path, "--chown-socket", "4003"]).start();
    assert_eq!(owner(), (4003, rustix::process::getegid().as_raw()));
}

#[test]
fn what_is_wrong_with_a_socket_file_is_said() {
    let listen =
        |option: &str, value: &str| launch().on_loopback().with([format!("--{option}={value}")]).failure();
    listen("chmod-socket", "rw").is_one_line_with(&["--chmod-socket=rw", "three octal digits, such as 660"]);
    listen("chown-socket", "nobody-of-this-name")
        .is_one_line_with(&["chown-socket", "there is no user called nobody-of-this-name"]);
    listen("chown-socket", "0:nobody-of-this-name").is_one_line_with(&["there is no group called"]);
    listen("uwsgi-socket", "192.0.2.1:1").is_one_line_with(&["uwsgi-socket: cannot listen on 192.0.2.1:1"]);
    let stray = launch().on_loopback().with(["--chmod-socket", "660"]).failure();
    stray.is_one_line_with(&["unexpected argument 660", "--chmod-socket=660"]);
}

#[test]
fn a_file_that_cannot_be_given_away_is_told() {
    if rustix::process::geteuid().is_root() {
        return skip("root can give files away");
    }
    let scratch = Scratch::new();
    let failure =
        launch().with(["--http-socket", &scratch.text("app.sock"), "--chown-socket", "0"]).failure();
    failure.is_one_line_with(&["chown-socket: cannot give", "Operation not permitted", "as root"]);
}

#[test]
fn a_socket_file_whose_server_was_killed_is_taken_over() {
    let scratch = Scratch::new();
    let path = scratch.text("app.sock");
    let first = launch().with(["--http-socket", &path]).start();
    first.signal(goherd_tests::Signal::KILL);
    first.wait_until_nobody_is_left();
    let second = launch().with(["--http-socket", &path]).start();
    assert_eq!(second.get("/").status, 404);
}

#[test]
fn a_client_s_address_is_the_remote_address() {
    Toolchain::Go.run(|toolchain| {
        let server = probe(toolchain).start();
        let told = server.text("/request");
        assert!(told.starts_with("GET /request HTTP/1.1 host=test remote=127.0.0.1:"), "{told}");
    });
}

/// A header of version 2 for a client at 192.0.2.7:4321.
const PROXY_V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\x7f\0\0\x01\x10\xe1\0\x50";

fn a_proxy_tells_who_the_client_is(toolchain: Toolchain) {
    let front = Front::Scgi;
    let server =
        probe(toolchain).with(["--http-enable-proxy-protocol", front.option(), "127.0.0.1:0"]).start();
    let requests = "GET /request HTTP/1.1\r\nHost: test\r\n\r\n".repeat(2);
    for header in [&b"PROXY TCP4 192.0.2.7 127.0.0.1 4321 80\r\n"[..], PROXY_V2] {
        let mut client = server.connect();
        client.send([header, requests.as_bytes()].concat()).unwrap();
        for _ in 0..2 {
            let told = client.receive().unwrap().text();
            assert!(told.contains(" remote=192.0.2.7:4321 "), "{told}");
        }
    }
    for refused in ["GET / HTTP/1.1\r\nHost: test\r\n\r\n", "PROXY TCP4 nobody\r\n"] {
        let mut client = server.connect();
        client.send(refused).unwrap();
        assert_eq!(client.receive_to_end().unwrap_or_default(), b"", "{refused}");
    }
    let mut behind_a_web_server = Client::connect(&server.addresses()[1]).unwrap();
    behind_a_web_server.send(front.request("GET", "/", b"")).unwrap();
    assert_eq!(front.unpack(&behind_a_web_server.receive_to_end().unwrap()).status, 200);
}
