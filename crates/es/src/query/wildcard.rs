//! `wildcard`: `*` and `?` over the terms of a field.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/query-dsl-wildcard-query.html>

use serde_json::Value;

use super::Query;
use crate::{EsError, parse};

#[derive(Clone, Debug, PartialEq)]
pub struct WildcardQuery {
    pub field: String,
    pub pattern: String,
    pub case_insensitive: bool,
}

pub(super) fn parse(body: &Value) -> Result<Query, EsError> {
    let (field, body) = parse::single(body, "wildcard")?;
    let (pattern, case_insensitive) = match body.as_object() {
        Some(map) => {
            parse::known_keys(
                map,
                "wildcard",
                &["value", "wildcard", "case_insensitive", "boost", "rewrite"],
            )?;
            let pattern = match parse::string(map, "wildcard", "value")? {
                Some(pattern) => pattern,
                None => parse::required_string(map, "wildcard", "wildcard")?,
            };
            (
                pattern,
                parse::boolean(map, "wildcard", "case_insensitive")?.unwrap_or(false),
            )
        }
        None => (
            body.as_str()
                .ok_or_else(|| EsError::parsing("[wildcard] must be a string"))?
                .to_owned(),
            false,
        ),
    };
    Ok(Query::Wildcard(WildcardQuery {
        field: field.to_owned(),
        pattern,
        case_insensitive,
    }))
}

impl WildcardQuery {
    /// Whether `text` matches the pattern; `\` escapes.
    pub fn matches(&self, text: &str) -> bool {
        if self.case_insensitive {
            wildcard_matches(&self.pattern.to_lowercase(), &text.to_lowercase())
        } else {
            wildcard_matches(&self.pattern, text)
        }
    }
}

/// Glob matching with `*`, `?` and `\`-escapes, linear in practice (backtracks to the last `*` only).
pub fn wildcard_matches(pattern: &str, text: &str) -> bool {
    let pattern = tokens(pattern);
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(Token::Star) => {
                star = Some((p, t));
                p += 1;
            }
            Some(Token::Any) => {
                p += 1;
                t += 1;
            }
            Some(Token::Literal(literal)) if text.get(t) == Some(literal) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((star_p, star_t)) => {
                    p = star_p + 1;
                    t = star_t + 1;
                    star = Some((star_p, star_t + 1));
                }
                None => return false,
            },
        }
    }
    pattern
        .iter()
        .skip(p)
        .all(|token| matches!(token, Token::Star))
}

enum Token {
    Star,
    Any,
    Literal(char),
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        tokens.push(match character {
            '*' => Token::Star,
            '?' => Token::Any,
            '\\' => Token::Literal(characters.next().unwrap_or('\\')),
            other => Token::Literal(other),
        });
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_whole_terms() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbbc", true),
            ("a*c", "abbbd", false),
            ("?b", "ab", true),
            ("?b", "b", false),
            ("*a*b*", "xxaxxbxx", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("", "", true),
            ("ab", "abc", false),
            ("*css", "https://h/site.css", true),
            ("č?*", "čau", true),
        ] {
            assert_eq!(
                wildcard_matches(pattern, text),
                expected,
                "{pattern} {text}"
            );
        }
    }
}
