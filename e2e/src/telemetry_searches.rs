//! What users ask of telemetry, asked of OpenSearch and of the embedded store: the panels of the established dashboards, and the
//! queries of its guide.

use canarytrace_es::kql;
use canarytrace_history::Plan;
use serde_json::{Value, json};

use crate::{
    dashboards::{self, Range},
    judged::feed,
    request,
    scenarios::{difference, stable},
};

/// The judge's digest is not exact: percentiles may be so far from ours, of themselves.
const PERCENTILES: f64 = 0.05;

/// Writes the telemetry of a plan to each server; answers how many documents that are.
pub fn fill(plan: Plan, urls: &[&str]) -> u64 {
    let each = urls.iter().map(|url| feed(url, plan));
    each.max().unwrap_or(0)
}

/// What differs in the answers, and how many requests found something.
pub fn compare(judge: &str, ours: &str, range: Range) -> (Vec<String>, usize) {
    let panels = dashboards::all(range).into_iter().flat_map(|dashboard| {
        let panels = dashboard.panels.into_iter();
        panels.map(move |(index, body)| (dashboard.name, index, body))
    });
    let guide = guide(range)
        .into_iter()
        .map(|(index, body)| ("guide", index, body));
    let (mut different, mut found) = (Vec::new(), 0);
    for (place, index, body) in panels.chain(guide) {
        let (judged, own) = (ask(judge, index, &body), ask(ours, index, &body));
        let total = judged.pointer("/body/hits/total/value");
        found += usize::from(total.and_then(Value::as_u64) > Some(0));
        // Daily indices are a shard each: the judge tells what it does not know of them.
        let ignored = [
            "values",
            "_score",
            "max_score",
            "doc_count_error_upper_bound",
            "sum_other_doc_count",
        ]
        .map(str::to_owned);
        let unlike =
            difference(&judged, &own, "", &ignored).or_else(|| unlike_percentiles(&judged, &own));
        if let Some(unlike) = unlike {
            different.push(format!("{place}: {index} {body}\n    {unlike}"));
        }
    }
    (different, found)
}

fn ask(url: &str, index: &str, body: &Value) -> Value {
    let headers = [("content-type", "application/json")];
    let url = format!("{url}/{index}/_search");
    let (status, answer) = request("POST", &url, &headers, &body.to_string());
    assert_eq!(status, 200, "{body}: {answer}");
    let mut answer = stable(answer);
    // Those of the same moment come in any order.
    if let Some(Value::Array(hits)) = answer.pointer_mut("/hits/hits") {
        hits.sort_by_key(|hit| (hit["sort"][0].as_i64(), hit["_id"].to_string()));
    }
    json!({"status": status, "body": answer})
}

/// The first percentile that is too far from the judge's.
fn unlike_percentiles(judged: &Value, ours: &Value) -> Option<String> {
    match (judged, ours) {
        (Value::Object(judged), Value::Object(ours)) => judged.iter().find_map(|(name, value)| {
            let own = ours.get(name)?;
            match value {
                Value::Object(values) if name == "values" => {
                    values.iter().find_map(|(at, value)| {
                        let (one, other) = (value.as_f64(), own[at].as_f64());
                        let is_near = match one.zip(other) {
                            Some((one, other)) => (one - other).abs() <= PERCENTILES * one.abs(),
                            None => one == other,
                        };
                        (!is_near).then(|| {
                            format!("percentile {at}: {value} is judged, {} is ours", own[at])
                        })
                    })
                }
                _ => unlike_percentiles(value, own),
            }
        }),
        (Value::Array(judged), Value::Array(ours)) => {
            let mut pairs = judged.iter().zip(ours);
            pairs.find_map(|(judged, ours)| unlike_percentiles(judged, ours))
        }
        _ => None,
    }
}

/// The queries of the established product's guide.
fn guide(range: Range) -> Vec<(&'static str, Value)> {
    let mut queries = steps(range);
    queries.extend(pages(range));
    for text in [
        "entryType: resource",
        "NOT response.headers.content-encoding : gzip",
        "passed: false",
    ] {
        let query = kql::to_query(text, None);
        let query = query.unwrap_or_else(|error| panic!("{text}: {error:?}"));
        let body = json!({"size": 0, "track_total_hits": true, "query": query});
        queries.push(("c.*", body));
    }
    queries
}

/// All that fit, newest first.
fn hits(range: Range, must: &[Value], must_not: &[Value], source: &[&str]) -> Value {
    let during = json!({"gte": range.from, "lte": range.to, "format": "epoch_millis"});
    let mut filter = must.to_vec();
    filter.push(json!({"range": {"timestamp": during}}));
    json!({
        "query": {"bool": {"filter": filter, "must_not": must_not}}, "_source": source, "size": 10_000, "track_total_hits": true,
        "sort": [{"timestamp": "desc"}],
    })
}

fn at_least(field: &str, number: f64) -> Value {
    json!({"range": {field: {"gte": number}}})
}

fn steps(range: Range) -> Vec<(&'static str, Value)> {
    let shown = [
        "uuid",
        "labels",
        "timestamp",
        "fullTitle",
        "errMessage",
        "testStepDuration",
    ];
    let failed = [json!({"match": {"passed": "false"}})];
    let slow = [
        json!({"match": {"passed": true}}),
        at_least("testStepDuration", 5000.0),
    ];
    let audit = [json!({"match_phrase": {"fullTitle": "Smoke performance audit"}})];
    let heap = [at_least("data.usedJSHeapSize", 4e7)];
    vec![
        ("c.report-*", hits(range, &failed, &[], &shown)),
        ("c.report-*", hits(range, &slow, &audit, &shown)),
        ("c.memory-*", hits(range, &heap, &[], &["testStep"])),
    ]
}

fn pages(range: Range) -> Vec<(&'static str, Value)> {
    let audited = |must: &[Value]| ("c.audit-*", hits(range, must, &[], &["finalUrl"]));
    let entries = |must: &[Value]| ("c.performance-entries-*", hits(range, must, &[], &["name"]));
    let script = json!({"match": {"response.headers.content-type": "javascript"}});
    let packed = json!({"match": {"response.headers.content-encoding": "gzip"}});
    let large = at_least("response.totalEncodedDataLength", 500_000.0);
    let unused = at_least("percentUnused", 25.0);
    vec![
        audited(&[
            at_least("audits.largest-contentful-paint.numericValue", 1000.0),
            at_least("audits.interactive.numericValue", 1000.0),
            at_least("audits.cumulative-layout-shift.numericValue", 0.01),
        ]),
        audited(&[json!({"range": {"categories.performance.score": {"gte": 70, "lte": 90}}})]),
        entries(&[at_least("responseTime", 1000.0)]),
        entries(&[
            json!({"wildcard": {"name": "*css"}}),
            at_least("ttfb", 100.0),
        ]),
        entries(&[
            json!({"match": {"entryType": "mark"}}),
            at_least("startTime", 2000.0),
        ]),
        (
            "c.request-log-*",
            hits(range, &[script], &[packed], &["url"]),
        ),
        ("c.request-log-*", hits(range, &[large], &[], &["url"])),
        ("c.coverage-audit-*", hits(range, &[unused], &[], &["url"])),
    ]
}
