//! The same program without a server: `uwsgi.Run()` serves plain net/http.

use std::io::Read;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use goherd_tests::{Address, Client, Toolchain, eventually, go_program};

/// A process that ends with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ended_already = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// A port that is free at the moment.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn start(port: u16) -> Program {
    let mut command = Command::new(go_program("probe"));
    command.env("PORT", port.to_string()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    Program(command.spawn().unwrap())
}

/// Starts the program and connects to it; somebody else may take the port first, then it is `None`.
fn start_and_connect(port: u16) -> Option<(Program, Client)> {
    let mut program = start(port);
    let address = Address::Inet(([127, 0, 0, 1], port).into());
    eventually("the program serves or ends", || match Client::connect(&address) {
        Ok(client) if program.0.try_wait().unwrap().is_none() => Some(Some(client)),
        _ => program.0.try_wait().unwrap().map(|_ended| None),
    })
    .map(|client| (program, client))
}

#[test]
fn a_plain_program_serves_net_http_on_the_port_of_the_environment() {
    Toolchain::Go.run(|_| {
        let (mut program, mut client) = eventually("a port is free", || start_and_connect(free_port()));
        assert_eq!(client.get("/").unwrap().text(), "hello from the probe\n");
        assert_eq!(client.get("/worker").unwrap().text(), "0");
        program.0.kill().unwrap();
        let mut said = String::new();
        program.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(
            said.contains("uwsgi: no server around: serving plain net/http on http://localhost:"),
            "{said}"
        );
    });
}

#[test]
fn a_plain_program_says_why_it_cannot_serve() {
    Toolchain::Go.run(|_| {
        let taken = TcpListener::bind("0.0.0.0:0").unwrap();
        let mut program = start(taken.local_addr().unwrap().port());
        let mut said = String::new();
        program.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(program.0.wait().unwrap().code(), Some(1));
        assert!(said.contains("address already in use") && said.contains("PORT"), "{said}");
    });
}
