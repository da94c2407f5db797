//! Aggregations: a tree over document lists, merged over segments and indices, finished once.

mod buckets;
mod dates;
mod metrics;

use std::collections::{BTreeMap, HashMap};

use canarytrace_es::{
    EsError,
    aggregation::{Aggregation, AggregationKind, Aggregations},
};
use serde_json::{Map, Value};
use tantivy::{DocId, SegmentReader};

use crate::{
    engine::StoreError,
    mapping::FieldType,
    search::{View, columns::FieldColumns, matches},
};
use buckets::BucketKey;
use metrics::Numbers;

/// Buckets of one request, all levels together, as Elasticsearch's `search.max_buckets`.
const MAX_BUCKETS: usize = 65_536;

/// What has been collected for the aggregations of a request.
pub(crate) struct Aggregator<'a> {
    aggregations: &'a Aggregations,
    collected: BTreeMap<String, Collected>,
    kinds: Kinds,
}

/// The type of each aggregated field, over all indices.
pub(crate) type Kinds = HashMap<String, FieldType>;

/// The state of one aggregation.
#[derive(Debug)]
pub(crate) enum Collected {
    Numbers(Numbers),
    Values(std::collections::HashSet<BucketKey>),
    Buckets(HashMap<BucketKey, Bucket>),
}

/// One bucket with what is nested in it.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    pub(crate) count: u64,
    pub(crate) nested: BTreeMap<String, Collected>,
}

impl<'a> Aggregator<'a> {
    pub(crate) fn new(aggregations: &'a Aggregations, views: &[View]) -> Result<Self, EsError> {
        let mut kinds = Kinds::new();
        learn(aggregations, views, &mut kinds)?;
        Ok(Self {
            aggregations,
            collected: BTreeMap::new(),
            kinds,
        })
    }

    /// Adds the documents of a segment.
    pub(crate) fn collect(
        &mut self,
        view: &View,
        segment: &SegmentReader,
        docs: &[DocId],
    ) -> Result<(), EsError> {
        let collection = Collection { view, segment };
        let mut budget = MAX_BUCKETS;
        collection.all(self.aggregations, docs, &mut self.collected, &mut budget)
    }

    /// The answer, in Elasticsearch's JSON.
    pub(crate) fn finish(mut self) -> Result<Map<String, Value>, EsError> {
        finish_all(self.aggregations, &mut self.collected, &self.kinds)
    }
}

/// Finds out the type of every field, and refuses text.
fn learn(aggregations: &Aggregations, views: &[View], kinds: &mut Kinds) -> Result<(), EsError> {
    for aggregation in aggregations.values() {
        if let Some(field) = field(&aggregation.kind) {
            for kind in views.iter().filter_map(|view| view.mapping.kind(field)) {
                if matches!(kind, FieldType::Text { .. }) {
                    return Err(EsError::illegal_argument(format!(
                        "Text fields are not optimised for operations that require per-document field data like aggregations and sorting. Please use a keyword field instead of [{field}]"
                    )));
                }
                kinds
                    .entry(field.to_owned())
                    .or_insert_with(|| kind.clone());
            }
        }
        learn(&aggregation.nested, views, kinds)?;
    }
    Ok(())
}

fn field(kind: &AggregationKind) -> Option<&str> {
    match kind {
        AggregationKind::Terms(terms) => Some(&terms.field),
        AggregationKind::DateHistogram(histogram) => Some(&histogram.field),
        AggregationKind::Metric(metric) => Some(&metric.field),
        AggregationKind::Percentiles(percentiles) => Some(&percentiles.field),
        AggregationKind::Cardinality(cardinality) => Some(&cardinality.field),
        AggregationKind::Filter(_) | AggregationKind::Filters(_) => None,
    }
}

/// One segment of one index, while it is collected.
struct Collection<'a> {
    view: &'a View,
    segment: &'a SegmentReader,
}

impl Collection<'_> {
    fn all(
        &self,
        aggregations: &Aggregations,
        docs: &[DocId],
        into: &mut BTreeMap<String, Collected>,
        budget: &mut usize,
    ) -> Result<(), EsError> {
        for (name, aggregation) in aggregations {
            let collected = into
                .entry(name.clone())
                .or_insert_with(|| empty(aggregation));
            self.one(aggregation, docs, collected, budget)?;
        }
        Ok(())
    }

    fn one(
        &self,
        aggregation: &Aggregation,
        docs: &[DocId],
        into: &mut Collected,
        budget: &mut usize,
    ) -> Result<(), EsError> {
        match (&aggregation.kind, into) {
            (AggregationKind::Metric(metric), Collected::Numbers(numbers)) => {
                let columns = self.columns(&metric.field)?;
                metrics::collect(&columns, docs, metric.missing.as_ref(), numbers);
            }
            (AggregationKind::Percentiles(percentiles), Collected::Numbers(numbers)) => {
                let columns = self.columns(&percentiles.field)?;
                numbers.keep = true;
                metrics::collect(&columns, docs, percentiles.missing.as_ref(), numbers);
            }
            (AggregationKind::Cardinality(cardinality), Collected::Values(values)) => {
                let columns = self.columns(&cardinality.field)?;
                buckets::split(&columns, docs, cardinality.missing.as_ref(), |key, _| {
                    values.insert(key);
                });
            }
            (AggregationKind::Terms(terms), Collected::Buckets(found)) => {
                let columns = self.columns(&terms.field)?;
                let mut parts = Vec::new();
                buckets::split(&columns, docs, terms.missing.as_ref(), |key, docs| {
                    parts.push((key, docs))
                });
                self.fill_buckets(aggregation, parts, found, budget)?;
            }
            (AggregationKind::DateHistogram(histogram), Collected::Buckets(found)) => {
                let columns = self.columns(&histogram.field)?;
                let parts = dates::split(&columns, docs, histogram)?;
                self.fill_buckets(aggregation, parts, found, budget)?;
            }
            (AggregationKind::Filter(query), Collected::Buckets(found)) => {
                let part = (BucketKey::Whole(0), self.matching(query, docs)?);
                self.fill_buckets(aggregation, vec![part], found, budget)?;
            }
            (AggregationKind::Filters(filters), Collected::Buckets(found)) => {
                let mut parts = Vec::new();
                let mut rest: Vec<DocId> = docs.to_vec();
                for (position, (_, query)) in filters.queries.iter().enumerate() {
                    let matching = self.matching(query, docs)?;
                    rest.retain(|doc| matching.binary_search(doc).is_err());
                    parts.push((
                        BucketKey::Whole(i64::try_from(position).unwrap_or(i64::MAX)),
                        matching,
                    ));
                }
                if filters.other_bucket_key.is_some() {
                    parts.push((BucketKey::Whole(i64::MAX), rest));
                }
                self.fill_buckets(aggregation, parts, found, budget)?;
            }
            _ => {
                return Err(EsError::internal(
                    "an aggregation was collected as another kind",
                ));
            }
        }
        Ok(())
    }

    fn columns(&self, field: &str) -> Result<FieldColumns, EsError> {
        Ok(FieldColumns::open(self.segment, field).map_err(StoreError::from)?)
    }

    /// Those of `docs` that match, in order.
    fn matching(
        &self,
        query: &canarytrace_es::query::Query,
        docs: &[DocId],
    ) -> Result<Vec<DocId>, EsError> {
        let weight = self.view.weight(query, false)?;
        let all = matches(weight.as_ref(), self.segment, false)?.docs;
        Ok(docs
            .iter()
            .copied()
            .filter(|doc| all.binary_search(doc).is_ok())
            .collect())
    }

    fn fill_buckets(
        &self,
        aggregation: &Aggregation,
        parts: Vec<(BucketKey, Vec<DocId>)>,
        found: &mut HashMap<BucketKey, Bucket>,
        budget: &mut usize,
    ) -> Result<(), EsError> {
        for (key, docs) in parts {
            *budget = budget.checked_sub(1).ok_or_else(|| {
                EsError::new(503, "too_many_buckets_exception", format!("Trying to create too many buckets. Must be less than or equal to: [{MAX_BUCKETS}]"))
            })?;
            let bucket = found.entry(key).or_default();
            bucket.count += docs.len() as u64;
            self.all(&aggregation.nested, &docs, &mut bucket.nested, budget)?;
        }
        Ok(())
    }
}

fn empty(aggregation: &Aggregation) -> Collected {
    match aggregation.kind {
        AggregationKind::Metric(_) | AggregationKind::Percentiles(_) => {
            Collected::Numbers(Numbers::default())
        }
        AggregationKind::Cardinality(_) => Collected::Values(Default::default()),
        _ => Collected::Buckets(HashMap::new()),
    }
}

pub(crate) fn finish_all(
    aggregations: &Aggregations,
    collected: &mut BTreeMap<String, Collected>,
    kinds: &Kinds,
) -> Result<Map<String, Value>, EsError> {
    let mut answer = Map::new();
    for (name, aggregation) in aggregations {
        let collected = collected.remove(name).unwrap_or_else(|| empty(aggregation));
        let mut value = finish(aggregation, collected, kinds)?;
        if let (Some(meta), Some(map)) = (&aggregation.meta, value.as_object_mut()) {
            map.insert("meta".to_owned(), meta.clone());
        }
        answer.insert(name.clone(), value);
    }
    Ok(answer)
}

fn finish(
    aggregation: &Aggregation,
    collected: Collected,
    kinds: &Kinds,
) -> Result<Value, EsError> {
    let kind = field(&aggregation.kind).and_then(|field| kinds.get(field));
    match (&aggregation.kind, collected) {
        (AggregationKind::Metric(metric), Collected::Numbers(numbers)) => {
            Ok(metrics::finish(metric.kind, &numbers, kind))
        }
        (AggregationKind::Percentiles(percentiles), Collected::Numbers(numbers)) => {
            Ok(metrics::finish_percentiles(percentiles, numbers))
        }
        (AggregationKind::Cardinality(_), Collected::Values(values)) => {
            Ok(serde_json::json!({"value": values.len()}))
        }
        (AggregationKind::Terms(terms), Collected::Buckets(found)) => {
            buckets::finish_terms(terms, aggregation, found, kinds)
        }
        (AggregationKind::DateHistogram(histogram), Collected::Buckets(found)) => {
            dates::finish(histogram, aggregation, found, kinds)
        }
        (AggregationKind::Filter(_), Collected::Buckets(mut found)) => {
            let bucket = found.remove(&BucketKey::Whole(0)).unwrap_or_default();
            buckets::finish_bucket(bucket, aggregation, kinds, Map::new()).map(Value::Object)
        }
        (AggregationKind::Filters(filters), Collected::Buckets(found)) => {
            buckets::finish_filters(filters, aggregation, found, kinds)
        }
        _ => Err(EsError::internal(
            "an aggregation was finished as another kind",
        )),
    }
}
