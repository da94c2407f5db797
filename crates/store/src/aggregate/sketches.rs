//! Numbers and values that are kept as they are up to a cap, and as a sketch beyond it: memory stays bounded.

use std::{
    collections::HashSet,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
};

use datasketches::{
    hll::{HllSketch, HllType},
    tdigest::{TDigest, TDigestMut},
};

use super::buckets::BucketKey;

/// So many are kept of one bucket: below 1 MB.
const MAX_EXACT: usize = 100_000;
/// Centroids of a digest: ranks are wrong by far less than 0.5 %, at the ends by less.
const DIGEST_K: u16 = 200;
/// 2^14 registers: counts are wrong by 0.8 %, as a rule.
const SKETCH_LG_K: u8 = 14;

/// Numbers whose ranks will be asked for.
#[derive(Debug)]
pub(super) enum Sample {
    Exact(Vec<f64>),
    Digest(Box<TDigestMut>),
}

impl Default for Sample {
    fn default() -> Self {
        Sample::Exact(Vec::new())
    }
}

impl Sample {
    pub(super) fn add(&mut self, number: f64) {
        match self {
            Sample::Exact(numbers) if numbers.len() < MAX_EXACT => numbers.push(number),
            Sample::Exact(numbers) => {
                let Ok(mut digest) = TDigestMut::new(DIGEST_K) else {
                    return numbers.push(number);
                };
                numbers.iter().for_each(|number| digest.update(*number));
                digest.update(number);
                *self = Sample::Digest(Box::new(digest));
            }
            Sample::Digest(digest) => digest.update(number),
        }
    }

    pub(super) fn kept(&self) -> usize {
        match self {
            Sample::Exact(numbers) => numbers.len(),
            Sample::Digest(_) => 0,
        }
    }

    pub(super) fn ranked(self) -> Ranked {
        match self {
            Sample::Exact(mut numbers) => {
                numbers.sort_by(f64::total_cmp);
                Ranked::Exact(numbers)
            }
            Sample::Digest(digest) => Ranked::Digest(digest.freeze()),
        }
    }
}

/// Numbers in order.
pub(super) enum Ranked {
    Exact(Vec<f64>),
    Digest(TDigest),
}

impl Ranked {
    /// The number at a rank in percent, as a digest answers that still has every number for itself.
    pub(super) fn percentile(&self, percent: f64) -> Option<f64> {
        match self {
            Ranked::Exact(sorted) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a position in the list"
                )]
                let rank = (percent / 100.0 * sorted.len() as f64).floor() as usize;
                let last = sorted.len().saturating_sub(1);
                sorted.get(rank.min(last)).copied()
            }
            Ranked::Digest(digest) => digest.quantile((percent / 100.0).clamp(0.0, 1.0)),
        }
    }

    /// The share of the numbers that are at most this, percent. Of what equals the value one half is below it.
    pub(super) fn rank(&self, value: f64) -> Option<f64> {
        match self {
            Ranked::Exact(sorted) if sorted.is_empty() => None,
            Ranked::Exact(sorted) => {
                let below = sorted.partition_point(|number| *number < value);
                let up_to = sorted.partition_point(|number| *number <= value);
                Some((below + up_to) as f64 * 50.0 / sorted.len() as f64)
            }
            Ranked::Digest(_) if value.is_nan() => None,
            Ranked::Digest(digest) if digest.min_value().is_some_and(|min| value < min) => {
                Some(0.0)
            }
            Ranked::Digest(digest) if digest.max_value().is_some_and(|max| value > max) => {
                Some(100.0)
            }
            Ranked::Digest(digest) => digest.rank(value).map(|rank| rank * 100.0),
        }
    }

    /// The median distance from the median.
    pub(super) fn deviation(&self) -> Option<f64> {
        let median = self.percentile(50.0)?;
        match self {
            Ranked::Exact(sorted) => {
                let mut distances = Sample::default();
                for number in sorted {
                    distances.add((number - median).abs());
                }
                distances.ranked().percentile(50.0)
            }
            Ranked::Digest(digest) => {
                let (min, max) = (digest.min_value()?, digest.max_value()?);
                let (mut low, mut high) = (0.0, (median - min).max(max - median));
                // Half of a double's bits are more than a digest knows.
                for _ in 0..32 {
                    let middle = f64::midpoint(low, high);
                    let within = self.rank(median + middle)? - self.rank(median - middle)?;
                    match within < 50.0 {
                        true => low = middle,
                        false => high = middle,
                    }
                }
                Some(high)
            }
        }
    }
}

/// How many different values there are.
#[derive(Debug)]
pub(crate) enum Distinct {
    /// By their hashes: of 100,000 values two share one once in four billion times.
    Exact(HashSet<u64>),
    Sketch(Box<HllSketch>),
}

impl Default for Distinct {
    fn default() -> Self {
        Distinct::Exact(HashSet::new())
    }
}

impl Distinct {
    /// How many values are kept one by one.
    pub(super) fn kept(&self) -> usize {
        match self {
            Distinct::Exact(hashes) => hashes.len(),
            Distinct::Sketch(_) => 0,
        }
    }

    pub(super) fn add(&mut self, value: &BucketKey) {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(value);
        match self {
            Distinct::Sketch(sketch) => sketch.update(hash),
            Distinct::Exact(hashes) => {
                hashes.insert(hash);
                if hashes.len() > MAX_EXACT
                    && let Ok(mut sketch) = HllSketch::new(SKETCH_LG_K, HllType::Hll8)
                {
                    hashes.iter().for_each(|hash| sketch.update(hash));
                    *self = Distinct::Sketch(Box::new(sketch));
                }
            }
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count far below 2^53"
    )]
    pub(super) fn count(&self) -> u64 {
        match self {
            Distinct::Exact(hashes) => hashes.len() as u64,
            Distinct::Sketch(sketch) => sketch.estimate().round() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 300,000 numbers from 0 to 1, the greater ones rarer, in no order.
    fn numbers() -> Vec<f64> {
        let shuffled = (0..300_000_u64).map(|number| number * 7_919 % 300_000);
        shuffled
            .map(|number| (number as f64 / 300_000.0).powi(3))
            .collect()
    }

    #[test]
    fn beyond_the_cap_ranks_are_near() {
        let mut sample = Sample::default();
        numbers().into_iter().for_each(|number| sample.add(number));
        let ranked = sample.ranked();
        assert!(matches!(ranked, Ranked::Digest(_)));
        for percent in [0.0, 1.0, 25.0, 50.0, 95.0, 99.9, 100.0] {
            let found = ranked.percentile(percent).unwrap();
            let share = found.cbrt() * 100.0;
            assert!((share - percent).abs() < 0.3, "{percent}: {share}");
            let rank = ranked.rank(found).unwrap();
            assert!((rank - percent).abs() < 0.3, "{percent}: {rank}");
        }
        // The median is 1/8; half of all are within 0.1229 of it.
        let deviation = ranked.deviation().unwrap();
        assert!((deviation - 0.1229).abs() < 0.003, "{deviation}");
        assert_eq!(ranked.rank(-1.0), Some(0.0));
        assert_eq!(ranked.rank(2.0), Some(100.0));
    }

    #[test]
    fn beyond_the_cap_counts_are_near() {
        let mut distinct = Distinct::default();
        for number in 0..300_000 {
            distinct.add(&BucketKey::Whole(number));
            distinct.add(&BucketKey::Whole(number / 2));
        }
        assert!(matches!(distinct, Distinct::Sketch(_)));
        let error = (distinct.count() as f64 / 300_000.0 - 1.0).abs();
        assert!(error < 0.03, "{}", distinct.count());
    }
}
