//! What an unknown field becomes: by the templates of the mapping, else by its value.

use canarytrace_es::{EsError, date, query::wildcard_matches};
use serde_json::{Value, json};

/// As Elasticsearch's own: a longer text has no exact value.
const IGNORE_ABOVE: usize = 256;

/// `dynamic_templates` and what is detected in texts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DynamicTemplates {
    templates: Vec<Value>,
    dates: bool,
    numbers: bool,
}

impl Default for DynamicTemplates {
    fn default() -> Self {
        Self {
            templates: Vec::new(),
            dates: true,
            numbers: false,
        }
    }
}

impl DynamicTemplates {
    pub(super) fn parse(body: &Value) -> Result<Self, EsError> {
        let listed = body.get("dynamic_templates").and_then(Value::as_array);
        let template = |entry: &Value| {
            let named = entry.as_object().filter(|map| map.len() == 1);
            named
                .and_then(|map| map.values().next().cloned())
                .filter(|template| template["mapping"].is_object())
                .ok_or_else(|| {
                    EsError::mapper_parsing(
                        "A dynamic template must be defined with a name and a [mapping]",
                    )
                })
        };
        let templates = listed
            .into_iter()
            .flatten()
            .map(template)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            templates,
            dates: body.get("date_detection") != Some(&json!(false)),
            numbers: body.get("numeric_detection") == Some(&json!(true)),
        })
    }

    /// The definition of a field that nobody has declared.
    pub(super) fn definition(&self, path: &str, value: &Value) -> Value {
        let kind = self.detected(value);
        let name = path.rsplit('.').next().unwrap_or(path);
        let fitting = self
            .templates
            .iter()
            .find(|template| fits(template, path, name, kind));
        match fitting {
            Some(template) => filled(&template["mapping"], name, kind),
            None => usual(kind),
        }
    }

    /// As JSON and the texts in it are understood.
    fn detected(&self, value: &Value) -> &'static str {
        match value {
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "double",
            Value::Number(_) => "long",
            Value::String(text) if self.dates && looks_like_date(text) => "date",
            Value::String(text) if self.numbers && text.parse::<i64>().is_ok() => "long",
            Value::String(text) if self.numbers && text.parse::<f64>().is_ok() => "double",
            _ => "string",
        }
    }
}

fn fits(template: &Value, path: &str, name: &str, kind: &str) -> bool {
    let by_pattern = |key: &str, text: &str| {
        let patterns = match &template[key] {
            Value::String(one) => vec![one.as_str()],
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
            _ => return None,
        };
        Some(
            patterns
                .iter()
                .any(|pattern| wildcard_matches(pattern, text)),
        )
    };
    let wanted = template["match_mapping_type"].as_str();
    wanted.is_none_or(|wanted| wanted == "*" || wanted == kind)
        && by_pattern("match", name) != Some(false)
        && by_pattern("unmatch", name) != Some(true)
        && by_pattern("path_match", path) != Some(false)
        && by_pattern("path_unmatch", path) != Some(true)
}

/// `{name}` and `{dynamic_type}` stand for those of the field.
fn filled(mapping: &Value, name: &str, kind: &str) -> Value {
    let own_type = if kind == "string" { "text" } else { kind };
    let mut definition = fill(mapping, name, own_type);
    if definition.get("type").is_none()
        && let (Some(map), Value::Object(usual)) = (definition.as_object_mut(), usual(kind))
    {
        for (key, value) in usual {
            map.entry(key).or_insert(value);
        }
    }
    definition
}

fn fill(value: &Value, name: &str, kind: &str) -> Value {
    match value {
        Value::String(text) => json!(text.replace("{name}", name).replace("{dynamic_type}", kind)),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), fill(value, name, kind)))
            .collect(),
        Value::Array(list) => list.iter().map(|value| fill(value, name, kind)).collect(),
        other => other.clone(),
    }
}

fn usual(kind: &str) -> Value {
    match kind {
        // As a dynamic decimal is mapped; templates call it double.
        "double" => json!({"type": "float"}),
        "string" => {
            json!({"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": IGNORE_ABOVE}}})
        }
        kind => json!({"type": kind}),
    }
}

/// Dynamic date detection takes dates with a day, not bare years or numbers.
fn looks_like_date(text: &str) -> bool {
    text.len() >= 10
        && text.as_bytes().get(4) == Some(&b'-')
        && date::parse_document_date(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_template_that_fits_counts() {
        let templates = DynamicTemplates::parse(&json!({"dynamic_templates": [
            {"ids": {"match": "*_id", "mapping": {"type": "keyword"}}},
            {"labels": {"path_match": "labels.*", "match_mapping_type": "string", "mapping": {"type": "keyword", "ignore_above": 9}}},
            {"strings": {"match_mapping_type": "string", "unmatch": "text*", "mapping": {"type": "keyword", "meta": {"of": "{name}"}}}},
            {"rest": {"match_mapping_type": "*", "mapping": {"type": "{dynamic_type}"}}},
        ]})).unwrap();
        let of = |path: &str, value: Value| templates.definition(path, &value);
        assert_eq!(of("host.run_id", json!(1)), json!({"type": "keyword"}));
        assert_eq!(
            of("labels.a", json!("x")),
            json!({"type": "keyword", "ignore_above": 9})
        );
        assert_eq!(
            of("a.b", json!("x")),
            json!({"type": "keyword", "meta": {"of": "b"}})
        );
        assert_eq!(of("text1", json!("x")), json!({"type": "text"}));
        assert_eq!(of("n", json!(1)), json!({"type": "long"}));
        assert!(DynamicTemplates::parse(&json!({"dynamic_templates": [{"a": {}}]})).is_err());
    }
}
