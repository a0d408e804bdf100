//! Sockets that whoever starts the server hands over, as systemd does.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;

use goherd_tests::{Address, Client, Front, Launch, Scratch, Toolchain, app, launch, with_both_toolchains};

with_both_toolchains!(
    a_socket_that_is_handed_over_needs_no_option,
    each_is_served_with_the_protocol_of_its_name,
    applications_see_nothing_of_it,
);

fn tcp() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn loading(toolchain: Toolchain) -> Launch {
    launch().load(&app(toolchain, "probe"))
}

fn over(front: Front, address: &Address, path: &str) -> String {
    let mut client = Client::connect(address).unwrap();
    client.send(front.request("GET", path, b"")).unwrap();
    front.unpack(&client.receive_to_end().unwrap()).text()
}

fn a_socket_that_is_handed_over_needs_no_option(toolchain: Toolchain) {
    let (listener, address) = tcp();
    let server = loading(toolchain).hand_over(listener, "http").processes(2).start();
    assert_eq!(server.addresses(), [Address::Inet(address)]);
    for _ in 0..10 {
        assert_eq!(server.text("/"), "hello from the probe\n");
    }
    assert_eq!(server.stop(), 0);
}

fn each_is_served_with_the_protocol_of_its_name(toolchain: Toolchain) {
    let (first, second) = (tcp(), tcp());
    let server =
        loading(toolchain).on_loopback().hand_over(first.0, "fastcgi").hand_over(second.0, "uwsgi").start();
    assert_eq!(server.addresses()[1..], [Address::Inet(first.1), Address::Inet(second.1)]);
    assert_eq!(server.text("/"), "hello from the probe\n");
    for (front, address) in [(Front::FastCgi, first.1), (Front::Uwsgi, second.1)] {
        assert_eq!(over(front, &Address::Inet(address), "/"), "hello from the probe\n", "{front:?}");
    }
}

fn applications_see_nothing_of_it(toolchain: Toolchain) {
    let server = loading(toolchain).hand_over(tcp().0, "http").start();
    for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] {
        assert_eq!(server.get(&format!("/env?name={name}")).status, 404, "{name}");
    }
    let child = server.text("/spawn");
    let descriptors = std::fs::read_dir(format!("/proc/{child}/fd")).unwrap();
    let sockets = descriptors.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok());
    let sockets: Vec<_> = sockets.filter(|link| link.to_string_lossy().starts_with("socket:")).collect();
    assert!(sockets.is_empty(), "the child of a handler has {sockets:?}");
}

#[test]
fn one_that_is_named_as_well_is_used_in_its_place() {
    let (listener, address) = tcp();
    let server =
        launch().hand_over(listener, "whatever").with(["--scgi-socket", &address.to_string()]).start();
    assert_eq!(server.addresses(), [Address::Inet(address)]);
    server.wait_for_log(&format!("listening on {address} (scgi)"));
    assert!(over(Front::Scgi, &Address::Inet(address), "/").starts_with("404"));
}

#[test]
fn a_socket_file_stays_the_one_that_it_is() {
    let scratch = Scratch::new();
    let path = scratch.path("app.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let file = || std::fs::metadata(&path).map(|file| (file.ino(), file.mode(), file.uid())).unwrap();
    let before = file();
    let named = ["--chdir", &scratch.text(""), "--http-socket", "app.sock", "--chmod-socket=600"];
    let server = launch().hand_over(listener, "").with(named).start();
    assert_eq!((server.addresses(), file()), (vec![Address::Unix(path.clone())], before));
    assert_eq!(server.get("/").status, 404);
}

#[test]
fn one_for_both_families_serves_ipv4() {
    let Ok(listener) = TcpListener::bind("[::]:0") else {
        return goherd_tests::skip("this machine has no IPv6");
    };
    let port = listener.local_addr().unwrap().port();
    let server = launch().hand_over(listener, "").with(["--http-socket", &format!(":{port}")]).start();
    assert_eq!(server.addresses().len(), 1);
    let address = Address::Inet(([127, 0, 0, 1], port).into());
    assert_eq!(Client::connect(&address).unwrap().get("/").unwrap().status, 404);
}

#[test]
fn one_of_another_name_speaks_http_and_the_log_says_so() {
    let (listener, address) = tcp();
    let server = launch().hand_over(listener, "goherd.socket").start();
    let line = server.wait_for_log("is called \"goherd.socket\"");
    assert!(line.contains(&address.to_string()) && line.contains("serving HTTP"), "{line}");
    assert_eq!(server.get("/").status, 404);
}

#[test]
fn those_of_another_process_are_left_alone() {
    let (listener, address) = tcp();
    let server = launch().hand_over(listener, "http").environment("LISTEN_PID", "1").on_loopback().start();
    assert_eq!(server.addresses().len(), 1);
    assert_ne!(server.address(), Address::Inet(address));
    let alone = launch().hand_over(tcp().0, "http").environment("LISTEN_PID", "1");
    alone.failure().is_one_line_with(&["there is nothing to listen on"]);
}

#[test]
fn what_is_malformed_is_told() {
    let handed = || launch().hand_over(tcp().0, "http");
    let refused = |launch: Launch, words: &[&str]| launch.failure().is_one_line_with(words);
    refused(handed().environment("LISTEN_FDS", "many"), &["LISTEN_FDS is \"many\"", "no number"]);
    refused(handed().environment("LISTEN_FDS", "-1"), &["LISTEN_FDS is \"-1\""]);
    refused(handed().environment("LISTEN_FDNAMES", "a:b"), &["LISTEN_FDNAMES has 2 names for the 1"]);
    let more = handed().environment("LISTEN_FDS", "2").environment("LISTEN_FDNAMES", "a:b");
    refused(more, &["LISTEN_FDS", "the descriptor 4", "Bad file descriptor"]);
    let file = launch().hand_over(File::open("/dev/null").unwrap(), "http");
    refused(file, &["LISTEN_FDS", "the descriptor 3", "non-socket", "Accept=no"]);
    let (listener, address) = tcp();
    let connection = std::net::TcpStream::connect(address).unwrap();
    refused(launch().hand_over(connection, "http"), &["the descriptor 3", "listens for stream connections"]);
    drop(listener);
}
