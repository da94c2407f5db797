//! Frames as a browser's DevTools socket could send them: read and decoded, or refused; never a panic.
#![no_main]

use canarytrace_driver::devtools::{decode, read_envelope};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(envelope) = read_envelope(text)
        && let (Some(method), Some(params)) = (envelope.method.as_deref(), envelope.params)
    {
        decode(method, params);
    }
});
