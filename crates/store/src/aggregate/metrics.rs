//! Metrics over the numbers of a field.

use canarytrace_es::{
    EsError,
    aggregation::{MetricKind, Operand, PercentileRanks, Percentiles, WeightedAvg},
};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use tantivy::DocId;

use super::sketches::Sample;
use crate::{mapping::FieldType, search::columns::FieldColumns};

/// Sums over numbers; the numbers themselves if `keep`.
#[derive(Debug)]
pub(crate) struct Numbers {
    count: u64,
    sum: Sum,
    squares: Sum,
    min: f64,
    max: f64,
    pub(super) keep: bool,
    /// Whether sums are asked for: they cost more than the rest.
    pub(super) sums: bool,
    all: Sample,
}

/// A sum that keeps what its last bits would lose (Kahan), as Elasticsearch does.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    pub(super) value: f64,
    lost: f64,
}

impl Sum {
    pub(super) fn add(&mut self, number: f64) {
        if !number.is_finite() {
            self.value += number;
            return;
        }
        let corrected = number - self.lost;
        let sum = self.value + corrected;
        self.lost = (sum - self.value) - corrected;
        self.value = sum;
    }
}

impl Default for Numbers {
    fn default() -> Self {
        Self {
            count: 0,
            sum: Sum::default(),
            squares: Sum::default(),
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            keep: false,
            sums: true,
            all: Sample::default(),
        }
    }
}

impl Numbers {
    pub(super) fn of(numbers: impl IntoIterator<Item = f64>, keep: bool) -> Self {
        let mut own = Self {
            keep,
            ..Self::default()
        };
        numbers.into_iter().for_each(|number| own.add(number));
        own
    }

    fn add(&mut self, number: f64) {
        self.count += 1;
        if self.sums {
            self.sum.add(number);
            self.squares.add(number * number);
        }
        self.min = self.min.min(number);
        self.max = self.max.max(number);
        if self.keep {
            self.all.add(number);
        }
    }

    /// How many are kept one by one.
    pub(super) fn kept(&self) -> usize {
        self.all.kept()
    }

    fn mean(&self) -> f64 {
        self.sum.value / self.count as f64
    }

    /// The mean square distance from the mean, over one less than there are for a sample.
    fn variance(&self, sample: bool) -> f64 {
        let count = self.count as f64;
        let distance = self.squares.value - self.sum.value * self.sum.value / count;
        let variance = distance / if sample { count - 1.0 } else { count };
        if variance < 0.0 { 0.0 } else { variance }
    }
}

pub(super) fn collect(
    columns: &FieldColumns,
    docs: &[DocId],
    missing: Option<&Value>,
    numbers: &mut Numbers,
) {
    columns.floats_of(docs, |_, number| numbers.add(number));
    // Texts have no sum, but `value_count` counts them: each once, as they are kept sorted.
    let mut last = None;
    columns.ordinals_of(docs, |doc, ordinal| {
        numbers.count += u64::from(last.replace((doc, ordinal)) != Some((doc, ordinal)));
    });
    if let Some(missing) = missing.and_then(Value::as_f64) {
        for _ in docs.iter().filter(|doc| !columns.has_any(**doc)) {
            numbers.add(missing);
        }
    }
}

/// Means weighed by another field.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weighted {
    sum: Sum,
    weight: Sum,
}

/// A document takes part with each of its values; it must have one weight.
pub(super) fn collect_weighted(
    average: &WeightedAvg,
    values: &FieldColumns,
    weights: &FieldColumns,
    docs: &[DocId],
    into: &mut Weighted,
) -> Result<(), EsError> {
    let of = |columns: &FieldColumns, operand: &Operand, doc| {
        let mut found = Vec::new();
        columns.floats(doc, |number| found.push(number));
        if found.is_empty() {
            found.extend(operand.missing);
        }
        found
    };
    for doc in docs {
        let (values, weights) = (
            of(values, &average.value, *doc),
            of(weights, &average.weight, *doc),
        );
        let weight = match weights.as_slice() {
            _ if values.is_empty() => continue,
            [] => continue,
            [weight] => *weight,
            _ => {
                return Err(EsError::illegal_argument(
                    "Encountered more than one weight for a single document. Use a script to combine multiple weights-per-doc into a single value.",
                ));
            }
        };
        for value in values {
            into.sum.add(value * weight);
            into.weight.add(weight);
        }
    }
    Ok(())
}

pub(super) fn finish_weighted(weighted: &Weighted) -> Value {
    if weighted.weight.value == 0.0 {
        return json!({"value": null});
    }
    json!({"value": weighted.sum.value / weighted.weight.value})
}

/// The answer of a metric; without numbers it is null (a sum is 0).
pub(super) fn finish(metric: MetricKind, numbers: Numbers, kind: Option<&FieldType>) -> Value {
    let some = |number: f64| {
        if numbers.count == 0 {
            Value::Null
        } else {
            json!(number)
        }
    };
    let value = match metric {
        MetricKind::ValueCount => return json!({"value": numbers.count}),
        MetricKind::Stats => return Value::Object(stats(&numbers)),
        MetricKind::ExtendedStats { sigma } => return extended_stats(&numbers, sigma),
        MetricKind::MedianAbsoluteDeviation => {
            return json!({"value": numbers.all.ranked().deviation()});
        }
        MetricKind::Min => some(numbers.min),
        MetricKind::Max => some(numbers.max),
        MetricKind::Avg => some(numbers.mean()),
        MetricKind::Sum => json!(numbers.sum.value),
    };
    let mut answer = Map::new();
    if let (Some(FieldType::Date(formats)), Some(milliseconds)) = (kind, value.as_f64()) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "epoch milliseconds are far below 2^53"
        )]
        answer.insert(
            "value_as_string".to_owned(),
            json!(formats.write(milliseconds as i64, &TimeZone::UTC)),
        );
    }
    answer.insert("value".to_owned(), value);
    Value::Object(answer)
}

fn stats(numbers: &Numbers) -> Map<String, Value> {
    let some = |number: f64| (numbers.count > 0).then_some(number);
    let mut answer = Map::new();
    answer.insert("count".to_owned(), json!(numbers.count));
    answer.insert("min".to_owned(), json!(some(numbers.min)));
    answer.insert("max".to_owned(), json!(some(numbers.max)));
    answer.insert("avg".to_owned(), json!(some(numbers.mean())));
    answer.insert("sum".to_owned(), json!(numbers.sum.value));
    answer
}

fn extended_stats(numbers: &Numbers, sigma: f64) -> Value {
    // What has no number is a text in Elasticsearch's JSON.
    let number = |number: f64| match number {
        _ if numbers.count == 0 => Value::Null,
        number if number.is_nan() => json!("NaN"),
        number => json!(number),
    };
    let mut answer = stats(numbers);
    let mut add = |name: &str, value: f64| answer.insert(name.to_owned(), number(value));
    let (population, sample) = (numbers.variance(false), numbers.variance(true));
    add("sum_of_squares", numbers.squares.value);
    add("variance", population);
    add("variance_population", population);
    add("variance_sampling", sample);
    add("std_deviation", population.sqrt());
    add("std_deviation_population", population.sqrt());
    add("std_deviation_sampling", sample.sqrt());
    let mean = numbers.mean();
    let bound = |sign: f64, variance: f64| number(mean + sign * sigma * variance.sqrt());
    let bounds = json!({
        "upper": bound(1.0, population), "lower": bound(-1.0, population),
        "upper_population": bound(1.0, population), "lower_population": bound(-1.0, population),
        "upper_sampling": bound(1.0, sample), "lower_sampling": bound(-1.0, sample),
    });
    answer.insert("std_deviation_bounds".to_owned(), bounds);
    Value::Object(answer)
}

/// The share of the numbers that are at most this, percent.
pub(super) fn finish_ranks(ranks: &PercentileRanks, numbers: Numbers) -> Value {
    let ranked = numbers.all.ranked();
    let values = ranks
        .values
        .iter()
        .map(|value| (*value, json!(ranked.rank(*value))));
    by_number(values.collect(), ranks.keyed)
}

pub(super) fn finish_percentiles(percentiles: &Percentiles, numbers: Numbers) -> Value {
    let ranked = numbers.all.ranked();
    let values: Vec<(f64, Value)> = percentiles
        .percents
        .iter()
        .map(|percent| (*percent, json!(ranked.percentile(*percent))))
        .collect();
    by_number(values, percentiles.keyed)
}

/// Values by the number they are for, as an object or as a list.
fn by_number(values: Vec<(f64, Value)>, keyed: bool) -> Value {
    if keyed {
        let map: Map<String, Value> = values
            .into_iter()
            .map(|(number, value)| (format!("{number:?}"), value))
            .collect();
        return json!({"values": map});
    }
    let list: Vec<Value> = values
        .into_iter()
        .map(|(number, value)| json!({"key": number, "value": value}))
        .collect();
    json!({"values": list})
}
