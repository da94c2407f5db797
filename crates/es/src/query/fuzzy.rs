//! `fuzzy`: terms within an edit distance.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/query-dsl-fuzzy-query.html>

use serde_json::Value;

use super::Query;
use crate::{EsError, parse};

#[derive(Clone, Debug, PartialEq)]
pub struct FuzzyQuery {
    pub field: String,
    pub value: String,
    /// Edits that are allowed.
    pub distance: usize,
    /// Letters at the beginning that must be the same.
    pub prefix_length: usize,
    /// Two neighbours changing places are one edit.
    pub transpositions: bool,
}

pub(super) fn parse(body: &Value) -> Result<Query, EsError> {
    let (field, body) = parse::single(body, "fuzzy")?;
    let empty = parse::Object::new();
    let map = body.as_object().unwrap_or(&empty);
    parse::known_keys(
        map,
        "fuzzy",
        &[
            "value",
            "fuzziness",
            "prefix_length",
            "max_expansions",
            "transpositions",
            "boost",
            "rewrite",
        ],
    )?;
    let value = match body.as_str() {
        Some(text) => text.to_owned(),
        None => parse::required_string(map, "fuzzy", "value")?,
    };
    let fuzziness = parse::string(map, "fuzzy", "fuzziness")?;
    Ok(Query::Fuzzy(FuzzyQuery {
        field: field.to_owned(),
        distance: edit_distance(
            fuzziness.as_deref().unwrap_or("AUTO"),
            value.chars().count(),
        )?,
        value,
        prefix_length: parse::unsigned(map, "fuzzy", "prefix_length")?.unwrap_or(0),
        transpositions: parse::boolean(map, "fuzzy", "transpositions")?.unwrap_or(true),
    }))
}

/// `0`, `1`, `2`, or `AUTO` and `AUTO:low,high`: by the length of the term.
pub fn edit_distance(fuzziness: &str, length: usize) -> Result<usize, EsError> {
    let wrong = || EsError::illegal_argument(format!("Invalid fuzziness value: {fuzziness}"));
    let upper = fuzziness.to_uppercase();
    let (low, high) = match upper.strip_prefix("AUTO") {
        None => {
            let edits: f64 = fuzziness.parse().map_err(|_| wrong())?;
            return match edits {
                0.0 => Ok(0),
                1.0 => Ok(1),
                2.0 => Ok(2),
                _ => Err(wrong()),
            };
        }
        Some("") => (3, 6),
        Some(bounds) => {
            let bounds = bounds
                .strip_prefix(':')
                .and_then(|bounds| bounds.split_once(','));
            let (low, high) = bounds.ok_or_else(wrong)?;
            (
                low.trim().parse().map_err(|_| wrong())?,
                high.trim().parse().map_err(|_| wrong())?,
            )
        }
    };
    Ok(usize::from(length >= low) + usize::from(length >= high))
}

#[cfg(test)]
mod tests {
    use super::edit_distance as distance;

    #[test]
    fn longer_terms_may_have_more_edits() {
        let auto = |length| distance("AUTO", length).unwrap();
        assert_eq!([auto(2), auto(3), auto(5), auto(6)], [0, 1, 1, 2]);
        assert_eq!(distance("auto:1,3", 2).unwrap(), 1);
        assert_eq!(distance("2", 1).unwrap(), 2);
        assert!(distance("3", 9).is_err() && distance("some", 9).is_err());
    }
}
