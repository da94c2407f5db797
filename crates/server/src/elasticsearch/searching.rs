//! Searching and counting.

use std::time::Instant;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
};
use bytes::Bytes;
use canarytrace_es::{
    EsError, IndexTarget, SearchRequest, TargetOptions,
    aggregation::{self, Aggregations},
    object_of, query,
};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::{
    answer::{Answer, Asked, Checked, Outcome, Parameters, inflate},
    contexts,
    dated::dated,
    name, target,
};
use crate::AppState;

pub(crate) async fn search(
    State(state): State<AppState>,
    index: Option<Path<String>>,
    Asked {
        parameters,
        body: mut raw,
    }: Asked,
) -> Outcome {
    let index = &name(index);
    if parameters.flag("explain") {
        return Err(EsError::unsupported("[explain] of a search").into());
    }
    merge_parameters(&mut raw, &parameters)?;
    let request = SearchRequest::parse(raw)?;
    let typed = Typed::of(&parameters, &request);
    let mut answer = match parameters.get("scroll") {
        Some(span) => contexts::open_scroll(&state, index, request, &parameters, span).await?,
        None => search_once(&state, index, request, &parameters).await?,
    };
    parameters.total_as_number(&mut answer);
    typed.name(&mut answer);
    Ok(Answer::from(answer).shaped(&parameters))
}

/// `typed_keys`: the aggregations of the request, if their names are to tell what they are.
struct Typed(Option<Aggregations>);

impl Typed {
    fn of(parameters: &Parameters, request: &SearchRequest) -> Self {
        let is_wanted = parameters.flag("typed_keys");
        Self(is_wanted.then(|| request.aggregations.clone()))
    }

    fn name(self, answer: &mut Value) {
        if let (Some(typed), Some(Value::Object(own))) = (self.0, answer.get_mut("aggregations")) {
            aggregation::type_names(&typed, own);
        }
    }
}

async fn search_once(
    state: &AppState,
    index: &str,
    request: SearchRequest,
    parameters: &Parameters,
) -> Result<Value, EsError> {
    let kept = request.point_in_time.as_ref().map(|kept| kept.id.clone());
    if kept.is_some() && !index.is_empty() {
        return Err(EsError::invalid_request(
            "[indices] cannot be used with point in time. Do not specify any index with point in time.",
        ));
    }
    let answer = state
        .service
        .search(&target(index, parameters), request)
        .await?;
    let answer = answer.into_json();
    Ok(match kept {
        Some(id) => contexts::with_id("pit_id", &id, answer),
        None => answer,
    })
}

/// `?q=…&size=…` beside or instead of a body.
fn merge_parameters(raw: &mut Value, parameters: &Parameters) -> Result<(), EsError> {
    let map = raw
        .as_object_mut()
        .ok_or_else(|| EsError::parsing("[search] must be an object"))?;
    if let Some(text) = parameters.get("q") {
        map.insert("query".to_owned(), query_string(text, parameters));
    }
    for name in ["size", "from", "terminate_after"] {
        if let Some(number) = parameters.number(name)? {
            map.insert(name.to_owned(), json!(number));
        }
    }
    if let Some(timeout) = parameters.get("timeout") {
        map.insert("timeout".to_owned(), json!(timeout));
    }
    if let Some(sort) = parameters.get("sort") {
        let fields = sort.split(',').map(|field| match field.split_once(':') {
            Some((name, order)) => json!({name: {"order": order}}),
            None => json!(field),
        });
        map.insert("sort".to_owned(), Value::Array(fields.collect()));
    }
    match parameters.get("track_total_hits") {
        Some("true") => drop(map.insert("track_total_hits".to_owned(), json!(true))),
        Some("false") => drop(map.insert("track_total_hits".to_owned(), json!(false))),
        Some(_) => drop(map.insert(
            "track_total_hits".to_owned(),
            json!(parameters.number("track_total_hits")?),
        )),
        None => {}
    }
    if let Some(filter) = parameters.source() {
        map.insert("_source".to_owned(), filter);
    }
    Ok(())
}

fn query_string(text: &str, parameters: &Parameters) -> Value {
    let mut query = json!({"query": text});
    if let Some(map) = query.as_object_mut() {
        for (parameter, name) in [
            ("df", "default_field"),
            ("default_operator", "default_operator"),
        ] {
            if let Some(value) = parameters.get(parameter) {
                map.insert(name.to_owned(), json!(value));
            }
        }
    }
    json!({"query_string": query})
}

/// Each search has its own answer or error; a malformed line refuses the whole request.
pub(crate) async fn multi_search(
    State(state): State<AppState>,
    index: Option<Path<String>>,
    Checked(parameters): Checked,
    headers: HeaderMap,
    body: Bytes,
) -> Outcome {
    let default_index = &name(index);
    let started = Instant::now();
    let body = inflate(&headers, body)?;
    let lines: Vec<&[u8]> = body
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.iter().all(u8::is_ascii_whitespace))
        .collect();
    let read = |line: &[u8]| {
        serde_json::from_slice::<Value>(line)
            .map_err(|error| EsError::parsing(format!("a line of _msearch is not JSON: {error}")))
    };
    let mut searches = Vec::new();
    for pair in lines.chunks(2) {
        let [header, search] = pair else {
            return Err(EsError::illegal_argument("a search of _msearch has no body line").into());
        };
        searches.push((read(header)?, read(search)?));
    }
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    let responses = stream::iter(searches)
        .map(|(header, search)| answer_of_many(&state, header, search, default_index, &parameters))
        .buffered(at_once)
        .collect()
        .await;
    let took = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let answer = object_of([
        ("took", took.into()),
        ("responses", Value::Array(responses)),
    ]);
    Ok(Answer::from(answer).shaped(&parameters))
}

/// With its own status.
async fn answer_of_many(
    state: &AppState,
    header: Value,
    search: Value,
    default_index: &str,
    parameters: &Parameters,
) -> Value {
    match one_of_many(state, &header, search, default_index, parameters).await {
        Ok(mut answer) => {
            if let Some(map) = answer.as_object_mut() {
                map.insert("status".to_owned(), json!(200));
            }
            answer
        }
        Err(error) => error.body(),
    }
}

async fn one_of_many(
    state: &AppState,
    header: &Value,
    search: Value,
    default_index: &str,
    parameters: &Parameters,
) -> Result<Value, EsError> {
    let index = match header.get("index") {
        Some(Value::String(index)) => index.clone(),
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(","),
        _ => default_index.to_owned(),
    };
    let index = dated(index)?;
    let flag = |name: &str| header.get(name).and_then(Value::as_bool);
    let target = IndexTarget::new(&index).with_options(TargetOptions {
        ignore_unavailable: flag("ignore_unavailable").unwrap_or(false),
        forbid_no_indices: flag("allow_no_indices") == Some(false),
        ..TargetOptions::default()
    });
    let request = SearchRequest::parse(search)?;
    let typed = Typed::of(parameters, &request);
    let mut answer = state.service.search(&target, request).await?.into_json();
    typed.name(&mut answer);
    Ok(answer)
}

pub(crate) async fn count(
    State(state): State<AppState>,
    index: Option<Path<String>>,
    Asked {
        parameters,
        body: mut raw,
    }: Asked,
) -> Outcome {
    let index = &name(index);
    if let (Some(text), Some(map)) = (parameters.get("q"), raw.as_object_mut()) {
        map.insert("query".to_owned(), query_string(text, &parameters));
    }
    if let Some(key) = raw
        .as_object()
        .and_then(|map| map.keys().find(|key| *key != "query"))
    {
        return Err(EsError::parsing(format!("request does not support [{key}]")).into());
    }
    let parsed = raw
        .get("query")
        .map_or(Ok(query::Query::MatchAll), query::Query::parse)?;
    let count = state
        .service
        .count(&target(index, &parameters), parsed, raw)
        .await?;
    let shards = json!({"total": 1, "successful": 1, "skipped": 0, "failed": 0});
    Ok(Answer::from(json!({"count": count, "_shards": shards})).shaped(&parameters))
}

/// Whether a query is understood, and fits the fields that it asks.
pub(crate) async fn validate(
    State(state): State<AppState>,
    index: Option<Path<String>>,
    Asked {
        parameters,
        body: mut raw,
    }: Asked,
) -> Outcome {
    if let (Some(text), Some(map)) = (parameters.get("q"), raw.as_object_mut()) {
        map.insert("query".to_owned(), query_string(text, &parameters));
    }
    let target = target(&name(index), &parameters);
    // Names that are not there are an error of the request, not of the query.
    state.service.mappings(&target).await?;
    let checked = match raw
        .get("query")
        .map_or(Ok(query::Query::MatchAll), query::Query::parse)
    {
        Ok(parsed) => state.service.count(&target, parsed, raw).await.map(drop),
        Err(error) => Err(error),
    };
    let mut answer =
        json!({"_shards": {"total": 1, "successful": 1, "failed": 0}, "valid": checked.is_ok()});
    if let (Err(error), true) = (checked, parameters.flag("explain")) {
        answer["error"] = json!(error.to_string());
    }
    Ok(Answer::from(answer).shaped(&parameters))
}
