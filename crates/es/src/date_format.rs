//! Dates as an answer is to show them: Elasticsearch's named formats and Java's patterns.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/mapping-date-format.html>

use jiff::{Timestamp, tz::TimeZone};

use crate::{EsError, date};

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
}
