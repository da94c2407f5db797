//! What a report tells, from the search API.

use std::collections::BTreeMap;

use canarytrace_es::{EsError, IndexTarget};
use canarytrace_model::time::Moment;
use serde_json::{Value, json};

use super::{Availability, Period, Vitality};
use crate::storage::Storage;

/// Everything on the page.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub rows: Vec<Row>,
    /// Address and 75th percentile of its load, ms, the slowest first.
    pub slowest: Vec<(String, f64)>,
    pub incidents: Vec<Told>,
    /// What is different from the period before, in sentences.
    pub changes: Vec<String>,
    /// Bytes that are stored, and that a day adds.
    pub stored_bytes: u64,
    pub bytes_per_day: u64,
}

/// One monitor.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub monitor: String,
    pub labels: Vec<String>,
    pub vitality: Vec<Option<Vitality>>,
    pub availability: Vec<Option<Availability>>,
    pub runs: u64,
    pub failed: u64,
    pub broken: u64,
    /// The worst cells' share is not availability: this is by runs. Percent.
    pub available_percent: Option<f64>,
    pub before_percent: Option<f64>,
    pub load_p75: Option<f64>,
    pub before_load_p75: Option<f64>,
}

/// An incident of the period.
#[derive(Clone, Debug)]
pub struct Told {
    pub title: String,
    pub from: String,
    pub until: Option<String>,
    pub score: i64,
    pub sentence: String,
}

const MOST_ROWS: usize = 500;
const MOST_SLOW: usize = 10;
const MOST_INCIDENTS: usize = 50;

/// Reads a period.
pub async fn read(storage: &Storage, prefix: &str, period: &Period) -> Result<Report, EsError> {
    let mut rows = runs(storage, prefix, period).await?;
    vitality(storage, prefix, period, &mut rows).await?;
    let mut report = Report {
        slowest: slowest(storage, prefix, period).await?,
        incidents: incidents(storage, period).await?,
        ..Report::default()
    };
    (report.stored_bytes, report.bytes_per_day) = stored(storage, prefix, period).await?;
    report.rows = rows.into_values().collect();
    report.changes = changes(&report.rows);
    Ok(report)
}

fn within(from: Moment, until: Moment) -> Value {
    json!({"range": {"timestamp": {"gte": from.to_string(), "lt": until.to_string()}}})
}

fn buckets<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(name)
        .and_then(|own| own.get("buckets")?.as_array())
        .into_iter()
        .flatten()
}

fn text(bucket: &Value) -> String {
    match bucket.get("key") {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

fn count(bucket: &Value, name: &str) -> u64 {
    bucket
        .get(name)
        .and_then(|own| own.get("doc_count")?.as_u64())
        .unwrap_or(0)
}

fn percentile(bucket: &Value, name: &str) -> Option<f64> {
    bucket
        .get(name)?
        .get("values")?
        .as_object()?
        .values()
        .next()?
        .as_f64()
}

fn cell_of(period: &Period, ms: i64) -> Option<usize> {
    usize::try_from((ms - period.from.epoch_ms()).div_euclid(period.cell_minutes * 60_000))
        .ok()
        .filter(|cell| *cell < period.cells())
}

/// Who failed by whose fault, cell by cell.
async fn runs(
    storage: &Storage,
    prefix: &str,
    period: &Period,
) -> Result<BTreeMap<String, Row>, EsError> {
    let outcome = |name: &str| json!({"filter": {"term": {"verdict.outcome": name}}});
    let (before_from, before_until) = period.before();
    let of = |from: Moment, until: Moment, aggregations: Value| {
        json!({
            "size": 0, "track_total_hits": false, "query": within(from, until),
            "aggs": {"monitors": {"terms": {"field": "monitor", "size": MOST_ROWS, "order": {"_key": "asc"}}, "aggs": aggregations}},
        })
    };
    let totals = json!({
        "failed": outcome("failed"), "broken": outcome("broken"),
        "load": {"percentiles": {"field": "vitals.load", "percents": [75]}},
    });
    let mut all = totals.clone();
    if let Some(map) = all.as_object_mut() {
        map.insert(
            "cells".to_owned(),
            json!({
                "date_histogram": {"field": "timestamp", "fixed_interval": format!("{}m", period.cell_minutes), "min_doc_count": 1},
                "aggs": {"failed": outcome("failed"), "broken": outcome("broken")},
            }),
        );
        map.insert(
            "last".to_owned(),
            json!({"top_hits": {"size": 1, "sort": [{"timestamp": "desc"}], "_source": ["labels"]}}),
        );
    }
    let index = format!("{prefix}run-*");
    let now = storage
        .search(&index, of(period.from, period.until, all))
        .await?;
    let before = storage
        .search(&index, of(before_from, before_until, totals))
        .await?;
    let mut rows = BTreeMap::new();
    let answered = Value::Object(now.aggregations.unwrap_or_default());
    for bucket in buckets(&answered, "monitors") {
        let row = row(period, bucket);
        rows.insert(row.monitor.clone(), row);
    }
    let answered = Value::Object(before.aggregations.unwrap_or_default());
    for bucket in buckets(&answered, "monitors") {
        if let Some(row) = rows.get_mut(&text(bucket)) {
            row.before_percent = available(bucket);
            row.before_load_p75 = percentile(bucket, "load");
        }
    }
    Ok(rows)
}

/// What ours broke says nothing about the site. Percent.
fn available(bucket: &Value) -> Option<f64> {
    let total = bucket.get("doc_count")?.as_u64()?;
    let counted = total.saturating_sub(count(bucket, "broken"));
    let failed = count(bucket, "failed");
    (counted > 0).then(|| (counted - failed.min(counted)) as f64 * 100.0 / counted as f64)
}

fn row(period: &Period, bucket: &Value) -> Row {
    let mut row = Row {
        monitor: text(bucket),
        vitality: vec![None; period.cells()],
        availability: vec![None; period.cells()],
        runs: bucket.get("doc_count").and_then(Value::as_u64).unwrap_or(0),
        failed: count(bucket, "failed"),
        broken: count(bucket, "broken"),
        available_percent: available(bucket),
        load_p75: percentile(bucket, "load"),
        ..Row::default()
    };
    row.labels = bucket
        .pointer("/last/hits/hits/0/_source/labels")
        .map(labels)
        .unwrap_or_default();
    for cell in buckets(bucket, "cells") {
        let Some(position) = cell
            .get("key")
            .and_then(Value::as_i64)
            .and_then(|ms| cell_of(period, ms))
        else {
            continue;
        };
        let runs = cell.get("doc_count").and_then(Value::as_u64).unwrap_or(0);
        let (failed, broken) = (count(cell, "failed"), count(cell, "broken"));
        let seen = match (failed, broken) {
            (1.., _) => Availability::Down,
            (0, broken) if broken == runs => Availability::Unknown,
            _ => Availability::Available,
        };
        if let Some(place) = row.availability.get_mut(position) {
            *place = match (*place, seen) {
                (Some(Availability::Down), _) => Some(Availability::Down),
                (Some(Availability::Available), Availability::Unknown) => {
                    Some(Availability::Available)
                }
                (_, seen) => Some(seen),
            };
        }
    }
    fill(&mut row.availability, row.runs);
    row
}

/// Between two runs a page is as it was seen last: a cell is empty only where a run is missing.
fn fill(cells: &mut [Option<Availability>], runs: u64) {
    let seen = cells.iter().filter(|cell| cell.is_some()).count();
    let runs = usize::try_from(runs).unwrap_or(usize::MAX).min(seen.max(1));
    let first = cells.iter().position(Option::is_some).unwrap_or(0);
    let last = cells.iter().rposition(Option::is_some).unwrap_or(0);
    // As many cells as there are from one run to the next.
    let usual = (last - first).div_ceil(runs.max(1));
    let mut known: Option<(Availability, usize)> = None;
    for cell in cells.iter_mut().take(last + usual) {
        match (*cell, known) {
            (Some(own), _) => known = Some((own, 0)),
            (None, Some((own, since))) if since + 1 < usual.max(2) => {
                *cell = Some(own);
                known = Some((own, since + 1));
            }
            _ => {}
        }
    }
}

/// The user's own labels: what the product adds is left out, lists are taken apart.
fn labels(labels: &Value) -> Vec<String> {
    const OURS: [&str; 5] = ["mode=", "engine=", "edition=", "canary=", "pt.audit="];
    let texts: Vec<&str> = match labels {
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        Value::String(text) => vec![text],
        _ => Vec::new(),
    };
    texts
        .iter()
        .flat_map(|text| text.split(','))
        .map(|label| label.trim().to_owned())
        .filter(|label| !label.is_empty() && !OURS.iter().any(|own| label.starts_with(own)))
        .collect()
}

/// The worst score of each cell.
async fn vitality(
    storage: &Storage,
    prefix: &str,
    period: &Period,
    rows: &mut BTreeMap<String, Row>,
) -> Result<(), EsError> {
    let body = json!({
        "size": 0, "track_total_hits": false, "query": within(period.from, period.until),
        "aggs": {"monitors": {"terms": {"field": "monitor", "size": MOST_ROWS}, "aggs": {"cells": {
            "date_histogram": {"field": "timestamp", "fixed_interval": format!("{}m", period.cell_minutes), "min_doc_count": 1},
            "aggs": {"worst": {"min": {"field": "categories.performance.score"}}},
        }}}},
    });
    // Without a template the name of a monitor is a text there, with a keyword beside it.
    let keyword = body
        .to_string()
        .replace("\"field\":\"monitor\"", "\"field\":\"monitor.keyword\"");
    let index = format!("{prefix}audit-*");
    let mut answer = storage.search(&index, body).await;
    let is_empty = match &answer {
        Ok(found) => found
            .aggregations
            .as_ref()
            .and_then(|all| all.get("monitors")?.get("buckets")?.as_array())
            .is_none_or(Vec::is_empty),
        Err(_) => true,
    };
    if is_empty {
        let body: Value = serde_json::from_str(&keyword).unwrap_or_default();
        answer = storage.search(&index, body).await;
    }
    let answered = Value::Object(answer?.aggregations.unwrap_or_default());
    for bucket in buckets(&answered, "monitors") {
        let Some(row) = rows.get_mut(&text(bucket)) else {
            continue;
        };
        for cell in buckets(bucket, "cells") {
            let worst = cell.pointer("/worst/value").and_then(Value::as_f64);
            let position = cell
                .get("key")
                .and_then(Value::as_i64)
                .and_then(|ms| cell_of(period, ms));
            if let (Some(worst), Some(position)) = (worst, position)
                && let Some(place) = row.vitality.get_mut(position)
            {
                let seen = Vitality::of(worst);
                *place = Some(place.map_or(seen, |known| known.min(seen)));
            }
        }
    }
    Ok(())
}

async fn slowest(
    storage: &Storage,
    prefix: &str,
    period: &Period,
) -> Result<Vec<(String, f64)>, EsError> {
    let body = json!({
        "size": 0, "track_total_hits": false, "query": within(period.from, period.until),
        "aggs": {"pages": {"terms": {"field": "url", "size": 200}, "aggs": {
            "load": {"percentiles": {"field": "load", "percents": [75]}},
        }}},
    });
    let answer = storage.search(&format!("{prefix}vitals-*"), body).await?;
    let answered = Value::Object(answer.aggregations.unwrap_or_default());
    let mut pages: Vec<(String, f64)> = buckets(&answered, "pages")
        .filter_map(|bucket| Some((text(bucket), percentile(bucket, "load")?)))
        .collect();
    pages.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    pages.truncate(MOST_SLOW);
    Ok(pages)
}

async fn incidents(storage: &Storage, period: &Period) -> Result<Vec<Told>, EsError> {
    let body = json!({
        "size": MOST_INCIDENTS,
        "query": {"bool": {"filter": [
            {"range": {"startTime": {"lt": period.until.to_string()}}}, {"range": {"lastTime": {"gte": period.from.to_string()}}},
        ]}},
        "sort": [{"startTime": {"order": "asc", "unmapped_type": "date"}}],
        "_source": ["title", "startTime", "closedAt", "score", "sentence", "description", "blame"],
    });
    let answer = storage.search(&storage.queue_index(), body).await?;
    let told = |source: Value| -> Option<Told> {
        let text = |name: &str| source.get(name)?.as_str().map(str::to_owned);
        let detail = source.pointer("/blame/detail").and_then(Value::as_str);
        Some(Told {
            title: text("title")?,
            from: text("startTime")?,
            until: text("closedAt"),
            score: source.get("score").and_then(Value::as_i64).unwrap_or(0),
            sentence: detail
                .map(str::to_owned)
                .or_else(|| text("sentence"))
                .or_else(|| text("description"))
                .unwrap_or_default(),
        })
    };
    Ok(answer
        .hits
        .into_iter()
        .filter_map(|hit| told(hit.source?))
        .collect())
}

/// `(bytes, bytes of an average day of the period)`.
async fn stored(storage: &Storage, prefix: &str, period: &Period) -> Result<(u64, u64), EsError> {
    let target = IndexTarget::new(&format!("{prefix}*"));
    let indices = storage.service().indices(&target).await?;
    let total = indices.iter().map(|index| index.size_bytes).sum();
    let days: Vec<String> = (0..)
        .map(|day| period.from.epoch_ms() + day * 86_400_000)
        .take_while(|ms| *ms < period.until.epoch_ms())
        .map(|ms| Moment::from_epoch_ms(ms).index_date())
        .collect();
    let of_days: u64 = indices
        .iter()
        .filter(|index| days.iter().any(|day| index.name.ends_with(day)))
        .map(|index| index.size_bytes)
        .sum();
    Ok((total, of_days / (days.len() as u64).max(1)))
}

const NOTABLE_POINTS: f64 = 1.0;
const NOTABLE_PERCENT: f64 = 20.0;
const MOST_CHANGES: usize = 12;

fn changes(rows: &[Row]) -> Vec<String> {
    let mut found: Vec<(f64, String)> = Vec::new();
    for row in rows {
        if let (Some(now), Some(before)) = (row.available_percent, row.before_percent)
            && (now - before).abs() >= NOTABLE_POINTS
        {
            let word = if now < before { "fell" } else { "rose" };
            let sentence = format!(
                "{}: availability {word} from {before:.1} % to {now:.1} %",
                row.monitor
            );
            found.push(((now - before).abs() * 10.0, sentence));
        }
        if let (Some(now), Some(before)) = (row.load_p75, row.before_load_p75)
            && before > 0.0
        {
            let percent = (now / before - 1.0) * 100.0;
            if percent.abs() >= NOTABLE_PERCENT {
                let word = if percent > 0.0 { "slower" } else { "faster" };
                found.push((
                    percent.abs(),
                    format!(
                        "{}: {:.0} % {word} ({before:.0} → {now:.0} ms, p75 of load)",
                        row.monitor,
                        percent.abs()
                    ),
                ));
            }
        }
    }
    found.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    found
        .into_iter()
        .take(MOST_CHANGES)
        .map(|(_, sentence)| sentence)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_missing_runs_leave_holes() {
        let (up, down) = (Some(Availability::Available), Some(Availability::Down));
        // A run in every third cell, one of them missing.
        let mut cells = [
            up, None, None, down, None, None, None, None, None, up, None, None,
        ];
        fill(&mut cells, 3);
        assert_eq!(
            cells,
            [up, up, up, down, down, down, None, None, None, up, up, up]
        );
        let mut empty = [None; 4];
        fill(&mut empty, 0);
        assert_eq!(empty, [None; 4]);
    }
}
