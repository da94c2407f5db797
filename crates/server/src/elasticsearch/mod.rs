//! Elasticsearch's paths.

mod answer;
mod documents;
mod indices;
mod searching;
mod updates;

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use canarytrace_es::IndexTarget;
use serde_json::json;

use crate::{AppState, ui};
use answer::{Answer, Parameters};
pub(crate) use answer::{Failed, inflate};

/// Beats want a 7.x, clients 8 and 9 look only at the product header.
const COMPATIBLE_VERSION: &str = "7.17.29";

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(banner).head(async || StatusCode::OK))
        .route("/_bulk", post(documents::bulk).put(documents::bulk))
        .route("/{index}/_bulk", post(documents::bulk).put(documents::bulk))
        .route("/{index}/_doc", post(documents::add))
        .route(
            "/{index}/_doc/{id}",
            get(documents::read)
                .put(documents::index)
                .post(documents::index)
                .delete(documents::delete),
        )
        .route(
            "/{index}/_create/{id}",
            put(documents::create).post(documents::create),
        )
        .route("/{index}/_source/{id}", get(documents::source))
        .route("/{index}/_delete_by_query", post(updates::delete_by_query))
        .route("/{index}/_update/{id}", post(updates::update))
        .route(
            "/_mget",
            get(documents::read_many).post(documents::read_many),
        )
        .route(
            "/{index}/_mget",
            get(documents::read_many).post(documents::read_many),
        )
        .route("/_search", get(searching::search).post(searching::search))
        .route(
            "/{index}/_search",
            get(searching::search).post(searching::search),
        )
        .route(
            "/_msearch",
            get(searching::multi_search).post(searching::multi_search),
        )
        .route("/{index}/_msearch", post(searching::multi_search))
        .route("/_count", get(searching::count).post(searching::count))
        .route(
            "/{index}/_count",
            get(searching::count).post(searching::count),
        )
        .route(
            "/{index}",
            get(indices::describe)
                .head(indices::exists)
                .put(indices::create)
                .delete(indices::delete),
        )
        .route("/_mapping", get(indices::mappings))
        .route("/{index}/_mapping", get(indices::mappings))
        .route("/_refresh", post(indices::refresh).get(indices::refresh))
        .route(
            "/{index}/_refresh",
            post(indices::refresh).get(indices::refresh),
        )
        .route("/_cat/indices", get(indices::cat))
        .route("/_cat/indices/{index}", get(indices::cat))
        .route("/_cluster/health", get(indices::health))
        .route("/_index_template", get(indices::templates))
        .route(
            "/_index_template/{name}",
            get(indices::template)
                .put(indices::put_template)
                .post(indices::put_template)
                .head(indices::template_exists),
        )
}

/// Clients get Elasticsearch's banner, browsers the UI.
async fn banner(State(state): State<AppState>, headers: HeaderMap) -> Response {
    if state.ui && wants_page(&headers) {
        return ui::start_page();
    }
    Answer::from(json!({
        "name": "canarytrace",
        "cluster_name": "canarytrace",
        "cluster_uuid": "canarytrace-embedded-1",
        "version": {
            "number": COMPATIBLE_VERSION, "build_flavor": "default", "build_type": "canarytrace", "build_hash": state.version,
            "build_date": "2026-11-22T00:00:00.000Z", "build_snapshot": false, "lucene_version": "8.11.3",
            "minimum_wire_compatibility_version": "6.8.0", "minimum_index_compatibility_version": "6.0.0-beta1",
        },
        "tagline": "You Know, for Search",
    }))
    .into_response()
}

/// A browser that shows a page, rather than a client that reads JSON.
pub(crate) fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

/// Whether searches can be served.
pub(crate) async fn ready(State(state): State<AppState>) -> Response {
    match state.service.health().await {
        Ok(_) => "ok\n".into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

/// The index of a path, or all of them.
fn name(index: Option<Path<String>>) -> String {
    index.map(|Path(index)| index).unwrap_or_default()
}

fn target(expression: &str, parameters: &Parameters) -> IndexTarget {
    IndexTarget::new(expression).with_options(parameters.target_options())
}
