//! Every file of `fuzz/seeds/store` through the checks that the fuzzer makes: what it once found, it finds no more.

#![allow(clippy::panic, clippy::expect_used, reason = "a check that fails is a test that fails")]

mod checks;

use std::fs;
use std::path::Path;

#[test]
fn store() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/store");
    let entries = fs::read_dir(&folder).expect("there is a folder of seeds");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a folder can be listed").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    for path in paths {
        println!("{}", path.display()); // the last one is the culprit
        checks::store(&fs::read(path).expect("a seed can be read"));
    }
}
