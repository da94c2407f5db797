//! `/api/v1` as an OpenAPI document.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};

pub(super) async fn document() -> Response {
    let content = include_str!("../../openapi.json");
    ([(header::CONTENT_TYPE, "application/json")], content).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    #[test]
    fn every_route_is_described() {
        let document: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
        let described: BTreeSet<&str> = document["paths"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        // The first text after each `.route(`.
        let routes: BTreeSet<&str> = include_str!("mod.rs")
            .split(".route(")
            .skip(1)
            .filter_map(|rest| rest.split('"').nth(1))
            .collect();
        assert_eq!(described, routes);
    }
}
