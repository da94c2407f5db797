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
    Ok(Percentiles {
        field: parse::required_string(map, "percentiles", "field")?,
        percents: percents(map)?,
        keyed: parse::boolean(map, "percentiles", "keyed")?.unwrap_or(true),
        missing: parse::value(map, "missing"),
    })
}

/// `percents`, or the usual ones.
pub(super) fn percents(map: &parse::Object) -> Result<Vec<f64>, EsError> {
    let Some(list) = map.get("percents") else {
        return Ok(vec![1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0]);
    };
    parse::list(list)
        .into_iter()
        .map(|value| {
            value
                .as_f64()
                .filter(|percent| (0.0..=100.0).contains(percent))
        })
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| EsError::x_content("[percents] must be numbers between 0 and 100"))
}

/// `percentile_ranks`: which share of the numbers is at most this.
#[derive(Clone, Debug, PartialEq)]
pub struct PercentileRanks {
    pub field: String,
    pub values: Vec<f64>,
    pub keyed: bool,
    pub missing: Option<Value>,
}

pub(super) fn parse_ranks(body: &Value) -> Result<PercentileRanks, EsError> {
    let place = "percentile_ranks";
    let map = parse::object(body, place)?;
    parse::known_keys(
        map,
        place,
        &["field", "values", "keyed", "missing", "tdigest", "hdr"],
    )?;
    let values = map.get("values").map(parse::list).unwrap_or_default();
    let values: Option<Vec<f64>> = values.into_iter().map(Value::as_f64).collect();
    let values = values.filter(|values| !values.is_empty());
    Ok(PercentileRanks {
        field: parse::required_string(map, place, "field")?,
        values: values.ok_or_else(|| {
            EsError::illegal_argument("[values] must not be an empty array: [percentile_ranks]")
        })?,
        keyed: parse::boolean(map, place, "keyed")?.unwrap_or(true),
        missing: parse::value(map, "missing"),
    })
}
