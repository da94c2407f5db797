//! The fields of indices, for completion and for lists.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Query, State},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Refused, search::target};
use crate::AppState;

#[derive(Deserialize)]
pub(super) struct Where {
    index: String,
}

/// `{"fields": [{"name", "type", "aggregatable"}]}` by name; a field that indices disagree about has the type `conflict`.
pub(super) async fn fields(
    State(state): State<AppState>,
    Query(place): Query<Where>,
) -> Result<Json<Value>, Refused> {
    let mappings = state.service.mappings(&target(&place.index)).await?;
    let mut types = BTreeMap::new();
    for mapping in mappings.values() {
        if let Some(properties) = mapping.pointer("/mappings/properties") {
            collect(properties, "", &mut types);
        }
    }
    let fields: Vec<Value> = types
        .into_iter()
        .map(|(name, kind)| {
            let aggregatable = !matches!(kind.as_str(), "text" | "binary" | "conflict");
            json!({"name": name, "type": kind, "aggregatable": aggregatable})
        })
        .collect();
    Ok(Json(json!({"fields": fields})))
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
