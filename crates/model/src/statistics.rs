//! Telling change from noise: medians, spread, and a rank test that asks nothing of the shape of the numbers.

use serde::Serialize;

/// Repeated measurements of one thing.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    pub count: usize,
    pub median: f64,
    /// First and third quartile.
    pub lower: f64,
    pub upper: f64,
    /// Beyond one and a half times the quartiles' distance (Tukey).
    pub outliers: Vec<f64>,
}

impl Summary {
    /// None of no values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (lower, upper) = (quantile(&sorted, 0.25)?, quantile(&sorted, 0.75)?);
        let reach = (upper - lower) * 1.5;
        Some(Self {
            count: sorted.len(),
            median: quantile(&sorted, 0.5)?,
            lower,
            upper,
            outliers: sorted
                .iter()
                .copied()
                .filter(|value| *value < lower - reach || *value > upper + reach)
                .collect(),
        })
    }
}

/// By linear interpolation between the nearest ranks.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let position = share * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (position.floor(), position.ceil());
    let at = |index: f64| sorted.get(index as usize).copied();
    Some(at(below)? + (at(above)? - at(below)?) * (position - below))
}

/// How two sets of measurements differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    pub before: Summary,
    pub after: Summary,
    /// Median of all differences between one of either (Hodges-Lehmann), and its share of the median before, percent.
    pub shift: f64,
    pub shift_percent: f64,
    /// Probability of such a difference when nothing has changed.
    pub p: f64,
}

/// A difference is a change when chance would bring it about less often than this. Four measurements of either cannot be
/// less likely than 0.029; a page has several measures, each with a chance of its own for a false alarm.
pub const SIGNIFICANT: f64 = 0.03;

const PERMUTATIONS: u32 = 20_000;

impl Comparison {
    /// None when either set is empty.
    pub fn of(before: &[f64], after: &[f64]) -> Option<Self> {
        let summaries = (Summary::of(before)?, Summary::of(after)?);
        let shift = shift(before, after)?;
        Some(Self {
            shift,
            shift_percent: shift * 100.0 / summaries.0.median,
            p: rank_test(before, after),
            before: summaries.0,
            after: summaries.1,
        })
    }

    pub fn is_change(&self) -> bool {
        self.p < SIGNIFICANT
    }
}

/// Median of all differences between one of either (Hodges-Lehmann), in the unit of the values; none of no values.
pub fn shift(before: &[f64], after: &[f64]) -> Option<f64> {
    let mut differences: Vec<f64> = after
        .iter()
        .flat_map(|after| before.iter().map(move |before| after - before))
        .collect();
    differences.sort_by(f64::total_cmp);
    quantile(&differences, 0.5)
}

/// From so many values of either on, the rank sum is as good as normal.
const MANY: usize = 20;

/// Two-sided test of the rank sum (Wilcoxon, Mann and Whitney): by its normal distribution where there are many values, else by
/// the share of random divisions that differ as much as the one measured.
fn rank_test(before: &[f64], after: &[f64]) -> f64 {
    let mut ranks = ranks(before, after);
    let expected = before.len() as f64 * (ranks.len() + 1) as f64 / 2.0;
    if before.len() >= MANY && after.len() >= MANY {
        return normal_test(&ranks, before.len(), expected);
    }
    let distance = |ranks: &[f64]| {
        let sum: f64 = ranks.iter().take(before.len()).sum();
        (sum - expected).abs()
    };
    let measured = distance(&ranks);
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut as_far = 1;
    for _ in 0..PERMUTATIONS {
        // Only the first part's members matter.
        for index in 0..before.len() {
            let other = index + random.below(ranks.len() - index);
            ranks.swap(index, other);
        }
        as_far += u32::from(distance(&ranks) >= measured - 1e-9);
    }
    f64::from(as_far) / f64::from(PERMUTATIONS + 1)
}

/// As many values of the first side at the beginning of `ranks`.
fn normal_test(ranks: &[f64], first: usize, expected: f64) -> f64 {
    let (count, own) = (ranks.len() as f64, first as f64);
    let sum: f64 = ranks.iter().take(first).sum();
    // The variance of ranks as they are, so that equal values need no correction.
    let mean = (count + 1.0) / 2.0;
    let spread: f64 = ranks.iter().map(|rank| (rank - mean).powi(2)).sum();
    let variance = own * (count - own) * spread / (count * (count - 1.0));
    if variance <= 0.0 {
        return 1.0;
    }
    let distance = ((sum - expected).abs() - 0.5).max(0.0) / variance.sqrt();
    complementary_error(distance / std::f64::consts::SQRT_2)
}

/// `erfc` of a number that is not negative, to seven digits (Abramowitz and Stegun 7.1.26).
fn complementary_error(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let factors = [
        1.061_405_429,
        -1.453_152_027,
        1.421_413_741,
        -0.284_496_736,
        0.254_829_592,
    ];
    let sum = factors.iter().fold(0.0, |sum, factor| (sum + factor) * t);
    sum * (-x * x).exp()
}

/// Ranks of all values, those of `before` first; equal values share the mean of theirs.
fn ranks(before: &[f64], after: &[f64]) -> Vec<f64> {
    let all: Vec<f64> = before.iter().chain(after).copied().collect();
    all.iter()
        .map(|value| {
            let smaller = all.iter().filter(|other| *other < value).count();
            let equal = all.iter().filter(|other| *other == value).count();
            smaller as f64 + (equal as f64 + 1.0) / 2.0
        })
        .collect()
}

/// Xorshift: the same numbers each time, so that a comparison has one answer.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (limit.max(1) as u64)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_names_its_outliers() {
        let summary = Summary::of(&[10.0, 11.0, 12.0, 13.0, 40.0]).unwrap();
        assert_eq!(
            (
                summary.median,
                summary.lower,
                summary.upper,
                summary.outliers
            ),
            (12.0, 11.0, 13.0, vec![40.0])
        );
        assert_eq!(Summary::of(&[]), None);
    }

    /// Noise that looks like load times: mostly near, sometimes far above.
    fn noisy(random: &mut Random, scale: f64) -> Vec<f64> {
        let one = |random: &mut Random| {
            let near = 400.0 + random.below(60) as f64;
            let spike = if random.below(8) == 0 { 150.0 } else { 0.0 };
            (near + spike) * scale
        };
        (0..10).map(|_| one(random)).collect()
    }

    #[test]
    fn noise_is_no_change_and_a_fifth_more_is_one() {
        let mut random = Random(42);
        let rate = |random: &mut Random, scale: f64| {
            let found = (0..200).filter(|_| {
                let (before, after) = (noisy(random, 1.0), noisy(random, scale));
                Comparison::of(&before, &after).unwrap().is_change()
            });
            found.count()
        };
        let (alarms, found) = (rate(&mut random, 1.0), rate(&mut random, 1.2));
        assert!(alarms <= 16, "{alarms} of 200 are false alarms");
        assert!(found >= 160, "{found} of 200 are found");
    }

    #[test]
    fn many_values_are_judged_like_few() {
        for x in [0.0, 0.5, 1.0, 2.0, 3.0] {
            let exact = [1.0, 0.479_500, 0.157_299, 0.004_677_7, 0.000_022_090];
            let expected = exact[[0.0, 0.5, 1.0, 2.0, 3.0]
                .iter()
                .position(|own| *own == x)
                .unwrap()];
            assert!((complementary_error(x) - expected).abs() < 1e-5, "{x}");
        }
        let mut random = Random(7);
        for scale in [1.0, 1.03, 1.1] {
            let side = |random: &mut Random, scale: f64| -> Vec<f64> {
                (0..24)
                    .map(|_| (400.0 + random.below(60) as f64) * scale)
                    .collect()
            };
            let (before, after) = (side(&mut random, 1.0), side(&mut random, scale));
            let ranks = ranks(&before, &after);
            let expected = before.len() as f64 * (ranks.len() + 1) as f64 / 2.0;
            let normal = normal_test(&ranks, before.len(), expected);
            let few = rank_test(&before[..19], &after[..19]);
            assert!((normal < 0.03) == (few < 0.03), "{scale}: {normal} {few}");
        }
        let same = vec![1.0; 30];
        assert_eq!(rank_test(&same, &same), 1.0);
    }

    #[test]
    fn the_shift_is_in_the_unit_of_the_values() {
        let before: Vec<f64> = (0..10).map(|n| 100.0 + f64::from(n)).collect();
        let after: Vec<f64> = before.iter().map(|value| value + 50.0).collect();
        let comparison = Comparison::of(&before, &after).unwrap();
        assert_eq!(comparison.shift, 50.0);
        assert!(comparison.p < 0.001 && comparison.is_change());
    }
}
