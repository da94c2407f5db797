//! Small helpers for reading request JSON strictly: unknown keys are errors that name the key and where it stands.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::EsError;

pub(crate) type Object = Map<String, Value>;

pub(crate) fn object<'a>(value: &'a Value, place: &str) -> Result<&'a Object, EsError> {
    value
        .as_object()
        .ok_or_else(|| EsError::parsing(format!("[{place}] must be an object")))
}

/// The single `field: body` pair of a leaf query.
pub(crate) fn single<'a>(value: &'a Value, place: &str) -> Result<(&'a str, &'a Value), EsError> {
    let map = object(value, place)?;
    let mut entries = map.iter();
    match (entries.next(), entries.next()) {
        (Some((name, body)), None) => Ok((name, body)),
        (None, _) => Err(EsError::parsing(format!("[{place}] requires a field name"))),
        (Some((first, _)), Some((second, _))) => Err(EsError::parsing(format!(
            "[{place}] query doesn't support multiple fields, found [{first}] and [{second}]"
        ))),
    }
}

pub(crate) fn known_keys(map: &Object, place: &str, known: &[&str]) -> Result<(), EsError> {
    match map.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(EsError::parsing(format!(
            "[{place}] unknown field [{key}], expected one of {known:?}"
        ))),
        None => Ok(()),
    }
}

pub(crate) fn string(map: &Object, place: &str, key: &str) -> Result<Option<String>, EsError> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(Value::Bool(flag)) => Ok(Some(flag.to_string())),
        Some(_) => Err(EsError::parsing(format!(
            "[{place}] [{key}] must be a string"
        ))),
    }
}

pub(crate) fn required_string(map: &Object, place: &str, key: &str) -> Result<String, EsError> {
    string(map, place, key)?.ok_or_else(|| EsError::parsing(format!("[{place}] requires [{key}]")))
}

pub(crate) fn unsigned(map: &Object, place: &str, key: &str) -> Result<Option<usize>, EsError> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_u64()
            .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
            .and_then(|number| usize::try_from(number).ok())
            .map(Some)
            .ok_or_else(|| {
                EsError::illegal_argument(format!(
                    "[{place}] [{key}] must be a non-negative integer, got [{value}]"
                ))
            }),
    }
}

/// Whatever stands there, but null.
pub(crate) fn value(map: &Object, key: &str) -> Option<Value> {
    map.get(key).filter(|value| !value.is_null()).cloned()
}

pub(crate) fn number(map: &Object, place: &str, key: &str) -> Result<Option<f64>, EsError> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_f64()
            .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
            .map(Some)
            .ok_or_else(|| {
                EsError::illegal_argument(format!(
                    "[{place}] [{key}] must be a number, got [{value}]"
                ))
            }),
    }
}

pub(crate) fn boolean(map: &Object, place: &str, key: &str) -> Result<Option<bool>, EsError> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(Value::String(text)) if text == "true" => Ok(Some(true)),
        Some(Value::String(text)) if text == "false" => Ok(Some(false)),
        Some(other) => Err(EsError::parsing(format!(
            "[{place}] [{key}] must be true or false, got [{other}]"
        ))),
    }
}

/// A span with its unit: `1m`, `30s`, `500ms`, `2d`.
pub(crate) fn time_value(setting: &str, text: &str) -> Result<Duration, EsError> {
    let digits = text.len()
        - text
            .trim_start_matches(|character: char| character.is_ascii_digit())
            .len();
    let (number, unit) = text.split_at(digits);
    let milliseconds = match unit {
        "ms" => Some(1),
        "s" => Some(1000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    };
    let number = number.parse::<u64>().ok();
    number
        .zip(milliseconds)
        .and_then(|(number, unit)| number.checked_mul(unit))
        .map(Duration::from_millis)
        .ok_or_else(|| {
            EsError::illegal_argument(format!(
                "failed to parse setting [{setting}] with value [{text}] as a time value: unit is missing or unrecognized"
            ))
        })
}

/// One value or a list of them.
pub(crate) fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        other => vec![other],
    }
}
