//! Where a server listens: TCP over both protocols, socket files, abstract names, several at a time.

use std::net::TcpListener;

use goherd_tests::{Address, Client, Scratch, Server, Toolchain, launch, skip, with_both_toolchains};

use crate::probe;

with_both_toolchains!(a_socket_file, an_abstract_socket, ipv6, several_sockets_at_once,);

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
