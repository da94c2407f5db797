//! What the fuzz target `search` has been fed before is understood or refused again.

use canarytrace_es::SearchRequest;
use serde_json::json;

#[test]
fn the_corpus_of_searches_is_parsed() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/search");
    let mut understood = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        SearchRequest::parse(json!({"query": {"query_string": {"query": text}}})).ok();
        if let Ok(body) = serde_json::from_str(&text) {
            understood += usize::from(SearchRequest::parse(body).is_ok());
        }
    }
    assert!(understood >= 3, "{understood} searches");
}
