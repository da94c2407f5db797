//! `query_string` and `simple_query_string`: a language of their own each, over the same fields.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/query-dsl-query-string-query.html>

use serde_json::Value;

use super::{Operator, Query};
use crate::{EsError, parse, query_string, simple_query_string};

pub(super) fn parse(body: &Value, kind: &str) -> Result<Query, EsError> {
    let map = parse::object(body, kind)?;
    parse::known_keys(
        map,
        kind,
        &[
            "query",
            "default_field",
            "fields",
            "default_operator",
            "analyze_wildcard",
            "lenient",
            "time_zone",
            "boost",
            "allow_leading_wildcard",
            "auto_generate_synonyms_phrase_query",
        ],
    )?;
    let mut fields: Vec<String> = map
        .get("fields")
        .map(parse::list)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|value| value.as_str())
        .map(str::to_owned)
        .collect();
    fields.extend(parse::string(map, kind, "default_field")?);
    let options = query_string::Options {
        default_fields: fields,
        default_operator: Operator::parse(map.get("default_operator").and_then(Value::as_str))?,
        time_zone: parse::string(map, kind, "time_zone")?,
    };
    let text = parse::required_string(map, kind, "query")?;
    match kind {
        "simple_query_string" => Ok(simple_query_string::parse(&text, &options)),
        _ => query_string::parse(&text, &options),
    }
}
