//! Errors of runs, grouped: the list, and what began at the same time as one of them. Read from the store for [`crate::errors`].

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use canarytrace_es::{
    EsError, SearchService,
    date::{self, Round},
};
use canarytrace_model::{folding, index::Service, time::Moment};
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;
use utoipa::{IntoParams, ToSchema};

use super::{
    Refused,
    annotations::{self, Annotation},
    compare, search,
};
use crate::{
    AppState,
    errors::{self, Group, Kind, Occurrence, SLOTS, Seen, Slots},
};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Date math or RFC 3339.
    from: String,
    /// Date math or RFC 3339.
    to: String,
    /// Only its own.
    monitor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct ErrorGroups {
    groups: Vec<Group>,
    /// There are more than could be looked at.
    partial: bool,
}

#[derive(Serialize, ToSchema)]
pub(super) struct ErrorDetail {
    group: Group,
    together: Together,
}

/// What a run was made of, where the run before it was made of something else.
#[derive(Serialize, ToSchema)]
struct RevisionSeen {
    /// Field of the run: `revision`, `browserVersion`, `version`.
    what: &'static str,
    monitor: String,
    #[schema(required)]
    from: Option<String>,
    #[schema(required)]
    to: Option<String>,
}

/// What began at the same time.
#[derive(Serialize, ToSchema)]
struct Together {
    deployments: Vec<Annotation>,
    errors: Vec<Group>,
    revisions: Vec<RevisionSeen>,
    /// What the first run with it had that the last good one had not, in one sentence.
    #[schema(required)]
    changed: Option<String>,
}

/// An error that was not seen for so long before the time that is looked at counts as new.
const LOOK_BACK_MS: i64 = 30 * 86_400_000;
/// Failed steps that are read one by one.
const MOST_STEPS: usize = 10_000;
/// Different texts and addresses of one kind.
const MOST_TEXTS: usize = 1000;
const MOST_MONITORS: usize = 100;
/// What began so long before or after counts as at the same time.
const TOGETHER_MS: i64 = 30 * 60_000;
const MOST_TOGETHER: usize = 20;

/// Errors of steps, console and requests by what they say, with first and last time, count and trend.
#[utoipa::path(get, path = "/errors", params(Asked), responses((status = 200, description = "as JSON", body = ErrorGroups)))]
pub(super) async fn list(
    State(state): State<AppState>,
    Query(asked): Query<Asked>,
) -> Result<Json<ErrorGroups>, Refused> {
    let slots = slots(&asked)?;
    let found = find(&*state.service, slots, asked.monitor.as_deref()).await?;
    Ok(Json(ErrorGroups {
        groups: found.groups,
        partial: found.partial,
    }))
}

/// One of them, and what began at the same time: deployments, revisions, other errors, requests.
#[utoipa::path(get, path = "/errors/{fingerprint}", params(("fingerprint" = String, Path, description = "of the list"), Asked), responses((status = 200, description = "as JSON", body = ErrorDetail)))]
pub(super) async fn one(
    State(state): State<AppState>,
    Path(fingerprint): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Json<ErrorDetail>, Refused> {
    let service = &*state.service;
    let found = find(service, slots(&asked)?, asked.monitor.as_deref()).await?;
    let (mut own, others): (Vec<Group>, Vec<Group>) = found
        .groups
        .into_iter()
        .partition(|group| group.fingerprint == fingerprint);
    let group = own.pop().ok_or_else(|| {
        Refused::with_hint(
            StatusCode::NOT_FOUND,
            "this error was not seen within this time",
            "choose a longer time",
        )
    })?;
    let began = group.first_seen.epoch_ms();
    let began_together: Vec<Group> = others
        .into_iter()
        .filter(|other| (other.first_seen.epoch_ms() - began).abs() <= TOGETHER_MS)
        .take(MOST_TOGETHER)
        .collect();
    let changed = match &group.first_run {
        Some(run) => compare::what_changed(service, run).await,
        None => None,
    };
    let together = Together {
        deployments: marks(service, &group).await?,
        errors: began_together,
        revisions: revisions(service, &group).await?,
        changed,
    };
    Ok(Json(ErrorDetail { group, together }))
}

fn slots(asked: &Asked) -> Result<Slots, Refused> {
    let moment = |text: &str, round: Round| {
        date::parse_query_date(text, &TimeZone::UTC, round, Timestamp::now())
    };
    let slots = Slots {
        from: moment(&asked.from, Round::Down)?,
        to: moment(&asked.to, Round::Up)?,
    };
    if slots.from >= slots.to {
        return Err(Refused::new(
            StatusCode::BAD_REQUEST,
            format!("`from` ({}) is not before `to` ({})", asked.from, asked.to),
        ));
    }
    Ok(slots)
}

struct Found {
    groups: Vec<Group>,
    partial: bool,
}

async fn find(
    service: &dyn SearchService,
    slots: Slots,
    monitor: Option<&str>,
) -> Result<Found, EsError> {
    let (mut all, mut partial) = steps(service, slots, monitor).await?;
    for kind in [Kind::Console, Kind::Request] {
        let (some, is_partial) = texts(service, kind, slots, monitor).await?;
        all.extend(some);
        partial |= is_partial;
    }
    Ok(Found {
        groups: errors::group(all, slots.from),
        partial,
    })
}

fn filters(slots: Slots, monitor: Option<&str>) -> Vec<Value> {
    let from = Moment::from_epoch_ms(slots.from - LOOK_BACK_MS);
    let to = Moment::from_epoch_ms(slots.to);
    let mut filters = vec![json!({"range": {"timestamp": {"gte": from, "lte": to}}})];
    filters.extend(monitor.map(|monitor| json!({"term": {"monitor": monitor}})));
    filters
}

fn text(value: &Value, path: &str) -> Option<String> {
    value.pointer(path)?.as_str().map(str::to_owned)
}

fn host(url: &str) -> Option<String> {
    Some(Url::parse(url).ok()?.host_str()?.to_owned())
}

/// `pages/home.js:5:6` without its line and column: those move whenever somebody edits above.
fn file(place: &str) -> Option<String> {
    let name = place.trim_end_matches(|own: char| own == ':' || own.is_ascii_digit());
    (!name.is_empty()).then(|| name.to_owned())
}

fn seen(source: &Value) -> Option<Seen> {
    Some(Seen {
        at: date::parse_document_date(source.get("timestamp")?.as_str()?)?,
        run: text(source, "/uuid"),
    })
}

/// Failed steps, and runs that ended abnormally: each document is one occurrence.
async fn steps(
    service: &dyn SearchService,
    slots: Slots,
    monitor: Option<&str>,
) -> Result<(Vec<Occurrence>, bool), EsError> {
    let mut filters = filters(slots, monitor);
    filters.push(json!({"term": {"passed": false}}));
    filters.push(json!({"terms": {"event": ["testStepEnd", "testEnd"]}}));
    let body = json!({
        "size": MOST_STEPS, "track_total_hits": true, "query": {"bool": {"filter": filters}},
        "_source": ["timestamp", "uuid", "monitor", "errMessage", "fullTitle", "verdict.facts.url", "verdict.facts.place"],
        "sort": [{"timestamp": {"order": "desc", "unmapped_type": "date"}}],
    });
    let answer = search::ask(service, Service::Report, body).await?;
    let partial = answer
        .total
        .is_some_and(|total| total.value > MOST_STEPS as u64);
    let found = answer.hits.iter().filter_map(|hit| {
        let source = hit.source.as_ref()?;
        let seen = seen(source)?;
        let mut trend = [0; SLOTS];
        slots.add(&mut trend, seen.at, 1);
        let count = u64::from(slots.of(seen.at).is_some());
        Some(Occurrence {
            kind: Kind::Step,
            message: text(source, "/errMessage").unwrap_or_else(|| "no message".to_owned()),
            step: text(source, "/fullTitle"),
            host: text(source, "/verdict/facts/url").and_then(|url| host(&url)),
            file: text(source, "/verdict/facts/place").and_then(|place| file(&place)),
            first: seen.clone(),
            last: seen,
            count,
            monitors: text(source, "/monitor")
                .into_iter()
                .filter(|_| count > 0)
                .map(|monitor| (monitor, count))
                .collect(),
            trend,
        })
    });
    Ok((found.collect(), partial))
}

/// Texts of the console and addresses of failed requests, counted in the store.
async fn texts(
    service: &dyn SearchService,
    kind: Kind,
    slots: Slots,
    monitor: Option<&str>,
) -> Result<(Vec<Occurrence>, bool), EsError> {
    let mut filters = filters(slots, monitor);
    let (family, field, condition) = match kind {
        Kind::Request => (
            Service::RequestLog,
            "url.raw",
            json!([{"range": {"response.status": {"gte": "400"}}}, {"exists": {"field": "failure"}}]),
        ),
        Kind::Step | Kind::Console => (
            Service::Console,
            "text.keyword",
            json!([{"term": {"level": "error"}}, {"term": {"eventType": "Runtime.exceptionThrown"}}]),
        ),
    };
    filters.push(json!({"bool": {
        "should": condition, "minimum_should_match": 1,
        // The console says of a failed request what the request itself says better.
        "must_not": {"term": {"source": "network"}},
    }}));
    let seen = |order: &str| {
        json!({"top_hits": {"size": 1, "sort": [{"timestamp": {"order": order}}], "_source": [
            "timestamp", "uuid", "url", "stackTrace", "failure", "response.status", "request.method",
        ]}})
    };
    // In whole seconds, because that is what intervals of every store can be.
    let step = slots.length() / 1000 + 1;
    let body = json!({
        "size": 0, "track_total_hits": false, "query": {"bool": {"filter": filters}},
        "aggs": {"texts": {
            "terms": {"field": field, "size": MOST_TEXTS},
            "aggs": {
                "first": seen("asc"), "last": seen("desc"),
                "now": {
                    "filter": {"range": {"timestamp": {"gte": Moment::from_epoch_ms(slots.from)}}},
                    "aggs": {
                        "monitors": {"terms": {"field": "monitor", "size": MOST_MONITORS}},
                        "times": {"date_histogram": {"field": "timestamp", "fixed_interval": format!("{step}s"), "min_doc_count": 1}},
                    },
                },
            },
        }},
    });
    let answer = search::ask(service, family, body).await?;
    let aggregations = answer.aggregations.unwrap_or_default();
    let all = aggregations.get("texts").unwrap_or(&Value::Null);
    let partial = all["sum_other_doc_count"].as_u64().unwrap_or(0) > 0;
    let found = buckets(all)
        .iter()
        .filter_map(|bucket| occurrence(kind, bucket, slots));
    Ok((found.collect(), partial))
}

fn buckets(aggregation: &Value) -> &[Value] {
    aggregation["buckets"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
}

fn occurrence(kind: Kind, bucket: &Value, slots: Slots) -> Option<Occurrence> {
    let of = |name: &str| bucket.pointer(&format!("/{name}/hits/hits/0/_source"));
    let (first, last) = (of("first")?, of("last")?);
    let key = bucket["key"].as_str()?;
    let mut trend = [0; SLOTS];
    for time in buckets(&bucket["now"]["times"]) {
        let start = time["key"].as_i64().unwrap_or(0).max(slots.from);
        slots.add(&mut trend, start, time["doc_count"].as_u64().unwrap_or(0));
    }
    let (message, host, file) = match kind {
        Kind::Request => (request(last, key), host(key), None),
        Kind::Step | Kind::Console => {
            let frame = text(first, "/stackTrace/callFrames/0/url");
            let page = text(first, "/url");
            let host = frame.as_deref().or(page.as_deref()).and_then(host);
            (key.to_owned(), host, frame)
        }
    };
    Some(Occurrence {
        kind,
        message,
        step: None,
        host,
        file,
        first: seen(first)?,
        last: seen(last)?,
        count: bucket["now"]["doc_count"].as_u64().unwrap_or(0),
        monitors: buckets(&bucket["now"]["monitors"])
            .iter()
            .filter_map(|own| Some((own["key"].as_str()?.to_owned(), own["doc_count"].as_u64()?)))
            .collect(),
        trend,
    })
}

/// `GET https://shop.example/cart/* answered 503`
fn request(last: &Value, url: &str) -> String {
    let method = text(last, "/request/method").unwrap_or_else(|| "GET".to_owned());
    let url = folding::folded_url(url);
    let status = match last.pointer("/response/status") {
        Some(Value::String(status)) => Some(status.clone()),
        Some(Value::Number(status)) => Some(status.to_string()),
        _ => None,
    };
    match (text(last, "/failure"), status) {
        (Some(failure), _) => format!("{method} {url}: {failure}"),
        (None, Some(status)) => format!("{method} {url} answered {status}"),
        (None, None) => format!("{method} {url}: no answer"),
    }
}

/// Deployments and changes shortly before the error came.
async fn marks(service: &dyn SearchService, group: &Group) -> Result<Vec<Annotation>, EsError> {
    let began = group.first_seen.epoch_ms();
    let (from, to) = (
        Moment::from_epoch_ms(began - 4 * TOGETHER_MS),
        Moment::from_epoch_ms(began + TOGETHER_MS / 6),
    );
    let monitors: Vec<&String> = group.monitors.keys().collect();
    let body = json!({
        "size": MOST_TOGETHER,
        "query": {"bool": {"filter": [
            {"range": {"timestamp": {"gte": from, "lte": to}}},
            {"bool": {"should": [
                {"terms": {"monitor": monitors}}, {"bool": {"must_not": {"exists": {"field": "monitor"}}}},
            ]}},
        ]}},
        "sort": [{"timestamp": {"order": "desc", "unmapped_type": "date"}}],
    });
    annotations::found(service, body).await
}

const VERSIONS: [&str; 3] = ["revision", "browserVersion", "version"];

/// What the first run with the error was made of, where the run before it was made of something else.
async fn revisions(
    service: &dyn SearchService,
    group: &Group,
) -> Result<Vec<RevisionSeen>, EsError> {
    let Some(first) = &group.first_run else {
        return Ok(Vec::new());
    };
    let mut fields: Vec<&str> = VERSIONS.to_vec();
    fields.extend(["monitor", "startedAt"]);
    let newest = |filter: Vec<Value>| {
        json!({
            "size": 1, "_source": fields, "query": {"bool": {"filter": filter}},
            "sort": [{"startedAt": {"order": "desc", "unmapped_type": "date"}}],
        })
    };
    let one = async |body: Value| -> Result<Option<Value>, EsError> {
        let answer = search::ask(service, Service::Run, body).await?;
        Ok(answer.hits.into_iter().next().and_then(|hit| hit.source))
    };
    let Some(after) = one(newest(vec![json!({"term": {"uuid": first}})])).await? else {
        return Ok(Vec::new());
    };
    let earlier = vec![
        json!({"term": {"monitor": after["monitor"]}}),
        json!({"range": {"startedAt": {"lt": after["startedAt"]}}}),
    ];
    let Some(before) = one(newest(earlier)).await? else {
        return Ok(Vec::new());
    };
    let changed = VERSIONS
        .into_iter()
        .filter(|name| before[*name] != after[*name]);
    Ok(changed
        .map(|name| RevisionSeen {
            what: name,
            monitor: text(&after, "/monitor").unwrap_or_default(),
            from: before[name].as_str().map(str::to_owned),
            to: after[name].as_str().map(str::to_owned),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_lose_their_lines_and_requests_are_told_by_what_came() {
        assert_eq!(file("pages/home.js:5:6").as_deref(), Some("pages/home.js"));
        assert_eq!(file(":1:2"), None);
        let answered = json!({"request": {"method": "POST"}, "response": {"status": "503"}});
        assert_eq!(
            request(&answered, "https://shop.example/cart/17?x=1"),
            "POST https://shop.example/cart/*?x answered 503"
        );
        let failed = json!({"failure": "net::ERR_FAILED", "response": {"status": "200"}});
        assert_eq!(
            request(&failed, "https://shop.example/"),
            "GET https://shop.example/: net::ERR_FAILED"
        );
        assert_eq!(
            request(&json!({}), "https://shop.example/"),
            "GET https://shop.example/: no answer"
        );
    }
}
