//! Aggregations as types; each is one file with its parser.

mod auto_date_histogram;
mod cardinality;
mod composite;
mod date_histogram;
mod expression;
mod filter;
mod filters;
mod histogram;
mod ip_range;
mod metric;
mod percentiles;
mod pipeline;
mod range;
mod terms;
mod top_hits;
mod typed;
mod weighted_avg;

pub use auto_date_histogram::{AutoDateHistogram, CalendarStep, STEPS};
pub use cardinality::Cardinality;
pub use composite::{Composite, MultiTerm, MultiTerms, Source, SourceKind};
pub use date_histogram::{CalendarUnit, DateHistogram, Interval};
pub use expression::Expression;
pub use filters::Filters;
pub use histogram::Histogram;
pub use ip_range::{IpEnds, IpRange, IpRanges};
pub use metric::{Metric, MetricKind};
pub use percentiles::{PercentileRanks, Percentiles};
pub use pipeline::{MovingFunction, Pipeline, PipelineKind, SiblingKind, VALUE};
pub use range::{RangeBucket, Ranges};
pub use terms::{BucketOrder, OrderTarget, TermFilter, Terms};
pub use top_hits::TopHits;
pub use typed::type_names;
pub use weighted_avg::{Operand, WeightedAvg};

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{EsError, parse, query::Query};

/// What is computed over the documents that match.
#[derive(Clone, Debug, PartialEq)]
pub enum AggregationKind {
    Terms(Terms),
    MultiTerms(MultiTerms),
    Composite(Composite),
    DateHistogram(DateHistogram),
    AutoDateHistogram(AutoDateHistogram),
    Histogram(Histogram),
    Ranges(Ranges),
    IpRanges(IpRanges),
    Filter(Query),
    Filters(Filters),
    /// Documents without a value of the field.
    Missing(String),
    /// All documents, whatever the query.
    Global,
    Metric(Metric),
    WeightedAvg(WeightedAvg),
    Percentiles(Percentiles),
    PercentileRanks(PercentileRanks),
    Cardinality(Cardinality),
    TopHits(TopHits),
    Pipeline(Pipeline),
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
    let kind_name = kind;
    let kind = parse_kind(kind, body)?;
    let takes_nested = matches!(
        kind,
        AggregationKind::Terms(_)
            | AggregationKind::MultiTerms(_)
            | AggregationKind::Composite(_)
            | AggregationKind::DateHistogram(_)
            | AggregationKind::AutoDateHistogram(_)
            | AggregationKind::Histogram(_)
            | AggregationKind::Ranges(_)
            | AggregationKind::IpRanges(_)
            | AggregationKind::Filter(_)
            | AggregationKind::Filters(_)
            | AggregationKind::Missing(_)
            | AggregationKind::Global
    );
    if depth > 0 && kind == AggregationKind::Global {
        return Err(EsError::new(
            500,
            "aggregation_execution_exception",
            format!(
                "Aggregation [{name}] cannot have a global sub-aggregation [global]. Global aggregations can only be defined as top level aggregations"
            ),
        ));
    }
    if depth > 0 && matches!(kind, AggregationKind::Composite(_)) {
        return Err(EsError::illegal_argument(
            "[composite] aggregation cannot be used with a parentAggregation",
        ));
    }
    check_pipelines(&kind, &nested)?;
    if !takes_nested && !nested.is_empty() {
        return Err(EsError::new(
            500,
            "aggregation_initialization_exception",
            format!(
                "Aggregator [{name}] of type [{}] cannot accept sub-aggregations",
                kind_name
            ),
        ));
    }
    Ok(Aggregation {
        kind,
        nested,
        meta: map.get("meta").cloned(),
    })
}

/// Some pipelines go from one bucket to the next: only a histogram that leaves none out has a next one.
fn check_pipelines(parent: &AggregationKind, nested: &Aggregations) -> Result<(), EsError> {
    let has_every_bucket = match parent {
        AggregationKind::DateHistogram(histogram) => histogram.min_doc_count == 0,
        AggregationKind::Histogram(histogram) => histogram.min_doc_count == 0,
        AggregationKind::AutoDateHistogram(_) => true,
        _ => false,
    };
    let wrong = nested.iter().find(|(_, own)| match &own.kind {
        AggregationKind::Pipeline(pipeline) => pipeline.needs_every_bucket() && !has_every_bucket,
        _ => false,
    });
    match wrong {
        None => Ok(()),
        Some((name, _)) => Err(EsError::invalid_request(&format!(
            "parent of aggregation [{name}] must be a histogram or date_histogram with min_doc_count of 0"
        ))),
    }
}

fn parse_kind(kind: &str, body: &Value) -> Result<AggregationKind, EsError> {
    match kind {
        "terms" => terms::parse(body).map(AggregationKind::Terms),
        "multi_terms" => composite::parse_multi_terms(body).map(AggregationKind::MultiTerms),
        "composite" => composite::parse(body).map(AggregationKind::Composite),
        "date_histogram" => date_histogram::parse(body).map(AggregationKind::DateHistogram),
        "auto_date_histogram" => {
            auto_date_histogram::parse(body).map(AggregationKind::AutoDateHistogram)
        }
        "histogram" => histogram::parse(body).map(AggregationKind::Histogram),
        "range" => range::parse(body, false).map(AggregationKind::Ranges),
        "date_range" => range::parse(body, true).map(AggregationKind::Ranges),
        "ip_range" => ip_range::parse(body).map(AggregationKind::IpRanges),
        "filter" => filter::parse(body).map(AggregationKind::Filter),
        "filters" => filters::parse(body).map(AggregationKind::Filters),
        "missing" => missing(body).map(AggregationKind::Missing),
        "global" => Ok(AggregationKind::Global),
        "weighted_avg" => weighted_avg::parse(body).map(AggregationKind::WeightedAvg),
        "percentiles" => percentiles::parse(body).map(AggregationKind::Percentiles),
        "percentile_ranks" => percentiles::parse_ranks(body).map(AggregationKind::PercentileRanks),
        "cardinality" => cardinality::parse(body).map(AggregationKind::Cardinality),
        "top_hits" => top_hits::parse(body).map(AggregationKind::TopHits),
        other => {
            let metric =
                metric::parse(other, body).map(|parsed| parsed.map(AggregationKind::Metric));
            let pipeline =
                || pipeline::parse(other, body).map(|parsed| parsed.map(AggregationKind::Pipeline));
            metric
                .or_else(pipeline)
                .unwrap_or_else(|| Err(EsError::unsupported(&format!("aggregation [{other}]"))))
        }
    }
}

fn missing(body: &Value) -> Result<String, EsError> {
    let map = parse::object(body, "missing")?;
    parse::known_keys(map, "missing", &["field"])?;
    parse::required_string(map, "missing", "field")
}

/// `order` of histograms: by key, up or down.
fn key_order(map: &parse::Object, place: &str) -> Result<bool, EsError> {
    match map.get("order").and_then(Value::as_object) {
        None => Ok(false),
        Some(order) => match order.get("_key").and_then(Value::as_str) {
            Some("asc") => Ok(false),
            Some("desc") => Ok(true),
            _ => Err(EsError::unsupported(&format!(
                "order of [{place}] other than by [_key]"
            ))),
        },
    }
}
