//! Dashboards and searches that users keep, beside the dashboards that come with us.

use std::sync::LazyLock;

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use canarytrace_es::{
    EsError, Refresh, SearchService,
    bulk::{BulkItem, BulkOperation},
};
use canarytrace_model::{dashboard::Dashboard, time::Moment};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Refused, ensure_index, search};
use crate::AppState;

/// What can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Dashboards,
    Searches,
}

impl Kind {
    /// State, not telemetry: hidden from patterns, never deleted by age.
    fn index(self) -> &'static str {
        match self {
            Kind::Dashboards => ".canarytrace-dashboards",
            Kind::Searches => ".canarytrace-searches",
        }
    }

    /// What is wrong with a body.
    fn problem(self, body: &Value) -> Option<String> {
        match self {
            Kind::Dashboards => match Dashboard::deserialize(body) {
                Ok(dashboard) => dashboard.problem(),
                Err(error) => Some(error.to_string()),
            },
            Kind::Searches => match Search::deserialize(body) {
                Ok(search) => search
                    .title
                    .trim()
                    .is_empty()
                    .then(|| "a search needs a title".to_owned()),
                Err(error) => Some(error.to_string()),
            },
        }
    }
}

/// A view of Discover: everything its address says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Search {
    title: String,
    /// The search parameters of the page.
    #[serde(rename = "parameters")]
    _parameters: serde_json::Map<String, Value>,
}

/// One kept thing as it is answered and stored.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Saved)]
pub(super) struct Entry {
    id: String,
    title: String,
    #[serde(default)]
    #[schema(required)]
    built_in: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    updated_at: Option<Moment>,
    /// To be sent back with a change, so that none of somebody else is lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seq_no: Option<u64>,
    body: Value,
}

#[derive(Serialize, ToSchema)]
pub(super) struct SavedList {
    saved: Vec<SavedTitle>,
}

/// One kept thing without its body.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SavedTitle {
    id: String,
    title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default)]
    #[schema(required)]
    built_in: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    updated_at: Option<Moment>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Written {
    /// To be sent with the next change.
    seq_no: u64,
}

#[derive(Deserialize)]
struct BuiltIn {
    id: String,
    dashboard: Value,
}

const FILES: [&str; 5] = [
    include_str!("../../dashboards/smoke-overview.json"),
    include_str!("../../dashboards/user-journey-overview.json"),
    include_str!("../../dashboards/performance-audit.json"),
    include_str!("../../dashboards/errors.json"),
    include_str!("../../dashboards/request-log.json"),
];

static BUILT_IN: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let read = |file: &&str| {
        let file: BuiltIn = serde_json::from_str(file).ok()?;
        Some(Entry {
            title: file.dashboard["title"].as_str()?.to_owned(),
            id: file.id,
            built_in: true,
            updated_at: None,
            seq_no: None,
            body: file.dashboard,
        })
    };
    FILES.iter().filter_map(read).collect()
});

/// Built-in ones of a kind.
fn built_in(kind: Kind) -> &'static [Entry] {
    match kind {
        Kind::Dashboards => &BUILT_IN,
        Kind::Searches => &[],
    }
}

const MOST: usize = 1000;
const MAX_BODY: usize = 1 << 20;

/// Titles of saved dashboards or searches.
#[utoipa::path(get, path = "/saved/{kind}", params(("kind" = String, Path, description = "`dashboards` or `searches`")), responses((status = 200, description = "as JSON", body = SavedList)))]
pub(super) async fn list(
    State(state): State<AppState>,
    Path(kind): Path<Kind>,
) -> Result<Json<SavedList>, Refused> {
    let body = json!({
        "size": MOST, "sort": [{"title": {"order": "asc", "unmapped_type": "keyword"}}], "_source": {"excludes": ["body"]},
    });
    let request = search::request(body)?;
    let answer = state
        .service
        .search(&search::target(kind.index()), request)
        .await?;
    let shown = |entry: &Entry| SavedTitle {
        id: entry.id.clone(),
        title: entry.title.clone(),
        description: entry.body["description"].as_str().map(str::to_owned),
        built_in: true,
        updated_at: None,
    };
    let mut saved: Vec<SavedTitle> = built_in(kind).iter().map(shown).collect();
    let sources = answer.hits.into_iter().filter_map(|hit| hit.source);
    saved.extend(sources.filter_map(|source| serde_json::from_value(source).ok()));
    Ok(Json(SavedList { saved }))
}

async fn stored(
    service: &dyn SearchService,
    kind: Kind,
    id: &str,
) -> Result<Option<Entry>, EsError> {
    let found = match service.get(kind.index(), id).await {
        Err(error) if error.status == 404 => None,
        other => other?,
    };
    Ok(found.and_then(|document| {
        let entry: Entry = serde_json::from_value(document.source).ok()?;
        Some(Entry {
            seq_no: Some(document.seq_no),
            ..entry
        })
    }))
}

/// One with its body and `seqNo`.
#[utoipa::path(get, path = "/saved/{kind}/{id}", params(("kind" = String, Path, description = "`dashboards` or `searches`"), ("id" = String, Path, description = "letters, digits, - and _")), responses((status = 200, description = "as JSON", body = Entry)))]
pub(super) async fn read(
    State(state): State<AppState>,
    Path((kind, id)): Path<(Kind, String)>,
) -> Result<Json<Entry>, Refused> {
    let own = built_in(kind).iter().find(|entry| entry.id == id).cloned();
    let entry = match own {
        Some(entry) => entry,
        None => stored(&*state.service, kind, &id).await?.ok_or_else(|| {
            Refused::new(StatusCode::NOT_FOUND, format!("nothing is saved as `{id}`"))
        })?,
    };
    Ok(Json(entry))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SavedChange)]
pub(super) struct Change {
    body: Value,
    /// Of what was read; left out: nothing is there yet.
    #[serde(default)]
    seq_no: Option<u64>,
}

fn is_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !id.is_empty() && id.len() <= 100 && id.bytes().all(plain)
}

/// Save; with `seqNo` of what was read, so that nothing of somebody else is lost.
#[utoipa::path(put, path = "/saved/{kind}/{id}", params(("kind" = String, Path, description = "`dashboards` or `searches`"), ("id" = String, Path, description = "letters, digits, - and _")), request_body = Change, responses((status = 200, description = "as JSON", body = Written)))]
pub(super) async fn write(
    State(state): State<AppState>,
    Path((kind, id)): Path<(Kind, String)>,
    change: Result<Json<Change>, JsonRejection>,
) -> Result<Json<Written>, Refused> {
    let Json(change) = change?;
    if built_in(kind).iter().any(|entry| entry.id == id) {
        return Err(Refused::with_hint(
            StatusCode::FORBIDDEN,
            "what comes with canarytrace is not changed",
            "clone it and change the clone",
        ));
    }
    if !is_id(&id) {
        return Err(Refused::new(
            StatusCode::BAD_REQUEST,
            "an id has letters, digits, - and _, at most 100",
        ));
    }
    if let Some(problem) = kind.problem(&change.body) {
        return Err(Refused::new(StatusCode::BAD_REQUEST, problem));
    }
    let title = change.body["title"].as_str().unwrap_or_default().to_owned();
    let entry = Entry {
        id: id.clone(),
        title,
        built_in: false,
        updated_at: Some(Moment::now()),
        seq_no: None,
        body: change.body,
    };
    let source = serde_json::to_vec(&entry).unwrap_or_default();
    if source.len() > MAX_BODY {
        return Err(Refused::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("at most {MAX_BODY} bytes can be saved"),
        ));
    }
    prepare(&*state.service, kind).await?;
    let item = BulkItem {
        operation: match change.seq_no {
            Some(_) => BulkOperation::Index,
            None => BulkOperation::Create,
        },
        index: kind.index().to_owned(),
        id: Some(id),
        if_seq_no: change.seq_no,
        source: Bytes::from(source),
    };
    let results = state.service.bulk(vec![item], Refresh::Now).await?;
    match results.into_iter().next().map(|result| result.outcome) {
        Some(Ok(written)) => Ok(Json(Written {
            seq_no: written.seq_no,
        })),
        Some(Err(error)) if error.status == 409 => Err(Refused::with_hint(
            StatusCode::CONFLICT,
            "somebody else has changed it meanwhile",
            "load it again, or save yours under another name",
        )),
        Some(Err(error)) => Err(error.into()),
        None => Err(EsError::internal("the store answered nothing").into()),
    }
}

/// Delete.
#[utoipa::path(delete, path = "/saved/{kind}/{id}", params(("kind" = String, Path, description = "`dashboards` or `searches`"), ("id" = String, Path, description = "letters, digits, - and _")), responses((status = 204, description = "done")))]
pub(super) async fn remove(
    State(state): State<AppState>,
    Path((kind, id)): Path<(Kind, String)>,
) -> Result<Response, Refused> {
    if stored(&*state.service, kind, &id).await?.is_none() {
        return Err(Refused::new(
            StatusCode::NOT_FOUND,
            format!("nothing that can be deleted is saved as `{id}`"),
        ));
    }
    let item = BulkItem {
        operation: BulkOperation::Delete,
        index: kind.index().to_owned(),
        id: Some(id),
        if_seq_no: None,
        source: Bytes::new(),
    };
    state.service.bulk(vec![item], Refresh::Now).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The index with its mapping; bodies are kept, not indexed.
async fn prepare(service: &dyn SearchService, kind: Kind) -> Result<(), EsError> {
    let mapping = json!({"mappings": {"dynamic": false, "properties": {
        "id": {"type": "keyword"}, "title": {"type": "keyword"}, "builtIn": {"type": "boolean"},
        "updatedAt": {"type": "date"}, "body": {"type": "object", "enabled": false},
    }}});
    ensure_index(service, kind.index(), mapping).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_dashboard_is_one() {
        assert_eq!(BUILT_IN.len(), FILES.len());
        for entry in BUILT_IN.iter() {
            assert_eq!(
                Kind::Dashboards.problem(&entry.body),
                None,
                "{}",
                entry.title
            );
        }
    }

    #[test]
    fn the_panels_are_those_of_the_established_product() {
        let panels: usize = BUILT_IN
            .iter()
            .map(|entry| entry.body["panels"].as_array().map_or(0, Vec::len))
            .sum();
        // 49 objects, one of which two dashboards show.
        assert_eq!(panels, 50);
    }
}
