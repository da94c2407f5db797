//! Dates as Elasticsearch reads them (`strict_date_optional_time||epoch_millis`) and date math (`now-1h/d`).
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/common-options.html#date-math>

use jiff::{
    RoundMode, Span, Timestamp, ToSpan, Unit, Zoned, ZonedRound,
    civil::{Date, DateTime, Time},
    tz::{Offset, TimeZone},
};

use crate::{DateFormats, EsError};

/// Which end of an interval an incomplete or rounded date stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// The first millisecond (`gte`, `lt`, documents).
    Down,
    /// The last millisecond (`lte`, `gt`).
    Up,
}

/// Reads a zone: an IANA name, `Z`, or an offset such as `+02:00`.
pub fn zone(name: &str) -> Result<TimeZone, EsError> {
    if name == "Z" || name.eq_ignore_ascii_case("utc") {
        return Ok(TimeZone::UTC);
    }
    if let Some(offset) = parse_offset(name) {
        return Ok(offset.to_time_zone());
    }
    TimeZone::get(name)
        .map_err(|_| EsError::illegal_argument(format!("unknown time zone [{name}]")))
}

/// A date of a document, ms since the epoch.
pub fn parse_document_date(text: &str) -> Option<i64> {
    absolute(text, &TimeZone::UTC, Round::Down)
}

/// A date of a query with optional date math, ms since the epoch.
pub fn parse_query_date(
    text: &str,
    zone: &TimeZone,
    round: Round,
    now: Timestamp,
) -> Result<i64, EsError> {
    parse_date_of(&DateFormats::default(), text, zone, round, now)
}

/// The same for a field or a request with formats of its own.
pub fn parse_date_of(
    formats: &DateFormats,
    text: &str,
    zone: &TimeZone,
    round: Round,
    now: Timestamp,
) -> Result<i64, EsError> {
    let wrong = || {
        EsError::new(
            400,
            "parse_exception",
            format!(
                "failed to parse date field [{text}] with format [strict_date_optional_time||epoch_millis]"
            ),
        )
    };
    let (anchor, math) = if let Some(math) = text.strip_prefix("now") {
        (now, math)
    } else if let Some((date, math)) = text.split_once("||") {
        let milliseconds = formats.read(date, zone, Round::Down).ok_or_else(wrong)?;
        (
            Timestamp::from_millisecond(milliseconds).map_err(|_| wrong())?,
            math,
        )
    } else {
        return formats.read(text, zone, round).ok_or_else(wrong);
    };
    let moment = apply_math(anchor.to_zoned(zone.clone()), math, round).ok_or_else(wrong)?;
    Ok(moment.timestamp().as_millisecond())
}

/// Milliseconds of `30s`, `5m`, `1h`, `1d`, `100ms`.
pub fn time_unit_ms(text: &str) -> Option<i64> {
    let unit_at = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit_at);
    let factor = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(factor)
}

/// `2022-05-14T14:21:04.007Z`, as `key_as_string` and date columns are written.
pub fn format_ms(milliseconds: i64, zone: &TimeZone) -> String {
    let Ok(timestamp) = Timestamp::from_millisecond(milliseconds) else {
        return milliseconds.to_string();
    };
    let zoned = timestamp.to_zoned(zone.clone());
    if zoned.offset() == Offset::UTC {
        zoned.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    } else {
        zoned.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
    }
}

/// The start of the calendar unit that holds `zoned`.
pub fn start_of(zoned: &Zoned, unit: char) -> Option<Zoned> {
    let date = zoned.date();
    let day = match unit {
        's' => return truncate(zoned, Unit::Second),
        'm' => return truncate(zoned, Unit::Minute),
        'h' | 'H' => return truncate(zoned, Unit::Hour),
        'd' => date,
        'w' => date
            .checked_sub(i64::from(date.weekday().to_monday_zero_offset()).days())
            .ok()?,
        'M' => date.first_of_month(),
        'q' => Date::new(date.year(), (date.month() - 1) / 3 * 3 + 1, 1).ok()?,
        'y' => date.first_of_year(),
        _ => return None,
    };
    day.to_zoned(zoned.time_zone().clone()).ok()
}

/// The start of the calendar unit after the one that starts at `start`.
pub fn next_of(start: &Zoned, unit: char) -> Option<Zoned> {
    start.checked_add(unit_span(unit, 1)?).ok()
}

fn truncate(zoned: &Zoned, unit: Unit) -> Option<Zoned> {
    zoned
        .round(ZonedRound::new().smallest(unit).mode(RoundMode::Trunc))
        .ok()
}

fn unit_span(unit: char, count: i64) -> Option<Span> {
    let span = Span::new();
    match unit {
        's' => span.try_seconds(count),
        'm' => span.try_minutes(count),
        'h' | 'H' => span.try_hours(count),
        'd' => span.try_days(count),
        'w' => span.try_weeks(count),
        'M' => span.try_months(count),
        'q' => span.try_months(count.checked_mul(3)?),
        'y' => span.try_years(count),
        _ => return None,
    }
    .ok()
}

fn apply_math(mut moment: Zoned, math: &str, round: Round) -> Option<Zoned> {
    let mut characters = math.chars().peekable();
    while let Some(operator) = characters.next() {
        let mut digits = String::new();
        while let Some(digit) = characters.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        let unit = characters.next()?;
        let count: i64 = if digits.is_empty() {
            1
        } else {
            digits.parse().ok()?
        };
        moment = match operator {
            '+' => moment.checked_add(unit_span(unit, count)?).ok()?,
            '-' => moment.checked_sub(unit_span(unit, count)?).ok()?,
            '/' if digits.is_empty() => {
                let start = start_of(&moment, unit)?;
                match round {
                    Round::Down => start,
                    Round::Up => next_of(&start, unit)?.checked_sub(1.milliseconds()).ok()?,
                }
            }
            _ => return None,
        };
    }
    Some(moment)
}

/// A date without math: digits are epoch milliseconds unless they are a year of four.
pub(crate) fn absolute(text: &str, zone: &TimeZone, round: Round) -> Option<i64> {
    if let Ok(milliseconds) = text.parse::<i64>()
        && (text.len() != 4 || milliseconds < 0)
    {
        return Some(milliseconds);
    }
    let (date_text, time_text) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let (date, date_step) = parse_civil_date(date_text)?;
    let (time, offset, step) = match time_text {
        None | Some("") => (Time::midnight(), None, date_step),
        Some(_) if date_step != Step::Unit('d') => return None,
        Some(time) => parse_time(time)?,
    };
    let zone = offset.map_or_else(|| zone.clone(), |offset| offset.to_time_zone());
    let moment = DateTime::from_parts(date, time).to_zoned(zone).ok()?;
    let milliseconds = moment.timestamp().as_millisecond();
    match (round, step) {
        (Round::Up, Step::Unit(unit)) => {
            Some(next_of(&moment, unit)?.timestamp().as_millisecond() - 1)
        }
        (Round::Up, Step::Milliseconds(width)) => Some(milliseconds + width - 1),
        (Round::Down, _) => Some(milliseconds),
    }
}

/// What the smallest part of a date stands for.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    Unit(char),
    Milliseconds(i64),
}

fn parse_civil_date(text: &str) -> Option<(Date, Step)> {
    let mut parts = text.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = parts.next().map(|part| digits(part, 2));
    let day = parts.next().map(|part| digits(part, 2));
    if parts.next().is_some() {
        return None;
    }
    let step = match (month, day) {
        (None, _) => 'y',
        (Some(_), None) => 'M',
        (Some(_), Some(_)) => 'd',
    };
    let number = |part: Option<Option<i16>>| {
        part.map_or(Some(1), |value| value)
            .and_then(|value| i8::try_from(value).ok())
    };
    Some((
        Date::new(year, number(month)?, number(day)?).ok()?,
        Step::Unit(step),
    ))
}

fn parse_time(text: &str) -> Option<(Time, Option<Offset>, Step)> {
    let zone_at = text.find(['Z', '+', '-']).unwrap_or(text.len());
    let (clock, zone) = text.split_at(zone_at);
    let offset = match zone {
        "" => None,
        "Z" => Some(Offset::UTC),
        other => Some(parse_offset(other)?),
    };
    let (whole, fraction) = match clock.split_once(['.', ',']) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (clock, None),
    };
    let mut parts = whole.split(':');
    let mut part = || parts.next().map(|part| digits(part, 2));
    let (hour, minute, second) = (part()??, part(), part());
    if parts.next().is_some() || (fraction.is_some() && second.is_none()) {
        return None;
    }
    let (nanosecond, step) = match fraction {
        Some(fraction) => parse_fraction(fraction)?,
        None => (
            0,
            Step::Unit(match (minute, second) {
                (None, _) => 'h',
                (Some(_), None) => 'm',
                (Some(_), Some(_)) => 's',
            }),
        ),
    };
    let number = |part: Option<Option<i16>>| {
        part.map_or(Some(0), |value| value)
            .and_then(|value| i8::try_from(value).ok())
    };
    let time = Time::new(
        i8::try_from(hour).ok()?,
        number(minute)?,
        number(second)?,
        nanosecond,
    )
    .ok()?;
    Some((time, offset, step))
}

fn parse_fraction(fraction: &str) -> Option<(i32, Step)> {
    if fraction.is_empty()
        || fraction.len() > 9
        || !fraction.bytes().all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let nanosecond = format!("{fraction:0<9}").parse().ok()?;
    let width = 10_i64.pow(3u32.saturating_sub(u32::try_from(fraction.len()).ok()?));
    Some((nanosecond, Step::Milliseconds(width)))
}

fn digits(text: &str, length: usize) -> Option<i16> {
    (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

fn parse_offset(text: &str) -> Option<Offset> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let rest: String = text
        .chars()
        .skip(1)
        .filter(|character| *character != ':')
        .collect();
    let (hours, minutes) = match rest.len() {
        2 => (digits(&rest, 2)?, 0),
        4 => (digits(rest.get(..2)?, 2)?, digits(rest.get(2..)?, 2)?),
        _ => return None,
    };
    Offset::from_seconds(sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, round: Round, expected: &str) {
        let now: Timestamp = "2024-03-31T10:15:30.500Z".parse().unwrap();
        let parsed = parse_query_date(text, &TimeZone::UTC, round, now).unwrap();
        assert_eq!(format_ms(parsed, &TimeZone::UTC), expected, "{text}");
    }

    #[test]
    fn dates_and_date_math() {
        check("now", Round::Down, "2024-03-31T10:15:30.500Z");
        check("now-1h/h", Round::Down, "2024-03-31T09:00:00.000Z");
        check("now/d", Round::Up, "2024-03-31T23:59:59.999Z");
        check("2024-01-31||+1M", Round::Down, "2024-02-29T00:00:00.000Z");
        check("2024", Round::Up, "2024-12-31T23:59:59.999Z");
        check("2024-02", Round::Down, "2024-02-01T00:00:00.000Z");
        check(
            "2024-02-03T04:05:06.7Z",
            Round::Down,
            "2024-02-03T04:05:06.700Z",
        );
        check(
            "2024-02-03T04:05:06+02:00",
            Round::Down,
            "2024-02-03T02:05:06.000Z",
        );
        check("2024-02-03", Round::Up, "2024-02-03T23:59:59.999Z");
        check("1652538064007", Round::Up, "2022-05-14T14:21:04.007Z");
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "yesterday",
            "2024-13-01",
            "2024-1-1",
            "now*2",
            "now-1x",
            "2024-02-03T4",
            "2024T10:00",
        ] {
            assert!(
                parse_query_date(text, &TimeZone::UTC, Round::Down, Timestamp::UNIX_EPOCH).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn a_day_of_a_zone_may_have_23_hours() {
        let prague = zone("Europe/Prague").unwrap();
        let now: Timestamp = "2024-03-31T10:00:00Z".parse().unwrap();
        let start = parse_query_date("now/d", &prague, Round::Down, now).unwrap();
        let end = parse_query_date("now/d", &prague, Round::Up, now).unwrap();
        assert_eq!(end - start + 1, 23 * 3_600_000);
    }

    proptest::proptest! {
        #[test]
        fn a_formatted_date_reads_back(milliseconds in -62_000_000_000_000_i64..250_000_000_000_000) {
            let text = format_ms(milliseconds, &TimeZone::UTC);
            proptest::prop_assert_eq!(parse_document_date(&text), Some(milliseconds));
        }
    }
}
