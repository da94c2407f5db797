//! `terms`: one of several exact values.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/query-dsl-terms-query.html>

use serde_json::Value;

use super::Query;
use crate::{EsError, parse};

/// As Elasticsearch's `index.max_terms_count`.
const MAX_TERMS: usize = 65_536;

#[derive(Clone, Debug, PartialEq)]
pub struct TermsQuery {
    pub field: String,
    pub values: Vec<Value>,
}

pub(super) fn parse(body: &Value) -> Result<Query, EsError> {
    let map = parse::object(body, "terms")?;
    let mut fields = map.iter().filter(|(name, _)| name.as_str() != "boost");
    let (Some((field, values)), None) = (fields.next(), fields.next()) else {
        return Err(EsError::parsing("[terms] query requires exactly one field"));
    };
    let values = values.as_array().ok_or_else(|| {
        EsError::parsing(format!(
            "[terms] of [{field}] must be a list (terms lookup is not supported)"
        ))
    })?;
    if values.len() > MAX_TERMS {
        return Err(EsError::illegal_argument(format!(
            "[terms] of [{field}] has {} values, at most {MAX_TERMS} are allowed",
            values.len()
        )));
    }
    Ok(Query::Terms(TermsQuery {
        field: field.clone(),
        values: values.clone(),
    }))
}
