//! The query DSL as types; each query is one file with its parser.

mod boolean;
mod exists;
mod ids;
mod match_all;
mod match_phrase;
mod match_text;
mod prefix;
mod range;
mod string_query;
mod term;
mod terms;
mod wildcard;

pub use boolean::{BoolQuery, MinimumShouldMatch};
pub use exists::ExistsQuery;
pub use ids::IdsQuery;
pub use match_phrase::MatchPhraseQuery;
pub use match_text::{MatchQuery, Operator};
pub use prefix::PrefixQuery;
pub use range::RangeQuery;
pub use term::TermQuery;
pub use terms::TermsQuery;
pub use wildcard::{WildcardQuery, wildcard_matches};

use serde_json::Value;

use crate::{EsError, parse};

/// A parsed query. `query_string` is lowered to these when it is parsed.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    MatchAll,
    MatchNone,
    Match(MatchQuery),
    MatchPhrase(MatchPhraseQuery),
    Term(TermQuery),
    Terms(TermsQuery),
    Range(RangeQuery),
    Exists(ExistsQuery),
    Bool(Box<BoolQuery>),
    Wildcard(WildcardQuery),
    Prefix(PrefixQuery),
    Ids(IdsQuery),
}

/// How deep queries may nest; a deeper one is refused instead of exhausting the stack.
pub const MAX_DEPTH: usize = 50;

impl Query {
    /// Reads `{"<type>": {…}}`.
    pub fn parse(value: &Value) -> Result<Self, EsError> {
        Self::parse_at(value, 0)
    }

    pub(crate) fn parse_at(value: &Value, depth: usize) -> Result<Self, EsError> {
        if depth > MAX_DEPTH {
            return Err(EsError::illegal_argument(format!(
                "queries nest deeper than {MAX_DEPTH}"
            )));
        }
        let (kind, body) = match value.as_object() {
            Some(map) if map.len() == 1 => parse::single(value, "query")?,
            Some(map) if map.is_empty() => {
                return Err(EsError::illegal_argument(
                    "query malformed, empty clause found",
                ));
            }
            Some(_) => {
                return Err(EsError::parsing(
                    "[query] malformed query, expected one query type per object",
                ));
            }
            None => {
                return Err(EsError::parsing(
                    "[query] malformed query, must start with an object",
                ));
            }
        };
        match kind {
            "match_all" => match_all::parse(body),
            "match_none" => Ok(Query::MatchNone),
            "match" => match_text::parse(body),
            "match_phrase" => match_phrase::parse(body),
            "term" => term::parse(body),
            "terms" => terms::parse(body),
            "range" => range::parse(body),
            "exists" => exists::parse(body),
            "bool" => boolean::parse(body, depth),
            "wildcard" => wildcard::parse(body),
            "prefix" => prefix::parse(body),
            "ids" => ids::parse(body),
            "query_string" | "simple_query_string" => string_query::parse(body, kind),
            other => Err(EsError::unsupported(&format!("query [{other}]"))),
        }
    }
}
