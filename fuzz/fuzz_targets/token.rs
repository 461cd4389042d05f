//! Fuzz target: see `hostile::token` for what must hold.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    hostile::token::check(bytes);
});
