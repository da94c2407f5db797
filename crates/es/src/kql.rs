//! Kibana's query language, written as Elasticsearch's: the same query goes to the embedded store and to a cluster.
//!
//! `and` binds stronger than `or`, words that follow each other are one value, `*` is a pattern where it is not quoted.
//! <https://www.elastic.co/guide/en/kibana/7.17/kuery-query.html>

use serde_json::{Value, json};
use thiserror::Error;

use crate::EsError;

/// What is not understood, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{reason} at character {}", position + 1)]
pub struct KqlError {
    /// Characters before it.
    pub position: usize,
    pub reason: String,
}

impl From<KqlError> for EsError {
    fn from(error: KqlError) -> Self {
        EsError::parsing(format!("KQL: {error}"))
    }
}

const MAX_LENGTH: usize = 64 * 1024;
const MAX_NESTING: usize = 40;

/// The query of a text; an empty one matches everything. Dates without an offset are those of `time_zone`.
pub fn to_query(text: &str, time_zone: Option<&str>) -> Result<Value, KqlError> {
    let mut parser = Parser {
        characters: text.chars().collect(),
        position: 0,
        time_zone,
    };
    if text.len() > MAX_LENGTH {
        return Err(parser.wrong(&format!("a query longer than {MAX_LENGTH} bytes")));
    }
    parser.skip_space();
    if parser.peek().is_none() {
        return Ok(json!({"match_all": {}}));
    }
    let query = parser.alternatives(&Scope::Anywhere, 0)?;
    match parser.peek() {
        None => Ok(query),
        Some(_) => Err(parser.expected("and, or, or the end")),
    }
}

/// What words stand for.
enum Scope {
    /// `field: value`, or a value that any field may have.
    Anywhere,
    /// Within the parentheses of `field: (…)`.
    Values(String),
    /// Within the braces of `path: {…}`.
    Nested(String),
}

/// A word or several, as they were typed.
struct Literal {
    text: String,
    /// With `*` as a pattern, everything else escaped.
    pattern: String,
    is_quoted: bool,
    has_wildcard: bool,
    position: usize,
}

struct Parser<'a> {
    characters: Vec<char>,
    position: usize,
    time_zone: Option<&'a str>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.position).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.position += 1;
        }
    }

    fn wrong(&self, reason: &str) -> KqlError {
        KqlError {
            position: self.position.min(self.characters.len()),
            reason: reason.to_owned(),
        }
    }

    fn expected(&self, what: &str) -> KqlError {
        match self.peek() {
            Some(found) => self.wrong(&format!("expected {what}, found [{found}]")),
            None => self.wrong(&format!("expected {what}, found the end")),
        }
    }

    /// Takes a symbol and the space after it.
    fn symbol(&mut self, symbol: &str) -> bool {
        let length = symbol.chars().count();
        let is_here = self
            .characters
            .iter()
            .skip(self.position)
            .take(length)
            .copied()
            .eq(symbol.chars());
        if is_here {
            self.position += length;
            self.skip_space();
        }
        is_here
    }

    /// Whether `and`, `or` or `not` stands here as a word of its own.
    fn is_keyword(&self, word: &str) -> bool {
        let mut here = self.characters.iter().skip(self.position);
        let is_word = word.chars().all(|wanted| {
            here.next()
                .is_some_and(|own| own.eq_ignore_ascii_case(&wanted))
        });
        is_word
            && here
                .next()
                .is_none_or(|next| next.is_whitespace() || "()\"{}".contains(*next))
    }

    fn keyword(&mut self, word: &str) -> bool {
        let is_here = self.is_keyword(word);
        if is_here {
            self.position += word.len();
            self.skip_space();
        }
        is_here
    }

    fn alternatives(&mut self, scope: &Scope, depth: usize) -> Result<Value, KqlError> {
        let mut all = vec![self.conditions(scope, depth)?];
        while self.keyword("or") {
            all.push(self.conditions(scope, depth)?);
        }
        Ok(match all.len() {
            1 => all.remove(0),
            _ => json!({"bool": {"should": all, "minimum_should_match": 1}}),
        })
    }

    fn conditions(&mut self, scope: &Scope, depth: usize) -> Result<Value, KqlError> {
        let mut all = vec![self.condition(scope, depth)?];
        while self.keyword("and") {
            all.push(self.condition(scope, depth)?);
        }
        Ok(match all.len() {
            1 => all.remove(0),
            _ => json!({"bool": {"filter": all}}),
        })
    }

    fn condition(&mut self, scope: &Scope, depth: usize) -> Result<Value, KqlError> {
        if depth > MAX_NESTING {
            return Err(self.wrong("parentheses nest too deep"));
        }
        if self.keyword("not") {
            let inner = self.condition(scope, depth + 1)?;
            return Ok(json!({"bool": {"must_not": [inner]}}));
        }
        if self.symbol("(") {
            let inner = self.alternatives(scope, depth + 1)?;
            return self.closed(")", inner);
        }
        match scope {
            Scope::Values(field) => {
                let value = self.literal("a value")?;
                Ok(self.value_of(field, &value))
            }
            Scope::Anywhere => self.expression("", depth),
            Scope::Nested(path) => {
                let prefix = format!("{path}.");
                self.expression(&prefix, depth)
            }
        }
    }

    fn closed(&mut self, symbol: &str, inner: Value) -> Result<Value, KqlError> {
        if self.symbol(symbol) {
            Ok(inner)
        } else {
            Err(self.expected(symbol))
        }
    }

    /// A field with what it must be, or a value.
    fn expression(&mut self, prefix: &str, depth: usize) -> Result<Value, KqlError> {
        let literal = self.literal("a field, a value or (")?;
        for (symbol, bound) in [(">=", "gte"), (">", "gt"), ("<=", "lte"), ("<", "lt")] {
            if self.symbol(symbol) {
                let value = self.literal("a value")?;
                let mut body = json!({bound: value.text});
                if let Some(zone) = self.time_zone {
                    body["time_zone"] = json!(zone);
                }
                return Ok(json!({"range": {format!("{prefix}{}", literal.text): body}}));
            }
        }
        if !self.symbol(":") {
            if !prefix.is_empty() {
                return Err(self.expected(": after a field"));
            }
            return Ok(any_field(&literal));
        }
        let field = if literal.has_wildcard {
            &literal.pattern
        } else {
            &literal.text
        };
        let field = format!("{prefix}{field}");
        if self.symbol("{") {
            if literal.has_wildcard {
                return Err(KqlError {
                    position: literal.position,
                    reason: "a nested path cannot be a pattern".to_owned(),
                });
            }
            let inner = self.alternatives(&Scope::Nested(field.clone()), depth + 1)?;
            let inner = self.closed("}", inner)?;
            return Ok(json!({"nested": {"path": field, "query": inner, "score_mode": "none"}}));
        }
        if self.symbol("(") {
            let inner = self.alternatives(&Scope::Values(field), depth + 1)?;
            return self.closed(")", inner);
        }
        let value = self.literal("a value")?;
        Ok(self.value_of(&field, &value))
    }

    fn value_of(&self, field: &str, value: &Literal) -> Value {
        let is_pattern = field.contains('*');
        if value.has_wildcard && value.pattern == "*" {
            return match field {
                "*" => json!({"match_all": {}}),
                field if is_pattern => json!({"query_string": {"fields": [field], "query": "*"}}),
                field => json!({"exists": {"field": field}}),
            };
        }
        if value.has_wildcard {
            return json!({"query_string": {"fields": [field], "query": value.pattern}});
        }
        if is_pattern {
            let kind = if value.is_quoted {
                "phrase"
            } else {
                "best_fields"
            };
            return json!({"multi_match": {"type": kind, "fields": [field], "query": value.text, "lenient": true}});
        }
        let kind = if value.is_quoted {
            "match_phrase"
        } else {
            "match"
        };
        json!({kind: {field: value.text}})
    }

    /// One word or several up to what ends them, or a quoted text.
    fn literal(&mut self, what: &str) -> Result<Literal, KqlError> {
        let position = self.position;
        if self.peek() == Some('"') {
            return self.quoted();
        }
        let mut literal = Literal {
            text: String::new(),
            pattern: String::new(),
            is_quoted: false,
            has_wildcard: false,
            position,
        };
        while let Some(character) = self.peek() {
            let starts_word = literal.text.is_empty() || literal.text.ends_with(' ');
            if starts_word
                && ["and", "or", "not"]
                    .iter()
                    .any(|word| self.is_keyword(word))
            {
                break;
            }
            match character {
                '\\' => {
                    self.position += 1;
                    let escaped = self.escaped()?;
                    literal.push(escaped);
                }
                '(' | ')' | ':' | '<' | '>' | '"' | '{' | '}' => break,
                '*' => {
                    literal.has_wildcard = true;
                    literal.text.push('*');
                    literal.pattern.push('*');
                    self.position += 1;
                }
                space if space.is_whitespace() => {
                    self.skip_space();
                    literal.push(' ');
                }
                other => {
                    literal.push(other);
                    self.position += 1;
                }
            }
        }
        literal.text.truncate(literal.text.trim_end().len());
        literal.trim_pattern();
        if literal.text.is_empty() {
            return Err(self.expected(what));
        }
        Ok(literal)
    }

    /// What a backslash stands before: itself, a sign of the language, or one of its words.
    fn escaped(&mut self) -> Result<char, KqlError> {
        let character = self
            .peek()
            .ok_or_else(|| self.expected("a character after \\"))?;
        self.position += 1;
        if character == 'u' {
            let digits: String = self.characters.iter().skip(self.position).take(4).collect();
            let code = u32::from_str_radix(&digits, 16)
                .ok()
                .and_then(char::from_u32);
            if let (4, Some(code)) = (digits.chars().count(), code) {
                self.position += 4;
                return Ok(code);
            }
        }
        Ok(match character {
            't' => '\t',
            'n' => '\n',
            'r' => '\r',
            other => other,
        })
    }

    fn quoted(&mut self) -> Result<Literal, KqlError> {
        let position = self.position;
        self.position += 1;
        let mut text = String::new();
        loop {
            match self.peek() {
                None => return Err(self.expected("the end of a quoted text")),
                Some('"') => break,
                Some('\\') => {
                    self.position += 1;
                    text.push(self.escaped()?);
                }
                Some(other) => {
                    text.push(other);
                    self.position += 1;
                }
            }
        }
        self.position += 1;
        self.skip_space();
        Ok(Literal {
            pattern: text.clone(),
            text,
            is_quoted: true,
            has_wildcard: false,
            position,
        })
    }
}

impl Literal {
    fn push(&mut self, character: char) {
        self.text.push(character);
        if "+-=&|><!(){}[]^\"~*?:\\/ ".contains(character) {
            self.pattern.push('\\');
        }
        self.pattern.push(character);
    }

    /// The space before what ended the words is none of them.
    fn trim_pattern(&mut self) {
        while let Some(rest) = self.pattern.strip_suffix("\\ ") {
            self.pattern.truncate(rest.len());
        }
    }
}

fn any_field(literal: &Literal) -> Value {
    if literal.has_wildcard && literal.pattern == "*" {
        return json!({"match_all": {}});
    }
    if literal.has_wildcard {
        return json!({"query_string": {"query": literal.pattern}});
    }
    let kind = if literal.is_quoted {
        "phrase"
    } else {
        "best_fields"
    };
    json!({"multi_match": {"type": kind, "fields": ["*"], "query": literal.text, "lenient": true}})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Value {
        to_query(text, None).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn values_words_and_patterns() {
        assert_eq!(query(" "), json!({"match_all": {}}));
        assert_eq!(query("a.b: shop"), json!({"match": {"a.b": "shop"}}));
        assert_eq!(
            query("a:quick brown and b:1"),
            json!({"bool": {"filter": [{"match": {"a": "quick brown"}}, {"match": {"b": "1"}}]}})
        );
        assert_eq!(
            query("a: \"quick \\\"brown\\\"\""),
            json!({"match_phrase": {"a": "quick \"brown\""}})
        );
        assert_eq!(query("a:*"), json!({"exists": {"field": "a"}}));
        assert_eq!(
            query("url: http\\:\\/\\/*"),
            json!({"query_string": {"fields": ["url"], "query": "http\\:\\/\\/*"}})
        );
        assert_eq!(
            query("a*: x"),
            json!({"multi_match": {"type": "best_fields", "fields": ["a*"], "query": "x", "lenient": true}})
        );
        assert_eq!(
            query("shop"),
            json!({"multi_match": {"type": "best_fields", "fields": ["*"], "query": "shop", "lenient": true}})
        );
        assert_eq!(query("a: x\\*y"), json!({"match": {"a": "x*y"}}));
    }

    #[test]
    fn and_binds_stronger_than_or() {
        let (a, b, c) = (
            json!({"match": {"a": "1"}}),
            json!({"match": {"b": "2"}}),
            json!({"match": {"c": "3"}}),
        );
        let both = json!({"bool": {"filter": [b, c]}});
        let expected = json!({"bool": {"should": [a, both], "minimum_should_match": 1}});
        assert_eq!(query("a:1 OR b:2 AND c:3"), expected);
        assert_eq!(query("a:1 or (b:2 and c:3)"), expected);
        assert_eq!(query("not a:1"), json!({"bool": {"must_not": [a]}}));
        assert_eq!(
            query("android: orange"),
            json!({"match": {"android": "orange"}})
        );
    }

    #[test]
    fn lists_ranges_and_nested_paths() {
        let either = json!({"bool": {"should": [{"match": {"a": "x"}}, {"match_phrase": {"a": "y z"}}], "minimum_should_match": 1}});
        assert_eq!(query("a:(x or \"y z\")"), either);
        assert_eq!(
            query("a:(not x)"),
            json!({"bool": {"must_not": [{"match": {"a": "x"}}]}})
        );
        assert_eq!(query("n >= 5"), json!({"range": {"n": {"gte": "5"}}}));
        assert_eq!(
            to_query("t < \"2026-11-22\"", Some("Europe/Prague")).unwrap(),
            json!({"range": {"t": {"lt": "2026-11-22", "time_zone": "Europe/Prague"}}})
        );
        let nested = json!({"nested": {"path": "o", "query": {"match": {"o.a": "1"}}, "score_mode": "none"}});
        assert_eq!(query("o: { a: 1 }"), nested);
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, position) in [
            ("a:", 2),
            ("a: (x or y", 10),
            ("a: \"open", 8),
            ("a: x and", 8),
            ("a: x) b", 4),
            (": x", 0),
            ("a: b: c", 4),
        ] {
            let error = to_query(text, None).unwrap_err();
            assert_eq!(error.position, position, "{text}: {error}");
        }
        let deep = "(".repeat(100) + "a";
        assert!(to_query(&deep, None).is_err());
    }
}
