//! Two sides from the store for [`crate::comparison`].

use std::collections::{BTreeMap, BTreeSet};

use axum::{
    Json,
    extract::{Path, Query, State, rejection::JsonRejection},
    http::StatusCode,
};
use canarytrace_es::{EsError, SearchResponse, SearchService};
use canarytrace_model::{folding, index::Service};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::{Refused, search};
use crate::{
    AppState,
    comparison::{self, Comparison, RequestKey, Side, Step},
};

const MAX_REQUESTS: usize = 10_000;
const MAX_STEPS: usize = 1000;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct With {
    /// A run, or left out: the last good one of the same monitor.
    with: Option<String>,
}

/// What changed since another run, or since the last good one.
#[utoipa::path(get, path = "/runs/{uuid}/compare", params(("uuid" = String, Path, description = "of the run"), With), responses((status = 200, description = "as JSON", body = Comparison)))]
pub(super) async fn runs(
    State(state): State<AppState>,
    Path(uuid): Path<String>,
    Query(other): Query<With>,
) -> Result<Json<Comparison>, Refused> {
    let service = &*state.service;
    let after = run(service, &uuid).await?;
    let before = match &other.with {
        Some(uuid) => run(service, uuid).await?,
        None => last_good(service, &after).await?.ok_or_else(|| {
            Refused::with_hint(
                StatusCode::NOT_FOUND,
                "no earlier run of this monitor passed",
                "choose the run to compare with: ?with=UUID",
            )
        })?,
    };
    let before = run_side(service, &before).await?;
    let after = run_side(service, &after).await?;
    Ok(Json(comparison::compare(before, after)))
}

/// What is different in a run from the last good one of its monitor, in one sentence; none where there is nothing to say.
pub async fn what_changed(service: &dyn SearchService, uuid: &str) -> Option<String> {
    let after = run(service, uuid).await.ok()?;
    let before = last_good(service, &after).await.ok()??;
    let before = run_side(service, &before).await.ok()?;
    let after = run_side(service, &after).await.ok()?;
    Some(comparison::compare(before, after).headline)
}

async fn sources(
    service: &dyn SearchService,
    family: Service,
    body: Value,
) -> Result<Vec<Value>, EsError> {
    let answer = search::ask(service, family, body).await?;
    Ok(answer
        .hits
        .into_iter()
        .filter_map(|hit| hit.source)
        .collect())
}

async fn run(service: &dyn SearchService, uuid: &str) -> Result<Value, Refused> {
    let body = json!({"size": 1, "query": {"term": {"uuid": uuid}}});
    let found = sources(service, Service::Run, body)
        .await?
        .into_iter()
        .next();
    found.ok_or_else(|| {
        Refused::with_hint(
            StatusCode::NOT_FOUND,
            format!("run `{uuid}` is not in this store"),
            "it may be older than the retention, or still going on",
        )
    })
}

async fn last_good(service: &dyn SearchService, run: &Value) -> Result<Option<Value>, EsError> {
    let body = json!({
        "size": 1,
        "query": {"bool": {"filter": [
            {"term": {"monitor": run["monitor"]}}, {"term": {"passed": true}}, {"range": {"startedAt": {"lt": run["startedAt"]}}},
        ]}},
        "sort": [{"startedAt": {"order": "desc", "unmapped_type": "date"}}],
    });
    Ok(sources(service, Service::Run, body)
        .await?
        .into_iter()
        .next())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn some_text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

const VITALS: [&str; 5] = ["ttfb", "fcp", "lcp", "load", "cls"];

async fn run_side(service: &dyn SearchService, run: &Value) -> Result<Side, Refused> {
    let uuid = text(&run["uuid"]);
    let of = |size: usize| json!({"size": size, "query": {"term": {"uuid": uuid}}, "sort": [{"sequence": {"order": "asc", "unmapped_type": "long"}}]});
    let mut side = Side {
        monitor: text(&run["monitor"]),
        from: text(&run["startedAt"]),
        to: text(&run["endedAt"]),
        runs: 1,
        failed: u64::from(run["passed"] == false),
        cause: some_text(&run["verdict"]["cause"]),
        detail: some_text(&run["verdict"]["detail"]),
        screenshot: some_text(&run["screenshot"]),
        uuid: Some(uuid.clone()),
        page: text(&run["vitals"]["url"]),
        ..Side::default()
    };
    for (name, field) in [
        ("browser", "browserVersion"),
        ("canarytrace", "version"),
        ("revision", "revision"),
    ] {
        side.versions
            .insert(name, some_text(&run[field]).into_iter().collect());
    }
    for name in VITALS {
        if let Some(value) = run["vitals"][name].as_f64() {
            side.vitals.insert(name, value);
        }
    }
    for event in sources(service, Service::Report, of(MAX_STEPS)).await? {
        if event["event"] == "testStepEnd" {
            add_step(&mut side, &event);
        }
    }
    for document in sources(service, Service::RequestLog, of(MAX_REQUESTS)).await? {
        add_request(&mut side, &document);
    }
    for entry in sources(service, Service::Console, of(MAX_STEPS)).await? {
        let is_bad = entry["eventType"] == "Runtime.exceptionThrown"
            || matches!(entry["level"].as_str(), Some("error" | "warning"));
        if let Some(said) = entry["text"].as_str().filter(|_| is_bad) {
            *side.console.entry(folding::folded_text(said)).or_default() += 1;
        }
    }
    Ok(side)
}

fn add_step(side: &mut Side, event: &Value) {
    let order = u64::try_from(side.steps.len()).unwrap_or(u64::MAX);
    let step = side
        .steps
        .entry(text(&event["fullTitle"]))
        .or_insert_with(|| Step {
            order,
            ..Step::default()
        });
    step.runs += 1;
    step.duration_ms += event["testStepDuration"].as_f64().unwrap_or(0.0);
    step.failed += u64::from(event["passed"] == false);
    step.error = step
        .error
        .take()
        .or_else(|| some_text(&event["errMessage"]));
}

fn add_request(side: &mut Side, document: &Value) {
    let url = text(&document["url"]);
    let is_page = document["request"]["type"] == "Document";
    if is_page && side.page.is_empty() {
        side.page.clone_from(&url);
    }
    let key = RequestKey {
        method: text(&document["request"]["method"]),
        url: folding::folded_url(&url),
    };
    if is_page && let Some(headers) = document["response"]["headers"].as_object() {
        for (name, value) in headers {
            let place = (key.url.clone(), name.to_lowercase());
            side.headers.insert(
                place,
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned),
            );
        }
    }
    let answer = some_text(&document["failure"])
        .or_else(|| match &document["response"]["status"] {
            Value::Null => None,
            Value::String(status) => Some(status.clone()),
            status => Some(status.to_string()),
        })
        .unwrap_or_else(|| "no answer".to_owned());
    let request = side.requests.entry(key).or_default();
    let (count, number) = (request.count, |value: &Value| {
        value.as_f64().unwrap_or(0.0).max(0.0)
    });
    let mean = |mean: f64, value: f64| (mean * count + value) / (count + 1.0);
    request.duration_ms = mean(request.duration_ms, number(&document["har"]["time"]));
    request.bytes = mean(
        request.bytes,
        number(&document["response"]["totalEncodedDataLength"]),
    );
    request.count += 1.0;
    request.answers.insert(answer);
    request.kind = some_text(&document["request"]["type"]);
}

/// Runs of a monitor within a time.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RangeSide {
    from: String,
    to: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Ranges {
    monitor: String,
    before: RangeSide,
    after: RangeSide,
}

/// What changed between two times of a monitor.
#[utoipa::path(post, path = "/compare", request_body = Ranges, responses((status = 200, description = "as JSON", body = Comparison)))]
pub(super) async fn ranges(
    State(state): State<AppState>,
    ranges: Result<Json<Ranges>, JsonRejection>,
) -> Result<Json<Comparison>, Refused> {
    let Json(ranges) = ranges?;
    let before = range_side(&*state.service, &ranges.monitor, &ranges.before).await?;
    let after = range_side(&*state.service, &ranges.monitor, &ranges.after).await?;
    Ok(Json(comparison::compare(before, after)))
}

fn buckets(answer: &SearchResponse, name: &str) -> Vec<Value> {
    let found = answer.aggregations.as_ref().and_then(|all| all.get(name));
    let found = found.and_then(|aggregation| aggregation["buckets"].as_array());
    found.cloned().unwrap_or_default()
}

fn keys(buckets: &[Value]) -> BTreeSet<String> {
    let text = |bucket: &Value| match &bucket["key"] {
        Value::String(key) => key.clone(),
        key => key.to_string(),
    };
    buckets.iter().map(text).collect()
}

async fn range_side(
    service: &dyn SearchService,
    monitor: &str,
    range: &RangeSide,
) -> Result<Side, Refused> {
    let filter = json!([
        {"term": {"monitor": monitor}}, {"range": {"timestamp": {"gte": range.from, "lt": range.to}}},
    ]);
    let with = |extra: Value, aggregations: Value| {
        let mut filter = filter.clone();
        if let Some(list) = filter.as_array_mut().filter(|_| !extra.is_null()) {
            list.push(extra);
        }
        json!({"size": 0, "track_total_hits": true, "query": {"bool": {"filter": filter}}, "aggs": aggregations})
    };
    let terms = |field: &str, size: usize| json!({"terms": {"field": field, "size": size}});
    let mut aggregations = json!({
        "failed": {"filter": {"term": {"passed": false}}}, "causes": terms("verdict.cause", 1),
        "browser": terms("browserVersion", 10), "canarytrace": terms("version", 10), "revision": terms("revision", 10),
        "page": terms("vitals.url", 1),
    });
    for name in VITALS {
        aggregations[format!("v_{name}")] = json!({"avg": {"field": format!("vitals.{name}")}});
    }
    let answer = search::ask(service, Service::Run, with(Value::Null, aggregations)).await?;
    let runs = answer.total.map_or(0, |total| total.value);
    if runs == 0 {
        return Err(Refused::with_hint(
            StatusCode::NOT_FOUND,
            format!("`{monitor}` has no run from {} to {}", range.from, range.to),
            "choose a time with runs on both sides",
        ));
    }
    let all = answer.aggregations.clone().unwrap_or_default();
    let mut side = Side {
        monitor: monitor.to_owned(),
        from: range.from.clone(),
        to: range.to.clone(),
        runs,
        failed: all["failed"]["doc_count"].as_u64().unwrap_or(0),
        cause: keys(&buckets(&answer, "causes")).into_iter().next(),
        page: keys(&buckets(&answer, "page"))
            .into_iter()
            .next()
            .unwrap_or_default(),
        ..Side::default()
    };
    for name in ["browser", "canarytrace", "revision"] {
        side.versions.insert(name, keys(&buckets(&answer, name)));
    }
    for name in VITALS {
        if let Some(value) = all[&format!("v_{name}")]["value"].as_f64() {
            side.vitals.insert(name, value);
        }
    }
    range_steps(service, &mut side, &with).await?;
    range_requests(service, &mut side, runs, &with).await?;
    let bad = json!({"terms": {"level": ["error", "warning"]}});
    let answer = search::ask(
        service,
        Service::Console,
        with(bad, json!({"texts": terms("text.keyword", 200)})),
    )
    .await?;
    for bucket in buckets(&answer, "texts") {
        let said = folding::folded_text(bucket["key"].as_str().unwrap_or_default());
        *side.console.entry(said).or_default() += bucket["doc_count"].as_u64().unwrap_or(0);
    }
    Ok(side)
}

async fn range_steps(
    service: &dyn SearchService,
    side: &mut Side,
    with: &impl Fn(Value, Value) -> Value,
) -> Result<(), EsError> {
    let aggregations = json!({"steps": {"terms": {"field": "fullTitle", "size": 500}, "aggs": {
        "time": {"avg": {"field": "testStepDuration"}}, "order": {"min": {"field": "sequence"}},
        "failed": {"filter": {"term": {"passed": false}}, "aggs": {"error": {"terms": {"field": "errMessage.raw", "size": 1}}}},
    }}});
    let answer = search::ask(
        service,
        Service::Report,
        with(json!({"term": {"event": "testStepEnd"}}), aggregations),
    )
    .await?;
    for bucket in buckets(&answer, "steps") {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a sequence is a small number"
        )]
        let order = bucket["order"]["value"].as_f64().unwrap_or(0.0) as u64;
        let step = Step {
            order,
            duration_ms: bucket["time"]["value"].as_f64().unwrap_or(0.0),
            runs: bucket["doc_count"].as_u64().unwrap_or(0),
            failed: bucket["failed"]["doc_count"].as_u64().unwrap_or(0),
            error: some_text(&bucket["failed"]["error"]["buckets"][0]["key"]),
        };
        side.steps.insert(text(&bucket["key"]), step);
    }
    Ok(())
}

async fn range_requests(
    service: &dyn SearchService,
    side: &mut Side,
    runs: u64,
    with: &impl Fn(Value, Value) -> Value,
) -> Result<(), EsError> {
    let aggregations = json!({"urls": {"terms": {"field": "url.raw", "size": 2000}, "aggs": {
        "time": {"avg": {"field": "har.time"}}, "bytes": {"avg": {"field": "response.totalEncodedDataLength"}},
        "method": {"terms": {"field": "request.method", "size": 1}}, "kind": {"terms": {"field": "request.type", "size": 1}},
        "status": {"terms": {"field": "response.status", "size": 10}},
    }}});
    let answer = search::ask(
        service,
        Service::RequestLog,
        with(Value::Null, aggregations),
    )
    .await?;
    let first = |bucket: &Value, name: &str| some_text(&bucket[name]["buckets"][0]["key"]);
    #[expect(clippy::cast_precision_loss, reason = "a mean of counts")]
    let runs = runs as f64;
    let mut sums: BTreeMap<RequestKey, f64> = BTreeMap::new();
    for bucket in buckets(&answer, "urls") {
        let key = RequestKey {
            method: first(&bucket, "method").unwrap_or_default(),
            url: folding::folded_url(bucket["key"].as_str().unwrap_or_default()),
        };
        let count = bucket["doc_count"].as_f64().unwrap_or(0.0);
        let before = sums.entry(key.clone()).or_default();
        let request = side.requests.entry(key).or_default();
        let value = |name: &str| bucket[name]["value"].as_f64().unwrap_or(0.0);
        let mean = |mean: f64, value: f64| (mean * *before + value * count) / (*before + count);
        request.duration_ms = mean(request.duration_ms, value("time"));
        request.bytes = mean(request.bytes, value("bytes"));
        *before += count;
        request.count = *before / runs;
        request.kind = request.kind.take().or_else(|| first(&bucket, "kind"));
        let statuses = bucket["status"]["buckets"].as_array();
        request
            .answers
            .extend(keys(statuses.map_or(&[], Vec::as_slice)));
    }
    Ok(())
}
