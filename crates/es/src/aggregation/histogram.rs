//! `histogram`: a bucket per interval of a number.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/search-aggregations-bucket-histogram-aggregation.html>

use serde_json::Value;

use crate::{EsError, parse};

#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    pub field: String,
    pub interval: f64,
    pub offset: f64,
    pub min_doc_count: u64,
    /// Bounds that get empty buckets.
    pub extended_bounds: Option<(f64, f64)>,
    /// Bounds beyond which there are no buckets.
    pub hard_bounds: Option<(f64, f64)>,
    pub keyed: bool,
    pub missing: Option<Value>,
    pub descending: bool,
}

pub(super) fn parse(body: &Value) -> Result<Histogram, EsError> {
    let place = "histogram";
    let map = parse::object(body, place)?;
    parse::known_keys(
        map,
        place,
        &[
            "field",
            "interval",
            "offset",
            "min_doc_count",
            "extended_bounds",
            "hard_bounds",
            "keyed",
            "missing",
            "order",
        ],
    )?;
    let interval = parse::number(map, place, "interval")?.ok_or_else(|| {
        EsError::illegal_argument("Required one of fields [interval], but none were specified.")
    })?;
    if interval <= 0.0 {
        return Err(EsError::x_content(format!(
            "[interval] must be >0 for histogram aggregation [{place}]"
        )));
    }
    Ok(Histogram {
        field: parse::required_string(map, place, "field")?,
        interval,
        offset: parse::number(map, place, "offset")?.unwrap_or(0.0),
        min_doc_count: parse::unsigned(map, place, "min_doc_count")?.unwrap_or(0) as u64,
        extended_bounds: bounds(map, "extended_bounds")?,
        hard_bounds: bounds(map, "hard_bounds")?,
        keyed: parse::boolean(map, place, "keyed")?.unwrap_or(false),
        missing: parse::value(map, "missing"),
        descending: super::key_order(map, place)?,
    })
}

fn bounds(map: &parse::Object, name: &str) -> Result<Option<(f64, f64)>, EsError> {
    let Some(bounds) = map.get(name) else {
        return Ok(None);
    };
    let bounds = parse::object(bounds, name)?;
    match (
        parse::number(bounds, name, "min")?,
        parse::number(bounds, name, "max")?,
    ) {
        (Some(min), Some(max)) if min <= max => Ok(Some((min, max))),
        _ => Err(EsError::illegal_argument(format!(
            "[{name}] requires [min] and [max], in this order"
        ))),
    }
}
