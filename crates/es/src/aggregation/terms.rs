//! `terms`: a bucket per value.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/search-aggregations-bucket-terms-aggregation.html>

use serde_json::{Value, json};

use crate::{
    EsError, parse,
    query::{Query, RegexpQuery},
};

#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    pub field: String,
    pub size: usize,
    pub min_doc_count: u64,
    pub order: Vec<BucketOrder>,
    /// Stands in for documents without a value.
    pub missing: Option<Value>,
    /// Only these, and none of those.
    pub include: Option<TermFilter>,
    pub exclude: Option<TermFilter>,
    /// Each bucket tells how wrong its count may be (`show_term_doc_count_error`).
    pub show_error: bool,
}

/// Which values have a bucket.
#[derive(Clone, Debug, PartialEq)]
pub enum TermFilter {
    /// A regular expression over the whole text.
    Pattern(RegexpQuery),
    Values(Vec<Value>),
}

impl TermFilter {
    fn parse(map: &parse::Object, name: &str) -> Result<Option<Self>, EsError> {
        match map.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(pattern)) => {
                let query = Query::parse(&json!({"regexp": {"value": pattern}}))?;
                match query {
                    Query::Regexp(regexp) => Ok(Some(TermFilter::Pattern(regexp))),
                    _ => Err(EsError::internal("a pattern is read as another query")),
                }
            }
            Some(Value::Array(values)) => Ok(Some(TermFilter::Values(values.clone()))),
            Some(_) => Err(EsError::unsupported(&format!(
                "[{name}] of a terms aggregation by partitions"
            ))),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct BucketOrder {
    pub target: OrderTarget,
    pub descending: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum OrderTarget {
    Count,
    Key,
    /// A metric under the bucket: `name` or `name.property`.
    Metric {
        name: String,
        property: Option<String>,
    },
}

/// As Elasticsearch's `search.max_buckets`.
pub(crate) const MAX_BUCKETS: usize = 65_536;

pub(super) fn parse(body: &Value) -> Result<Terms, EsError> {
    let map = parse::object(body, "terms")?;
    parse::known_keys(
        map,
        "terms",
        &[
            "field",
            "size",
            "shard_size",
            "min_doc_count",
            "order",
            "missing",
            "show_term_doc_count_error",
            "execution_hint",
            "collect_mode",
            "value_type",
            "include",
            "exclude",
        ],
    )?;
    let size = parse::unsigned(map, "terms", "size")?.unwrap_or(10);
    if size == 0 || size > MAX_BUCKETS {
        return Err(EsError::x_content(format!(
            "[size] of [terms] must be between 1 and {MAX_BUCKETS}, got {size}"
        )));
    }
    let mut order = orders(map)?;
    if order.is_empty() {
        order.push(BucketOrder {
            target: OrderTarget::Count,
            descending: true,
        });
    }
    Ok(Terms {
        field: parse::required_string(map, "terms", "field")?,
        size,
        min_doc_count: parse::unsigned(map, "terms", "min_doc_count")?.unwrap_or(1) as u64,
        order,
        missing: parse::value(map, "missing"),
        include: TermFilter::parse(map, "include")?,
        exclude: TermFilter::parse(map, "exclude")?,
        show_error: map.get("show_term_doc_count_error") == Some(&Value::Bool(true)),
    })
}

/// `order`: one or a list of them.
pub(super) fn orders(map: &parse::Object) -> Result<Vec<BucketOrder>, EsError> {
    let mut order = Vec::new();
    for entry in map.get("order").map(parse::list).unwrap_or_default() {
        for (target, direction) in parse::object(entry, "order")? {
            order.push(parse_order(target, direction)?);
        }
    }
    Ok(order)
}

pub(super) fn parse_order(target: &str, direction: &Value) -> Result<BucketOrder, EsError> {
    let descending = match direction.as_str() {
        Some(text) if text.eq_ignore_ascii_case("desc") => true,
        Some(text) if text.eq_ignore_ascii_case("asc") => false,
        _ => {
            return Err(EsError::parsing(format!(
                "unknown order direction [{direction}], expected [asc] or [desc]"
            )));
        }
    };
    let target = match target {
        "_count" => OrderTarget::Count,
        "_key" | "_term" => OrderTarget::Key,
        path => {
            let (name, property) = match path.split_once('.') {
                Some((name, property)) => (name, Some(property.to_owned())),
                None => (path, None),
            };
            OrderTarget::Metric {
                name: name.to_owned(),
                property,
            }
        }
    };
    Ok(BucketOrder { target, descending })
}
