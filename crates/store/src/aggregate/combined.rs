//! Buckets by combinations of values: composite pages, and the most frequent ones.

use std::{
    cell::RefCell,
    cmp::Ordering,
    collections::{BTreeMap, HashMap},
    rc::Rc,
    sync::Arc,
};

use canarytrace_es::{
    EsError,
    aggregation::{Aggregation, Composite, Histogram, MultiTerms, Source, SourceKind},
    object_of,
};
use serde_json::{Map, Value, json};
use tantivy::DocId;

use super::{
    Bucket, Collection, Finish,
    buckets::{BucketKey, Choice, finish_bucket, finish_chosen, key_fields},
    dates::Rounder,
    histogram, pipeline,
};
use crate::{
    mapping::FieldType,
    search::{columns::FieldColumns, value::FieldValue},
};

/// The combination of one bucket.
type Parts = Vec<Option<BucketKey>>;

/// Reads the values of one part of the key.
struct Reader<'a> {
    columns: Rc<FieldColumns>,
    rounding: Rounding<'a>,
    /// What a document without a value has: nothing, null, or a value that stands in.
    without: Option<Option<BucketKey>>,
    /// Texts by ordinal: each is read once.
    texts: RefCell<HashMap<u64, Arc<str>>>,
}

enum Rounding<'a> {
    None,
    Numbers(&'a Histogram),
    Dates(Rounder<'a>),
}

impl Reader<'_> {
    fn values(&self, doc: DocId) -> Vec<Option<BucketKey>> {
        let mut values = Vec::new();
        self.columns.ordinals(doc, |ordinal| {
            let mut texts = self.texts.borrow_mut();
            let text = texts
                .entry(ordinal)
                .or_insert_with(|| self.columns.resolve(ordinal));
            values.push(Some(BucketKey::Text(Arc::clone(text))));
        });
        self.columns
            .numbers(doc, |value| values.extend(self.rounded(value).map(Some)));
        values.sort();
        values.dedup();
        if values.is_empty() {
            values.extend(self.without.clone());
        }
        values
    }

    fn rounded(&self, value: FieldValue) -> Option<BucketKey> {
        match (&self.rounding, &value) {
            (Rounding::None, _) => Some(BucketKey::new(value)),
            (Rounding::Numbers(histogram), value) => {
                let number = histogram::number(histogram, value.as_f64()?);
                Some(BucketKey::decimal(histogram::start(histogram, number)))
            }
            (Rounding::Dates(rounder), FieldValue::Whole(milliseconds)) => {
                rounder.start(*milliseconds).map(BucketKey::Whole)
            }
            (Rounding::Dates(_), _) => None,
        }
    }
}

/// Documents by the combinations of their values.
fn combine(readers: &[Reader<'_>], docs: &[DocId]) -> HashMap<Parts, Vec<DocId>> {
    let mut found: HashMap<Parts, Vec<DocId>> = HashMap::new();
    for doc in docs {
        let mut combinations: Vec<Parts> = vec![Vec::new()];
        for reader in readers {
            let values = reader.values(*doc);
            combinations = combinations
                .into_iter()
                .flat_map(|parts| {
                    values.iter().map(move |value| {
                        let mut parts = parts.clone();
                        parts.push(value.clone());
                        parts
                    })
                })
                .collect();
        }
        for parts in combinations {
            found.entry(parts).or_default().push(*doc);
        }
    }
    found
}

type Part = (BucketKey, Vec<DocId>);

pub(super) fn split_terms(
    collection: &Collection<'_>,
    docs: &[DocId],
    terms: &MultiTerms,
) -> Result<Vec<Part>, EsError> {
    let readers = terms
        .terms
        .iter()
        .map(|term| {
            Ok(Reader {
                columns: collection.columns(&term.field)?,
                rounding: Rounding::None,
                without: term
                    .missing
                    .as_ref()
                    .map(|value| Some(BucketKey::from_json(value))),
                texts: RefCell::default(),
            })
        })
        .collect::<Result<Vec<_>, EsError>>()?;
    let found = combine(&readers, docs).into_iter();
    Ok(found
        .map(|(parts, docs)| (BucketKey::Several(parts), docs))
        .collect())
}

/// The first combinations of this segment: what comes first of all is among them, in each segment where it is at all.
pub(super) fn split_page(
    collection: &Collection<'_>,
    docs: &[DocId],
    composite: &Composite,
) -> Result<Vec<Part>, EsError> {
    let readers = composite
        .sources
        .iter()
        .map(|source| {
            Ok(Reader {
                columns: collection.columns(source.field())?,
                rounding: match &source.kind {
                    SourceKind::Terms(_) => Rounding::None,
                    SourceKind::Histogram(histogram) => Rounding::Numbers(histogram),
                    SourceKind::DateHistogram(histogram) => {
                        Rounding::Dates(Rounder::new(histogram)?)
                    }
                },
                without: source.missing_bucket.then_some(None),
                texts: RefCell::default(),
            })
        })
        .collect::<Result<Vec<_>, EsError>>()?;
    let after = composite
        .after
        .as_ref()
        .map(|after| start_of_page(composite, after));
    let mut found: Vec<(Parts, Vec<DocId>)> = combine(&readers, docs)
        .into_iter()
        .filter(|(parts, _)| {
            after
                .as_ref()
                .is_none_or(|after| compare(&composite.sources, parts, after).is_gt())
        })
        .collect();
    found.sort_by(|(a, _), (b, _)| compare(&composite.sources, a, b));
    found.truncate(composite.size);
    Ok(found
        .into_iter()
        .map(|(parts, docs)| (BucketKey::Several(parts), docs))
        .collect())
}

fn start_of_page(composite: &Composite, after: &Map<String, Value>) -> Parts {
    let part = |source: &Source| {
        let value = after.get(&source.name).filter(|value| !value.is_null())?;
        Some(match (&source.kind, value) {
            (SourceKind::Histogram(_), value) => BucketKey::decimal(value.as_f64().unwrap_or(0.0)),
            (_, value) => BucketKey::from_json(value),
        })
    };
    composite.sources.iter().map(part).collect()
}

/// Null comes before all values, or after them when the order is turned.
fn compare(sources: &[Source], a: &[Option<BucketKey>], b: &[Option<BucketKey>]) -> Ordering {
    for ((source, a), b) in sources.iter().zip(a).zip(b) {
        let ordering = if source.descending {
            b.cmp(a)
        } else {
            a.cmp(b)
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
    Ordering::Equal
}

pub(super) fn finish_page(
    composite: &Composite,
    aggregation: &Aggregation,
    found: HashMap<BucketKey, Bucket>,
    with: &Finish<'_>,
) -> Result<Value, EsError> {
    let mut buckets: Vec<(Parts, Bucket)> = found
        .into_iter()
        .filter_map(|(key, bucket)| match key {
            BucketKey::Several(parts) => Some((parts, bucket)),
            _ => None,
        })
        .collect();
    buckets.sort_by(|(a, _), (b, _)| compare(&composite.sources, a, b));
    buckets.truncate(composite.size);
    let mut list = Vec::new();
    for (parts, bucket) in buckets {
        let key: Map<String, Value> = composite
            .sources
            .iter()
            .zip(&parts)
            .map(|(source, part)| Ok((source.name.clone(), shown(source, part.as_ref(), with)?)))
            .collect::<Result<_, EsError>>()?;
        let fields = Map::from_iter([("key".to_owned(), Value::Object(key))]);
        list.push(finish_bucket(bucket, aggregation, with, fields)?);
    }
    pipeline::inside(&aggregation.nested, &mut list)?;
    let last = list.last().and_then(|last| last.get("key")).cloned();
    let mut answer = object_of([("buckets", Value::from(list))]);
    if let Some(last) = last {
        answer["after_key"] = last;
    }
    Ok(answer)
}

fn shown(source: &Source, part: Option<&BucketKey>, with: &Finish<'_>) -> Result<Value, EsError> {
    let Some(part) = part else {
        return Ok(Value::Null);
    };
    let kind = with.kinds.get(source.field());
    Ok(match (&source.kind, part, kind) {
        (SourceKind::DateHistogram(histogram), BucketKey::Whole(start), _)
            if histogram.format != canarytrace_es::DateFormat::Usual =>
        {
            json!(
                histogram
                    .format
                    .write(*start, &Rounder::new(histogram)?.zone)
            )
        }
        (_, BucketKey::Text(flag), Some(FieldType::Boolean)) => json!(&**flag == "true"),
        (_, part, _) => key_fields(part, kind).remove("key").unwrap_or(Value::Null),
    })
}

pub(super) fn finish_terms(
    terms: &MultiTerms,
    aggregation: &Aggregation,
    found: HashMap<BucketKey, Bucket>,
    with: &Finish<'_>,
) -> Result<Value, EsError> {
    let choice = Choice {
        size: terms.size,
        min_doc_count: terms.min_doc_count,
        order: &terms.order,
    };
    let fields = |key: &BucketKey| {
        let BucketKey::Several(parts) = key else {
            return Map::new();
        };
        let each: Vec<BTreeMap<String, Value>> = terms
            .terms
            .iter()
            .zip(parts)
            .filter_map(|(term, part)| {
                let fields = key_fields(part.as_ref()?, with.kinds.get(&term.field));
                Some(fields.into_iter().collect())
            })
            .collect();
        let texts: Vec<String> = each
            .iter()
            .map(
                |fields| match fields.get("key_as_string").or_else(|| fields.get("key")) {
                    Some(Value::String(text)) => text.clone(),
                    other => other.map(Value::to_string).unwrap_or_default(),
                },
            )
            .collect();
        // Dates and flags are no numbers in a combination.
        let shown = |fields: &BTreeMap<String, Value>| match fields.get("key_as_string") {
            Some(Value::String(text)) if text == "true" || text == "false" => json!(text == "true"),
            Some(text) => text.clone(),
            None => fields.get("key").cloned().unwrap_or(Value::Null),
        };
        let keys: Vec<Value> = each.iter().map(shown).collect();
        Map::from_iter([
            ("key".to_owned(), json!(keys)),
            ("key_as_string".to_owned(), json!(texts.join("|"))),
        ])
    };
    finish_chosen(&choice, aggregation, found, with, fields)
}
