//! What a value becomes in a field of some type: coerced as Elasticsearch does, or refused.

use canarytrace_es::{EsError, date};
use serde_json::Value;

use super::{Cell, FieldType, Indexed, Path};

/// A longer exact value cannot be a term of the index.
const MAX_TERM_BYTES: usize = 32_766;

/// Coerces a leaf and puts it into the index, unless it is left out (too long, not indexed).
pub(super) fn put(
    path: &Path,
    kind: &FieldType,
    value: &Value,
    indexed: &mut Indexed,
) -> Result<(), EsError> {
    let wrong = |name: &str| {
        EsError::mapper_parsing(format!(
            "failed to parse field [{path}] of type [{name}]: value was [{}]",
            shorten(value)
        ))
    };
    let cell = match kind {
        FieldType::Text { indexed: false, .. } => return Ok(()),
        FieldType::Text {
            indexed: true,
            analyzer,
        } => {
            let (words, count) = match value {
                Value::String(text) => analyzer.prepared(text),
                other => analyzer.prepared(&plain(other)),
            };
            indexed.texts.push((Path::clone(path), words, count));
            return Ok(());
        }
        FieldType::Opaque | FieldType::Flattened { .. } => return Ok(()),
        FieldType::Keyword {
            ignore_above,
            lowercase,
        } => {
            let text = plain(value);
            let text = if *lowercase {
                text.to_lowercase()
            } else {
                text
            };
            if text.chars().count() > *ignore_above {
                return Ok(());
            }
            if text.len() > MAX_TERM_BYTES {
                return Err(EsError::illegal_argument(format!(
                    "Document contains at least one immense term in field=\"{path}\" (longer than {MAX_TERM_BYTES} bytes)"
                )));
            }
            Cell::Text(text)
        }
        FieldType::Whole { name, min, max } => {
            let number = whole(value).filter(|number| (min..=max).contains(&number));
            Cell::Whole(number.ok_or_else(|| wrong(name))?)
        }
        FieldType::Decimal {
            name,
            scaling_factor,
        } => {
            let number = decimal(value).filter(|number| number.is_finite());
            let number = number.ok_or_else(|| wrong(name))?;
            let in_steps = |factor: &f64| (number * factor).round() / factor;
            Cell::Decimal(scaling_factor.as_ref().map_or(number, in_steps))
        }
        FieldType::Boolean => match value {
            Value::Bool(flag) => Cell::Text(flag.to_string()),
            Value::String(text) if text == "true" || text == "false" => Cell::Text(text.clone()),
            Value::String(text) if text.is_empty() => Cell::Text("false".to_owned()),
            _ => return Err(wrong("boolean")),
        },
        FieldType::Date => Cell::Whole(document_date(value).ok_or_else(|| wrong("date"))?),
        FieldType::Ip => {
            let address: std::net::IpAddr = value
                .as_str()
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| wrong("ip"))?;
            Cell::Text(address.to_string())
        }
    };
    indexed.cells.push((Path::clone(path), cell));
    Ok(())
}

/// Every leaf below its own path, and all of them at the root of the tree.
pub(super) fn flatten(
    root: &str,
    path: &str,
    ignore_above: usize,
    value: &Value,
    indexed: &mut Indexed,
) {
    match value {
        Value::Null => {}
        Value::Array(items) => items
            .iter()
            .for_each(|item| flatten(root, path, ignore_above, item, indexed)),
        Value::Object(map) => map.iter().for_each(|(name, value)| {
            flatten(
                root,
                &format!("{path}.{name}"),
                ignore_above,
                value,
                indexed,
            );
        }),
        leaf => {
            let text = plain(leaf);
            if text.chars().count() > ignore_above || text.len() > MAX_TERM_BYTES {
                return;
            }
            let paths = if root == path {
                vec![root]
            } else {
                vec![root, path]
            };
            for path in paths {
                indexed.cells.push((path.into(), Cell::Text(text.clone())));
            }
        }
    }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn shorten(value: &Value) -> String {
    plain(value).chars().take(100).collect()
}

/// Decimals are cut, text is read, as `coerce` does.
pub(crate) fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| cut(number.as_f64()?)),
        Value::String(text) => text.parse().ok().or_else(|| cut(text.parse().ok()?)),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn cut(number: f64) -> Option<i64> {
    (number.is_finite() && number.abs() < 9.2e18).then_some(number as i64)
}

pub(crate) fn decimal(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn document_date(value: &Value) -> Option<i64> {
    match value {
        Value::Number(_) => whole(value),
        Value::String(text) => date::parse_document_date(text),
        _ => None,
    }
}
