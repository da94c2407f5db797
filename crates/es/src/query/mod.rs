//! The query DSL as types; each query is one file with its parser.

mod boolean;
mod compound;
mod exists;
mod fuzzy;
mod ids;
mod match_all;
mod match_phrase;
mod match_text;
mod prefix;
mod range;
mod regexp;
mod string_query;
mod term;
mod terms;
mod wildcard;

pub use boolean::{BoolQuery, MinimumShouldMatch};
pub use compound::{CrossFieldsQuery, DisMaxQuery};
pub use exists::ExistsQuery;
pub use fuzzy::{FuzzyQuery, edit_distance};
pub use ids::IdsQuery;
pub use match_phrase::MatchPhraseQuery;
pub use match_text::{Fuzziness, MatchQuery, Operator, Words};
pub use prefix::PrefixQuery;
pub use range::RangeQuery;
pub use regexp::RegexpQuery;
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
    Regexp(RegexpQuery),
    Fuzzy(FuzzyQuery),
    Ids(IdsQuery),
    /// Matches as the other, and all equally well.
    ConstantScore(Box<Query>),
    DisMax(DisMaxQuery),
    CrossFields(CrossFieldsQuery),
    /// Its score times this.
    Boost(Box<Query>, f32),
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
        let query = Self::parse_kind(kind, body, depth)?;
        match boost(body) {
            Some(boost) if boost != 1.0 => Ok(Query::Boost(Box::new(query), boost)),
            _ => Ok(query),
        }
    }

    fn parse_kind(kind: &str, body: &Value, depth: usize) -> Result<Self, EsError> {
        match kind {
            "match_all" => match_all::parse(body),
            "match_none" => Ok(Query::MatchNone),
            "match" => match_text::parse(body, false),
            "match_bool_prefix" => match_text::parse(body, true),
            "match_phrase" => match_phrase::parse(body, false),
            "match_phrase_prefix" => match_phrase::parse(body, true),
            "multi_match" => compound::parse_multi_match(body, depth),
            "term" => term::parse(body),
            "terms" => terms::parse(body),
            "range" => range::parse(body),
            "exists" => exists::parse(body),
            "bool" => boolean::parse(body, depth),
            "wildcard" => wildcard::parse(body),
            "prefix" => prefix::parse(body),
            "regexp" => regexp::parse(body),
            "fuzzy" => fuzzy::parse(body),
            "ids" => ids::parse(body),
            "constant_score" => compound::parse_constant_score(body, depth),
            "dis_max" => compound::parse_dis_max(body, depth),
            "query_string" | "simple_query_string" => string_query::parse(body, kind),
            other => Err(EsError::unsupported(&format!("query [{other}]"))),
        }
    }
}

/// `boost` of a query, or of the one field that it names.
fn boost(body: &Value) -> Option<f32> {
    let map = body.as_object()?;
    let own = map.get("boost").filter(|boost| !boost.is_object());
    let of_field = || match map.values().next() {
        Some(Value::Object(field)) if map.len() == 1 => field.get("boost"),
        _ => None,
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "scores are single precision"
    )]
    let single = |boost: f64| boost as f32;
    own.or_else(of_field)?.as_f64().map(single)
}
