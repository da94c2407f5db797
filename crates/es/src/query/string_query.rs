//! `query_string` and `simple_query_string`: a language of their own each, over the same fields.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/query-dsl-query-string-query.html>

use serde_json::Value;

use super::{Fuzziness, Operator, Query, boolean::minimum_should_match};
use crate::{EsError, parse, query_string, simple_query_string};

/// What both know.
const KNOWN: [&str; 14] = [
    "query",
    "fields",
    "default_operator",
    "analyze_wildcard",
    "analyzer",
    "lenient",
    "boost",
    "auto_generate_synonyms_phrase_query",
    "minimum_should_match",
    "fuzzy_prefix_length",
    "fuzzy_max_expansions",
    "fuzzy_transpositions",
    "quote_field_suffix",
    "default_field",
];
const OF_QUERY_STRING: [&str; 12] = [
    "time_zone",
    "allow_leading_wildcard",
    "fuzziness",
    "phrase_slop",
    "type",
    "tie_breaker",
    "escape",
    "quote_analyzer",
    "rewrite",
    "fuzzy_rewrite",
    "max_determinized_states",
    "enable_position_increments",
];

pub(super) fn parse(body: &Value, kind: &str) -> Result<Query, EsError> {
    let map = parse::object(body, kind)?;
    let is_simple = kind == "simple_query_string";
    let known: Vec<&str> = match is_simple {
        true => KNOWN.into_iter().chain(["flags"]).collect(),
        false => KNOWN.into_iter().chain(OF_QUERY_STRING).collect(),
    };
    parse::known_keys(map, kind, &known)?;
    let text = parse::required_string(map, kind, "query")?;
    let flags = parse::string(map, kind, "flags")?;
    if let Some(flags) = flags.filter(|flags| !["ALL", "all", "-1"].contains(&flags.as_str())) {
        return Err(EsError::unsupported(&format!(
            "[flags] [{flags}] of [{kind}]"
        )));
    }
    if let Some(suffix) = parse::string(map, kind, "quote_field_suffix")?
        && !suffix.is_empty()
    {
        return Err(EsError::unsupported(&format!(
            "[quote_field_suffix] of [{kind}]"
        )));
    }
    let options = options(map, kind, is_simple)?;
    match is_simple {
        true => Ok(simple_query_string::parse(&text, &options)),
        false => query_string::parse(&text, &options),
    }
}

fn options(
    map: &parse::Object,
    kind: &str,
    is_simple: bool,
) -> Result<query_string::Options, EsError> {
    let text = |name: &str| parse::string(map, kind, name);
    let flag = |name: &str| parse::boolean(map, kind, name);
    let number = |name: &str| parse::unsigned(map, kind, name);
    let mut fields: Vec<String> = map
        .get("fields")
        .map(parse::list)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|value| value.as_str())
        .map(str::to_owned)
        .collect();
    fields.extend(text("default_field")?);
    let usual_tie = match text("type")?.as_deref() {
        // Every field counts.
        _ if is_simple => 1.0,
        Some("most_fields") => 1.0,
        None | Some("best_fields") => 0.0,
        Some(other) => {
            return Err(EsError::unsupported(&format!(
                "[type] [{other}] of [{kind}]"
            )));
        }
    };
    let fuzziness = Fuzziness {
        text: text("fuzziness")?.unwrap_or_else(|| "AUTO".to_owned()),
        prefix_length: number("fuzzy_prefix_length")?.unwrap_or(0),
        transpositions: flag("fuzzy_transpositions")?.unwrap_or(true),
    };
    fuzziness.near("", "")?;
    Ok(query_string::Options {
        default_fields: fields,
        default_operator: Operator::parse(map.get("default_operator").and_then(Value::as_str))?,
        time_zone: text("time_zone")?,
        analyzer: text("analyzer")?,
        quote_analyzer: text("quote_analyzer")?,
        minimum_should_match: minimum_should_match(map, kind)?,
        fuzziness,
        phrase_slop: u32::try_from(number("phrase_slop")?.unwrap_or(0)).unwrap_or(u32::MAX),
        tie_breaker: parse::number(map, kind, "tie_breaker")?.unwrap_or(usual_tie),
        forbids_leading_wildcard: flag("allow_leading_wildcard")? == Some(false),
        is_escaped: flag("escape")?.unwrap_or(false),
    })
}
