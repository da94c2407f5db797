//! Histograms of numbers.

use std::collections::{BTreeMap, HashMap};

use canarytrace_es::{
    EsError,
    aggregation::{Aggregation, Histogram},
};
use serde_json::{Map, Value, json};
use tantivy::DocId;

use super::{
    Bucket, Finish, MAX_BUCKETS,
    buckets::{BucketKey, finish_bucket},
    too_many_buckets,
};
use crate::search::columns::FieldColumns;

/// Intervals are counted: their starts are floats.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a bucket's number; beyond 2^63 there is one bucket for all"
)]
pub(super) fn number(histogram: &Histogram, value: f64) -> i64 {
    ((value - histogram.offset) / histogram.interval).floor() as i64
}

pub(super) fn start(histogram: &Histogram, number: i64) -> f64 {
    number as f64 * histogram.interval + histogram.offset
}

pub(super) fn split(
    columns: &FieldColumns,
    docs: &[DocId],
    histogram: &Histogram,
) -> Vec<(BucketKey, Vec<DocId>)> {
    let mut parts: BTreeMap<i64, Vec<DocId>> = BTreeMap::new();
    let missing = histogram.missing.as_ref().and_then(Value::as_f64);
    let is_within = |value: f64| {
        let bounds = histogram.hard_bounds;
        bounds.is_none_or(|(min, max)| (min..=max).contains(&value))
    };
    for doc in docs {
        let mut any = false;
        let mut add = |value: f64| {
            if !is_within(value) {
                return;
            }
            let part = parts.entry(number(histogram, value)).or_default();
            if part.last() != Some(doc) {
                part.push(*doc);
            }
        };
        columns.floats(*doc, |value| {
            any = true;
            add(value);
        });
        if let (false, Some(missing)) = (any, missing) {
            add(missing);
        }
    }
    parts
        .into_iter()
        .map(|(number, docs)| (BucketKey::Whole(number), docs))
        .collect()
}

pub(super) fn finish(
    histogram: &Histogram,
    aggregation: &Aggregation,
    found: HashMap<BucketKey, Bucket>,
    with: &Finish<'_>,
) -> Result<Vec<Map<String, Value>>, EsError> {
    let mut buckets: BTreeMap<i64, Bucket> = found
        .into_iter()
        .filter_map(|(key, bucket)| match key {
            BucketKey::Whole(number) => Some((number, bucket)),
            _ => None,
        })
        .collect();
    if histogram.min_doc_count == 0 {
        fill(histogram, &mut buckets)?;
    }
    let mut list = Vec::new();
    for (number, bucket) in buckets {
        if bucket.count >= histogram.min_doc_count {
            let mut fields = Map::new();
            fields.insert("key".to_owned(), json!(start(histogram, number)));
            list.push(finish_bucket(bucket, aggregation, with, fields)?);
        }
    }
    if histogram.descending {
        list.reverse();
    }
    Ok(list)
}

/// Empty buckets between the first and the last, and out to the extended bounds.
fn fill(histogram: &Histogram, buckets: &mut BTreeMap<i64, Bucket>) -> Result<(), EsError> {
    let bounds = histogram.extended_bounds;
    let bounds = bounds.map(|(min, max)| (number(histogram, min), number(histogram, max)));
    let first = buckets.keys().next().copied();
    let last = buckets.keys().next_back().copied();
    let first = first.into_iter().chain(bounds.map(|(min, _)| min)).min();
    let last = last.into_iter().chain(bounds.map(|(_, max)| max)).max();
    let (Some(first), Some(last)) = (first, last) else {
        return Ok(());
    };
    if last.saturating_sub(first) >= MAX_BUCKETS as i64 {
        return Err(too_many_buckets());
    }
    for number in first..=last {
        buckets.entry(number).or_default();
    }
    Ok(())
}
