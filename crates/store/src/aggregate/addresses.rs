//! Buckets by ranges of internet addresses; a document may be in several.

use std::collections::HashMap;

use canarytrace_es::{
    EsError,
    aggregation::{Aggregation, IpEnds, IpRanges},
};
use serde_json::{Map, Value, json};
use tantivy::DocId;

use super::{
    Bucket, Finish,
    buckets::{BucketKey, finish_bucket},
    ranges::told,
};
use crate::search::{
    columns::FieldColumns,
    network::{self, Network},
};

/// A range with its ends as numbers, both versions in one order.
struct Resolved {
    key: String,
    from: Option<u128>,
    /// Left out.
    to: Option<u128>,
}

fn resolve(ranges: &IpRanges) -> Result<Vec<Resolved>, EsError> {
    let end = |text: &Option<String>| text.as_deref().map(network::address).transpose();
    let mut resolved = Vec::new();
    for range in &ranges.ranges {
        let (own_key, from, to) = match &range.ends {
            IpEnds::Between(from, to) => (None, end(from)?, end(to)?),
            IpEnds::Mask(mask) => {
                let (first, last) = Network::parse(mask)
                    .ok_or_else(|| {
                        EsError::illegal_argument(format!("invalid IP/CIDR notation [{mask}]"))
                    })?
                    .ends();
                (Some(mask.clone()), Some(first), last.checked_add(1))
            }
        };
        let text = |end: Option<u128>| end.map_or_else(|| "*".to_owned(), network::written);
        let key = range.key.clone().or(own_key);
        resolved.push(Resolved {
            key: key.unwrap_or_else(|| format!("{}-{}", text(from), text(to))),
            from,
            to,
        });
    }
    // Answered from the lowest on.
    resolved.sort_by_key(|range| (range.from.unwrap_or(0), range.to.unwrap_or(u128::MAX)));
    Ok(resolved)
}

pub(super) fn split(
    columns: &FieldColumns,
    docs: &[DocId],
    ranges: &IpRanges,
) -> Result<Vec<(BucketKey, Vec<DocId>)>, EsError> {
    let resolved = resolve(ranges)?;
    let mut parts: Vec<Vec<DocId>> = resolved.iter().map(|_| Vec::new()).collect();
    let mut known: HashMap<u64, Option<u128>> = HashMap::new();
    for doc in docs {
        columns.ordinals(*doc, |ordinal| {
            let address = *known
                .entry(ordinal)
                .or_insert_with(|| network::address(&columns.resolve(ordinal)).ok());
            let Some(address) = address else { return };
            for (range, part) in resolved.iter().zip(&mut parts) {
                let holds = range.from.is_none_or(|from| address >= from)
                    && range.to.is_none_or(|to| address < to);
                if holds && part.last() != Some(doc) {
                    part.push(*doc);
                }
            }
        });
    }
    let numbered = parts.into_iter().zip(0..);
    Ok(numbered
        .map(|(docs, number)| (BucketKey::Whole(number), docs))
        .collect())
}

pub(super) fn finish(
    ranges: &IpRanges,
    aggregation: &Aggregation,
    mut found: HashMap<BucketKey, Bucket>,
    with: &Finish<'_>,
) -> Result<Value, EsError> {
    let mut buckets = Vec::new();
    // In a bucket without a document there are none, as the judge has it.
    let resolved = match found.is_empty() {
        true => Vec::new(),
        false => resolve(ranges)?,
    };
    for (range, number) in resolved.into_iter().zip(0..) {
        let bucket = found.remove(&BucketKey::Whole(number)).unwrap_or_default();
        let mut fields = Map::new();
        if !ranges.keyed {
            fields.insert("key".to_owned(), json!(range.key));
        }
        for (name, end) in [("from", range.from), ("to", range.to)] {
            if let Some(end) = end {
                fields.insert(name.to_owned(), json!(network::written(end)));
            }
        }
        buckets.push((range.key, finish_bucket(bucket, aggregation, with, fields)?));
    }
    Ok(told(buckets, ranges.keyed))
}
