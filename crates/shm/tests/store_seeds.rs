//! Every file of `fuzz/seeds/store` through the check that the fuzzer makes: what it once found, it finds no more.

#![cfg(not(miri))]

mod checks;

use std::fs;
use std::path::Path;

#[test]
fn store() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/store");
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("the check has a folder of seeds") {
        let path = entry.expect("a folder can be listed").path();
        println!("{}", path.display()); // the last one is the culprit
        checks::store(&fs::read(path).expect("a seed can be read"));
        count += 1;
    }
    assert!(count > 0, "{} is empty", folder.display());
}
