//! Every file of `fuzz/seeds` through the checks that the fuzzer makes: what it once found, it finds no more.

#![allow(clippy::panic, reason = "a check that fails is a test that fails")]

mod checks;

use std::fs;
use std::path::{Path, PathBuf};

/// The paths in a folder of `fuzz/seeds`, in order.
fn seeds(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(folder);
    let entries = fs::read_dir(&folder).expect("each check has a folder of seeds");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a folder can be listed").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    paths
}

fn each(folder: &str, check: fn(&[u8])) {
    for path in seeds(folder) {
        println!("{}", path.display()); // the last one is the culprit
        check(&fs::read(path).expect("a seed can be read"));
    }
}

#[test]
fn http1() {
    each("http1", checks::http1);
}

#[test]
fn chunked() {
    each("chunked", checks::chunked);
}

#[test]
fn uwsgi() {
    each("uwsgi", checks::uwsgi);
}

#[test]
fn scgi() {
    each("scgi", checks::scgi);
}

#[test]
fn service() {
    each("service", checks::service);
}

#[test]
fn fastcgi() {
    each("fastcgi", checks::fastcgi);
}

#[test]
fn proxy() {
    each("proxy", checks::proxy);
}

#[test]
fn fields() {
    each("fields", checks::fields);
}
