#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotinst_cred::fuzz_targets::login(data));
