//! Pipelines: aggregations over the results of others.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/search-aggregations-pipeline.html>

use std::collections::BTreeMap;

use serde_json::Value;

use super::{BucketOrder, expression::Expression, metric::MetricKind, terms::parse_order};
use crate::{EsError, date, parse};

#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline {
    pub kind: PipelineKind,
    /// Variable and path; most have one path, under the name `_value`.
    pub paths: BTreeMap<String, String>,
    /// A bucket without a value counts as 0 rather than being left out.
    pub insert_zeros: bool,
}

/// The variable of a pipeline with one path.
pub const VALUE: &str = "_value";

#[derive(Clone, Debug, PartialEq)]
pub enum PipelineKind {
    Derivative {
        unit_ms: Option<i64>,
    },
    CumulativeSum,
    SerialDifference {
        lag: usize,
    },
    /// Over a window that may be shifted; the current bucket is the first that is not in it.
    MovingFunction {
        window: usize,
        shift: i64,
        function: MovingFunction,
    },
    /// The older form: over the values before the bucket.
    MovingAverage {
        window: usize,
        function: MovingFunction,
    },
    BucketScript(Expression),
    BucketSelector(Expression),
    BucketSort {
        order: Vec<BucketOrder>,
        from: usize,
        size: Option<usize>,
    },
    /// Over the buckets of an aggregation beside it.
    Sibling(SiblingKind),
}

#[derive(Clone, Debug, PartialEq)]
pub enum SiblingKind {
    Metric(MetricKind),
    Percentiles(Vec<f64>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MovingFunction {
    Max,
    Min,
    Sum,
    StandardDeviation,
    Average,
    LinearWeighted,
    /// Exponentially weighted, by this much for the latest.
    ExponentiallyWeighted(f64),
}

impl Pipeline {
    /// Whether it belongs beside an aggregation rather than into its buckets.
    pub fn is_sibling(&self) -> bool {
        matches!(self.kind, PipelineKind::Sibling(_))
    }

    /// Whether it goes from bucket to bucket, of which none may be missing.
    pub(super) fn needs_every_bucket(&self) -> bool {
        matches!(
            self.kind,
            PipelineKind::Derivative { .. }
                | PipelineKind::CumulativeSum
                | PipelineKind::SerialDifference { .. }
                | PipelineKind::MovingFunction { .. }
                | PipelineKind::MovingAverage { .. }
        )
    }
}

/// None when `name` is no pipeline.
pub(super) fn parse(name: &str, body: &Value) -> Option<Result<Pipeline, EsError>> {
    let kind: fn(&parse::Object, &str) -> Result<PipelineKind, EsError> = match name {
        "derivative" => derivative,
        "cumulative_sum" => |_, _| Ok(PipelineKind::CumulativeSum),
        "serial_diff" => serial_difference,
        "moving_fn" => moving_function,
        "moving_avg" => moving_average,
        "bucket_script" => |map, place| script(map, place).map(PipelineKind::BucketScript),
        "bucket_selector" => |map, place| script(map, place).map(PipelineKind::BucketSelector),
        "bucket_sort" => bucket_sort,
        "percentiles_bucket" => percentiles_bucket,
        "avg_bucket"
        | "sum_bucket"
        | "min_bucket"
        | "max_bucket"
        | "stats_bucket"
        | "extended_stats_bucket" => sibling,
        _ => return None,
    };
    Some(parse_known(name, body, kind))
}

fn parse_known(
    name: &str,
    body: &Value,
    kind: fn(&parse::Object, &str) -> Result<PipelineKind, EsError>,
) -> Result<Pipeline, EsError> {
    let map = parse::object(body, name)?;
    parse::known_keys(
        map,
        name,
        &[
            "buckets_path",
            "gap_policy",
            "unit",
            "lag",
            "window",
            "shift",
            "script",
            "model",
            "settings",
            "sort",
            "from",
            "size",
            "percents",
            "sigma",
            "predict",
            "minimize",
        ],
    )?;
    if map.contains_key("predict") {
        return Err(EsError::unsupported("[predict] of [moving_avg]"));
    }
    let paths = match map.get("buckets_path") {
        None if name == "bucket_sort" => BTreeMap::new(),
        None => {
            return Err(EsError::parsing(format!(
                "Missing required field [buckets_path] for aggregation [{name}]"
            )));
        }
        Some(Value::String(path)) => BTreeMap::from([(VALUE.to_owned(), path.clone())]),
        Some(Value::Object(named)) => named
            .iter()
            .filter_map(|(name, path)| Some((name.clone(), path.as_str()?.to_owned())))
            .collect(),
        Some(_) => {
            return Err(EsError::parsing(
                "[buckets_path] must be a path or named paths",
            ));
        }
    };
    let gap_policy = parse::string(map, name, "gap_policy")?;
    let insert_zeros = match gap_policy.as_deref() {
        None | Some("skip") => false,
        Some("insert_zeros") => true,
        Some(other) => {
            return Err(EsError::parsing(format!(
                "Invalid gap policy: [{other}], accepted values: [insert_zeros, skip]"
            )));
        }
    };
    Ok(Pipeline {
        kind: kind(map, name)?,
        paths,
        insert_zeros: insert_zeros || name == "cumulative_sum",
    })
}

fn derivative(map: &parse::Object, place: &str) -> Result<PipelineKind, EsError> {
    let unit_ms = match parse::string(map, place, "unit")? {
        None => None,
        Some(text) => Some(unit_ms(&text).ok_or_else(|| {
            EsError::illegal_argument(format!("failed to parse [unit] [{text}]"))
        })?),
    };
    Ok(PipelineKind::Derivative { unit_ms })
}

/// A unit by name, or a number of a fixed one.
fn unit_ms(text: &str) -> Option<i64> {
    const DAY: i64 = 86_400_000;
    match text {
        "second" => Some(1000),
        "minute" => Some(60_000),
        "hour" => Some(3_600_000),
        "day" => Some(DAY),
        "week" | "1w" => Some(7 * DAY),
        other => date::time_unit_ms(other),
    }
}

fn serial_difference(map: &parse::Object, place: &str) -> Result<PipelineKind, EsError> {
    match parse::unsigned(map, place, "lag")?.unwrap_or(1) {
        0 => Err(EsError::illegal_argument(
            "[lag] must be a positive integer: [serial_diff]",
        )),
        lag => Ok(PipelineKind::SerialDifference { lag }),
    }
}

fn window(map: &parse::Object, place: &str, default: Option<usize>) -> Result<usize, EsError> {
    parse::unsigned(map, place, "window")?
        .or(default)
        .filter(|window| *window > 0)
        .ok_or_else(|| {
            EsError::illegal_argument(format!(
                "[window] must be a positive, non-zero integer: [{place}]"
            ))
        })
}

fn moving_function(map: &parse::Object, place: &str) -> Result<PipelineKind, EsError> {
    let text = script_text(map, place)?;
    let shift = match map.get("shift") {
        None => 0,
        Some(shift) => shift
            .as_i64()
            .ok_or_else(|| EsError::parsing("[shift] must be an integer"))?,
    };
    let function = named_function(&text).ok_or_else(|| {
        EsError::unsupported(&format!(
            "the script [{text}] of [moving_fn] (only MovingFunctions by name)"
        ))
    })?;
    Ok(PipelineKind::MovingFunction {
        window: window(map, place, None)?,
        shift,
        function,
    })
}

/// `MovingFunctions.<name>(values…)`.
fn named_function(text: &str) -> Option<MovingFunction> {
    let text = text
        .trim()
        .trim_end_matches(';')
        .trim_start_matches("return ");
    let call = text.strip_prefix("MovingFunctions.")?;
    let (name, arguments) = call.strip_suffix(')')?.split_once('(')?;
    let arguments: Vec<&str> = arguments.splitn(2, ',').map(str::trim).collect();
    if arguments.first() != Some(&"values") {
        return None;
    }
    Some(match (name, arguments.get(1)) {
        ("max", None) => MovingFunction::Max,
        ("min", None) => MovingFunction::Min,
        ("sum", None) => MovingFunction::Sum,
        ("unweightedAvg", None) => MovingFunction::Average,
        ("linearWeightedAvg", None) => MovingFunction::LinearWeighted,
        ("stdDev", Some(&"MovingFunctions.unweightedAvg(values)")) => {
            MovingFunction::StandardDeviation
        }
        ("ewma", Some(alpha)) => MovingFunction::ExponentiallyWeighted(alpha.parse().ok()?),
        _ => return None,
    })
}

fn moving_average(map: &parse::Object, place: &str) -> Result<PipelineKind, EsError> {
    const USUAL_ALPHA: f64 = 0.3;
    let alpha = map
        .get("settings")
        .and_then(|settings| settings.get("alpha"))
        .and_then(Value::as_f64);
    let function = match parse::string(map, place, "model")?.as_deref() {
        None | Some("simple") => MovingFunction::Average,
        Some("linear") => MovingFunction::LinearWeighted,
        Some("ewma") => MovingFunction::ExponentiallyWeighted(alpha.unwrap_or(USUAL_ALPHA)),
        Some(model) => {
            return Err(EsError::unsupported(&format!(
                "[model] [{model}] of [moving_avg]"
            )));
        }
    };
    Ok(PipelineKind::MovingAverage {
        window: window(map, place, Some(5))?,
        function,
    })
}

fn script(map: &parse::Object, place: &str) -> Result<Expression, EsError> {
    Expression::parse(&script_text(map, place)?)
}

/// A text, or `{"source": …}`.
fn script_text(map: &parse::Object, place: &str) -> Result<String, EsError> {
    let text = match map.get("script") {
        Some(Value::Object(script)) => script.get("source").or_else(|| script.get("inline")),
        other => other,
    };
    text.and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| {
            EsError::parsing(format!(
                "Missing required field [script] for aggregation [{place}]"
            ))
        })
}

fn bucket_sort(map: &parse::Object, place: &str) -> Result<PipelineKind, EsError> {
    let mut order = Vec::new();
    for entry in map.get("sort").map(parse::list).unwrap_or_default() {
        match entry {
            Value::String(target) => order.push(parse_order(target, &Value::from("asc"))?),
            Value::Object(entries) => {
                for (target, direction) in entries {
                    let direction = direction.get("order").unwrap_or(direction);
                    order.push(parse_order(target, direction)?);
                }
            }
            _ => return Err(EsError::parsing("malformed [sort] of [bucket_sort]")),
        }
    }
    let size = parse::unsigned(map, place, "size")?;
    let from = parse::unsigned(map, place, "from")?.unwrap_or(0);
    if order.is_empty() && size.is_none() && from == 0 {
        return Err(EsError::illegal_argument(
            "[bucket_sort] is configured to perform nothing. Please set either of [sort, size, from] to use bucket_sort",
        ));
    }
    Ok(PipelineKind::BucketSort { order, from, size })
}

fn percentiles_bucket(map: &parse::Object, _: &str) -> Result<PipelineKind, EsError> {
    let percents = super::percentiles::percents(map)?;
    Ok(PipelineKind::Sibling(SiblingKind::Percentiles(percents)))
}

fn sibling(map: &parse::Object, place: &str) -> Result<PipelineKind, EsError> {
    let sigma = super::metric::sigma(map, place)?;
    let kind = MetricKind::named(place.trim_end_matches("_bucket"), sigma);
    let kind = kind.ok_or_else(|| EsError::internal("a pipeline of no metric"))?;
    Ok(PipelineKind::Sibling(SiblingKind::Metric(kind)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pipelines_are_read() {
        let parsed = |name: &str, body: Value| parse(name, &body).unwrap();
        let moving = parsed(
            "moving_fn",
            json!({"buckets_path": "a", "window": 3, "script": "MovingFunctions.ewma(values, 0.5)"}),
        );
        assert_eq!(
            moving.unwrap().kind,
            PipelineKind::MovingFunction {
                window: 3,
                shift: 0,
                function: MovingFunction::ExponentiallyWeighted(0.5)
            }
        );
        let refused = [
            (
                "moving_fn",
                json!({"buckets_path": "a", "window": 3, "script": "values[0]"}),
            ),
            (
                "moving_fn",
                json!({"buckets_path": "a", "script": "MovingFunctions.max(values)"}),
            ),
            ("derivative", json!({})),
            ("bucket_sort", json!({})),
            ("serial_diff", json!({"buckets_path": "a", "lag": 0})),
            (
                "derivative",
                json!({"buckets_path": "a", "gap_policy": "guess"}),
            ),
        ];
        for (name, body) in refused {
            assert!(parsed(name, body.clone()).is_err(), "{name} {body}");
        }
        assert!(parse("terms", &json!({})).is_none());
    }
}
