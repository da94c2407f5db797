//! `/api/v1`: what the UI needs beyond the search API, each subject in a file of its own. Telemetry is read from the search
//! API only, so all of it works on any store.

mod alerts;
mod annotations;
mod attachments;
mod branding;
mod compare;
mod errors;
mod events;
mod export;
mod fields;
mod monitors;
mod openapi;
mod render;
mod saved;
mod search;
mod session;
mod storage;
mod users;

use axum::{
    Json, Router,
    extract::rejection::JsonRejection,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use canarytrace_es::{EsError, SearchService};
use serde_json::{Value, json};

pub use compare::what_changed;

use crate::AppState;

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/openapi.json", get(openapi::document))
        .route(
            "/session",
            get(session::who)
                .post(session::log_in)
                .delete(session::log_out),
        )
        .route("/users", get(users::users))
        .route(
            "/users/{name}",
            put(users::put_user).delete(users::remove_user),
        )
        .route("/tokens", get(users::tokens).post(users::add_token))
        .route("/tokens/{id}", axum::routing::delete(users::remove_token))
        .route("/branding", get(branding::branding))
        .route("/branding/logo", get(branding::logo))
        .route("/status", get(monitors::status))
        .route(
            "/monitors",
            get(monitors::monitors).post(monitors::add_monitor),
        )
        .route("/monitors/{id}/run", post(monitors::run_now))
        .route("/monitors/{id}/pause", post(monitors::pause))
        .route("/monitors/{id}/resume", post(monitors::resume))
        .route("/events", get(events::events))
        .route(
            "/attachments/{uuid}/{name}",
            put(attachments::store_attachment).get(attachments::attachment),
        )
        .route("/runs/{uuid}/archive.zip", get(attachments::archive))
        .route("/runs/{uuid}/compare", get(compare::runs))
        .route("/compare", post(compare::ranges))
        .route("/errors", get(errors::list))
        .route("/errors/{fingerprint}", get(errors::one))
        .route("/search", post(search::search))
        .route("/fields", get(fields::fields))
        .route("/export", post(export::export))
        .route("/render", post(render::render))
        .route("/alerts", get(alerts::state))
        .route("/incidents/{id}/acknowledge", post(alerts::acknowledge))
        .route("/incidents/{id}/note", post(alerts::note))
        .route("/incidents/{id}/retry", post(alerts::retry))
        .route("/silences", post(alerts::silence))
        .route("/silences/{id}", axum::routing::delete(alerts::unsilence))
        .route("/maintenance", post(alerts::add_maintenance))
        .route(
            "/maintenance/{id}",
            axum::routing::delete(alerts::remove_maintenance),
        )
        .route("/rules/trace", get(alerts::trace))
        .route("/rules", get(alerts::stored_rules).put(alerts::store_rules))
        .route("/rules/try", post(alerts::try_rules))
        .route("/channels/{name}/try", post(alerts::try_channel))
        .route("/report", get(alerts::report))
        .route("/storage", get(storage::storage))
        .route("/configuration", get(monitors::configuration))
        .route(
            "/annotations",
            get(annotations::list).post(annotations::add),
        )
        .route("/saved/{kind}", get(saved::list))
        .route(
            "/saved/{kind}/{id}",
            get(saved::read).put(saved::write).delete(saved::remove),
        )
        .fallback(async || {
            failure(
                StatusCode::NOT_FOUND,
                "there is no such path under /api/v1",
                Some("GET /api/v1/openapi.json lists them"),
            )
        })
}

/// The shape of every refusal under `/api/v1`.
pub(crate) fn failure(status: StatusCode, message: &str, hint: Option<&str>) -> Response {
    (
        status,
        Json(json!({"error": {"message": message, "hint": hint}})),
    )
        .into_response()
}

/// A refusal as an error, so that handlers can use `?`.
pub(crate) struct Refused(Box<Response>);

impl Refused {
    pub(crate) fn new(status: StatusCode, message: impl AsRef<str>) -> Self {
        failure(status, message.as_ref(), None).into()
    }

    pub(crate) fn with_hint(status: StatusCode, message: impl AsRef<str>, hint: &str) -> Self {
        failure(status, message.as_ref(), Some(hint)).into()
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        *self.0
    }
}

impl From<Response> for Refused {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl From<EsError> for Refused {
    fn from(error: EsError) -> Self {
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_GATEWAY);
        failure(status, &error.to_string(), None).into()
    }
}

impl From<JsonRejection> for Refused {
    fn from(error: JsonRejection) -> Self {
        Self::with_hint(
            error.status(),
            error.body_text(),
            "the body is JSON with content-type application/json; GET /api/v1/openapi.json describes it",
        )
    }
}

/// Makes an index with its mapping, unless it is there.
pub(crate) async fn ensure_index(
    service: &dyn SearchService,
    name: &str,
    body: Value,
) -> Result<(), EsError> {
    match service.create_index(name, body).await {
        Err(error) if error.kind == "resource_already_exists_exception" => Ok(()),
        other => other,
    }
}

/// A file for the person who asked, not for the browser to show.
pub(crate) fn download(name: &str, kind: &'static str, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    let plain: String = name
        .chars()
        .map(|character| match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' => character,
            _ => '-',
        })
        .collect();
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{plain}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}
