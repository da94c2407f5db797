//! Copying documents from indices into another: `_reindex`.

use std::time::{Duration, Instant};

use axum::extract::State;
use bytes::Bytes;
use canarytrace_es::{
    ContextKind, EsError, IndexTarget, Refresh, SearchRequest, SearchResponse,
    bulk::{BulkItem, BulkItemResult, BulkOperation, WriteResult},
};
use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, Asked, Outcome},
    dated::dated,
};
use crate::AppState;

/// So many documents are copied at a time unless the request says otherwise.
const BATCH: u64 = 1000;
const KEEP_ALIVE: Duration = Duration::from_secs(300);

/// What is asked.
struct Copy {
    source: IndexTarget,
    search: Value,
    into: String,
    operation: BulkOperation,
    max_docs: u64,
    /// `conflicts: proceed`: a document that is there already is counted, and the next one is copied.
    proceed: bool,
}

#[derive(Default)]
struct Counts {
    created: u64,
    updated: u64,
    conflicts: u64,
    batches: u64,
    failures: Vec<Value>,
}

pub(crate) async fn reindex(
    State(state): State<AppState>,
    Asked { parameters, body }: Asked,
) -> Outcome {
    if parameters.get("wait_for_completion") == Some("false") {
        return Err(EsError::unsupported("[wait_for_completion=false]").into());
    }
    let started = Instant::now();
    let copy = Copy::parse(&body)?;
    let engine = state.engine()?;
    // What is written meanwhile is not copied, also when the source is the target of another copy.
    state.service.refresh(&copy.source).await?;
    let request = SearchRequest::parse(copy.search.clone())?;
    let (id, mut page) = engine
        .open_scroll(&copy.source, request, KEEP_ALIVE)
        .await?;
    let mut counts = Counts::default();
    while !page.hits.is_empty() && counts.failures.is_empty() {
        let left = copy
            .max_docs
            .saturating_sub(counts.created + counts.updated + counts.conflicts);
        if left == 0 {
            break;
        }
        counts.batches += 1;
        let items = copy.items(page, left);
        for result in state.service.bulk(items, Refresh::Later).await? {
            counts.add(result, copy.proceed);
        }
        page = engine.scroll(&id, None).await?;
    }
    engine
        .close_contexts(ContextKind::Scroll, Some(vec![id]))
        .await?;
    if parameters.flag("refresh") {
        state.service.refresh(&IndexTarget::new(&copy.into)).await?;
    }
    let took = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let status = if counts.failures.is_empty() { 200 } else { 409 };
    Ok(Answer::new(status, counts.to_json(took)).shaped(&parameters))
}

impl Copy {
    fn parse(body: &Value) -> Result<Self, EsError> {
        let object = |name: &str| body[name].as_object().cloned().unwrap_or_default();
        let (source, dest) = (object("source"), object("dest"));
        let refuse = |map: &Map<String, Value>, known: &[&str]| match map
            .keys()
            .find(|key| !known.contains(&key.as_str()))
        {
            Some(key) => Err(EsError::unsupported(&format!("[{key}] of a reindex"))),
            None => Ok(()),
        };
        refuse(&source, &["index", "query", "size", "_source"])?;
        refuse(&dest, &["index", "op_type"])?;
        let whole = body.as_object().cloned().unwrap_or_default();
        refuse(&whole, &["source", "dest", "max_docs", "size", "conflicts"])?;
        let patterns: Vec<String> = match source.get("index") {
            Some(Value::String(one)) => dated(one.clone())?.split(',').map(str::to_owned).collect(),
            Some(Value::Array(list)) => list
                .iter()
                .filter_map(Value::as_str)
                .map(|name| dated(name.to_owned()))
                .collect::<Result<_, _>>()?,
            _ => {
                return Err(EsError::invalid_request(
                    "use _all if you really want to copy from all existing indexes",
                ));
            }
        };
        let into = dest
            .get("index")
            .and_then(Value::as_str)
            .ok_or_else(|| EsError::invalid_request("index is missing"))?;
        let into = dated(into.to_owned())?;
        if patterns.contains(&into) {
            return Err(EsError::invalid_request(&format!(
                "reindex cannot write into an index its reading from [{into}]"
            )));
        }
        let mut search = json!({"size": source.get("size").and_then(Value::as_u64).unwrap_or(BATCH), "sort": ["_doc"]});
        for name in ["query", "_source"] {
            if let Some(value) = source.get(name) {
                search[name] = value.clone();
            }
        }
        let limit = body["max_docs"].as_u64().or_else(|| body["size"].as_u64());
        Ok(Self {
            source: IndexTarget {
                patterns,
                ..IndexTarget::default()
            },
            search,
            into,
            operation: match dest.get("op_type").and_then(Value::as_str) {
                Some("create") => BulkOperation::Create,
                _ => BulkOperation::Index,
            },
            max_docs: limit.unwrap_or(u64::MAX),
            proceed: body["conflicts"] == "proceed",
        })
    }

    fn items(&self, page: SearchResponse, left: u64) -> Vec<BulkItem> {
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let hits = page.hits.into_iter().take(left);
        hits.map(|hit| BulkItem {
            operation: self.operation,
            index: self.into.clone(),
            id: Some(hit.id),
            if_seq_no: None,
            source: Bytes::from(hit.source.unwrap_or(Value::Null).to_string()),
        })
        .collect()
    }
}

impl Counts {
    fn add(&mut self, result: BulkItemResult, proceed: bool) {
        match result.outcome {
            Ok(written) if written.result == WriteResult::Created => self.created += 1,
            Ok(_) => self.updated += 1,
            Err(error) => {
                let is_conflict = error.status == 409;
                self.conflicts += u64::from(is_conflict);
                if !(is_conflict && proceed) {
                    let mut cause = error.cause();
                    if is_conflict {
                        cause["index"] = json!(result.index);
                        cause["shard"] = json!("0");
                    }
                    self.failures.push(json!({
                        "index": result.index, "id": result.id, "cause": cause, "status": error.status,
                    }));
                }
            }
        }
    }

    fn to_json(&self, took: u64) -> Value {
        json!({
            "took": took, "timed_out": false, "total": self.created + self.updated + self.conflicts, "updated": self.updated,
            "created": self.created, "deleted": 0, "batches": self.batches, "version_conflicts": self.conflicts, "noops": 0,
            "retries": {"bulk": 0, "search": 0}, "throttled_millis": 0, "requests_per_second": -1.0, "throttled_until_millis": 0,
            "failures": self.failures,
        })
    }
}
