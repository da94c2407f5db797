//! Name, logo and colors of the company whose UI this is.

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::failure;
use crate::AppState;

/// For everybody: the page where people log in has it, too.
pub(super) async fn branding(State(state): State<AppState>) -> Json<Value> {
    let own = &state.branding;
    Json(json!({
        "name": own.name, "accent": own.accent, "footer": own.footer,
        "logo": own.logo.as_ref().map(|_| "/api/v1/branding/logo"),
    }))
}

pub(super) async fn logo(State(state): State<AppState>) -> Response {
    let Some(logo) = &state.branding.logo else {
        return failure(StatusCode::NOT_FOUND, "there is no logo", None);
    };
    let mut response = logo.content.clone().into_response();
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_TYPE, logo.media_type);
    set(header::CACHE_CONTROL, "no-cache");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(
        header::CONTENT_SECURITY_POLICY,
        "sandbox; default-src 'none'; style-src 'unsafe-inline'",
    );
    response
}
