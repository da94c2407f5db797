//! Date histograms: fixed steps and the calendar of a zone.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
};

use canarytrace_es::{
    EsError,
    aggregation::{Aggregation, CalendarUnit, DateHistogram, Interval},
    date::{self, Round},
};
use jiff::{
    Timestamp, Zoned,
    tz::{AmbiguousOffset, Offset, TimeZone},
};
use serde_json::{Map, Value, json};
use tantivy::DocId;

use super::{
    Bucket, Finish, MAX_BUCKETS,
    buckets::{BucketKey, finish_bucket},
    too_many_buckets,
};
use crate::search::{columns::FieldColumns, value::FieldValue};

/// Rounds moments to the start of their bucket.
pub(super) struct Rounder<'a> {
    histogram: &'a DateHistogram,
    pub(super) zone: TimeZone,
}

impl<'a> Rounder<'a> {
    pub(super) fn new(histogram: &'a DateHistogram) -> Result<Self, EsError> {
        Ok(Self {
            zone: histogram
                .time_zone
                .as_deref()
                .map_or(Ok(TimeZone::UTC), date::zone)?,
            histogram,
        })
    }

    fn zoned(&self, milliseconds: i64) -> Option<Zoned> {
        Some(
            Timestamp::from_millisecond(milliseconds)
                .ok()?
                .to_zoned(self.zone.clone()),
        )
    }

    /// The start of a fixed step: of two moments with its local time the later one that is not after, and where the clocks
    /// have skipped it the moment at which they did.
    fn fixed_start(&self, milliseconds: i64, step: i64) -> Option<i64> {
        let local = milliseconds + self.local_offset_ms(milliseconds)?;
        let rounded = local.div_euclid(step) * step;
        match self.offsets_at(rounded)? {
            AmbiguousOffset::Unambiguous { offset } => Some(rounded - milliseconds_of(offset)),
            AmbiguousOffset::Fold { before, after } => {
                let later = rounded - milliseconds_of(after);
                Some(if later <= milliseconds {
                    later
                } else {
                    rounded - milliseconds_of(before)
                })
            }
            AmbiguousOffset::Gap { .. } => {
                let now = Timestamp::from_millisecond(milliseconds + 1).ok()?;
                let skipped = self.zone.preceding(now).next()?;
                Some(skipped.timestamp().as_millisecond())
            }
        }
    }

    /// The offsets that a local time has, ms since the epoch as if it were UTC.
    fn offsets_at(&self, local: i64) -> Option<AmbiguousOffset> {
        let civil = TimeZone::UTC.to_datetime(Timestamp::from_millisecond(local).ok()?);
        Some(self.zone.to_ambiguous_timestamp(civil).offset())
    }

    pub(super) fn start(&self, milliseconds: i64) -> Option<i64> {
        let shifted = milliseconds - self.histogram.offset_ms;
        let start = match self.histogram.interval {
            // Fixed steps are counted in local time, as Elasticsearch does.
            Interval::FixedMs(step) => self.fixed_start(shifted, step)?,
            Interval::Calendar(unit) => date::start_of(&self.zoned(shifted)?, letter(unit))?
                .timestamp()
                .as_millisecond(),
        };
        Some(start + self.histogram.offset_ms)
    }

    fn next(&self, start: i64) -> Option<i64> {
        match self.histogram.interval {
            Interval::FixedMs(step) => {
                let shifted = start - self.histogram.offset_ms;
                let next = self.fixed_start(shifted + step, step)?;
                if next > shifted {
                    return Some(next + self.histogram.offset_ms);
                }
                // The clocks skip the start of the next one.
                let local = shifted + self.local_offset_ms(shifted)? + step;
                let offset = match self.offsets_at(local)? {
                    AmbiguousOffset::Unambiguous { offset } => offset,
                    AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => {
                        before
                    }
                };
                Some(local - milliseconds_of(offset) + self.histogram.offset_ms)
            }
            Interval::Calendar(unit) => {
                let shifted = start - self.histogram.offset_ms;
                let next = date::next_of(&self.zoned(shifted)?, letter(unit))?;
                Some(next.timestamp().as_millisecond() + self.histogram.offset_ms)
            }
        }
    }

    /// Up to here everything belongs to the bucket that starts there: where clocks are put back another one may begin.
    fn surely_until(&self, start: i64) -> Option<i64> {
        let next = self.next(start)?;
        let began = Timestamp::from_millisecond(start).ok()?;
        let change = self.zone.following(began).next();
        let change = change.map(|change| change.timestamp().as_millisecond());
        Some(change.map_or(next, |change| next.min(change)))
    }

    /// A bound of the request, epoch ms.
    fn bound(&self, value: &Value) -> Result<i64, EsError> {
        match value {
            Value::Number(number) => number
                .as_i64()
                .ok_or_else(|| EsError::parsing("bounds of [date_histogram] must be dates")),
            other => date::parse_query_date(
                other.as_str().unwrap_or_default(),
                &self.zone,
                Round::Down,
                Timestamp::now(),
            ),
        }
    }

    /// Beyond these there are no buckets; the end is left out.
    fn hard_bounds(&self) -> Result<Option<(i64, i64)>, EsError> {
        let bounds = self.histogram.hard_bounds.as_ref();
        bounds
            .map(|(min, max)| Ok((self.bound(min)?, self.bound(max)?)))
            .transpose()
    }

    fn local_offset_ms(&self, milliseconds: i64) -> Option<i64> {
        Some(milliseconds_of(self.zoned(milliseconds)?.offset()))
    }
}

fn milliseconds_of(offset: Offset) -> i64 {
    i64::from(offset.seconds()) * 1000
}

fn letter(unit: CalendarUnit) -> char {
    match unit {
        CalendarUnit::Minute => 'm',
        CalendarUnit::Hour => 'h',
        CalendarUnit::Day => 'd',
        CalendarUnit::Week => 'w',
        CalendarUnit::Month => 'M',
        CalendarUnit::Quarter => 'q',
        CalendarUnit::Year => 'y',
    }
}

pub(super) fn split(
    columns: &FieldColumns,
    docs: &[DocId],
    histogram: &DateHistogram,
) -> Result<Vec<(BucketKey, Vec<DocId>)>, EsError> {
    let rounder = Rounder::new(histogram)?;
    let hard_bounds = rounder.hard_bounds()?;
    let is_beyond = |milliseconds: i64| {
        hard_bounds.is_some_and(|(min, max)| !(min..max).contains(&milliseconds))
    };
    let mut parts = Parts::new();
    columns.numbers_of(docs, |doc, value| {
        if let FieldValue::Whole(milliseconds) = value
            && !is_beyond(milliseconds)
        {
            parts.add(&rounder, milliseconds, doc);
        }
    });
    parts.put_back();
    Ok(parts.all)
}

/// Documents by the starts of their buckets. They come in time order, mostly: the bucket of the last one is at hand.
struct Parts {
    all: Vec<(BucketKey, Vec<DocId>)>,
    /// By the start, where a bucket is in the list.
    places: BTreeMap<i64, usize>,
    /// What surely belongs to the bucket at hand.
    time: Range<i64>,
    place: usize,
    docs: Vec<DocId>,
}

impl Parts {
    fn new() -> Self {
        Self {
            all: Vec::new(),
            places: BTreeMap::new(),
            time: 0..0,
            place: 0,
            docs: Vec::new(),
        }
    }

    fn add(&mut self, rounder: &Rounder<'_>, milliseconds: i64, doc: DocId) {
        if !self.time.contains(&milliseconds) {
            let Some(start) = rounder.start(milliseconds) else {
                return;
            };
            self.turn_to(start);
            self.time = start..rounder.surely_until(start).unwrap_or(start);
        }
        if self.docs.last() != Some(&doc) {
            self.docs.push(doc);
        }
    }

    /// Takes the documents of a bucket in hand.
    fn turn_to(&mut self, start: i64) {
        self.put_back();
        self.place = *self.places.entry(start).or_insert(self.all.len());
        match self.all.get_mut(self.place) {
            Some((_, docs)) => self.docs = std::mem::take(docs),
            None => self.all.push((BucketKey::Whole(start), Vec::new())),
        }
    }

    fn put_back(&mut self) {
        if let Some((_, docs)) = self.all.get_mut(self.place) {
            *docs = std::mem::take(&mut self.docs);
        }
    }
}

pub(super) fn finish(
    histogram: &DateHistogram,
    aggregation: &Aggregation,
    found: HashMap<BucketKey, Bucket>,
    with: &Finish<'_>,
) -> Result<Vec<Map<String, Value>>, EsError> {
    let rounder = Rounder::new(histogram)?;
    let mut buckets: BTreeMap<i64, Bucket> = found
        .into_iter()
        .filter_map(|(key, bucket)| match key {
            BucketKey::Whole(start) => Some((start, bucket)),
            _ => None,
        })
        .collect();
    if histogram.min_doc_count == 0 {
        fill(&rounder, &mut buckets)?;
    }
    let mut list = Vec::new();
    for (start, bucket) in buckets {
        if bucket.count >= histogram.min_doc_count {
            let mut fields = Map::new();
            fields.insert(
                "key_as_string".to_owned(),
                json!(with.written(&histogram.field, &histogram.format, start, &rounder.zone)),
            );
            fields.insert("key".to_owned(), json!(start));
            list.push(finish_bucket(bucket, aggregation, with, fields)?);
        }
    }
    if histogram.descending {
        list.reverse();
    }
    Ok(list)
}

/// Empty buckets between the first and the last, and out to the extended bounds.
fn fill(rounder: &Rounder<'_>, buckets: &mut BTreeMap<i64, Bucket>) -> Result<(), EsError> {
    let (mut first, mut last) = (
        buckets.keys().next().copied(),
        buckets.keys().next_back().copied(),
    );
    if let Some((min, max)) = &rounder.histogram.extended_bounds {
        let (min, max) = (
            rounder.start(rounder.bound(min)?),
            rounder.start(rounder.bound(max)?),
        );
        first = first.into_iter().chain(min).min();
        last = last.into_iter().chain(max).max();
    }
    let (Some(mut start), Some(last)) = (first, last) else {
        return Ok(());
    };
    while start < last {
        buckets.entry(start).or_default();
        if buckets.len() > MAX_BUCKETS {
            return Err(too_many_buckets());
        }
        match rounder.next(start) {
            Some(next) if next > start => start = next,
            _ => break,
        }
    }
    buckets.entry(last).or_default();
    Ok(())
}
