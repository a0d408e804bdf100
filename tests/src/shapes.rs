//! Applications as executables that carry their server, built with what `make install` installs.
//!
//! In: the sources of `tests/apps/NAME` or `examples/NAME`, unchanged. Out: executables in `target/test-apps`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::apps::{once, run, source};
use crate::toolchain::{Toolchain, every_go};
use crate::{Launch, Place, launch};

/// How the server comes into an executable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// It is in it.
    Monolith,
    /// It is a library that is linked.
    Linked,
}

/// How gccgo makes one.
const MONOLITH: [&str; 4] = ["-Wl,-u,goherd_constructor", "-l:libgoherd.a", "-lm", "-ldl"];

/// What `make install` installs, in a folder of the tests.
#[must_use]
pub fn installed() -> PathBuf {
    let library = once("installed".to_owned(), |out| {
        let binary = Place::Binary.path();
        let destination = out.parent().unwrap();
        let mut install = Command::new(Place::Workspace.path().join("scripts/install"));
        install.current_dir(Place::Workspace.path()).arg(binary.parent().unwrap()).arg(destination);
        run(install.arg("/usr/local"));
        fs::write(out, "").unwrap();
    });
    library.parent().unwrap().join("usr/local")
}

/// The application `name` as an executable of this shape.
#[must_use]
pub fn shaped(toolchain: Toolchain, shape: Shape, name: &str) -> PathBuf {
    match toolchain {
        Toolchain::Go => shaped_by(&every_go()[0], shape, name, &[], &[]),
        Toolchain::Gccgo => shaped_by_gccgo(shape, name, &[]),
    }
}

/// The same by this `go` command, with arguments and variables for `go build`.
#[must_use]
pub fn shaped_by(
    go: &Path,
    shape: Shape,
    name: &str,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> PathBuf {
    let how = format!("{}{arguments:?}{variables:?}", go.display());
    let how: String = how.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    once(format!("{name}-{shape:?}-{how}"), |out| {
        let folder = out.with_file_name("source");
        copy_source(name, &folder);
        let mut build = Command::new(go);
        build.current_dir(&folder).arg("build").args(arguments);
        match shape {
            Shape::Monolith => {
                fs::write(folder.join("server.go"), "package main\n\nimport _ \"uwsgi/embed\"\n").unwrap();
            }
            Shape::Linked => {
                build.args(["-tags", "uwsgi_shared"]);
            }
        }
        build.envs([("GOTOOLCHAIN", "local"), ("GOWORK", "off"), ("GOFLAGS", "-buildvcs=false -mod=mod")]);
        run(build.envs(variables.iter().copied()).arg("-o").arg(out).arg("."));
    })
}

/// The same by gccgo, with arguments for it.
#[must_use]
pub fn shaped_by_gccgo(shape: Shape, name: &str, arguments: &[&str]) -> PathBuf {
    shaped_by_gccgo_called("gccgo", shape, name, arguments)
}

/// The same by the gccgo of this name.
#[must_use]
pub fn shaped_by_gccgo_called(gccgo: &str, shape: Shape, name: &str, arguments: &[&str]) -> PathBuf {
    once(format!("{name}-{shape:?}-{gccgo}{}", arguments.concat()), |out| {
        let mut gccgo = Command::new(gccgo);
        gccgo.arg("-L").arg(installed().join("lib")).args(arguments).arg("-o").arg(out);
        gccgo.arg(source(name).join(format!("{name}.go")));
        run(match shape {
            Shape::Monolith => gccgo.args(MONOLITH),
            Shape::Linked => gccgo.arg("-luwsgi"),
        });
    })
}

/// A server that is built with the gccgo of this name, for applications that it builds, and one of those: as a library and as
/// an executable that carries its server.
#[must_use]
pub fn all_by_gccgo_called(gccgo: &str, name: &str) -> (PathBuf, PathBuf, PathBuf) {
    let workspace = Place::Workspace.path();
    let target = workspace.join("target").join(gccgo);
    let release = target.join("release");
    let compile = |out: &Path, arguments: &[&str]| {
        let mut compile = Command::new(gccgo);
        compile.arg("-I").arg(&release).arg("-L").arg(&release).arg("-o").arg(out);
        run(compile.arg(source(name).join(format!("{name}.go"))).args(arguments));
    };
    let library = once(format!("{name}-{gccgo}"), |out| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .current_dir(&workspace)
            .env("GOHERD_GCCGO", gccgo)
            .arg("build")
            .arg("--target-dir")
            .arg(&target);
        run(cargo.args(["--release", "--locked", "-p", "goherd", "-p", "libgoherd"]));
        run(Command::new(workspace.join("scripts/finish")).arg(&release));
        compile(out, &["-fPIC", "-shared"]);
    });
    let program = once(format!("{name}-program-{gccgo}"), |out| compile(out, &MONOLITH));
    (release.join("goherd"), library, program)
}

/// The application `name` as a library, with a package `uwsgi` that is written for this version of the interface.
#[must_use]
pub fn library_of_version(name: &str, version: u32) -> PathBuf {
    once(format!("{name}-version-{version}"), |out| {
        let (folder, package) = (out.with_file_name("source"), out.with_file_name("uwsgi"));
        copy_source(name, &folder);
        fs::create_dir_all(&package).unwrap();
        let installed = installed().join("share/goherd/go/uwsgi");
        for file in fs::read_dir(&installed).unwrap().map(|file| file.unwrap().path()) {
            let Ok(text) = fs::read_to_string(&file) else { continue };
            let text = with_number(&text, "#define GOHERD_ABI_VERSION ", version);
            let text = with_number(&text, "const abiExpected = ", version);
            fs::write(package.join(file.file_name().unwrap()), text).unwrap();
        }
        let module = fs::read_to_string(folder.join("go.mod")).unwrap();
        let module = module.replace(installed.to_str().unwrap(), package.to_str().unwrap());
        fs::write(folder.join("go.mod"), module).unwrap();
        let mut build = Command::new(&every_go()[0]);
        build.current_dir(&folder).args(["build", "-buildmode=c-shared", "-o"]).arg(out).arg(".");
        run(build.envs([
            ("GOTOOLCHAIN", "local"),
            ("GOWORK", "off"),
            ("GOFLAGS", "-buildvcs=false -mod=mod"),
        ]));
    })
}

/// The text with another number in the line that starts so, if there is one.
fn with_number(text: &str, start: &str, number: u32) -> String {
    let line = |line: &str| match line.starts_with(start) {
        true => format!("{start}{number}\n"),
        false => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// A server that this executable carries.
#[must_use]
pub fn launch_of(program: &Path) -> Launch {
    let libraries = installed().join("lib");
    launch().program(program).environment("LD_LIBRARY_PATH", libraries.to_str().unwrap())
}

/// Copies an application; its package `uwsgi` is the installed one.
pub fn copy_source(name: &str, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for file in fs::read_dir(source(name)).unwrap().map(|file| file.unwrap().path()) {
        fs::copy(&file, folder.join(file.file_name().unwrap())).unwrap();
    }
    let package = installed().join("share/goherd/go/uwsgi");
    let module = fs::read_to_string(folder.join("go.mod")).unwrap();
    let lines = module.lines().filter(|line| !line.starts_with("replace uwsgi"));
    let module =
        format!("{}\nreplace uwsgi => {}\n", lines.collect::<Vec<_>>().join("\n"), package.display());
    fs::write(folder.join("go.mod"), module).unwrap();
}
