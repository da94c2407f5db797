//! Writing and reading documents.

use std::{collections::BTreeSet, time::Instant};

use axum::{
    extract::{Path, State},
    http::HeaderMap,
};
use bytes::Bytes;
use canarytrace_es::{
    DocumentLookup, EsError, Refresh, SourceFilter,
    bulk::{self, BulkAnswer, BulkItem, BulkItemResult, BulkOperation},
    object_of,
};
use serde_json::{Value, json};

use super::{
    answer::{Answer, Checked, Outcome, Parameters, inflate, json as read_json},
    dated::dated,
    updates,
};
use crate::AppState;

pub(crate) async fn bulk(
    State(state): State<AppState>,
    index: Option<Path<String>>,
    Checked(parameters): Checked,
    headers: HeaderMap,
    body: Bytes,
) -> Outcome {
    let started = Instant::now();
    let default_index = index.map(|Path(index)| index);
    let mut items = bulk::parse(&inflate(&headers, body)?, default_index.as_deref())?;
    for item in &mut items {
        item.index = dated(std::mem::take(&mut item.index))?;
    }
    let results = updates::bulk(state.service.as_ref(), items, parameters.refresh()).await?;
    announce(&state, &results);
    let took = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let forced_refresh = parameters.refresh() == Refresh::Now;
    let body = BulkAnswer::new(took, &results, forced_refresh);
    Ok(Answer::of(&body).shaped(&parameters))
}

/// Tells open pages which indices have news.
fn announce(state: &AppState, results: &[BulkItemResult]) {
    let written = results.iter().filter(|item| item.outcome.is_ok());
    let indices: BTreeSet<&str> = written.map(|item| item.index.as_str()).collect();
    if !indices.is_empty() {
        let indices = indices.into_iter().map(str::to_owned).collect();
        state.changes.send(indices).ok();
    }
}

async fn write_one(state: &AppState, item: BulkItem, parameters: &Parameters) -> Outcome {
    let mut results = state.service.bulk(vec![item], parameters.refresh()).await?;
    let result = results
        .pop()
        .ok_or_else(|| EsError::internal("a write has no result"))?;
    written(state, result, parameters, None)
}

/// The answer to the write of one document; `get` tells what it is then.
pub(super) fn written(
    state: &AppState,
    result: BulkItemResult,
    parameters: &Parameters,
    get: Option<Value>,
) -> Outcome {
    announce(state, std::slice::from_ref(&result));
    let status = result.status();
    let mut body = result.to_json(parameters.refresh() == Refresh::Now);
    if let Err(error) = result.outcome {
        return Err(error.into());
    }
    if let Some(map) = body.as_object_mut() {
        map.remove("status");
        map.extend(get.map(|get| ("get".to_owned(), get)));
    }
    Ok(Answer::new(status, body).shaped(parameters))
}

pub(super) fn item(
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
        if_seq_no: bulk::expected_place(
            parameters.number("if_seq_no")?,
            parameters.number("if_primary_term")?,
        )?,
        source,
    })
}

pub(crate) async fn add(
    State(state): State<AppState>,
    Path(index): Path<String>,
    Checked(parameters): Checked,
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
    Checked(parameters): Checked,
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
    Checked(parameters): Checked,
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
    Checked(parameters): Checked,
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
    Checked(parameters): Checked,
) -> Outcome {
    let Some(found) = state.service.get(&index, &id).await? else {
        return Ok(
            Answer::new(404, json!({"_index": index, "_id": id, "found": false}))
                .shaped(&parameters),
        );
    };
    let body = lookup(found, &parameters.source_filter()?);
    Ok(Answer::from(body).shaped(&parameters))
}

/// A document as it is answered by its id.
fn lookup(found: DocumentLookup, filter: &SourceFilter) -> Value {
    let mut body = json!({
        "_index": found.index, "_id": found.id, "_version": found.version, "_seq_no": found.seq_no, "_primary_term": 1, "found": true,
    });
    if !filter.disabled {
        body["_source"] = if filter.is_everything() {
            found.source
        } else {
            filter.apply(&found.source)
        };
    }
    body
}

/// Documents by their ids: `{"ids": […]}` of one index, or `{"docs": [{"_index", "_id"}, …]}`.
pub(crate) async fn read_many(
    State(state): State<AppState>,
    index: Option<Path<String>>,
    Checked(parameters): Checked,
    headers: HeaderMap,
    body: Bytes,
) -> Outcome {
    let body = read_json(&headers, body)?;
    let index = index.map(|Path(index)| index);
    let filter = parameters.source_filter()?;
    let mut docs = Vec::new();
    for wanted in wanted(&body, index.as_deref())? {
        let Wanted { index, id, source } = wanted;
        let own = source.map(SourceFilter::parse).transpose()?;
        docs.push(match state.service.get(&index, &id).await {
            Ok(Some(found)) => lookup(found, own.as_ref().unwrap_or(&filter)),
            Ok(None) => json!({"_index": index, "_id": id, "found": false}),
            Err(error) if error.status == 404 => {
                let error = error.body()["error"].take();
                json!({"_index": index, "_id": id, "error": error})
            }
            Err(error) => return Err(error.into()),
        });
    }
    let answer = object_of([("docs", Value::Array(docs))]);
    Ok(Answer::from(answer).shaped(&parameters))
}

/// A document that is asked for with others.
struct Wanted<'a> {
    index: String,
    id: String,
    /// Of this one only (`_source`).
    source: Option<&'a Value>,
}

fn wanted<'a>(body: &'a Value, index: Option<&str>) -> Result<Vec<Wanted<'a>>, EsError> {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let list = |name: &str| body.get(name).and_then(Value::as_array);
    let of_index = |own: Option<&Value>| {
        let own = own.and_then(Value::as_str).or(index);
        let own = own.ok_or_else(|| EsError::invalid_request("index is missing for doc 0"))?;
        dated(own.to_owned())
    };
    match (list("ids"), list("docs")) {
        (Some(ids), None) => ids
            .iter()
            .map(|id| {
                Ok(Wanted {
                    index: of_index(None)?,
                    id: text(id),
                    source: None,
                })
            })
            .collect(),
        (None, Some(docs)) => docs
            .iter()
            .map(|doc| {
                let id = doc
                    .get("_id")
                    .ok_or_else(|| EsError::invalid_request("id is missing for doc 0"))?;
                Ok(Wanted {
                    index: of_index(doc.get("_index"))?,
                    id: text(id),
                    source: doc.get("_source"),
                })
            })
            .collect(),
        _ => Err(EsError::invalid_request("no documents to get")),
    }
}

pub(crate) async fn source(
    State(state): State<AppState>,
    Path((index, id)): Path<(String, String)>,
    Checked(parameters): Checked,
) -> Outcome {
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
    Ok(Answer::from(found.ok_or_else(missing)?).shaped(&parameters))
}
