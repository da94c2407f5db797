//! Writing and reading documents.

use std::{collections::BTreeSet, time::Instant};

use axum::{
    extract::{Path, Query, State},
    http::HeaderMap,
};
use bytes::Bytes;
use canarytrace_es::{
    EsError,
    bulk::{self, BulkItem, BulkItemResult, BulkOperation},
};
use serde_json::{Value, json};

use super::answer::{Answer, Outcome, Parameters, inflate};
use crate::AppState;

pub(crate) async fn bulk(
    State(state): State<AppState>,
    index: Option<Path<String>>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    body: Bytes,
) -> Outcome {
    let started = Instant::now();
    parameters.check()?;
    let default_index = index.map(|Path(index)| index);
    let items = bulk::parse(&inflate(&headers, body)?, default_index.as_deref())?;
    let results = state.service.bulk(items, parameters.refresh()).await?;
    announce(&state, &results);
    let took = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Answer::from(bulk::response_body(took, &results)).pretty(&parameters))
}

/// Tells open pages which indices have news.
fn announce(state: &AppState, results: &[BulkItemResult]) {
    let indices: BTreeSet<String> = results
        .iter()
        .filter(|item| item.outcome.is_ok())
        .map(|item| item.index.clone())
        .collect();
    if !indices.is_empty() {
        state.changes.send(indices).ok();
    }
}

async fn write_one(state: &AppState, item: BulkItem, parameters: &Parameters) -> Outcome {
    parameters.check()?;
    let mut results = state.service.bulk(vec![item], parameters.refresh()).await?;
    announce(state, &results);
    let result = results
        .pop()
        .ok_or_else(|| EsError::internal("a write has no result"))?;
    let status = result.status();
    let mut body = result.to_json();
    if let Err(error) = result.outcome {
        return Err(error.into());
    }
    if let Some(map) = body.as_object_mut() {
        map.remove("status");
    }
    Ok(Answer::new(status, body).pretty(parameters))
}

fn item(
    operation: BulkOperation,
    index: String,
    id: Option<String>,
    parameters: &Parameters,
    source: Bytes,
) -> Result<BulkItem, EsError> {
    Ok(BulkItem {
        operation,
        index,
        id,
        if_seq_no: parameters.number("if_seq_no")?,
        source,
    })
}

pub(crate) async fn add(
    State(state): State<AppState>,
    Path(index): Path<String>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    body: Bytes,
) -> Outcome {
    let item = item(
        BulkOperation::Index,
        index,
        None,
        &parameters,
        inflate(&headers, body)?,
    )?;
    write_one(&state, item, &parameters).await
}

pub(crate) async fn index(
    State(state): State<AppState>,
    Path((index, id)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    body: Bytes,
) -> Outcome {
    let operation = if parameters.get("op_type") == Some("create") {
        BulkOperation::Create
    } else {
        BulkOperation::Index
    };
    let item = item(
        operation,
        index,
        Some(id),
        &parameters,
        inflate(&headers, body)?,
    )?;
    write_one(&state, item, &parameters).await
}

pub(crate) async fn create(
    State(state): State<AppState>,
    Path((index, id)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    body: Bytes,
) -> Outcome {
    let item = item(
        BulkOperation::Create,
        index,
        Some(id),
        &parameters,
        inflate(&headers, body)?,
    )?;
    write_one(&state, item, &parameters).await
}

pub(crate) async fn delete(
    State(state): State<AppState>,
    Path((index, id)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
) -> Outcome {
    let item = item(
        BulkOperation::Delete,
        index,
        Some(id),
        &parameters,
        Bytes::new(),
    )?;
    write_one(&state, item, &parameters).await
}

pub(crate) async fn read(
    State(state): State<AppState>,
    Path((index, id)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
) -> Outcome {
    parameters.check()?;
    let Some(found) = state.service.get(&index, &id).await? else {
        return Ok(
            Answer::new(404, json!({"_index": index, "_id": id, "found": false}))
                .pretty(&parameters),
        );
    };
    let body = json!({
        "_index": found.index, "_id": found.id, "_version": found.version, "_seq_no": found.seq_no, "_primary_term": 1, "found": true, "_source": found.source,
    });
    Ok(Answer::from(body).pretty(&parameters))
}

pub(crate) async fn source(
    State(state): State<AppState>,
    Path((index, id)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
) -> Outcome {
    parameters.check()?;
    let found: Option<Value> = state
        .service
        .get(&index, &id)
        .await?
        .map(|found| found.source);
    let missing = || {
        EsError::new(
            404,
            "resource_not_found_exception",
            format!("Document not found [{index}]/[{id}]"),
        )
    };
    Ok(Answer::from(found.ok_or_else(missing)?).pretty(&parameters))
}
