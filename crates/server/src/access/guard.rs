//! The gate that every request passes when there are users.

use std::net::{IpAddr, SocketAddr};

use axum::{
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use canarytrace_es::{EsError, bulk};

use super::{
    Denied, Identity,
    audit::{self, AuditEntry},
    rules::{self, Need},
};
use crate::{
    AppState, BODY_LIMIT,
    api::failure,
    elasticsearch::{Failed, inflate, wants_page},
    ui,
};

/// Lets in who may, and writes down what is changed.
pub(crate) async fn guard(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(access) = state.access.clone() else {
        return next.run(request).await;
    };
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let address = address(&request);
    let need = rules::need(&method, &path);
    if need == Need::Nothing || is_page(&state, &request) {
        return next.run(request).await;
    }
    let identity = match access.identify(request.headers(), address).await {
        Ok(identity) => identity,
        Err(denied) => return refused(&denied, &path),
    };
    if identity.by_cookie && !is_own_page(&method, request.headers()) {
        return forbidden(&path, "a page of another site may not do this in your name");
    }
    if !need.is_met_by(identity.role) {
        return forbidden(
            &path,
            &format!("this is not for the role {:?}", identity.role).to_lowercase(),
        );
    }
    if !rules::may_use(&identity, &path, request.uri().query()) {
        return forbidden(&path, "this token is for something else");
    }
    if identity.indices.is_some() && path.ends_with("/_bulk") {
        request = match within(&identity, request).await {
            Ok(request) => request,
            Err(refusal) => return refusal,
        };
    }
    let name = identity.name.clone();
    request.extensions_mut().insert(identity);
    let response = next.run(request).await;
    if need.is_change(&method) {
        let action = format!("{method} {path}");
        audit::write(
            &state,
            AuditEntry::new(&name, action, response.status().as_u16(), address),
        );
    }
    response
}

pub(crate) fn address(request: &Request) -> Option<IpAddr> {
    let info = request.extensions().get::<ConnectInfo<SocketAddr>>();
    info.map(|ConnectInfo(address)| address.ip())
}

/// Pages hold nothing but the UI, which asks for a log-in itself.
fn is_page(state: &AppState, request: &Request) -> bool {
    let path = request.uri().path();
    state.ui
        && *request.method() == Method::GET
        && !path.starts_with("/api/")
        && !path.starts_with("/_")
        && (ui::has_file(request.uri()) || wants_page(request.headers()))
}

/// A browser says which page asked: only ours may change something by a cookie. (Same-site cookies and the check of `Origin`
/// would do; this holds without them.)
fn is_own_page(method: &Method, headers: &HeaderMap) -> bool {
    if *method == Method::GET || *method == Method::HEAD {
        return true;
    }
    let site = headers
        .get("sec-fetch-site")
        .and_then(|value| value.to_str().ok());
    matches!(site, Some("same-origin")) || (site.is_none() && headers.contains_key(header::ORIGIN))
}

/// A bulk request of a limited token, every item looked at.
async fn within(identity: &Identity, request: Request) -> Result<Request, Response> {
    let (parts, body) = request.into_parts();
    let refusal = |error: EsError| Failed::from(error).into_response();
    let body = axum::body::to_bytes(body, BODY_LIMIT).await.map_err(|_| {
        refusal(EsError::new(
            413,
            "content_too_long",
            "the body is too long",
        ))
    })?;
    let default = parts
        .uri
        .path()
        .strip_suffix("/_bulk")
        .map(|index| index.trim_start_matches('/'));
    let items = inflate(&parts.headers, body.clone())
        .and_then(|body| bulk::parse(&body, default.filter(|index| !index.is_empty())))
        .map_err(refusal)?;
    let patterns = identity.indices.as_deref().unwrap_or_default();
    if let Some(item) = items
        .iter()
        .find(|item| !rules::are_within(patterns, &item.index))
    {
        return Err(forbidden(
            parts.uri.path(),
            &format!("this token may not write to `{}`", item.index),
        ));
    }
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// In the shape of the path that was asked.
fn refused(denied: &Denied, path: &str) -> Response {
    let (status, reason) = match denied {
        Denied::Nobody => (StatusCode::UNAUTHORIZED, "log in first".to_owned()),
        Denied::Wrong => (
            StatusCode::UNAUTHORIZED,
            "name, password or token are wrong, or have expired".to_owned(),
        ),
        Denied::TooMany(seconds) => (
            StatusCode::TOO_MANY_REQUESTS,
            format!("too many wrong attempts; wait {seconds} s"),
        ),
    };
    let mut response = shaped(status, &reason, path);
    let headers = response.headers_mut();
    if let Denied::TooMany(seconds) = denied {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
    } else if !path.starts_with("/api/") {
        // Not for the UI: a browser would ask with a window of its own.
        headers.insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"canarytrace\""),
        );
    }
    response
}

fn forbidden(path: &str, reason: &str) -> Response {
    shaped(StatusCode::FORBIDDEN, reason, path)
}

fn shaped(status: StatusCode, reason: &str, path: &str) -> Response {
    if path.starts_with("/api/") {
        return failure(status, reason, None);
    }
    Failed::from(EsError::new(status.as_u16(), "security_exception", reason)).into_response()
}
