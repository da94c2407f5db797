//! Pages of the UI as PDF or PNG, drawn by the real browser on the server.

use axum::{
    Extension, Json,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Refused, download};
use crate::{
    AppState,
    access::{COOKIE, Identity},
    state::Picture,
};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Drawing)]
pub(super) struct Wanted {
    /// Of the UI, with its search parameters.
    path: String,
    /// Of the file, without extension.
    title: String,
    format: Picture,
    /// CSS pixels.
    #[serde(default = "default_width")]
    #[schema(minimum = 320, maximum = 3840)]
    width: u32,
}

fn default_width() -> u32 {
    1280
}

/// Only our own pages: the browser on the server is not for the rest of the network.
fn is_page(path: &str) -> bool {
    path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\n', '\r'])
}

/// A page of the UI, drawn by the browser of the server.
#[utoipa::path(post, path = "/render", request_body = Wanted, responses((status = 200, description = "as it is", body = Vec<u8>, content_type = "*/*")))]
pub(super) async fn render(
    State(state): State<AppState>,
    identity: Option<Extension<Identity>>,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<Response, Refused> {
    let Json(wanted) = wanted?;
    if !is_page(&wanted.path) || !(320..=3840).contains(&wanted.width) {
        return Err(Refused::new(
            StatusCode::BAD_REQUEST,
            "`path` is a page of this server, `width` 320 to 3840 pixels",
        ));
    }
    let Some(renderer) = &state.renderer else {
        return Err(Refused::with_hint(
            StatusCode::CONFLICT,
            "this server draws no pages",
            "a browser and chromedriver are needed where the server runs",
        ));
    };
    // The browser sees what its asker sees; a token has no session, and draws nothing.
    let cookie = match (&state.access, identity) {
        (Some(access), Some(Extension(identity))) => Some((COOKIE, access.log_in(&identity.name)?)),
        _ => None,
    };
    let content = renderer
        .render(&wanted.path, wanted.format, wanted.width, cookie)
        .await
        .map_err(|reason| {
            Refused::with_hint(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("the page cannot be drawn: {reason}"),
                "a browser and chromedriver are needed where the server runs",
            )
        })?;
    let (extension, kind) = match wanted.format {
        Picture::Pdf => ("pdf", "application/pdf"),
        Picture::Png => ("png", "image/png"),
    };
    Ok(download(
        &format!("{}.{extension}", wanted.title),
        kind,
        content,
    ))
}
