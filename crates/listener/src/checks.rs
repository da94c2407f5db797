//! The watch over the watchers: whether runs come, end, and are kept, and how the store is.

use std::{path::PathBuf, time::Duration};

use canarytrace_es::{EsError, SearchService};
use canarytrace_model::{documents::LIFECYCLE_ERROR_SEQUENCE, time::Moment};
use serde_json::{Value, json};

use crate::{
    measure::{Evidence, Finding, date},
    rules::{Condition, Count, Group, Notify, Place, Rule, RuleReporter, Source},
    settings::Checks,
    storage::Storage,
};

/// A check that found something, as a rule of its own.
pub(crate) struct Alarm {
    pub(crate) rule: Rule,
    pub(crate) finding: Finding,
}

/// What the checks found, and the lines that the established product logs.
#[derive(Default)]
pub(crate) struct Checked {
    pub(crate) alarms: Vec<Alarm>,
    pub(crate) lines: Vec<String>,
}

/// A rule that is not written anywhere.
pub(crate) fn internal_rule(title: &str, score: u8, message: &str) -> Rule {
    Rule {
        title: title.to_owned(),
        kind: "match",
        place: Place {
            file: None::<PathBuf>,
            source: Source::Internal,
            line: 0,
        },
        index: String::new(),
        filters: Vec::new(),
        words: String::new(),
        fields: Vec::new(),
        window: Duration::from_secs(600),
        condition: Condition::Count(Count { at_least: 1 }),
        causes: Vec::new(),
        by: None,
        group: Group::Rule,
        notify: Notify::Immediately,
        score,
        report_labels: Vec::new(),
        reporters: vec![RuleReporter {
            channel: "slack-internal".to_owned(),
            message: message.to_owned(),
            recipients: Vec::new(),
        }],
        confirm: 0,
        covers: Vec::new(),
        remind: None,
        escalate: Vec::new(),
        close_after: None,
    }
}

pub(crate) fn alarm(title: &str, score: u8, message: &str, sentence: String) -> Alarm {
    Alarm {
        rule: internal_rule(title, score, message),
        finding: Finding {
            total: 1,
            fresh: 1,
            sentence,
            ..Finding::default()
        },
    }
}

pub(crate) const MISSING_DATA: &str = "Canarytrace health check: missing data";

/// All checks that are on.
pub(crate) async fn check(
    storage: &Storage,
    checks: &Checks,
    prefix: &str,
    kept_at: Option<Option<Moment>>,
    now: Moment,
) -> Result<Checked, EsError> {
    let mut checked = Checked::default();
    if let Some(limit) = checks.canary {
        canary(storage, prefix, limit, now, &mut checked).await?;
    }
    if checks.lifecycle {
        lifecycle(storage, prefix, now, &mut checked).await?;
    }
    if checks.store {
        store(storage.service(), &mut checked).await?;
    }
    if checks.nodes {
        nodes(storage.service(), &mut checked).await?;
    }
    if let (Some(limit), Some(kept_at)) = (checks.data_manager, kept_at) {
        data_manager(limit, kept_at, now, &mut checked);
    }
    Ok(checked)
}

fn milliseconds(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

async fn canary(
    storage: &Storage,
    prefix: &str,
    limit: Duration,
    now: Moment,
    checked: &mut Checked,
) -> Result<(), EsError> {
    let body = json!({
        "size": 1, "_source": ["timestamp"], "track_total_hits": false,
        "sort": [{"timestamp": {"order": "desc", "unmapped_type": "date"}}],
    });
    let answer = storage.search(&format!("{prefix}report-*"), body).await?;
    let newest = answer.hits.first().and_then(|hit| {
        let text = hit.source.as_ref()?.get("timestamp")?.as_str()?;
        canarytrace_es::date::parse_document_date(text)
    });
    let sentence = match newest {
        Some(newest) if now.epoch_ms() - newest <= milliseconds(limit) => {
            checked
                .lines
                .push("Canarytrace health check: running".to_owned());
            return Ok(());
        }
        Some(newest) => format!(
            "the newest report is of {}, {} minutes ago (limit {})",
            date(newest),
            (now.epoch_ms() - newest) / 60_000,
            limit.as_secs() / 60
        ),
        None => format!("there is no report in {prefix}report-*"),
    };
    checked.lines.push(MISSING_DATA.to_owned());
    checked
        .alarms
        .push(alarm(MISSING_DATA, 0, "No data of any runner", sentence));
    Ok(())
}

async fn lifecycle(
    storage: &Storage,
    prefix: &str,
    now: Moment,
    checked: &mut Checked,
) -> Result<(), EsError> {
    let body = json!({
        "size": 20, "_source": ["timestamp", "errMessage", "spec", "uuid", "monitor"], "track_total_hits": true,
        "query": {"bool": {"filter": [
            {"term": {"event": "testEnd"}}, {"term": {"passed": false}}, {"term": {"sequence": LIFECYCLE_ERROR_SEQUENCE}},
            {"range": {"timestamp": {"gte": date(now.epoch_ms() - 600_000)}}},
        ]}},
        "sort": [{"timestamp": {"order": "desc", "unmapped_type": "date"}}],
    });
    let answer = storage.search(&format!("{prefix}report-*"), body).await?;
    let total = answer.total.map_or(0, |total| total.value);
    if total == 0 {
        checked.lines.push("Canarytrace lifecycle: OK".to_owned());
        return Ok(());
    }
    let text = answer
        .hits
        .first()
        .and_then(|hit| hit.source.as_ref()?.get("errMessage")?.as_str())
        .unwrap_or("no message")
        .to_owned();
    checked
        .lines
        .push(format!("Canarytrace lifecycle: {total} errors"));
    let mut found = alarm(
        "Canarytrace lifecycle errors",
        30,
        "Runs did not end as they should",
        format!("{total} runs within 10 minutes, the last: {text}"),
    );
    // Each error once: what is found again and again is told by its documents.
    (found.finding.total, found.finding.fresh) = (total, 0);
    found.finding.documents = answer
        .hits
        .into_iter()
        .map(|hit| Evidence {
            index: hit.index,
            id: hit.id,
            fields: match hit.source {
                Some(Value::Object(fields)) => fields,
                _ => serde_json::Map::new(),
            },
        })
        .collect();
    checked.alarms.push(found);
    Ok(())
}

async fn store(service: &dyn SearchService, checked: &mut Checked) -> Result<(), EsError> {
    let health = service.health().await?;
    checked.lines.push(format!(
        "Elasticsearch health check: {}, pending: {}",
        health.status, health.pending_tasks
    ));
    let (title, score) = match health.status.as_str() {
        "red" => ("Elasticsearch health check: red", 0),
        "yellow" => ("Elasticsearch health check: yellow", 50),
        _ => return Ok(()),
    };
    let sentence = format!(
        "the store is {}, {} tasks wait",
        health.status, health.pending_tasks
    );
    checked
        .alarms
        .push(alarm(title, score, "The store needs attention", sentence));
    Ok(())
}

const HEAP_FAIR: f64 = 80.0;
const HEAP_POOR: f64 = 85.0;
const DISK_FULL: f64 = 85.0;

async fn nodes(service: &dyn SearchService, checked: &mut Checked) -> Result<(), EsError> {
    let nodes = service.nodes().await?;
    let most = |of: fn(&canarytrace_es::NodeSummary) -> Option<f64>| {
        nodes.iter().filter_map(of).max_by(f64::total_cmp)
    };
    let heap = most(|node| node.heap_percent);
    let disk = most(canarytrace_es::NodeSummary::disk_percent);
    let shown =
        |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.0}%"));
    let highest = nodes
        .iter()
        .max_by(|a, b| {
            a.heap_percent
                .unwrap_or(0.0)
                .total_cmp(&b.heap_percent.unwrap_or(0.0))
        })
        .map_or("-", |node| node.name.as_str());
    checked.lines.push(format!(
        "Elasticsearch nodes: {}, max heap: {}, max ram: {}, max disk used {}, max cpu {}, node with highest heap {highest}",
        nodes.len(),
        shown(heap),
        shown(most(|node| node.memory_percent)),
        disk.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}%")),
        shown(most(|node| node.cpu_percent)),
    ));
    if let Some(heap) = heap.filter(|heap| *heap > HEAP_FAIR) {
        let (limit, score) = if heap > HEAP_POOR { (85, 0) } else { (80, 50) };
        checked.alarms.push(alarm(
            &format!("Elasticsearch nodes: java heap is higher than {limit}%"),
            score,
            "A node of the store is short of memory",
            format!("the heap of {highest} is at {heap:.0} % (limit {limit})"),
        ));
    }
    if let Some(disk) = disk.filter(|disk| *disk > DISK_FULL) {
        checked.alarms.push(alarm(
            "Elasticsearch nodes: disk used percentage is higher than 85%",
            30,
            "A disk of the store fills up",
            format!("{disk:.2} % of a disk is used (limit 85)"),
        ));
    }
    Ok(())
}

fn data_manager(limit: Duration, kept_at: Option<Moment>, now: Moment, checked: &mut Checked) {
    const TITLE: &str = "DataManager exist: Not found.";
    let Some(kept_at) = kept_at else {
        checked.lines.push(TITLE.to_owned());
        checked.alarms.push(alarm(
            TITLE,
            31,
            "Nothing deletes old data",
            "no retention job has left a trace in this store".to_owned(),
        ));
        return;
    };
    let hours = (now.epoch_ms() - kept_at.epoch_ms()).max(0) / 3_600_000;
    checked.lines.push("DataManager exist: OK".to_owned());
    checked
        .lines
        .push(format!("Datamanager: last run before {hours} hours"));
    if now.epoch_ms() - kept_at.epoch_ms() > milliseconds(limit) {
        checked.alarms.push(alarm(
            TITLE,
            31,
            "Old data is not deleted any more",
            format!(
                "the retention job ran {hours} hours ago (limit {})",
                limit.as_secs() / 3600
            ),
        ));
    }
}
