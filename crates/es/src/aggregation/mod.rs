//! Aggregations as types; each is one file with its parser.

mod cardinality;
mod date_histogram;
mod filter;
mod filters;
mod metric;
mod percentiles;
mod terms;

pub use cardinality::Cardinality;
pub use date_histogram::{CalendarUnit, DateHistogram, Interval};
pub use filters::Filters;
pub use metric::{Metric, MetricKind};
pub use percentiles::Percentiles;
pub use terms::{BucketOrder, OrderTarget, Terms};

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{EsError, parse, query::Query};

/// What is computed over the documents that match.
#[derive(Clone, Debug, PartialEq)]
pub enum AggregationKind {
    Terms(Terms),
    DateHistogram(DateHistogram),
    Filter(Query),
    Filters(Filters),
    Metric(Metric),
    Percentiles(Percentiles),
    Cardinality(Cardinality),
}

/// An aggregation with what is nested under it.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregation {
    pub kind: AggregationKind,
    pub nested: Aggregations,
    pub meta: Option<Value>,
}

/// Aggregations by name.
pub type Aggregations = BTreeMap<String, Aggregation>;

/// How deep aggregations may nest.
const MAX_DEPTH: usize = 10;

/// Reads the object under `aggs` or `aggregations`.
pub fn parse(value: &Value) -> Result<Aggregations, EsError> {
    parse_at(value, 0)
}

fn parse_at(value: &Value, depth: usize) -> Result<Aggregations, EsError> {
    if depth > MAX_DEPTH {
        return Err(EsError::illegal_argument(format!(
            "aggregations nest deeper than {MAX_DEPTH}"
        )));
    }
    parse::object(value, "aggs")?
        .iter()
        .map(|(name, body)| Ok((name.clone(), parse_one(name, body, depth)?)))
        .collect()
}

fn parse_one(name: &str, body: &Value, depth: usize) -> Result<Aggregation, EsError> {
    let map = parse::object(body, name)?;
    let nested = match map.get("aggs").or_else(|| map.get("aggregations")) {
        Some(nested) => parse_at(nested, depth + 1)?,
        None => Aggregations::new(),
    };
    let mut kinds = map
        .iter()
        .filter(|(key, _)| !["aggs", "aggregations", "meta"].contains(&key.as_str()));
    let (Some((kind, body)), None) = (kinds.next(), kinds.next()) else {
        return Err(EsError::parsing(format!(
            "expected exactly one aggregation type in [{name}]"
        )));
    };
    let kind = parse_kind(kind, body)?;
    let takes_nested = matches!(
        kind,
        AggregationKind::Terms(_)
            | AggregationKind::DateHistogram(_)
            | AggregationKind::Filter(_)
            | AggregationKind::Filters(_)
    );
    if !takes_nested && !nested.is_empty() {
        return Err(EsError::parsing(format!(
            "aggregator [{name}] cannot accept sub-aggregations"
        )));
    }
    Ok(Aggregation {
        kind,
        nested,
        meta: map.get("meta").cloned(),
    })
}

fn parse_kind(kind: &str, body: &Value) -> Result<AggregationKind, EsError> {
    match kind {
        "terms" => terms::parse(body).map(AggregationKind::Terms),
        "date_histogram" => date_histogram::parse(body).map(AggregationKind::DateHistogram),
        "filter" => filter::parse(body).map(AggregationKind::Filter),
        "filters" => filters::parse(body).map(AggregationKind::Filters),
        "percentiles" => percentiles::parse(body).map(AggregationKind::Percentiles),
        "cardinality" => cardinality::parse(body).map(AggregationKind::Cardinality),
        other => match MetricKind::parse(other) {
            Some(kind) => metric::parse(kind, other, body).map(AggregationKind::Metric),
            None => Err(EsError::unsupported(&format!("aggregation [{other}]"))),
        },
    }
}
