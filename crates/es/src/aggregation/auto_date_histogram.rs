//! `auto_date_histogram`: as many buckets of time as were asked for, or fewer; their width follows from the documents.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/search-aggregations-bucket-autodatehistogram-aggregation.html>

use serde_json::Value;

use crate::{DateFormat, EsError, parse};

#[derive(Clone, Debug, PartialEq)]
pub struct AutoDateHistogram {
    pub field: String,
    /// At most so many buckets, if the widest steps allow it.
    pub buckets: usize,
    /// The first of [`STEPS`] that may be taken.
    pub first_step: usize,
    /// IANA name or offset.
    pub time_zone: Option<String>,
    /// How `key_as_string` is written.
    pub format: DateFormat,
    /// The date of documents that have none, as given.
    pub missing: Option<Value>,
}

/// A unit of the calendar, and how many of it a bucket may have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalendarStep {
    /// As in date math.
    pub unit: char,
    /// About so long.
    pub rough_ms: i64,
    pub counts: &'static [usize],
    name: &'static str,
}

impl CalendarStep {
    /// The most units of a bucket.
    pub fn most(&self) -> usize {
        self.counts.last().copied().unwrap_or(1)
    }
}

const fn step(
    name: &'static str,
    unit: char,
    rough_s: i64,
    counts: &'static [usize],
) -> CalendarStep {
    CalendarStep {
        unit,
        rough_ms: rough_s * 1000,
        counts,
        name,
    }
}

/// From fine to coarse.
pub const STEPS: [CalendarStep; 6] = [
    step("second", 's', 1, &[1, 5, 10, 30]),
    step("minute", 'm', 60, &[1, 5, 10, 30]),
    step("hour", 'h', 3600, &[1, 3, 12]),
    step("day", 'd', 86_400, &[1, 7]),
    step("month", 'M', 2_592_000, &[1, 3]),
    step("year", 'y', 31_557_600, &[1, 5, 10, 20, 50, 100]),
];

const DEFAULT_BUCKETS: usize = 10;
/// A request may have 65,535 buckets, and a year is merged up to a hundred times.
const MAX_BUCKETS: usize = 65_535 / 100;

pub(super) fn parse(body: &Value) -> Result<AutoDateHistogram, EsError> {
    let place = "auto_date_histogram";
    let map = parse::object(body, place)?;
    parse::known_keys(
        map,
        place,
        &[
            "field",
            "buckets",
            "minimum_interval",
            "time_zone",
            "format",
            "missing",
        ],
    )?;
    let buckets = parse::unsigned(map, place, "buckets")?.unwrap_or(DEFAULT_BUCKETS);
    if buckets == 0 {
        return Err(EsError::x_content(
            "[auto_date_histogram] failed to parse field [buckets]: it must be greater than 0",
        ));
    }
    if buckets > MAX_BUCKETS {
        return Err(EsError::illegal_argument(format!(
            "Maximum buckets must be less than {MAX_BUCKETS}"
        )));
    }
    let first_step = match parse::string(map, place, "minimum_interval")? {
        None => 0,
        Some(name) => STEPS
            .iter()
            .position(|step| step.name == name)
            .ok_or_else(|| {
                EsError::x_content(format!(
                    "[auto_date_histogram] failed to parse field [minimum_interval]: it must be one of [second, minute, hour, day, month, year], not [{name}]"
                ))
            })?,
    };
    Ok(AutoDateHistogram {
        field: parse::required_string(map, place, "field")?,
        buckets,
        first_step,
        time_zone: parse::string(map, place, "time_zone")?,
        format: parse::string(map, place, "format")?
            .map_or(Ok(DateFormat::Usual), |text| DateFormat::parse(&text))?,
        missing: parse::value(map, "missing"),
    })
}
