//! Indices, their mappings, health.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use canarytrace_es::{EsError, IndexTarget};
use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, Asked, Checked, Failed, Outcome},
    inside, name, target, wants_page,
};
use crate::{AppState, ui};

/// A page of the UI has a path of one word, too: a browser gets the UI.
pub(crate) async fn describe(
    State(state): State<AppState>,
    Path(index): Path<String>,
    parameters: Result<Checked, Failed>,
    headers: HeaderMap,
) -> Result<Response, Failed> {
    if state.ui && wants_page(&headers) {
        return Ok(ui::start_page(&headers));
    }
    let Checked(parameters) = parameters?;
    if index.starts_with('_') {
        return Err(EsError::unsupported(&format!("path [/{index}]")).into());
    }
    let indices: Map<String, Value> = state
        .engine()?
        .details(&target(&index, &parameters))
        .await?
        .into_iter()
        .map(|index| {
            let aliases: Map<String, Value> = index
                .aliases
                .iter()
                .map(|(name, alias)| (name.clone(), alias.to_json()))
                .collect();
            let told = json!({"aliases": aliases, "mappings": index.mappings, "settings": inside::settings_of(&index)});
            (index.name, told)
        })
        .collect();
    Ok(Answer::from(Value::Object(indices))
        .shaped(&parameters)
        .into_response())
}

pub(crate) async fn exists(State(state): State<AppState>, Path(index): Path<String>) -> Response {
    let found = state
        .service
        .indices(&IndexTarget::new(&index))
        .await
        .is_ok_and(|list| !list.is_empty());
    if found {
        StatusCode::OK
    } else {
        StatusCode::NOT_FOUND
    }
    .into_response()
}

pub(crate) async fn create(
    State(state): State<AppState>,
    Path(index): Path<String>,
    Asked { parameters, body }: Asked,
) -> Outcome {
    if let Some(key) = body.as_object().and_then(|map| {
        map.keys()
            .find(|key| !["mappings", "settings", "aliases"].contains(&key.as_str()))
    }) {
        return Err(EsError::parsing(format!("unknown key [{key}] for create index")).into());
    }
    state.service.create_index(&index, body).await?;
    Ok(
        Answer::from(json!({"acknowledged": true, "shards_acknowledged": true, "index": index}))
            .shaped(&parameters),
    )
}

/// With `action.destructive_requires_name` by names only. Where nobody has set it patterns do, but for everything at once, which
/// is never meant.
pub(crate) async fn delete(
    State(state): State<AppState>,
    Path(index): Path<String>,
    Checked(parameters): Checked,
) -> Outcome {
    let requires_name = state
        .engine()?
        .cluster_settings()
        .destructive_requires_name();
    let is_refused = |part: &str| match requires_name {
        Some(true) => part == "_all" || part.contains('*'),
        Some(false) => false,
        None => ["_all", "*"].contains(&part),
    };
    if index.split(',').any(is_refused) {
        return Err(EsError::illegal_argument(
            "Wildcard expressions or all indices are not allowed",
        )
        .into());
    }
    state
        .service
        .delete_indices(&target(&index, &parameters))
        .await?;
    Ok(Answer::from(json!({"acknowledged": true})).shaped(&parameters))
}

pub(crate) async fn mappings(
    State(state): State<AppState>,
    index: Option<Path<String>>,
    Checked(parameters): Checked,
) -> Outcome {
    Ok(Answer::from(Value::Object(
        state
            .service
            .mappings(&target(&name(index), &parameters))
            .await?,
    ))
    .shaped(&parameters))
}

pub(crate) async fn refresh(
    State(state): State<AppState>,
    index: Option<Path<String>>,
    Checked(parameters): Checked,
) -> Outcome {
    state
        .service
        .refresh(&target(&name(index), &parameters))
        .await?;
    Ok(
        Answer::from(json!({"_shards": {"total": 1, "successful": 1, "failed": 0}}))
            .shaped(&parameters),
    )
}

pub(crate) async fn health(
    State(state): State<AppState>,
    index: Option<Path<String>>,
    Checked(parameters): Checked,
) -> Outcome {
    let health = state.service.health().await?;
    let shards = match index {
        None => health.indices,
        Some(Path(index)) => {
            let named = state.service.indices(&target(&index, &parameters)).await?;
            named.len() as u64
        }
    };
    Ok(Answer::from(json!({
        "cluster_name": health.cluster_name, "status": health.status, "timed_out": false, "number_of_nodes": 1, "number_of_data_nodes": 1,
        "active_primary_shards": shards, "active_shards": shards, "relocating_shards": 0, "initializing_shards": 0,
        "unassigned_shards": 0, "delayed_unassigned_shards": 0, "number_of_pending_tasks": health.pending_tasks,
        "number_of_in_flight_fetch": 0, "task_max_waiting_in_queue_millis": 0, "active_shards_percent_as_number": 100.0,
    }))
    .shaped(&parameters))
}
