//! Names the shared library after the version of its interface: the loader itself refuses one of another version. Puts
//! gccgo's package `uwsgi` into the archive, where only what needs it finds it.

use std::path::{Path, PathBuf};
use std::process::Command;

const VERSION: &str = "pub const GOHERD_ABI_VERSION: u32 = ";

fn main() {
    let abi = concat!(env!("CARGO_MANIFEST_DIR"), "/../bridge/src/abi.rs");
    println!("cargo::rerun-if-changed={abi}");
    let source = std::fs::read_to_string(abi).expect("the interface is part of the repository");
    let version = source.lines().find_map(|line| line.strip_prefix(VERSION)?.strip_suffix(';'));
    let version = version.expect("the interface has a version");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libgoherd.so.{version}");
    println!("cargo::rerun-if-env-changed=DEP_GOHERD_GCCGO_OBJECT");
    if let Some(object) = std::env::var_os("DEP_GOHERD_GCCGO_OBJECT") {
        let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
        bundle(&out, Path::new(&object));
    }
}

fn bundle(out: &Path, object: &Path) {
    let archive = out.join("libuwsgi_gccgo.a");
    let made = Command::new("ar").arg("rcs").arg(&archive).arg(object).status();
    assert!(made.is_ok_and(|status| status.success()), "ar cannot make {}", archive.display());
    println!("cargo::rustc-link-search=native={}", out.display());
    println!("cargo::rustc-link-lib=static=uwsgi_gccgo");
}
