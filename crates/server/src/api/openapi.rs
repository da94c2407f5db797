//! `/api/v1` as an OpenAPI document, made of what stands at the handlers and of the types that they take and answer.

use axum::{
    http::{Method, header},
    response::{IntoResponse, Response},
};
use canarytrace_model::{
    dashboard::Dashboard,
    documents::{Console, Report, RequestLog, Run},
};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        self, Components, ContentBuilder, Ref, RefOr, ResponseBuilder,
        extensions::ExtensionsBuilder,
        path::{Operation, PathItem},
        security::{
            ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
        },
    },
};

use super::Refusal;
use crate::access::{COOKIE, role_for};

/// What is common to all paths. The documents of runs and the bodies of dashboards are there for clients that read them by
/// search.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "canarytrace",
        version = "1",
        description = "What the UI needs beyond the search API, which has Elasticsearch’s own paths. Refusals say what is wrong and what to do.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/api/v1")),
    components(schemas(Refusal, Dashboard, Run, Report, RequestLog, Console)),
    modifiers(&Security)
)]
struct Base;

pub(super) fn base() -> openapi::OpenApi {
    Base::openapi()
}

const SCHEMES: [&str; 3] = ["session", "basic", "token"];

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let components = document.components.get_or_insert_with(Components::new);
        let http = |scheme| SecurityScheme::Http(HttpBuilder::new().scheme(scheme).build());
        let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(COOKIE)));
        let [session, basic, token] = SCHEMES;
        components.add_security_scheme(session, cookie);
        components.add_security_scheme(basic, http(HttpAuthScheme::Basic));
        components.add_security_scheme(token, http(HttpAuthScheme::Bearer));
        let refusal = ResponseBuilder::new()
            .description("Refused")
            .content(
                "application/json",
                ContentBuilder::new()
                    .schema(Some(Ref::from_schema_name("Refusal")))
                    .build(),
            )
            .build();
        components
            .responses
            .insert("Refusal".to_owned(), RefOr::T(refusal));
    }
}

/// Says of each path what the guard demands of those who ask, and how a refusal looks.
fn completed(mut document: openapi::OpenApi) -> openapi::OpenApi {
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            operation.operation_id = Some(operation_id(&method, path));
            let role = role_for(&method, &format!("/api/v1{path}"));
            operation.extensions = Some(ExtensionsBuilder::new().add("x-role", role).build());
            if role != "nobody" {
                let schemes =
                    SCHEMES.map(|name| SecurityRequirement::new::<_, _, String>(name, []));
                operation.security = Some(schemes.to_vec());
            }
            let refusal = RefOr::Ref(Ref::from_response_name("Refusal"));
            operation
                .responses
                .responses
                .insert("default".to_owned(), refusal);
        }
    }
    document
}

/// `GET /runs/{uuid}/compare` is `getRunsUuidCompare`: names of handlers are not unique.
fn operation_id(method: &Method, path: &str) -> String {
    let words = path.split(|own: char| !own.is_ascii_alphanumeric());
    let mut id = method.as_str().to_ascii_lowercase();
    for word in words {
        let mut letters = word.chars();
        id.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        id.push_str(letters.as_str());
    }
    id
}

fn operations(item: &mut PathItem) -> Vec<(Method, &mut Operation)> {
    [
        (Method::GET, &mut item.get),
        (Method::POST, &mut item.post),
        (Method::PUT, &mut item.put),
        (Method::DELETE, &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
    .collect()
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, description = "as JSON", body = serde_json::Value)))]
pub(super) async fn document() -> Response {
    let content = include_str!("../../openapi.json");
    ([(header::CONTENT_TYPE, "application/json")], content).into_response()
}

/// The document as it is in the repository, where the UI's types are made of it.
pub fn openapi_document() -> String {
    let (_, document) = super::routes().split_for_parts();
    let mut text = completed(document).to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_that_of_the_routes() {
        assert!(
            openapi_document() == include_str!("../../openapi.json"),
            "crates/server/openapi.json is stale: cargo xtask openapi"
        );
    }

    #[test]
    fn each_operation_has_a_name_of_its_own() {
        let document: serde_json::Value = serde_json::from_str(&openapi_document()).unwrap();
        let paths = document["paths"].as_object().unwrap().values();
        let ids: Vec<&str> = paths
            .flat_map(|path| path.as_object().unwrap().values())
            .map(|operation| operation["operationId"].as_str().unwrap())
            .collect();
        let unique: std::collections::BTreeSet<&&str> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len(), "{ids:?}");
    }
}
