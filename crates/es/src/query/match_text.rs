//! `match`: analysed text, or the exact value on other types.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/query-dsl-match-query.html>

use serde_json::Value;

use super::{MinimumShouldMatch, Query, boolean::minimum_should_match};
use crate::{EsError, parse};

/// How the words of a text combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Or,
    And,
}

impl Operator {
    pub(crate) fn parse(text: Option<&str>) -> Result<Self, EsError> {
        match text {
            None => Ok(Operator::Or),
            Some(text) if text.eq_ignore_ascii_case("or") => Ok(Operator::Or),
            Some(text) if text.eq_ignore_ascii_case("and") => Ok(Operator::And),
            Some(text) => Err(EsError::parsing(format!(
                "operator must be [and] or [or], got [{text}]"
            ))),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct MatchQuery {
    pub field: String,
    pub value: Value,
    pub operator: Operator,
    /// Of the words, when any will do.
    pub minimum_should_match: Option<MinimumShouldMatch>,
    /// Do not fail on a value that the field's type cannot hold.
    pub lenient: bool,
}

pub(super) fn parse(body: &Value) -> Result<Query, EsError> {
    let (field, body) = parse::single(body, "match")?;
    let Some(map) = body.as_object() else {
        return Ok(Query::Match(MatchQuery {
            field: field.to_owned(),
            value: body.clone(),
            operator: Operator::Or,
            minimum_should_match: None,
            lenient: false,
        }));
    };
    parse::known_keys(
        map,
        "match",
        &[
            "query",
            "operator",
            "minimum_should_match",
            "lenient",
            "boost",
        ],
    )?;
    let value = map
        .get("query")
        .cloned()
        .ok_or_else(|| EsError::parsing("[match] requires [query]"))?;
    Ok(Query::Match(MatchQuery {
        field: field.to_owned(),
        value,
        operator: Operator::parse(map.get("operator").and_then(Value::as_str))?,
        minimum_should_match: minimum_should_match(map, "match")?,
        lenient: parse::boolean(map, "match", "lenient")?.unwrap_or(false),
    }))
}
