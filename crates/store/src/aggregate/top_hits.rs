//! The best documents of a bucket.

use canarytrace_es::{EsError, Hit, TotalHits, aggregation::TopHits, hits_json, object_of};
use serde_json::Value;
use tantivy::{DocId, Score};

use super::{Collection, Finish};
use crate::search::{
    CANDIDATE_SIZE, hit,
    sort::{After, Candidate, Order},
};

/// Candidates over all segments so far.
#[derive(Debug, Default)]
pub(crate) struct TopCandidates {
    candidates: Vec<Candidate>,
    count: u64,
    /// Of all documents, if they have scores.
    max_score: Option<Score>,
}

pub(super) fn collect(
    collection: &Collection<'_>,
    top: &TopHits,
    docs: &[DocId],
    into: &mut TopCandidates,
) -> Result<(), EsError> {
    let request = &top.0;
    let order = Order::new(&request.sort, collection.searched.views)?;
    let wanted = request.from + request.size;
    into.count += docs.len() as u64;
    let scores = match order.needs_score() || request.track_scores {
        true => collection.scores(docs)?,
        false => Vec::new(),
    };
    into.max_score = scores.iter().copied().fold(into.max_score, |max, score| {
        Some(max.map_or(score, |max| max.max(score)))
    });
    let own = order.best(
        collection.segment,
        collection.place,
        docs,
        &scores,
        wanted,
        After::default(),
    )?;
    let before = into.candidates.len();
    into.candidates.extend(own);
    order.sort(&mut into.candidates);
    into.candidates.truncate(wanted);
    let more = into.candidates.len() - before;
    collection.searched.account.take(more * CANDIDATE_SIZE)?;
    Ok(())
}

pub(super) fn finish(
    top: &TopHits,
    found: TopCandidates,
    with: &Finish<'_>,
) -> Result<Value, EsError> {
    let request = &top.0;
    let order = Order::new(&request.sort, with.searched.views)?;
    let page = found.candidates.into_iter().skip(request.from);
    // What is ordered by more than the score alone is answered without it.
    let shows_score = order.is_by_score_only() || request.track_scores;
    let (views, query) = (with.searched.views, with.searched.query);
    let hits = page
        .take(request.size)
        .map(|candidate| {
            let hit = hit(
                views,
                &candidate,
                query,
                request,
                &order,
                with.searched.account,
            )?;
            Ok::<_, EsError>(Hit {
                score: hit.score.filter(|_| shows_score),
                ..hit
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let total = TotalHits {
        value: found.count,
        exact: true,
    };
    let max_score = found.max_score.filter(|_| shows_score);
    let hits = hits_json(Some(total), max_score.map(f64::from), hits);
    Ok(object_of([("hits", hits)]))
}
