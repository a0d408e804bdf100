//! Applications, each built once for all tests.
//!
//! In: `tests/apps/NAME`, else `examples/NAME`. Out: `target/test-apps/NAME-COMPILER/app.so`. A lock file keeps other
//! test processes out while one builds; a name is given to a file only when it is complete.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::Place;
use crate::toolchain::{Toolchain, answers, every_go};

/// The shared library of the application `name`.
#[must_use]
pub fn app(toolchain: Toolchain, name: &str) -> PathBuf {
    match toolchain {
        Toolchain::Go => app_of(&every_go()[0], name),
        Toolchain::Gccgo => once(format!("{name}-gccgo"), |out| build_with_gccgo(name, out)),
    }
}

/// The shared library of the application `name`, built by this `go` command.
#[must_use]
pub fn app_of(go: &Path, name: &str) -> PathBuf {
    once(format!("{name}-{}", file_name(go)), |out| {
        go_build(go, name, &["-buildmode=c-shared"], out);
    })
}

/// The application `name` as a plain executable.
#[must_use]
pub fn program(toolchain: Toolchain, name: &str) -> PathBuf {
    match toolchain {
        Toolchain::Go => once(format!("{name}-program"), |out| go_build(&every_go()[0], name, &[], out)),
        Toolchain::Gccgo => once(format!("{name}-program-gccgo"), |out| build_program_with_gccgo(name, out)),
    }
}

/// A shared library of C; `None`: there is no gcc.
#[must_use]
pub fn c_library(name: &str) -> Option<PathBuf> {
    answers("gcc", "--version").then(|| {
        once(format!("{name}-c"), |out| {
            let mut gcc = Command::new("gcc");
            run(gcc.args(["-shared", "-fPIC", "-o"]).arg(out).arg(source(name).join(format!("{name}.c"))));
        })
    })
}

/// The file that belongs to `key`, made by `build` if nobody has in this run.
pub(crate) fn once(key: String, build: impl FnOnce(&Path)) -> PathBuf {
    static MADE: OnceLock<Mutex<HashMap<String, Arc<OnceLock<PathBuf>>>>> = OnceLock::new();
    let cell = {
        let mut made = MADE.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(made.entry(key.clone()).or_default())
    };
    cell.get_or_init(|| make(&Place::TestApps.path().join(key), build)).clone()
}

fn make(folder: &Path, build: impl FnOnce(&Path)) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let (unfinished, finished) = (folder.join("unfinished.so"), folder.join("app.so"));
    build(&unfinished);
    fs::rename(unfinished, &finished).unwrap();
    finished
}

pub(crate) fn source(name: &str) -> PathBuf {
    let workspace = Place::Workspace.path();
    let ours = workspace.join("tests/apps").join(name);
    if ours.is_dir() { ours } else { workspace.join("examples").join(name) }
}

fn go_build(go: &Path, name: &str, arguments: &[&str], out: &Path) {
    let mut command = Command::new(go);
    command.current_dir(source(name)).arg("build").args(arguments).arg("-o").arg(out).arg(".");
    run(command.envs([("GOTOOLCHAIN", "local"), ("GOWORK", "off"), ("GOFLAGS", "-buildvcs=false")]));
}

/// The documented line: `gccgo -fPIC -shared -I target/release -o app.so app.go`, after what it imports.
fn build_with_gccgo(name: &str, out: &Path) {
    let imports = out.with_file_name("imports");
    let mut command = Command::new("gccgo");
    command.args(["-fPIC", "-shared", "-I"]).arg(folder_of_the_package()).arg("-I").arg(&imports);
    for package in imported_packages(name) {
        command.arg(package.build_with_gccgo(&imports));
    }
    run(command.arg("-o").arg(out).arg(source(name).join(format!("{name}.go"))));
}

/// A package that an application imports, other than those of the toolchain and uwsgi.
struct Package {
    import_path: String,
    folder: String,
    files: String,
}

/// Those of an application, each after what it imports itself.
fn imported_packages(name: &str) -> Vec<Package> {
    if !source(name).join("go.mod").exists() {
        return Vec::new();
    }
    let go = every_go().first().cloned().unwrap_or_else(|| "go".into());
    let wanted = "{{if and (not .Standard) (ne .ImportPath \"uwsgi\") (ne .ImportPath \"command-line-arguments\")}}\
                  {{.ImportPath}}|{{.Dir}}|{{join .GoFiles \" \"}}{{end}}";
    let mut list = Command::new(go);
    list.current_dir(source(name))
        .args(["list", "-deps", "-compiler", "gccgo", "-f", wanted])
        .arg(format!("{name}.go"));
    let output = list.env("GOTOOLCHAIN", "local").env("GOWORK", "off").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{list:?} failed:\n{said}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let package = |line: &str| {
        let mut parts = line.split('|').map(str::to_owned);
        Some(Package { import_path: parts.next()?, folder: parts.next()?, files: parts.next()? })
    };
    lines.lines().filter_map(package).collect()
}

impl Package {
    /// Makes an object file where `gccgo -I` finds it by the package's import path.
    fn build_with_gccgo(&self, imports: &Path) -> PathBuf {
        let object = imports.join(format!("{}.o", self.import_path));
        fs::create_dir_all(object.parent().unwrap()).unwrap();
        let mut command = Command::new("gccgo");
        command.current_dir(&self.folder).args(["-fPIC", "-c", "-I"]).arg(imports);
        command.arg(format!("-fgo-pkgpath={}", self.import_path)).arg("-o").arg(&object);
        run(command.args(self.files.split(' ')));
        object
    }
}

/// The application with the package's own sources, of which those stay away that need a server.
fn build_program_with_gccgo(name: &str, out: &Path) {
    let package = Place::Workspace.path().join("go/uwsgi");
    let object = out.with_file_name("uwsgi.o"); // where `gccgo -I` finds the package
    let files = fs::read_dir(package).unwrap().map(|entry| entry.unwrap().path());
    let mut compile = Command::new("gccgo");
    compile.args(["-c", "-fgo-pkgpath=uwsgi", "-o"]).arg(&object);
    run(compile.args(files.filter(|file| is_for_a_program(file))));
    let mut link = Command::new("gccgo");
    link.arg("-I").arg(out.parent().unwrap()).arg("-o").arg(out);
    run(link.arg(source(name).join(format!("{name}.go"))).arg(&object));
}

fn is_for_a_program(file: &Path) -> bool {
    let name = file_name(file);
    name.ends_with(".go") && !["_test.go", "_cgo.go", "abi_gccgo.go"].iter().any(|end| name.ends_with(end))
}

/// Where `gccgo -I` finds the package: the server called `uwsgi` carries its export data.
fn folder_of_the_package() -> PathBuf {
    let binary = Place::Binary.path();
    let folder = binary.parent().unwrap().to_owned();
    if !folder.join("uwsgi").exists() {
        let made = std::os::unix::fs::symlink(binary.file_name().unwrap(), folder.join("uwsgi"));
        assert!(
            folder.join("uwsgi").exists(),
            "{} needs a link `uwsgi` to the server: {made:?}",
            folder.display()
        );
    }
    folder
}

fn file_name(path: &Path) -> String {
    path.display().to_string().replace('/', "_")
}

pub(crate) fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed ({}):\n{said}", output.status);
}
