//! What the fuzz target `envelope` has been fed before is read or refused again.

use canarytrace_driver::devtools::{decode, read_envelope};

#[test]
fn the_corpus_of_frames_is_decoded() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/envelope");
    let mut decoded = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        if let Ok(envelope) = read_envelope(&text)
            && let (Some(method), Some(params)) = (envelope.method.as_deref(), envelope.params)
            && decode(method, params).is_some()
        {
            decoded += 1;
        }
    }
    assert!(decoded >= 8, "{decoded} frames");
}
