//! The fields of indices, for completion and for lists.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Query, State},
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    Refused,
    search::{Where, target},
};
use crate::AppState;

#[derive(Serialize, ToSchema)]
pub(super) struct Fields {
    /// By name.
    fields: Vec<Field>,
}

#[derive(Serialize, ToSchema)]
struct Field {
    name: String,
    /// Of the mapping; `conflict` when indices disagree.
    #[serde(rename = "type")]
    kind: String,
    /// Documents can be counted by its values.
    aggregatable: bool,
}

/// Fields by name, type and whether they can be counted by value.
#[utoipa::path(get, path = "/fields", params(Where), responses((status = 200, description = "as JSON", body = Fields)))]
pub(super) async fn fields(
    State(state): State<AppState>,
    Query(place): Query<Where>,
) -> Result<Json<Fields>, Refused> {
    let mappings = state.service.mappings(&target(&place.index)).await?;
    let mut types = BTreeMap::new();
    for mapping in mappings.values() {
        if let Some(properties) = mapping.pointer("/mappings/properties") {
            collect(properties, "", &mut types);
        }
    }
    let field = |(name, kind): (String, String)| Field {
        aggregatable: !matches!(kind.as_str(), "text" | "binary" | "conflict"),
        name,
        kind,
    };
    Ok(Json(Fields {
        fields: types.into_iter().map(field).collect(),
    }))
}

fn collect(properties: &Value, parent: &str, types: &mut BTreeMap<String, String>) {
    for (name, field) in properties.as_object().unwrap_or(&Map::new()) {
        let path = if parent.is_empty() {
            name.clone()
        } else {
            format!("{parent}.{name}")
        };
        if let Some(inner) = field.get("properties") {
            collect(inner, &path, types);
            continue;
        }
        if let Some(kind) = field.get("type").and_then(Value::as_str) {
            let known = types.entry(path.clone()).or_insert_with(|| kind.to_owned());
            if known != kind {
                "conflict".clone_into(known);
            }
        }
        if let Some(inner) = field.get("fields") {
            collect(inner, &path, types);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_sub_fields_and_conflicts() {
        let mut types = BTreeMap::new();
        let first = json!({"a": {"properties": {"b": {"type": "text", "fields": {"raw": {"type": "keyword"}}}}}, "n": {"type": "long"}});
        collect(&first, "", &mut types);
        collect(&json!({"n": {"type": "double"}}), "", &mut types);
        let found: Vec<(&str, &str)> = types
            .iter()
            .map(|(name, kind)| (name.as_str(), kind.as_str()))
            .collect();
        assert_eq!(
            found,
            [("a.b", "text"), ("a.b.raw", "keyword"), ("n", "conflict")]
        );
    }
}
