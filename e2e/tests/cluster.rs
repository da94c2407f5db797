//! The same on a real OpenSearch: rules, and searches that nobody thought of.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use canarytrace_e2e::{
    Server, canarytrace, generated_searches, judged, opensearch::OpenSearch, request,
};

/// A failure comes again with it.
const SEED: u64 = 20_261_126;
/// With it, and as many with a seed of the day.
const SEARCHES: u64 = 1_000;

/// A cluster without telemetry, set up for it.
fn prepared(cluster: &OpenSearch) -> &str {
    request("DELETE", &format!("{}/c.*", cluster.url), &[], "");
    let setup = canarytrace(&["setup", "--store", &cluster.url]).status();
    assert_eq!(setup.unwrap().code(), Some(0));
    &cluster.url
}

/// One test: the cluster takes longer to start than most of what is asked of it.
#[test]
fn a_cluster_answers_as_our_store_does() {
    let cluster = OpenSearch::start();
    judged::established_rules_find(prepared(&cluster));

    let data = tempfile::tempdir().unwrap();
    let ours = Server::start(data.path(), &["--only", "store"]);
    judged::conditions_are_judged_alike(&[&ours.url, prepared(&cluster)]);

    let today = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    for seed in [SEED, today.unwrap().as_secs() / 86_400] {
        let compared = generated_searches::compare(&cluster.url, &ours.url, SEARCHES, seed);
        assert!(
            compared.different.is_empty(),
            "{} of {SEARCHES} answers differ, seed {seed}:\n{}",
            compared.different.len(),
            compared.different.join("\n")
        );
    }
}
