//! Monitors of the scheduler: what they are, and what they are told.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use canarytrace_model::{index::DEFAULT_PREFIX, links::RunLink};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Created, annotations, failure};
use crate::{AppState, Backend, InForceView, MonitorView, ScheduleError};

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

/// What the server can do, and what is wrong with it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    version: &'static str,
    scheduler: bool,
    /// Why the configuration file is not in force.
    #[schema(required)]
    configuration_problem: Option<String>,
    /// Of the names of indices.
    prefix: &'static str,
    /// Pages can be had as PDF and PNG.
    renders: bool,
    /// Pages of other sites may show dashboards in a frame.
    embeds: bool,
    /// Where else a run is known; addresses with placeholders.
    run_links: Vec<RunLink>,
    store: StoreKind,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum StoreKind {
    Embedded,
    Cluster,
}

/// Version, store, scheduler, and why the configuration is not in force.
#[utoipa::path(get, path = "/status", responses((status = 200, description = "as JSON", body = Status)))]
pub(super) async fn status(State(state): State<AppState>) -> Json<Status> {
    let problem = match &state.schedule {
        Some(schedule) => schedule.problem().await,
        None => None,
    };
    Json(Status {
        version: state.version,
        scheduler: state.schedule.is_some(),
        configuration_problem: problem,
        prefix: DEFAULT_PREFIX,
        renders: state.renderer.is_some(),
        embeds: !state.frames.is_empty(),
        run_links: state.run_links.to_vec(),
        store: match state.backend {
            Backend::Cluster(_) => StoreKind::Cluster,
            Backend::Engine(_) => StoreKind::Embedded,
        },
    })
}

#[derive(Serialize, ToSchema)]
pub(super) struct Monitors {
    monitors: Vec<MonitorView>,
}

/// Monitors of the scheduler with state and next run.
#[utoipa::path(get, path = "/monitors", responses((status = 200, description = "as JSON", body = Monitors)))]
pub(super) async fn monitors(State(state): State<AppState>) -> Json<Monitors> {
    let monitors = match &state.schedule {
        Some(schedule) => schedule.monitors().await,
        None => Vec::new(),
    };
    Json(Monitors { monitors })
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewMonitor {
    url: String,
}

/// Watch a URL every five minutes.
#[utoipa::path(post, path = "/monitors", request_body = NewMonitor, responses((status = 201, description = "as JSON", body = Created)))]
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
        Ok(id) => (StatusCode::CREATED, Json(Created { id })).into_response(),
        Err(error) => schedule_failure(&error),
    }
}

/// Take the schedule out of force; a mark on the charts.
#[utoipa::path(post, path = "/monitors/{id}/pause", params(("id" = String, Path, description = "of the monitor")), responses((status = 204, description = "done")))]
pub(super) async fn pause(state: State<AppState>, id: Path<String>) -> Response {
    set_paused(state, id, true).await
}

/// Put the schedule in force again.
#[utoipa::path(post, path = "/monitors/{id}/resume", params(("id" = String, Path, description = "of the monitor")), responses((status = 204, description = "done")))]
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
#[utoipa::path(get, path = "/configuration", responses((status = 200, description = "as JSON", body = InForceView)))]
pub(super) async fn configuration(State(state): State<AppState>) -> Json<Option<InForceView>> {
    Json(state.in_force.as_ref().map(|in_force| in_force()))
}

/// The run that was put into the queue.
#[derive(Serialize, ToSchema)]
pub(super) struct QueuedRun {
    uuid: String,
}

/// Run now; answers the id of the run.
#[utoipa::path(post, path = "/monitors/{id}/run", params(("id" = String, Path, description = "of the monitor")), responses((status = 202, description = "as JSON", body = QueuedRun)))]
pub(super) async fn run_now(State(state): State<AppState>, Path(id): Path<String>) -> Response {
    let Some(schedule) = &state.schedule else {
        return no_scheduler();
    };
    match schedule.run_now(&id).await {
        Ok(uuid) => (StatusCode::ACCEPTED, Json(QueuedRun { uuid })).into_response(),
        Err(error) => schedule_failure(&error),
    }
}
