//! `/api/v1`: monitors, attachments, and news for open pages. Telemetry itself is read from the search API.

use std::convert::Infallible;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post, put},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_stream::wrappers::BroadcastStream;

use crate::{AppState, ScheduleError};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/status", get(status))
        .route("/monitors", get(monitors).post(add_monitor))
        .route("/monitors/{id}/run", post(run_now))
        .route("/events", get(events))
        .route(
            "/attachments/{uuid}/{name}",
            put(store_attachment).get(attachment),
        )
        .fallback(async || {
            failure(
                StatusCode::NOT_FOUND,
                "there is no such path under /api/v1",
                None,
            )
        })
}

fn failure(status: StatusCode, message: &str, hint: Option<&str>) -> Response {
    (
        status,
        Json(json!({"error": {"message": message, "hint": hint}})),
    )
        .into_response()
}

fn schedule_failure(error: &ScheduleError) -> Response {
    let status = match error {
        ScheduleError::Unknown(_) => StatusCode::NOT_FOUND,
        ScheduleError::Refused(_) => StatusCode::BAD_REQUEST,
    };
    failure(status, &error.to_string(), None)
}

fn no_scheduler() -> Response {
    failure(
        StatusCode::CONFLICT,
        "no scheduler runs here",
        Some("start the server with the scheduler: canarytrace serve"),
    )
}

async fn status(State(state): State<AppState>) -> Json<Value> {
    let problem = match &state.schedule {
        Some(schedule) => schedule.problem().await,
        None => None,
    };
    Json(
        json!({"version": state.version, "scheduler": state.schedule.is_some(), "configurationProblem": problem}),
    )
}

async fn monitors(State(state): State<AppState>) -> Json<Value> {
    let monitors = match &state.schedule {
        Some(schedule) => schedule.monitors().await,
        None => Vec::new(),
    };
    Json(json!({"monitors": monitors}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewMonitor {
    url: String,
}

async fn add_monitor(State(state): State<AppState>, body: Bytes) -> Response {
    let Some(schedule) = &state.schedule else {
        return no_scheduler();
    };
    let wanted: NewMonitor = match serde_json::from_slice(&body) {
        Ok(wanted) => wanted,
        Err(error) => {
            return failure(
                StatusCode::BAD_REQUEST,
                &format!("the body is not understood: {error}"),
                Some("send {\"url\": \"https://…\"}"),
            );
        }
    };
    match schedule.add_url(&wanted.url).await {
        Ok(id) => (StatusCode::CREATED, Json(json!({"id": id}))).into_response(),
        Err(error) => schedule_failure(&error),
    }
}

async fn run_now(State(state): State<AppState>, Path(id): Path<String>) -> Response {
    let Some(schedule) = &state.schedule else {
        return no_scheduler();
    };
    match schedule.run_now(&id).await {
        Ok(uuid) => (StatusCode::ACCEPTED, Json(json!({"uuid": uuid}))).into_response(),
        Err(error) => schedule_failure(&error),
    }
}

/// One event for each write, naming the indices; a page that lags is told to look at everything.
async fn events(
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

/// A run id and a plain file name: neither can leave the folder.
fn is_safe(uuid: &str, name: &str) -> bool {
    let plain = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    uuid.len() == 32
        && uuid.bytes().all(|byte| byte.is_ascii_hexdigit())
        && !name.is_empty()
        && name.len() < 200
        && plain(name)
        && !name.starts_with('.')
}

async fn store_attachment(
    State(state): State<AppState>,
    Path((uuid, name)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    if !is_safe(&uuid, &name) {
        return failure(
            StatusCode::BAD_REQUEST,
            "an attachment is named by a run id and a plain file name",
            None,
        );
    }
    match state.attachments.put(&uuid, &name, body).await {
        Ok(()) => StatusCode::CREATED.into_response(),
        Err(error) => {
            tracing::error!(%error, "an attachment cannot be stored");
            failure(
                StatusCode::INSUFFICIENT_STORAGE,
                "the attachment cannot be stored",
                Some("see the server's log"),
            )
        }
    }
}

async fn attachment(
    State(state): State<AppState>,
    Path((uuid, name)): Path<(String, String)>,
) -> Response {
    if !is_safe(&uuid, &name) {
        return failure(StatusCode::NOT_FOUND, "there is no such attachment", None);
    }
    match state.attachments.get(&uuid, &name).await {
        Ok(Some(content)) => show(&name, content),
        Ok(None) => failure(StatusCode::NOT_FOUND, "there is no such attachment", None),
        Err(error) => {
            tracing::error!(%error, "an attachment cannot be read");
            failure(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the attachment cannot be read",
                None,
            )
        }
    }
}

/// Pictures are shown; everything else is of a foreign page and only downloaded.
fn show(name: &str, content: Bytes) -> Response {
    let kind = match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("png") => "image/png",
        Some("jpg") => "image/jpeg",
        _ => "application/octet-stream",
    };
    let mut response = content.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("sandbox; default-src 'none'"),
    );
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, max-age=86400, immutable"),
    );
    response
}
