#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| recourse_fuzz::trace::run(data));
