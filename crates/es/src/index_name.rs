//! Names of indices with dates in them, such as `<logs-{now/d}>`.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/date-math-index-names.html>

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    DateFormats, EsError,
    date::{self, Round},
};

/// How a date is written where the name does not say.
const FORMAT: &str = "yyyy.MM.dd";

/// Puts the dates into the names of a comma list; none if no name has one.
pub fn with_dates(names: &str, now: Timestamp) -> Result<Option<String>, EsError> {
    let is_dated = |name: &str| name.starts_with('<') && name.ends_with('>');
    if !names.split(',').any(is_dated) {
        return Ok(None);
    }
    let named = |name: &str| match name
        .strip_prefix('<')
        .and_then(|name| name.strip_suffix('>'))
    {
        Some(inner) => with_date(inner, now),
        None => Ok(name.to_owned()),
    };
    let names: Result<Vec<String>, EsError> = names.split(',').map(named).collect();
    Ok(Some(names?.join(",")))
}

fn with_date(name: &str, now: Timestamp) -> Result<String, EsError> {
    let (mut text, mut expression, mut depth) = (String::new(), String::new(), 0_u32);
    let mut letters = name.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.extend(letters.next()),
            '}' if depth == 1 => {
                text.push_str(&written(&std::mem::take(&mut expression), now)?);
                depth = 0;
            }
            '{' if depth == 0 => depth = 1,
            inner if depth > 0 => {
                depth = match inner {
                    '{' => depth + 1,
                    '}' => depth - 1,
                    _ => depth,
                };
                expression.push(inner);
            }
            outer => text.push(outer),
        }
    }
    if depth > 0 {
        return Err(wrong(&format!(
            "invalid dynamic name expression [{name}]: date math placeholder is open ended"
        )));
    }
    Ok(text)
}

/// A date by `now/d`, `now-1M{yyyy.MM}`, `now{yyyy.MM.dd|+02:00}`.
fn written(expression: &str, now: Timestamp) -> Result<String, EsError> {
    let (math, layout) = match expression.split_once('{') {
        None => (expression, FORMAT),
        Some((math, layout)) => {
            let layout = layout.strip_suffix('}');
            let unclosed = || wrong(&format!("invalid date format in [{expression}]"));
            (math, layout.ok_or_else(unclosed)?)
        }
    };
    let (format, zone) = match layout.split_once('|') {
        None => (layout, TimeZone::UTC),
        Some((format, zone)) => (format, date::zone(zone)?),
    };
    let formats = DateFormats::parse(format)?;
    let moment = date::parse_date_of(&formats, math, &zone, Round::Down, now)?;
    Ok(formats.write(moment, &zone))
}

fn wrong(reason: &str) -> EsError {
    EsError::new(400, "parse_exception", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_get_their_dates() {
        let now: Timestamp = "2026-11-27T23:30:00Z".parse().unwrap();
        for (names, expected) in [
            ("<logs-{now/d}>", "logs-2026.11.27"),
            ("<logs-{now/d-1d}-x>", "logs-2026.11.26-x"),
            ("<logs-{now/M{yyyy.MM}}>,other*", "logs-2026.11,other*"),
            ("<{now{yyyy-MM-dd|+02:00}}>", "2026-11-28"),
            ("<a\\{b\\}-{2026.02.03||/M}>", "a{b}-2026.02.01"),
            ("<plain>", "plain"),
        ] {
            assert_eq!(with_dates(names, now).unwrap().as_deref(), Some(expected));
        }
        assert_eq!(with_dates("logs-2026,*", now).unwrap(), None);
        for names in ["<a-{nonsense}>", "<a-{now/d>", "<a-{now{yyyy}>"] {
            let error = with_dates(names, now).unwrap_err();
            assert_eq!(
                (error.status, &*error.kind),
                (400, "parse_exception"),
                "{names}"
            );
        }
    }
}
