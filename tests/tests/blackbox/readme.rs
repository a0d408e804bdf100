//! The lines of the README that build each shape, run as they stand: but for the address, and the folder of the installation.

use std::fs;
use std::path::Path;
use std::process::Command;

use goherd_tests::{Place, Scratch, Toolchain, app, copy_source, installed, launch_of, skip_for_want_of};

/// The blocks of lines under the heading.
fn blocks() -> Vec<String> {
    let readme = fs::read_to_string(Place::Workspace.path().join("README.md")).unwrap();
    let section =
        readme.split("\n## ").find(|section| section.starts_with("Every shape\n")).unwrap().to_owned();
    let blocks = section.split("```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().trim_end().to_owned()).collect()
}

/// A folder with the application that the README speaks of.
fn folder(of_c: bool) -> Scratch {
    let scratch = Scratch::new();
    copy_source("hello", scratch.folder());
    fs::rename(scratch.path("hello.go"), scratch.path("app.go")).unwrap();
    if of_c {
        // The go command takes a file of C beside its own for a part of the program.
        fs::copy(Place::Workspace.path().join("examples/c/server.c"), scratch.path("server.c")).unwrap();
        fs::copy(app(Toolchain::Go, "hello"), scratch.path("app.so")).unwrap();
    }
    scratch
}

/// Runs all lines but the last, in a shell that finds what is installed.
fn build(lines: &str, folder: &Path) {
    let prefix = installed();
    let path = format!("{}:{}", prefix.join("bin").display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    shell
        .current_dir(folder)
        .args(["-ec", &lines.replace("/usr/local", prefix.to_str().unwrap())])
        .env("PATH", path);
    shell.envs([("GOTOOLCHAIN", "local"), ("GOFLAGS", "-buildvcs=false"), ("GOWORK", "off")]);
    shell.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
    shell.env("PKG_CONFIG_SYSROOT_DIR", prefix.ancestors().nth(2).unwrap());
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{lines}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// Does what a block says, and asks the server of its last line.
fn execute(block: &str) {
    let lines: Vec<&str> = block.lines().collect();
    assert!(lines.len() <= 5, "more than five lines:\n{block}");
    let (last, before) = lines.split_last().unwrap();
    let scratch = folder(block.contains("server.c"));
    build(&before.join("\n"), scratch.folder());
    let (program, arguments) = last.split_once(' ').unwrap();
    let program = match program.strip_prefix("./") {
        Some(name) => scratch.path(name),
        None => installed().join("bin").join(program),
    };
    let arguments = arguments.replace(":8080", "127.0.0.1:0");
    let workers = arguments.split_once("--processes ").map_or(1, |(_, number)| number.parse().unwrap());
    let launch = launch_of(&program).environment("ADDRESS", "127.0.0.1:0").in_folder(scratch.folder());
    let server = launch.with(arguments.split(' ')).expect_workers(workers).start();
    assert_eq!(server.text("/greet?name=Reader"), "Hello, Reader!\n", "{block}");
    assert_eq!(server.stop(), 0);
}

#[test]
fn each_shape_is_built_and_served_by_the_lines_of_the_readme() {
    Toolchain::Go.run(|_| {
        Toolchain::Gccgo.run(|_| {
            if Command::new("pkg-config").arg("--version").output().is_err() {
                return skip_for_want_of("pkg-config");
            }
            let blocks = blocks();
            assert_eq!(blocks.len(), 7, "{blocks:?}");
            blocks.iter().for_each(|block| execute(block));
        });
    });
}
