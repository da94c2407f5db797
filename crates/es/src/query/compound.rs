//! `constant_score`, `dis_max`, and `multi_match`, which is one of many `match`.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/query-dsl-multi-match-query.html>

use serde_json::{Value, json};

use super::{MinimumShouldMatch, Operator, Query, boolean::minimum_should_match};
use crate::{EsError, parse};

/// The best of several, with a share of the others.
#[derive(Clone, Debug, PartialEq)]
pub struct DisMaxQuery {
    pub queries: Vec<Query>,
    pub tie_breaker: f64,
}

pub(super) fn parse_constant_score(body: &Value, depth: usize) -> Result<Query, EsError> {
    let map = parse::object(body, "constant_score")?;
    parse::known_keys(map, "constant_score", &["filter", "boost"])?;
    let filter = map
        .get("filter")
        .ok_or_else(|| EsError::parsing("[constant_score] requires a 'filter' element"))?;
    Ok(Query::ConstantScore(Box::new(Query::parse_at(
        filter,
        depth + 1,
    )?)))
}

pub(super) fn parse_dis_max(body: &Value, depth: usize) -> Result<Query, EsError> {
    let map = parse::object(body, "dis_max")?;
    parse::known_keys(map, "dis_max", &["queries", "tie_breaker", "boost"])?;
    let queries = map.get("queries").map(parse::list).unwrap_or_default();
    if queries.is_empty() {
        return Err(EsError::parsing(
            "[dis_max] requires 'queries' field with at least one clause",
        ));
    }
    Ok(Query::DisMax(DisMaxQuery {
        queries: queries
            .into_iter()
            .map(|query| Query::parse_at(query, depth + 1))
            .collect::<Result<_, _>>()?,
        tie_breaker: parse::number(map, "dis_max", "tie_breaker")?.unwrap_or(0.0),
    }))
}

/// `multi_match` of the type `cross_fields`: each word may be in any of the fields.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossFieldsQuery {
    /// With what each counts for; a name may hold `*`.
    pub fields: Vec<(String, f32)>,
    pub text: String,
    pub operator: Operator,
    pub minimum_should_match: Option<MinimumShouldMatch>,
}

fn cross_fields(map: &parse::Object, text: &Value) -> Result<Query, EsError> {
    let refused = ["fuzziness", "prefix_length", "fuzzy_transpositions", "slop"];
    if let Some(name) = refused.iter().find(|name| map.contains_key(**name)) {
        return Err(EsError::parsing(format!(
            "{name} not allowed for type [cross_fields]"
        )));
    }
    let fields = map.get("fields").map(parse::list).unwrap_or_default();
    let fields: Vec<(String, f32)> = fields
        .into_iter()
        .filter_map(Value::as_str)
        .map(|field| match field.split_once('^') {
            None => Ok((field.to_owned(), 1.0)),
            Some((name, boost)) => match boost.parse() {
                Ok(boost) => Ok((name.to_owned(), boost)),
                Err(_) => Err(no_boost(name, boost)),
            },
        })
        .collect::<Result<_, _>>()?;
    Ok(Query::CrossFields(CrossFieldsQuery {
        fields: match fields.is_empty() {
            true => vec![("*".to_owned(), 1.0)],
            false => fields,
        },
        text: text
            .as_str()
            .map_or_else(|| text.to_string(), str::to_owned),
        operator: Operator::parse(map.get("operator").and_then(Value::as_str))?,
        minimum_should_match: minimum_should_match(map, "multi_match")?,
    }))
}

fn no_boost(field: &str, boost: &str) -> EsError {
    EsError::illegal_argument(format!("the boost [{boost}] of [{field}] is no number"))
}

/// What each field's query has from the request.
const OF_WORDS: [&str; 8] = [
    "operator",
    "minimum_should_match",
    "lenient",
    "analyzer",
    "fuzziness",
    "prefix_length",
    "fuzzy_transpositions",
    "zero_terms_query",
];

pub(super) fn parse_multi_match(body: &Value, depth: usize) -> Result<Query, EsError> {
    let place = "multi_match";
    let map = parse::object(body, place)?;
    parse::known_keys(
        map,
        place,
        &[
            "query",
            "fields",
            "type",
            "tie_breaker",
            "operator",
            "minimum_should_match",
            "lenient",
            "slop",
            "boost",
            "analyzer",
            "fuzziness",
            "prefix_length",
            "max_expansions",
            "fuzzy_transpositions",
            "zero_terms_query",
        ],
    )?;
    let query = map
        .get("query")
        .ok_or_else(|| EsError::parsing("No text specified for multi_match query"))?;
    let wanted = parse::string(map, place, "type")?;
    let (kind, usual_tie, options): (_, _, &[&str]) = match wanted.as_deref() {
        None | Some("best_fields") => ("match", 0.0, &OF_WORDS),
        Some("most_fields") => ("match", 1.0, &OF_WORDS),
        Some("cross_fields") => return cross_fields(map, query),
        Some("bool_prefix") => ("match_bool_prefix", 1.0, &OF_WORDS),
        Some("phrase") => ("match_phrase", 0.0, &["slop", "analyzer"]),
        Some("phrase_prefix") => ("match_phrase_prefix", 0.0, &["slop", "analyzer"]),
        Some(other) => {
            return Err(EsError::unsupported(&format!(
                "[type] [{other}] of [multi_match]"
            )));
        }
    };
    let lenient = parse::boolean(map, place, "lenient")?.unwrap_or(false);
    let fields: Vec<&str> = map
        .get("fields")
        .map(parse::list)
        .unwrap_or_default()
        .into_iter()
        .filter_map(Value::as_str)
        .collect();
    let of_field = |field: &str| {
        let (field, boost) = field.split_once('^').unwrap_or((field, "1"));
        let mut one = json!({"query": query});
        for name in options {
            if let Some(option) = map.get(*name) {
                one[*name] = option.clone();
            }
        }
        let boost: f64 = boost.parse().map_err(|_| no_boost(field, boost))?;
        one["boost"] = json!(boost);
        let mut query = Query::parse_at(&json!({kind: {field: one}}), depth + 1)?;
        if lenient {
            forgive(&mut query);
        }
        Ok::<Query, EsError>(query)
    };
    let fields = if fields.is_empty() { vec!["*"] } else { fields };
    Ok(Query::DisMax(DisMaxQuery {
        queries: fields.into_iter().map(of_field).collect::<Result<_, _>>()?,
        tie_breaker: parse::number(map, place, "tie_breaker")?.unwrap_or(usual_tie),
    }))
}

/// A phrase has no `lenient` of its own in a request.
fn forgive(query: &mut Query) {
    match query {
        Query::MatchPhrase(phrase) => phrase.lenient = true,
        Query::Boost(inner, _) => forgive(inner),
        _ => {}
    }
}
