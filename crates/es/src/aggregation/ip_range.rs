//! `ip_range`: a bucket per range of internet addresses; `to` is left out.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/search-aggregations-bucket-iprange-aggregation.html>

use std::net::IpAddr;

use serde_json::Value;

use crate::{EsError, parse};

#[derive(Clone, Debug, PartialEq)]
pub struct IpRanges {
    pub field: String,
    pub ranges: Vec<IpRange>,
    pub keyed: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct IpRange {
    pub key: Option<String>,
    pub ends: IpEnds,
}

/// As given.
#[derive(Clone, Debug, PartialEq)]
pub enum IpEnds {
    /// The first is included, the second left out; none is open.
    Between(Option<String>, Option<String>),
    /// Such as `10.0.0.0/8`.
    Mask(String),
}

pub(super) fn parse(body: &Value) -> Result<IpRanges, EsError> {
    let place = "ip_range";
    let map = parse::object(body, place)?;
    parse::known_keys(map, place, &["field", "ranges", "keyed"])?;
    let ranges = map.get("ranges").map(parse::list).unwrap_or_default();
    let ranges: Vec<IpRange> = ranges
        .into_iter()
        .map(|range| parse_range(range, place))
        .collect::<Result<_, _>>()?;
    if ranges.is_empty() {
        return Err(EsError::illegal_argument(
            "No [ranges] specified for the [ip_range] aggregation",
        ));
    }
    Ok(IpRanges {
        field: parse::required_string(map, place, "field")?,
        ranges,
        keyed: parse::boolean(map, place, "keyed")?.unwrap_or(false),
    })
}

fn parse_range(range: &Value, place: &str) -> Result<IpRange, EsError> {
    let map = parse::object(range, "ranges")?;
    parse::known_keys(map, place, &["key", "from", "to", "mask"])?;
    let text = |name: &str| parse::string(map, place, name);
    let wrong = |text: &str| {
        EsError::x_content(format!(
            "[ip_range] failed to parse field [ranges]: '{text}' is not an IP string literal."
        ))
    };
    let address = |name: &str| match text(name)? {
        Some(own) if own.parse::<IpAddr>().is_err() => Err(wrong(&own)),
        own => Ok(own),
    };
    let ends = match text("mask")? {
        Some(mask) => match is_mask(&mask) {
            true => IpEnds::Mask(mask),
            false => return Err(wrong(&mask)),
        },
        None => IpEnds::Between(address("from")?, address("to")?),
    };
    Ok(IpRange {
        key: text("key")?,
        ends,
    })
}

fn is_mask(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else {
        return false;
    };
    let most = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    length.parse::<u32>().is_ok_and(|length| length <= most)
}
