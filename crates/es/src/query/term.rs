//! `term`: one exact value.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/query-dsl-term-query.html>

use serde_json::Value;

use super::Query;
use crate::{EsError, parse};

#[derive(Clone, Debug, PartialEq)]
pub struct TermQuery {
    pub field: String,
    pub value: Value,
    pub case_insensitive: bool,
}

pub(super) fn parse(body: &Value) -> Result<Query, EsError> {
    let (field, body) = parse::single(body, "term")?;
    let (value, case_insensitive) = match body.as_object() {
        Some(map) => {
            parse::known_keys(map, "term", &["value", "boost", "case_insensitive"])?;
            let value = map
                .get("value")
                .cloned()
                .ok_or_else(|| EsError::parsing("[term] requires [value]"))?;
            (
                value,
                parse::boolean(map, "term", "case_insensitive")?.unwrap_or(false),
            )
        }
        None => (body.clone(), false),
    };
    if value.is_null() || value.is_array() || value.is_object() {
        return Err(EsError::illegal_argument(format!(
            "value of [term] on [{field}] must be a string, number or boolean"
        )));
    }
    Ok(Query::Term(TermQuery {
        field: field.to_owned(),
        value,
        case_insensitive,
    }))
}
