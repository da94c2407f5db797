//! Bodies of `_bulk`: operations, or a refusal.
#![no_main]

use canarytrace_es::bulk;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let body = bytes::Bytes::copy_from_slice(body);
    bulk::parse(&body, Some("c.report-2026.11.26")).ok();
    bulk::parse(&body, None).ok();
});
