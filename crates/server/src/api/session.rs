//! Logging in and out, and who somebody is.

use std::net::SocketAddr;

use axum::{
    Extension, Json,
    extract::{ConnectInfo, Request, State, rejection::JsonRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Refused, failure};
use crate::{
    AppState,
    access::{AuditEntry, COOKIE, Denied, IDLE, audit},
    guard::FORWARDED_PROTO,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    user: String,
    password: String,
}

/// `{"required", "user", "role"}`: without a user somebody has to log in first, if that is required.
pub(super) async fn who(State(state): State<AppState>, request: Request) -> Json<Value> {
    let Some(access) = &state.access else {
        return Json(json!({"required": false, "user": null, "role": "admin"}));
    };
    match access.identify(request.headers(), None).await {
        Ok(identity) => {
            Json(json!({"required": true, "user": identity.name, "role": identity.role}))
        }
        Err(_) => Json(json!({"required": true, "user": null, "role": null})),
    }
}

pub(super) async fn log_in(
    State(state): State<AppState>,
    connection: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    credentials: Result<Json<Credentials>, JsonRejection>,
) -> Result<Response, Refused> {
    let Json(credentials) = credentials?;
    let Some(access) = &state.access else {
        return Err(Refused::new(
            StatusCode::CONFLICT,
            "this server has no users",
        ));
    };
    let address = connection.map(|Extension(ConnectInfo(address))| address.ip());
    let checked = access
        .by_password(&credentials.user, &credentials.password, address)
        .await;
    let name: String = credentials.user.chars().take(64).collect();
    let identity = match checked {
        Ok(identity) => identity,
        Err(denied) => {
            let (status, reason) = match denied {
                Denied::TooMany(seconds) => (
                    StatusCode::TOO_MANY_REQUESTS,
                    format!("Too many wrong attempts; wait {seconds} s."),
                ),
                _ => (
                    StatusCode::UNAUTHORIZED,
                    "Name or password are wrong.".to_owned(),
                ),
            };
            let entry =
                AuditEntry::new(&name, "log-in refused".to_owned(), status.as_u16(), address);
            audit::write(&state, entry);
            return Ok(failure(status, &reason, None));
        }
    };
    let cookie = access
        .log_in(&identity.name)
        .map_err(|error| Refused::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    audit::write(
        &state,
        AuditEntry::new(&name, "log-in".to_owned(), 200, address),
    );
    let body = Json(json!({"required": true, "user": identity.name, "role": identity.role}));
    Ok(with_cookie(
        body.into_response(),
        &cookie,
        IDLE.as_secs(),
        is_secure(&headers),
    ))
}

pub(super) async fn log_out(State(state): State<AppState>, headers: HeaderMap) -> Response {
    if let Some(access) = &state.access {
        access.log_out(&headers);
    }
    with_cookie(
        StatusCode::NO_CONTENT.into_response(),
        "",
        0,
        is_secure(&headers),
    )
}

/// Behind a proxy that speaks TLS.
fn is_secure(headers: &HeaderMap) -> bool {
    headers
        .get(FORWARDED_PROTO)
        .is_some_and(|value| value == "https")
}

/// No script reads it, no other site sends it.
fn with_cookie(mut response: Response, value: &str, seconds: u64, secure: bool) -> Response {
    let secure = if secure { "; Secure" } else { "" };
    let cookie =
        format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
