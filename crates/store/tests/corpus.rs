//! What fuzz targets start from, and what they have found, is answered or refused.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../fuzz/shared/store.rs"]
mod store;

use std::{fs, path::Path};

/// How many of them are good.
fn good(target: &str, run: impl Fn(&str) -> bool) -> usize {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let files = fs::read_dir(corpus.join(target)).unwrap();
    let texts = files.map(|entry| fs::read(entry.unwrap().path()).unwrap());
    texts
        .filter(|text| run(&String::from_utf8_lossy(text)))
        .count()
}

#[test]
fn searches_are_answered_or_refused() {
    assert!(good("aggregations", store::search) >= 6);
}

#[test]
fn documents_are_indexed_or_refused() {
    assert!(good("mapping", store::fill) >= 3);
}
