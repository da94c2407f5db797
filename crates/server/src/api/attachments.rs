//! Attachments of runs: stored by runners, shown to people.

use axum::{
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;

use canarytrace_model::index::DEFAULT_PREFIX;
use serde_json::json;

use super::{Refused, download, failure, search};
use crate::AppState;

/// A run id and a plain file name: neither can leave the folder.
pub(super) fn is_safe(uuid: &str, name: &str) -> bool {
    let plain = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    uuid.len() == 32
        && uuid.bytes().all(|byte| byte.is_ascii_hexdigit())
        && !name.is_empty()
        && name.len() < 200
        && plain(name)
        && !name.starts_with('.')
}

/// Store an attachment.
#[utoipa::path(put, path = "/attachments/{uuid}/{name}", params(("uuid" = String, Path, description = "of the run"), ("name" = String, Path, description = "a plain file name")), request_body = Vec<u8>, responses((status = 201, description = "done")))]
pub(super) async fn store_attachment(
    State(state): State<AppState>,
    Path((uuid, name)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    if !is_safe(&uuid, &name) {
        return failure(
            StatusCode::BAD_REQUEST,
            "an attachment is named by a run id and a plain file name",
            None,
        );
    }
    match state.attachments.put(&uuid, &name, body).await {
        Ok(()) => StatusCode::CREATED.into_response(),
        Err(error) => {
            tracing::error!(%error, "an attachment cannot be stored");
            failure(
                StatusCode::INSUFFICIENT_STORAGE,
                "the attachment cannot be stored",
                Some("see the server's log"),
            )
        }
    }
}

/// A picture is shown, everything else is downloaded.
#[utoipa::path(get, path = "/attachments/{uuid}/{name}", params(("uuid" = String, Path, description = "of the run"), ("name" = String, Path, description = "a plain file name")), responses((status = 200, description = "as it is", body = Vec<u8>, content_type = "*/*")))]
pub(super) async fn attachment(
    State(state): State<AppState>,
    Path((uuid, name)): Path<(String, String)>,
) -> Response {
    if !is_safe(&uuid, &name) {
        return failure(StatusCode::NOT_FOUND, "there is no such attachment", None);
    }
    match state.attachments.get(&uuid, &name).await {
        Ok(Some(content)) => show(&name, content),
        Ok(None) => failure(StatusCode::NOT_FOUND, "there is no such attachment", None),
        Err(error) => {
            tracing::error!(%error, "an attachment cannot be read");
            failure(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the attachment cannot be read",
                None,
            )
        }
    }
}

/// Everything that is kept of a run.
#[utoipa::path(get, path = "/runs/{uuid}/archive.zip", params(("uuid" = String, Path, description = "of the run")), responses((status = 200, description = "as it is", body = Vec<u8>, content_type = "application/zip")))]
pub(super) async fn archive(
    State(state): State<AppState>,
    Path(uuid): Path<String>,
) -> Result<Response, Refused> {
    let everything = json!({"size": 10_000, "query": {"term": {"uuid": uuid}}, "sort": [{"timestamp": {"order": "asc", "unmapped_type": "date"}}]});
    let target = search::target(&format!("{DEFAULT_PREFIX}*"));
    let hits = state
        .service
        .search(&target, search::request(everything)?)
        .await?
        .hits;
    if hits.is_empty() {
        return Err(Refused::new(
            StatusCode::NOT_FOUND,
            format!("nothing is kept of run `{uuid}`"),
        ));
    }
    let mut files: Vec<(String, Bytes)> = Vec::new();
    let mut lines = String::new();
    for hit in hits {
        let source = hit.source.unwrap_or_default();
        for name in source["attachments"].as_array().into_iter().flatten() {
            let name = name.as_str().unwrap_or_default();
            let name = name.rsplit('/').next().unwrap_or(name);
            if is_safe(&uuid, name)
                && let Ok(Some(content)) = state.attachments.get(&uuid, name).await
            {
                files.push((format!("attachments/{name}"), content));
            }
        }
        lines.push_str(&json!({"create": {"_index": hit.index, "_id": hit.id}}).to_string());
        lines.push('\n');
        lines.push_str(&source.to_string());
        lines.push('\n');
    }
    files.push(("documents.ndjson".to_owned(), Bytes::from(lines)));
    let content = tokio::task::spawn_blocking(move || zipped(&files))
        .await
        .map_err(|error| error.to_string())
        .and_then(|result| result.map_err(|error| error.to_string()))
        .map_err(|error| Refused::new(StatusCode::INTERNAL_SERVER_ERROR, error))?;
    Ok(download(&format!("{uuid}.zip"), "application/zip", content))
}

fn zipped(files: &[(String, Bytes)]) -> Result<Vec<u8>, zip::result::ZipError> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        archive.start_file(name, zip::write::SimpleFileOptions::default())?;
        std::io::Write::write_all(&mut archive, content)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// Pictures are shown; everything else is of a foreign page and only downloaded.
fn show(name: &str, content: Bytes) -> Response {
    let kind = match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("png") => "image/png",
        Some("jpg") => "image/jpeg",
        _ => "application/octet-stream",
    };
    let mut response = content.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("sandbox; default-src 'none'"),
    );
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, max-age=86400, immutable"),
    );
    response
}
