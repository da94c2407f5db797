//! Which parts of a stored document are answered, read without building the others.

use std::fmt;

use serde::{
    Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use crate::{EsError, parse, query::wildcard_matches};

/// Which parts of `_source` are answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceFilter {
    pub disabled: bool,
    includes: Vec<Pattern>,
    excludes: Vec<Pattern>,
}

/// A path, or one with wildcards; most are plain, and of thousands of fields each is asked.
#[derive(Clone, Debug, PartialEq)]
struct Pattern {
    text: String,
    is_wild: bool,
}

impl Pattern {
    fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            is_wild: text.contains(['*', '?', '\\']),
        }
    }

    /// Whether it is the path, or above it.
    fn covers(&self, path: &str) -> bool {
        if !self.is_wild {
            return path
                .strip_prefix(self.text.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        }
        wildcard_matches(&self.text, path)
            || path.match_indices('.').any(|(at, _)| {
                path.get(..at)
                    .is_some_and(|parent| wildcard_matches(&self.text, parent))
            })
    }

    /// Whether it may be below the path.
    fn is_below(&self, path: &str) -> bool {
        let below = self.text.strip_prefix(path);
        self.is_wild || below.is_some_and(|rest| rest.starts_with('.'))
    }
}

impl SourceFilter {
    /// Reads `_source`.
    pub fn parse(value: &Value) -> Result<Self, EsError> {
        let patterns = |value: Option<&Value>| -> Vec<Pattern> {
            let list = value.map(parse::list).unwrap_or_default();
            list.into_iter()
                .filter_map(Value::as_str)
                .map(Pattern::new)
                .collect()
        };
        match value {
            Value::Bool(enabled) => Ok(Self {
                disabled: !enabled,
                ..Self::default()
            }),
            Value::String(_) | Value::Array(_) => Ok(Self {
                includes: patterns(Some(value)),
                ..Self::default()
            }),
            Value::Object(map) => {
                parse::known_keys(
                    map,
                    "_source",
                    &["includes", "include", "excludes", "exclude"],
                )?;
                Ok(Self {
                    disabled: false,
                    includes: patterns(map.get("includes").or_else(|| map.get("include"))),
                    excludes: patterns(map.get("excludes").or_else(|| map.get("exclude"))),
                })
            }
            _ => Err(EsError::parsing(
                "[_source] must be a boolean, a pattern, a list or an object",
            )),
        }
    }

    /// Whether every document is answered as it was stored.
    pub fn is_everything(&self) -> bool {
        !self.disabled && self.includes.is_empty() && self.excludes.is_empty()
    }

    /// The parts of `source` that are asked for.
    pub fn apply(&self, source: &Value) -> Value {
        self.read(source).unwrap_or_default()
    }

    /// The parts of a stored document that are asked for.
    pub fn apply_to_bytes(&self, source: &[u8]) -> Result<Value, EsError> {
        let mut stored = serde_json::Deserializer::from_slice(source);
        self.read(&mut stored).map_err(|error| {
            EsError::internal(format!("a stored document cannot be read: {error}"))
        })
    }

    fn read<'de, D: Deserializer<'de>>(&self, source: D) -> Result<Value, D::Error> {
        let mut path = String::new();
        let whole = Part {
            filter: self,
            path: &mut path,
        };
        let kept = whole.deserialize(source)?;
        Ok(kept.unwrap_or_else(|| Value::Object(Map::new())))
    }

    /// Whether anything at a path or below it may be kept.
    fn reaches(&self, path: &str) -> bool {
        let leads = |pattern: &Pattern| pattern.is_below(path) || pattern.covers(path);
        self.includes.is_empty() || self.includes.iter().any(leads)
    }

    /// Whether everything below a path is kept without looking.
    fn keeps_all(&self, path: &str) -> bool {
        self.excludes.is_empty() && self.keeps(path)
    }

    fn keeps(&self, path: &str) -> bool {
        let covers = |pattern: &Pattern| pattern.covers(path);
        (self.includes.is_empty() || self.includes.iter().any(covers))
            && !self.excludes.iter().any(covers)
    }
}

/// A value at a path; nothing where none of it is kept.
struct Part<'a> {
    filter: &'a SourceFilter,
    path: &'a mut String,
}

impl Part<'_> {
    fn leaf(&self, value: impl Into<Value>) -> Option<Value> {
        self.filter.keeps(self.path).then(|| value.into())
    }
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<Self::Value, D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = Option<Value>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(self.leaf(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(self.leaf(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(self.leaf(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(self.leaf(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(self.leaf(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Self::Value, E> {
        Ok(self.leaf(value))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(self.leaf(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let (mut kept, mut is_empty) = (Vec::new(), true);
        // Elements have no path of their own.
        while let Some(element) = list.next_element_seed(Part {
            filter: self.filter,
            path: &mut *self.path,
        })? {
            is_empty = false;
            kept.extend(element);
        }
        let is_kept = !kept.is_empty() || (is_empty && self.filter.keeps(self.path));
        Ok(is_kept.then_some(Value::Array(kept)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut kept, mut is_empty) = (Map::new(), true);
        let length = self.path.len();
        while let Some(name) = map.next_key::<String>()? {
            is_empty = false;
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(&name);
            let part = if self.filter.keeps_all(self.path) {
                Some(map.next_value()?)
            } else if self.filter.reaches(self.path) {
                map.next_value_seed(Part {
                    filter: self.filter,
                    path: &mut *self.path,
                })?
            } else {
                map.next_value::<IgnoredAny>()?;
                None
            };
            self.path.truncate(length);
            if let Some(part) = part {
                kept.insert(name, part);
            }
        }
        let is_kept = !kept.is_empty() || length == 0 || (is_empty && self.filter.keeps(self.path));
        Ok(is_kept.then_some(Value::Object(kept)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn source_filters_follow_paths() {
        let source = json!({"a": {"b": 1, "c": 2}, "d": [{"e": 1, "f": 2}], "g": 3});
        let filter = |value: Value| SourceFilter::parse(&value).unwrap().apply(&source);
        assert_eq!(filter(json!(["a.b", "g"])), json!({"a": {"b": 1}, "g": 3}));
        assert_eq!(filter(json!("a")), json!({"a": {"b": 1, "c": 2}}));
        assert_eq!(
            filter(json!({"excludes": ["d.e", "a"]})),
            json!({"d": [{"f": 2}], "g": 3})
        );
        assert_eq!(filter(json!("a.*")), json!({"a": {"b": 1, "c": 2}}));
    }

    #[test]
    fn both_ways_of_reading_keep_the_same() {
        let source = json!({
            "a": {"b": [], "c": [1, {"d": null}, "x"], "e": {}}, "a.b": true, "f": [[1.5], []], "g": -1, "ab": "y",
        });
        for filter in [
            json!(["a.b"]),
            json!(["a"]),
            json!(["a.c.d", "f"]),
            json!(["*b"]),
            json!({"includes": ["a", "g"], "excludes": ["a.c"]}),
            json!({"excludes": ["*"]}),
            json!("nothing"),
        ] {
            let filter = SourceFilter::parse(&filter).unwrap();
            let stored = source.to_string();
            let read = filter.apply_to_bytes(stored.as_bytes()).unwrap();
            assert_eq!(read, filter.apply(&source), "{filter:?}");
        }
        let kept = SourceFilter::parse(&json!(["a.b", "a.c.d"])).unwrap();
        assert_eq!(
            kept.apply(&source),
            json!({"a": {"b": [], "c": [{"d": null}]}, "a.b": true})
        );
    }
}
