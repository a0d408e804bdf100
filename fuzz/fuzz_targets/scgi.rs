//! Any bytes against `checks::scgi`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::scgi(bytes));
