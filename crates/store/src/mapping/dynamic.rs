//! What an unknown field becomes: by the templates of the mapping, else by its value.

use std::sync::LazyLock;

use canarytrace_es::{DateFormats, EsError, date, date::Round, query::wildcard_matches};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

/// As Elasticsearch's own: a longer text has no exact value.
const IGNORE_ABOVE: usize = 256;

/// `dynamic_templates` and what is detected in texts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DynamicTemplates {
    templates: Vec<Value>,
    dates: bool,
    numbers: bool,
    /// `dynamic_date_formats`, as they were given and as they are read; none where nothing was said.
    formats: Option<Vec<(String, DateFormats)>>,
}

impl Default for DynamicTemplates {
    fn default() -> Self {
        Self {
            templates: Vec::new(),
            dates: true,
            numbers: false,
            formats: None,
        }
    }
}

/// What an unknown value is taken for.
#[derive(Clone, Copy)]
struct Detected<'a> {
    /// As `match_mapping_type` has it.
    kind: &'static str,
    /// Of a date that is not written as dates usually are.
    format: Option<&'a str>,
}

impl DynamicTemplates {
    pub(super) fn parse(body: &Value) -> Result<Self, EsError> {
        Self::default().changed(body)
    }

    /// The same with what a mapping says; what it does not name stays.
    pub(super) fn changed(&self, body: &Value) -> Result<Self, EsError> {
        let mut changed = self.clone();
        if let Some(listed) = body.get("dynamic_templates") {
            let listed = listed.as_array().into_iter().flatten();
            changed.templates = listed.map(template).collect::<Result<_, _>>()?;
        }
        if let Some(dates) = body.get("date_detection") {
            changed.dates = dates != &json!(false);
        }
        if let Some(numbers) = body.get("numeric_detection") {
            changed.numbers = numbers == &json!(true);
        }
        if let Some(formats) = body.get("dynamic_date_formats") {
            changed.formats = Some(date_formats(formats)?);
        }
        Ok(changed)
    }

    /// The definition of a field that nobody has declared.
    pub(super) fn definition(&self, path: &str, value: &Value) -> Value {
        let detected = self.detected(value);
        let name = path.rsplit('.').next().unwrap_or(path);
        let fitting = self
            .templates
            .iter()
            .find(|template| fits(template, path, name, detected.kind));
        let mut definition = match fitting {
            Some(template) => filled(&template["mapping"], name, detected.kind),
            None => usual(detected.kind),
        };
        if let Some(format) = detected.format
            && definition["type"] == "date"
            && let Some(map) = definition.as_object_mut()
        {
            map.entry("format").or_insert_with(|| json!(format));
        }
        definition
    }

    /// As JSON and the texts in it are understood.
    fn detected(&self, value: &Value) -> Detected<'_> {
        let (kind, format) = match value {
            Value::Bool(_) => ("boolean", None),
            Value::Number(number) if number.is_f64() => ("double", None),
            Value::Number(_) => ("long", None),
            Value::String(text) => match self.date(text) {
                Some(format) => ("date", format),
                None if self.numbers && text.parse::<i64>().is_ok() => ("long", None),
                None if self.numbers && text.parse::<f64>().is_ok() => ("double", None),
                None => ("string", None),
            },
            _ => ("string", None),
        };
        Detected { kind, format }
    }

    /// Whether a text is a date, and of which format if it is not the usual one.
    fn date(&self, text: &str) -> Option<Option<&str>> {
        if !self.dates || text.parse::<f64>().is_ok() {
            return None;
        }
        match &self.formats {
            Some(formats) => formats
                .iter()
                .find(|(_, format)| reads(format, text))
                .map(|(given, _)| Some(given.as_str())),
            None if looks_like_date(text) => Some(None),
            None => reads(&SLASHES, text).then_some(Some(SLASHED)),
        }
    }
}

/// What is taken for a date beside the usual format where nothing is said.
const SLASHED: &str = "yyyy/MM/dd HH:mm:ss||yyyy/MM/dd||epoch_millis";
static SLASHES: LazyLock<DateFormats> =
    LazyLock::new(|| DateFormats::parse(SLASHED).expect("formats of our own are known"));

fn reads(format: &DateFormats, text: &str) -> bool {
    format.read(text, &TimeZone::UTC, Round::Down).is_some()
}

fn template(entry: &Value) -> Result<Value, EsError> {
    let named = entry.as_object().filter(|map| map.len() == 1);
    named
        .and_then(|map| map.values().next().cloned())
        .filter(|template| template["mapping"].is_object())
        .ok_or_else(|| {
            EsError::mapper_parsing(
                "A dynamic template must be defined with a name and a [mapping]",
            )
        })
}

/// One format or a list of them.
fn date_formats(value: &Value) -> Result<Vec<(String, DateFormats)>, EsError> {
    let listed = match value {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let read = |format: &Value| {
        let given = format.as_str().unwrap_or_default();
        DateFormats::parse(given)
            .map(|format| (given.to_owned(), format))
            .map_err(|error| {
                EsError::mapper_parsing(format!("Failed to parse mapping [_doc]: {}", error.reason))
            })
    };
    listed.iter().map(read).collect()
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

/// Dynamic date detection takes dates with a month, not bare years or numbers.
fn looks_like_date(text: &str) -> bool {
    text.len() >= 7
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
