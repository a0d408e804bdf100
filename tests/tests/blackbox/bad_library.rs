//! Libraries that cannot be served: each is an error at start, in one line that names the file, with exit code 1.

use std::fs;
use std::path::Path;
use std::process::Command;

use goherd_tests::{
    Failure, Place, Scratch, Shape, Toolchain, app, c_library, every_go, launch, library_of_version, program,
    renamed, shaped, shaped_by, skip, with_both_toolchains,
};

fn load(libraries: &[&Path]) -> Failure {
    libraries.iter().fold(launch().on_loopback(), |launch, library| launch.load(library)).failure()
}

/// The server refuses `library`, names it, and says `words`.
fn refused(library: &Path, words: &[&str]) {
    let name = library.to_str().unwrap();
    load(&[library]).is_one_line_with(&[&["go-load: ", name], words].concat());
}

#[test]
fn a_missing_file() {
    refused(&Scratch::new().path("missing.so"), &["cannot be read: No such file", "check the path"]);
}

#[test]
fn a_folder() {
    refused(Scratch::new().folder(), &["cannot be read: Is a directory"]);
}

#[test]
fn a_text_file() {
    let scratch = Scratch::new();
    refused(&scratch.write("app.so", "package main\n"), &["is not a shared library", "no ELF header"]);
}

#[test]
fn an_empty_file() {
    let scratch = Scratch::new();
    refused(&scratch.write("app.so", ""), &["is empty"]);
}

#[test]
fn a_library_that_is_not_go_s() {
    match c_library("notgo") {
        Some(library) => {
            refused(&library, &["not one of Go", "go build -buildmode=c-shared", "gccgo -fPIC -shared"]);
        }
        None => skip("gcc is not installed"),
    }
}

/// The offset of the class (32 or 64 bits) in an ELF header.
const CLASS: usize = 4;
/// The offset of the machine in an ELF header.
const MACHINE: usize = 18;

/// A copy of an application with one byte of its header changed.
fn patched(toolchain: Toolchain, scratch: &Scratch, offset: usize, byte: u8) -> std::path::PathBuf {
    let mut bytes = fs::read(app(toolchain, "probe")).unwrap();
    assert_ne!(bytes[offset], byte);
    bytes[offset] = byte;
    scratch.write("app.so", bytes)
}

with_both_toolchains!(
    a_library_for_a_32_bit_machine,
    a_library_for_another_machine,
    a_library_cut_off_in_the_middle,
    a_library_without_the_package,
    an_executable,
    an_executable_with_a_server_of_its_own,
);

fn a_library_for_a_32_bit_machine(toolchain: Toolchain) {
    let scratch = Scratch::new();
    refused(&patched(toolchain, &scratch, CLASS, 1), &["32-bit", std::env::consts::ARCH]);
}

fn a_library_for_another_machine(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let riscv = 243;
    refused(
        &patched(toolchain, &scratch, MACHINE, riscv),
        &["built for another machine (Riscv64)", std::env::consts::ARCH],
    );
}

fn a_library_cut_off_in_the_middle(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let bytes = fs::read(app(toolchain, "probe")).unwrap();
    refused(&scratch.write("app.so", &bytes[..bytes.len() / 2]), &["is a damaged library"]);
}

fn a_library_without_the_package(toolchain: Toolchain) {
    refused(
        &app(toolchain, "nouwsgi"),
        &["does not use the package uwsgi", "import \"uwsgi\"", "call uwsgi.Run()"],
    );
}

fn an_executable(toolchain: Toolchain) {
    refused(&program(toolchain, "probe"), &["is an executable, not a shared library", "-buildmode=c-shared"]);
}

fn an_executable_with_a_server_of_its_own(toolchain: Toolchain) {
    for shape in [Shape::Monolith, Shape::Linked] {
        let words = ["is an executable with a server of its own", "without go-load"];
        refused(&shaped(toolchain, shape, "hello"), &words);
    }
}

#[test]
fn a_library_with_a_server_of_its_own() {
    Toolchain::Go.run(|_| {
        for shape in [Shape::Monolith, Shape::Linked] {
            let library = shaped_by(&every_go()[0], shape, "hello", &["-buildmode=c-shared"], &[]);
            refused(&library, &["is a library with a server of its own", "without uwsgi/embed"]);
        }
    });
}

#[test]
fn a_library_for_another_version_of_the_interface() {
    Toolchain::Go.run(|_| {
        let words = ["was built for version 1 ", "rebuild the application"];
        refused(&library_of_version("hello", 1), &words);
        let words = ["was built for version 1000 ", "rebuild the server"];
        refused(&library_of_version("hello", 1000), &words);
    });
}

#[test]
fn a_library_for_another_libgo() {
    Toolchain::Gccgo.run(|toolchain| {
        let bytes = renamed(&fs::read(app(toolchain, "hello")).unwrap(), b"libgo.so.", b"99");
        let scratch = Scratch::new();
        refused(&scratch.write("app.so", bytes), &["needs libgo.so.99", "use the same gccgo for both"]);
    });
}

/// A server and a library that were made by a gccgo whose libgo nobody has.
#[test]
fn a_machine_without_libgo() {
    Toolchain::Gccgo.run(|toolchain| {
        let scratch = Scratch::new();
        let patched = |name: &str, file: &Path| {
            scratch.install_written(renamed(&fs::read(file).unwrap(), b"libgo.so.", b"99"), name)
        };
        let (server, library) =
            (patched("goherd", &Place::Binary.path()), patched("app.so", &app(toolchain, "hello")));
        let failure = launch().program(&server).on_loopback().load(&library).failure();
        failure.ends_with(&["cannot be loaded", "libgo.so.99", "apt install libgo99"]);
    });
}

/// A library that was compiled beside another package `uwsgi` than the server's.
#[test]
fn a_library_for_another_package() {
    Toolchain::Gccgo.run(|_| {
        let scratch = Scratch::new();
        let compile = |name: &str, text: &str, args: &[&str]| {
            let mut gccgo = Command::new("gccgo");
            gccgo.current_dir(scratch.folder()).arg("-fPIC").args(args).arg(scratch.write(name, text));
            assert!(gccgo.status().unwrap().success());
        };
        let package = "package uwsgi\n\nfunc Run() {}\n\nfunc Novelty() {}\n";
        compile("uwsgi.go", package, &["-c", "-fgo-pkgpath=uwsgi", "-o", "uwsgi.o"]);
        let main = "package main\n\nimport \"uwsgi\"\n\nfunc main() {\n\tuwsgi.Novelty()\n\tuwsgi.Run()\n}\n";
        compile("app.go", main, &["-shared", "-I", ".", "-o", "app.so"]);
        let words = ["uses `uwsgi.Novelty`", "rebuild the application", "a server that is older"];
        refused(&scratch.path("app.so"), &words);
    });
}

#[test]
fn two_libraries_with_a_main() {
    Toolchain::Gccgo.run(|toolchain| {
        let (one, two) = (app(toolchain, "probe"), app(toolchain, "hello"));
        let words = [two.to_str().unwrap(), "has a main, and so has", one.to_str().unwrap()];
        load(&[&one, &two]).is_one_line_with(&words);
    });
}

#[test]
fn a_symbol_that_nobody_defines() {
    Toolchain::Gccgo.run(|toolchain| {
        let library = app(toolchain, "unresolved");
        let failure = launch().on_loopback().processes(3).load(&library).failure();
        failure.ends_with(&[
            "go-load: ",
            library.to_str().unwrap(),
            "undefined symbol: no_such_function_anywhere",
        ]);
        assert_eq!(failure.said.matches("undefined symbol").count(), 1, "said once:\n{}", failure.said);
        assert!(!failure.said.contains("replacing it"), "nobody is replaced:\n{}", failure.said);
    });
}

#[test]
fn two_libraries_of_standard_go() {
    Toolchain::Go.run(|toolchain| {
        let (one, two) = (app(toolchain, "probe"), app(toolchain, "hello"));
        let words = [two.to_str().unwrap(), "cannot join", one.to_str().unwrap(), "room for one library"];
        load(&[&one, &two]).is_one_line_with(&words);
    });
}

#[test]
fn libraries_of_both_toolchains() {
    Toolchain::Go.run(|_| {
        Toolchain::Gccgo.run(|_| {
            let (go, gccgo) = (app(Toolchain::Go, "probe"), app(Toolchain::Gccgo, "probe"));
            let words = [gccgo.to_str().unwrap(), "is made by gccgo and cannot join", go.to_str().unwrap()];
            load(&[&go, &gccgo]).is_one_line_with(&words);
            load(&[&gccgo, &go]).is_one_line_with(&words);
        });
    });
}

#[test]
fn no_library_where_one_is_needed() {
    launch().on_loopback().with(["--need-app"]).failure().is_one_line_with(&["need-app", "go-load"]);
    Toolchain::Gccgo.run(|toolchain| {
        let without_main = launch().on_loopback().with(["--need-app"]).load(&app(toolchain, "nomain"));
        without_main.failure().is_one_line_with(&["need-app", "no library with a Go main"]);
    });
}
