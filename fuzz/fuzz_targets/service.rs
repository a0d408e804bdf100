//! Any bytes against `checks::service`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::service(bytes));
