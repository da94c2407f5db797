//! Indices, mappings, templates, health.

use axum::{
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use canarytrace_es::{EsError, IndexSummary, IndexTarget, IndexTemplate};
use serde_json::{Value, json};

use super::{
    answer::{Answer, Failed, Outcome, Parameters, json},
    name, target, wants_page,
};
use crate::{AppState, ui};

/// A page of the UI has a path of one word, too: a browser gets the UI.
pub(crate) async fn describe(
    State(state): State<AppState>,
    Path(index): Path<String>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Result<Response, Failed> {
    if state.ui && wants_page(&headers) {
        return Ok(ui::start_page());
    }
    parameters.check()?;
    if index.starts_with('_') {
        return Err(EsError::unsupported(&format!("path [/{index}]")).into());
    }
    let mut indices = state.service.mappings(&target(&index, &parameters)).await?;
    for body in indices.values_mut().filter_map(Value::as_object_mut) {
        body.insert("aliases".to_owned(), json!({}));
        body.insert(
            "settings".to_owned(),
            json!({"index": {"number_of_shards": "1", "number_of_replicas": "0"}}),
        );
    }
    Ok(Answer::from(Value::Object(indices))
        .pretty(&parameters)
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
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    body: Bytes,
) -> Outcome {
    parameters.check()?;
    let body = json(&headers, body)?;
    if let Some(key) = body.as_object().and_then(|map| {
        map.keys()
            .find(|key| !["mappings", "settings", "aliases"].contains(&key.as_str()))
    }) {
        return Err(EsError::parsing(format!("unknown key [{key}] for create index")).into());
    }
    if body
        .get("aliases")
        .and_then(Value::as_object)
        .is_some_and(|aliases| !aliases.is_empty())
    {
        return Err(EsError::unsupported("aliases").into());
    }
    state.service.create_index(&index, body).await?;
    Ok(
        Answer::from(json!({"acknowledged": true, "shards_acknowledged": true, "index": index}))
            .pretty(&parameters),
    )
}

/// Everything at once is never meant: names or patterns below `*`, as `action.destructive_requires_name` wants.
pub(crate) async fn delete(
    State(state): State<AppState>,
    Path(index): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Outcome {
    parameters.check()?;
    if index == "_all" || index.split(',').any(|part| part == "*") {
        return Err(EsError::illegal_argument(
            "Wildcard expressions or all indices are not allowed",
        )
        .into());
    }
    state
        .service
        .delete_indices(&target(&index, &parameters))
        .await?;
    Ok(Answer::from(json!({"acknowledged": true})).pretty(&parameters))
}

pub(crate) async fn mappings(
    State(state): State<AppState>,
    index: Option<Path<String>>,
    Query(parameters): Query<Parameters>,
) -> Outcome {
    parameters.check()?;
    Ok(Answer::from(Value::Object(
        state
            .service
            .mappings(&target(&name(index), &parameters))
            .await?,
    ))
    .pretty(&parameters))
}

pub(crate) async fn refresh(
    State(state): State<AppState>,
    index: Option<Path<String>>,
    Query(parameters): Query<Parameters>,
) -> Outcome {
    parameters.check()?;
    state
        .service
        .refresh(&target(&name(index), &parameters))
        .await?;
    Ok(
        Answer::from(json!({"_shards": {"total": 1, "successful": 1, "failed": 0}}))
            .pretty(&parameters),
    )
}

pub(crate) async fn cat(
    State(state): State<AppState>,
    index: Option<Path<String>>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Failed> {
    parameters.check()?;
    let list = state
        .service
        .indices(&target(&name(index), &parameters))
        .await?;
    let rows: Vec<Value> = list.iter().map(IndexSummary::to_cat).collect();
    if parameters.get("format") == Some("json") {
        return Ok(Answer::from(Value::Array(rows))
            .pretty(&parameters)
            .into_response());
    }
    Ok(table(&rows, &parameters).into_response())
}

fn table(rows: &[Value], parameters: &Parameters) -> String {
    const COLUMNS: [&str; 10] = [
        "health",
        "status",
        "index",
        "uuid",
        "pri",
        "rep",
        "docs.count",
        "docs.deleted",
        "store.size",
        "pri.store.size",
    ];
    let columns: Vec<&str> = match parameters.get("h") {
        Some(wanted) => wanted
            .split(',')
            .filter(|name| COLUMNS.contains(name))
            .collect(),
        None => COLUMNS.to_vec(),
    };
    let cell = |row: &Value, name: &str| {
        row.get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let mut lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| columns.iter().map(|name| cell(row, name)).collect())
        .collect();
    if parameters.flag("v") {
        lines.insert(0, columns.iter().map(|name| (*name).to_owned()).collect());
    }
    let widths: Vec<usize> = (0..columns.len())
        .map(|at| {
            lines
                .iter()
                .filter_map(|line| line.get(at))
                .map(String::len)
                .max()
                .unwrap_or(0)
        })
        .collect();
    let format = |line: Vec<String>| {
        line.into_iter()
            .zip(&widths)
            .map(|(text, width)| format!("{text:width$}"))
            .collect::<Vec<_>>()
            .join(" ")
            .trim_end()
            .to_owned()
            + "\n"
    };
    lines.into_iter().map(format).collect()
}

pub(crate) async fn health(
    State(state): State<AppState>,
    Query(parameters): Query<Parameters>,
) -> Outcome {
    parameters.check()?;
    let health = state.service.health().await?;
    Ok(Answer::from(json!({
        "cluster_name": health.cluster_name, "status": health.status, "timed_out": false, "number_of_nodes": 1, "number_of_data_nodes": 1,
        "active_primary_shards": health.indices, "active_shards": health.indices, "relocating_shards": 0, "initializing_shards": 0,
        "unassigned_shards": 0, "delayed_unassigned_shards": 0, "number_of_pending_tasks": health.pending_tasks,
        "number_of_in_flight_fetch": 0, "task_max_waiting_in_queue_millis": 0, "active_shards_percent_as_number": 100.0,
    }))
    .pretty(&parameters))
}

pub(crate) async fn templates(
    State(state): State<AppState>,
    Query(parameters): Query<Parameters>,
) -> Outcome {
    parameters.check()?;
    Ok(template_list(state.service.templates("*").await?).pretty(&parameters))
}

fn template_list(templates: Vec<IndexTemplate>) -> Answer {
    let list: Vec<Value> = templates
        .into_iter()
        .map(|template| json!({"name": template.name, "index_template": template.body}))
        .collect();
    Answer::from(json!({"index_templates": list}))
}

pub(crate) async fn template(
    State(state): State<AppState>,
    Path(name): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Outcome {
    parameters.check()?;
    let found = state.service.templates(&name).await?;
    if found.is_empty() && !name.contains('*') {
        return Err(EsError::new(
            404,
            "resource_not_found_exception",
            format!("index template matching [{name}] not found"),
        )
        .into());
    }
    Ok(template_list(found).pretty(&parameters))
}

pub(crate) async fn template_exists(
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Response {
    let found = state
        .service
        .templates(&name)
        .await
        .is_ok_and(|list| !list.is_empty());
    if found {
        StatusCode::OK
    } else {
        StatusCode::NOT_FOUND
    }
    .into_response()
}

pub(crate) async fn put_template(
    State(state): State<AppState>,
    Path(name): Path<String>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    body: Bytes,
) -> Outcome {
    parameters.check()?;
    let body = json(&headers, body)?;
    state
        .service
        .put_template(IndexTemplate { name, body })
        .await?;
    Ok(Answer::from(json!({"acknowledged": true})).pretty(&parameters))
}
