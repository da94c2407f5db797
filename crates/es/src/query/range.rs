//! `range`: numbers, dates (with date math), IP addresses and keywords between bounds.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/query-dsl-range-query.html>

use serde_json::Value;

use super::Query;
use crate::{EsError, parse};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct RangeQuery {
    pub field: String,
    pub gt: Option<Value>,
    pub gte: Option<Value>,
    pub lt: Option<Value>,
    pub lte: Option<Value>,
    /// Zone of dates without an offset and of rounding, IANA name or `+01:00`.
    pub time_zone: Option<String>,
    pub format: Option<String>,
}

pub(super) fn parse(body: &Value) -> Result<Query, EsError> {
    let (field, body) = parse::single(body, "range")?;
    let map = parse::object(body, "range")?;
    parse::known_keys(
        map,
        "range",
        &[
            "gt",
            "gte",
            "lt",
            "lte",
            "from",
            "to",
            "include_lower",
            "include_upper",
            "time_zone",
            "format",
            "boost",
            "relation",
        ],
    )?;
    let bound = |key: &str| map.get(key).filter(|value| !value.is_null()).cloned();
    let mut query = RangeQuery {
        field: field.to_owned(),
        gt: bound("gt"),
        gte: bound("gte"),
        lt: bound("lt"),
        lte: bound("lte"),
        time_zone: parse::string(map, "range", "time_zone")?,
        format: parse::string(map, "range", "format")?,
    };
    if let Some(from) = bound("from") {
        let inclusive = parse::boolean(map, "range", "include_lower")?.unwrap_or(true);
        *(if inclusive {
            &mut query.gte
        } else {
            &mut query.gt
        }) = Some(from);
    }
    if let Some(to) = bound("to") {
        let inclusive = parse::boolean(map, "range", "include_upper")?.unwrap_or(true);
        *(if inclusive {
            &mut query.lte
        } else {
            &mut query.lt
        }) = Some(to);
    }
    Ok(Query::Range(query))
}
