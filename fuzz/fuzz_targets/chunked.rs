//! Any bytes against `checks::chunked`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::chunked(bytes));
