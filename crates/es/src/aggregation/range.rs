//! `range` and `date_range`: a bucket per range of a number or of time; `to` is left out.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/search-aggregations-bucket-range-aggregation.html>

use serde_json::Value;

use crate::{DateFormats, EsError, parse};

#[derive(Clone, Debug, PartialEq)]
pub struct Ranges {
    pub field: String,
    pub ranges: Vec<RangeBucket>,
    pub keyed: bool,
    /// Ends are dates, and may be date math.
    pub dates: bool,
    /// IANA name or offset.
    pub time_zone: Option<String>,
    pub missing: Option<Value>,
    /// Of the ends, as they are read and answered; none: that of the field.
    pub format: Option<DateFormats>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RangeBucket {
    pub key: Option<String>,
    /// Included; none is open.
    pub from: Option<Value>,
    /// Left out; none is open.
    pub to: Option<Value>,
}

pub(super) fn parse(body: &Value, dates: bool) -> Result<Ranges, EsError> {
    let place = if dates { "date_range" } else { "range" };
    let map = parse::object(body, place)?;
    let known: &[&str] = if dates {
        &["field", "ranges", "keyed", "missing", "time_zone", "format"]
    } else {
        &["field", "ranges", "keyed", "missing"]
    };
    parse::known_keys(map, place, known)?;
    let ranges = map.get("ranges").map(parse::list).unwrap_or_default();
    let ranges: Vec<RangeBucket> = ranges
        .into_iter()
        .map(|range| parse_range(range, place))
        .collect::<Result<_, _>>()?;
    if ranges.is_empty() {
        return Err(EsError::illegal_argument(format!(
            "No [ranges] specified for the [{place}] aggregation"
        )));
    }
    Ok(Ranges {
        field: parse::required_string(map, place, "field")?,
        ranges,
        keyed: parse::boolean(map, place, "keyed")?.unwrap_or(false),
        dates,
        time_zone: parse::string(map, place, "time_zone")?,
        missing: parse::value(map, "missing"),
        format: parse::string(map, place, "format")?
            .as_deref()
            .map(DateFormats::parse)
            .transpose()?,
    })
}

fn parse_range(range: &Value, place: &str) -> Result<RangeBucket, EsError> {
    let map = parse::object(range, "ranges")?;
    parse::known_keys(map, place, &["key", "from", "to"])?;
    let end = |name: &str| parse::value(map, name);
    Ok(RangeBucket {
        key: parse::string(map, place, "key")?,
        from: end("from"),
        to: end("to"),
    })
}
