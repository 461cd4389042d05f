//! Fuzz target: see `hostile::ledger` for what must hold.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    hostile::ledger::check(bytes);
});
