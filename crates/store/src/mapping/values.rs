//! What a value becomes in a field of some type: coerced as Elasticsearch does, or refused.

use std::borrow::Cow;

use canarytrace_es::{DateFormats, EsError, date::Round};
use jiff::tz::TimeZone;
use serde_json::Value;

use super::{Cell, FieldType, Indexed, Path};

/// A longer exact value cannot be a term of the index.
const MAX_TERM_BYTES: usize = 32_766;

/// A single value of a document.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scalar<'a> {
    Text(&'a str),
    Whole(i64),
    Unsigned(u64),
    Decimal(f64),
    Boolean(bool),
}

impl<'a> Scalar<'a> {
    /// None of nulls, lists and objects.
    pub(super) fn of(value: &'a Value) -> Option<Self> {
        Some(match value {
            Value::String(text) => Scalar::Text(text),
            Value::Bool(flag) => Scalar::Boolean(*flag),
            Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(whole), _) => Scalar::Whole(whole),
                (None, Some(unsigned)) => Scalar::Unsigned(unsigned),
                (None, None) => Scalar::Decimal(number.as_f64()?),
            },
            _ => return None,
        })
    }

    /// As it stands in JSON, without quotes.
    fn text(self) -> Cow<'a, str> {
        match self {
            Scalar::Text(text) => Cow::Borrowed(text),
            Scalar::Whole(number) => number.to_string().into(),
            Scalar::Unsigned(number) => number.to_string().into(),
            Scalar::Decimal(number) => Value::from(number).to_string().into(),
            Scalar::Boolean(flag) => flag.to_string().into(),
        }
    }

    /// Decimals are cut, text is read, as `coerce` does.
    fn whole(self) -> Option<i64> {
        match self {
            Scalar::Whole(number) => Some(number),
            Scalar::Unsigned(number) => {
                i64::try_from(number).ok().or_else(|| cut(unsigned(number)))
            }
            Scalar::Decimal(number) => cut(number),
            Scalar::Text(text) => text.parse().ok().or_else(|| cut(text.parse().ok()?)),
            Scalar::Boolean(_) => None,
        }
    }

    /// As [`Self::whole`], up to 2^64.
    fn unsigned(self) -> Option<u64> {
        match self {
            Scalar::Whole(number) => u64::try_from(number).ok(),
            Scalar::Unsigned(number) => Some(number),
            Scalar::Decimal(number) => cut_unsigned(number),
            Scalar::Text(text) => text
                .parse()
                .ok()
                .or_else(|| cut_unsigned(text.parse().ok()?)),
            Scalar::Boolean(_) => None,
        }
    }

    fn decimal(self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "a decimal was asked for")]
            Scalar::Whole(number) => Some(number as f64),
            Scalar::Unsigned(number) => Some(unsigned(number)),
            Scalar::Decimal(number) => Some(number),
            Scalar::Text(text) => text.parse().ok(),
            Scalar::Boolean(_) => None,
        }
    }

    fn date(self, formats: &DateFormats) -> Option<i64> {
        match self {
            Scalar::Boolean(_) => None,
            number @ (Scalar::Whole(_) | Scalar::Unsigned(_) | Scalar::Decimal(_))
                if formats.is_usual() =>
            {
                number.whole()
            }
            other => formats.read(&other.text(), &TimeZone::UTC, Round::Down),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a decimal was asked for")]
fn unsigned(number: u64) -> f64 {
    number as f64
}

/// Coerces a leaf and puts it into the index, unless it is left out (too long, not indexed).
pub(super) fn put(
    path: &Path,
    kind: &FieldType,
    value: Scalar<'_>,
    indexed: &mut Indexed,
) -> Result<(), EsError> {
    let wrong = |name: &str| {
        EsError::mapper_parsing(format!(
            "failed to parse field [{path}] of type [{name}]: value was [{}]",
            shorten(value)
        ))
    };
    match kind {
        FieldType::Text { indexed: false, .. } => {}
        FieldType::Text {
            indexed: true,
            analyzer,
        } => {
            indexed.add_words(path, |words| analyzer.prepare(&value.text(), words));
        }
        FieldType::Opaque | FieldType::Flattened { .. } => {}
        FieldType::Keyword {
            ignore_above,
            lowercase,
        } => {
            let mut text = value.text();
            if *lowercase {
                text = text.to_lowercase().into();
            }
            if is_longer(&text, *ignore_above) {
                return Ok(());
            }
            if text.len() > MAX_TERM_BYTES {
                return Err(EsError::illegal_argument(format!(
                    "Document contains at least one immense term in field=\"{path}\" (longer than {MAX_TERM_BYTES} bytes)"
                )));
            }
            indexed.add_exact(path, &text);
        }
        FieldType::Whole { name, min, max } => {
            let number = value.whole().filter(|number| (min..=max).contains(&number));
            indexed.add_number(path, Cell::Whole(number.ok_or_else(|| wrong(name))?));
        }
        FieldType::Unsigned => {
            let number = value.unsigned().ok_or_else(|| wrong("unsigned_long"))?;
            indexed.add_number(path, Cell::Unsigned(number));
        }
        FieldType::Decimal {
            name,
            scaling_factor,
        } => {
            let number = value.decimal().filter(|number| number.is_finite());
            let number = number.ok_or_else(|| wrong(name))?;
            let in_steps = |factor: &f64| (number * factor).round() / factor;
            let kept = scaling_factor.as_ref().map_or(number, in_steps);
            indexed.add_number(path, Cell::Decimal(kept));
        }
        FieldType::Boolean => match value {
            Scalar::Boolean(true) | Scalar::Text("true") => indexed.add_exact(path, "true"),
            Scalar::Boolean(false) | Scalar::Text("" | "false") => indexed.add_exact(path, "false"),
            _ => return Err(wrong("boolean")),
        },
        FieldType::Date(formats) => {
            let date = value.date(formats).ok_or_else(|| wrong("date"))?;
            indexed.add_number(path, Cell::Whole(date));
        }
        FieldType::Ip => {
            let address: Option<std::net::IpAddr> = match value {
                Scalar::Text(text) => text.parse().ok(),
                _ => None,
            };
            let address = address.ok_or_else(|| wrong("ip"))?;
            indexed.add_exact(path, &address.to_string());
        }
    }
    Ok(())
}

/// Every leaf below its own path, and all of them at the root of the tree.
pub(super) fn flatten(
    root: &str,
    path: &str,
    ignore_above: usize,
    value: &Value,
    indexed: &mut Indexed,
) {
    match value {
        Value::Null => {}
        Value::Array(items) => items
            .iter()
            .for_each(|item| flatten(root, path, ignore_above, item, indexed)),
        Value::Object(map) => map.iter().for_each(|(name, value)| {
            flatten(
                root,
                &format!("{path}.{name}"),
                ignore_above,
                value,
                indexed,
            );
        }),
        leaf => {
            let Some(text) = Scalar::of(leaf).map(Scalar::text) else {
                return;
            };
            if is_longer(&text, ignore_above) || text.len() > MAX_TERM_BYTES {
                return;
            }
            indexed.add_exact(&root.into(), &text);
            if root != path {
                indexed.add_exact(&path.into(), &text);
            }
        }
    }
}

fn is_longer(text: &str, characters: usize) -> bool {
    text.len() > characters && text.chars().count() > characters
}

pub(super) fn shorten(value: Scalar<'_>) -> String {
    value.text().chars().take(100).collect()
}

/// Decimals are cut, text is read, as `coerce` does.
pub(crate) fn whole(value: &Value) -> Option<i64> {
    Scalar::of(value)?.whole()
}

/// As [`whole`], up to 2^64.
pub(crate) fn unsigned_whole(value: &Value) -> Option<u64> {
    Scalar::of(value)?.unsigned()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked"
)]
fn cut_unsigned(number: f64) -> Option<u64> {
    (0.0..1.844e19).contains(&number).then_some(number as u64)
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn cut(number: f64) -> Option<i64> {
    (number.is_finite() && number.abs() < 9.2e18).then_some(number as i64)
}

pub(crate) fn decimal(value: &Value) -> Option<f64> {
    Scalar::of(value)?.decimal()
}

/// A date of a stored document, epoch ms.
pub(crate) fn date(value: &Value, formats: &DateFormats) -> Option<i64> {
    Scalar::of(value)?.date(formats)
}
