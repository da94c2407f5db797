//! The folder of run directories: what killed supervisors left is completed and delivered, what is delivered is removed
//! after a day, and what no store has taken yet stays within a budget.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use canarytrace_evidence::{Delivery, Destination, find_unfinished, recover, store_record};
use canarytrace_model::{
    record::{RunRecord, RunState},
    time::Moment,
};
use canarytrace_process::{Containment, ProcessIdentity, is_alive, kill_abandoned};
use tracing::{info, warn};

use crate::{failure::Failure, variables::Variables};

const DELIVERED_RUNS_KEPT: Duration = Duration::from_secs(86_400);
const DEFAULT_BUDGET: u64 = 2 << 30;

/// `CANARYTRACE_UNDELIVERED_BUDGET`, bytes.
pub(crate) fn budget(variables: &Variables) -> Result<u64, Failure> {
    match variables.get("CANARYTRACE_UNDELIVERED_BUDGET") {
        None => Ok(DEFAULT_BUDGET),
        Some(text) => text.parse().map_err(|_| {
            Failure::usage(format!(
                "CANARYTRACE_UNDELIVERED_BUDGET `{text}` must be a number of bytes"
            ))
        }),
    }
}

/// Whether the supervisor of a run that says `running` is alive.
fn supervisor_lives(record: &RunRecord) -> bool {
    record.supervisor.as_ref().is_some_and(|supervisor| {
        is_alive(&ProcessIdentity {
            pid: supervisor.pid,
            start_ticks: supervisor.start_ticks,
            boot_id: supervisor.boot_id.clone(),
        })
    })
}

/// Processes of a run whose supervisor and runner were both killed are only held by their group.
async fn empty_abandoned_group(record: &RunRecord) {
    let name = canarytrace_runner::group_name(&record.uuid);
    let emptied =
        tokio::task::spawn_blocking(move || kill_abandoned(&Containment::detect(), &name)).await;
    if let Ok(Err(error)) = emptied {
        warn!(%error, uuid = %record.uuid, "processes of an interrupted run are left");
    }
}

/// How often is looked for runs to complete.
const RECOVER_INTERVAL: Duration = Duration::from_secs(15);

/// Completes and delivers what killed supervisors and absent stores left.
pub(crate) async fn complete_old(folder: PathBuf, client: canarytrace_es::Client) {
    let destination = Destination {
        store: Some(client.clone()),
        attachments: None,
    };
    loop {
        for mut run in find_unfinished(&folder, supervisor_lives) {
            if let Err(error) = recover(
                &mut run,
                "the run's supervisor was killed before the run ended",
                Moment::now(),
            ) {
                warn!(%error, "a run cannot be completed");
                continue;
            }
            empty_abandoned_group(&run.record).await;
            canarytrace_runner::remove_leftovers(&run.record.uuid, &std::env::temp_dir());
            let mut delivery = Delivery::resume(&run.path);
            let sent = delivery
                .deliver(&destination, run.record.uuid.as_str())
                .await;
            run.record
                .store
                .get_or_insert_with(|| client.url().to_owned());
            run.record.delivered = delivery.state();
            match sent.and_then(|()| Ok(store_record(&run.path, &run.record)?)) {
                Ok(()) => {
                    info!(uuid = %run.record.uuid, "an interrupted run is completed and delivered")
                }
                Err(error) => {
                    warn!(%error, "an interrupted run is completed and waits for its store")
                }
            }
        }
        tokio::time::sleep(RECOVER_INTERVAL).await;
    }
}

/// Delivered run directories are kept for a day.
pub(crate) fn remove_delivered(runs: &Path) {
    for entry in std::fs::read_dir(runs).into_iter().flatten().flatten() {
        let record = std::fs::read(entry.path().join("run.json"))
            .ok()
            .and_then(|text| serde_json::from_slice::<RunRecord>(&text).ok());
        let Some(record) =
            record.filter(|record| record.delivered.is_complete() && record.store.is_some())
        else {
            continue;
        };
        let old = record.ended_at.is_some_and(|end| {
            Moment::now().epoch_ms() - end.epoch_ms()
                > i64::try_from(DELIVERED_RUNS_KEPT.as_millis()).unwrap_or(i64::MAX)
        });
        if old && let Err(error) = std::fs::remove_dir_all(entry.path()) {
            warn!(%error, "a delivered run directory cannot be removed");
        }
    }
}

/// A run that waits for a store.
struct Waiting {
    path: PathBuf,
    record: RunRecord,
}

/// Undelivered runs stay within `budget` bytes: attachments of the oldest go first, then whole runs, passed ones before
/// others and the oldest of them first. What goes is said.
pub(crate) fn keep_within(runs: &Path, budget: u64) {
    let mut waiting = waiting(runs);
    let mut size: u64 = waiting.iter().map(|run| bytes(&run.path)).sum();
    if size <= budget {
        return;
    }
    waiting.sort_by_key(|run| run.record.started_at);
    for run in &waiting {
        if size <= budget {
            return;
        }
        let attachments = run.path.join("attachments");
        let freed = bytes(&attachments);
        if freed > 0 && remove(&attachments) {
            size = size.saturating_sub(freed);
            warn!(uuid = %run.record.uuid, "attachments of an undelivered run were removed: too many runs wait for their store");
        }
    }
    waiting.sort_by_key(|run| (run.record.exit_code != Some(0), run.record.started_at));
    for run in waiting {
        if size <= budget {
            return;
        }
        let freed = bytes(&run.path);
        if remove(&run.path) {
            size = size.saturating_sub(freed);
            warn!(uuid = %run.record.uuid, monitor = run.record.monitor, exit_code = run.record.exit_code, "an undelivered run was removed: too many runs wait for their store");
        }
    }
}

fn remove(folder: &Path) -> bool {
    std::fs::remove_dir_all(folder)
        .inspect_err(|error| warn!(%error, folder = %folder.display(), "cannot be removed"))
        .is_ok()
}

fn waiting(runs: &Path) -> Vec<Waiting> {
    let entries = std::fs::read_dir(runs).into_iter().flatten().flatten();
    let found = entries.filter_map(|entry| {
        let text = std::fs::read(entry.path().join("run.json")).ok()?;
        let record: RunRecord = serde_json::from_slice(&text).ok()?;
        let is_waiting = record.state == RunState::Ended
            && record.store.is_some()
            && !record.delivered.is_complete();
        is_waiting.then(|| Waiting {
            path: entry.path(),
            record,
        })
    });
    found.collect()
}

/// Of everything below a folder.
fn bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

#[cfg(test)]
mod tests {
    use canarytrace_model::RunId;
    use serde_json::json;

    use super::*;

    fn run(folder: &Path, hour: u32, exit_code: u8) -> PathBuf {
        let uuid = RunId::random();
        let path = folder.join(uuid.as_str());
        std::fs::create_dir_all(path.join("attachments")).unwrap();
        let record = json!({
            "state": "ended", "uuid": uuid, "monitor": "m", "mode": "smoke", "spec": "smoke.js", "labels": [],
            "indexPrefix": "c.", "startedAt": format!("2026-11-22T{hour:02}:00:00Z"), "exitCode": exit_code,
            "delivered": {"acked": 0, "pending": 3, "rejected": 0}, "version": "0", "store": "http://h:9200",
        });
        std::fs::write(path.join("run.json"), record.to_string()).unwrap();
        std::fs::write(path.join("documents.ndjson"), vec![b'd'; 10_000]).unwrap();
        std::fs::write(path.join("attachments/a.png"), vec![b'a'; 50_000]).unwrap();
        path
    }

    #[test]
    fn attachments_go_first_and_failed_runs_last() {
        let folder = tempfile::tempdir().unwrap();
        let (failed, old, new) = (
            run(folder.path(), 1, 1),
            run(folder.path(), 2, 0),
            run(folder.path(), 3, 0),
        );
        let has = |path: &Path, name: &str| path.join(name).exists();
        keep_within(folder.path(), 1_000_000);
        assert!(has(&failed, "attachments"));
        keep_within(folder.path(), 140_000);
        assert!(!has(&failed, "attachments") && has(&old, "attachments"));
        keep_within(folder.path(), 26_000);
        assert!(!old.exists() && has(&new, "documents.ndjson") && has(&failed, "documents.ndjson"));
        keep_within(folder.path(), 12_000);
        assert!(!new.exists() && failed.exists());
    }
}
