//! Finishing what a killed supervisor left: the record, the final event, the delivery.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    sync::Arc,
};

use canarytrace_model::{
    documents::{Common, HostPressure, Report, Run, Vitals},
    index::Service,
    record::{RunRecord, RunState},
    time::Moment,
    verdict::{Cause, Verdict},
};
use serde_json::Value;

use crate::{
    EvidenceError, RunDirectory, Secrets,
    directory::{DOCUMENTS, read_record},
};

/// A run directory without a living supervisor.
#[derive(Debug)]
pub struct Unfinished {
    pub path: PathBuf,
    pub record: RunRecord,
}

/// The run directories below `out` that say `running` although `is_alive` says their supervisor is gone, and those that
/// ended with documents or attachments undelivered.
pub fn find_unfinished(out: &Path, is_alive: impl Fn(&RunRecord) -> bool) -> Vec<Unfinished> {
    let mut found: Vec<Unfinished> = fs::read_dir(out)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            read_record(&entry.path()).ok().map(|record| Unfinished {
                path: entry.path(),
                record,
            })
        })
        .filter(|run| match run.record.state {
            RunState::Running => !is_alive(&run.record),
            RunState::Ended => run.record.store.is_some() && !run.record.delivered.is_complete(),
        })
        .collect();
    found.sort_by_key(|run| run.record.started_at);
    found
}

/// Completes the record of a dead run: the final `testEnd` (once), the run document (once), `run.json`.
pub fn recover(run: &mut Unfinished, reason: &str, now: Moment) -> Result<(), EvidenceError> {
    if run.record.state == RunState::Ended {
        return Ok(());
    }
    let mut directory = RunDirectory::open_to_close(&run.path, &run.record, Secrets::default())?;
    let verdict = run
        .record
        .verdict
        .clone()
        .unwrap_or_else(|| Verdict::blame(Cause::Runner, reason));
    // Whether attachments are wanted is seen by those that are there.
    if !run.record.attachments.is_empty() {
        run.record.attachments.extend(directory.attach_log()?);
    }
    close_documents(
        &mut directory,
        &run.record,
        &verdict,
        "SupervisorKilled",
        reason,
        RunExtras::default(),
        now,
    )?;
    run.record.state = RunState::Ended;
    run.record.ended_at = Some(now);
    run.record.exit_code = Some(verdict.exit_code());
    run.record.verdict = Some(verdict);
    run.record.counts = directory.counts().clone();
    run.record.delivered.pending = directory
        .counts()
        .values()
        .sum::<u64>()
        .saturating_sub(run.record.delivered.acked);
    directory.write_record(&run.record)
}

/// What only the living know about a run.
#[derive(Clone, Debug, Default)]
pub struct RunExtras {
    pub vitals: Option<Vitals>,
    pub transfer_bytes: u64,
    pub requests_failed: u64,
    pub console_errors: u64,
    pub host: Option<HostPressure>,
    pub revision: Option<String>,
}

/// Appends the final event and the run document of a run that did not write them itself.
pub fn close_documents(
    directory: &mut RunDirectory,
    record: &RunRecord,
    verdict: &Verdict,
    err_type: &str,
    reason: &str,
    extras: RunExtras,
    now: Moment,
) -> Result<(), EvidenceError> {
    let common = Common {
        uuid: record.uuid.clone(),
        labels: record.labels.clone().into(),
        spec: Arc::from(record.spec.as_str()),
        monitor: Arc::from(record.monitor.as_str()),
        timestamp: now,
    };
    let existing = Existing::read(directory.path());
    if !existing.test_end {
        let report = Report::lifecycle_error(common.clone(), err_type, reason, verdict.clone());
        directory.append(Service::Report, now, &report)?;
    }
    if !existing.run {
        let duration_ms = now.epoch_ms().saturating_sub(record.started_at.epoch_ms());
        let failed = record
            .steps
            .iter()
            .filter(|step| !step.verdict.is_passed())
            .count();
        let run = Run {
            common,
            mode: record.mode.clone(),
            started_at: record.started_at,
            ended_at: now,
            duration_ms: u64::try_from(duration_ms).unwrap_or(0),
            passed: verdict.is_passed(),
            exit_code: verdict.exit_code(),
            verdict: verdict.clone(),
            vitals: extras.vitals,
            steps_total: u32::try_from(record.steps.len()).unwrap_or(u32::MAX),
            steps_failed: u32::try_from(failed).unwrap_or(u32::MAX),
            requests: directory
                .counts()
                .get(Service::RequestLog.name())
                .copied()
                .unwrap_or(0),
            transfer_bytes: extras.transfer_bytes,
            requests_failed: extras.requests_failed,
            console_errors: extras.console_errors,
            screenshot: telling_picture(record),
            attachments: record.attachments.clone(),
            overhead: record.overhead.clone(),
            host: extras.host,
            browser_version: record.browser_version.clone(),
            version: record.version.clone(),
            revision: extras.revision,
        };
        directory.append(Service::Run, now, &run)?;
    }
    Ok(())
}

/// The picture of the first step that failed, else the first there is.
fn telling_picture(record: &RunRecord) -> Option<String> {
    let mut pictures = record
        .attachments
        .iter()
        .filter(|name| name.ends_with(".png") || name.ends_with(".jpg"));
    let failed = record.steps.iter().find(|step| !step.verdict.is_passed());
    let of_failed = failed.and_then(|step| {
        pictures
            .clone()
            .find(|name| name.contains(step.uuid_action.as_str()))
    });
    of_failed.or_else(|| pictures.next()).cloned()
}

/// Which closing documents are there already.
#[derive(Default)]
struct Existing {
    test_end: bool,
    run: bool,
}

impl Existing {
    fn read(path: &Path) -> Self {
        let mut existing = Self::default();
        let Ok(file) = fs::File::open(path.join(DOCUMENTS)) else {
            return existing;
        };
        let mut lines = BufReader::new(file).lines().map_while(Result::ok);
        while let (Some(action), Some(source)) = (lines.next(), lines.next()) {
            existing.run |= action.contains("-run-");
            if action.contains("-report-") && source.contains("\"testEnd\"") {
                let event: Option<Value> = serde_json::from_str(&source).ok();
                existing.test_end |= event.is_some_and(|event| {
                    event.get("event").is_some_and(|event| event == "testEnd")
                });
            }
        }
        existing
    }
}
