//! Buckets by ranges of numbers or of time; a document may be in several.

use std::collections::HashMap;

use canarytrace_es::{
    DateFormats, EsError,
    aggregation::{Aggregation, RangeBucket, Ranges},
    date::{self, Round},
    object_of,
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value, json};
use tantivy::DocId;

use super::{
    Bucket, Collection, Finish,
    buckets::{BucketKey, finish_bucket},
};
use crate::mapping::FieldType;

/// A range with its ends as numbers (dates as epoch ms).
struct Resolved<'a> {
    bucket: &'a RangeBucket,
    from: Option<f64>,
    to: Option<f64>,
}

/// How dates of a request are read and written; none: the ends are numbers.
struct Dates {
    formats: DateFormats,
    zone: TimeZone,
}

impl Dates {
    fn of(ranges: &Ranges, kind: Option<&FieldType>) -> Result<Option<Self>, EsError> {
        if !ranges.dates {
            return Ok(None);
        }
        let formats = match (&ranges.format, kind) {
            (Some(asked), _) => asked.clone(),
            (None, Some(FieldType::Date(own))) => own.clone(),
            (None, _) => DateFormats::default(),
        };
        let zone = ranges.time_zone.as_deref();
        Ok(Some(Self {
            formats,
            zone: zone.map_or(Ok(TimeZone::UTC), date::zone)?,
        }))
    }

    fn read(&self, text: &str, now: Timestamp) -> Result<f64, EsError> {
        date::parse_date_of(&self.formats, text, &self.zone, Round::Down, now).map(|ms| ms as f64)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "epoch milliseconds are far below 2^53"
    )]
    fn written(&self, milliseconds: f64) -> String {
        self.formats.write(milliseconds as i64, &self.zone)
    }
}

/// What an end or a missing value stands for.
fn number(value: &Value, dates: Option<&Dates>, now: Timestamp) -> Result<f64, EsError> {
    match (value, dates) {
        (Value::Number(number), Some(dates)) if !dates.formats.is_usual() => {
            dates.read(&number.to_string(), now)
        }
        (Value::Number(number), _) => Ok(number.as_f64().unwrap_or(f64::NAN)),
        (Value::String(text), Some(dates)) => dates.read(text, now),
        (Value::String(text), None) => text.parse().map_err(|_| {
            EsError::illegal_argument(format!("a [range] ends in numbers, got [{text}]"))
        }),
        (other, _) => Err(EsError::parsing(format!("[{other}] is no end of a range"))),
    }
}

fn resolve<'a>(
    ranges: &'a Ranges,
    dates: Option<&Dates>,
    now: Timestamp,
) -> Result<Vec<Resolved<'a>>, EsError> {
    let end = |value: &Option<Value>| {
        let value = value.as_ref();
        value.map(|value| number(value, dates, now)).transpose()
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
    collection: &Collection<'_>,
    docs: &[DocId],
    ranges: &Ranges,
) -> Result<Vec<(BucketKey, Vec<DocId>)>, EsError> {
    let columns = collection.columns(&ranges.field)?;
    let (view, now) = (collection.view, collection.view.now);
    let dates = Dates::of(ranges, view.mapping.kind(&ranges.field))?;
    let resolved = resolve(ranges, dates.as_ref(), now)?;
    let missing = ranges.missing.as_ref();
    let missing = missing
        .map(|value| number(value, dates.as_ref(), now))
        .transpose()?;
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
    let dates = Dates::of(ranges, with.kinds.get(&ranges.field))?;
    let mut buckets = Vec::new();
    for (range, number) in resolve(ranges, dates.as_ref(), with.now)?
        .into_iter()
        .zip(0..)
    {
        let bucket = found.remove(&BucketKey::Whole(number)).unwrap_or_default();
        let mut fields = Map::new();
        let key = key(&range, dates.as_ref());
        if !ranges.keyed {
            fields.insert("key".to_owned(), json!(key));
        }
        for (name, end) in [("from", range.from), ("to", range.to)] {
            let Some(end) = end else { continue };
            fields.insert(name.to_owned(), json!(end));
            if let Some(dates) = &dates {
                fields.insert(format!("{name}_as_string"), json!(dates.written(end)));
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

/// Its own, or its ends: `1.0-2.0`, `*-2.0`.
fn key(range: &Resolved<'_>, dates: Option<&Dates>) -> String {
    let end = |end: Option<f64>| match end {
        None => "*".to_owned(),
        Some(end) => match dates {
            Some(dates) => dates.written(end),
            None => format!("{end:?}"),
        },
    };
    match &range.bucket.key {
        Some(key) => key.clone(),
        None => format!("{}-{}", end(range.from), end(range.to)),
    }
}
