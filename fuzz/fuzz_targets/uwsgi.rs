//! Any bytes against `checks::uwsgi`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::uwsgi(bytes));
