//! Scrolls and points in time, the latter in the words of Elasticsearch and of OpenSearch.

use axum::extract::{Path, State};
use canarytrace_es::{ContextKind, EsError, SearchRequest, keep_alive};
use serde_json::{Value, json};

use super::{
    answer::{Answer, Asked, Checked, Outcome, Parameters},
    target,
};
use crate::AppState;

/// The first page of a scroll, when a search asks for one.
pub(super) async fn open_scroll(
    state: &AppState,
    index: &str,
    request: SearchRequest,
    parameters: &Parameters,
    span: &str,
) -> Result<Value, EsError> {
    if request.size == 0 {
        return Err(EsError::invalid_request(
            "[size] cannot be [0] in a scroll context",
        ));
    }
    if request.from > 0 {
        return Err(EsError::invalid_request(
            "using [from] is not allowed in a scroll context",
        ));
    }
    let engine = state.engine()?;
    let (id, answer) = engine
        .open_scroll(&target(index, parameters), request, keep_alive(span)?)
        .await?;
    Ok(with_id("_scroll_id", &id, answer.into_json()))
}

pub(super) fn with_id(name: &str, id: &str, mut answer: Value) -> Value {
    if let Some(map) = answer.as_object_mut() {
        map.insert(name.to_owned(), json!(id));
    }
    answer
}

/// The ids of a body, as one text or a list.
fn ids(body: &Value, name: &str) -> Vec<String> {
    match body.get(name) {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

pub(crate) async fn scroll(
    State(state): State<AppState>,
    id: Option<Path<String>>,
    Asked { parameters, body }: Asked,
) -> Outcome {
    let named = id
        .map(|Path(id)| id)
        .or_else(|| parameters.get("scroll_id").map(str::to_owned));
    let id = ids(&body, "scroll_id")
        .pop()
        .or(named)
        .ok_or_else(|| EsError::invalid_request("scrollId is missing"))?;
    let span = body
        .get("scroll")
        .and_then(Value::as_str)
        .or_else(|| parameters.get("scroll"));
    let span = span.map(keep_alive).transpose()?;
    let answer = state.engine()?.scroll(&id, span).await?;
    let mut answer = with_id("_scroll_id", &id, answer.into_json());
    parameters.total_as_number(&mut answer);
    Ok(Answer::from(answer).shaped(&parameters))
}

pub(crate) async fn close_scroll(
    State(state): State<AppState>,
    id: Option<Path<String>>,
    Asked { parameters, body }: Asked,
) -> Outcome {
    let mut wanted = ids(&body, "scroll_id");
    wanted.extend(
        id.iter()
            .flat_map(|Path(id)| id.split(','))
            .map(str::to_owned),
    );
    close(&state, ContextKind::Scroll, wanted, &parameters).await
}

async fn close(
    state: &AppState,
    kind: ContextKind,
    wanted: Vec<String>,
    parameters: &Parameters,
) -> Outcome {
    if wanted.is_empty() {
        return Err(EsError::invalid_request("no scroll ids specified").into());
    }
    let all = wanted.iter().any(|id| id == "_all");
    let closed = state
        .engine()?
        .close_contexts(kind, (!all).then_some(wanted))
        .await?;
    let freed: usize = closed.iter().filter_map(|(_, freed)| *freed).sum();
    let status = if freed > 0 || all { 200 } else { 404 };
    let body = json!({"succeeded": true, "num_freed": freed});
    Ok(Answer::new(status, body).shaped(parameters))
}

async fn open(state: &AppState, index: &str, parameters: &Parameters) -> Result<String, EsError> {
    let span = parameters
        .get("keep_alive")
        .ok_or_else(|| EsError::invalid_request("[keep_alive] is missing"))?;
    let engine = state.engine()?;
    engine
        .open_point_in_time(&target(index, parameters), keep_alive(span)?)
        .await
}

/// `POST <index>/_pit` of Elasticsearch.
pub(crate) async fn open_pit(
    State(state): State<AppState>,
    Path(index): Path<String>,
    Checked(parameters): Checked,
) -> Outcome {
    let id = open(&state, &index, &parameters).await?;
    Ok(Answer::from(json!({"id": id})).shaped(&parameters))
}

pub(crate) async fn close_pit(
    State(state): State<AppState>,
    Asked { parameters, body }: Asked,
) -> Outcome {
    let wanted = ids(&body, "id");
    close(&state, ContextKind::PointInTime, wanted, &parameters).await
}

/// `POST <index>/_search/point_in_time` of OpenSearch.
pub(crate) async fn open_point_in_time(
    State(state): State<AppState>,
    Path(index): Path<String>,
    Checked(parameters): Checked,
) -> Outcome {
    let id = open(&state, &index, &parameters).await?;
    let now = jiff::Timestamp::now().as_millisecond();
    let shards = json!({"total": 1, "successful": 1, "skipped": 0, "failed": 0});
    let body = json!({"pit_id": id, "_shards": shards, "creation_time": now});
    Ok(Answer::from(body).shaped(&parameters))
}

pub(crate) async fn close_point_in_time(
    State(state): State<AppState>,
    all: Option<Path<String>>,
    Asked { parameters, body }: Asked,
) -> Outcome {
    let wanted = ids(&body, "pit_id");
    if all.as_ref().is_some_and(|Path(name)| name != "_all") {
        return Err(EsError::unsupported("this path").into());
    }
    if all.is_none() && wanted.is_empty() {
        return Err(EsError::invalid_request("no pit ids specified").into());
    }
    let closed = state
        .engine()?
        .close_contexts(ContextKind::PointInTime, all.is_none().then_some(wanted))
        .await?;
    let pits: Vec<Value> = closed
        .into_iter()
        .map(|(id, freed)| json!({"successful": freed.is_some(), "pit_id": id}))
        .collect();
    Ok(Answer::from(json!({"pits": pits})).shaped(&parameters))
}
