//! Runs killed at random moments by random signals under every containment: each record complete, nothing left.

use std::{collections::BTreeMap, time::Instant};

use anyhow::Result;
use canarytrace_e2e::{
    Server, Site,
    kills::{kill_one, verify},
};
use canarytrace_history::Random;

/// So many kills share one server and one check.
const BATCH: u64 = 25;

/// A fault of ours ends the bench by a panic that names the run.
pub(crate) fn kills(count: u64, seed: u64) -> Result<()> {
    let (site, started) = (Site::start(), Instant::now());
    let mut random = Random::new(seed);
    let (mut done, mut runs) = (0, 0);
    let mut hits: BTreeMap<String, u64> = BTreeMap::new();
    while done < count {
        let data = tempfile::tempdir()?;
        let server = Server::start(data.path(), &[]);
        for _ in 0..BATCH.min(count - done) {
            let kill = kill_one(&site, data.path(), &server.url, &mut random);
            let what = if kill.hit {
                kill.victim
            } else {
                "nothing: not there"
            };
            *hits.entry(format!("{what} ({})", kill.signal)).or_default() += 1;
            done += 1;
        }
        server.kill();
        runs += verify(data.path());
        println!(
            "{done} of {count} kills, {runs} complete records, {:.0} s",
            started.elapsed().as_secs_f64()
        );
    }
    for (what, count) in hits {
        println!("  {count:5} {what}");
    }
    Ok(())
}
