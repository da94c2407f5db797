//! `exists`: the field has a value (null and `[]` do not count).
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/query-dsl-exists-query.html>

use serde_json::Value;

use super::Query;
use crate::{EsError, parse};

#[derive(Clone, Debug, PartialEq)]
pub struct ExistsQuery {
    pub field: String,
}

pub(super) fn parse(body: &Value) -> Result<Query, EsError> {
    let map = parse::object(body, "exists")?;
    parse::known_keys(map, "exists", &["field", "boost"])?;
    Ok(Query::Exists(ExistsQuery {
        field: parse::required_string(map, "exists", "field")?,
    }))
}
