//! Buckets by value and by query.

use std::{collections::HashMap, sync::Arc};

use canarytrace_es::{
    EsError,
    aggregation::{Aggregation, BucketOrder, Filters, OrderTarget, TermFilter, Terms},
    object_of,
};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use tantivy::DocId;

use super::{Bucket, Finish, finish_all, pipeline};
use crate::{
    mapping::FieldType,
    search::{columns::FieldColumns, lower::pattern, value::FieldValue},
};

/// What documents of a bucket have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum BucketKey {
    Whole(i64),
    /// Beyond what a whole number is.
    Unsigned(u64),
    /// A float by its bits, ordered as the number is.
    Decimal(u64),
    Text(Arc<str>),
    /// A combination; a part without a value is none.
    Several(Vec<Option<BucketKey>>),
}

impl BucketKey {
    pub(super) fn decimal(number: f64) -> Self {
        BucketKey::Decimal(ordered_bits(number))
    }

    pub(super) fn new(value: FieldValue) -> Self {
        match value {
            FieldValue::Whole(number) => BucketKey::Whole(number),
            FieldValue::Unsigned(number) => BucketKey::Unsigned(number),
            FieldValue::Decimal(number) => BucketKey::Decimal(ordered_bits(number)),
            FieldValue::Text(text) => BucketKey::Text(text.into()),
        }
    }

    pub(super) fn from_json(value: &Value) -> Self {
        match value {
            Value::Number(number) => BucketKey::new(FieldValue::of_number(number)),
            Value::String(text) => BucketKey::Text(text.as_str().into()),
            other => BucketKey::Text(other.to_string().into()),
        }
    }
}

/// Bits that compare as the floats do; the inverse is [`from_ordered_bits`].
fn ordered_bits(number: f64) -> u64 {
    let bits = (if number == 0.0 { 0.0 } else { number }).to_bits();
    if bits >> 63 == 1 {
        !bits
    } else {
        bits | 1 << 63
    }
}

fn from_ordered_bits(bits: u64) -> f64 {
    f64::from_bits(if bits >> 63 == 1 {
        bits & !(1 << 63)
    } else {
        !bits
    })
}

/// Splits documents by each of their values; `missing` stands in for none.
pub(crate) fn split(
    columns: &FieldColumns,
    docs: &[DocId],
    missing: Option<&Value>,
    each: impl FnMut(BucketKey, Vec<DocId>),
) {
    gather(columns, docs, missing, each);
}

/// Counts documents by each of their values, without a list of them.
pub(super) fn count(
    columns: &FieldColumns,
    docs: &[DocId],
    missing: Option<&Value>,
    mut each: impl FnMut(BucketKey, u64),
) {
    gather(columns, docs, missing, |key, counted: Counted| {
        each(key, counted.count);
    });
}

/// What documents of a value are gathered in; they come in order.
trait Gathered: Default + Clone {
    /// A value that a document has twice counts once.
    fn add(&mut self, doc: DocId);
    fn is_empty(&self) -> bool;
}

impl Gathered for Vec<DocId> {
    fn add(&mut self, doc: DocId) {
        if self.last() != Some(&doc) {
            self.push(doc);
        }
    }

    fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }
}

#[derive(Clone, Default)]
struct Counted {
    count: u64,
    last: Option<DocId>,
}

impl Gathered for Counted {
    fn add(&mut self, doc: DocId) {
        self.count += u64::from(self.last.replace(doc) != Some(doc));
    }

    fn is_empty(&self) -> bool {
        self.count == 0
    }
}

fn gather<T: Gathered>(
    columns: &FieldColumns,
    docs: &[DocId],
    missing: Option<&Value>,
    mut each: impl FnMut(BucketKey, T),
) {
    if let Some(column) = &columns.text {
        let mut places = Places::new(column.num_terms() as u64, docs.len());
        columns.ordinals_of(docs, |doc, ordinal| places.add(ordinal, doc));
        let (ordinals, parts) = places.filled();
        let texts = columns.resolve_all(&ordinals);
        for (text, own) in texts.into_iter().zip(parts) {
            each(BucketKey::Text(text), own);
        }
    }
    // Nothing is between the bounds where there is no column of whole numbers.
    let (least, greatest) = columns.whole_bounds().unwrap_or((1, 0));
    let mut wholes = Places::new(greatest.abs_diff(least).saturating_add(1), docs.len());
    let mut others: HashMap<BucketKey, T> = HashMap::new();
    columns.numbers_of(docs, |doc, value| match value {
        FieldValue::Whole(number) if (least..=greatest).contains(&number) => {
            wholes.add(number.abs_diff(least), doc);
        }
        other => others.entry(BucketKey::new(other)).or_default().add(doc),
    });
    let (places, parts): (Vec<u64>, Vec<T>) = wholes.filled();
    for (place, own) in places.into_iter().zip(parts) {
        each(BucketKey::Whole(least.wrapping_add_unsigned(place)), own);
    }
    for (key, own) in others {
        each(key, own);
    }
    if let Some(missing) = missing {
        let mut without = T::default();
        for doc in docs.iter().filter(|doc| !columns.has_any(**doc)) {
            without.add(*doc);
        }
        if !without.is_empty() {
            each(BucketKey::from_json(missing), without);
        }
    }
}

/// What is gathered at places that are counted from zero, as the terms of a column are: in a list where it is not mostly empty.
enum Places<T> {
    Listed(Vec<T>),
    Found(HashMap<u64, T, foldhash::fast::RandomState>),
}

/// Up to so many places are in a list.
const LISTED: u64 = 4096;
/// But not more for each document than so many.
const LISTED_FOR_EACH: usize = 16;

impl<T: Gathered> Places<T> {
    fn new(places: u64, docs: usize) -> Self {
        let most = docs.saturating_mul(LISTED_FOR_EACH);
        match usize::try_from(places) {
            Ok(list) if places <= LISTED && list <= most => {
                Places::Listed(vec![T::default(); list])
            }
            _ => Places::Found(HashMap::default()),
        }
    }

    fn add(&mut self, place: u64, doc: DocId) {
        let own = match self {
            Places::Listed(list) => usize::try_from(place).ok().and_then(|at| list.get_mut(at)),
            Places::Found(map) => Some(map.entry(place).or_default()),
        };
        if let Some(own) = own {
            own.add(doc);
        }
    }

    /// In the order of the places.
    fn filled(self) -> (Vec<u64>, Vec<T>) {
        match self {
            Places::Listed(list) => (0..).zip(list).filter(|(_, own)| !own.is_empty()).unzip(),
            Places::Found(map) => {
                let mut found: Vec<(u64, T)> = map.into_iter().collect();
                found.sort_unstable_by_key(|(place, _)| *place);
                found.into_iter().unzip()
            }
        }
    }
}

/// Whether a value has a bucket.
pub(super) struct Chosen {
    include: Option<Filter>,
    exclude: Option<Filter>,
}

enum Filter {
    Pattern(regex::Regex),
    Keys(Vec<BucketKey>),
}

impl Chosen {
    pub(super) fn new(terms: &Terms) -> Result<Self, EsError> {
        let filter = |filter: &Option<TermFilter>| -> Result<Option<Filter>, EsError> {
            match filter {
                None => Ok(None),
                Some(TermFilter::Pattern(query)) => Ok(Some(Filter::Pattern(pattern(query)?))),
                Some(TermFilter::Values(values)) => {
                    let keys = values.iter().map(BucketKey::from_json).collect();
                    Ok(Some(Filter::Keys(keys)))
                }
            }
        };
        Ok(Self {
            include: filter(&terms.include)?,
            exclude: filter(&terms.exclude)?,
        })
    }

    pub(super) fn has(&self, key: &BucketKey) -> bool {
        let fits = |filter: &Filter| match (filter, key) {
            (Filter::Pattern(pattern), BucketKey::Text(text)) => pattern.is_match(text),
            (Filter::Pattern(_), _) => false,
            (Filter::Keys(keys), key) => keys.contains(key),
        };
        self.include.as_ref().is_none_or(fits) && !self.exclude.as_ref().is_some_and(fits)
    }
}

/// A finished bucket beside the key and count it is ordered by.
struct Finished {
    key: BucketKey,
    count: u64,
    body: Map<String, Value>,
}

/// How many buckets are answered, and in which order.
pub(super) struct Choice<'a> {
    pub(super) size: usize,
    pub(super) min_doc_count: u64,
    pub(super) order: &'a [BucketOrder],
}

impl<'a> Choice<'a> {
    pub(super) fn of(terms: &'a Terms) -> Self {
        Self {
            size: terms.size,
            min_doc_count: terms.min_doc_count,
            order: &terms.order,
        }
    }

    /// Whether buckets are chosen without looking at what is in them.
    pub(super) fn is_by_itself(&self) -> bool {
        let mut targets = self.order.iter().map(|order| &order.target);
        !targets.any(|target| matches!(target, OrderTarget::Metric { .. }))
    }

    /// The keys that will be answered.
    pub(super) fn keys(&self, found: &HashMap<BucketKey, Bucket>) -> Vec<BucketKey> {
        let mut keys: Vec<(&BucketKey, u64)> = found
            .iter()
            .map(|(key, bucket)| (key, bucket.count))
            .filter(|(_, count)| *count >= self.min_doc_count)
            .collect();
        keys.sort_unstable_by(|a, b| compare_plain(*a, *b, self.order));
        keys.truncate(self.size);
        keys.into_iter().map(|(key, _)| key.clone()).collect()
    }

    /// Ours are exact. Elasticsearch says that it does not know when it has left out buckets in an order that says nothing
    /// about what was left out.
    fn error_of_counts(&self, all: usize) -> i64 {
        let is_known = self.order.first().is_none_or(|order| match order.target {
            OrderTarget::Count => order.descending,
            OrderTarget::Key => true,
            OrderTarget::Metric { .. } => false,
        });
        let looked_at = self.size + self.size / 2 + 10;
        if is_known || all < looked_at { 0 } else { -1 }
    }
}

pub(crate) fn finish_terms(
    terms: &Terms,
    aggregation: &Aggregation,
    found: HashMap<BucketKey, Bucket>,
    with: &Finish<'_>,
) -> Result<Value, EsError> {
    let kind = with.kinds.get(&terms.field);
    finish_chosen(&Choice::of(terms), aggregation, found, with, |key| {
        let mut fields = key_fields(key, kind);
        if terms.show_error {
            fields.insert("doc_count_error_upper_bound".to_owned(), json!(0));
        }
        fields
    })
}

pub(super) fn finish_chosen(
    choice: &Choice<'_>,
    aggregation: &Aggregation,
    found: HashMap<BucketKey, Bucket>,
    with: &Finish<'_>,
    fields: impl Fn(&BucketKey) -> Map<String, Value>,
) -> Result<Value, EsError> {
    for order in choice.order {
        check_order(order, aggregation)?;
    }
    let mut found: Vec<(BucketKey, Bucket)> = found
        .into_iter()
        .filter(|(_, bucket)| bucket.count >= choice.min_doc_count)
        .collect();
    let total: u64 = found.iter().map(|(_, bucket)| bucket.count).sum();
    let error = choice.error_of_counts(found.len());
    if choice.is_by_itself() {
        found.sort_unstable_by(|(a, one), (b, other)| {
            compare_plain((a, one.count), (b, other.count), choice.order)
        });
        found.truncate(choice.size);
    }
    let mut buckets = Vec::with_capacity(found.len());
    for (key, bucket) in found {
        let count = bucket.count;
        let body = finish_bucket(bucket, aggregation, with, fields(&key))?;
        buckets.push(Finished { key, count, body });
    }
    buckets.sort_by(|a, b| compare(a, b, choice.order));
    buckets.truncate(choice.size);
    let shown: u64 = buckets.iter().map(|bucket| bucket.count).sum();
    let mut list: Vec<Map<String, Value>> = buckets.into_iter().map(|bucket| bucket.body).collect();
    pipeline::inside(&aggregation.nested, &mut list)?;
    Ok(object_of([
        ("doc_count_error_upper_bound", json!(error)),
        ("sum_other_doc_count", json!(total.saturating_sub(shown))),
        ("buckets", Value::from(list)),
    ]))
}

pub(super) fn key_fields(key: &BucketKey, kind: Option<&FieldType>) -> Map<String, Value> {
    let mut fields = Map::new();
    let (value, text) = match (key, kind) {
        (BucketKey::Whole(number), Some(FieldType::Date(formats))) => {
            (json!(number), Some(formats.write(*number, &TimeZone::UTC)))
        }
        (BucketKey::Text(flag), Some(FieldType::Boolean)) => {
            (json!(i32::from(&**flag == "true")), Some(flag.to_string()))
        }
        (BucketKey::Whole(number), Some(FieldType::Decimal { .. })) => {
            (json!(*number as f64), None)
        }
        (BucketKey::Whole(number), _) => (json!(number), None),
        (BucketKey::Unsigned(number), _) => (json!(number), None),
        (BucketKey::Decimal(bits), _) => (json!(from_ordered_bits(*bits)), None),
        (BucketKey::Text(text), _) => (json!(&**text), None),
        (BucketKey::Several(_), _) => (Value::Null, None),
    };
    fields.insert("key".to_owned(), value);
    if let Some(text) = text {
        fields.insert("key_as_string".to_owned(), json!(text));
    }
    fields
}

/// What a bucket takes in an answer, beside what is in it.
const ANSWERED_SIZE: usize = 256;

/// Count and nested aggregations, after the fields of the key.
pub(crate) fn finish_bucket(
    mut bucket: Bucket,
    aggregation: &Aggregation,
    with: &Finish<'_>,
    mut fields: Map<String, Value>,
) -> Result<Map<String, Value>, EsError> {
    with.searched.account.take(ANSWERED_SIZE)?;
    fields.insert("doc_count".to_owned(), json!(bucket.count));
    fields.extend(finish_all(&aggregation.nested, &mut bucket.nested, with)?);
    Ok(fields)
}

fn check_order(order: &BucketOrder, aggregation: &Aggregation) -> Result<(), EsError> {
    match &order.target {
        OrderTarget::Metric { name, .. } if !aggregation.nested.contains_key(name) => {
            Err(EsError::new(
                400,
                "aggregation_execution_exception",
                format!(
                    "Invalid aggregator order path [{name}]. The provided aggregation [{name}] either does not exist, or is a pipeline aggregation and cannot be used to sort the buckets."
                ),
            ))
        }
        _ => Ok(()),
    }
}

/// By key and count alone.
fn compare_plain(
    (a, a_count): (&BucketKey, u64),
    (b, b_count): (&BucketKey, u64),
    orders: &[BucketOrder],
) -> std::cmp::Ordering {
    for order in orders {
        let ordering = match &order.target {
            OrderTarget::Count => a_count.cmp(&b_count),
            OrderTarget::Key | OrderTarget::Metric { .. } => a.cmp(b),
        };
        if ordering.is_ne() {
            return if order.descending {
                ordering.reverse()
            } else {
                ordering
            };
        }
    }
    a.cmp(b)
}

fn compare(a: &Finished, b: &Finished, orders: &[BucketOrder]) -> std::cmp::Ordering {
    for order in orders {
        let ordering = match &order.target {
            OrderTarget::Count => a.count.cmp(&b.count),
            OrderTarget::Key => a.key.cmp(&b.key),
            OrderTarget::Metric { name, property } => metric(&a.body, name, property.as_deref())
                .total_cmp(&metric(&b.body, name, property.as_deref())),
        };
        let ordering = if order.descending {
            ordering.reverse()
        } else {
            ordering
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
    a.key.cmp(&b.key)
}

/// The number that a bucket is ordered by; an empty metric comes last in ascending order, as in Elasticsearch.
fn metric(body: &Map<String, Value>, name: &str, property: Option<&str>) -> f64 {
    let Some(metric) = body.get(name) else {
        return f64::INFINITY;
    };
    let property = property.unwrap_or("value");
    let direct = metric
        .get(property)
        .or_else(|| metric.get("values").and_then(|values| values.get(property)));
    direct
        .or_else(|| metric.get("doc_count"))
        .and_then(Value::as_f64)
        .unwrap_or(f64::INFINITY)
}

pub(crate) fn finish_filters(
    filters: &Filters,
    aggregation: &Aggregation,
    mut found: HashMap<BucketKey, Bucket>,
    with: &Finish<'_>,
) -> Result<Value, EsError> {
    let mut take = |position: i64| {
        let bucket = found
            .remove(&BucketKey::Whole(position))
            .unwrap_or_default();
        finish_bucket(bucket, aggregation, with, Map::new())
    };
    let is_named = filters.queries.iter().any(|(name, _)| name.is_some());
    let mut buckets: Vec<(String, Value)> = Vec::new();
    for (position, (name, _)) in filters.queries.iter().enumerate() {
        let body = take(i64::try_from(position).unwrap_or(i64::MAX))?;
        buckets.push((name.clone().unwrap_or_default(), Value::Object(body)));
    }
    if let Some(key) = &filters.other_bucket_key {
        buckets.push((key.clone(), Value::Object(take(i64::MAX)?)));
    }
    let buckets: Value = if is_named {
        buckets.into_iter().collect()
    } else {
        buckets.into_iter().map(|(_, body)| body).collect()
    };
    Ok(object_of([("buckets", buckets)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordered_bits_order_floats() {
        let numbers = [f64::NEG_INFINITY, -2.5, -0.0, 0.5, 3.0, f64::INFINITY];
        let bits: Vec<u64> = numbers.iter().map(|number| ordered_bits(*number)).collect();
        assert!(bits.is_sorted());
        assert_eq!(from_ordered_bits(ordered_bits(-2.5)), -2.5);
    }
}
