//! The syntax of `simple_query_string`, lowered to [`Query`]: `+` and, `|` or, `-` not, `"…"` a phrase, `*` a prefix, `~2`
//! edits or slop, brackets. What is no syntax is text: nothing is refused.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/query-dsl-simple-query-string-query.html>

use serde_json::json;

use crate::{
    query::{BoolQuery, FuzzyQuery, MatchPhraseQuery, MatchQuery, Operator, PrefixQuery, Query},
    query_string::{Options, at_least},
};

const MAX_NESTING: usize = 40;
/// As Lucene's automata allow.
const MAX_EDITS: usize = 2;

/// Parses `text`; one without a clause matches nothing.
pub(crate) fn parse(text: &str, options: &Options) -> Query {
    let characters: Vec<char> = text.chars().collect();
    let parser = Parser { options };
    let query = parser.clauses(&characters, 0);
    let query = query.unwrap_or(Query::MatchNone);
    at_least(query, options.minimum_should_match)
}

struct Parser<'a> {
    options: &'a Options,
}

/// What was read so far on one level.
#[derive(Default)]
struct Level {
    top: Option<Query>,
    /// How the clauses of `top` are joined.
    joined: Option<Operator>,
    /// What stands before the next clause.
    next: Option<Operator>,
    is_negated: bool,
}

impl Level {
    fn add(&mut self, clause: Query, default: Operator) {
        let clause = match std::mem::take(&mut self.is_negated) {
            false => clause,
            true => Query::Bool(Box::new(BoolQuery {
                must_not: vec![clause],
                ..BoolQuery::default()
            })),
        };
        let operator = self.next.take().unwrap_or(default);
        self.top = Some(match (self.top.take(), self.joined) {
            (None, _) => clause,
            // Another operator takes what was before it as one clause.
            (Some(Query::Bool(mut top)), Some(joined)) if joined == operator => {
                list(&mut top, operator).push(clause);
                Query::Bool(top)
            }
            (Some(top), _) => {
                let mut both = BoolQuery::default();
                list(&mut both, operator).extend([top, clause]);
                self.joined = Some(operator);
                Query::Bool(Box::new(both))
            }
        });
    }

    fn operator(&mut self, operator: Operator) {
        if self.top.is_some() {
            self.next.get_or_insert(operator);
        }
    }
}

fn list(query: &mut BoolQuery, operator: Operator) -> &mut Vec<Query> {
    match operator {
        Operator::And => &mut query.must,
        Operator::Or => &mut query.should,
    }
}

impl Parser<'_> {
    fn clauses(&self, text: &[char], depth: usize) -> Option<Query> {
        let (mut level, mut at) = (Level::default(), 0);
        let default = self.options.default_operator;
        while let Some(character) = text.get(at) {
            let rest = text.get(at + 1..).unwrap_or_default();
            match character {
                '(' => {
                    let end = closing_bracket(rest).filter(|_| depth < MAX_NESTING);
                    if let Some(end) = end {
                        let inner = rest.get(..end).unwrap_or_default();
                        if let Some(clause) = self.clauses(inner, depth + 1) {
                            level.add(clause, default);
                        }
                        at += end + 1;
                    }
                }
                ')' => {}
                '"' => {
                    if let Some(end) = closing_quote(rest) {
                        let phrase = unescaped(rest.get(..end).unwrap_or_default());
                        let (slop, read) = number_after_tilde(rest.get(end + 1..));
                        level.add(self.phrase(&phrase, slop.unwrap_or(0)), default);
                        at += end + 1 + read;
                    }
                }
                '+' => level.operator(Operator::And),
                '|' => level.operator(Operator::Or),
                '-' => level.is_negated = !level.is_negated,
                character if character.is_whitespace() => {}
                _ => {
                    let (clause, read) = self.token(text.get(at..).unwrap_or_default());
                    level.add(clause, default);
                    at += read.saturating_sub(1);
                }
            }
            at += 1;
        }
        level.top
    }

    /// A word with what follows it, and how many letters were read.
    fn token(&self, text: &[char]) -> (Query, usize) {
        let (mut word, mut at, mut is_prefix) = (String::new(), 0, false);
        while let Some(character) = text.get(at).copied().filter(|own| !ends_token(*own)) {
            match character {
                '\\' => {
                    at += 1;
                    word.extend(text.get(at));
                }
                '~' => {
                    let (edits, read) = number_after_tilde(text.get(at..));
                    let edits = edits.unwrap_or(MAX_EDITS).min(MAX_EDITS);
                    let query = match edits {
                        0 => self.word(&word),
                        edits => self.near(&word, edits),
                    };
                    return (query, at + read);
                }
                '*' if !word.is_empty() && text.get(at + 1).is_none_or(|own| ends_token(*own)) => {
                    is_prefix = true;
                }
                other => word.push(other),
            }
            at += 1;
        }
        let query = match is_prefix {
            true => self.prefix(&word),
            false => self.word(&word),
        };
        (query, at)
    }

    fn over_fields(&self, make: impl Fn(&str) -> Query) -> Query {
        self.options.any_field(None, make)
    }

    fn word(&self, word: &str) -> Query {
        self.over_fields(|field| {
            Query::Match(MatchQuery {
                field: field.to_owned(),
                value: json!(word),
                operator: self.options.default_operator,
                minimum_should_match: None,
                words: self.options.words(),
                lenient: true,
            })
        })
    }

    fn prefix(&self, word: &str) -> Query {
        self.over_fields(|field| {
            Query::Prefix(PrefixQuery {
                field: field.to_owned(),
                value: word.to_lowercase(),
                case_insensitive: false,
            })
        })
    }

    fn near(&self, word: &str, edits: usize) -> Query {
        self.over_fields(|field| {
            Query::Fuzzy(FuzzyQuery {
                field: field.to_owned(),
                value: word.to_lowercase(),
                distance: edits,
                prefix_length: self.options.fuzziness.prefix_length,
                transpositions: self.options.fuzziness.transpositions,
            })
        })
    }

    fn phrase(&self, text: &str, slop: usize) -> Query {
        self.over_fields(|field| {
            Query::MatchPhrase(MatchPhraseQuery {
                field: field.to_owned(),
                value: json!(text),
                slop: u32::try_from(slop).unwrap_or(u32::MAX),
                prefix: false,
                lenient: true,
                analyzer: self.options.analyzer.clone(),
            })
        })
    }
}

fn ends_token(character: char) -> bool {
    character.is_whitespace() || "\"|+()".contains(character)
}

/// The number behind a `~` that stands at the beginning, and how many letters that takes; none without one.
fn number_after_tilde(text: Option<&[char]>) -> (Option<usize>, usize) {
    let Some(('~', rest)) = text.and_then(<[char]>::split_first).map(|(c, r)| (*c, r)) else {
        return (Some(0), 0);
    };
    let digits: String = rest.iter().take_while(|own| !ends_token(**own)).collect();
    let read = 1 + digits.chars().count();
    match digits.as_str() {
        "" => (None, read),
        digits => (Some(digits.parse().unwrap_or(0)), read),
    }
}

fn closing_quote(text: &[char]) -> Option<usize> {
    find(text, |character, _| character == '"')
}

fn closing_bracket(text: &[char]) -> Option<usize> {
    find(text, |character, depth| {
        match character {
            '(' => *depth += 1,
            ')' if *depth == 0 => return true,
            ')' => *depth -= 1,
            _ => {}
        }
        false
    })
}

/// Where something stands that is not escaped.
fn find(text: &[char], mut is_it: impl FnMut(char, &mut usize) -> bool) -> Option<usize> {
    let (mut is_escaped, mut depth) = (false, 0);
    text.iter().position(|character| {
        let found = !is_escaped && is_it(*character, &mut depth);
        is_escaped = !is_escaped && *character == '\\';
        found
    })
}

fn unescaped(text: &[char]) -> String {
    let (mut out, mut letters) = (String::new(), text.iter());
    while let Some(character) = letters.next() {
        match character {
            '\\' => out.extend(letters.next()),
            other => out.push(*other),
        }
    }
    out
}
