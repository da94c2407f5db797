//! What a hit shows beside its source: single fields, and where the words were found.

use serde_json::{Map, Value};

use crate::{EsError, parse, query::wildcard_matches};

/// One entry of `fields` or `docvalue_fields`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPattern {
    /// May hold `*`.
    pub pattern: String,
    /// How dates are written.
    pub format: Option<String>,
}

impl FieldPattern {
    pub fn covers(&self, path: &str) -> bool {
        wildcard_matches(&self.pattern, path)
    }
}

/// Reads `fields` or `docvalue_fields`.
pub(crate) fn patterns(name: &str, value: Option<&Value>) -> Result<Vec<FieldPattern>, EsError> {
    let entries = value.map(parse::list).unwrap_or_default();
    entries
        .into_iter()
        .map(|entry| match entry {
            Value::String(pattern) => Ok(FieldPattern {
                pattern: pattern.clone(),
                format: None,
            }),
            Value::Object(map) => {
                parse::known_keys(map, name, &["field", "format", "include_unmapped"])?;
                Ok(FieldPattern {
                    pattern: parse::required_string(map, name, "field")?,
                    format: parse::string(map, name, "format")?,
                })
            }
            other => Err(EsError::parsing(format!("malformed [{name}]: [{other}]"))),
        })
        .collect()
}

/// Whether `stored_fields` asks for nothing, not even the `_id`.
pub(crate) fn wants_nothing(value: Option<&Value>) -> Result<bool, EsError> {
    match value {
        None => Ok(false),
        Some(Value::String(name)) if name == "_none_" => Ok(true),
        Some(Value::String(name)) if name == "_source" => Ok(false),
        Some(_) => Err(EsError::unsupported("[stored_fields] other than [_none_]")),
    }
}

/// `highlight`: fields by pattern, each with its options.
#[derive(Clone, Debug, PartialEq)]
pub struct Highlight {
    pub fields: Vec<(String, HighlightOptions)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct HighlightOptions {
    /// Characters of a fragment, about.
    pub fragment_size: usize,
    /// 0: the whole text.
    pub number_of_fragments: usize,
    pub pre_tag: String,
    pub post_tag: String,
    /// Only words that were asked of this field.
    pub require_field_match: bool,
    /// The best fragments first, rather than the first ones.
    pub by_score: bool,
    /// Without a match, so many characters of the beginning.
    pub no_match_size: usize,
}

const HIGHLIGHT_KEYS: [&str; 13] = [
    "fields",
    "fragment_size",
    "number_of_fragments",
    "pre_tags",
    "post_tags",
    "require_field_match",
    "order",
    "no_match_size",
    "type",
    "encoder",
    "fragment_offset",
    "highlight_query",
    "max_analyzed_offset",
];

impl Default for HighlightOptions {
    fn default() -> Self {
        Self {
            fragment_size: 100,
            number_of_fragments: 5,
            pre_tag: "<em>".to_owned(),
            post_tag: "</em>".to_owned(),
            require_field_match: true,
            by_score: false,
            no_match_size: 0,
        }
    }
}

impl Highlight {
    pub(crate) fn parse(value: &Value) -> Result<Self, EsError> {
        let map = parse::object(value, "highlight")?;
        let shared = options(map, &HighlightOptions::default())?;
        let mut fields = Vec::new();
        let listed = map.get("fields").map(parse::list).unwrap_or_default();
        for entry in listed {
            for (pattern, own) in parse::object(entry, "highlight")? {
                let own = parse::object(own, "highlight")?;
                fields.push((pattern.clone(), options(own, &shared)?));
            }
        }
        Ok(Self { fields })
    }
}

fn options(
    map: &Map<String, Value>,
    default: &HighlightOptions,
) -> Result<HighlightOptions, EsError> {
    parse::known_keys(map, "highlight", &HIGHLIGHT_KEYS)?;
    let tag = |name: &str, default: &str| {
        let first = map.get(name).map(parse::list).unwrap_or_default();
        let first = first.first().and_then(|tag| tag.as_str());
        first.unwrap_or(default).to_owned()
    };
    let number = |name: &str, default| {
        Ok::<_, EsError>(parse::unsigned(map, "highlight", name)?.unwrap_or(default))
    };
    if map.contains_key("highlight_query") {
        return Err(EsError::unsupported("[highlight_query]"));
    }
    match map.get("type").and_then(Value::as_str) {
        None | Some("unified") => {}
        Some(other) => {
            return Err(EsError::unsupported(&format!("the highlighter [{other}]")));
        }
    }
    Ok(HighlightOptions {
        fragment_size: number("fragment_size", default.fragment_size)?,
        number_of_fragments: number("number_of_fragments", default.number_of_fragments)?,
        pre_tag: tag("pre_tags", &default.pre_tag),
        post_tag: tag("post_tags", &default.post_tag),
        require_field_match: parse::boolean(map, "highlight", "require_field_match")?
            .unwrap_or(default.require_field_match),
        by_score: map
            .get("order")
            .map_or(default.by_score, |order| order == "score"),
        no_match_size: number("no_match_size", default.no_match_size)?,
    })
}
