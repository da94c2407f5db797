//! `match_phrase`: words in order.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/query-dsl-match-query-phrase.html>

use serde_json::Value;

use super::Query;
use crate::{EsError, parse};

#[derive(Clone, Debug, PartialEq)]
pub struct MatchPhraseQuery {
    pub field: String,
    pub value: Value,
    pub slop: u32,
    /// The last word may go on.
    pub prefix: bool,
    pub lenient: bool,
    /// Another analyzer than the field's.
    pub analyzer: Option<String>,
}

pub(super) fn parse(body: &Value, prefix: bool) -> Result<Query, EsError> {
    let place = if prefix {
        "match_phrase_prefix"
    } else {
        "match_phrase"
    };
    let (field, body) = parse::single(body, place)?;
    let (value, slop, analyzer) = match body.as_object() {
        Some(map) => {
            let known = ["query", "slop", "boost", "max_expansions", "analyzer"];
            parse::known_keys(map, place, &known)?;
            let value = map
                .get("query")
                .cloned()
                .ok_or_else(|| EsError::parsing(format!("[{place}] requires [query]")))?;
            let slop = parse::unsigned(map, place, "slop")?.unwrap_or(0);
            (value, slop, parse::string(map, place, "analyzer")?)
        }
        None => (body.clone(), 0, None),
    };
    Ok(Query::MatchPhrase(MatchPhraseQuery {
        field: field.to_owned(),
        value,
        slop: u32::try_from(slop).unwrap_or(u32::MAX),
        prefix,
        lenient: false,
        analyzer,
    }))
}
