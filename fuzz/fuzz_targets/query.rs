//! Fuzz target: see `hostile::query` for what must hold.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    hostile::query::check(bytes);
});
