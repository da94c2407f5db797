//! Templates: of indices, their components, and the older kind.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use canarytrace_es::{EsError, IndexTemplate, TemplateKind};
use serde_json::{Map, Value, json};

use super::answer::{Answer, Asked, Checked, Outcome};
use crate::AppState;

/// `/_index_template`, `/_component_template`, `/_template`.
fn kind(path: &str) -> TemplateKind {
    match path.trim_start_matches('/').split('/').next() {
        Some("_component_template") => TemplateKind::Component,
        Some("_template") => TemplateKind::Legacy,
        _ => TemplateKind::Index,
    }
}

pub(crate) async fn read(
    State(state): State<AppState>,
    uri: axum::http::Uri,
    name: Option<Path<String>>,
    Checked(parameters): Checked,
) -> Outcome {
    let (kind, name) = (kind(uri.path()), name.map(|Path(name)| name));
    let names = name.as_deref().unwrap_or("*");
    let found = state.engine()?.templates_of(kind, names).await?;
    if found.is_empty() && name.as_deref().is_some_and(|name| !name.contains('*')) {
        return match kind {
            TemplateKind::Legacy => Ok(Answer::new(404, json!({})).shaped(&parameters)),
            TemplateKind::Component => {
                Err(missing(&format!("component template matching [{names}] not found")).into())
            }
            TemplateKind::Index => {
                Err(missing(&format!("index template matching [{names}] not found")).into())
            }
        };
    }
    Ok(Answer::from(told(kind, found)).shaped(&parameters))
}

fn missing(reason: &str) -> EsError {
    EsError::new(404, "resource_not_found_exception", reason)
}

fn told(kind: TemplateKind, templates: Vec<IndexTemplate>) -> Value {
    let list = |inner: &str| -> Vec<Value> {
        let each = templates.iter();
        each.map(|template| json!({"name": template.name, inner: template.body}))
            .collect()
    };
    match kind {
        TemplateKind::Index => json!({"index_templates": list("index_template")}),
        TemplateKind::Component => json!({"component_templates": list("component_template")}),
        TemplateKind::Legacy => templates
            .iter()
            .map(|template| (template.name.clone(), legacy(&template.body)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

/// With all of its members.
fn legacy(body: &Value) -> Value {
    let mut all =
        json!({"order": 0, "index_patterns": [], "settings": {}, "mappings": {}, "aliases": {}});
    for (name, value) in body.as_object().into_iter().flatten() {
        all[name] = value.clone();
    }
    all
}

pub(crate) async fn exists(
    State(state): State<AppState>,
    uri: axum::http::Uri,
    Path(name): Path<String>,
) -> Response {
    let found = match state.engine() {
        Ok(engine) => engine.templates_of(kind(uri.path()), &name).await,
        Err(error) => Err(error),
    };
    if found.is_ok_and(|list| !list.is_empty()) {
        StatusCode::OK
    } else {
        StatusCode::NOT_FOUND
    }
    .into_response()
}

pub(crate) async fn put(
    State(state): State<AppState>,
    uri: axum::http::Uri,
    Path(name): Path<String>,
    Asked { parameters, body }: Asked,
) -> Outcome {
    let (kind, body) = (kind(uri.path()), body);
    let known: &[&str] = match kind {
        TemplateKind::Legacy => &[
            "index_patterns",
            "order",
            "version",
            "settings",
            "mappings",
            "aliases",
        ],
        TemplateKind::Component => &["template", "version", "_meta", "deprecated"],
        TemplateKind::Index => &[
            "index_patterns",
            "template",
            "composed_of",
            "priority",
            "version",
            "_meta",
            "data_stream",
            "allow_auto_create",
            "ignore_missing_component_templates",
            "deprecated",
        ],
    };
    if let Some(unknown) = body
        .as_object()
        .and_then(|map| map.keys().find(|key| !known.contains(&key.as_str())))
    {
        return Err(EsError::x_content(format!("[template] unknown field [{unknown}]")).into());
    }
    if body.get("data_stream").is_some() {
        return Err(EsError::unsupported("[data_stream] of a template").into());
    }
    let engine = state.engine()?;
    if parameters.flag("create") && !engine.templates_of(kind, &name).await?.is_empty() {
        return Err(
            EsError::illegal_argument(format!("index template [{name}] already exists")).into(),
        );
    }
    engine
        .put_template_of(kind, IndexTemplate { name, body })
        .await?;
    Ok(Answer::from(json!({"acknowledged": true})).shaped(&parameters))
}

pub(crate) async fn delete(
    State(state): State<AppState>,
    uri: axum::http::Uri,
    Path(name): Path<String>,
    Checked(parameters): Checked,
) -> Outcome {
    let kind = kind(uri.path());
    let was_there = state.engine()?.delete_templates(kind, &name).await?;
    if !was_there && !name.contains('*') {
        let error = EsError::new(
            404,
            "index_template_missing_exception",
            format!("index_template [{name}] missing"),
        );
        return Err(error.into());
    }
    Ok(Answer::from(json!({"acknowledged": true})).shaped(&parameters))
}
