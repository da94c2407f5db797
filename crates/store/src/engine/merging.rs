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

/// Segments of about one size that become one whatever goes on.
const MERGED_AT_ONCE: usize = 16;
/// A segment of so many documents is worth looking through by itself: it is not written again in a pause.
const LARGE: u64 = 8_000;
/// More documents than this stay in several segments.
const MAX_MERGED: u64 = 5_000_000;

/// The segments that become one; none if there is nothing to do.
pub(super) fn candidates(segments: &[SegmentMeta], activity: Activity) -> Vec<SegmentId> {
    match activity {
        Activity::Busy => of_a_size(segments),
        Activity::Pausing => match small_ones(segments) {
            found if found.is_empty() => of_a_size(segments),
            found => found,
        },
        Activity::Resting => {
            let documents: u64 = segments.iter().map(documents).sum();
            let has_deleted = segments.iter().any(|one| one.num_deleted_docs() > 0);
            match documents <= MAX_MERGED && (segments.len() > 1 || has_deleted) {
                true => segments.iter().map(SegmentMeta::id).collect(),
                false => Vec::new(),
            }
        }
    }
}

fn documents(segment: &SegmentMeta) -> u64 {
    u64::from(segment.max_doc())
}

fn of_a_size(segments: &[SegmentMeta]) -> Vec<SegmentId> {
    let mut policy = LogMergePolicy::default();
    policy.set_min_num_segments(MERGED_AT_ONCE);
    let found = policy.compute_merge_candidates(segments);
    let first = found.into_iter().next();
    first.map(|candidate| candidate.0).unwrap_or_default()
}

fn small_ones(segments: &[SegmentMeta]) -> Vec<SegmentId> {
    let mut by_size: Vec<_> = segments
        .iter()
        .filter(|segment| documents(segment) < LARGE)
        .collect();
    by_size.sort_by_key(|segment| std::cmp::Reverse(segment.max_doc()));
    let sizes: Vec<u64> = by_size.iter().map(|segment| documents(segment)).collect();
    let small = by_size.get(small(&sizes)..).unwrap_or_default();
    small.iter().map(|segment| segment.id()).collect()
}

/// From where on segments are merged in a pause, of sizes that fall: the first that is not larger than all behind it together. An
/// index with many pauses would be written again in each of them otherwise; so its documents are, as often as it doubles.
fn small(sizes: &[u64]) -> usize {
    let mut behind: u64 = sizes.iter().sum();
    for (at, size) in sizes.iter().enumerate() {
        behind -= size;
        if *size <= behind {
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
