//! `cardinality`: how many different values. The embedded store is exact.

use serde_json::Value;

use crate::{EsError, parse};

#[derive(Clone, Debug, PartialEq)]
pub struct Cardinality {
    pub field: String,
    pub missing: Option<Value>,
}

pub(super) fn parse(body: &Value) -> Result<Cardinality, EsError> {
    let map = parse::object(body, "cardinality")?;
    parse::known_keys(
        map,
        "cardinality",
        &["field", "precision_threshold", "missing"],
    )?;
    let missing = parse::value(map, "missing");
    Ok(Cardinality {
        field: parse::required_string(map, "cardinality", "field")?,
        missing,
    })
}
