//! Logging in and out, and who somebody is.

use std::net::SocketAddr;

use axum::{
    Extension, Json,
    extract::{ConnectInfo, Request, State, rejection::JsonRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Refused, failure};
use crate::{
    AppState,
    access::{AuditEntry, COOKIE, Denied, IDLE, Role, audit},
    guard::FORWARDED_PROTO,
};

/// Who is asking.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Session {
    /// This server has users.
    required: bool,
    /// None: nobody has logged in.
    #[schema(required)]
    user: Option<String>,
    #[schema(required)]
    role: Option<Role>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    user: String,
    password: String,
}

/// Who is asking: required, user, role.
#[utoipa::path(get, path = "/session", responses((status = 200, description = "as JSON", body = Session)))]
pub(super) async fn who(State(state): State<AppState>, request: Request) -> Json<Session> {
    let Some(access) = &state.access else {
        return Json(Session {
            required: false,
            user: None,
            role: Some(Role::Admin),
        });
    };
    let identity = access.identify(request.headers(), None).await.ok();
    Json(Session {
        required: true,
        user: identity.as_ref().map(|own| own.name.clone()),
        role: identity.map(|own| own.role),
    })
}

/// Log in; answers a session cookie.
#[utoipa::path(post, path = "/session", request_body = Credentials, responses((status = 200, description = "as JSON", body = Session)))]
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
    let body = Json(Session {
        required: true,
        user: Some(identity.name.clone()),
        role: Some(identity.role),
    });
    Ok(with_cookie(
        body.into_response(),
        &cookie,
        IDLE.as_secs(),
        is_secure(&headers),
    ))
}

/// Log out.
#[utoipa::path(delete, path = "/session", responses((status = 204, description = "done")))]
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
