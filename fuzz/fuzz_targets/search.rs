//! Search bodies and query strings from anybody: understood or refused; never a panic.
#![no_main]

use canarytrace_es::SearchRequest;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|text: &str| {
    SearchRequest::parse(json!({"query": {"query_string": {"query": text}}})).ok();
    if let Ok(body) = serde_json::from_str(text) {
        SearchRequest::parse(body).ok();
    }
});
