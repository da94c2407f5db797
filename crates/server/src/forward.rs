//! With another store, its own answers: Elasticsearch's paths are passed on byte for byte.

use std::collections::BTreeSet;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use canarytrace_es::{EsError, Forwarder, bulk};

use crate::{
    AppState, BODY_LIMIT,
    elasticsearch::{Failed, inflate, wants_page},
    ui,
};

/// Serves the UI to browsers and passes everything else on.
pub(crate) async fn handle(
    State(state): State<AppState>,
    forwarder: Forwarder,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    if state.ui && parts.method == Method::GET {
        if wants_page(&parts.headers) {
            return ui::serve(State(state), parts.uri, parts.headers).await;
        }
        if ui::has_file(&parts.uri) {
            return ui::serve(State(state), parts.uri, parts.headers).await;
        }
    }
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        let error = EsError::new(
            413,
            "content_too_long",
            format!("a request may have {BODY_LIMIT} bytes"),
        );
        return Failed::from(error).into_response();
    };
    let written = written_indices(&parts.uri, &parts.headers, &body);
    let path = parts.uri.path_and_query();
    let path = path.map_or("", |path| path.as_str().trim_start_matches('/'));
    match forwarder
        .forward(parts.method, path, parts.headers, body)
        .await
    {
        Ok(answer) => {
            if answer.status < 300 && !written.is_empty() {
                state.changes.send(written).ok();
            }
            let mut response = Body::from_stream(answer.body).into_response();
            *response.status_mut() =
                StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
            *response.headers_mut() = answer.headers;
            response
        }
        Err(error) => Failed::from(EsError::from(error)).into_response(),
    }
}

/// Which indices a bulk request writes to, for pages that are open.
fn written_indices(uri: &Uri, headers: &header::HeaderMap, body: &Bytes) -> BTreeSet<String> {
    let Some(path) = uri.path().strip_suffix("/_bulk") else {
        return BTreeSet::new();
    };
    let default_index = Some(path.trim_start_matches('/')).filter(|index| !index.is_empty());
    let items = inflate(headers, body.clone())
        .and_then(|body| bulk::parse(&body, default_index))
        .unwrap_or_default();
    items.into_iter().map(|item| item.index).collect()
}
