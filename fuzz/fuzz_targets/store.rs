//! Any bytes as the file of a cache.
#![no_main]

#[path = "../../crates/shm/tests/checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::store(bytes));
