//! The same program without a server: `uwsgi.Run()` serves plain net/http.

use std::net::TcpListener;

use goherd_tests::{Client, Program, Toolchain, with_both_toolchains};

with_both_toolchains!(
    a_plain_program_serves_net_http_on_the_port_of_the_environment,
    a_plain_program_says_why_it_cannot_serve,
);

fn a_plain_program_serves_net_http_on_the_port_of_the_environment(toolchain: Toolchain) {
    let (program, address) = Program::start(toolchain, "probe", &[]);
    let mut client = Client::connect(&address).unwrap();
    assert_eq!(client.get("/").unwrap().text(), "hello from the probe\n");
    assert_eq!(client.get("/worker").unwrap().text(), "0");
    let said = program.end();
    assert!(said.contains("uwsgi: no server around: serving plain net/http on http://localhost:"), "{said}");
}

fn a_plain_program_says_why_it_cannot_serve(toolchain: Toolchain) {
    let taken = TcpListener::bind("0.0.0.0:0").unwrap();
    let (code, said) = Program::begin(toolchain, "probe", taken.local_addr().unwrap().port(), &[]).ended();
    assert_eq!(code, Some(1));
    assert!(said.contains("address already in use") && said.contains("PORT"), "{said}");
}
