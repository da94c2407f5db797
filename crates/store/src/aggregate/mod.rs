//! Aggregations: a tree over document lists, merged over segments and indices, finished once.

mod addresses;
mod auto_dates;
mod buckets;
mod collection;
mod combined;
mod dates;
mod histogram;
mod metrics;
mod pipeline;
mod ranges;
mod sketches;
mod top_hits;

use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use canarytrace_es::{
    DateFormat, EsError, SearchRequest,
    aggregation::{Aggregation, AggregationKind, Aggregations, AutoDateHistogram, MetricKind},
    object_of,
    query::Query,
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value};
use tantivy::DocId;

use crate::{
    mapping::FieldType,
    search::{View, account::Account},
};
use auto_dates::AutoDates;
use buckets::{BucketKey, Choice};
use collection::Collection;
use metrics::{Numbers, Weighted};
use sketches::Distinct;
use top_hits::TopCandidates;

/// Buckets of one request, all levels together, as Elasticsearch's `search.max_buckets`.
const MAX_BUCKETS: usize = 65_536;

/// What has been collected for the aggregations of a request.
pub(crate) struct Aggregator<'a> {
    aggregations: &'a Aggregations,
    searched: Searched<'a>,
    collected: BTreeMap<String, Collected>,
    kinds: Kinds,
    /// Whether segments without a match have something to tell.
    asks_all: bool,
    has_begun: bool,
}

/// What is aggregated: the documents of a query.
#[derive(Clone, Copy)]
struct Searched<'a> {
    query: &'a Query,
    views: &'a [View],
    account: &'a Account,
}

/// A segment: of which view, and which of its segments.
type Place = (usize, usize);

/// The type of each aggregated field, over all indices.
pub(crate) type Kinds = HashMap<String, FieldType>;

/// The state of one aggregation.
#[derive(Debug)]
pub(crate) enum Collected {
    Numbers(Numbers),
    Weighted(Weighted),
    Hits(TopCandidates),
    Values(Distinct),
    Buckets(HashMap<BucketKey, Bucket>),
    AutoDates(AutoDates),
}

/// One bucket with what is nested in it.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    pub(crate) count: u64,
    /// Documents whose nested aggregations wait until it is known which buckets are answered.
    waiting: Vec<(Place, Vec<DocId>)>,
    pub(crate) nested: BTreeMap<String, Collected>,
}

impl Collected {
    /// Numbers and values that are kept one by one.
    fn kept(&self) -> usize {
        match self {
            Collected::Numbers(numbers) => numbers.kept(),
            Collected::Values(values) => values.kept(),
            _ => 0,
        }
    }
}

impl<'a> Aggregator<'a> {
    pub(crate) fn new(
        request: &'a SearchRequest,
        views: &'a [View],
        account: &'a Account,
    ) -> Result<Self, EsError> {
        let mut kinds = Kinds::new();
        learn(&request.aggregations, views, &mut kinds)?;
        Ok(Self {
            aggregations: &request.aggregations,
            searched: Searched {
                query: &request.query,
                views,
                account,
            },
            collected: BTreeMap::new(),
            kinds,
            asks_all: asks_all(&request.aggregations),
            has_begun: false,
        })
    }

    /// Adds the documents of the segment at a place (of its view, and of the segment in it).
    pub(crate) fn collect(&mut self, place: Place, docs: &[DocId]) -> Result<(), EsError> {
        // One segment is looked at in any case: what it leaves is the answer about no documents.
        let is_idle = docs.is_empty() && self.has_begun && !self.asks_all;
        if self.aggregations.is_empty() || is_idle {
            return Ok(());
        }
        self.has_begun = true;
        let collection = Collection::new(self.searched, place)?;
        collection.all(self.aggregations, docs, &mut self.collected)
    }

    /// The answer, in Elasticsearch's JSON.
    pub(crate) fn finish(mut self) -> Result<Map<String, Value>, EsError> {
        let with = Finish {
            kinds: &self.kinds,
            searched: self.searched,
            now: self
                .searched
                .views
                .first()
                .map_or(Timestamp::UNIX_EPOCH, |view| view.now),
        };
        let mut segments = Segments {
            searched: self.searched,
            open: HashMap::new(),
        };
        segments.settle(self.aggregations, &mut self.collected)?;
        let answer = finish_all(self.aggregations, &mut self.collected, &with)?;
        match buckets_of(&answer) <= MAX_BUCKETS {
            true => Ok(answer),
            false => Err(too_many_buckets()),
        }
    }
}

/// Whether documents count that do not match: those of `global`, and the values of a terms aggregation with `min_doc_count: 0`.
fn asks_all(aggregations: &Aggregations) -> bool {
    aggregations.values().any(|own| {
        let asks = match &own.kind {
            AggregationKind::Global => true,
            AggregationKind::Terms(terms) => terms.min_doc_count == 0,
            _ => false,
        };
        asks || asks_all(&own.nested)
    })
}

/// How many buckets an answer has, at any depth.
fn buckets_of(answer: &Map<String, Value>) -> usize {
    let inner = |value: &Value| value.as_object().map_or(0, buckets_of);
    let of = |(name, value): (&String, &Value)| match value {
        Value::Array(list) if name == "buckets" => {
            list.len() + list.iter().map(inner).sum::<usize>()
        }
        Value::Object(map) if name == "buckets" => {
            map.len() + map.values().map(inner).sum::<usize>()
        }
        // What stands in hits is no bucket, whatever its name.
        Value::Object(map) if name != "hits" => buckets_of(map),
        _ => 0,
    };
    answer.iter().map(of).sum()
}

/// Segments that are looked at again for the buckets that are answered.
struct Segments<'a> {
    searched: Searched<'a>,
    open: HashMap<Place, Rc<Collection<'a>>>,
}

impl<'a> Segments<'a> {
    fn at(&mut self, place: Place) -> Result<Rc<Collection<'a>>, EsError> {
        if let Some(open) = self.open.get(&place) {
            return Ok(Rc::clone(open));
        }
        let collection = Rc::new(Collection::new(self.searched, place)?);
        self.open.insert(place, Rc::clone(&collection));
        Ok(collection)
    }

    /// All segments without a document of theirs.
    fn nothing_everywhere(&self) -> Vec<(Place, Vec<DocId>)> {
        let views = self.searched.views.iter().enumerate();
        let places = views.flat_map(|(view, own)| {
            let segments = own.searcher.segment_readers().len();
            (0..segments).map(move |segment| ((view, segment), Vec::new()))
        });
        places.collect()
    }

    /// Collects what is nested in buckets that had to wait.
    fn settle(
        &mut self,
        aggregations: &Aggregations,
        collected: &mut BTreeMap<String, Collected>,
    ) -> Result<(), EsError> {
        for (name, aggregation) in aggregations {
            let found = match (&aggregation.kind, collected.get_mut(name)) {
                (_, Some(Collected::Buckets(found))) => found,
                (AggregationKind::AutoDateHistogram(own), Some(Collected::AutoDates(dates))) => {
                    self.settle_dates(own, aggregation, dates)?;
                    &mut dates.found
                }
                _ => continue,
            };
            if aggregation.nested.is_empty() {
                continue;
            }
            if let Some(choice) = choice(aggregation) {
                for key in choice.keys(found) {
                    let Some(bucket) = found.get_mut(&key) else {
                        continue;
                    };
                    let mut waiting = std::mem::take(&mut bucket.waiting);
                    if waiting.is_empty() {
                        // No document has it (`min_doc_count: 0`): what is nested is told as of no documents.
                        waiting = self.nothing_everywhere();
                    }
                    for (place, docs) in waiting {
                        let collection = self.at(place)?;
                        collection.all(&aggregation.nested, &docs, &mut bucket.nested)?;
                    }
                    self.settle(&aggregation.nested, &mut bucket.nested)?;
                }
            } else {
                for bucket in found.values_mut() {
                    self.settle(&aggregation.nested, &mut bucket.nested)?;
                }
            }
        }
        Ok(())
    }

    /// Puts documents into buckets that could not be chosen before all of them were known.
    fn settle_dates(
        &mut self,
        histogram: &AutoDateHistogram,
        aggregation: &Aggregation,
        dates: &mut AutoDates,
    ) -> Result<(), EsError> {
        dates.choose(histogram)?;
        for (place, docs) in std::mem::take(&mut dates.waiting) {
            let collection = self.at(place)?;
            let parts = dates.split(&collection, histogram, &docs)?;
            collection.fill_buckets(aggregation, parts, &mut dates.found)?;
        }
        Ok(())
    }
}

/// How the buckets that are answered are chosen, if that can be done before looking into them.
fn choice(aggregation: &Aggregation) -> Option<Choice<'_>> {
    match &aggregation.kind {
        AggregationKind::Terms(terms) => Some(Choice::of(terms)).filter(Choice::is_by_itself),
        _ => None,
    }
}

/// What finishing needs beside the buckets.
pub(crate) struct Finish<'a> {
    pub(crate) kinds: &'a Kinds,
    searched: Searched<'a>,
    now: Timestamp,
}

impl Finish<'_> {
    /// A moment in the format of the request, or else of its field.
    fn written(
        &self,
        field: &str,
        format: &DateFormat,
        milliseconds: i64,
        zone: &TimeZone,
    ) -> String {
        match self.kinds.get(field) {
            Some(FieldType::Date(formats)) if *format == DateFormat::Usual => {
                formats.write(milliseconds, zone)
            }
            _ => format.write(milliseconds, zone),
        }
    }
}

pub(crate) fn too_many_buckets() -> EsError {
    EsError::new(
        503,
        "too_many_buckets_exception",
        format!(
            "Trying to create too many buckets. Must be less than or equal to: [{MAX_BUCKETS}]"
        ),
    )
}

/// Finds out the type of every field, and refuses text.
fn learn(aggregations: &Aggregations, views: &[View], kinds: &mut Kinds) -> Result<(), EsError> {
    for aggregation in aggregations.values() {
        for field in fields(&aggregation.kind) {
            for view in views {
                view.mapping.check_columns(field)?;
            }
            for kind in views.iter().filter_map(|view| view.mapping.kind(field)) {
                if *kind == FieldType::Opaque {
                    return Err(EsError::unsupported(&format!(
                        "an aggregation over field [{field}] of its type"
                    )));
                }
                let is_numeric = !matches!(kind, FieldType::Keyword { .. } | FieldType::Ip);
                if !is_numeric && needs_numbers(&aggregation.kind) {
                    return Err(EsError::illegal_argument(format!(
                        "Field [{field}] of type [keyword] is not supported for this aggregation: it needs numbers"
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

fn needs_numbers(kind: &AggregationKind) -> bool {
    match kind {
        AggregationKind::Metric(metric) => metric.kind != MetricKind::ValueCount,
        AggregationKind::Histogram(_)
        | AggregationKind::DateHistogram(_)
        | AggregationKind::AutoDateHistogram(_)
        | AggregationKind::Ranges(_)
        | AggregationKind::WeightedAvg(_)
        | AggregationKind::Percentiles(_)
        | AggregationKind::PercentileRanks(_) => true,
        _ => false,
    }
}

/// The fields whose values are read.
fn fields(kind: &AggregationKind) -> Vec<&str> {
    match kind {
        AggregationKind::Terms(terms) => vec![&terms.field],
        AggregationKind::MultiTerms(terms) => {
            terms.terms.iter().map(|term| term.field.as_str()).collect()
        }
        AggregationKind::Composite(composite) => composite
            .sources
            .iter()
            .map(|source| source.field())
            .collect(),
        AggregationKind::DateHistogram(histogram) => vec![&histogram.field],
        AggregationKind::AutoDateHistogram(histogram) => vec![&histogram.field],
        AggregationKind::Histogram(histogram) => vec![&histogram.field],
        AggregationKind::Ranges(ranges) => vec![&ranges.field],
        AggregationKind::IpRanges(ranges) => vec![&ranges.field],
        AggregationKind::Metric(metric) => vec![&metric.field],
        AggregationKind::WeightedAvg(average) => vec![&average.value.field, &average.weight.field],
        AggregationKind::Percentiles(percentiles) => vec![&percentiles.field],
        AggregationKind::PercentileRanks(ranks) => vec![&ranks.field],
        AggregationKind::Cardinality(cardinality) => vec![&cardinality.field],
        AggregationKind::Filter(_)
        | AggregationKind::Filters(_)
        | AggregationKind::Missing(_)
        | AggregationKind::Global
        | AggregationKind::TopHits(_)
        | AggregationKind::Pipeline(_) => Vec::new(),
    }
}

fn empty(aggregation: &Aggregation) -> Collected {
    match aggregation.kind {
        AggregationKind::Metric(_)
        | AggregationKind::Percentiles(_)
        | AggregationKind::PercentileRanks(_) => Collected::Numbers(Numbers::default()),
        AggregationKind::WeightedAvg(_) => Collected::Weighted(Weighted::default()),
        AggregationKind::TopHits(_) => Collected::Hits(TopCandidates::default()),
        AggregationKind::Cardinality(_) => Collected::Values(Default::default()),
        AggregationKind::AutoDateHistogram(_) => Collected::AutoDates(AutoDates::default()),
        _ => Collected::Buckets(HashMap::new()),
    }
}

pub(crate) fn finish_all(
    aggregations: &Aggregations,
    collected: &mut BTreeMap<String, Collected>,
    with: &Finish<'_>,
) -> Result<Map<String, Value>, EsError> {
    let mut answer = Map::new();
    for (name, aggregation) in aggregations {
        if matches!(aggregation.kind, AggregationKind::Pipeline(_)) {
            continue;
        }
        let collected = collected.remove(name).unwrap_or_else(|| empty(aggregation));
        let mut value = finish(aggregation, collected, with)?;
        if let (Some(meta), Some(map)) = (&aggregation.meta, value.as_object_mut()) {
            map.insert("meta".to_owned(), meta.clone());
        }
        answer.insert(name.clone(), value);
    }
    pipeline::beside(aggregations, &mut answer)?;
    Ok(answer)
}

fn finish(
    aggregation: &Aggregation,
    collected: Collected,
    with: &Finish<'_>,
) -> Result<Value, EsError> {
    match (&aggregation.kind, collected) {
        (AggregationKind::Metric(metric), Collected::Numbers(numbers)) => Ok(metrics::finish(
            metric.kind,
            numbers,
            with.kinds.get(&metric.field),
        )),
        (AggregationKind::Percentiles(percentiles), Collected::Numbers(numbers)) => {
            Ok(metrics::finish_percentiles(percentiles, numbers))
        }
        (AggregationKind::PercentileRanks(ranks), Collected::Numbers(numbers)) => {
            Ok(metrics::finish_ranks(ranks, numbers))
        }
        (AggregationKind::WeightedAvg(_), Collected::Weighted(weighted)) => {
            Ok(metrics::finish_weighted(&weighted))
        }
        (AggregationKind::TopHits(top), Collected::Hits(found)) => {
            top_hits::finish(top, found, with)
        }
        (AggregationKind::Cardinality(_), Collected::Values(values)) => {
            Ok(serde_json::json!({"value": values.count()}))
        }
        (AggregationKind::Terms(terms), Collected::Buckets(found)) => {
            buckets::finish_terms(terms, aggregation, found, with)
        }
        (AggregationKind::MultiTerms(terms), Collected::Buckets(found)) => {
            combined::finish_terms(terms, aggregation, found, with)
        }
        (AggregationKind::Composite(composite), Collected::Buckets(found)) => {
            combined::finish_page(composite, aggregation, found, with)
        }
        (AggregationKind::DateHistogram(histogram), Collected::Buckets(found)) => {
            let buckets = dates::finish(histogram, aggregation, found, with)?;
            listed(aggregation, buckets, histogram.keyed)
        }
        (AggregationKind::AutoDateHistogram(histogram), Collected::AutoDates(dates)) => {
            dates.finish(histogram, aggregation, with)
        }
        (AggregationKind::Histogram(histogram), Collected::Buckets(found)) => {
            let buckets = histogram::finish(histogram, aggregation, found, with)?;
            listed(aggregation, buckets, histogram.keyed)
        }
        (AggregationKind::Ranges(ranges), Collected::Buckets(found)) => {
            ranges::finish(ranges, aggregation, found, with)
        }
        (AggregationKind::IpRanges(ranges), Collected::Buckets(found)) => {
            addresses::finish(ranges, aggregation, found, with)
        }
        (
            AggregationKind::Filter(_) | AggregationKind::Missing(_) | AggregationKind::Global,
            Collected::Buckets(mut found),
        ) => {
            let bucket = found.remove(&BucketKey::Whole(0)).unwrap_or_default();
            buckets::finish_bucket(bucket, aggregation, with, Map::new()).map(Value::Object)
        }
        (AggregationKind::Filters(filters), Collected::Buckets(found)) => {
            buckets::finish_filters(filters, aggregation, found, with)
        }
        _ => Err(EsError::internal(
            "an aggregation was finished as another kind",
        )),
    }
}

/// Buckets in their order, with what pipelines make of them; `keyed` by their keys as text.
fn listed(
    aggregation: &Aggregation,
    mut buckets: Vec<Map<String, Value>>,
    keyed: bool,
) -> Result<Value, EsError> {
    pipeline::inside(&aggregation.nested, &mut buckets)?;
    if !keyed {
        return Ok(object_of([("buckets", Value::from(buckets))]));
    }
    let key = |bucket: &Map<String, Value>| {
        let text = bucket.get("key_as_string").or_else(|| bucket.get("key"));
        match text {
            Some(Value::String(text)) => text.clone(),
            other => other.map(Value::to_string).unwrap_or_default(),
        }
    };
    let keyed: Map<String, Value> = buckets
        .into_iter()
        .map(|bucket| (key(&bucket), Value::Object(bucket)))
        .collect();
    Ok(object_of([("buckets", Value::Object(keyed))]))
}
