//! `date_histogram`: a bucket per interval of time, fixed or by the calendar of a zone.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/search-aggregations-bucket-datehistogram-aggregation.html>

use serde_json::Value;

use crate::{DateFormat, EsError, date, parse};

#[derive(Clone, Debug, PartialEq)]
pub struct DateHistogram {
    pub field: String,
    pub interval: Interval,
    /// IANA name or offset.
    pub time_zone: Option<String>,
    pub min_doc_count: u64,
    /// Bounds that get empty buckets, as given.
    pub extended_bounds: Option<(Value, Value)>,
    /// Bounds beyond which there are no buckets, as given.
    pub hard_bounds: Option<(Value, Value)>,
    pub offset_ms: i64,
    pub keyed: bool,
    pub descending: bool,
    /// How `key_as_string` is written.
    pub format: DateFormat,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Interval {
    FixedMs(i64),
    Calendar(CalendarUnit),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalendarUnit {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

pub(super) fn parse(body: &Value) -> Result<DateHistogram, EsError> {
    let place = "date_histogram";
    let map = parse::object(body, place)?;
    parse::known_keys(
        map,
        place,
        &[
            "field",
            "fixed_interval",
            "calendar_interval",
            "interval",
            "time_zone",
            "min_doc_count",
            "extended_bounds",
            "hard_bounds",
            "keyed",
            "offset",
            "order",
            "format",
        ],
    )?;
    let fixed = parse::string(map, place, "fixed_interval")?;
    let calendar = parse::string(map, place, "calendar_interval")?;
    let either = parse::string(map, place, "interval")?;
    let interval = match (fixed, calendar, either) {
        (Some(text), None, None) => Interval::FixedMs(fixed_interval(&text)?),
        (None, Some(text), None) => Interval::Calendar(calendar_unit(&text).ok_or_else(|| {
            EsError::illegal_argument(format!(
                "The supplied interval [{text}] could not be parsed as a calendar interval."
            ))
        })?),
        (None, None, Some(text)) => match calendar_unit(&text) {
            Some(unit) => Interval::Calendar(unit),
            None => Interval::FixedMs(fixed_interval(&text)?),
        },
        _ => {
            return Err(EsError::illegal_argument(
                "[date_histogram] requires exactly one of [fixed_interval] and [calendar_interval]",
            ));
        }
    };
    Ok(DateHistogram {
        field: parse::required_string(map, place, "field")?,
        interval,
        time_zone: parse::string(map, place, "time_zone")?,
        min_doc_count: parse::unsigned(map, place, "min_doc_count")?.unwrap_or(0) as u64,
        extended_bounds: bounds(map, "extended_bounds")?,
        hard_bounds: bounds(map, "hard_bounds")?,
        keyed: parse::boolean(map, place, "keyed")?.unwrap_or(false),
        offset_ms: offset(map)?,
        descending: super::key_order(map, place)?,
        format: parse::string(map, place, "format")?
            .map_or(Ok(DateFormat::Usual), |text| DateFormat::parse(&text))?,
    })
}

fn bounds(map: &parse::Object, name: &str) -> Result<Option<(Value, Value)>, EsError> {
    let Some(bounds) = map.get(name) else {
        return Ok(None);
    };
    let bounds = parse::object(bounds, name)?;
    match (bounds.get("min"), bounds.get("max")) {
        (Some(min), Some(max)) => Ok(Some((min.clone(), max.clone()))),
        _ => Err(EsError::parsing(format!(
            "[{name}] requires [min] and [max]"
        ))),
    }
}

fn fixed_interval(text: &str) -> Result<i64, EsError> {
    date::time_unit_ms(text)
        .filter(|milliseconds| *milliseconds > 0)
        .ok_or_else(|| {
            EsError::illegal_argument(format!(
                "failed to parse interval [{text}], expected such as [30s], [5m], [1h]"
            ))
        })
}

fn offset(map: &parse::Object) -> Result<i64, EsError> {
    let Some(text) = parse::string(map, "date_histogram", "offset")? else {
        return Ok(0);
    };
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(&text)),
    };
    date::time_unit_ms(digits)
        .map(|value| sign * value)
        .ok_or_else(|| EsError::parsing(format!("failed to parse offset [{text}]")))
}

fn calendar_unit(text: &str) -> Option<CalendarUnit> {
    Some(match text {
        "minute" | "1m" => CalendarUnit::Minute,
        "hour" | "1h" => CalendarUnit::Hour,
        "day" | "1d" => CalendarUnit::Day,
        "week" | "1w" => CalendarUnit::Week,
        "month" | "1M" => CalendarUnit::Month,
        "quarter" | "1q" => CalendarUnit::Quarter,
        "year" | "1y" => CalendarUnit::Year,
        _ => return None,
    })
}
