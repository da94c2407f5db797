//! What happened outside of runs: deployments, configuration changes, maintenance. Marks on every chart over time.

use axum::{
    Json,
    extract::{Query, State, rejection::JsonRejection},
    http::StatusCode,
};
use bytes::Bytes;
use canarytrace_es::{
    EsError, Refresh, SearchRequest, SearchService,
    bulk::{BulkItem, BulkOperation},
    date,
};
use canarytrace_model::{index::DEFAULT_PREFIX, time::Moment};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::{Created, Refused, ensure_index, search};
use crate::AppState;

#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum AnnotationKind {
    Deployment,
    Configuration,
    Maintenance,
    Note,
}

/// A mark.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Annotation {
    kind: AnnotationKind,
    text: String,
    timestamp: Moment,
    /// Left out: a moment, not a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Moment>,
    /// Left out: all monitors.
    #[serde(skip_serializing_if = "Option::is_none")]
    monitor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    /// Where more is told; only shown as a link when it begins with http:// or https://.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewAnnotation {
    kind: AnnotationKind,
    #[schema(max_length = 1000)]
    text: String,
    /// Left out: now.
    #[serde(default)]
    timestamp: Option<Moment>,
    #[serde(default)]
    until: Option<Moment>,
    #[serde(default)]
    monitor: Option<String>,
    #[serde(default)]
    revision: Option<String>,
    #[serde(default)]
    url: Option<String>,
}

const MAX_TEXT: usize = 1000;

/// Mark a deployment, a change, a maintenance or a note.
#[utoipa::path(post, path = "/annotations", request_body = NewAnnotation, responses((status = 201, description = "as JSON", body = Created)))]
pub(super) async fn add(
    State(state): State<AppState>,
    annotation: Result<Json<NewAnnotation>, JsonRejection>,
) -> Result<(StatusCode, Json<Created>), Refused> {
    let Json(wanted) = annotation?;
    if wanted.text.trim().is_empty() || wanted.text.len() > MAX_TEXT {
        return Err(Refused::new(
            StatusCode::BAD_REQUEST,
            format!("`text` has 1 to {MAX_TEXT} bytes"),
        ));
    }
    let annotation = Annotation {
        kind: wanted.kind,
        text: wanted.text,
        timestamp: wanted.timestamp.unwrap_or_else(Moment::now),
        until: wanted.until,
        monitor: wanted.monitor,
        revision: wanted.revision,
        url: wanted.url,
    };
    let id = record(&*state.service, &annotation).await?;
    Ok((StatusCode::CREATED, Json(Created { id })))
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
        timestamp: Moment::now(),
        until: None,
        monitor: Some(monitor.to_owned()),
        revision: None,
        url: None,
    };
    record(service, &annotation).await.map(drop)
}

fn index_of(at: Moment) -> String {
    format!("{DEFAULT_PREFIX}annotation-{}", at.index_date())
}

async fn record(service: &dyn SearchService, annotation: &Annotation) -> Result<String, EsError> {
    let index = index_of(annotation.timestamp);
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
        source: Bytes::from(serde_json::to_vec(annotation).unwrap_or_default()),
    };
    let results = service.bulk(vec![item], Refresh::Now).await?;
    let result = results.into_iter().next();
    let result = result.ok_or_else(|| EsError::internal("the store answered nothing"))?;
    result.outcome?;
    Ok(result.id)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Range {
    from: String,
    to: String,
    monitor: Option<String>,
}

const MOST: usize = 500;

#[derive(Serialize, ToSchema)]
pub(super) struct Annotations {
    annotations: Vec<Annotation>,
}

/// Marks within a time: with a monitor, its own and those of all.
#[utoipa::path(get, path = "/annotations", params(Range), responses((status = 200, description = "as JSON", body = Annotations)))]
pub(super) async fn list(
    State(state): State<AppState>,
    Query(range): Query<Range>,
) -> Result<Json<Annotations>, Refused> {
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
    let annotations = found(&*state.service, body).await?;
    Ok(Json(Annotations { annotations }))
}

/// What a search finds; documents without a time, which nobody could draw, are left out.
pub(super) async fn found(
    service: &dyn SearchService,
    body: Value,
) -> Result<Vec<Annotation>, EsError> {
    let target = search::target(&format!("{DEFAULT_PREFIX}annotation-*"));
    let answer = service.search(&target, SearchRequest::parse(body)?).await?;
    let sources = answer.hits.into_iter().filter_map(|hit| hit.source);
    Ok(sources.filter_map(read).collect())
}

/// Others write into these indices as well, with any date that the store takes and words of their own.
fn read(source: Value) -> Option<Annotation> {
    let text = |name: &str| source[name].as_str().map(str::to_owned);
    let moment = |name: &str| {
        let written = match &source[name] {
            Value::Number(number) => number.to_string(),
            value => value.as_str()?.to_owned(),
        };
        date::parse_document_date(&written).map(Moment::from_epoch_ms)
    };
    Some(Annotation {
        kind: AnnotationKind::deserialize(&source["kind"]).unwrap_or(AnnotationKind::Note),
        text: text("text").unwrap_or_default(),
        timestamp: moment("timestamp")?,
        until: moment("until"),
        monitor: text("monitor"),
        revision: text("revision"),
        url: text("url"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_read_as_well() {
        let mark =
            read(json!({"kind": "release", "text": "4.2", "timestamp": 1_652_538_064_007_i64}))
                .unwrap();
        assert!(matches!(mark.kind, AnnotationKind::Note));
        assert_eq!(mark.timestamp.to_string(), "2022-05-14T14:21:04.007Z");
        let mark = read(json!({"kind": "deployment", "timestamp": "2022-05-14", "until": "2022-05-15T00:00:00+02:00"})).unwrap();
        assert_eq!(mark.until.unwrap().to_string(), "2022-05-14T22:00:00.000Z");
        assert!(read(json!({"text": "never"})).is_none());
    }
}
