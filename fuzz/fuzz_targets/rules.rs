//! Rule files from anybody: in force, or refused with a place; never a panic.
#![no_main]

use canarytrace_listener::rules::{Source, read_text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (_, problems) = read_text(text, Source::Own, None, "fuzz", "c.");
    for problem in problems {
        assert!(!problem.to_string().is_empty());
    }
});
