//! The same on a real OpenSearch: rules, and searches that nobody thought of.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use canarytrace_e2e::{
    Server, canarytrace, dashboards::Range, generated_searches, judged, opensearch::OpenSearch,
    request, telemetry_searches,
};
use canarytrace_history::Plan;
use canarytrace_model::time::Moment;

/// A failure comes again with it.
const SEED: u64 = 20_261_126;
/// With it, and as many with a seed of the day.
const SEARCHES: u64 = 1_000;
/// 2026-10-25, UTC: the day on which Prague's clocks go back.
const FROM_MS: i64 = 1_792_886_400_000;

/// A cluster without telemetry, set up for it.
fn prepared(cluster: &OpenSearch) -> &str {
    request("DELETE", &format!("{}/c.*", cluster.url), &[], "");
    let setup = canarytrace(&["setup", "--store", &cluster.url]).status();
    assert_eq!(setup.unwrap().code(), Some(0));
    &cluster.url
}

/// A day of six monitors: some 7,000 documents, older than what is kept as a rule. Of several days the judge, which has a shard for
/// each, would only know the most frequent names.
fn users_find_the_same(cluster: &OpenSearch) {
    let data = tempfile::tempdir().unwrap();
    let config = data.path().join("canarytrace.yaml");
    std::fs::write(&config, "version: 1\nstore: { retention: 9999d }\n").unwrap();
    let config = config.to_str().unwrap();
    let folder = data.path().join("data");
    let ours = Server::start(&folder, &["--only", "store", "--config", config]);
    let plan = Plan {
        seed: SEED,
        from: Moment::from_epoch_ms(FROM_MS),
        days: 1,
        monitors: 6,
        interval_s: 6_500,
    };
    let documents = telemetry_searches::fill(plan, &[&ours.url, prepared(cluster)]);
    let range = Range {
        from: FROM_MS,
        to: FROM_MS + 24 * 3_600_000,
        interval: "2h",
    };
    let (different, found) = telemetry_searches::compare(&cluster.url, &ours.url, range);
    assert!(
        different.is_empty(),
        "{} answers about {documents} documents differ:\n{}",
        different.len(),
        different.join("\n")
    );
    assert!(found >= 40, "only {found} requests found something");
}

/// One test: the cluster takes longer to start than most of what is asked of it.
#[test]
fn a_cluster_answers_as_our_store_does() {
    let cluster = OpenSearch::start();
    judged::established_rules_find(prepared(&cluster));

    let data = tempfile::tempdir().unwrap();
    let ours = Server::start(data.path(), &["--only", "store"]);
    judged::conditions_are_judged_alike(&[&ours.url, prepared(&cluster)]);

    users_find_the_same(&cluster);

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
