//! What happened outside of runs: deployments, configuration changes, maintenance. Marks on every chart over time.

use axum::{
    Json,
    extract::{Query, State, rejection::JsonRejection},
    http::StatusCode,
};
use bytes::Bytes;
use canarytrace_es::{
    EsError, Refresh, SearchService,
    bulk::{BulkItem, BulkOperation},
};
use canarytrace_model::{index::DEFAULT_PREFIX, time::Moment};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Refused, ensure_index, search};
use crate::AppState;

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum AnnotationKind {
    Deployment,
    Configuration,
    Maintenance,
    Note,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Annotation {
    kind: AnnotationKind,
    text: String,
    /// Default: now.
    #[serde(default)]
    timestamp: Option<Moment>,
    /// Left out: a moment, not a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Moment>,
    /// Left out: all monitors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    monitor: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    /// Where more is told; only shown as a link when it begins with http:// or https://.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

const MAX_TEXT: usize = 1000;

pub(super) async fn add(
    State(state): State<AppState>,
    annotation: Result<Json<Annotation>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Refused> {
    let Json(annotation) = annotation?;
    if annotation.text.trim().is_empty() || annotation.text.len() > MAX_TEXT {
        return Err(Refused::new(
            StatusCode::BAD_REQUEST,
            format!("`text` has 1 to {MAX_TEXT} bytes"),
        ));
    }
    let id = record(&*state.service, annotation).await?;
    Ok((StatusCode::CREATED, Json(json!({"id": id}))))
}

/// A mark that a monitor was changed here.
pub(super) async fn configuration_change(
    service: &dyn SearchService,
    monitor: &str,
    text: &str,
) -> Result<(), EsError> {
    let annotation = Annotation {
        kind: AnnotationKind::Configuration,
        text: text.to_owned(),
        timestamp: None,
        until: None,
        monitor: Some(monitor.to_owned()),
        revision: None,
        url: None,
    };
    record(service, annotation).await.map(drop)
}

fn index_of(at: Moment) -> String {
    format!("{DEFAULT_PREFIX}annotation-{}", at.index_date())
}

async fn record(
    service: &dyn SearchService,
    mut annotation: Annotation,
) -> Result<String, EsError> {
    let at = *annotation.timestamp.get_or_insert_with(Moment::now);
    let index = index_of(at);
    let mapping = json!({"mappings": {"properties": {
        "kind": {"type": "keyword"}, "text": {"type": "text"}, "timestamp": {"type": "date"}, "until": {"type": "date"},
        "monitor": {"type": "keyword"}, "revision": {"type": "keyword"}, "url": {"type": "keyword"},
    }}});
    ensure_index(service, &index, mapping).await?;
    let item = BulkItem {
        operation: BulkOperation::Index,
        index,
        id: None,
        if_seq_no: None,
        source: Bytes::from(serde_json::to_vec(&annotation).unwrap_or_default()),
    };
    let results = service.bulk(vec![item], Refresh::Now).await?;
    let result = results.into_iter().next();
    let result = result.ok_or_else(|| EsError::internal("the store answered nothing"))?;
    result.outcome?;
    Ok(result.id)
}

#[derive(Deserialize)]
pub(super) struct Range {
    from: String,
    to: String,
    monitor: Option<String>,
}

const MOST: usize = 500;

/// `{"annotations": […]}` of a time; with a monitor, its own and those of all.
pub(super) async fn list(
    State(state): State<AppState>,
    Query(range): Query<Range>,
) -> Result<Json<Value>, Refused> {
    let mut filter = vec![json!({"range": {"timestamp": {"gte": range.from, "lte": range.to}}})];
    if let Some(monitor) = &range.monitor {
        filter.push(json!({"bool": {"should": [
            {"term": {"monitor": monitor}}, {"bool": {"must_not": {"exists": {"field": "monitor"}}}},
        ]}}));
    }
    let body = json!({
        "size": MOST, "query": {"bool": {"filter": filter}},
        "sort": [{"timestamp": {"order": "desc", "unmapped_type": "date"}}],
    });
    let target = search::target(&format!("{DEFAULT_PREFIX}annotation-*"));
    let answer = state
        .service
        .search(&target, search::request(body)?)
        .await?;
    let annotations: Vec<Value> = answer
        .hits
        .into_iter()
        .filter_map(|hit| hit.source)
        .collect();
    Ok(Json(json!({"annotations": annotations})))
}
