//! Any bytes against `checks::fastcgi`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::fastcgi(bytes));
