//! Any bytes against `checks::fields`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::fields(bytes));
