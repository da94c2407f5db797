//! Incidents, silences, rules and channels: what a person does to them. They are read from the search API.

use axum::{
    Extension, Json,
    extract::{Path, Query, State, rejection::JsonRejection},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Refused;
use crate::{
    AppState,
    access::Identity,
    state::{AlertError, Alerts, IncidentAction},
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

/// Rules with what they measured, channels, silences, and what is wrong.
pub(super) async fn state(State(state): State<AppState>) -> Result<Json<Value>, Refused> {
    Ok(Json(alerts(&state)?.state().await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Text {
    #[serde(default)]
    text: String,
}

const LONGEST_TEXT: usize = 2000;

pub(super) async fn acknowledge(
    State(state): State<AppState>,
    Path(id): Path<String>,
    who: Who,
    text: Result<Json<Text>, JsonRejection>,
) -> Result<StatusCode, Refused> {
    let Json(Text { text }) = text?;
    act(&state, &id, IncidentAction::Acknowledge(text), &who).await
}

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

pub(super) async fn silence(
    State(state): State<AppState>,
    who: Who,
    silence: Result<Json<Value>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Refused> {
    let Json(silence) = silence?;
    let id = alerts(&state)?.silence(silence, name(&who)).await?;
    Ok((StatusCode::CREATED, Json(json!({"id": id}))))
}

pub(super) async fn unsilence(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    alerts(&state)?.unsilence(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn add_maintenance(
    State(state): State<AppState>,
    window: Result<Json<Value>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Refused> {
    let Json(window) = window?;
    let id = alerts(&state)?.add_maintenance(window).await?;
    Ok((StatusCode::CREATED, Json(json!({"id": id}))))
}

pub(super) async fn remove_maintenance(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    alerts(&state)?.remove_maintenance(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Traced {
    title: String,
    from: String,
    to: String,
}

/// `{"points": [{"at", "readings": [{"key", "value", "limit"}]}], "stepMs"}`: what a rule would have measured.
pub(super) async fn trace(
    State(state): State<AppState>,
    Query(wanted): Query<Traced>,
) -> Result<Json<Value>, Refused> {
    let traced = alerts(&state)?
        .trace_rule(&wanted.title, &wanted.from, &wanted.to)
        .await?;
    Ok(Json(traced))
}

/// The rules that are written in the UI, as YAML.
pub(super) async fn stored_rules(State(state): State<AppState>) -> Result<Json<Value>, Refused> {
    let text = alerts(&state)?.stored_rules().await?;
    Ok(Json(json!({"text": text})))
}

pub(super) async fn store_rules(
    State(state): State<AppState>,
    text: Result<Json<Text>, JsonRejection>,
) -> Result<StatusCode, Refused> {
    let Json(Text { text }) = text?;
    alerts(&state)?.store_rules(&text).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rehearsal {
    text: String,
    from: String,
    to: String,
}

/// What rules would have found.
pub(super) async fn try_rules(
    State(state): State<AppState>,
    wanted: Result<Json<Rehearsal>, JsonRejection>,
) -> Result<Json<Value>, Refused> {
    let Json(wanted) = wanted?;
    let tried = alerts(&state)?
        .try_rules(&wanted.text, &wanted.from, &wanted.to)
        .await?;
    Ok(Json(tried))
}

pub(super) async fn try_channel(
    State(state): State<AppState>,
    Path(channel): Path<String>,
) -> Result<StatusCode, Refused> {
    alerts(&state)?.try_channel(&channel).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
pub(super) struct Period {
    #[serde(default)]
    day: Option<String>,
    #[serde(default)]
    period: Option<String>,
}

/// The daily report of a day, as the page that is sent by mail.
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
