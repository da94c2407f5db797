//! Partial updates: read, merge, write if nobody wrote in between.

use axum::{
    extract::{Path, State},
    http::HeaderMap,
};
use bytes::Bytes;
use canarytrace_es::{
    EsError, Refresh, SearchRequest, SearchService, SourceFilter,
    bulk::{BulkItem, BulkItemResult, BulkOperation, WriteResult, Written},
};
use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, Asked, Checked, Outcome, inflate},
    documents::{item, written},
    target,
};
use crate::AppState;

/// So often is tried again when somebody wrote in between.
const TRIES: u32 = 5;

pub(crate) async fn update(
    State(state): State<AppState>,
    Path((index, id)): Path<(String, String)>,
    Checked(parameters): Checked,
    headers: HeaderMap,
    body: Bytes,
) -> Outcome {
    let source = inflate(&headers, body)?;
    let change = Change::parse(&source)?;
    let asked = parameters.source().or_else(|| change.source.clone());
    let filter = asked.as_ref().map(SourceFilter::parse).transpose()?;
    let item = item(BulkOperation::Update, index, Some(id), &parameters, source)?;
    let updated = update_one(state.service.as_ref(), item, &change, parameters.refresh()).await?;
    let get = filter.and_then(|filter| updated.told(&filter));
    written(&state, updated.result, &parameters, get)
}

/// Carries out items in order; updates read what those before them wrote.
pub(crate) async fn bulk(
    service: &dyn SearchService,
    items: Vec<BulkItem>,
    refresh: Refresh,
) -> Result<Vec<BulkItemResult>, EsError> {
    let mut results = Vec::new();
    let mut before = Vec::new();
    for item in items {
        if item.operation != BulkOperation::Update {
            before.push(item);
            continue;
        }
        if !before.is_empty() {
            results.extend(service.bulk(std::mem::take(&mut before), refresh).await?);
        }
        results.push(match Change::parse(&item.source) {
            Ok(change) => update_one(service, item, &change, refresh).await?.result,
            Err(error) => result(&item, Err(error)),
        });
    }
    if !before.is_empty() {
        results.extend(service.bulk(before, refresh).await?);
    }
    Ok(results)
}

/// What came of an update, and the document as it is then.
struct Updated {
    result: BulkItemResult,
    source: Value,
}

impl Updated {
    /// `get` of the answer: the document, as far as it is asked for.
    fn told(&self, filter: &SourceFilter) -> Option<Value> {
        let written = self.result.outcome.as_ref().ok()?;
        (!filter.disabled).then(|| {
            json!({
                "_seq_no": written.seq_no, "_primary_term": 1, "found": true, "_source": filter.apply(&self.source),
            })
        })
    }
}

fn result(item: &BulkItem, outcome: Result<Written, EsError>) -> BulkItemResult {
    BulkItemResult {
        operation: BulkOperation::Update,
        index: item.index.clone(),
        id: item.id.clone().unwrap_or_default(),
        outcome,
    }
}

async fn update_one(
    service: &dyn SearchService,
    item: BulkItem,
    change: &Change,
    refresh: Refresh,
) -> Result<Updated, EsError> {
    let id = item.id.clone().unwrap_or_default();
    let updated = |outcome, source| Updated {
        result: result(&item, outcome),
        source,
    };
    let mut tries = 0;
    loop {
        tries += 1;
        let found = match service.get(&item.index, &id).await {
            Err(error) if error.status != 404 => return Err(error),
            found => found.ok().flatten(),
        };
        let (operation, if_seq_no, source) = match &found {
            Some(found) if item.if_seq_no.is_some_and(|place| place != found.seq_no) => {
                let reason = format!("required another seqNo, current has [{}]", found.seq_no);
                let conflict = EsError::version_conflict(&id, &reason);
                return Ok(updated(Err(conflict), Value::Null));
            }
            Some(found) => {
                let mut merged = found.source.clone();
                merge(&mut merged, &change.doc);
                if change.detect_noop && merged == found.source {
                    let noop = Written {
                        result: WriteResult::Noop,
                        version: found.version,
                        seq_no: found.seq_no,
                    };
                    return Ok(updated(Ok(noop), merged));
                }
                (BulkOperation::Index, Some(found.seq_no), merged)
            }
            None => match change.new_document() {
                Some(source) => (BulkOperation::Create, None, source),
                None => {
                    let missing = EsError::new(
                        404,
                        "document_missing_exception",
                        format!("[{id}]: document missing"),
                    );
                    return Ok(updated(Err(missing), Value::Null));
                }
            },
        };
        let write = BulkItem {
            operation,
            index: item.index.clone(),
            id: Some(id.clone()),
            if_seq_no,
            source: Bytes::from(source.to_string()),
        };
        let mut written = service.bulk(vec![write], refresh).await?;
        let outcome = written
            .pop()
            .ok_or_else(|| EsError::internal("a write has no result"))?
            .outcome;
        let is_conflict = outcome.as_ref().is_err_and(|error| error.status == 409);
        if !is_conflict || tries >= TRIES {
            return Ok(updated(outcome, source));
        }
    }
}

/// So many documents are deleted at a time.
const DELETED_AT_ONCE: usize = 1000;

/// Deletes what a query finds now; what is written meanwhile stays.
pub(crate) async fn delete_by_query(
    State(state): State<AppState>,
    Path(index): Path<String>,
    Asked { parameters, body }: Asked,
) -> Outcome {
    if parameters.get("wait_for_completion") == Some("false") {
        return Err(EsError::unsupported("[wait_for_completion=false]").into());
    }
    let started = std::time::Instant::now();
    let query = body
        .get("query")
        .ok_or_else(|| EsError::invalid_request("query is missing"))?;
    let target = target(&index, &parameters);
    state.service.refresh(&target).await?;
    let (mut deleted, mut conflicts, mut batches) = (0, 0, 0);
    loop {
        let search = json!({
            "query": query, "size": DELETED_AT_ONCE, "sort": ["_doc"], "_source": false, "seq_no_primary_term": true,
        });
        let found = state
            .service
            .search(&target, SearchRequest::parse(search)?)
            .await?;
        let items: Vec<BulkItem> = found
            .hits
            .into_iter()
            .map(|hit| BulkItem {
                operation: BulkOperation::Delete,
                index: hit.index,
                id: Some(hit.id),
                if_seq_no: hit.seq_no,
                source: Bytes::new(),
            })
            .collect();
        if items.is_empty() {
            break;
        }
        batches += 1;
        let results = state.service.bulk(items, Refresh::Now).await?;
        let gone = results.iter().filter(|item| item.outcome.is_ok()).count();
        deleted += gone;
        conflicts += results.len() - gone;
        if gone == 0 || conflicts > 0 {
            break;
        }
    }
    let took = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let answer = json!({
        "took": took, "timed_out": false, "total": deleted + conflicts, "deleted": deleted, "batches": batches,
        "version_conflicts": conflicts, "noops": 0, "retries": {"bulk": 0, "search": 0}, "throttled_millis": 0,
        "requests_per_second": -1.0, "throttled_until_millis": 0, "failures": [],
    });
    let status = if conflicts > 0 { 409 } else { 200 };
    Ok(Answer::new(status, answer).shaped(&parameters))
}

/// The body of an update.
struct Change {
    doc: Map<String, Value>,
    upsert: Option<Value>,
    doc_as_upsert: bool,
    detect_noop: bool,
    /// What of the document is to be answered.
    source: Option<Value>,
}

impl Change {
    fn parse(source: &Bytes) -> Result<Self, EsError> {
        let body: Value = serde_json::from_slice(source)
            .map_err(|error| EsError::parsing(format!("an update is not understood: {error}")))?;
        let map = body
            .as_object()
            .ok_or_else(|| EsError::parsing("an update must be an object"))?;
        if map.contains_key("script") {
            return Err(EsError::unsupported("[script] of an update"));
        }
        const KNOWN: [&str; 5] = ["doc", "upsert", "doc_as_upsert", "detect_noop", "_source"];
        if let Some(unknown) = map.keys().find(|key| !KNOWN.contains(&key.as_str())) {
            return Err(EsError::new(
                400,
                "x_content_parse_exception",
                format!("[UpdateRequest] unknown field [{unknown}]"),
            ));
        }
        let flag = |name: &str, usual| map.get(name).and_then(Value::as_bool).unwrap_or(usual);
        let doc = map.get("doc").and_then(Value::as_object).cloned();
        let upsert = map
            .get("upsert")
            .filter(|upsert| upsert.is_object())
            .cloned();
        if doc.is_none() && upsert.is_none() {
            return Err(EsError::invalid_request("script or doc is missing"));
        }
        Ok(Self {
            doc: doc.unwrap_or_default(),
            upsert,
            doc_as_upsert: flag("doc_as_upsert", false),
            detect_noop: flag("detect_noop", true),
            source: map.get("_source").cloned(),
        })
    }

    fn new_document(&self) -> Option<Value> {
        let doc = || self.doc_as_upsert.then(|| Value::Object(self.doc.clone()));
        self.upsert.clone().or_else(doc)
    }
}

/// Objects are merged, all else is replaced.
fn merge(into: &mut Value, change: &Map<String, Value>) {
    let Value::Object(into) = into else { return };
    for (name, value) in change {
        match (into.get_mut(name), value) {
            (Some(own @ Value::Object(_)), Value::Object(inner)) => merge(own, inner),
            _ => {
                into.insert(name.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_are_merged() {
        let mut document = json!({"a": {"b": 1, "c": [1, 2]}, "d": 1});
        let change = json!({"a": {"c": [3], "e": {"f": 1}}, "d": {"g": 2}});
        merge(&mut document, change.as_object().unwrap());
        assert_eq!(
            document,
            json!({"a": {"b": 1, "c": [3], "e": {"f": 1}}, "d": {"g": 2}})
        );
    }

    #[test]
    fn an_update_needs_something_to_write() {
        let parse = |body: Value| Change::parse(&Bytes::from(body.to_string()));
        assert!(parse(json!({})).is_err());
        assert!(parse(json!({"script": "ctx.x = 1"})).is_err());
        assert!(parse(json!({"docs": {}})).is_err());
        assert!(
            parse(json!({"upsert": {"a": 1}}))
                .unwrap()
                .new_document()
                .is_some()
        );
        assert!(
            parse(json!({"doc": {"a": 1}}))
                .unwrap()
                .new_document()
                .is_none()
        );
    }
}
