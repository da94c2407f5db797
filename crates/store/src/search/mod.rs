//! Carrying out a search over one or more indices.

pub(crate) mod account;
pub(crate) mod columns;
mod fetch;
mod filter;
mod highlight;
pub(crate) mod lower;
mod near;
pub(crate) mod network;
mod scoring;
pub(crate) mod sort;
mod text;
pub(crate) mod value;

use std::{sync::Arc, time::Instant};

use canarytrace_es::{
    EsError, Hit, SearchRequest, SearchResponse, TotalHits, TrackTotalHits, query::Query,
};
use jiff::Timestamp;
use serde_json::Value;
use tantivy::{
    DocAddress, DocId, DocSet, Score, Searcher, SegmentReader, TERMINATED, TantivyDocument,
    query::{BooleanQuery, ConstScoreQuery, EnableScoring, Occur, Weight},
};

use self::{
    account::Account,
    columns::FieldColumns,
    fetch::{Reading, fields},
    lower::Lowering,
    sort::{After, Candidate, Order},
};
use crate::{
    aggregate,
    engine::{
        Index, StoreError,
        columns::numbers,
        index::{parse_source, source},
    },
    mapping::{IGNORED, Mapping},
};

/// An index as one search sees it.
pub(crate) struct View {
    pub(crate) index: Arc<Index>,
    pub(crate) mapping: Arc<Mapping>,
    pub(crate) searcher: Searcher,
    pub(crate) now: Timestamp,
    /// Of the aliases it was named by: any of them; everything when empty.
    filters: Vec<Query>,
    /// Hits may have to tell what of them was not indexed.
    ignores_malformed: bool,
}

/// The documents of one segment that match, with scores if they are wanted.
#[derive(Default)]
pub(crate) struct Matches {
    pub(crate) docs: Vec<DocId>,
    scores: Vec<Score>,
}

impl View {
    pub(crate) fn new(
        index: Arc<Index>,
        filters: Vec<Query>,
        now: Timestamp,
    ) -> Result<Self, EsError> {
        let mapping = index.mapping();
        Ok(Self {
            filters,
            ignores_malformed: mapping.ignores_malformed(),
            mapping,
            searcher: index.searcher()?,
            index,
            now,
        })
    }

    pub(crate) fn weight(&self, query: &Query, scoring: bool) -> Result<Box<dyn Weight>, EsError> {
        let lowering = Lowering {
            index: &self.index,
            mapping: &self.mapping,
            now: self.now,
        };
        let mut lowered = lowering.lower(query)?;
        if !self.filters.is_empty() {
            let filters = self
                .filters
                .iter()
                .map(|filter| Ok((Occur::Should, lowering.lower(filter)?)))
                .collect::<Result<Vec<_>, EsError>>()?;
            // What an alias lets through says nothing about how well a document matches.
            let filter = ConstScoreQuery::new(Box::new(BooleanQuery::new(filters)), 0.0);
            lowered = Box::new(BooleanQuery::new(vec![
                (Occur::Must, lower::scoring(lowered)),
                (Occur::Must, Box::new(filter)),
            ]));
        }
        let scoring = if scoring {
            EnableScoring::enabled_from_searcher(&self.searcher)
        } else {
            EnableScoring::disabled_from_searcher(&self.searcher)
        };
        Ok(lowered.weight(scoring).map_err(StoreError::from)?)
    }
}

impl Matches {
    /// Only the first ones.
    fn cut(&mut self, most: u64) {
        if let Ok(most) = usize::try_from(most) {
            self.docs.truncate(most);
            self.scores.truncate(most);
        }
    }

    /// Only what scores so much.
    fn keep(&mut self, least: f64) {
        let scores = std::mem::take(&mut self.scores);
        let mut kept = scores.iter().map(|score| f64::from(*score) >= least);
        self.docs.retain(|_| kept.next().unwrap_or(false));
        self.scores = scores
            .into_iter()
            .filter(|score| f64::from(*score) >= least)
            .collect();
    }

    /// Only those of a list in order.
    fn retain(&mut self, docs: &[DocId]) {
        let kept: Vec<bool> = self
            .docs
            .iter()
            .map(|doc| docs.binary_search(doc).is_ok())
            .collect();
        let mut of_docs = kept.iter().copied();
        self.docs.retain(|_| of_docs.next().unwrap_or(false));
        let mut of_scores = kept.into_iter();
        self.scores.retain(|_| of_scores.next().unwrap_or(false));
    }

    /// The score of each of these documents, which are among the matches.
    pub(crate) fn scores_of(&self, docs: &[DocId]) -> Vec<Score> {
        let score = |doc: &DocId| {
            let at = self.docs.binary_search(doc).ok();
            at.and_then(|at| self.scores.get(at))
                .copied()
                .unwrap_or(1.0)
        };
        docs.iter().map(score).collect()
    }
}

/// Living documents of a segment that match.
pub(crate) fn matches(
    weight: &dyn Weight,
    segment: &SegmentReader,
    scoring: bool,
) -> Result<Matches, EsError> {
    let mut found = Matches::default();
    find(weight, segment, scoring, &mut found)?;
    Ok(found)
}

/// As [`matches`], in the place of others, whose memory is used again.
fn find(
    weight: &dyn Weight,
    segment: &SegmentReader,
    scoring: bool,
    found: &mut Matches,
) -> Result<(), EsError> {
    found.docs.clear();
    found.scores.clear();
    let alive = segment.alive_bitset();
    let is_alive = |doc: DocId| alive.is_none_or(|alive| alive.is_alive(doc));
    if scoring {
        let each = &mut |doc: DocId, score: Score| {
            if is_alive(doc) {
                found.docs.push(doc);
                found.scores.push(score);
            }
        };
        weight.for_each(segment, each).map_err(StoreError::from)?;
    } else {
        let each = &mut |docs: &[DocId]| match alive {
            None => found.docs.extend_from_slice(docs),
            Some(_) => {
                let docs = docs.iter().copied();
                found.docs.extend(docs.filter(|doc| is_alive(*doc)));
            }
        };
        weight
            .for_each_no_score(segment, each)
            .map_err(StoreError::from)?;
    }
    Ok(())
}

/// How many documents match.
pub(crate) fn count(views: &[View], query: &Query) -> Result<u64, EsError> {
    let mut total = 0;
    for view in views {
        let weight = view.weight(query, false)?;
        for segment in view.searcher.segment_readers() {
            total += matches(weight.as_ref(), segment, false)?.docs.len() as u64;
        }
    }
    Ok(total)
}

/// What a hit takes before it is read, with its keys.
pub(crate) const CANDIDATE_SIZE: usize = 160;

/// Carries out a search; blocks.
pub(crate) fn search(views: &[View], request: &SearchRequest) -> Result<SearchResponse, EsError> {
    Ok(page(views, request, None)?.0)
}

/// The hits after one of them, or the first ones; and the last of these.
pub(crate) fn page(
    views: &[View],
    request: &SearchRequest,
    last: Option<&Candidate>,
) -> Result<(SearchResponse, Option<Candidate>), EsError> {
    let started = Instant::now();
    let order = Order::new(&request.sort, views)?;
    let is_scored = order.needs_score() || request.track_scores;
    let scoring = (request.size > 0 && is_scored) || request.min_score.is_some();
    let wanted = request.from + request.size;
    let account = Account::default();
    let mut aggregator = aggregate::Aggregator::new(request, views, &account)?;
    let search_after = request.search_after.as_deref();
    let search_after = search_after
        .map(|values| order.read_after(values))
        .transpose()?;
    let mut candidates: Vec<Candidate> = Vec::new();
    let (mut total, mut max_score, mut is_early) = (0, None::<f32>, false);
    let is_late = || {
        let limit = request.timeout;
        limit.is_some_and(|limit| started.elapsed() >= limit)
    };
    let (mut timed_out, mut found) = (false, Matches::default());
    for (view_position, view) in views.iter().enumerate() {
        let weight = view.weight(&request.query, scoring)?;
        let filter = request.post_filter.as_ref();
        let filter = filter
            .map(|filter| view.weight(filter, false))
            .transpose()?;
        let mut left = request.terminate_after.unwrap_or(u64::MAX);
        for (segment_position, segment) in view.searcher.segment_readers().iter().enumerate() {
            timed_out |= is_late();
            if timed_out {
                break;
            }
            find(weight.as_ref(), segment, scoring, &mut found)?;
            if let Some(least) = request.min_score {
                found.keep(least);
            }
            is_early |= found.docs.len() as u64 >= left;
            found.cut(left);
            left -= found.docs.len() as u64;
            let place = (view_position, segment_position);
            aggregator.collect(place, &found.docs)?;
            if let Some(filter) = &filter {
                found.retain(&matches(filter.as_ref(), segment, false)?.docs);
            }
            total += found.docs.len() as u64;
            max_score = found.scores.iter().copied().fold(max_score, |max, score| {
                Some(max.map_or(score, |max| max.max(score)))
            });
            if wanted > 0 {
                let after = After {
                    values: search_after.as_deref(),
                    last,
                };
                let own = order.best(segment, place, &found.docs, &found.scores, wanted, after)?;
                account.take(own.len() * CANDIDATE_SIZE)?;
                candidates.extend(own);
            }
        }
    }
    order.sort(&mut candidates);
    let page: Vec<Candidate> = candidates
        .into_iter()
        .skip(request.from)
        .take(request.size)
        .collect();
    let hits = page
        .iter()
        .map(|candidate| hit(views, candidate, &request.query, request, &order, &account))
        .collect::<Result<Vec<_>, _>>()?;
    let answer = SearchResponse {
        took_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        shards: views.len() as u64,
        total: counted(request.track_total_hits, total),
        timed_out,
        terminated_early: request.terminate_after.map(|_| is_early),
        max_score: if views.is_empty() {
            Some(0.0)
        } else {
            max_score
                .filter(|_| order.is_by_score_first() || request.track_scores)
                .map(f64::from)
        },
        hits,
        aggregations: (!request.aggregations.is_empty())
            .then(|| aggregator.finish())
            .transpose()?,
    };
    Ok((answer, page.into_iter().next_back()))
}

fn counted(wanted: TrackTotalHits, total: u64) -> Option<TotalHits> {
    match wanted {
        TrackTotalHits::Off => None,
        TrackTotalHits::Exact => Some(TotalHits {
            value: total,
            exact: true,
        }),
        TrackTotalHits::UpTo(limit) => Some(TotalHits {
            value: total.min(limit),
            exact: total <= limit,
        }),
    }
}

/// The next documents in the order of the index, without looking at those before them.
pub(crate) fn next_documents(
    views: &[View],
    request: &SearchRequest,
    last: &Candidate,
) -> Result<(Vec<Hit>, Option<Candidate>), EsError> {
    let (order, account) = (Order::new(&request.sort, views)?, Account::default());
    let mut page = Vec::new();
    for (view_position, view) in views.iter().enumerate().skip(last.view) {
        let weight = view.weight(&request.query, false)?;
        for (segment_position, segment) in view.searcher.segment_readers().iter().enumerate() {
            let place = (view_position, segment_position);
            if place < (last.view, last.segment) {
                continue;
            }
            let alive = segment.alive_bitset();
            let mut scorer = weight.scorer(segment, 1.0).map_err(StoreError::from)?;
            let mut doc = scorer.doc();
            if place == (last.view, last.segment) && doc <= last.doc {
                doc = scorer.seek(last.doc + 1);
            }
            while doc != TERMINATED && page.len() < request.size {
                if alive.is_none_or(|alive| alive.is_alive(doc)) {
                    page.push(order.in_order(place, doc));
                }
                doc = scorer.advance();
            }
        }
    }
    let hits = page
        .iter()
        .map(|candidate| hit(views, candidate, &request.query, request, &order, &account))
        .collect::<Result<Vec<_>, _>>()?;
    Ok((hits, page.into_iter().next_back()))
}

/// What a parsed document takes, in the length of its text.
const PARSED_SIZE: usize = 8;

/// A document as a request wants it shown; words of the query are highlighted.
pub(crate) fn hit(
    views: &[View],
    candidate: &Candidate,
    query: &Query,
    request: &SearchRequest,
    order: &Order,
    account: &Account,
) -> Result<Hit, EsError> {
    use tantivy::schema::Value as _;
    let view = views
        .get(candidate.view)
        .ok_or_else(|| EsError::internal("a hit of no index"))?;
    let address = DocAddress::new(
        u32::try_from(candidate.segment).unwrap_or(u32::MAX),
        candidate.doc,
    );
    let document: TantivyDocument = view.searcher.doc(address).map_err(StoreError::from)?;
    let columns = view.index.columns;
    let segment = view.searcher.segment_reader(address.segment_ord);
    // Opening columns for each hit costs more than the rest of it.
    let wants_numbers = request.seq_no_primary_term || request.version;
    let (sequence, version) = wants_numbers
        .then(|| numbers(segment, candidate.doc))
        .transpose()
        .map_err(StoreError::from)?
        .unwrap_or_default();
    let id = document
        .get_first(columns.id)
        .and_then(|value| value.as_str())
        .filter(|_| !request.without_stored)
        .unwrap_or_default()
        .to_owned();
    let stored = source(&document, columns.source);
    let has_body = !request.source.disabled && !request.without_stored;
    let is_read_whole = shows_fields(request) || (has_body && request.source.is_everything());
    account.take(match is_read_whole {
        true => stored.len() * PARSED_SIZE,
        false => stored.len(),
    })?;
    let whole: Option<Value> = is_read_whole.then(|| parse_source(stored)).transpose()?;
    let shown = whole.as_ref().unwrap_or(&Value::Null);
    let mut values = fields(&view.mapping, shown, &request.fields, Reading::AsWritten)?;
    let columns = fields(
        &view.mapping,
        shown,
        &request.docvalue_fields,
        Reading::Sorted,
    )?;
    for (path, column) in columns {
        values.entry(path).or_insert(column);
    }
    let highlight = request
        .highlight
        .as_ref()
        .map(|highlight| highlight::fragments(&view.mapping, query, shown, highlight));
    let body = match whole {
        _ if !has_body => None,
        Some(whole) if request.source.is_everything() => Some(whole),
        Some(whole) => Some(request.source.apply(&whole)),
        None => Some(request.source.apply_to_bytes(stored)?),
    };
    Ok(Hit {
        index: view.index.name.clone(),
        id,
        score: (order.needs_score() || request.track_scores).then_some(f64::from(candidate.score)),
        source: body,
        fields: values,
        highlight: highlight.unwrap_or_default(),
        sort: if request.sort.is_empty() {
            Vec::new()
        } else {
            order.values(candidate)
        },
        seq_no: request.seq_no_primary_term.then_some(sequence),
        version: request.version.then_some(version),
        ignored: ignored(view, candidate)?,
    })
}

/// Whether more of a hit than its body comes from its source.
fn shows_fields(request: &SearchRequest) -> bool {
    !request.fields.is_empty() || !request.docvalue_fields.is_empty() || request.highlight.is_some()
}

fn ignored(view: &View, candidate: &Candidate) -> Result<Vec<String>, EsError> {
    if !view.ignores_malformed {
        return Ok(Vec::new());
    }
    let segment = view
        .searcher
        .segment_readers()
        .get(candidate.segment)
        .ok_or_else(|| EsError::internal("a hit of no segment"))?;
    let column = FieldColumns::open(segment, IGNORED).map_err(StoreError::from)?;
    let mut paths = Vec::new();
    column.ordinals(candidate.doc, |ordinal| {
        paths.push(column.resolve(ordinal).to_string())
    });
    Ok(paths)
}
