//! What the panels of the established dashboards ask, as search bodies.

use serde_json::{Value, json};

/// A dashboard: its name, and the index pattern and body of each panel that asks.
pub struct Dashboard {
    pub name: &'static str,
    pub panels: Vec<(&'static str, Value)>,
}

/// The time that is looked at, epoch ms, and the width of a bucket over time.
#[derive(Clone, Copy)]
pub struct Range {
    pub from: i64,
    pub to: i64,
    pub interval: &'static str,
}

const REPORT: &str = "c.report-*";
const ENTRIES: &str = "c.performance-entries-*";
const REQUESTS: &str = "c.request-log-*";
const AUDIT: &str = "c.audit-*";
const CONSOLE: &str = "c.console-*";
const MEMORY: &str = "c.memory-*";
const COVERAGE: &str = "c.coverage-audit-*";

pub fn all(range: Range) -> Vec<Dashboard> {
    vec![
        Dashboard {
            name: "Smoke Overview",
            panels: smoke(range),
        },
        Dashboard {
            name: "User-journey Overview",
            panels: journey(range),
        },
        Dashboard {
            name: "Performance Audit",
            panels: audit(range),
        },
        Dashboard {
            name: "Errors",
            panels: errors(range),
        },
        Dashboard {
            name: "Request Log",
            panels: requests(range),
        },
    ]
}

impl Range {
    fn body(self, query: &str, aggregations: Value) -> Value {
        let mut filter = vec![
            json!({"range": {"timestamp": {"gte": self.from, "lte": self.to, "format": "epoch_millis"}}}),
        ];
        if !query.is_empty() {
            filter.push(json!({"query_string": {"query": query, "analyze_wildcard": true}}));
        }
        json!({"size": 0, "track_total_hits": true, "query": {"bool": {"filter": filter}}, "aggs": aggregations})
    }

    fn over_time(self, query: &str, inner: Value) -> Value {
        let histogram = json!({"field": "timestamp", "fixed_interval": self.interval, "time_zone": "Europe/Prague", "min_doc_count": 0});
        self.body(
            query,
            json!({"time": {"date_histogram": histogram, "aggs": inner}}),
        )
    }

    fn failures(self, spec: &str) -> Value {
        let query = format!("passed:false AND event:testStepEnd AND {spec}");
        self.body(
            &query,
            terms("errMessage.raw", 1000, terms("fullTitle", 10, json!({}))),
        )
    }
}

fn terms(field: &str, size: u64, inner: Value) -> Value {
    json!({"by": {"terms": {"field": field, "size": size}, "aggs": inner}})
}

fn max(field: &str) -> Value {
    json!({"max": {"field": field}})
}

fn p90(field: &str) -> Value {
    json!({"percentiles": {"field": field, "percents": [90]}})
}

fn smoke(range: Range) -> Vec<(&'static str, Value)> {
    let by_value = json!({"by": {"terms": {"field": "fullTitle", "size": 100, "order": {"max": "desc"}},
        "aggs": {"max": max("loadEventEnd")}}});
    let entries =
        json!({"ttfb": max("ttfb"), "response": max("responseTime"), "load": max("loadEventEnd")});
    let table = json!({"load": p90("loadEventEnd"), "max": max("loadEventEnd"), "ttfb": p90("ttfb"), "response": p90("responseTime")});
    let overview = terms(
        "fullTitle",
        50,
        json!({"ttfb": p90("ttfb"), "response": p90("responseTime")}),
    );
    let states = json!({"states": {"filters": {"filters": {
        "passed": {"term": {"passed": true}}, "failed": {"term": {"passed": false}}}}}});
    vec![
        (
            REPORT,
            range.body("spec:smoke* AND event:testStepStart", json!({})),
        ),
        (REPORT, range.over_time("spec:smoke*", states)),
        (ENTRIES, range.body("", terms("fullTitle", 50, json!({})))),
        (ENTRIES, range.over_time("spec:smoke.js", by_value)),
        (ENTRIES, range.over_time("spec:smoke.js", entries)),
        (
            ENTRIES,
            range.body(
                "spec:smoke.js AND entryType:navigation",
                terms("fullTitle", 50, table),
            ),
        ),
        (
            ENTRIES,
            range.body("NOT name:*HE*", terms("name", 50, overview)),
        ),
        (REPORT, range.failures("spec:smoke.js")),
    ]
}

fn journey(range: Range) -> Vec<(&'static str, Value)> {
    let sizes = ["transferSize", "encodedBodySize", "decodedBodySize"]
        .map(|field| (field.to_owned(), json!({"sum": {"field": field}})));
    let heap = json!({"total": max("data.totalJSHeapSize"), "used": max("data.usedJSHeapSize")});
    let coverage =
        json!({"total": {"sum": {"field": "total"}}, "unused": {"sum": {"field": "unused"}}});
    let steps = json!({"max": max("testStepDuration"), "p90": p90("testStepDuration")});
    vec![
        (REPORT, range.body("", terms("spec", 5, json!({})))),
        (
            ENTRIES,
            range.over_time(
                "name:HE-*",
                terms("name", 10, json!({"max": max("startTime")})),
            ),
        ),
        (MEMORY, range.over_time("", heap)),
        (COVERAGE, range.over_time("", coverage)),
        (
            REPORT,
            range.over_time("", json!({"max": max("testStepDuration")})),
        ),
        (
            ENTRIES,
            range.over_time("", Value::Object(sizes.into_iter().collect())),
        ),
        (REPORT, range.body("", terms("fullTitle", 10, steps))),
        (REPORT, range.failures("NOT spec:smoke.js")),
    ]
}

fn audit(range: Range) -> Vec<(&'static str, Value)> {
    let scores = [
        "categories.performance.score",
        "audits.first-contentful-paint.score",
        "audits.speed-index.score",
        "audits.largest-contentful-paint.score",
        "audits.interactive.score",
        "audits.total-blocking-time.score",
        "audits.cumulative-layout-shift.score",
    ];
    let lines = [
        "audits.total-blocking-time.numericValue",
        "audits.first-contentful-paint.numericValue",
        "audits.network-server-latency.numericValue",
        "audits.speed-index.numericValue",
        "audits.diagnostics.details.numRequests",
    ];
    let mut panels: Vec<(&'static str, Value)> = scores
        .iter()
        .map(|field| (AUDIT, range.body("", json!({"p": p90(field)}))))
        .collect();
    panels.extend(lines.iter().map(|field| {
        let body = range.over_time("", json!({"max": max(field)}));
        (AUDIT, body)
    }));
    panels
}

fn errors(range: Range) -> Vec<(&'static str, Value)> {
    let level = "level:error OR level:warning";
    vec![
        (REPORT, range.over_time("passed:false", json!({}))),
        (
            CONSOLE,
            range.body(
                level,
                terms("context.keyword", 50, terms("text.keyword", 50, json!({}))),
            ),
        ),
        (
            CONSOLE,
            range.body(level, terms("context.keyword", 50, json!({}))),
        ),
    ]
}

fn requests(range: Range) -> Vec<(&'static str, Value)> {
    let biggest = json!({"max": max("response.totalEncodedDataLength")});
    vec![
        (
            REQUESTS,
            range.body(
                "",
                terms("context", 50, terms("request.type", 20, json!({}))),
            ),
        ),
        (
            REQUESTS,
            range.over_time("", terms("response.status", 50, json!({}))),
        ),
        (
            REQUESTS,
            range.body(
                "",
                terms("response.headers.content-encoding.keyword", 50, json!({})),
            ),
        ),
        (
            REQUESTS,
            range.body("", terms("response.protocol", 50, json!({}))),
        ),
        (
            REQUESTS,
            range.body("", terms("response.status", 50, json!({}))),
        ),
        (
            REQUESTS,
            range.body("", terms("request.type", 50, json!({}))),
        ),
        (
            REQUESTS,
            range.over_time("", terms("request.type", 50, biggest)),
        ),
        (
            REQUESTS,
            range.body(
                "response.status:{299 TO *]",
                terms("response.status", 50, terms("url.raw", 5, json!({}))),
            ),
        ),
    ]
}
