//! `/api/v1` as an OpenAPI document.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};

pub(super) async fn document() -> Response {
    let content = include_str!("../../openapi.json");
    ([(header::CONTENT_TYPE, "application/json")], content).into_response()
}
