//! Any text as a token, and any bytes as the claims of one that is signed well.

#![no_main]

#[path = "../checks/tokens.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::check(data));
