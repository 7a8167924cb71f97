#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| scm::fuzzing::atr(bytes));
