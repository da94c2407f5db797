//! `regexp`: Lucene's regular expressions over the whole of a term.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/regexp-syntax.html>

use serde_json::Value;

use super::Query;
use crate::{EsError, parse};

#[derive(Clone, Debug, PartialEq)]
pub struct RegexpQuery {
    pub field: String,
    /// In Lucene's syntax.
    pub pattern: String,
    pub case_insensitive: bool,
}

/// As Elasticsearch's `index.max_regex_length`.
const MAX_LENGTH: usize = 1000;

pub(super) fn parse(body: &Value) -> Result<Query, EsError> {
    let (field, body) = parse::single(body, "regexp")?;
    let (pattern, case_insensitive) = match body.as_object() {
        Some(map) => {
            parse::known_keys(
                map,
                "regexp",
                &[
                    "value",
                    "flags",
                    "case_insensitive",
                    "max_determinized_states",
                    "boost",
                    "rewrite",
                ],
            )?;
            (
                parse::required_string(map, "regexp", "value")?,
                parse::boolean(map, "regexp", "case_insensitive")?.unwrap_or(false),
            )
        }
        None => (
            body.as_str()
                .ok_or_else(|| EsError::parsing("[regexp] must be a string"))?
                .to_owned(),
            false,
        ),
    };
    RegexpQuery::check_length(&pattern)?;
    // Only query strings stand for several fields.
    if field.contains('*') {
        return Ok(Query::MatchNone);
    }
    Ok(Query::Regexp(RegexpQuery {
        field: field.to_owned(),
        pattern,
        case_insensitive,
    }))
}

impl RegexpQuery {
    pub(crate) fn check_length(pattern: &str) -> Result<(), EsError> {
        if pattern.len() <= MAX_LENGTH {
            return Ok(());
        }
        Err(EsError::illegal_argument(format!(
            "The length of regex [{}] used in the Regexp Query request has exceeded the allowed maximum of [{MAX_LENGTH}].",
            pattern.len()
        )))
    }

    /// The same in the syntax of the usual engines, anchored; what they cannot say is refused.
    pub fn usual_pattern(&self) -> Result<String, EsError> {
        let mut usual = String::new();
        let mut characters = self.pattern.chars();
        while let Some(character) = characters.next() {
            match character {
                '\\' => usual.push_str(&escaped(characters.next())),
                '"' => {
                    let literal: String = characters
                        .by_ref()
                        .take_while(|next| *next != '"')
                        .collect();
                    literal
                        .chars()
                        .for_each(|next| push_literal(next, &mut usual));
                }
                '@' => usual.push_str(".*"),
                '(' => usual.push_str("(?:"),
                '[' => class(&mut characters, &mut usual).ok_or_else(|| {
                    EsError::illegal_argument(format!(
                        "expected ']' at position {} of the regular expression [{}]",
                        self.pattern.len(),
                        self.pattern
                    ))
                })?,
                '^' | '$' | '/' | '-' => push_literal(character, &mut usual),
                '~' | '&' | '<' | '>' | '#' => {
                    return Err(EsError::unsupported(&format!(
                        "[{character}] in the regular expression [{}]",
                        self.pattern
                    )));
                }
                other => usual.push(other),
            }
        }
        let flags = if self.case_insensitive {
            "(?is)"
        } else {
            "(?s)"
        };
        Ok(format!("{flags}^(?:{usual})$"))
    }
}

fn escaped(character: Option<char>) -> String {
    let class = match character {
        Some('d') => "[0-9]",
        Some('D') => "[^0-9]",
        Some('s') => "[ \\t\\n\\r]",
        Some('S') => "[^ \\t\\n\\r]",
        Some('w') => "[A-Za-z0-9_]",
        Some('W') => "[^A-Za-z0-9_]",
        _ => {
            let mut literal = String::new();
            push_literal(character.unwrap_or('\\'), &mut literal);
            return literal;
        }
    };
    class.to_owned()
}

fn push_literal(character: char, into: &mut String) {
    if !character.is_alphanumeric() && character.is_ascii() && character != ' ' && character != '_'
    {
        into.push('\\');
    }
    into.push(character);
}

/// `[…]`; what has a meaning of its own in other engines' classes is escaped. None without its end.
fn class(characters: &mut std::str::Chars<'_>, into: &mut String) -> Option<()> {
    into.push('[');
    let mut first = true;
    loop {
        match characters.next()? {
            ']' => break,
            '^' if first => into.push('^'),
            '\\' => into.push_str(&escaped(characters.next())),
            '-' => into.push('-'),
            other => push_literal(other, into),
        }
        first = false;
    }
    into.push(']');
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_translated() {
        let usual = |pattern: &str| {
            RegexpQuery {
                field: "f".to_owned(),
                pattern: pattern.to_owned(),
                case_insensitive: false,
            }
            .usual_pattern()
        };
        assert_eq!(usual("a.*b+").unwrap(), "(?s)^(?:a.*b+)$");
        assert_eq!(usual("^a$").unwrap(), "(?s)^(?:\\^a\\$)$");
        assert_eq!(usual("(a|b)@").unwrap(), "(?s)^(?:(?:a|b).*)$");
        assert_eq!(
            usual("[^a-c&]\\.\\d").unwrap(),
            "(?s)^(?:[^a-c\\&]\\.[0-9])$"
        );
        assert_eq!(usual("\"a.b\"").unwrap(), "(?s)^(?:a\\.b)$");
        assert!(usual("~a").is_err() && usual("<1-5>").is_err());
    }
}
