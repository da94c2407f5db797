//! Which segments of an index become one: a document is written again each time, and a search asks each segment.

use tantivy::{
    SegmentMeta,
    index::SegmentId,
    indexer::{LogMergePolicy, MergePolicy},
};

/// What is going on in an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    /// It is written to.
    Busy,
    /// Nobody writes just now, as between two runs.
    Pausing,
    /// Nobody has written for so long that its day is over.
    Resting,
}

/// What came of looking for segments to merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looked {
    /// They are being merged.
    Merges,
    Nothing,
    /// There are the same segments, and the same goes on, as when it was looked before.
    Before,
}

/// Segments of about one size, while the index is written to.
const MERGED_AT_ONCE: usize = 16;
/// More documents than this stay in several segments.
const MAX_MERGED: u64 = 5_000_000;

/// The segments that become one; none if there is nothing to do.
pub(super) fn candidates(segments: &[SegmentMeta], activity: Activity) -> Vec<SegmentId> {
    let ids = |segments: &[SegmentMeta]| segments.iter().map(SegmentMeta::id).collect();
    match activity {
        Activity::Busy => {
            let mut policy = LogMergePolicy::default();
            policy.set_min_num_segments(MERGED_AT_ONCE);
            let found = policy.compute_merge_candidates(segments);
            let first = found.into_iter().next();
            first.map(|candidate| candidate.0).unwrap_or_default()
        }
        Activity::Pausing => {
            let mut by_size = segments.to_vec();
            by_size.sort_by_key(|segment| std::cmp::Reverse(segment.max_doc()));
            let sizes: Vec<u64> = by_size.iter().map(|one| u64::from(one.max_doc())).collect();
            ids(by_size.get(small(&sizes)..).unwrap_or_default())
        }
        Activity::Resting => {
            let documents: u64 = segments.iter().map(|one| u64::from(one.max_doc())).sum();
            let has_deleted = segments.iter().any(|one| one.num_deleted_docs() > 0);
            match documents <= MAX_MERGED && (segments.len() > 1 || has_deleted) {
                true => ids(segments),
                false => Vec::new(),
            }
        }
    }
}

/// From where on segments are merged in a pause, of sizes that fall: the first that is not larger than all behind it together. An
/// index with many pauses would be written again in each of them otherwise; so its documents are, as often as it doubles.
fn small(sizes: &[u64]) -> usize {
    let mut behind: u64 = sizes.iter().sum();
    for (at, size) in sizes.iter().enumerate() {
        behind -= size;
        if *size <= behind && behind + size <= MAX_MERGED {
            return at;
        }
    }
    sizes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_merges_what_is_not_larger_than_the_rest() {
        for (sizes, from) in [
            (&[][..], 0),
            (&[9], 1),
            (&[9, 9], 0),
            (&[9, 8], 2),
            (&[100, 9, 9], 1),
            (&[100, 50, 25, 12], 4),
            (&[100, 50, 25, 25], 0),
            (&[MAX_MERGED, MAX_MERGED, 3, 3], 2),
        ] {
            assert_eq!(small(sizes), from, "{sizes:?}");
        }
    }

    #[test]
    fn with_many_pauses_a_document_is_written_again_a_few_times() {
        let (mut sizes, mut written) = (Vec::new(), 0);
        for _ in 0..1000 {
            sizes.push(10);
            sizes.sort_by_key(|size| std::cmp::Reverse(*size));
            let merged: u64 = sizes.split_off(small(&sizes)).iter().sum();
            written += merged;
            sizes.extend((merged > 0).then_some(merged));
        }
        assert!(sizes.len() <= 10, "{sizes:?}");
        assert!(written <= 10_000 * 10, "{written}");
    }
}
