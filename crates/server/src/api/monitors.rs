//! Monitors of the scheduler: what they are, and what they are told.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use canarytrace_model::index::DEFAULT_PREFIX;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{annotations, failure};
use crate::{AppState, Backend, ScheduleError};

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

pub(super) async fn status(State(state): State<AppState>) -> Json<Value> {
    let problem = match &state.schedule {
        Some(schedule) => schedule.problem().await,
        None => None,
    };
    Json(json!({
        "version": state.version, "scheduler": state.schedule.is_some(), "configurationProblem": problem,
        "prefix": DEFAULT_PREFIX, "renders": state.renderer.is_some(), "embeds": !state.frames.is_empty(), "runLinks": &*state.run_links,
        "store": match state.backend { Backend::Cluster(_) => "cluster", Backend::Engine(_) => "embedded" },
    }))
}

pub(super) async fn monitors(State(state): State<AppState>) -> Json<Value> {
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

pub(super) async fn add_monitor(State(state): State<AppState>, body: Bytes) -> Response {
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

pub(super) async fn pause(state: State<AppState>, id: Path<String>) -> Response {
    set_paused(state, id, true).await
}

pub(super) async fn resume(state: State<AppState>, id: Path<String>) -> Response {
    set_paused(state, id, false).await
}

/// A pause is told on charts: nobody has to wonder why there is no run.
async fn set_paused(
    State(state): State<AppState>,
    Path(id): Path<String>,
    paused: bool,
) -> Response {
    let Some(schedule) = &state.schedule else {
        return no_scheduler();
    };
    if let Err(error) = schedule.set_paused(&id, paused).await {
        return schedule_failure(&error);
    }
    let text = if paused { "paused" } else { "resumed" };
    if let Err(error) = annotations::configuration_change(&*state.service, &id, text).await {
        tracing::warn!(%error, monitor = id, "a pause is not on the charts");
    }
    StatusCode::NO_CONTENT.into_response()
}

/// What the server runs with: arguments, variables and canarytrace.yaml, without secrets.
pub(super) async fn configuration(State(state): State<AppState>) -> Json<Value> {
    Json(
        state
            .in_force
            .as_ref()
            .map_or(Value::Null, |in_force| in_force()),
    )
}

pub(super) async fn run_now(State(state): State<AppState>, Path(id): Path<String>) -> Response {
    let Some(schedule) = &state.schedule else {
        return no_scheduler();
    };
    match schedule.run_now(&id).await {
        Ok(uuid) => (StatusCode::ACCEPTED, Json(json!({"uuid": uuid}))).into_response(),
        Err(error) => schedule_failure(&error),
    }
}
