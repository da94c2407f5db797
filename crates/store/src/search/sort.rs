//! Ordering hits: by score, by fields, and after a given place.

use std::cmp::Ordering;

use canarytrace_es::{
    DateFormats, EsError, NumericType, SortField, SortMode, SortOrder, SortTarget, date::Round,
};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tantivy::{DocId, Score, SegmentReader};

use super::{View, columns::FieldColumns, value::FieldValue};
use crate::{engine::StoreError, mapping::FieldType};

/// A document that may be among the hits.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) view: usize,
    pub(crate) segment: usize,
    pub(crate) doc: DocId,
    pub(crate) score: Score,
    keys: Vec<Key>,
}

/// What a document is ordered by; none when it has no value.
#[derive(Clone, Debug)]
enum Key {
    Value(Option<FieldValue>),
    /// Within one segment, before it is resolved to its text.
    Ordinal(Option<u64>),
    Score(Score),
    /// View, segment and document in one number that JSON can hold.
    Document(u64),
}

/// The first documents so far, and at most as many again that came since they were chosen.
struct Best<'a> {
    order: &'a Order,
    wanted: usize,
    candidates: Vec<Candidate>,
}

/// So many candidates are not worth choosing from.
const FEW_CANDIDATES: usize = 1024;

impl Best<'_> {
    fn add(&mut self, candidate: Candidate) {
        self.candidates.push(candidate);
        if self.candidates.len() >= FEW_CANDIDATES + 2 * self.wanted {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.candidates.len() > self.wanted {
            self.candidates
                .select_nth_unstable_by(self.wanted - 1, |a, b| self.order.compare(a, b));
            self.candidates.truncate(self.wanted);
        }
    }
}

/// Where a page begins.
#[derive(Clone, Copy, Default)]
pub(crate) struct After<'a> {
    /// `search_after`.
    pub(crate) values: Option<&'a [Value]>,
    /// The last hit of the page before.
    pub(crate) last: Option<&'a Candidate>,
}

/// The order of a request.
pub(crate) struct Order {
    fields: Vec<SortField>,
    kinds: Vec<SortKind>,
    /// Of those that are dates: how they are written.
    dates: Vec<Option<DateFormats>>,
}

/// How values of a field are answered, and what stands for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SortKind {
    Text,
    Whole,
    /// Up to 32 bits.
    Small,
    Unsigned,
    Decimal,
    /// Answered as 0 and 1.
    Boolean,
}

impl SortKind {
    fn of(kind: &FieldType) -> Self {
        match kind {
            FieldType::Whole { max, .. } if *max <= i64::from(i32::MAX) => SortKind::Small,
            FieldType::Whole { .. } | FieldType::Date(_) => SortKind::Whole,
            FieldType::Unsigned => SortKind::Unsigned,
            FieldType::Decimal { .. } => SortKind::Decimal,
            FieldType::Boolean => SortKind::Boolean,
            _ => SortKind::Text,
        }
    }

    /// Of a field that no index has.
    fn unmapped(name: Option<&str>) -> Self {
        match name {
            Some("float" | "double" | "half_float" | "scaled_float") => SortKind::Decimal,
            Some("boolean") => SortKind::Boolean,
            Some("unsigned_long") => SortKind::Unsigned,
            Some("integer" | "short" | "byte") => SortKind::Small,
            Some("keyword" | "text" | "ip") | None => SortKind::Text,
            Some(_) => SortKind::Whole,
        }
    }

    /// The answer for a document without a value: beyond all values, on the side where it is sorted in.
    fn missing(self, field: &SortField) -> Value {
        let is_high = (field.order == SortOrder::Ascending) != field.missing_first;
        match (self, is_high) {
            (SortKind::Text, _) => Value::Null,
            (SortKind::Whole, true) => json!(i64::MAX),
            (SortKind::Whole, false) => json!(i64::MIN),
            (SortKind::Unsigned, true) => json!(u64::MAX),
            (SortKind::Unsigned, false) => json!(0),
            (SortKind::Decimal, true) => json!("Infinity"),
            (SortKind::Decimal, false) => json!("-Infinity"),
            (SortKind::Boolean | SortKind::Small, true) => json!(i32::MAX),
            (SortKind::Boolean | SortKind::Small, false) => json!(i32::MIN),
        }
    }
}

impl Order {
    pub(crate) fn new(fields: &[SortField], views: &[View]) -> Result<Self, EsError> {
        let (mut sort_kinds, mut dates) = (Vec::new(), Vec::new());
        for field in fields {
            let SortTarget::Field(path) = &field.target else {
                sort_kinds.push(SortKind::Text);
                dates.push(None);
                continue;
            };
            if path == "_id" {
                // As Elasticsearch has it since version 8.
                return Err(EsError::illegal_argument(
                    "Fielddata access on the _id field is disallowed: sort by a field of the documents, or by [_doc]",
                ));
            }
            let kinds: Vec<&FieldType> = views
                .iter()
                .filter_map(|view| view.mapping.kind(path))
                .collect();
            for view in views {
                view.mapping.check_columns(path)?;
            }
            let is_number = |kind: &&FieldType| {
                matches!(
                    kind,
                    FieldType::Whole { .. }
                        | FieldType::Unsigned
                        | FieldType::Decimal { .. }
                        | FieldType::Date(_)
                )
            };
            let reckons = matches!(
                field.mode,
                Some(SortMode::Sum | SortMode::Avg | SortMode::Median)
            );
            if reckons && !kinds.iter().all(is_number) {
                return Err(EsError::new(
                    400,
                    "query_shard_exception",
                    "we only support AVG, MEDIAN and SUM on number based fields",
                ));
            }
            if kinds.len() < views.len() && field.unmapped_type.is_none() && !views.is_empty() {
                return Err(EsError::new(
                    400,
                    "query_shard_exception",
                    format!("No mapping found for [{path}] in order to sort on"),
                ));
            }
            if field.numeric_type.is_some() && !kinds.iter().all(is_number) {
                return Err(EsError::query_shard(format!(
                    "[numeric_type] option cannot be set on a non-numeric field, got {}",
                    views
                        .iter()
                        .find_map(|view| view.mapping.type_name(path))
                        .unwrap_or("keyword")
                )));
            }
            dates.push(kinds.iter().find_map(|kind| match kind {
                FieldType::Date(own) => Some(field.format.as_ref().unwrap_or(own).clone()),
                _ => None,
            }));
            let unmapped = || SortKind::unmapped(field.unmapped_type.as_deref());
            let mapped = kinds
                .first()
                .map_or_else(unmapped, |kind| SortKind::of(kind));
            sort_kinds.push(match field.numeric_type {
                Some(NumericType::Double) => SortKind::Decimal,
                Some(_) => SortKind::Whole,
                None => mapped,
            });
        }
        Ok(Self {
            fields: fields.to_vec(),
            kinds: sort_kinds,
            dates,
        })
    }

    pub(crate) fn is_by_score_first(&self) -> bool {
        let first = self.fields.first();
        first.is_none_or(|field| field.target == SortTarget::Score)
    }

    /// By how well documents fit, and by nothing else.
    pub(crate) fn is_by_score_only(&self) -> bool {
        match self.fields.as_slice() {
            [] => true,
            [only] => only.target == SortTarget::Score && only.order == SortOrder::Descending,
            _ => false,
        }
    }

    pub(crate) fn needs_score(&self) -> bool {
        self.fields.is_empty()
            || self
                .fields
                .iter()
                .any(|field| field.target == SortTarget::Score)
    }

    /// The first `wanted` documents of a segment, with keys that compare across segments.
    pub(crate) fn best(
        &self,
        segment: &SegmentReader,
        (view, position): (usize, usize),
        docs: &[DocId],
        scores: &[Score],
        wanted: usize,
        after: After<'_>,
    ) -> Result<Vec<Candidate>, EsError> {
        if wanted == 0 {
            return Ok(Vec::new());
        }
        let columns = self.columns(segment)?;
        self.check_nanoseconds(&columns)?;
        let make = |(at, doc): (usize, &DocId)| Candidate {
            view,
            segment: position,
            doc: *doc,
            score: scores.get(at).copied().unwrap_or(1.0),
            keys: self.keys(
                &columns,
                (view, position, *doc),
                scores.get(at).copied().unwrap_or(1.0),
            ),
        };
        let resolve = |mut candidate: Candidate| {
            for ((key, column), field) in candidate.keys.iter_mut().zip(&columns).zip(&self.fields)
            {
                if let Key::Ordinal(ordinal) = key {
                    *key = Key::Value(
                        ordinal
                            .map(|ordinal| FieldValue::Text(column.resolve(ordinal).to_string()))
                            .or_else(|| field.missing.as_ref().and_then(field_value)),
                    );
                }
            }
            candidate
        };
        let all = docs.iter().enumerate().map(make);
        let mut best = Best {
            order: self,
            wanted,
            candidates: Vec::new(),
        };
        match after {
            After {
                values: None,
                last: None,
            } if self.fields.iter().all(|field| field.missing.is_none()) => {
                all.for_each(|candidate| best.add(candidate));
            }
            // Ordinals say nothing about a text that the segment may not have: texts are compared.
            After { values, last } => all
                .map(resolve)
                .filter(|candidate| {
                    values.is_none_or(|values| self.is_after(candidate, values))
                        && last.is_none_or(|last| self.compare(candidate, last).is_gt())
                })
                .for_each(|candidate| best.add(candidate)),
        }
        best.cut();
        let candidates = best.candidates;
        Ok(candidates.into_iter().map(resolve).collect())
    }

    /// Nanoseconds are counted from 1970 on.
    fn check_nanoseconds(&self, columns: &[FieldColumns]) -> Result<(), EsError> {
        for (field, column) in self.fields.iter().zip(columns) {
            let least = column.least_whole().unwrap_or(0);
            if field.numeric_type == Some(NumericType::DateNanos) && least < 0 {
                return Err(EsError::illegal_argument(format!(
                    "date[{}] is before the epoch in 1970 and cannot be stored in nanosecond resolution",
                    canarytrace_es::date::format_ms(least, &jiff::tz::TimeZone::UTC)
                )));
            }
        }
        Ok(())
    }

    pub(crate) fn sort(&self, candidates: &mut [Candidate]) {
        candidates.sort_by(|a, b| self.compare(a, b));
    }

    fn columns(&self, segment: &SegmentReader) -> Result<Vec<FieldColumns>, EsError> {
        let open = |field: &SortField| match &field.target {
            SortTarget::Field(path) => FieldColumns::open(segment, path),
            _ => Ok(FieldColumns::default()),
        };
        Ok(self
            .fields
            .iter()
            .map(open)
            .collect::<Result<_, _>>()
            .map_err(StoreError::from)?)
    }

    /// Whether hits come as they lie in the index.
    pub(crate) fn is_by_document(&self) -> bool {
        let only = |field: &SortField| {
            field.target == SortTarget::Document && field.order == SortOrder::Ascending
        };
        matches!(self.fields.as_slice(), [field] if only(field))
    }

    /// A document of that order.
    pub(crate) fn in_order(&self, (view, segment): (usize, usize), doc: DocId) -> Candidate {
        Candidate {
            view,
            segment,
            doc,
            score: 1.0,
            keys: vec![document_key(view, segment, doc)],
        }
    }

    fn keys(
        &self,
        columns: &[FieldColumns],
        (view, segment, doc): (usize, usize, DocId),
        score: Score,
    ) -> Vec<Key> {
        self.fields
            .iter()
            .zip(columns)
            .map(|(field, column)| match field.target {
                SortTarget::Score => Key::Score(score),
                SortTarget::Document => document_key(view, segment, doc),
                SortTarget::Field(_) if column.has_text() => {
                    let (side, mut best) = (side(field), None);
                    column.ordinals(doc, |ordinal| {
                        best = Some(pick(side, best, ordinal, u64::cmp))
                    });
                    Key::Ordinal(best)
                }
                SortTarget::Field(_) => Key::Value(
                    number(field, column, doc)
                        .map(|value| cast(value, field.numeric_type))
                        .or_else(|| field.missing.as_ref().and_then(field_value)),
                ),
            })
            .collect()
    }

    fn compare(&self, a: &Candidate, b: &Candidate) -> Ordering {
        for ((field, a), b) in self.fields.iter().zip(&a.keys).zip(&b.keys) {
            let ordering = compare_keys(field, a, b);
            if ordering.is_ne() {
                return ordering;
            }
        }
        let by_score = if self.fields.is_empty() {
            b.score.total_cmp(&a.score)
        } else {
            Ordering::Equal
        };
        by_score.then_with(|| (a.view, a.segment, a.doc).cmp(&(b.view, b.segment, b.doc)))
    }

    fn is_after(&self, candidate: &Candidate, after: &[Value]) -> bool {
        let fields = self.fields.iter().zip(&self.kinds);
        for (((field, kind), key), after) in fields.zip(&candidate.keys).zip(after) {
            let after = if *after == kind.missing(field) {
                &Value::Null
            } else {
                after
            };
            let ordering = compare_keys(field, key, &after_key(field, after));
            if ordering.is_ne() {
                return ordering.is_gt();
            }
        }
        false
    }

    /// What a client sent as `search_after`, with dates as their milliseconds.
    pub(crate) fn read_after(&self, values: &[Value]) -> Result<Vec<Value>, EsError> {
        let read = |(value, dates): (&Value, &Option<DateFormats>)| match (value, dates) {
            (Value::String(text), Some(formats)) => {
                let read = formats.read(text, &TimeZone::UTC, Round::Down);
                let read = read.or_else(|| text.parse().ok());
                read.map(|milliseconds| json!(milliseconds)).ok_or_else(|| {
                    EsError::new(
                        400,
                        "parse_exception",
                        format!("failed to parse date field [{text}] of [search_after]"),
                    )
                })
            }
            _ => Ok(value.clone()),
        };
        values.iter().zip(&self.dates).map(read).collect()
    }

    /// What a client sends back as `search_after`.
    pub(crate) fn values(&self, candidate: &Candidate) -> Vec<Value> {
        let each = candidate.keys.iter().zip(&self.kinds);
        let each = each.zip(&self.fields).zip(&self.dates);
        each.map(|(((key, kind), field), dates)| {
            let value = sort_value(key, *kind, field);
            match (dates, value.as_i64()) {
                (Some(formats), Some(milliseconds)) if field.format.is_some() => {
                    json!(formats.write(milliseconds, &TimeZone::UTC))
                }
                _ => value,
            }
        })
        .collect()
    }
}

/// A key as it is answered.
fn sort_value(key: &Key, kind: SortKind, field: &SortField) -> Value {
    match key {
        Key::Value(Some(FieldValue::Whole(number))) => json!(number),
        Key::Value(Some(FieldValue::Unsigned(number))) => json!(number),
        Key::Value(Some(FieldValue::Decimal(number))) => json!(number),
        Key::Value(Some(FieldValue::Text(text))) if kind == SortKind::Boolean => {
            json!(i32::from(text == "true"))
        }
        Key::Value(Some(FieldValue::Text(text))) => json!(text),
        Key::Value(None) | Key::Ordinal(_) => kind.missing(field),
        Key::Score(score) => json!(score),
        Key::Document(place) => json!(place),
    }
}

/// Which of several values counts: in ascending order the least, in descending the greatest, unless it is said.
fn side(field: &SortField) -> SortOrder {
    match field.mode {
        Some(SortMode::Min) => SortOrder::Ascending,
        Some(SortMode::Max) => SortOrder::Descending,
        _ => field.order,
    }
}

/// As the number type that was asked for has it.
fn cast(value: FieldValue, wanted: Option<NumericType>) -> FieldValue {
    match (wanted, value) {
        (Some(NumericType::Double), FieldValue::Whole(number)) => {
            FieldValue::Decimal(number as f64)
        }
        (Some(NumericType::Double), FieldValue::Unsigned(number)) => {
            FieldValue::Decimal(number as f64)
        }
        (Some(NumericType::Long | NumericType::Date), FieldValue::Decimal(number)) => {
            FieldValue::Whole(number as i64)
        }
        (Some(NumericType::DateNanos), FieldValue::Whole(number)) => {
            FieldValue::Whole(number.saturating_mul(1_000_000))
        }
        (_, value) => value,
    }
}

/// The number that a document is sorted by; means of whole numbers are whole.
fn number(field: &SortField, column: &FieldColumns, doc: DocId) -> Option<FieldValue> {
    let (side, mut best, mut all) = (side(field), None, Vec::new());
    match field.mode {
        Some(SortMode::Sum | SortMode::Avg | SortMode::Median) => {
            column.numbers(doc, |value| all.push(value));
        }
        _ => {
            column.numbers(doc, |value| {
                best = Some(pick(side, best.take(), value, FieldValue::compare))
            });
            return best;
        }
    }
    if all.is_empty() {
        return None;
    }
    all.sort_by(FieldValue::compare);
    let is_whole = all
        .iter()
        .all(|value| matches!(value, FieldValue::Whole(_) | FieldValue::Unsigned(_)));
    let value = |own: &FieldValue| own.as_f64().unwrap_or(f64::NAN);
    let sum: f64 = all.iter().map(value).sum();
    let middle = all.len() / 2;
    let found = match field.mode {
        Some(SortMode::Sum) => sum,
        Some(SortMode::Avg) => sum / all.len() as f64,
        _ if all.len() % 2 == 1 => value(&all[middle]),
        _ => (value(&all[middle - 1]) + value(&all[middle])) / 2.0,
    };
    Some(if is_whole {
        FieldValue::Whole(found.round() as i64)
    } else {
        FieldValue::Decimal(found)
    })
}

/// The better of two for an order.
fn pick<T>(order: SortOrder, best: Option<T>, value: T, compare: impl Fn(&T, &T) -> Ordering) -> T {
    match best {
        None => value,
        Some(best) => {
            let better = if order == SortOrder::Ascending {
                compare(&value, &best).is_lt()
            } else {
                compare(&value, &best).is_gt()
            };
            if better { value } else { best }
        }
    }
}

fn compare_keys(field: &SortField, a: &Key, b: &Key) -> Ordering {
    let missing = |a: bool, b: bool| {
        let ordering = a.cmp(&b);
        if field.missing_first {
            ordering.reverse()
        } else {
            ordering
        }
    };
    let ordering = match (a, b) {
        (Key::Value(Some(a)), Key::Value(Some(b))) => a.compare(b),
        (Key::Ordinal(Some(a)), Key::Ordinal(Some(b))) => a.cmp(b),
        (Key::Score(a), Key::Score(b)) => a.total_cmp(b),
        (Key::Document(a), Key::Document(b)) => a.cmp(b),
        (Key::Value(a), Key::Value(b)) => return missing(a.is_none(), b.is_none()),
        (Key::Ordinal(a), Key::Ordinal(b)) => return missing(a.is_none(), b.is_none()),
        // A segment without the field has no ordinals.
        (Key::Value(None), Key::Ordinal(b)) => return missing(true, b.is_none()),
        (Key::Ordinal(a), Key::Value(None)) => return missing(a.is_none(), true),
        _ => Ordering::Equal,
    };
    if field.order == SortOrder::Descending {
        ordering.reverse()
    } else {
        ordering
    }
}

/// 2^13 indices, 2^8 segments of each and 2^32 documents of those fit below 2^53.
fn document_key(view: usize, segment: usize, doc: DocId) -> Key {
    Key::Document(((view as u64) << 40) | ((segment as u64 & 0xff) << 32) | u64::from(doc))
}

fn after_key(field: &SortField, value: &Value) -> Key {
    if field.target == SortTarget::Document {
        return Key::Document(value.as_u64().unwrap_or(0));
    }
    if field.target == SortTarget::Score {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "scores are single precision"
        )]
        return Key::Score(value.as_f64().unwrap_or(0.0) as Score);
    }
    Key::Value(field_value(value))
}

/// What a request says, as a column would have it.
fn field_value(value: &Value) -> Option<FieldValue> {
    match value {
        Value::Null => None,
        Value::Number(number) => Some(FieldValue::of_number(number)),
        Value::Bool(flag) => Some(FieldValue::Text(flag.to_string())),
        // A date sorts by its milliseconds, and may come back written out.
        Value::String(text) => Some(FieldValue::Text(text.clone())),
        _ => None,
    }
}
