//! The same application in every shape: a library, an executable that carries its server, one that is linked with it.

use std::path::PathBuf;
use std::process::Command;

use goherd_tests::{
    Launch, Place, Scratch, Server, Shape, Toolchain, all_by_gccgo_called, app, every_go, installed, launch,
    launch_of, shaped, shaped_by, shaped_by_gccgo, shaped_by_gccgo_called, skip, skip_for_want_of,
    with_both_toolchains, with_every_go,
};

/// The example answers, whatever surrounds it.
fn answers(launch: Launch) -> Server {
    let server = launch.on_loopback().goroutines(10).processes(2).start();
    let worker = server.text("/json");
    assert!(worker.contains("\"worker\":1,") || worker.contains("\"worker\":2,"), "{worker}");
    assert!(server.get("/").text().contains("Hello from worker"));
    assert_eq!(server.text("/greet?name=Gopher%20%C3%A9"), "Hello, Gopher é!\n");
    assert_eq!(server.get("/greet").status, 400);
    assert_eq!(server.get("/nowhere").status, 404);
    server
}

with_both_toolchains!(
    the_example_is_served_as_a_library,
    the_example_is_served_as_an_executable_with_its_server,
    the_example_is_served_as_an_executable_linked_with_the_server,
    a_program_of_c_is_a_server,
);

fn the_example_is_served_as_a_library(toolchain: Toolchain) {
    assert_eq!(answers(launch().load(&app(toolchain, "hello"))).stop(), 0);
}

fn the_example_is_served_as_an_executable_with_its_server(toolchain: Toolchain) {
    let server = answers(launch_of(&shaped(toolchain, Shape::Monolith, "hello")));
    server.wait_for_log("the server and its application in one program");
    assert_eq!(server.stop(), 0);
}

fn the_example_is_served_as_an_executable_linked_with_the_server(toolchain: Toolchain) {
    assert_eq!(answers(launch_of(&shaped(toolchain, Shape::Linked, "hello"))).stop(), 0);
}

#[test]
fn every_go_at_hand_builds_an_executable_with_its_server() {
    with_every_go(|go| drop(answers(launch_of(&shaped_by(go, Shape::Monolith, "hello", &[], &[])))));
}

#[test]
fn a_stripped_executable_with_its_server() {
    Toolchain::Go.run(|_| {
        let arguments = ["-ldflags=-s -w", "-trimpath"];
        answers(launch_of(&shaped_by(&every_go()[0], Shape::Monolith, "hello", &arguments, &[])));
    });
}

#[test]
fn an_executable_with_its_server_and_the_race_detector() {
    Toolchain::Go.run(|_| {
        answers(launch_of(&shaped_by(&every_go()[0], Shape::Monolith, "hello", &["-race"], &[])));
    });
}

#[test]
fn an_executable_with_its_server_and_libgo() {
    Toolchain::Gccgo.run(|_| {
        answers(launch_of(&shaped_by_gccgo(Shape::Monolith, "hello", &["-static-libgo"])));
    });
}

/// The gccgo that the server was built with: others have another libgo, and need a server of their own.
fn gccgo_of_the_server() -> Option<String> {
    let package = installed().join("lib/libuwsgi-gccgo.so");
    let told = Command::new(Place::Binary.path()).arg("inspect").arg(package).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    let version =
        told.lines().find_map(|line| line.strip_prefix("toolchain")?.trim().strip_prefix("gccgo "))?;
    Some(format!("gccgo-{}", version.split('.').next()?))
}

#[test]
fn gccgo_by_its_version() {
    let of_the_server = gccgo_of_the_server();
    for name in (11..=15).map(|version| format!("gccgo-{version}")) {
        if Command::new(&name).arg("--version").output().is_err() {
            skip(&format!("{name} is not installed"));
        } else if of_the_server.as_ref() != Some(&name) {
            let (server, library, program) = all_by_gccgo_called(&name, "hello");
            answers(launch().program(&server).load(&library));
            answers(launch_of(&program));
        } else {
            answers(launch_of(&shaped_by_gccgo_called(&name, Shape::Monolith, "hello", &[])));
        }
    }
}

/// Compiles the example in C with what pkg-config says of the installed library.
fn c_program(scratch: &Scratch) -> PathBuf {
    let (source, out) = ("examples/c/server.c", scratch.path("server"));
    let line = format!(r#"cc -Wall -Werror -o "$0" {source} $(pkg-config --cflags --libs goherd)"#);
    let prefix = installed();
    let mut shell = Command::new("sh");
    shell.current_dir(Place::Workspace.path()).arg("-c").arg(line).arg(&out);
    // The tests' prefix stands in another folder.
    shell.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
    shell.env("PKG_CONFIG_SYSROOT_DIR", prefix.ancestors().nth(2).unwrap());
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    out
}

fn a_program_of_c_is_a_server(toolchain: Toolchain) {
    if Command::new("pkg-config").arg("--version").output().is_err() {
        return skip_for_want_of("pkg-config");
    }
    let scratch = Scratch::new();
    let program = c_program(&scratch);
    let launch = launch_of(&program).environment("ADDRESS", "127.0.0.1:0");
    let server = launch.load(&app(toolchain, "hello")).processes(2).start();
    assert_eq!(server.text("/greet?name=C"), "Hello, C!\n");
    assert_eq!(server.stop(), 0);
    let failure = launch_of(&program).load(&scratch.path("missing.so")).failure();
    failure.is_one_line_with(&["go-load", "missing.so"]);
}
