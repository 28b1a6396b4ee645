#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lazaret_fuzz_targets::packets::run(data));
