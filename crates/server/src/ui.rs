//! The embedded web UI.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use rust_embed::RustEmbed;

use crate::{AppState, elasticsearch};

#[derive(RustEmbed)]
#[folder = "$OUT_DIR/ui"]
struct Files;

/// Pages of the UI hold nothing but the UI; who may show them is added.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors";
/// Nobody may.
const NOBODY: &str = "'none'";

/// Whether a path names a file of the UI.
pub(crate) fn has_file(uri: &Uri) -> bool {
    Files::get(uri.path().trim_start_matches('/')).is_some()
}

/// A file of the UI, or its start page: the UI reads the path itself.
pub(crate) async fn serve(State(state): State<AppState>, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if Files::get(path).is_some() {
        // Vite puts a hash of the content into the names under assets/.
        let cache = if path.starts_with("assets/") {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        return answer(path, &headers, cache, NOBODY);
    }
    // A page's path may hold a dot: a monitor can be called `smoke.js`.
    let is_page = has_token(&headers, header::ACCEPT, "text/html");
    if path.starts_with('_') || (!is_page && elasticsearch::is_own(path)) {
        return elasticsearch::unknown(uri).await.into_response();
    }
    if !is_page || path.starts_with("api/") {
        return (StatusCode::NOT_FOUND, "not found\n").into_response();
    }
    let ancestors = state.frames.ancestors(path);
    answer(START, &headers, "no-cache", &ancestors)
}

const START: &str = "index.html";

/// The page that starts the UI.
pub(crate) fn start_page(headers: &HeaderMap) -> Response {
    answer(START, headers, "no-cache", NOBODY)
}

fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let values = headers.get(name).and_then(|value| value.to_str().ok());
    values.is_some_and(|values| {
        values
            .split(',')
            .any(|value| value.trim().split(';').next() == Some(token))
    })
}

/// The compressed copy where there is one and it is taken; nothing when the asker has it already.
fn answer(path: &str, asked: &HeaderMap, cache: &'static str, ancestors: &str) -> Response {
    let small = has_token(asked, header::ACCEPT_ENCODING, "br")
        .then(|| Files::get(&format!("{path}.br")))
        .flatten();
    let is_small = small.is_some();
    let Some(file) = small.or_else(|| Files::get(path)) else {
        return (
            StatusCode::NOT_FOUND,
            "the web UI is not built: cargo xtask ui\n",
        )
            .into_response();
    };
    let hash = file.metadata.sha256_hash();
    let tag: String = hash
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let tag = format!("\"{tag}\"");
    let known = has_token(asked, header::IF_NONE_MATCH, &tag);
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        file.data.into_owned().into_response()
    };
    let headers = response.headers_mut();
    let mut set = |name, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_TYPE, media_type(path));
    set(header::CACHE_CONTROL, cache);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "same-origin");
    set(header::VARY, "accept-encoding");
    if is_small {
        set(header::CONTENT_ENCODING, "br");
    }
    let policy = format!("{POLICY} {ancestors}");
    for (name, value) in [
        (header::ETAG, tag),
        (header::CONTENT_SECURITY_POLICY, policy),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_page_is_embedded() {
        assert!(Files::get("index.html").is_some());
    }

    #[test]
    fn what_is_known_is_not_sent_again() {
        let first = start_page(&HeaderMap::new());
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone());
        assert_eq!(start_page(&headers).status(), StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn tokens_are_whole_words() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, "gzip, br;q=0.9".parse().unwrap());
        assert!(has_token(&headers, header::ACCEPT_ENCODING, "br"));
        assert!(!has_token(&headers, header::ACCEPT_ENCODING, "zip"));
    }
}
