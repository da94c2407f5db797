//! Random documents, queries and aggregations, asked of OpenSearch and of the embedded store: both must answer the same.

use std::time::Instant;

use anyhow::{Result, ensure};
use canarytrace_e2e::{Server, generated_searches::compare, opensearch::OpenSearch};

/// Differences that are shown.
const SHOWN: usize = 20;

pub(crate) fn random(count: u64, seed: u64) -> Result<()> {
    let data = tempfile::tempdir()?;
    let (judge, ours) = (
        OpenSearch::start(),
        Server::start(data.path(), &["--only", "store"]),
    );
    let started = Instant::now();
    let compared = compare(&judge.url, &ours.url, count, seed);
    for different in compared.different.iter().take(SHOWN) {
        println!("{different}");
    }
    let different = compared.different.len();
    println!(
        "{count} comparisons with seed {seed}: {different} differ, {} without a hit, {:.0} s",
        compared.empty,
        started.elapsed().as_secs_f64()
    );
    let rare: Vec<String> = compared
        .kinds
        .iter()
        .map(|(kind, count)| format!("{kind} {count}"))
        .collect();
    println!("{}", rare.join(", "));
    ensure!(different == 0, "{different} of {count} answers differ");
    Ok(())
}
