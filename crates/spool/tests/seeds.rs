//! Every file of `fuzz/seeds/task` through the check that the fuzzer makes: what it once found, it finds no more.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a check that fails is a test that fails")]

mod checks;

use std::fs;
use std::path::Path;

use goherd_spool::Task;

#[test]
fn seeds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/task");
    let mut whole = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        println!("{}", path.display()); // the last one is the culprit
        let bytes = fs::read(&path).unwrap();
        checks::task(&bytes);
        whole += usize::from(Task::read(&bytes[..], bytes.len() as u64).is_ok());
    }
    assert!(whole >= 2, "some seeds are whole tasks, or the fuzzer learns nothing");
}
