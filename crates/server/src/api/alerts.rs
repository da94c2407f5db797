//! Incidents, silences, rules and channels: what a person does to them. They are read from the search API.

use axum::{
    Extension, Json,
    extract::{Path, Query, State, rejection::JsonRejection},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use canarytrace_model::alerting::MaintenanceConfig;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Created, Refused};
use crate::{
    AppState,
    access::Identity,
    alerts::{AlertError, Alerts, AlertsView, IncidentAction, NewSilence, Trace, Trial},
};

impl From<AlertError> for Refused {
    fn from(error: AlertError) -> Self {
        let status = match error {
            AlertError::Unknown(_) => StatusCode::NOT_FOUND,
            AlertError::Refused(_) => StatusCode::BAD_REQUEST,
            AlertError::Store(_) => StatusCode::BAD_GATEWAY,
        };
        Self::new(status, error.to_string())
    }
}

fn alerts(state: &AppState) -> Result<&dyn Alerts, Refused> {
    state.alerts.as_deref().ok_or_else(|| {
        Refused::with_hint(
            StatusCode::NOT_FOUND,
            "no listener runs here",
            "start the server with the part `listener`, or change it where `canarytrace listen` runs",
        )
    })
}

type Who = Option<Extension<Identity>>;

fn name(who: &Who) -> &str {
    who.as_ref().map_or("somebody", |Extension(own)| &own.name)
}

/// The listener: rules with what they measured last, problems, channels, silences, maintenance.
#[utoipa::path(get, path = "/alerts", responses((status = 200, description = "as JSON", body = AlertsView)))]
pub(super) async fn state(State(state): State<AppState>) -> Result<Json<AlertsView>, Refused> {
    Ok(Json(alerts(&state)?.state().await?))
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Text {
    #[serde(default)]
    text: String,
}

const LONGEST_TEXT: usize = 2000;

/// Take an incident: reminders and escalations end.
#[utoipa::path(post, path = "/incidents/{id}/acknowledge", params(("id" = String, Path, description = "of what is meant")), request_body = Text, responses((status = 204, description = "done")))]
pub(super) async fn acknowledge(
    State(state): State<AppState>,
    Path(id): Path<String>,
    who: Who,
    text: Result<Json<Text>, JsonRejection>,
) -> Result<StatusCode, Refused> {
    let Json(Text { text }) = text?;
    act(&state, &id, IncidentAction::Acknowledge(text), &who).await
}

/// Write a note into its history.
#[utoipa::path(post, path = "/incidents/{id}/note", params(("id" = String, Path, description = "of what is meant")), request_body = Text, responses((status = 204, description = "done")))]
pub(super) async fn note(
    State(state): State<AppState>,
    Path(id): Path<String>,
    who: Who,
    text: Result<Json<Text>, JsonRejection>,
) -> Result<StatusCode, Refused> {
    let Json(Text { text }) = text?;
    if text.trim().is_empty() {
        return Err(Refused::new(StatusCode::BAD_REQUEST, "the note is empty"));
    }
    act(&state, &id, IncidentAction::Note(text), &who).await
}

/// Send once more what was given up.
#[utoipa::path(post, path = "/incidents/{id}/retry", params(("id" = String, Path, description = "of what is meant")), responses((status = 204, description = "done")))]
pub(super) async fn retry(
    State(state): State<AppState>,
    Path(id): Path<String>,
    who: Who,
) -> Result<StatusCode, Refused> {
    act(&state, &id, IncidentAction::Retry, &who).await
}

async fn act(
    state: &AppState,
    id: &str,
    action: IncidentAction,
    who: &Who,
) -> Result<StatusCode, Refused> {
    if let IncidentAction::Acknowledge(text) | IncidentAction::Note(text) = &action
        && text.len() > LONGEST_TEXT
    {
        return Err(Refused::new(
            StatusCode::BAD_REQUEST,
            format!("a text has at most {LONGEST_TEXT} bytes"),
        ));
    }
    alerts(state)?.act(id, action, name(who)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tell nobody for a while.
#[utoipa::path(post, path = "/silences", request_body = NewSilence, responses((status = 201, description = "as JSON", body = Created)))]
pub(super) async fn silence(
    State(state): State<AppState>,
    who: Who,
    silence: Result<Json<NewSilence>, JsonRejection>,
) -> Result<(StatusCode, Json<Created>), Refused> {
    let Json(silence) = silence?;
    let id = alerts(&state)?.silence(silence, name(&who)).await?;
    Ok((StatusCode::CREATED, Json(Created { id })))
}

/// End a silence.
#[utoipa::path(delete, path = "/silences/{id}", params(("id" = String, Path, description = "of what is meant")), responses((status = 204, description = "done")))]
pub(super) async fn unsilence(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    alerts(&state)?.unsilence(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A window in which nobody is told; one of from with until, weekly, cron with for.
#[utoipa::path(post, path = "/maintenance", request_body = MaintenanceConfig, responses((status = 201, description = "as JSON", body = Created)))]
pub(super) async fn add_maintenance(
    State(state): State<AppState>,
    window: Result<Json<MaintenanceConfig>, JsonRejection>,
) -> Result<(StatusCode, Json<Created>), Refused> {
    let Json(window) = window?;
    let id = alerts(&state)?.add_maintenance(window).await?;
    Ok((StatusCode::CREATED, Json(Created { id })))
}

/// Take a window away; those of canarytrace.yaml are changed there.
#[utoipa::path(delete, path = "/maintenance/{id}", params(("id" = String, Path, description = "of what is meant")), responses((status = 204, description = "done")))]
pub(super) async fn remove_maintenance(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    alerts(&state)?.remove_maintenance(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Traced {
    title: String,
    from: String,
    to: String,
}

/// What a rule in force would have measured over a time, against its limit.
#[utoipa::path(get, path = "/rules/trace", params(Traced), responses((status = 200, description = "as JSON", body = Trace)))]
pub(super) async fn trace(
    State(state): State<AppState>,
    Query(wanted): Query<Traced>,
) -> Result<Json<Trace>, Refused> {
    let traced = alerts(&state)?
        .trace_rule(&wanted.title, &wanted.from, &wanted.to)
        .await?;
    Ok(Json(traced))
}

/// Rules that are written in the UI, as YAML.
#[utoipa::path(get, path = "/rules", responses((status = 200, description = "as JSON", body = Text)))]
pub(super) async fn stored_rules(State(state): State<AppState>) -> Result<Json<Text>, Refused> {
    let text = alerts(&state)?.stored_rules().await?;
    Ok(Json(Text { text }))
}

/// Replace them; refused with the place of the first mistake.
#[utoipa::path(put, path = "/rules", request_body = Text, responses((status = 204, description = "done")))]
pub(super) async fn store_rules(
    State(state): State<AppState>,
    text: Result<Json<Text>, JsonRejection>,
) -> Result<StatusCode, Refused> {
    let Json(Text { text }) = text?;
    alerts(&state)?.store_rules(&text).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TrialOf {
    text: String,
    from: String,
    to: String,
}

/// What rules would have found in what is stored, and when.
#[utoipa::path(post, path = "/rules/try", request_body = TrialOf, responses((status = 200, description = "as JSON", body = Trial)))]
pub(super) async fn try_rules(
    State(state): State<AppState>,
    wanted: Result<Json<TrialOf>, JsonRejection>,
) -> Result<Json<Trial>, Refused> {
    let Json(wanted) = wanted?;
    let tried = alerts(&state)?
        .try_rules(&wanted.text, &wanted.from, &wanted.to)
        .await?;
    Ok(Json(tried))
}

/// Send a message that says only that it arrived.
#[utoipa::path(post, path = "/channels/{name}/try", params(("name" = String, Path, description = "of the channel")), responses((status = 204, description = "done")))]
pub(super) async fn try_channel(
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Result<StatusCode, Refused> {
    alerts(&state)?.try_channel(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Period {
    #[serde(default)]
    day: Option<String>,
    #[serde(default)]
    period: Option<String>,
}

/// The report of a day, week or month as HTML.
#[utoipa::path(get, path = "/report", params(Period), responses((status = 200, description = "as it is", body = String, content_type = "text/html")))]
pub(super) async fn report(
    State(state): State<AppState>,
    Query(wanted): Query<Period>,
) -> Result<Response, Refused> {
    let page = alerts(&state)?
        .report(wanted.day.as_deref(), wanted.period.as_deref())
        .await?;
    let policy =
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'";
    Ok(([(header::CONTENT_SECURITY_POLICY, policy)], Html(page)).into_response())
}
