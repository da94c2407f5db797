//! The embedded web UI.

use axum::{
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "$OUT_DIR/ui"]
struct Files;

/// Pages of the UI hold nothing but the UI.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Whether a path names a file of the UI.
pub(crate) fn has_file(uri: &Uri) -> bool {
    Files::get(uri.path().trim_start_matches('/')).is_some()
}

/// A file of the UI, or its start page: the UI reads the path itself.
pub(crate) async fn serve(uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    match Files::get(path) {
        Some(file) => {
            // Vite puts a hash of the content into the names under assets/.
            let cache = if path.starts_with("assets/") {
                "public, max-age=31536000, immutable"
            } else {
                "no-cache"
            };
            answer(path, file.data.into_owned(), cache)
        }
        None if path.contains('.') || path.starts_with("api/") || path.starts_with('_') => {
            (StatusCode::NOT_FOUND, "not found\n").into_response()
        }
        None => start_page(),
    }
}

/// The page that starts the UI.
pub(crate) fn start_page() -> Response {
    match Files::get("index.html") {
        Some(file) => answer("index.html", file.data.into_owned(), "no-cache"),
        None => (
            StatusCode::NOT_FOUND,
            "the web UI is not built: cargo xtask ui\n",
        )
            .into_response(),
    }
}

fn answer(path: &str, content: Vec<u8>, cache: &'static str) -> Response {
    let kind = match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    };
    let mut response = content.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_page_is_embedded() {
        assert!(Files::get("index.html").is_some());
    }
}
