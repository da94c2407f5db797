//! `typed_keys`: the names of aggregations in an answer begin with what they are, for clients that read them by it.

use serde_json::{Map, Value};

use super::{Aggregation, AggregationKind, Aggregations, MetricKind, PipelineKind, SiblingKind};

/// Gives every aggregation of an answer its typed name (`sterms#hosts`).
pub fn type_names(aggregations: &Aggregations, answer: &mut Map<String, Value>) {
    for (name, aggregation) in aggregations {
        let Some(mut own) = answer.remove(name) else {
            continue;
        };
        match own.get_mut("buckets") {
            Some(Value::Array(buckets)) => buckets.iter_mut().for_each(|bucket| {
                inside(aggregation, bucket);
            }),
            Some(Value::Object(buckets)) => buckets.values_mut().for_each(|bucket| {
                inside(aggregation, bucket);
            }),
            _ => inside(aggregation, &mut own),
        }
        answer.insert(format!("{}#{name}", type_of(&aggregation.kind, &own)), own);
    }
}

fn inside(aggregation: &Aggregation, bucket: &mut Value) {
    if let Some(bucket) = bucket.as_object_mut() {
        type_names(&aggregation.nested, bucket);
    }
}

fn type_of(kind: &AggregationKind, answer: &Value) -> &'static str {
    match kind {
        AggregationKind::Terms(_) => terms(answer),
        AggregationKind::MultiTerms(_) => "multi_terms",
        AggregationKind::Composite(_) => "composite",
        AggregationKind::DateHistogram(_) => "date_histogram",
        AggregationKind::AutoDateHistogram(_) => "auto_date_histogram",
        AggregationKind::Histogram(_) => "histogram",
        AggregationKind::Ranges(ranges) if ranges.dates => "date_range",
        AggregationKind::Ranges(_) => "range",
        AggregationKind::IpRanges(_) => "ip_range",
        AggregationKind::Filter(_) => "filter",
        AggregationKind::Filters(_) => "filters",
        AggregationKind::Missing(_) => "missing",
        AggregationKind::Global => "global",
        AggregationKind::Metric(metric) => match metric.kind {
            MetricKind::Min => "min",
            MetricKind::Max => "max",
            MetricKind::Avg => "avg",
            MetricKind::Sum => "sum",
            MetricKind::ValueCount => "value_count",
            MetricKind::Stats => "stats",
            MetricKind::ExtendedStats { .. } => "extended_stats",
            MetricKind::MedianAbsoluteDeviation => "median_absolute_deviation",
        },
        AggregationKind::WeightedAvg(_) => "weighted_avg",
        AggregationKind::Percentiles(_) => "tdigest_percentiles",
        AggregationKind::PercentileRanks(_) => "tdigest_percentile_ranks",
        AggregationKind::Cardinality(_) => "cardinality",
        AggregationKind::TopHits(_) => "top_hits",
        AggregationKind::Pipeline(pipeline) => match &pipeline.kind {
            PipelineKind::Derivative { .. } => "derivative",
            PipelineKind::Sibling(SiblingKind::Percentiles(_)) => "percentiles_bucket",
            PipelineKind::Sibling(SiblingKind::Metric(metric)) => match metric {
                MetricKind::Min | MetricKind::Max => "bucket_metric_value",
                MetricKind::Stats => "stats_bucket",
                MetricKind::ExtendedStats { .. } => "extended_stats_bucket",
                _ => "simple_value",
            },
            _ => "simple_value",
        },
    }
}

/// By the keys of the buckets; without any they are texts, as the judge has it.
fn terms(answer: &Value) -> &'static str {
    match answer.pointer("/buckets/0/key") {
        Some(Value::Number(key)) if key.is_f64() => "dterms",
        Some(Value::Number(_)) => "lterms",
        _ => "sterms",
    }
}
