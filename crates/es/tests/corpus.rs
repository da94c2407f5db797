//! What the fuzz targets `search`, `kql` and `bulk` have been fed before is understood or refused again.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use canarytrace_es::{
    DateFormat, SearchRequest, bulk,
    date::{Round, parse_query_date},
    kql,
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::json;

#[test]
fn the_corpus_of_searches_is_parsed() {
    let mut understood = 0;
    for text in corpus("search") {
        let text = String::from_utf8(text).unwrap();
        SearchRequest::parse(json!({"query": {"query_string": {"query": text}}})).ok();
        if let Ok(body) = serde_json::from_str(&text) {
            understood += usize::from(SearchRequest::parse(body).is_ok());
        }
    }
    assert!(understood >= 3, "{understood} searches");
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = format!("{}/../../fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .collect()
}

#[test]
fn the_corpus_of_what_people_type_is_read() {
    let mut understood = 0;
    for text in corpus("kql") {
        let text = String::from_utf8(text).unwrap();
        match kql::to_query(&text, None) {
            Ok(_) => understood += 1,
            Err(error) => assert!(error.position <= text.chars().count()),
        }
        parse_query_date(&text, &TimeZone::UTC, Round::Up, Timestamp::UNIX_EPOCH).ok();
        if let Ok(format) = DateFormat::parse(&text) {
            format.write(0, &TimeZone::UTC);
        }
    }
    assert!(understood >= 1);
}

#[test]
fn the_corpus_of_bulk_bodies_is_read() {
    let bodies = corpus("bulk").into_iter().map(bytes::Bytes::from);
    let understood = bodies.filter(|body| bulk::parse(body, Some("a")).is_ok());
    assert!(understood.count() >= 1);
}
