//! An application without a server: a plain executable that serves net/http.

use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use crate::client::Address;
use crate::wait::eventually;
use crate::{Client, Toolchain, program};

/// A process that ends with the test.
#[derive(Debug)]
pub struct Program {
    child: Child,
    stderr: Option<JoinHandle<String>>,
}

impl Program {
    /// Starts the application `name` on a port, and waits for nothing.
    #[must_use]
    pub fn begin(toolchain: Toolchain, name: &str, port: u16, environment: &[(&str, &Path)]) -> Self {
        Self::begin_file(&program(toolchain, name), port, environment, &[])
    }

    fn begin_file(program: &Path, port: u16, environment: &[(&str, &Path)], args: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(args).env("PORT", port.to_string()).envs(environment.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let said = std::thread::spawn(move || {
            let mut said = String::new();
            let _no_text = stderr.read_to_string(&mut said);
            said
        });
        Self { child, stderr: Some(said) }
    }

    /// Starts the application `name` on a port that is free, and waits until it serves.
    #[must_use]
    pub fn start(toolchain: Toolchain, name: &str, environment: &[(&str, &Path)]) -> (Self, Address) {
        Self::start_file(&program(toolchain, name), environment, &[])
    }

    /// The same with an executable, and arguments for it.
    #[must_use]
    pub fn start_file(program: &Path, environment: &[(&str, &Path)], args: &[&str]) -> (Self, Address) {
        // Somebody else may take the port first: then the program ends, and another is tried.
        eventually("a port is free", || {
            let address = Address::Inet(([127, 0, 0, 1], free_port()).into());
            let mut program = Self::begin_file(program, port_of(&address), environment, args);
            let serves = eventually("the program serves or ends", || match Client::connect(&address) {
                Ok(_) if !program.has_ended() => Some(true),
                _ => program.has_ended().then_some(false),
            });
            serves.then_some((program, address))
        })
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits until it ends by itself; gives its exit code, and what it wrote to stderr.
    pub fn ended(mut self) -> (Option<i32>, String) {
        let status = eventually("the program ends", || self.child.try_wait().unwrap());
        (status.code(), self.said())
    }

    /// Ends it; gives what it wrote to stderr.
    pub fn end(mut self) -> String {
        self.child.kill().unwrap();
        self.said()
    }

    fn said(&mut self) -> String {
        self.stderr.take().map(|said| said.join().unwrap()).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn port_of(address: &Address) -> u16 {
    match address {
        Address::Inet(address) => address.port(),
        other => panic!("{other:?} has no port"),
    }
}
