//! `match`: analysed text, or the exact value on other types.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/query-dsl-match-query.html>

use serde_json::Value;

use super::{FuzzyQuery, MinimumShouldMatch, Query, boolean::minimum_should_match, edit_distance};
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
    pub words: Words,
}

/// How the words of a text are made and compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Words {
    /// Another analyzer than the field's.
    pub analyzer: Option<String>,
    pub fuzziness: Option<Fuzziness>,
    /// A text without a word matches everything (`zero_terms_query: all`).
    pub none_match_all: bool,
    /// The last word may go on (`match_bool_prefix`).
    pub is_last_prefix: bool,
}

/// Words may be a little different.
#[derive(Clone, Debug, PartialEq)]
pub struct Fuzziness {
    /// `AUTO`, `1`, …
    pub text: String,
    pub prefix_length: usize,
    pub transpositions: bool,
}

impl Fuzziness {
    /// The query for one word.
    pub fn near(&self, field: &str, word: &str) -> Result<FuzzyQuery, EsError> {
        // Unlike in a `fuzzy` query, more edits than there can be mean as many as there can be.
        let is_too_much = self.text.parse::<f64>().is_ok_and(|edits| edits > 2.0);
        let text = if is_too_much { "2" } else { &self.text };
        Ok(FuzzyQuery {
            field: field.to_owned(),
            value: word.to_owned(),
            distance: edit_distance(text, word.chars().count())?,
            prefix_length: self.prefix_length,
            transpositions: self.transpositions,
        })
    }
}

/// `match`, or `match_bool_prefix`.
pub(super) fn parse(body: &Value, is_last_prefix: bool) -> Result<Query, EsError> {
    let (field, body) = parse::single(body, "match")?;
    let Some(map) = body.as_object() else {
        return Ok(Query::Match(MatchQuery {
            field: field.to_owned(),
            value: body.clone(),
            operator: Operator::Or,
            minimum_should_match: None,
            lenient: false,
            words: Words {
                is_last_prefix,
                ..Words::default()
            },
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
            "analyzer",
            "fuzziness",
            "prefix_length",
            "max_expansions",
            "fuzzy_transpositions",
            "fuzzy_rewrite",
            "zero_terms_query",
            "auto_generate_synonyms_phrase_query",
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
        words: Words {
            is_last_prefix,
            ..words(map)?
        },
    }))
}

fn words(map: &parse::Object) -> Result<Words, EsError> {
    let text = |name: &str| parse::string(map, "match", name);
    let fuzziness = match text("fuzziness")? {
        None => None,
        Some(text) => {
            let fuzziness = Fuzziness {
                text,
                prefix_length: parse::unsigned(map, "match", "prefix_length")?.unwrap_or(0),
                transpositions: parse::boolean(map, "match", "fuzzy_transpositions")?
                    .unwrap_or(true),
            };
            fuzziness.near("", "")?;
            Some(fuzziness)
        }
    };
    let none_match_all = match text("zero_terms_query")?.as_deref() {
        None | Some("none" | "NONE") => false,
        Some("all" | "ALL") => true,
        Some(other) => {
            return Err(EsError::parsing(format!(
                "Unsupported zero_terms_query value [{other}]"
            )));
        }
    };
    Ok(Words {
        analyzer: text("analyzer")?,
        fuzziness,
        none_match_all,
        is_last_prefix: false,
    })
}
