//! Compiles the Go package `uwsgi` with gccgo, if there is one, into a plugin that the server carries with it.
//!
//! In: `go/uwsgi/*.go`, and `GOHERD_GCCGO` (the compiler to use; empty: none). Out: `uwsgi_gccgo.so` for
//! `src/gccgo.rs` to embed, and `uwsgi.gox`, the export data that lets `gccgo -I` resolve `import "uwsgi"`.

use std::path::{Path, PathBuf};
use std::process::Command;

/// How the names of files end that gccgo is not to compile: it reads no build tags when no `go` command is there.
const FOR_OTHERS: [&str; 3] = ["_cgo.go", "abi_none.go", "_test.go"];

fn main() {
    println!("cargo::rustc-check-cfg=cfg(goherd_gccgo)");
    println!("cargo::rerun-if-env-changed=GOHERD_GCCGO");
    println!("cargo::rerun-if-env-changed=PATH");
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../go/uwsgi");
    println!("cargo::rerun-if-changed={}", package.display());
    let Some(gccgo) = find_gccgo() else {
        // A file that does not exist makes cargo look again at every build: gccgo may be installed by then.
        println!("cargo::rerun-if-changed=/usr/bin/gccgo");
        println!(
            "cargo::warning=gccgo was not found: this server will run applications of standard Go only \
             (Debian and Ubuntu: apt install gccgo)"
        );
        return;
    };
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let (object, plugin, gox) = (out.join("uwsgi.o"), out.join("uwsgi_gccgo.so"), out.join("uwsgi.gox"));
    let sources = sources(&package);
    run(Command::new(&gccgo)
        .args(["-c", "-O2", "-g", "-fPIC", "-fgo-pkgpath=uwsgi", "-o"])
        .arg(&object)
        .args(sources));
    run(Command::new(&gccgo).args(["-shared", "-o"]).arg(&plugin).arg(&object));
    run(Command::new("objcopy").args(["-j", ".go_export"]).arg(&object).arg(&gox));
    println!("cargo::rustc-cfg=goherd_gccgo");
    println!("cargo::rustc-env=GOHERD_GCCGO_PLUGIN={}", plugin.display());
    println!("cargo::rustc-env=GOHERD_GCCGO_NAME={gccgo}");
    println!("cargo::metadata=gox={}", gox.display());
    println!("cargo::metadata=object={}", object.display());
}

fn sources(package: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(package).expect("go/uwsgi is part of the repository");
    let mut files: Vec<_> = files.flatten().map(|file| file.path()).filter(|path| is_source(path)).collect();
    files.sort();
    files
}

fn is_source(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.ends_with(".go") && !FOR_OTHERS.iter().any(|end| name.ends_with(end))
}

fn find_gccgo() -> Option<String> {
    if let Ok(chosen) = std::env::var("GOHERD_GCCGO") {
        return Some(chosen).filter(|name| !name.is_empty());
    }
    let names = ["gccgo", "gccgo-15", "gccgo-14", "gccgo-13", "gccgo-12", "gccgo-11"];
    names.into_iter().find(|name| Command::new(name).arg("--version").output().is_ok()).map(str::to_owned)
}

#[allow(clippy::panic, reason = "a build script has no other way to fail")]
fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?} failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
