//! Who may talk to us: a page that a monitored browser shows may know our port, but not our name.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::AppState;

/// What a proxy that speaks TLS, or our own TLS, adds.
pub(crate) const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// Refuses a `Host` that is not ours (DNS rebinding) and an `Origin` that is not ours (a page posting to us). Where people log
/// in, or everybody was let in, the server has names that it does not know; then a page must be of the host that it asks.
pub(crate) async fn check(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let is_private = state.access.is_none() && state.address.ip().is_loopback();
    let refusal = if is_private {
        refusal(request.headers(), state.address.port())
    } else {
        foreign_page(request.headers())
    };
    match refusal {
        None => next.run(request).await,
        Some(reason) => (StatusCode::FORBIDDEN, format!("{reason}\n")).into_response(),
    }
}

fn refusal(headers: &HeaderMap, port: u16) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST)?;
    let is_https = headers
        .get(FORWARDED_PROTO)
        .is_some_and(|value| value == "https");
    let (scheme, usual_port) = match is_https {
        true => ("https://", 443),
        false => ("http://", 80),
    };
    let is_ours = |host: &str| is_ours(host, port, usual_port);
    if !is_ours(host) {
        return Some(format!(
            "host `{host}` is not this server's; hint: use 127.0.0.1:{port} or localhost:{port}"
        ));
    }
    match text(header::ORIGIN) {
        None => None,
        Some(origin) if origin.strip_prefix(scheme).is_some_and(is_ours) => None,
        Some(origin) => Some(format!("origin `{origin}` may not use this server")),
    }
}

fn foreign_page(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (host, origin) = (text(header::HOST)?, text(header::ORIGIN)?);
    let is_own = ["http://", "https://"]
        .iter()
        .any(|scheme| origin.strip_prefix(scheme) == Some(host));
    (!is_own).then(|| format!("origin `{origin}` may not use this server"))
}

fn is_ours(host: &str, port: u16, usual_port: u16) -> bool {
    let (name, own_port) = match host.rsplit_once(':') {
        Some((name, digits))
            if digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.is_empty() =>
        {
            (name, digits.parse().ok())
        }
        _ => (host, Some(usual_port)),
    };
    own_port == Some(port) && matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, origin: Option<&str>, allowed: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        assert_eq!(
            refusal(&headers, 9200).is_none(),
            allowed,
            "{host} {origin:?}"
        );
    }

    #[test]
    fn only_our_own_names_and_pages_are_let_in() {
        check("127.0.0.1:9200", None, true);
        check("localhost:9200", Some("http://localhost:9200"), true);
        check("[::1]:9200", None, true);
        check("localhost:9201", None, false);
        check("evil.example:9200", None, false);
        check("127.0.0.1:9200", Some("http://127.0.0.1:8080"), false);
        check("127.0.0.1:9200", Some("https://127.0.0.1:9200"), false);
        check("127.0.0.1:9200", Some("null"), false);
    }
}
