//! Any bytes against the check of goherd-spool.
#![no_main]

#[path = "../../crates/spool/tests/checks/mod.rs"]
mod of_spool;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| of_spool::task(bytes));
