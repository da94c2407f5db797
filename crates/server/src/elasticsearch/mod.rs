//! Elasticsearch's paths.

mod aliases;
mod answer;
mod cat;
mod cluster;
mod contexts;
pub(crate) mod dated;
mod documents;
mod filter_path;
mod indices;
mod inside;
mod reindex;
mod searching;
mod templates;
mod updates;

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{delete, get, post, put},
};
use canarytrace_es::{EsError, IndexTarget};
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
        .route(
            "/{index}/_mapping",
            get(indices::mappings)
                .put(inside::put_mapping)
                .post(inside::put_mapping),
        )
        .route("/_refresh", post(indices::refresh).get(indices::refresh))
        .route(
            "/{index}/_refresh",
            post(indices::refresh).get(indices::refresh),
        )
        .route("/_cluster/health", get(indices::health))
        .route("/_cluster/health/{index}", get(indices::health))
        .merge(context_routes())
        .merge(index_routes())
        .merge(template_routes())
        .merge(cluster_routes())
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn(answer::shape_errors))
}

/// Whether a path is one of Elasticsearch's rather than a page: one of its parts begins with `_`.
pub(crate) fn is_own(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with('_'))
}

/// What we do not have is refused as Elasticsearch refuses, not as a web server does.
pub(crate) async fn unknown(uri: Uri) -> Failed {
    Failed::from(EsError::unsupported(&format!("path [{}]", uri.path())))
}

async fn wrong_method(method: Method, uri: Uri) -> Failed {
    Failed::from(EsError::new(
        405,
        "illegal_argument_exception",
        format!(
            "Incorrect HTTP method for uri [{}] and method [{method}]",
            uri.path()
        ),
    ))
}

fn context_routes() -> Router<AppState> {
    let scroll = || {
        get(contexts::scroll)
            .post(contexts::scroll)
            .delete(contexts::close_scroll)
    };
    Router::new()
        .route("/_search/scroll", scroll())
        .route("/_search/scroll/{id}", scroll())
        .route("/{index}/_pit", post(contexts::open_pit))
        .route("/_pit", delete(contexts::close_pit))
        .route(
            "/{index}/_search/point_in_time",
            post(contexts::open_point_in_time),
        )
        .route(
            "/_search/point_in_time",
            delete(contexts::close_point_in_time),
        )
        .route(
            "/_search/point_in_time/{all}",
            delete(contexts::close_point_in_time),
        )
}

fn index_routes() -> Router<AppState> {
    let validate = || get(searching::validate).post(searching::validate);
    let capabilities = || get(inside::field_capabilities).post(inside::field_capabilities);
    let analyze = || get(inside::analyze).post(inside::analyze);
    let alias = || {
        get(aliases::one)
            .put(aliases::put)
            .post(aliases::put)
            .delete(aliases::delete)
    };
    Router::new()
        .route("/_validate/query", validate())
        .route("/{index}/_validate/query", validate())
        .route("/_field_caps", capabilities())
        .route("/{index}/_field_caps", capabilities())
        .route("/_analyze", analyze())
        .route("/{index}/_analyze", analyze())
        .route(
            "/{index}/_mapping/field/{fields}",
            get(inside::field_mappings),
        )
        .route(
            "/_settings",
            get(inside::settings).put(inside::put_settings),
        )
        .route(
            "/{index}/_settings",
            get(inside::settings).put(inside::put_settings),
        )
        .route("/_stats", get(inside::stats))
        .route("/{index}/_stats", get(inside::stats))
        .route("/_segments", get(inside::segments))
        .route("/{index}/_segments", get(inside::segments))
        .route("/_forcemerge", post(inside::merge))
        .route("/{index}/_forcemerge", post(inside::merge))
        .route("/_resolve/index/{index}", get(inside::resolve))
        .route("/_reindex", post(reindex::reindex))
        .route("/_flush", post(indices::refresh).get(indices::refresh))
        .route(
            "/{index}/_flush",
            post(indices::refresh).get(indices::refresh),
        )
        .route("/_aliases", post(aliases::update))
        .route("/_alias", get(aliases::all))
        .route("/_alias/{name}", get(aliases::all).head(aliases::exists))
        .route("/{index}/_alias", get(aliases::of_index))
        .route("/{index}/_alias/{name}", alias())
        .route("/{index}/_aliases/{name}", alias())
}

fn template_routes() -> Router<AppState> {
    let one = || {
        get(templates::read)
            .put(templates::put)
            .post(templates::put)
            .head(templates::exists)
            .delete(templates::delete)
    };
    ["_index_template", "_component_template", "_template"]
        .into_iter()
        .fold(Router::new(), |router, kind| {
            router
                .route(&format!("/{kind}"), get(templates::read))
                .route(&format!("/{kind}/{{name}}"), one())
        })
}

fn cluster_routes() -> Router<AppState> {
    Router::new()
        .route("/_cat/indices", get(cat::indices))
        .route("/_cat/indices/{index}", get(cat::indices))
        .route("/_cat/count", get(cat::count))
        .route("/_cat/count/{index}", get(cat::count))
        .route("/_cat/health", get(cat::health))
        .route("/_cat/nodes", get(cat::nodes))
        .route("/_cat/tasks", get(cat::tasks))
        .route("/_cat/aliases", get(cat::aliases))
        .route("/_cat/aliases/{name}", get(cat::aliases))
        .route("/_cat/templates", get(cat::templates))
        .route("/_cat/templates/{name}", get(cat::templates))
        .route("/_cat/shards", get(cat::shards))
        .route("/_cat/shards/{index}", get(cat::shards))
        .route("/_cat/allocation", get(cat::allocation))
        .route(
            "/_cluster/settings",
            get(cluster::settings).put(cluster::put_settings),
        )
        .route("/_cluster/stats", get(cluster::stats))
        .route("/_nodes", get(cluster::nodes))
        .route("/_nodes/stats", get(cluster::node_stats))
        .route("/_nodes/stats/{metrics}", get(cluster::node_stats))
        .route("/_data_stream", get(cluster::data_streams))
        .route("/_data_stream/{name}", get(cluster::data_streams))
        .route("/_tasks", get(cluster::tasks))
        .route("/_license", get(cluster::license))
        .route("/_xpack", get(cluster::features))
}

/// Clients get Elasticsearch's banner, browsers the UI.
async fn banner(State(state): State<AppState>, headers: HeaderMap) -> Response {
    if state.ui && wants_page(&headers) {
        return ui::start_page(&headers);
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
