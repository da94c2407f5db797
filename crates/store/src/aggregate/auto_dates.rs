//! Date histograms whose width follows from the documents: these wait until all are known.

use std::collections::HashMap;

use canarytrace_es::{
    EsError,
    aggregation::{Aggregation, AutoDateHistogram, CalendarStep, STEPS},
    date::{self, Round},
    object_of,
};
use jiff::{Timestamp, Zoned, tz::TimeZone};
use serde_json::{Map, Value, json};
use tantivy::DocId;

use super::{
    Bucket, Collection, Finish, MAX_BUCKETS, Place,
    buckets::{BucketKey, finish_bucket},
    pipeline, too_many_buckets,
};
use crate::search::{columns::FieldColumns, value::FieldValue};

/// What was collected, and what was made of it.
#[derive(Debug, Default)]
pub(crate) struct AutoDates {
    pub(super) waiting: Vec<(Place, Vec<DocId>)>,
    /// The first and the last moment, epoch ms.
    bounds: Option<(i64, i64)>,
    pub(super) found: HashMap<BucketKey, Bucket>,
    /// Where each unit of the calendar starts, epoch ms, once it was chosen.
    starts: Vec<i64>,
    /// How many units a bucket has.
    count: usize,
    /// Such as `12h`.
    interval: String,
}

fn zone(histogram: &AutoDateHistogram) -> Result<TimeZone, EsError> {
    let zone = histogram.time_zone.as_deref();
    zone.map_or(Ok(TimeZone::UTC), date::zone)
}

fn missing(
    histogram: &AutoDateHistogram,
    zone: &TimeZone,
    now: Timestamp,
) -> Result<Option<i64>, EsError> {
    match &histogram.missing {
        None => Ok(None),
        Some(Value::Number(number)) => Ok(number.as_i64()),
        Some(other) => {
            let text = other.as_str().unwrap_or_default();
            date::parse_query_date(text, zone, Round::Down, now).map(Some)
        }
    }
}

/// Calls with each moment of a document.
fn moments(columns: &FieldColumns, doc: DocId, missing: Option<i64>, mut each: impl FnMut(i64)) {
    let mut any = false;
    columns.numbers(doc, |value| {
        if let FieldValue::Whole(milliseconds) = value {
            any = true;
            each(milliseconds);
        }
    });
    if let (false, Some(missing)) = (any, missing) {
        each(missing);
    }
}

impl AutoDates {
    pub(super) fn collect(
        &mut self,
        collection: &Collection<'_>,
        histogram: &AutoDateHistogram,
        docs: &[DocId],
    ) -> Result<(), EsError> {
        let columns = collection.columns(&histogram.field)?;
        let missing = missing(histogram, &zone(histogram)?, collection.view.now)?;
        for doc in docs {
            moments(&columns, *doc, missing, |moment| {
                let (first, last) = self.bounds.unwrap_or((moment, moment));
                self.bounds = Some((first.min(moment), last.max(moment)));
            });
        }
        self.waiting.push((collection.place, docs.to_vec()));
        Ok(())
    }

    /// Chooses the buckets.
    pub(super) fn choose(&mut self, histogram: &AutoDateHistogram) -> Result<(), EsError> {
        let Some((first, last)) = self.bounds else {
            self.interval = interval(1, histogram.first_step);
            return Ok(());
        };
        let zone = zone(histogram)?;
        let (at, starts) = fitting(histogram, &zone, first, last)?;
        let counts = STEPS.get(at).map_or(&[1][..], |step| step.counts);
        let fits = |count: &&usize| starts.len().div_ceil(**count) <= histogram.buckets;
        let count = match starts.len() > histogram.buckets {
            true => counts.iter().find(fits).copied().unwrap_or(1),
            false => 1,
        };
        (self.starts, self.count) = (starts, count);
        self.interval = interval(count, at);
        Ok(())
    }

    /// The buckets of documents of one segment.
    pub(super) fn split(
        &self,
        collection: &Collection<'_>,
        histogram: &AutoDateHistogram,
        docs: &[DocId],
    ) -> Result<Vec<(BucketKey, Vec<DocId>)>, EsError> {
        let columns = collection.columns(&histogram.field)?;
        let missing = missing(histogram, &zone(histogram)?, collection.view.now)?;
        let mut parts = vec![Vec::new(); self.buckets().count()];
        for doc in docs {
            // A document counts once for each unit that it has a date in, as where units are counted before they are merged.
            let mut units = Vec::new();
            moments(&columns, *doc, missing, |moment| {
                let after = self.starts.partition_point(|start| *start <= moment);
                units.extend(after.checked_sub(1));
            });
            units.dedup();
            for unit in units {
                if let Some(part) = parts.get_mut(unit / self.count) {
                    part.push(*doc);
                }
            }
        }
        let parts = self.buckets().zip(parts);
        let parts = parts.filter(|(_, docs)| !docs.is_empty());
        Ok(parts
            .map(|(start, docs)| (BucketKey::Whole(start), docs))
            .collect())
    }

    /// Where each bucket starts.
    fn buckets(&self) -> impl Iterator<Item = i64> {
        self.starts.iter().copied().step_by(self.count.max(1))
    }

    pub(super) fn finish(
        mut self,
        histogram: &AutoDateHistogram,
        aggregation: &Aggregation,
        with: &Finish<'_>,
    ) -> Result<Value, EsError> {
        let zone = zone(histogram)?;
        if self.interval.is_empty() {
            self.choose(histogram)?;
        }
        let mut buckets = Vec::new();
        let starts: Vec<i64> = self.buckets().collect();
        for start in starts {
            let bucket = self.found.remove(&BucketKey::Whole(start));
            let mut fields = Map::new();
            let text = with.written(&histogram.field, &histogram.format, start, &zone);
            fields.insert("key_as_string".to_owned(), json!(text));
            fields.insert("key".to_owned(), json!(start));
            buckets.push(finish_bucket(
                bucket.unwrap_or_default(),
                aggregation,
                with,
                fields,
            )?);
        }
        pipeline::inside(&aggregation.nested, &mut buckets)?;
        Ok(object_of([
            ("buckets", Value::from(buckets)),
            ("interval", json!(self.interval)),
        ]))
    }
}

fn interval(count: usize, step: usize) -> String {
    let unit = STEPS.get(step).map_or('s', |step| step.unit);
    format!("{count}{unit}")
}

/// The finest steps of which there are few enough, and where each of them starts.
fn fitting(
    histogram: &AutoDateHistogram,
    zone: &TimeZone,
    first: i64,
    last: i64,
) -> Result<(usize, Vec<i64>), EsError> {
    let coarsest = STEPS.len() - 1;
    for (at, step) in STEPS.iter().enumerate().skip(histogram.first_step) {
        let most = match at < coarsest {
            true => histogram.buckets * step.most(),
            false => MAX_BUCKETS,
        };
        // Counting is left out where there are far too many.
        let roughly = usize::try_from((last - first) / step.rough_ms).unwrap_or(usize::MAX);
        if at < coarsest && roughly / 2 > most {
            continue;
        }
        if let Some(starts) = starts(step, zone, first, last, most) {
            return Ok((at, starts));
        }
    }
    Err(too_many_buckets())
}

/// None if there are more than `most`.
fn starts(
    step: &CalendarStep,
    zone: &TimeZone,
    first: i64,
    last: i64,
    most: usize,
) -> Option<Vec<i64>> {
    let first = Timestamp::from_millisecond(first).ok()?;
    let mut start: Zoned = date::start_of(&first.to_zoned(zone.clone()), step.unit)?;
    let mut starts = Vec::new();
    while start.timestamp().as_millisecond() <= last {
        if starts.len() == most {
            return None;
        }
        starts.push(start.timestamp().as_millisecond());
        start = date::next_of(&start, step.unit)?;
    }
    Some(starts)
}
