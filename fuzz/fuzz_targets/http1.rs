//! Any bytes against `checks::http1`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::http1(bytes));
