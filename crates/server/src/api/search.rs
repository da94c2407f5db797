//! Searches of the UI: Elasticsearch's own, with KQL wherever a query may stand.

use axum::{
    Json,
    extract::{Query, State, rejection::JsonRejection},
    http::StatusCode,
    response::IntoResponse,
};
use canarytrace_es::{
    EsError, IndexTarget, SearchRequest, SearchResponse, SearchService, TargetOptions, kql,
};
use canarytrace_model::index::{DEFAULT_PREFIX, Service};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::{Refusal, RefusalReason, Refused};
use crate::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Where {
    /// Names and patterns, comma between.
    pub(super) index: String,
}

/// Indices that may be missing: a page about them is empty then, not broken.
pub(super) fn target(index: &str) -> IndexTarget {
    IndexTarget::new(index).with_options(TargetOptions {
        ignore_unavailable: true,
        ..TargetOptions::default()
    })
}

/// A body whose KQL is written out.
pub(super) fn request(mut body: Value) -> Result<SearchRequest, Refused> {
    lower(&mut body)?;
    Ok(SearchRequest::parse(body)?)
}

/// Asks the daily indices of one family.
pub(super) async fn ask(
    service: &dyn SearchService,
    family: Service,
    body: Value,
) -> Result<SearchResponse, EsError> {
    let target = target(&format!("{DEFAULT_PREFIX}{}-*", family.name()));
    service.search(&target, SearchRequest::parse(body)?).await
}

/// A search of Elasticsearch with {"kql": "text", "time_zone": "…"} wherever a query may stand.
#[utoipa::path(post, path = "/search", params(Where), request_body = Value, responses((status = 200, description = "as JSON", body = Value)))]
pub(super) async fn search(
    State(state): State<AppState>,
    Query(place): Query<Where>,
    body: Result<Json<Value>, JsonRejection>,
) -> Result<Json<Value>, Refused> {
    let Json(body) = body?;
    let answer = state
        .service
        .search(&target(&place.index), request(body)?)
        .await?;
    Ok(Json(answer.into_json()))
}

/// Replaces each `{"kql": "text", "time_zone": "…"}` by the query it means.
pub(super) fn lower(value: &mut Value) -> Result<(), Refused> {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(text)) = map.get("kql")
                && map.keys().all(|key| key == "kql" || key == "time_zone")
            {
                let time_zone = map.get("time_zone").and_then(Value::as_str);
                *value = kql::to_query(text, time_zone).map_err(|error| misunderstood(&error))?;
                return Ok(());
            }
            map.values_mut().try_for_each(lower)
        }
        Value::Array(items) => items.iter_mut().try_for_each(lower),
        _ => Ok(()),
    }
}

fn misunderstood(error: &kql::KqlError) -> Refused {
    let hint = "fields and values are written as field: value, joined by and, or, not; texts with spaces in quotes";
    let error = RefusalReason {
        message: error.to_string(),
        hint: Some(hint.to_owned()),
        position: Some(error.position),
    };
    (StatusCode::BAD_REQUEST, Json(Refusal { error }))
        .into_response()
        .into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kql_is_written_out_wherever_it_stands() {
        let mut body = json!({
            "query": {"bool": {"filter": [{"kql": "a: 1"}]}},
            "aggs": {"x": {"filter": {"kql": ""}}, "kql": {"terms": {"field": "kql"}}},
        });
        assert!(lower(&mut body).is_ok());
        assert_ne!(body["query"]["bool"]["filter"][0], json!({"kql": "a: 1"}));
        assert_eq!(body["aggs"]["x"]["filter"], json!({"match_all": {}}));
        assert_eq!(body["aggs"]["kql"], json!({"terms": {"field": "kql"}}));
    }

    #[test]
    fn a_wrong_query_is_refused() {
        assert!(lower(&mut json!([{"kql": "a: ("}])).is_err());
    }
}
