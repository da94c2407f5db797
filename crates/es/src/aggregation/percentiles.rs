//! `percentiles`. The embedded store is exact where Elasticsearch approximates.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/search-aggregations-metrics-percentile-aggregation.html>

use serde_json::Value;

use crate::{EsError, parse};

#[derive(Clone, Debug, PartialEq)]
pub struct Percentiles {
    pub field: String,
    pub percents: Vec<f64>,
    pub keyed: bool,
    pub missing: Option<Value>,
}

pub(super) fn parse(body: &Value) -> Result<Percentiles, EsError> {
    let map = parse::object(body, "percentiles")?;
    parse::known_keys(
        map,
        "percentiles",
        &["field", "percents", "keyed", "missing", "tdigest", "hdr"],
    )?;
    let percents = match map.get("percents") {
        None => vec![1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0],
        Some(list) => parse::list(list)
            .into_iter()
            .map(|value| {
                value
                    .as_f64()
                    .filter(|percent| (0.0..=100.0).contains(percent))
            })
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| {
                EsError::illegal_argument("[percents] must be numbers between 0 and 100")
            })?,
    };
    Ok(Percentiles {
        field: parse::required_string(map, "percentiles", "field")?,
        percents,
        keyed: parse::boolean(map, "percentiles", "keyed")?.unwrap_or(true),
        missing: map.get("missing").filter(|value| !value.is_null()).cloned(),
    })
}
