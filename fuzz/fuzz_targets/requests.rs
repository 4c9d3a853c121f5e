//! Any bytes as the request of any call.

#![no_main]

#[path = "../checks/requests.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::check(data));
