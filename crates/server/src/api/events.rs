//! News for open pages.

use std::convert::Infallible;

use axum::{
    extract::State,
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::{Stream, StreamExt};
use serde_json::json;
use tokio_stream::wrappers::BroadcastStream;

use crate::AppState;

/// Server-sent events: `change` names indices that were written to.
#[utoipa::path(get, path = "/events", responses((status = 200, description = "as it is", body = String, content_type = "text/event-stream")))]
pub(super) async fn events(
    State(state): State<AppState>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let stream = BroadcastStream::new(state.changes.subscribe()).map(|change| {
        let indices = change
            .map(|names| names.into_iter().collect::<Vec<_>>())
            .unwrap_or_default();
        Ok(Event::default()
            .event("change")
            .data(json!({"indices": indices}).to_string()))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}
