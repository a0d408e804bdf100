//! Any bytes against `checks::proxy`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::proxy(bytes));
