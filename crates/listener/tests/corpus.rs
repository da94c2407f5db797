//! What the fuzz target `rules` has been fed before is in force or refused again.

use canarytrace_listener::rules::{Source, read_text};

#[test]
fn the_corpus_of_rules_is_read() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/rules");
    let (mut understood, mut refused) = (0, 0);
    for entry in std::fs::read_dir(corpus).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let (rules, problems) = read_text(&text, Source::Own, None, "corpus", "c.");
        understood += rules.len();
        refused += problems.len();
    }
    assert!(
        understood >= 4 && refused >= 1,
        "{understood} rules, {refused} problems"
    );
}
