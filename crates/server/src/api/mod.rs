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
    Json,
    extract::rejection::JsonRejection,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use canarytrace_es::{EsError, SearchService};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use compare::what_changed;
pub use openapi::openapi_document;

use crate::AppState;

/// All routes, each described where it is handled.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(openapi::document))
        .routes(routes!(session::who, session::log_in, session::log_out))
        .routes(routes!(users::users))
        .routes(routes!(users::put_user, users::remove_user))
        .routes(routes!(users::tokens, users::add_token))
        .routes(routes!(users::remove_token))
        .routes(routes!(
            branding::branding,
            branding::change,
            branding::reset
        ))
        .routes(routes!(branding::logo))
        .routes(routes!(monitors::status))
        .routes(routes!(monitors::monitors, monitors::add_monitor))
        .routes(routes!(monitors::run_now))
        .routes(routes!(monitors::pause))
        .routes(routes!(monitors::resume))
        .routes(routes!(events::events))
        .routes(routes!(
            attachments::store_attachment,
            attachments::attachment
        ))
        .routes(routes!(attachments::archive))
        .routes(routes!(compare::runs))
        .routes(routes!(compare::ranges))
        .routes(routes!(errors::list))
        .routes(routes!(errors::one))
        .routes(routes!(search::search))
        .routes(routes!(fields::fields))
        .routes(routes!(export::export))
        .routes(routes!(render::render))
        .routes(routes!(alerts::state))
        .routes(routes!(alerts::acknowledge))
        .routes(routes!(alerts::note))
        .routes(routes!(alerts::retry))
        .routes(routes!(alerts::silence))
        .routes(routes!(alerts::unsilence))
        .routes(routes!(alerts::add_maintenance))
        .routes(routes!(alerts::remove_maintenance))
        .routes(routes!(alerts::trace))
        .routes(routes!(alerts::stored_rules, alerts::store_rules))
        .routes(routes!(alerts::try_rules))
        .routes(routes!(alerts::try_channel))
        .routes(routes!(alerts::report))
        .routes(routes!(storage::storage))
        .routes(routes!(monitors::configuration))
        .routes(routes!(annotations::list, annotations::add))
        .routes(routes!(saved::list))
        .routes(routes!(saved::read, saved::write, saved::remove))
        .fallback(async || {
            failure(
                StatusCode::NOT_FOUND,
                "there is no such path under /api/v1",
                Some("GET /api/v1/openapi.json lists them"),
            )
        })
}

/// The shape of every refusal under `/api/v1`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Refusal {
    error: RefusalReason,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefusalReason {
    message: String,
    /// What to do.
    #[schema(required)]
    hint: Option<String>,
    /// Characters of a query before what is not understood.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<usize>,
}

/// What was made, for later.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Created {
    id: String,
}

pub(crate) fn failure(status: StatusCode, message: &str, hint: Option<&str>) -> Response {
    let error = RefusalReason {
        message: message.to_owned(),
        hint: hint.map(str::to_owned),
        position: None,
    };
    (status, Json(Refusal { error })).into_response()
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
