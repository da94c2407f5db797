//! Collecting: the documents of one segment, into the state of each aggregation.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, btree_map::Entry},
    rc::Rc,
};

use canarytrace_es::{
    EsError,
    aggregation::{Aggregation, AggregationKind, Aggregations, Filters, MetricKind, Terms},
    query::{ExistsQuery, Query},
};
use tantivy::{BitSet, DocId, Score, SegmentReader};

use super::{
    Bucket, Collected, Place, Searched, addresses,
    buckets::{self, BucketKey, Chosen},
    choice, combined, dates, empty, histogram, metrics, ranges, top_hits,
};
use crate::{
    engine::StoreError,
    search::{Matches, View, columns::FieldColumns, matches},
};

/// What a bucket takes, or the state of an aggregation in one.
const STATE_SIZE: usize = 256;
/// What a number takes that is kept for a percentile, or a value that is told apart from others.
const KEPT_SIZE: usize = 16;

/// One segment of one index, while it is collected.
pub(super) struct Collection<'a> {
    pub(super) searched: Searched<'a>,
    pub(super) view: &'a View,
    pub(super) place: Place,
    pub(super) segment: &'a SegmentReader,
    columns: RefCell<HashMap<String, Rc<FieldColumns>>>,
    /// What the queries of the request find here, by their addresses: each bucket around them asks again.
    found: RefCell<HashMap<*const Query, Rc<BitSet>>>,
    /// The values that documents have in a field: each bucket around a terms aggregation asks again.
    values: RefCell<HashMap<String, Rc<Vec<BucketKey>>>>,
    /// The matches with their scores, once somebody wants them.
    scored: RefCell<Option<Rc<Matches>>>,
}

impl<'a> Collection<'a> {
    pub(super) fn new(searched: Searched<'a>, place: Place) -> Result<Self, EsError> {
        let view = searched.views.get(place.0);
        let view = view.ok_or_else(|| EsError::internal("a segment of no index"))?;
        let segment = view.searcher.segment_readers().get(place.1);
        Ok(Self {
            searched,
            view,
            place,
            segment: segment.ok_or_else(|| EsError::internal("a segment that is not there"))?,
            columns: RefCell::default(),
            found: RefCell::default(),
            values: RefCell::default(),
            scored: RefCell::default(),
        })
    }

    /// How well documents fit the query of the request.
    pub(super) fn scores(&self, docs: &[DocId]) -> Result<Vec<Score>, EsError> {
        let known = self.scored.borrow().clone();
        let scored = match known {
            Some(scored) => scored,
            None => {
                let weight = self.view.weight(self.searched.query, true)?;
                let scored = Rc::new(matches(weight.as_ref(), self.segment, true)?);
                *self.scored.borrow_mut() = Some(Rc::clone(&scored));
                scored
            }
        };
        Ok(scored.scores_of(docs))
    }

    pub(super) fn all(
        &self,
        aggregations: &Aggregations,
        docs: &[DocId],
        into: &mut BTreeMap<String, Collected>,
    ) -> Result<(), EsError> {
        for (name, aggregation) in aggregations {
            if matches!(aggregation.kind, AggregationKind::Pipeline(_)) {
                continue;
            }
            let collected = match into.entry(name.clone()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    self.searched.account.take(STATE_SIZE)?;
                    new.insert(empty(aggregation))
                }
            };
            let before = collected.kept();
            self.one(aggregation, docs, collected)?;
            let more = collected.kept().saturating_sub(before);
            self.searched.account.take(more * KEPT_SIZE)?;
        }
        Ok(())
    }

    fn one(
        &self,
        aggregation: &Aggregation,
        docs: &[DocId],
        into: &mut Collected,
    ) -> Result<(), EsError> {
        match (&aggregation.kind, into) {
            (AggregationKind::Metric(metric), Collected::Numbers(numbers)) => {
                let columns = self.columns(&metric.field)?;
                numbers.keep = metric.kind == MetricKind::MedianAbsoluteDeviation;
                numbers.sums = !matches!(metric.kind, MetricKind::Min | MetricKind::Max);
                metrics::collect(&columns, docs, metric.missing.as_ref(), numbers);
            }
            (AggregationKind::Percentiles(percentiles), Collected::Numbers(numbers)) => {
                let columns = self.columns(&percentiles.field)?;
                (numbers.keep, numbers.sums) = (true, false);
                metrics::collect(&columns, docs, percentiles.missing.as_ref(), numbers);
            }
            (AggregationKind::PercentileRanks(ranks), Collected::Numbers(numbers)) => {
                let columns = self.columns(&ranks.field)?;
                (numbers.keep, numbers.sums) = (true, false);
                metrics::collect(&columns, docs, ranks.missing.as_ref(), numbers);
            }
            (AggregationKind::WeightedAvg(average), Collected::Weighted(weighted)) => {
                let values = self.columns(&average.value.field)?;
                let weights = self.columns(&average.weight.field)?;
                metrics::collect_weighted(average, &values, &weights, docs, weighted)?;
            }
            (AggregationKind::TopHits(top), Collected::Hits(found)) => {
                top_hits::collect(self, top, docs, found)?;
            }
            (AggregationKind::Cardinality(cardinality), Collected::Values(values)) => {
                let columns = self.columns(&cardinality.field)?;
                self.check_values(&columns, docs)?;
                buckets::split(&columns, docs, cardinality.missing.as_ref(), |key, _| {
                    values.add(&key);
                });
            }
            (AggregationKind::Terms(terms), Collected::Buckets(found))
                if aggregation.nested.is_empty() =>
            {
                let columns = self.columns(&terms.field)?;
                let chosen = Chosen::new(terms)?;
                self.check_values(&columns, docs)?;
                let before = found.len();
                buckets::count(&columns, docs, terms.missing.as_ref(), |key, count| {
                    if chosen.has(&key) {
                        found.entry(key).or_default().count += count;
                    }
                });
                let more = found.len() - before;
                self.searched.account.take(more * STATE_SIZE)?;
                self.add_empty(aggregation, terms, found)?;
            }
            (AggregationKind::AutoDateHistogram(histogram), Collected::AutoDates(dates)) => {
                dates.collect(self, histogram, docs)?;
            }
            (kind, Collected::Buckets(found)) => {
                self.fill_buckets(aggregation, self.parts(kind, docs)?, found)?;
                if let AggregationKind::Terms(terms) = kind {
                    self.add_empty(aggregation, terms, found)?;
                }
            }
            _ => {
                return Err(EsError::internal(
                    "an aggregation was collected as another kind",
                ));
            }
        }
        Ok(())
    }

    /// Buckets of the values that none of the documents have (`min_doc_count: 0`).
    fn add_empty(
        &self,
        aggregation: &Aggregation,
        terms: &Terms,
        found: &mut HashMap<BucketKey, Bucket>,
    ) -> Result<(), EsError> {
        if terms.min_doc_count > 0 {
            return Ok(());
        }
        let (values, chosen) = (self.values(&terms.field)?, Chosen::new(terms)?);
        let waits = choice(aggregation).is_some();
        for key in values.iter().filter(|key| chosen.has(key)) {
            if found.contains_key(key) {
                continue;
            }
            self.searched.account.take(STATE_SIZE)?;
            let bucket = found.entry(key.clone()).or_default();
            if !waits {
                self.all(&aggregation.nested, &[], &mut bucket.nested)?;
            }
        }
        Ok(())
    }

    /// The values that any document has in a field.
    fn values(&self, field: &str) -> Result<Rc<Vec<BucketKey>>, EsError> {
        if let Some(values) = self.values.borrow().get(field) {
            return Ok(Rc::clone(values));
        }
        let everything: Vec<DocId> = (0..self.segment.max_doc()).collect();
        let mut values = Vec::new();
        let columns = self.columns(field)?;
        self.check_values(&columns, &everything)?;
        buckets::count(&columns, &everything, None, |key, _| values.push(key));
        let values = Rc::new(values);
        let mut all = self.values.borrow_mut();
        all.insert(field.to_owned(), Rc::clone(&values));
        Ok(values)
    }

    /// The buckets of a kind, with their documents.
    fn parts(
        &self,
        kind: &AggregationKind,
        docs: &[DocId],
    ) -> Result<Vec<(BucketKey, Vec<DocId>)>, EsError> {
        let only = |docs: Vec<DocId>| vec![(BucketKey::Whole(0), docs)];
        Ok(match kind {
            AggregationKind::Terms(terms) => {
                let columns = self.columns(&terms.field)?;
                let (chosen, mut parts) = (Chosen::new(terms)?, Vec::new());
                self.check_values(&columns, docs)?;
                buckets::split(&columns, docs, terms.missing.as_ref(), |key, docs| {
                    if chosen.has(&key) {
                        parts.push((key, docs));
                    }
                });
                parts
            }
            AggregationKind::MultiTerms(terms) => combined::split_terms(self, docs, terms)?,
            AggregationKind::Composite(composite) => combined::split_page(self, docs, composite)?,
            AggregationKind::DateHistogram(histogram) => {
                dates::split(&*self.columns(&histogram.field)?, docs, histogram)?
            }
            AggregationKind::Histogram(histogram) => {
                histogram::split(&*self.columns(&histogram.field)?, docs, histogram)
            }
            AggregationKind::Ranges(ranges) => ranges::split(self, docs, ranges)?,
            AggregationKind::IpRanges(ranges) => {
                addresses::split(&*self.columns(&ranges.field)?, docs, ranges)?
            }
            AggregationKind::Filter(query) => only(self.matching(query, docs)?),
            AggregationKind::Missing(field) => {
                let exists = Query::Exists(ExistsQuery {
                    field: field.clone(),
                });
                let with = self.find(&exists)?;
                let mut without = docs.to_vec();
                without.retain(|doc| !with.contains(*doc));
                only(without)
            }
            AggregationKind::Global => {
                let weight = self.view.weight(&Query::MatchAll, false)?;
                only(matches(weight.as_ref(), self.segment, false)?.docs)
            }
            AggregationKind::Filters(filters) => self.filtered(filters, docs)?,
            _ => return Err(EsError::internal("an aggregation that has no buckets")),
        })
    }

    fn filtered(
        &self,
        filters: &Filters,
        docs: &[DocId],
    ) -> Result<Vec<(BucketKey, Vec<DocId>)>, EsError> {
        let mut parts = Vec::new();
        let mut rest: Vec<DocId> = docs.to_vec();
        for (position, (_, query)) in filters.queries.iter().enumerate() {
            let matching = self.matching(query, docs)?;
            rest.retain(|doc| matching.binary_search(doc).is_err());
            let key = BucketKey::Whole(i64::try_from(position).unwrap_or(i64::MAX));
            parts.push((key, matching));
        }
        if filters.other_bucket_key.is_some() {
            parts.push((BucketKey::Whole(i64::MAX), rest));
        }
        Ok(parts)
    }

    /// Refuses to look at more different texts than there is memory for.
    fn check_values(&self, columns: &FieldColumns, docs: &[DocId]) -> Result<(), EsError> {
        let most = docs.len().min(columns.texts());
        self.searched.account.check(most * STATE_SIZE)
    }

    pub(super) fn columns(&self, field: &str) -> Result<Rc<FieldColumns>, EsError> {
        if let Some(columns) = self.columns.borrow().get(field) {
            return Ok(Rc::clone(columns));
        }
        let columns = FieldColumns::open(self.segment, field).map_err(StoreError::from)?;
        let columns = Rc::new(columns);
        self.columns
            .borrow_mut()
            .insert(field.to_owned(), Rc::clone(&columns));
        Ok(columns)
    }

    /// Those of `docs` that match a query of the request, in order.
    pub(super) fn matching(&self, query: &Query, docs: &[DocId]) -> Result<Vec<DocId>, EsError> {
        let known = self.found.borrow().get(&std::ptr::from_ref(query)).cloned();
        let found = match known {
            Some(found) => found,
            None => {
                let found = Rc::new(self.find(query)?);
                let mut all = self.found.borrow_mut();
                all.insert(std::ptr::from_ref(query), Rc::clone(&found));
                found
            }
        };
        let docs = docs.iter().copied();
        Ok(docs.filter(|doc| found.contains(*doc)).collect())
    }

    pub(super) fn find(&self, query: &Query) -> Result<BitSet, EsError> {
        let weight = self.view.weight(query, false)?;
        let mut found = BitSet::with_max_value(self.segment.max_doc());
        for doc in matches(weight.as_ref(), self.segment, false)?.docs {
            found.insert(doc);
        }
        Ok(found)
    }

    pub(super) fn fill_buckets(
        &self,
        aggregation: &Aggregation,
        parts: Vec<(BucketKey, Vec<DocId>)>,
        found: &mut HashMap<BucketKey, Bucket>,
    ) -> Result<(), EsError> {
        let waits = choice(aggregation).is_some();
        for (key, docs) in parts {
            let (before, account) = (found.len(), self.searched.account);
            let bucket = found.entry(key).or_default();
            bucket.count += docs.len() as u64;
            if waits && !aggregation.nested.is_empty() {
                account.take(docs.len() * size_of::<DocId>())?;
                bucket.waiting.push((self.place, docs));
            } else {
                self.all(&aggregation.nested, &docs, &mut bucket.nested)?;
            }
            account.take((found.len() - before) * STATE_SIZE)?;
        }
        Ok(())
    }
}
