//! `min`, `max`, `avg`, `sum`, `value_count`, `stats`, `extended_stats`, `median_absolute_deviation`: one pass over the numbers
//! of a field.

use serde_json::Value;

use crate::{EsError, parse};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MetricKind {
    Min,
    Max,
    Avg,
    Sum,
    ValueCount,
    Stats,
    ExtendedStats {
        /// Standard deviations from the mean to the bounds that are answered.
        sigma: f64,
    },
    MedianAbsoluteDeviation,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    pub kind: MetricKind,
    pub field: String,
    pub missing: Option<Value>,
}

const USUAL_SIGMA: f64 = 2.0;

impl MetricKind {
    pub(super) fn named(name: &str, sigma: f64) -> Option<Self> {
        Some(match name {
            "min" => MetricKind::Min,
            "max" => MetricKind::Max,
            "avg" => MetricKind::Avg,
            "sum" => MetricKind::Sum,
            "value_count" => MetricKind::ValueCount,
            "stats" => MetricKind::Stats,
            "extended_stats" => MetricKind::ExtendedStats { sigma },
            "median_absolute_deviation" => MetricKind::MedianAbsoluteDeviation,
            _ => return None,
        })
    }
}

/// None when `name` is no metric.
pub(super) fn parse(name: &str, body: &Value) -> Option<Result<Metric, EsError>> {
    MetricKind::named(name, USUAL_SIGMA).map(|_| parse_known(name, body))
}

fn parse_known(name: &str, body: &Value) -> Result<Metric, EsError> {
    let map = parse::object(body, name)?;
    let known: &[&str] = match name {
        "extended_stats" => &["field", "missing", "sigma"],
        "median_absolute_deviation" => &["field", "missing", "compression"],
        _ => &["field", "missing"],
    };
    parse::known_keys(map, name, known)?;
    let kind = MetricKind::named(name, sigma(map, name)?);
    Ok(Metric {
        kind: kind.ok_or_else(|| EsError::internal("a metric of no name"))?,
        field: parse::string(map, name, "field")?.ok_or_else(|| {
            EsError::illegal_argument(
                "Required one of fields [field, script], but none were specified. ",
            )
        })?,
        missing: parse::value(map, "missing"),
    })
}

pub(super) fn sigma(map: &parse::Object, place: &str) -> Result<f64, EsError> {
    let sigma = parse::number(map, place, "sigma")?.unwrap_or(USUAL_SIGMA);
    if sigma < 0.0 {
        return Err(EsError::x_content(format!(
            "[sigma] must be greater than or equal to 0. Found [{sigma:?}] in [{place}]"
        )));
    }
    Ok(sigma)
}
