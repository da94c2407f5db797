//! `bool`: the combination of others.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/query-dsl-bool-query.html>

use serde_json::Value;

use super::Query;
use crate::{EsError, parse};

/// How many of the `should` clauses must match.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MinimumShouldMatch {
    /// Negative: all but so many.
    Count(i64),
    /// Negative: all but that share.
    Percent(i64),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct BoolQuery {
    pub must: Vec<Query>,
    pub filter: Vec<Query>,
    pub should: Vec<Query>,
    pub must_not: Vec<Query>,
    pub minimum_should_match: Option<MinimumShouldMatch>,
}

impl BoolQuery {
    /// The number of `should` clauses that must match, given the default: one if nothing else is required.
    pub fn required_should(&self) -> usize {
        match self.minimum_should_match {
            None if self.must.is_empty() && self.filter.is_empty() => self.should.len().min(1),
            None => 0,
            Some(required) => required.of(self.should.len()),
        }
    }
}

pub(super) fn parse(body: &Value, depth: usize) -> Result<Query, EsError> {
    let map = parse::object(body, "bool")?;
    parse::known_keys(
        map,
        "bool",
        &[
            "must",
            "filter",
            "should",
            "must_not",
            "minimum_should_match",
            "boost",
            "adjust_pure_negative",
        ],
    )?;
    let clauses = |key: &str| -> Result<Vec<Query>, EsError> {
        map.get(key).map_or_else(
            || Ok(Vec::new()),
            |value| {
                parse::list(value)
                    .into_iter()
                    .map(|clause| Query::parse_at(clause, depth + 1))
                    .collect()
            },
        )
    };
    Ok(Query::Bool(Box::new(BoolQuery {
        must: clauses("must")?,
        filter: clauses("filter")?,
        should: clauses("should")?,
        must_not: clauses("must_not")?,
        minimum_should_match: minimum_should_match(map, "bool")?,
    })))
}

impl MinimumShouldMatch {
    /// How many of `total`.
    pub fn of(self, total: usize) -> usize {
        let total = i64::try_from(total).unwrap_or(i64::MAX);
        let required = match self {
            MinimumShouldMatch::Count(count) if count < 0 => total + count,
            MinimumShouldMatch::Count(count) => count,
            MinimumShouldMatch::Percent(percent) if percent < 0 => total - total * -percent / 100,
            MinimumShouldMatch::Percent(percent) => total * percent / 100,
        };
        usize::try_from(required.max(0)).unwrap_or(0)
    }
}

pub(super) fn minimum_should_match(
    map: &parse::Object,
    place: &str,
) -> Result<Option<MinimumShouldMatch>, EsError> {
    let Some(text) = parse::string(map, place, "minimum_should_match")? else {
        return Ok(None);
    };
    let wrong = || EsError::unsupported(&format!("minimum_should_match [{text}]"));
    let parsed = match text.strip_suffix('%') {
        Some(percent) => MinimumShouldMatch::Percent(percent.parse().map_err(|_| wrong())?),
        None => MinimumShouldMatch::Count(text.parse().map_err(|_| wrong())?),
    };
    Ok(Some(parsed))
}
