//! Fuzz target: see `hostile::record` for what must hold.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    hostile::record::check(bytes);
});
