//! `min`, `max`, `avg`, `sum`, `value_count`, `stats`: one pass over the numbers of a field.

use serde_json::Value;

use crate::{EsError, parse};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    Min,
    Max,
    Avg,
    Sum,
    ValueCount,
    Stats,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    pub kind: MetricKind,
    pub field: String,
    pub missing: Option<Value>,
}

impl MetricKind {
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "min" => MetricKind::Min,
            "max" => MetricKind::Max,
            "avg" => MetricKind::Avg,
            "sum" => MetricKind::Sum,
            "value_count" => MetricKind::ValueCount,
            "stats" => MetricKind::Stats,
            _ => return None,
        })
    }
}

pub(super) fn parse(kind: MetricKind, name: &str, body: &Value) -> Result<Metric, EsError> {
    let map = parse::object(body, name)?;
    parse::known_keys(map, name, &["field", "missing"])?;
    let missing = map.get("missing").filter(|value| !value.is_null()).cloned();
    Ok(Metric {
        kind,
        field: parse::required_string(map, name, "field")?,
        missing,
    })
}
