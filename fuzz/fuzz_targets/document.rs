//! Fuzz target: see `hostile::document` for what must hold.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    hostile::document::check(bytes);
});
