//! The best documents of a bucket.

use canarytrace_es::{EsError, TotalHits, aggregation::TopHits, hits_json, object_of};
use serde_json::Value;
use tantivy::DocId;

use super::{Collection, Finish};
use crate::search::{
    hit,
    sort::{After, Candidate, Order},
};

/// Candidates over all segments so far.
#[derive(Debug, Default)]
pub(crate) struct TopCandidates {
    candidates: Vec<Candidate>,
    count: u64,
}

pub(super) fn collect(
    collection: &Collection<'_>,
    top: &TopHits,
    docs: &[DocId],
    into: &mut TopCandidates,
) -> Result<(), EsError> {
    let request = &top.0;
    let order = Order::new(&request.sort, collection.views)?;
    let wanted = request.from + request.size;
    into.count += docs.len() as u64;
    let own = order.best(
        collection.segment,
        collection.place,
        docs,
        &[],
        wanted,
        After::default(),
    )?;
    into.candidates.extend(own);
    order.sort(&mut into.candidates);
    into.candidates.truncate(wanted);
    Ok(())
}

pub(super) fn finish(
    top: &TopHits,
    found: TopCandidates,
    with: &Finish<'_>,
) -> Result<Value, EsError> {
    let request = &top.0;
    let order = Order::new(&request.sort, with.views)?;
    let page = found.candidates.into_iter().skip(request.from);
    let hits = page
        .take(request.size)
        .map(|candidate| hit(with.views, &candidate, request, &order))
        .collect::<Result<Vec<_>, _>>()?;
    let total = TotalHits {
        value: found.count,
        exact: true,
    };
    Ok(object_of([("hits", hits_json(Some(total), None, hits))]))
}
