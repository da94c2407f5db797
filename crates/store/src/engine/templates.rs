//! What an index starts with: its templates, merged.

use canarytrace_es::{
    EsError, IndexTemplate, TemplateKind, flat_settings, put_nested, query::wildcard_matches,
};
use serde_json::{Map, Value, json};

use super::{Registry, Shared};
use crate::mapping::{FieldLimit, Mapping};

/// Mappings, settings and aliases of an index that is made.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Start {
    pub(crate) mappings: Value,
    pub(crate) settings: Value,
    pub(crate) aliases: Map<String, Value>,
}

impl Start {
    /// Puts another one on top: its values win, its properties are added.
    pub(crate) fn add(&mut self, body: &Value) {
        if let Some(mappings) = body.get("mappings") {
            merge_mappings(&mut self.mappings, mappings);
        }
        if let Some(settings) = body.get("settings") {
            merge(&mut self.settings, &nested(settings));
        }
        let aliases = body.get("aliases").and_then(Value::as_object);
        self.aliases.extend(
            aliases
                .into_iter()
                .flatten()
                .map(|(name, alias)| (name.clone(), alias.clone())),
        );
    }
}

impl Shared {
    pub(crate) fn registry(&self, kind: TemplateKind) -> &Registry {
        match kind {
            TemplateKind::Index => &self.index_templates,
            TemplateKind::Component => &self.component_templates,
            TemplateKind::Legacy => &self.legacy_templates,
        }
    }

    /// Of the index template that fits best, else of all legacy templates that fit.
    pub(crate) fn start_of(&self, name: &str) -> Start {
        let fits = |body: &Value| patterns(body).any(|pattern| wildcard_matches(pattern, name));
        let number = |body: &Value, name: &str| body.get(name).and_then(Value::as_i64).unwrap_or(0);
        let mut start = Start {
            mappings: json!({}),
            settings: json!({}),
            aliases: Map::new(),
        };
        let templates = self.index_templates.all();
        let best = templates
            .values()
            .filter(|body| fits(body))
            .max_by_key(|body| number(body, "priority"));
        if let Some(best) = best {
            let components = self.component_templates.all();
            let parts = best.get("composed_of").and_then(Value::as_array);
            let parts = parts.into_iter().flatten().filter_map(Value::as_str);
            parts
                .filter_map(|part| components.get(part)?.get("template"))
                .chain(best.get("template"))
                .for_each(|body| start.add(body));
            return start;
        }
        let mut legacy: Vec<Value> = self
            .legacy_templates
            .all()
            .into_values()
            .filter(|body| fits(body))
            .collect();
        legacy.sort_by_key(|body| number(body, "order"));
        legacy.iter().for_each(|body| start.add(body));
        start
    }

    pub(crate) fn put_template(
        &self,
        kind: TemplateKind,
        template: IndexTemplate,
    ) -> Result<(), EsError> {
        let IndexTemplate { name, mut body } = template;
        let inner = if kind == TemplateKind::Legacy {
            &body
        } else {
            body.get("template").unwrap_or(&Value::Null)
        };
        let limit = FieldLimit::of(&nested(inner.get("settings").unwrap_or(&Value::Null)))?;
        Mapping::parse(inner.get("mappings").unwrap_or(&json!({})), limit)?;
        if kind != TemplateKind::Component && patterns(&body).next().is_none() {
            return Err(EsError::illegal_argument(format!(
                "index template [{name}] needs [index_patterns]"
            )));
        }
        let components = self.component_templates.all();
        let parts = body.get("composed_of").and_then(Value::as_array);
        let missing: Vec<&str> = parts
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .filter(|part| !components.contains_key(*part))
            .collect();
        if !missing.is_empty() {
            return Err(EsError::new(
                400,
                "invalid_index_template_exception",
                format!(
                    "index_template [{name}] invalid, cause [index template [{name}] specifies component templates [{}] that do not exist]",
                    missing.join(", ")
                ),
            ));
        }
        tell_settings_nested(&mut body, kind);
        self.registry(kind).change(|all| {
            all.insert(name, body);
            Ok(())
        })
    }

    /// A component that a template is made of stays.
    pub(crate) fn delete_templates(
        &self,
        kind: TemplateKind,
        names: &str,
    ) -> Result<bool, EsError> {
        let doomed: Vec<String> = self
            .registry(kind)
            .named(names)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        if kind == TemplateKind::Component {
            let users: Vec<String> = self
                .index_templates
                .all()
                .into_iter()
                .filter(|(_, body)| {
                    let parts = body.get("composed_of").and_then(Value::as_array);
                    parts
                        .into_iter()
                        .flatten()
                        .any(|part| doomed.iter().any(|name| part == name))
                })
                .map(|(name, _)| name)
                .collect();
            if !users.is_empty() {
                return Err(EsError::illegal_argument(format!(
                    "component templates [{}] cannot be removed as they are still in use by index templates [{}]",
                    doomed.join(", "),
                    users.join(", ")
                )));
            }
        }
        self.registry(kind).change(|all| {
            doomed.iter().for_each(|name| drop(all.remove(name)));
            Ok(!doomed.is_empty())
        })
    }
}

fn patterns(body: &Value) -> impl Iterator<Item = &str> {
    let patterns = match body.get("index_patterns") {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one.as_str()],
        _ => Vec::new(),
    };
    patterns.into_iter()
}

/// Templates are told with their settings as an index has them.
fn tell_settings_nested(body: &mut Value, kind: TemplateKind) {
    let inner = if kind == TemplateKind::Legacy {
        Some(body)
    } else {
        body.get_mut("template")
    };
    if let Some(settings) = inner.and_then(|inner| inner.get_mut("settings")) {
        *settings = nested(settings);
    }
}

/// `number_of_shards`, `index.number_of_shards` and `{"index": {"number_of_shards": …}}` are the same; values are texts.
pub(crate) fn nested(settings: &Value) -> Value {
    let mut root = json!({});
    for (path, value) in flat_settings(settings) {
        let path = path.strip_prefix("index.").unwrap_or(&path);
        put_nested(&mut root["index"], path, value);
    }
    root
}

/// Objects are merged, of everything else the upper one stays.
pub(super) fn merge(base: &mut Value, upper: &Value) {
    match (base, upper) {
        (Value::Object(base), Value::Object(upper)) => {
            for (name, value) in upper {
                merge(base.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (base, upper) => *base = upper.clone(),
    }
}

/// A field is replaced as a whole, objects are merged property by property.
fn merge_mappings(base: &mut Value, upper: &Value) {
    let is_object = |value: &Value| {
        value.get("properties").is_some() || value.get("type").is_none_or(|kind| kind == "object")
    };
    let (Some(_), Some(members)) = (base.as_object(), upper.as_object()) else {
        *base = upper.clone();
        return;
    };
    for (name, value) in members {
        if name != "properties" || !base["properties"].is_object() {
            base[name] = value.clone();
            continue;
        }
        for (field, definition) in value.as_object().into_iter().flatten() {
            let own = &mut base["properties"][field];
            if is_object(own) && !own.is_null() && is_object(definition) {
                merge_mappings(own, definition);
            } else {
                *own = definition.clone();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upper_fields_win_and_others_stay() {
        let mut start = Start {
            mappings: json!({}),
            settings: json!({}),
            aliases: Map::new(),
        };
        start.add(&json!({
            "mappings": {"properties": {"a": {"type": "keyword", "ignore_above": 5}, "o": {"properties": {"x": {"type": "long"}}}}},
            "settings": {"number_of_shards": 2, "index.refresh_interval": "10s"}, "aliases": {"one": {}},
        }));
        start.add(&json!({
            "mappings": {"dynamic": "strict", "properties": {"a": {"type": "text"}, "o": {"properties": {"y": {"type": "long"}}}}},
            "settings": {"index": {"number_of_shards": "1"}},
        }));
        assert_eq!(
            start.mappings,
            json!({"dynamic": "strict", "properties": {"a": {"type": "text"}, "o": {"properties": {"x": {"type": "long"}, "y": {"type": "long"}}}}})
        );
        assert_eq!(
            start.settings,
            json!({"index": {"number_of_shards": "1", "refresh_interval": "10s"}})
        );
        assert_eq!(start.aliases.len(), 1);
    }
}
