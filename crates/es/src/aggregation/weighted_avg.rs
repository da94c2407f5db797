//! `weighted_avg`: the mean of one field, each value weighed by another.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/search-aggregations-metrics-weight-avg-aggregation.html>

use serde_json::Value;

use crate::{EsError, parse};

#[derive(Clone, Debug, PartialEq)]
pub struct WeightedAvg {
    pub value: Operand,
    pub weight: Operand,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    pub field: String,
    pub missing: Option<f64>,
}

pub(super) fn parse(body: &Value) -> Result<WeightedAvg, EsError> {
    let map = parse::object(body, "weighted_avg")?;
    parse::known_keys(map, "weighted_avg", &["value", "weight"])?;
    let operand = |name: &str| {
        let body = map
            .get(name)
            .ok_or_else(|| EsError::parsing(format!("[weighted_avg] requires [{name}]")))?;
        let map = parse::object(body, name)?;
        parse::known_keys(map, name, &["field", "missing"])?;
        Ok::<_, EsError>(Operand {
            field: parse::required_string(map, name, "field")?,
            missing: parse::number(map, name, "missing")?,
        })
    };
    Ok(WeightedAvg {
        value: operand("value")?,
        weight: operand("weight")?,
    })
}
