//! `ids`: documents by `_id`.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/query-dsl-ids-query.html>

use serde_json::Value;

use super::Query;
use crate::{EsError, parse};

#[derive(Clone, Debug, PartialEq)]
pub struct IdsQuery {
    pub values: Vec<String>,
}

pub(super) fn parse(body: &Value) -> Result<Query, EsError> {
    let map = parse::object(body, "ids")?;
    parse::known_keys(map, "ids", &["values", "boost"])?;
    let values = map.get("values").map(parse::list).unwrap_or_default();
    let values = values
        .into_iter()
        .map(|value| {
            value
                .as_str()
                .map(str::to_owned)
                .ok_or_else(|| EsError::parsing("[ids] values must be strings"))
        })
        .collect::<Result<_, _>>()?;
    Ok(Query::Ids(IdsQuery { values }))
}
