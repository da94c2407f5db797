//! Metrics over the numbers of a field. Percentiles are exact: every number is kept, up to a limit.

use canarytrace_es::{
    aggregation::{MetricKind, Percentiles},
    date,
};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use tantivy::DocId;

use crate::{mapping::FieldType, search::columns::FieldColumns};

/// Sums over numbers; the numbers themselves if `keep`.
#[derive(Debug)]
pub(crate) struct Numbers {
    count: u64,
    sum: f64,
    min: f64,
    max: f64,
    pub(super) keep: bool,
    all: Vec<f64>,
}

impl Default for Numbers {
    fn default() -> Self {
        Self {
            count: 0,
            sum: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            keep: false,
            all: Vec::new(),
        }
    }
}

impl Numbers {
    fn add(&mut self, number: f64) {
        self.count += 1;
        self.sum += number;
        self.min = self.min.min(number);
        self.max = self.max.max(number);
        if self.keep {
            self.all.push(number);
        }
    }
}

pub(super) fn collect(
    columns: &FieldColumns,
    docs: &[DocId],
    missing: Option<&Value>,
    numbers: &mut Numbers,
) {
    let missing = missing.and_then(Value::as_f64);
    for doc in docs {
        let before = numbers.count;
        columns.floats(*doc, |number| numbers.add(number));
        // Texts have no sum, but `value_count` counts them.
        columns.ordinals(*doc, |_| numbers.count += 1);
        if let (true, Some(missing)) = (numbers.count == before, missing) {
            numbers.add(missing);
        }
    }
}

/// The answer of a metric; without numbers it is null (a sum is 0).
pub(super) fn finish(metric: MetricKind, numbers: &Numbers, kind: Option<&FieldType>) -> Value {
    let some = |number: f64| {
        if numbers.count == 0 {
            Value::Null
        } else {
            json!(number)
        }
    };
    let average = if numbers.count == 0 {
        Value::Null
    } else {
        json!(numbers.sum / numbers.count as f64)
    };
    let value = match metric {
        MetricKind::ValueCount => return json!({"value": numbers.count}),
        MetricKind::Stats => {
            return json!({"count": numbers.count, "min": some(numbers.min), "max": some(numbers.max), "avg": average, "sum": numbers.sum});
        }
        MetricKind::Min => some(numbers.min),
        MetricKind::Max => some(numbers.max),
        MetricKind::Avg => average,
        MetricKind::Sum => json!(numbers.sum),
    };
    let mut answer = Map::new();
    if let (Some(FieldType::Date), Some(milliseconds)) = (kind, value.as_f64()) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "epoch milliseconds are far below 2^53"
        )]
        answer.insert(
            "value_as_string".to_owned(),
            json!(date::format_ms(milliseconds as i64, &TimeZone::UTC)),
        );
    }
    answer.insert("value".to_owned(), value);
    Value::Object(answer)
}

pub(super) fn finish_percentiles(percentiles: &Percentiles, mut numbers: Numbers) -> Value {
    numbers.all.sort_by(f64::total_cmp);
    let values: Vec<(f64, Value)> = percentiles
        .percents
        .iter()
        .map(|percent| (*percent, percentile(&numbers.all, *percent)))
        .collect();
    if percentiles.keyed {
        let map: Map<String, Value> = values
            .into_iter()
            .map(|(percent, value)| (format!("{percent:?}"), value))
            .collect();
        return json!({"values": map});
    }
    let list: Vec<Value> = values
        .into_iter()
        .map(|(percent, value)| json!({"key": percent, "value": value}))
        .collect();
    json!({"values": list})
}

/// Linear interpolation between the closest ranks.
fn percentile(sorted: &[f64], percent: f64) -> Value {
    let Some(last) = sorted.len().checked_sub(1) else {
        return Value::Null;
    };
    let position = percent / 100.0 * last as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a position in the list"
    )]
    let below = position.floor() as usize;
    let (Some(low), high) = (sorted.get(below), sorted.get(below + 1)) else {
        return Value::Null;
    };
    json!(high.map_or(*low, |high| low + (high - low) * position.fract()))
}
