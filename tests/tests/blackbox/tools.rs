//! The tools: `goherd build`, `goherd new`, `goherd inspect`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use goherd_tests::{
    Place, Scratch, Shape, Toolchain, app, installed, launch, launch_of, program, renamed, shaped,
    with_both_toolchains,
};

/// The installed command. It is not to ask for modules on the network.
fn goherd_in(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(installed().join("bin/goherd"));
    command.current_dir(folder).args(args).env("GOFLAGS", "-buildvcs=false").env("GOTOOLCHAIN", "local");
    command.env("GOPROXY", "off");
    command
}

/// Runs it.
fn goherd(folder: &Path, args: &[&str]) -> Output {
    goherd_in(folder, args).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The same, which must succeed; gives what it printed.
fn done(folder: &Path, args: &[&str]) -> String {
    let output = goherd(folder, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
    said(&output)
}

/// The same, which must fail; gives what it said.
fn refused(folder: &Path, args: &[&str]) -> String {
    let output = goherd(folder, args);
    assert_eq!(output.status.code(), Some(1), "{args:?}: {}", said(&output));
    said(&output)
}

fn example() -> PathBuf {
    Place::Workspace.path().join("examples/hello")
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-r").args([from, to]).status().unwrap();
    assert!(copied.success());
}

/// All files in a folder and its folders.
fn all_in(folder: &Path) -> String {
    let output = Command::new("find").arg(folder).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

with_both_toolchains!(
    build_makes_a_library,
    build_makes_an_executable_with_its_server,
    build_finds_packages_of_the_application_and_vendored_ones,
    build_finds_the_modules_of_a_workspace,
    build_puts_an_ini_file_into_an_executable,
    build_shows_what_the_compiler_says,
    inspect_says_what_a_file_is,
);

fn build_makes_a_library(toolchain: Toolchain) {
    let (scratch, before) = (Scratch::new(), names_in(&example()));
    let example_folder = example();
    let args = ["build", "--toolchain", toolchain.name(), example_folder.to_str().unwrap()];
    let told = done(scratch.folder(), &args);
    assert!(
        told.contains("goherd: building hello.so with g") && told.contains("goherd: built hello.so in "),
        "{told}"
    );
    assert_eq!(names_in(scratch.folder()), ["hello.so"]);
    assert_eq!(names_in(&example()), before, "nothing is written into the application's folder");
    let server = launch().on_loopback().load(&scratch.path("hello.so")).start();
    assert_eq!(server.text("/greet?name=x"), "Hello, x!\n");
}

fn build_makes_an_executable_with_its_server(toolchain: Toolchain) {
    let (scratch, example) = (Scratch::new(), example());
    let (out, name) = (scratch.text("app"), toolchain.name());
    done(&example, &["build", "--toolchain", name, "--shape", "mono", "-o", &out]);
    let server = launch_of(&scratch.path("app")).on_loopback().start();
    assert_eq!(server.text("/greet?name=x"), "Hello, x!\n");
    assert_eq!(server.stop(), 0);
}

fn build_finds_packages_of_the_application_and_vendored_ones(toolchain: Toolchain) {
    let scratch = Scratch::new();
    let (app, out) = (scratch.path("my app"), scratch.path("my files"));
    fs::create_dir(&out).unwrap();
    copy(&Place::Workspace.path().join("tests/apps/parts"), &app);
    let before = all_in(&app);
    let args = ["build", "--toolchain", toolchain.name(), "my app/cmd/site", "--shape", "mono"];
    done(scratch.folder(), &[&args[..], &["-o", "my files"]].concat());
    assert_eq!(all_in(&app), before, "nothing is written into the application's folder");
    assert_eq!(names_in(&out), ["site"]);
    let server = launch_of(&out.join("site")).on_loopback().start();
    assert_eq!(server.text("/greet?name=x"), "Hello, x!\n");
    assert_eq!(server.stop(), 0);
}

fn build_finds_the_modules_of_a_workspace(toolchain: Toolchain) {
    let scratch = Scratch::new();
    for folder in ["app", "words", "old"] {
        fs::create_dir(scratch.path(folder)).unwrap();
    }
    scratch.write("go.work", "go 1.18\n\nuse (\n\t./app\n\t./words\n\t./old\n)\n");
    scratch.write("old/go.mod", "module uwsgi\n"); // another copy of the package, which is not to be taken
    scratch.write("words/go.mod", "module example.com/words\n\ngo 1.18\n");
    scratch.write("words/words.go", "package words\n\nconst Hello = \"Hello\"\n");
    let module = "module app\n\ngo 1.18\n\nrequire uwsgi v0.0.0\n\nreplace uwsgi => /nowhere\n";
    scratch.write("app/go.mod", module);
    let imports = "import (\n\t\"example.com/words\"\n\t\"uwsgi\"\n)";
    scratch.write(
        "app/app.go",
        format!("package main\n\n{imports}\n\nfunc main() {{\n\tprintln(words.Hello)\n\tuwsgi.Run()\n}}\n"),
    );
    let before = all_in(scratch.folder());
    let out = Scratch::new();
    symlink(scratch.path("app"), out.path("by way of a link")).unwrap();
    let args = ["build", "--toolchain", toolchain.name(), "-o", &out.text("app.so")];
    let mut command = goherd_in(&out.path("by way of a link"), &args);
    let output = command.env("PWD", out.path("by way of a link")).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(all_in(scratch.folder()), before, "nothing is written into the application's folders");
    let server = launch().on_loopback().load(&out.path("app.so")).start();
    server.wait_for_log("Hello");
    assert_eq!(server.get("/").status, 404);
}

fn build_puts_an_ini_file_into_an_executable(toolchain: Toolchain) {
    let scratch = Scratch::new();
    scratch.write("app.ini", "[uwsgi]\nhttp-socket = 127.0.0.1:0\nprocesses = 2 \n# \u{e9} */\n");
    fs::create_dir(scratch.path("some place")).unwrap();
    let example = example();
    let args = ["build", "--shape", "mono", "--ini", "app.ini", "-o", "app", "--toolchain", toolchain.name()];
    let mut command = goherd_in(scratch.folder(), &[&args[..], &[example.to_str().unwrap()]].concat());
    let output = command.env("TMPDIR", scratch.path("some place")).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(names_in(&scratch.path("some place")), [""; 0], "what was needed meanwhile is gone");
    let server = launch_of(&scratch.path("app")).expect_workers(2).start();
    assert_eq!(server.text("/greet?name=x"), "Hello, x!\n");
    assert_eq!(server.stop(), 0);
}

fn build_shows_what_the_compiler_says(toolchain: Toolchain) {
    let scratch = Scratch::new();
    scratch.write("app.go", "package main\n\nfunc main() { undeclared() }\n");
    let told = refused(scratch.folder(), &["build", "--toolchain", toolchain.name()]);
    assert!(
        told.contains("app.go:3:") && told.contains("undeclared") || told.contains("undefined"),
        "{told}"
    );
    assert!(told.contains("goherd: build: ") && told.contains(" has failed "), "{told}");
    assert_eq!(names_in(scratch.folder()), ["app.go"]);
}

fn inspect_says_what_a_file_is(toolchain: Toolchain) {
    let row = |file: &Path, name: &str| {
        let told = done(Path::new("/"), &["inspect", file.to_str().unwrap()]);
        let row =
            told.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {told}"));
        row[name.len()..].trim().to_owned()
    };
    let library = app(toolchain, "hello");
    let compiler = ["standard Go go1.", "gccgo 1"][usize::from(toolchain == Toolchain::Gccgo)];
    assert!(row(&library, "toolchain").starts_with(compiler), "{}", row(&library, "toolchain"));
    assert_eq!(row(&library, "shape"), "shared library");
    assert_eq!(row(&library, "main"), "yes");
    assert!(row(&library, "package uwsgi").starts_with("yes, "));
    assert_eq!(row(&library, "served by"), "goherd --go-load");
    assert_eq!(row(&library, "libgo") == "not needed", toolchain == Toolchain::Go);
    let monolith = shaped(toolchain, Shape::Monolith, "hello");
    assert_eq!(row(&monolith, "shape"), "monolithic executable");
    assert!(row(&monolith, "package uwsgi").starts_with("yes, "));
    assert!(row(&monolith, "served by").starts_with("itself: "));
    let linked = shaped(toolchain, Shape::Linked, "hello");
    assert_eq!(row(&linked, "shape"), "executable linked with the server");
    let plain = program(toolchain, "probe");
    assert!(row(&plain, "served by").starts_with("nobody: it is an executable"));
    let scratch = Scratch::new();
    let stripped = scratch.path("stripped");
    let strip = Command::new("strip").arg("-o").arg(&stripped).arg(&monolith).status().unwrap();
    assert!(strip.success());
    assert!(row(&stripped, "package uwsgi").starts_with("yes, "));
    assert!(row(&stripped, "served by").starts_with("itself: "));
    if toolchain == Toolchain::Gccgo {
        let library = scratch.write("app.so", renamed(&fs::read(library).unwrap(), b"libgo.so.", b"99"));
        let libgo = row(&library, "libgo");
        assert!(
            libgo.starts_with("libgo.so.99, not on this machine") && libgo.contains("apt install libgo99")
        );
        assert!(row(&library, "served by").starts_with("nobody: it needs libgo.so.99"));
    }
}

#[test]
fn new_begins_an_application_that_builds_and_passes_its_test() {
    Toolchain::Go.run(|_| {
        let scratch = Scratch::new();
        done(scratch.folder(), &["new", "shop"]);
        assert_eq!(names_in(&scratch.path("shop")), ["go.mod", "main.go", "main_test.go", "shop.ini"]);
        let folder = scratch.path("shop");
        let test =
            Command::new("go").current_dir(&folder).arg("test").env("GOTOOLCHAIN", "local").output().unwrap();
        assert!(test.status.success(), "{}", said(&test));
        done(&folder, &["build"]);
        let server = launch().with(["--go-load", "shop.so"]).on_loopback().in_folder(&folder).start();
        assert_eq!(server.text("/"), "hello from shop, worker 1\n");
        assert!(refused(scratch.folder(), &["new", "shop"]).contains("cannot make the folder shop"));
        assert!(refused(scratch.folder(), &["new", "../x"]).contains("cannot be a name"));
    });
}

#[test]
fn what_does_not_fit_is_told() {
    let scratch = Scratch::new();
    let text = scratch.write("text", "no ELF");
    for (args, words) in [
        (&["build", "missing"][..], "build: missing: No such file"),
        (&["build", "--shape", "round"], "build: invalid value 'round'"),
        (&["build", "--ini", "a.ini"], "--ini is for --shape mono"),
        (&["inspect"], "inspect: name FILE"),
        (&["inspect", "missing"], "cannot be read"),
        (&["inspect", text.to_str().unwrap()], "no ELF header"),
        (&["build", "text"], "build: text is neither a folder nor a file of Go"),
        (&["build", ".", "."], "build: name one folder"),
        (&["build", "--shape", "mono", "--ini", "missing"], "build: missing: No such file"),
        (&["new"], "new: name NAME"),
        (&["new", "uwsgi"], "new: uwsgi is the name of the package"),
    ] {
        let told = refused(scratch.folder(), args);
        assert!(told.contains(words), "{args:?}: {told}");
    }
    let mut build = goherd_in(scratch.folder(), &["build", "--toolchain", "gccgo"]);
    let told = said(&build.env("GOHERD_GCCGO", "no-such-gccgo").output().unwrap());
    assert!(told.contains("build: no-such-gccgo is not on this machine"), "{told}");
    assert!(done(scratch.folder(), &["build", "--help"]).contains("Usage: goherd build"));
    assert!(done(scratch.folder(), &["--help"]).contains("goherd inspect"));
}
