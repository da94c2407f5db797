//! Buckets by ranges of numbers or of time; a document may be in several.

use std::collections::HashMap;

use canarytrace_es::{
    EsError,
    aggregation::{Aggregation, RangeBucket, Ranges},
    date::{self, Round},
    object_of,
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value, json};
use tantivy::DocId;

use super::{
    Bucket, Finish,
    buckets::{BucketKey, finish_bucket},
};
use crate::search::columns::FieldColumns;

/// A range with its ends as numbers (dates as epoch ms).
struct Resolved<'a> {
    bucket: &'a RangeBucket,
    from: Option<f64>,
    to: Option<f64>,
}

fn zone(ranges: &Ranges) -> Result<TimeZone, EsError> {
    match &ranges.time_zone {
        Some(name) => date::zone(name),
        None => Ok(TimeZone::UTC),
    }
}

fn resolve(ranges: &Ranges, now: Timestamp) -> Result<Vec<Resolved<'_>>, EsError> {
    let zone = zone(ranges)?;
    let end = |value: &Option<Value>| match value {
        None => Ok(None),
        Some(Value::Number(number)) => Ok(number.as_f64()),
        Some(Value::String(text)) if ranges.dates => {
            date::parse_query_date(text, &zone, Round::Down, now).map(|ms| Some(ms as f64))
        }
        Some(Value::String(text)) => text.parse().map(Some).map_err(|_| {
            EsError::illegal_argument(format!("a [range] ends in numbers, got [{text}]"))
        }),
        Some(other) => Err(EsError::parsing(format!("[{other}] is no end of a range"))),
    };
    let mut resolved = ranges
        .ranges
        .iter()
        .map(|bucket| {
            Ok(Resolved {
                from: end(&bucket.from)?,
                to: end(&bucket.to)?,
                bucket,
            })
        })
        .collect::<Result<Vec<_>, EsError>>()?;
    // Answered from the lowest on.
    let low = |range: &Resolved<'_>| range.from.unwrap_or(f64::NEG_INFINITY);
    let high = |range: &Resolved<'_>| range.to.unwrap_or(f64::INFINITY);
    resolved.sort_by(|a, b| low(a).total_cmp(&low(b)).then(high(a).total_cmp(&high(b))));
    Ok(resolved)
}

pub(super) fn split(
    columns: &FieldColumns,
    docs: &[DocId],
    ranges: &Ranges,
    now: Timestamp,
) -> Result<Vec<(BucketKey, Vec<DocId>)>, EsError> {
    let resolved = resolve(ranges, now)?;
    let missing = ranges.missing.as_ref().and_then(Value::as_f64);
    let mut parts: Vec<Vec<DocId>> = resolved.iter().map(|_| Vec::new()).collect();
    for doc in docs {
        let mut values = Vec::new();
        columns.floats(*doc, |value| values.push(value));
        if values.is_empty() {
            values.extend(missing);
        }
        for (range, part) in resolved.iter().zip(&mut parts) {
            let holds = |value: &f64| {
                range.from.is_none_or(|from| *value >= from)
                    && range.to.is_none_or(|to| *value < to)
            };
            if values.iter().any(holds) {
                part.push(*doc);
            }
        }
    }
    let numbered = parts.into_iter().zip(0..);
    Ok(numbered
        .map(|(docs, number)| (BucketKey::Whole(number), docs))
        .collect())
}

pub(super) fn finish(
    ranges: &Ranges,
    aggregation: &Aggregation,
    mut found: HashMap<BucketKey, Bucket>,
    with: &Finish<'_>,
) -> Result<Value, EsError> {
    let zone = zone(ranges)?;
    let mut buckets = Vec::new();
    for (range, number) in resolve(ranges, with.now)?.into_iter().zip(0..) {
        let bucket = found.remove(&BucketKey::Whole(number)).unwrap_or_default();
        let mut fields = Map::new();
        let key = key(&range, ranges.dates.then_some(&zone));
        if !ranges.keyed {
            fields.insert("key".to_owned(), json!(key));
        }
        for (name, end) in [("from", range.from), ("to", range.to)] {
            let Some(end) = end else { continue };
            fields.insert(name.to_owned(), json!(end));
            if ranges.dates {
                fields.insert(format!("{name}_as_string"), json!(moment(end, &zone)));
            }
        }
        buckets.push((key, finish_bucket(bucket, aggregation, with, fields)?));
    }
    Ok(told(buckets, ranges.keyed))
}

/// Buckets with their keys, by these or as a list.
pub(super) fn told(buckets: Vec<(String, Map<String, Value>)>, keyed: bool) -> Value {
    let buckets: Value = if keyed {
        let buckets: Map<String, Value> = buckets
            .into_iter()
            .map(|(key, bucket)| (key, Value::Object(bucket)))
            .collect();
        Value::Object(buckets)
    } else {
        buckets.into_iter().map(|(_, bucket)| bucket).collect()
    };
    object_of([("buckets", buckets)])
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "epoch milliseconds are far below 2^53"
)]
fn moment(milliseconds: f64, zone: &TimeZone) -> String {
    date::format_ms(milliseconds as i64, zone)
}

/// Its own, or its ends: `1.0-2.0`, `*-2.0`.
fn key(range: &Resolved<'_>, dates: Option<&TimeZone>) -> String {
    let end = |end: Option<f64>| match end {
        None => "*".to_owned(),
        Some(end) => match dates {
            Some(zone) => moment(end, zone),
            None => format!("{end:?}"),
        },
    };
    match &range.bucket.key {
        Some(key) => key.clone(),
        None => format!("{}-{}", end(range.from), end(range.to)),
    }
}
