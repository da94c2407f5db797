//! Single fields of a hit, read from its source as the mapping has them.

use canarytrace_es::{DateFormat, EsError, FieldPattern};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::lower::plain;
use crate::mapping::{FieldType, Mapping, date, decimal, unsigned_whole, whole};

/// How the values of a field are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// In the order of the source (`fields`).
    AsWritten,
    /// As a column has them: in ascending order (`docvalue_fields`).
    Sorted,
}

pub(super) fn fields(
    mapping: &Mapping,
    source: &Value,
    patterns: &[FieldPattern],
    reading: Reading,
) -> Result<Map<String, Value>, EsError> {
    let mut found = Map::new();
    for pattern in patterns {
        let paths: Vec<(String, FieldType)> = mapping
            .searchable()
            .filter(|(path, _)| pattern.covers(path))
            .map(|(path, kind)| (path, kind.clone()))
            .collect();
        for (path, kind) in paths {
            if reading == Reading::Sorted {
                match pattern.pattern.contains('*') {
                    true if matches!(kind, FieldType::Text { .. }) => continue,
                    true => {}
                    false => mapping.check_columns(&path)?,
                }
            }
            let format = pattern.format.as_deref();
            let mut values: Vec<Value> = Vec::new();
            for value in at(source, mapping.source_path(&path)) {
                values.extend(shown(&kind, value, format)?);
            }
            if reading == Reading::Sorted {
                sort(&mut values, &kind);
            }
            add(&mut found, path, values);
        }
    }
    Ok(found)
}

/// A field that is asked for twice, in two formats, has the values of both.
pub(super) fn add(found: &mut Map<String, Value>, path: String, values: Vec<Value>) {
    if values.is_empty() {
        return;
    }
    match found.get_mut(&path) {
        Some(Value::Array(known)) => known.extend(values),
        _ => drop(found.insert(path, Value::Array(values))),
    }
}

/// Texts are kept once in a column, numbers as often as they are there.
fn sort(values: &mut Vec<Value>, kind: &FieldType) {
    match kind {
        FieldType::Keyword { .. } | FieldType::Ip => {
            values.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
            values.dedup();
        }
        _ => values.sort_by(|a, b| {
            let number = |value: &Value| match value {
                Value::Bool(flag) => f64::from(u8::from(*flag)),
                other => other.as_f64().unwrap_or(0.0),
            };
            number(a)
                .total_cmp(&number(b))
                .then_with(|| plain(a).cmp(&plain(b)))
        }),
    }
}

/// All values at a path, through lists and objects, whether names have dots or not.
pub(super) fn at<'a>(source: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = Vec::new();
    collect(source, path, &mut found);
    found
}

fn collect<'a>(value: &'a Value, path: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, path, found)),
        Value::Object(map) => {
            for (name, inner) in map {
                match path.strip_prefix(name.as_str()) {
                    Some("") => leaves(inner, found),
                    Some(rest) => {
                        if let Some(rest) = rest.strip_prefix('.') {
                            collect(inner, rest, found);
                        }
                    }
                    None => {}
                }
            }
        }
        _ => {}
    }
}

fn leaves<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Value::Null | Value::Object(_) => {}
        leaf => found.push(leaf),
    }
}

/// A value as its type has it; none when it is not indexed.
fn shown(kind: &FieldType, value: &Value, format: Option<&str>) -> Result<Option<Value>, EsError> {
    Ok(match kind {
        FieldType::Date(formats) => {
            let milliseconds = date(value, formats);
            let format = format.map(DateFormat::parse).transpose()?;
            milliseconds.map(|milliseconds| match &format {
                Some(format) => json!(format.write(milliseconds, &TimeZone::UTC)),
                None => json!(formats.write(milliseconds, &TimeZone::UTC)),
            })
        }
        FieldType::Whole { .. } => whole(value).map(|number| json!(number)),
        FieldType::Unsigned => unsigned_whole(value).map(|number| json!(number)),
        FieldType::Decimal { .. } => decimal(value).map(|number| json!(number)),
        FieldType::Boolean => Some(json!(plain(value) == "true")),
        FieldType::Keyword {
            ignore_above,
            lowercase,
        } => {
            let text = plain(value);
            let is_kept = text.chars().count() <= *ignore_above;
            is_kept.then(|| {
                json!(if *lowercase {
                    text.to_lowercase()
                } else {
                    text
                })
            })
        }
        FieldType::Text { .. } | FieldType::Ip => Some(json!(plain(value))),
        FieldType::Flattened { .. } | FieldType::Opaque => Some(value.clone()),
    })
}
