//! Mappings and documents from anybody: indexed or refused; never a panic.
#![no_main]

#[path = "../shared/store.rs"]
#[allow(dead_code, reason = "other targets use the rest")]
mod store;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    store::fill(text);
});
