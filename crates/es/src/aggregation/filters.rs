//! `filters`: a bucket per query, named or anonymous.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/search-aggregations-bucket-filters-aggregation.html>

use serde_json::Value;

use crate::{EsError, parse, query::Query};

#[derive(Clone, Debug, PartialEq)]
pub struct Filters {
    /// With a name each, or all without.
    pub queries: Vec<(Option<String>, Query)>,
    /// The key of the bucket for documents that match none.
    pub other_bucket_key: Option<String>,
}

pub(super) fn parse(body: &Value) -> Result<Filters, EsError> {
    let map = parse::object(body, "filters")?;
    parse::known_keys(
        map,
        "filters",
        &["filters", "other_bucket", "other_bucket_key"],
    )?;
    let queries = match map.get("filters") {
        Some(Value::Object(named)) => named
            .iter()
            .map(|(name, query)| Ok((Some(name.clone()), Query::parse(query)?)))
            .collect::<Result<_, EsError>>()?,
        Some(Value::Array(anonymous)) => anonymous
            .iter()
            .map(|query| Ok((None, Query::parse(query)?)))
            .collect::<Result<_, EsError>>()?,
        _ => {
            return Err(EsError::parsing(
                "[filters] requires [filters], an object or a list",
            ));
        }
    };
    let other = parse::boolean(map, "filters", "other_bucket")?.unwrap_or(false);
    let key = parse::string(map, "filters", "other_bucket_key")?;
    Ok(Filters {
        queries,
        other_bucket_key: key.or_else(|| other.then(|| "_other_".to_owned())),
    })
}
