//! `prefix`: terms that begin with a text.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/query-dsl-prefix-query.html>

use serde_json::Value;

use super::Query;
use crate::{EsError, parse};

#[derive(Clone, Debug, PartialEq)]
pub struct PrefixQuery {
    pub field: String,
    pub value: String,
    pub case_insensitive: bool,
}

pub(super) fn parse(body: &Value) -> Result<Query, EsError> {
    let (field, body) = parse::single(body, "prefix")?;
    let (value, case_insensitive) = match body.as_object() {
        Some(map) => {
            parse::known_keys(
                map,
                "prefix",
                &["value", "case_insensitive", "boost", "rewrite"],
            )?;
            (
                parse::required_string(map, "prefix", "value")?,
                parse::boolean(map, "prefix", "case_insensitive")?.unwrap_or(false),
            )
        }
        None => (
            body.as_str()
                .ok_or_else(|| EsError::parsing("[prefix] must be a string"))?
                .to_owned(),
            false,
        ),
    };
    Ok(Query::Prefix(PrefixQuery {
        field: field.to_owned(),
        value,
        case_insensitive,
    }))
}
