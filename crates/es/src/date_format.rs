//! Dates as an answer is to show them: Elasticsearch's named formats and Java's patterns.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/mapping-date-format.html>

use jiff::{
    Timestamp,
    civil::{DateTime, Time},
    fmt::strtime::BrokenDownTime,
    tz::TimeZone,
};

use crate::{
    EsError,
    date::{self, Round},
};

/// The formats of a field, such as `yyyy-MM-dd||epoch_millis`: any of them is read, the first is written. Without any it is the
/// usual one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DateFormats(Vec<DateFormat>);

impl DateFormats {
    pub fn parse(text: &str) -> Result<Self, EsError> {
        if text == "strict_date_optional_time||epoch_millis" {
            return Ok(Self::default());
        }
        text.split("||")
            .map(DateFormat::parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether dates are read and written as where nothing is said.
    pub fn is_usual(&self) -> bool {
        self.0.is_empty()
    }

    /// Epoch ms; none of what is no date.
    pub fn read(&self, text: &str, zone: &TimeZone, round: Round) -> Option<i64> {
        match self.0.as_slice() {
            [] => date::absolute(text, zone, round),
            formats => formats
                .iter()
                .find_map(|format| format.read(text, zone, round)),
        }
    }

    pub fn write(&self, milliseconds: i64, zone: &TimeZone) -> String {
        let usual = &DateFormat::Usual;
        self.0.first().unwrap_or(usual).write(milliseconds, zone)
    }
}

/// How dates are written.
#[derive(Clone, Debug, PartialEq)]
pub enum DateFormat {
    /// `2026-11-23T04:05:06.789Z`.
    Usual,
    EpochMillis,
    EpochSecond,
    /// In the words of `strftime`.
    Pattern(String),
}

impl DateFormat {
    /// Reads a format; of several (`a||b`) the first is written.
    pub fn parse(text: &str) -> Result<Self, EsError> {
        let first = text.split("||").next().unwrap_or_default();
        let pattern = match first {
            "strict_date_optional_time"
            | "date_optional_time"
            | "dateOptionalTime"
            | "date_time"
            | "strict_date_time" => {
                return Ok(DateFormat::Usual);
            }
            "epoch_millis" => return Ok(DateFormat::EpochMillis),
            "epoch_second" => return Ok(DateFormat::EpochSecond),
            "date" | "strict_date" | "year_month_day" => "yyyy-MM-dd",
            "year_month" | "strict_year_month" => "yyyy-MM",
            "year" | "strict_year" => "yyyy",
            "basic_date" => "yyyyMMdd",
            "hour_minute" => "HH:mm",
            "hour_minute_second" => "HH:mm:ss",
            "date_hour_minute_second" => "yyyy-MM-dd'T'HH:mm:ss",
            "date_time_no_millis" => "yyyy-MM-dd'T'HH:mm:ssXXX",
            own => own,
        };
        translate(pattern).map(DateFormat::Pattern).ok_or_else(|| {
            EsError::illegal_argument(format!("Invalid format: [{first}]: Unknown pattern"))
        })
    }

    /// Epoch ms; none of what is written otherwise.
    fn read(&self, text: &str, zone: &TimeZone, round: Round) -> Option<i64> {
        match self {
            DateFormat::Usual => {
                let is_number = text.len() != 4 && text.parse::<i64>().is_ok();
                date::absolute(text, zone, round).filter(|_| !is_number)
            }
            DateFormat::EpochMillis => text.parse().ok(),
            DateFormat::EpochSecond => text.parse::<i64>().ok()?.checked_mul(1000),
            DateFormat::Pattern(pattern) => read_pattern(pattern, text, zone, round),
        }
    }

    /// A moment in a zone.
    pub fn write(&self, milliseconds: i64, zone: &TimeZone) -> String {
        match self {
            DateFormat::Usual => date::format_ms(milliseconds, zone),
            DateFormat::EpochMillis => milliseconds.to_string(),
            DateFormat::EpochSecond => milliseconds.div_euclid(1000).to_string(),
            DateFormat::Pattern(pattern) => {
                let Ok(moment) = Timestamp::from_millisecond(milliseconds) else {
                    return milliseconds.to_string();
                };
                let text = moment.to_zoned(zone.clone()).strftime(pattern).to_string();
                // Java writes no offset as a letter.
                if pattern.ends_with("%:z") && text.ends_with("+00:00") {
                    text.trim_end_matches("+00:00").to_owned() + "Z"
                } else {
                    text
                }
            }
        }
    }
}

/// What a pattern has no letter for is the beginning of 1970, or the end of the day.
fn read_pattern(pattern: &str, text: &str, zone: &TimeZone, round: Round) -> Option<i64> {
    // Java writes no offset as a letter.
    let spelled = match text.strip_suffix('Z').filter(|_| pattern.ends_with("%:z")) {
        Some(before) => format!("{before}+00:00"),
        None => text.to_owned(),
    };
    let mut read = BrokenDownTime::parse(pattern, &spelled).ok()?;
    let is_up = round == Round::Up;
    let part = |own: Option<i8>, last: i8| own.unwrap_or(if is_up { last } else { 0 });
    let fraction = read.subsec_nanosecond();
    let time = Time::new(
        part(read.hour(), 23),
        part(read.minute(), 59),
        part(read.second(), 59),
        fraction.unwrap_or(if is_up { 999_000_000 } else { 0 }),
    );
    let date = match read.to_date() {
        Ok(date) => date,
        Err(_) => {
            let (year, month, day) = (read.year(), read.month(), read.day());
            read.set_year(Some(year.unwrap_or(1970))).ok()?;
            read.set_month(Some(month.unwrap_or(1))).ok()?;
            read.set_day(Some(day.unwrap_or(1))).ok()?;
            read.to_date().ok()?
        }
    };
    let zone = match read.offset() {
        Some(offset) => offset.to_time_zone(),
        None => zone.clone(),
    };
    let moment = DateTime::from_parts(date, time.ok()?).to_zoned(zone).ok()?;
    Some(moment.timestamp().as_millisecond())
}

/// Java's letters as `strftime` has them; none for what it lacks.
fn translate(pattern: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(letter) = rest.chars().next() {
        if letter == '\'' {
            let quoted = rest.get(1..)?;
            let end = quoted.find('\'')?;
            out.push_str(&quoted.get(..end)?.replace('%', "%%"));
            rest = quoted.get(end + 1..)?;
            continue;
        }
        let count = rest.chars().take_while(|other| *other == letter).count();
        let step = match (letter, count) {
            ('y' | 'u', 4 | 1) => "%Y",
            ('y' | 'u', 2) => "%y",
            ('Y', 4) => "%G",
            ('M', 1) => "%-m",
            ('M', 2) => "%m",
            ('M', 3) => "%b",
            ('M', 4) => "%B",
            ('d', 1) => "%-d",
            ('d', 2) => "%d",
            ('D', _) => "%j",
            ('H', 1) => "%-H",
            ('H', 2) => "%H",
            ('h', 2) => "%I",
            ('a', 1) => "%p",
            ('m', 2) => "%M",
            ('s', 2) => "%S",
            ('S', 3) => "%3f",
            ('w', _) => "%V",
            ('e', 1) => "%u",
            ('E', 1..=3) => "%a",
            ('E', 4) => "%A",
            ('X', 3) => "%:z",
            ('Z' | 'x', 1..=3) => "%z",
            ('V', 2) => "%Q",
            (other, _) if other.is_ascii_alphabetic() => return None,
            (_, _) => "",
        };
        if step.is_empty() {
            out.push(letter);
            if letter == '%' {
                out.push('%');
            }
            rest = rest.get(letter.len_utf8()..)?;
        } else {
            out.push_str(step);
            rest = rest.get(count..)?;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_java_s() {
        let moment = 1_700_000_000_123;
        let cases = [
            ("yyyy-MM-dd", "2023-11-14"),
            ("dd/MM/yyyy HH:mm:ss.SSS", "14/11/2023 22:13:20.123"),
            ("yyyy-MM-dd'T'HH:mm:ssXXX", "2023-11-14T22:13:20Z"),
            ("epoch_second", "1700000000"),
            (
                "strict_date_optional_time||epoch_millis",
                "2023-11-14T22:13:20.123Z",
            ),
            ("E d MMM", "Tue 14 Nov"),
        ];
        for (format, expected) in cases {
            let written = DateFormat::parse(format)
                .unwrap()
                .write(moment, &TimeZone::UTC);
            assert_eq!(written, expected, "{format}");
        }
        assert!(DateFormat::parse("nonsense").is_err());
    }

    #[test]
    fn what_was_written_is_read_again() {
        let moment = 1_700_000_000_123;
        let zone = TimeZone::get("Europe/Prague").unwrap();
        for format in [
            "dd/MM/yyyy HH:mm:ss.SSS",
            "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
            "epoch_millis",
            "strict_date_optional_time",
            "MMM d yyyy HH:mm:ss.SSS",
            "nowhere||epoch_millis",
        ] {
            let Ok(formats) = DateFormats::parse(format) else {
                assert!(format.starts_with("nowhere"));
                continue;
            };
            let written = formats.write(moment, &zone);
            assert_eq!(
                formats.read(&written, &zone, Round::Down),
                Some(moment),
                "{format}"
            );
        }
        let day = DateFormats::parse("yyyy/MM/dd||epoch_second").unwrap();
        let read = |text, round| day.read(text, &TimeZone::UTC, round);
        assert_eq!(read("2023/11/14", Round::Down), Some(1_699_920_000_000));
        assert_eq!(read("2023/11/14", Round::Up), Some(1_700_006_399_999));
        assert_eq!(read("1700000000", Round::Up), Some(1_700_000_000_000));
        assert_eq!(read("14.11.2023", Round::Down), None);
    }
}
