//! From the query DSL to tantivy's queries, by the mapping of an index.

use std::{ops::Bound, sync::Arc};

use canarytrace_es::{
    EsError,
    date::{self, Round},
    query::{
        BoolQuery, FuzzyQuery, MatchPhraseQuery, MatchQuery, Operator, Query, RangeQuery,
        RegexpQuery, wildcard_matches,
    },
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;
use tantivy::{
    Term,
    query::{
        AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, DisjunctionMaxQuery, EmptyQuery,
        Occur, PhrasePrefixQuery, PhraseQuery, Query as TantivyQuery, TermQuery, TermSetQuery,
    },
    schema::{Field, IndexRecordOption},
};

use super::{
    columns::FieldValue,
    filter::{ColumnQuery, Predicate, SetQuery, above, below},
};
use crate::{
    engine::Index,
    mapping::{FieldType, Mapping, decimal, whole},
};

type Boxed = Box<dyn TantivyQuery>;

/// A compiled regular expression is refused beyond this.
const MAX_REGEX_BYTES: usize = 1 << 20;

/// A query is lowered once per index.
pub(crate) struct Lowering<'a> {
    pub(crate) index: &'a Index,
    pub(crate) mapping: &'a Mapping,
    pub(crate) now: Timestamp,
}

impl Lowering<'_> {
    pub(crate) fn lower(&self, query: &Query) -> Result<Boxed, EsError> {
        match query {
            Query::MatchAll => Ok(Box::new(AllQuery)),
            Query::MatchNone => Ok(Box::new(EmptyQuery)),
            Query::Match(query) => {
                self.over_fields(&query.field, |path| self.match_text(path, query))
            }
            Query::MatchPhrase(query) => {
                self.over_fields(&query.field, |path| self.match_phrase(path, query))
            }
            Query::Term(query) if query.field == "_id" => {
                Ok(self.ids([query.value.as_str().unwrap_or_default().to_owned()]))
            }
            Query::Term(query) if query.case_insensitive => {
                let wanted = plain(&query.value).to_lowercase();
                Ok(self.texts(&query.field, move |text| text.to_lowercase() == wanted))
            }
            Query::Term(query) => self.term(&query.field, &query.value),
            Query::Terms(query) => self.terms(&query.field, &query.values),
            Query::Range(query) => self.range(query),
            Query::Exists(query) => Ok(self.exists(&query.field)),
            Query::Bool(query) => self.boolean(query),
            Query::Wildcard(query) => {
                let query = query.clone();
                self.over_fields(&query.field, |path| {
                    self.refuse_text(path, &query.field, "wildcard")?;
                    let own = query.clone();
                    Ok(self.texts(path, move |text| own.matches(text)))
                })
            }
            Query::Prefix(query) => {
                self.refuse_text(&query.field, &query.field, "prefix")?;
                let (prefix, insensitive) = (
                    if query.case_insensitive {
                        query.value.to_lowercase()
                    } else {
                        query.value.clone()
                    },
                    query.case_insensitive,
                );
                Ok(self.texts(&query.field, move |text| {
                    if insensitive {
                        text.to_lowercase().starts_with(&prefix)
                    } else {
                        text.starts_with(&prefix)
                    }
                }))
            }
            Query::Regexp(query) => {
                let pattern = pattern(query)?;
                self.refuse_text(&query.field, &query.field, "regexp")?;
                Ok(self.texts(&query.field, move |text| pattern.is_match(text)))
            }
            Query::Fuzzy(query) => {
                self.refuse_text(&query.field, &query.field, "fuzzy")?;
                let own = query.clone();
                Ok(self.texts(&query.field, move |text| is_near(&own, text)))
            }
            Query::Ids(query) => Ok(self.ids(query.values.iter().cloned())),
            Query::ConstantScore(query) => {
                Ok(Box::new(ConstScoreQuery::new(self.lower(query)?, 1.0)))
            }
            Query::DisMax(query) => {
                let lowered = query.queries.iter().map(|query| self.lower(query));
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "scores are single precision"
                )]
                let tie_breaker = query.tie_breaker as f32;
                Ok(Box::new(DisjunctionMaxQuery::with_tie_breaker(
                    lowered.collect::<Result<_, _>>()?,
                    tie_breaker,
                )))
            }
            Query::Boost(query, boost) => Ok(Box::new(BoostQuery::new(self.lower(query)?, *boost))),
        }
    }

    /// A field with `*` stands for all fields that match; any of them may.
    fn over_fields(
        &self,
        field: &str,
        make: impl Fn(&str) -> Result<Boxed, EsError>,
    ) -> Result<Boxed, EsError> {
        if !field.contains('*') {
            return make(field);
        }
        let paths: Vec<String> = self
            .mapping
            .searchable()
            .map(|(path, _)| path)
            .filter(|path| wildcard_matches(field, path))
            .collect();
        let clauses = paths
            .iter()
            .map(|path| Ok((Occur::Should, make(path)?)))
            .collect::<Result<Vec<_>, EsError>>()?;
        Ok(if clauses.is_empty() {
            Box::new(EmptyQuery)
        } else {
            Box::new(BooleanQuery::new(clauses))
        })
    }

    /// Patterns are matched against columns, which analysed text has none of. Among all fields its keyword stands in.
    fn refuse_text(&self, path: &str, asked: &str, query: &str) -> Result<(), EsError> {
        match self.mapping.kind(path) {
            Some(FieldType::Text { .. }) if path == asked => Err(EsError::unsupported(&format!(
                "{query} on the text field [{path}]"
            ))),
            _ => Ok(()),
        }
    }

    fn exact_term(&self, path: &str, text: &str) -> Term {
        let mut term = Term::from_field_json_path(self.index.columns.exact, path, true);
        term.append_type_and_str(text);
        term
    }

    fn text_term(&self, path: &str, token: &str) -> Term {
        let mut term = Term::from_field_json_path(self.index.columns.text, path, true);
        term.append_type_and_str(token);
        term
    }

    fn term(&self, path: &str, value: &Value) -> Result<Boxed, EsError> {
        let by_term = |term: Term, option| -> Boxed {
            let query = Box::new(TermQuery::new(term, option));
            // An exact value matches, or it does not: only words of a text do so more or less.
            match option {
                IndexRecordOption::Basic => Box::new(ConstScoreQuery::new(query, 1.0)),
                _ => query,
            }
        };
        match self.mapping.kind(path) {
            None => Ok(Box::new(EmptyQuery)),
            Some(FieldType::Text { indexed: true }) => Ok(by_term(
                self.text_term(path, &plain(value)),
                IndexRecordOption::WithFreqs,
            )),
            Some(FieldType::Text { indexed: false }) => Err(not_indexed(path)),
            Some(FieldType::Opaque | FieldType::Flattened { .. }) => Err(opaque(path)),
            Some(FieldType::Keyword {
                lowercase: true, ..
            }) => Ok(by_term(
                self.exact_term(path, &plain(value).to_lowercase()),
                IndexRecordOption::Basic,
            )),
            Some(FieldType::Keyword { .. }) => Ok(by_term(
                self.exact_term(path, &plain(value)),
                IndexRecordOption::Basic,
            )),
            Some(FieldType::Boolean) => match plain(value).as_str() {
                flag @ ("true" | "false") => Ok(by_term(
                    self.exact_term(path, flag),
                    IndexRecordOption::Basic,
                )),
                "" => Ok(by_term(
                    self.exact_term(path, "false"),
                    IndexRecordOption::Basic,
                )),
                other => Err(EsError::illegal_argument(format!(
                    "Can't parse boolean value [{other}], expected [true] or [false]"
                ))),
            },
            Some(FieldType::Ip) if plain(value).contains('/') => {
                let network = Network::parse(&plain(value)).ok_or_else(|| {
                    EsError::illegal_argument(format!(
                        "illegal IP address or network [{}]",
                        plain(value)
                    ))
                })?;
                Ok(self.texts(path, move |text| network.holds(text)))
            }
            Some(FieldType::Ip) => {
                let address: std::net::IpAddr = plain(value).parse().map_err(|_| {
                    EsError::illegal_argument(format!(
                        "'{}' is not an IP string literal.",
                        plain(value)
                    ))
                })?;
                Ok(by_term(
                    self.exact_term(path, &address.to_string()),
                    IndexRecordOption::Basic,
                ))
            }
            Some(FieldType::Whole { .. }) => {
                let number = decimal(value).ok_or_else(|| not_a_number(value))?;
                // A decimal equals no whole number.
                if number.fract() != 0.0 {
                    return Ok(Box::new(EmptyQuery));
                }
                let number = FieldValue::Whole(whole(value).ok_or_else(|| not_a_number(value))?);
                Ok(self.numbers(
                    path,
                    Bound::Included(number.clone()),
                    Bound::Included(number),
                ))
            }
            Some(FieldType::Decimal { .. }) => {
                let number =
                    FieldValue::Decimal(decimal(value).ok_or_else(|| not_a_number(value))?);
                Ok(self.numbers(
                    path,
                    Bound::Included(number.clone()),
                    Bound::Included(number),
                ))
            }
            // A day or a second as a term is all of it.
            Some(FieldType::Date) => {
                let from = self.date(value, &TimeZone::UTC, Round::Down)?;
                let to = self.date(value, &TimeZone::UTC, Round::Up)?;
                Ok(self.numbers(path, Bound::Included(from), Bound::Included(to)))
            }
        }
    }

    fn terms(&self, path: &str, values: &[Value]) -> Result<Boxed, EsError> {
        if path == "_id" {
            return Ok(self.ids(values.iter().map(plain)));
        }
        if matches!(
            self.mapping.kind(path),
            Some(FieldType::Keyword {
                lowercase: false,
                ..
            })
        ) {
            let terms: Vec<Term> = values
                .iter()
                .map(|value| self.exact_term(path, &plain(value)))
                .collect();
            return Ok(Box::new(ConstScoreQuery::new(
                Box::new(TermSetQuery::new(terms)),
                1.0,
            )));
        }
        let clauses = values
            .iter()
            .map(|value| Ok((Occur::Should, self.term(path, value)?)))
            .collect::<Result<Vec<_>, EsError>>()?;
        Ok(if clauses.is_empty() {
            Box::new(EmptyQuery)
        } else {
            Box::new(BooleanQuery::new(clauses))
        })
    }

    fn tokens(&self, text: &str) -> Vec<String> {
        let mut analyzer = self.index.analyzer();
        let mut stream = analyzer.token_stream(text);
        let mut tokens = Vec::new();
        while stream.advance() {
            tokens.push(stream.token().text.clone());
        }
        tokens
    }

    fn match_text(&self, path: &str, query: &MatchQuery) -> Result<Boxed, EsError> {
        match self.mapping.kind(path) {
            Some(FieldType::Text { indexed: true }) => {
                let occur = if query.operator == Operator::And {
                    Occur::Must
                } else {
                    Occur::Should
                };
                let terms = self.tokens(&plain(&query.value));
                let clauses: Vec<(Occur, Boxed)> = terms
                    .iter()
                    .map(|token| {
                        (
                            occur,
                            Box::new(TermQuery::new(
                                self.text_term(path, token),
                                IndexRecordOption::WithFreqs,
                            )) as Boxed,
                        )
                    })
                    .collect();
                let required = query
                    .minimum_should_match
                    .map(|minimum| minimum.of(clauses.len()));
                Ok(match required {
                    _ if clauses.is_empty() => Box::new(EmptyQuery),
                    // One word is not counted.
                    Some(required)
                        if occur == Occur::Should && required > 1 && clauses.len() > 1 =>
                    {
                        Box::new(BooleanQuery::with_minimum_required_clauses(
                            clauses, required,
                        ))
                    }
                    _ => Box::new(BooleanQuery::new(clauses)),
                })
            }
            Some(FieldType::Text { indexed: false }) if query.lenient => Ok(Box::new(EmptyQuery)),
            _ => match self.term(path, &query.value) {
                Err(_) if query.lenient => Ok(Box::new(EmptyQuery)),
                other => other,
            },
        }
    }

    fn match_phrase(&self, path: &str, query: &MatchPhraseQuery) -> Result<Boxed, EsError> {
        if !matches!(
            self.mapping.kind(path),
            Some(FieldType::Text { indexed: true })
        ) {
            if query.prefix && self.mapping.kind(path).is_some() {
                return Err(EsError::illegal_argument(format!(
                    "Can only use phrase prefix queries on text fields - not on [{path}]"
                )));
            }
            let words = MatchQuery {
                field: path.to_owned(),
                value: query.value.clone(),
                operator: Operator::And,
                minimum_should_match: None,
                lenient: query.lenient,
            };
            return self.match_text(path, &words);
        }
        let mut terms: Vec<Term> = self
            .tokens(&plain(&query.value))
            .iter()
            .map(|token| self.text_term(path, token))
            .collect();
        Ok(match terms.len() {
            0 => Box::new(EmptyQuery),
            _ if query.prefix && query.slop > 0 => {
                return Err(EsError::unsupported("[slop] of [match_phrase_prefix]"));
            }
            _ if query.prefix => Box::new(PhrasePrefixQuery::new(terms)),
            1 => Box::new(TermQuery::new(
                terms.remove(0),
                IndexRecordOption::WithFreqs,
            )),
            _ => {
                let mut phrase = PhraseQuery::new(terms);
                phrase.set_slop(query.slop);
                Box::new(phrase)
            }
        })
    }

    fn range(&self, query: &RangeQuery) -> Result<Boxed, EsError> {
        let path = query.field.as_str();
        let bound = |value: &Option<Value>,
                     inclusive: bool,
                     upper: bool|
         -> Result<Option<Bound<FieldValue>>, EsError> {
            let Some(value) = value else { return Ok(None) };
            let value = self.range_value(path, value, query, inclusive, upper)?;
            Ok(Some(if inclusive {
                Bound::Included(value)
            } else {
                Bound::Excluded(value)
            }))
        };
        let lower = bound(&query.gte, true, false)?
            .or(bound(&query.gt, false, false)?)
            .unwrap_or(Bound::Unbounded);
        let upper = bound(&query.lte, true, true)?
            .or(bound(&query.lt, false, true)?)
            .unwrap_or(Bound::Unbounded);
        match self.mapping.kind(path) {
            None => Ok(Box::new(EmptyQuery)),
            Some(FieldType::Keyword { .. } | FieldType::Boolean) => {
                Ok(self.texts(path, move |text| {
                    let value = FieldValue::Text(text.to_owned());
                    above(&value, &lower) && below(&value, &upper)
                }))
            }
            Some(FieldType::Text { .. }) => Err(EsError::unsupported(&format!(
                "range on the text field [{path}]"
            ))),
            Some(FieldType::Opaque | FieldType::Flattened { .. }) => Err(opaque(path)),
            Some(FieldType::Ip) => Err(EsError::unsupported(&format!(
                "range on the ip field [{path}]"
            ))),
            Some(_) => Ok(self.numbers(path, lower, upper)),
        }
    }

    fn range_value(
        &self,
        path: &str,
        value: &Value,
        query: &RangeQuery,
        inclusive: bool,
        upper: bool,
    ) -> Result<FieldValue, EsError> {
        match self.mapping.kind(path) {
            Some(FieldType::Date) => {
                if query.format.as_deref().is_some_and(|format| {
                    ![
                        "epoch_millis",
                        "strict_date_optional_time",
                        "strict_date_optional_time||epoch_millis",
                    ]
                    .contains(&format)
                }) {
                    return Err(EsError::unsupported("[format] of a range on dates"));
                }
                let zone = query
                    .time_zone
                    .as_deref()
                    .map_or(Ok(TimeZone::UTC), date::zone)?;
                // `gt` and `lte` mean the end of what an incomplete date stands for, `gte` and `lt` its beginning.
                let round = if inclusive == upper {
                    Round::Up
                } else {
                    Round::Down
                };
                self.date(value, &zone, round)
            }
            Some(FieldType::Whole { .. } | FieldType::Decimal { .. }) => {
                match value.as_i64().or_else(|| plain(value).parse().ok()) {
                    Some(number) => Ok(FieldValue::Whole(number)),
                    None => decimal(value)
                        .map(FieldValue::Decimal)
                        .ok_or_else(|| not_a_number(value)),
                }
            }
            _ => Ok(FieldValue::Text(plain(value))),
        }
    }

    fn date(&self, value: &Value, zone: &TimeZone, round: Round) -> Result<FieldValue, EsError> {
        match value {
            Value::Number(number) => number
                .as_i64()
                .map(FieldValue::Whole)
                .ok_or_else(|| not_a_number(value)),
            _ => {
                date::parse_query_date(&plain(value), zone, round, self.now).map(FieldValue::Whole)
            }
        }
    }

    fn exists(&self, field: &str) -> Boxed {
        let name = |path: &str| -> Boxed {
            Box::new(TermQuery::new(
                Term::from_field_text(self.index.columns.names, path),
                IndexRecordOption::Basic,
            ))
        };
        // An object exists when one of its fields does.
        let below = format!("{field}.");
        let mut clauses: Vec<(Occur, Boxed)> = vec![(Occur::Should, name(field))];
        let inner = self.mapping.searchable().filter(|(path, _)| {
            path.starts_with(&below) || (field.contains('*') && wildcard_matches(field, path))
        });
        clauses.extend(inner.map(|(path, _)| (Occur::Should, name(&path))));
        Box::new(ConstScoreQuery::new(
            Box::new(BooleanQuery::new(clauses)),
            1.0,
        ))
    }

    fn boolean(&self, query: &BoolQuery) -> Result<Boxed, EsError> {
        let mut clauses: Vec<(Occur, Boxed)> = Vec::new();
        for clause in &query.must {
            clauses.push((Occur::Must, scoring(self.lower(clause)?)));
        }
        for clause in &query.filter {
            clauses.push((
                Occur::Must,
                Box::new(ConstScoreQuery::new(self.lower(clause)?, 0.0)),
            ));
        }
        for clause in &query.must_not {
            clauses.push((Occur::MustNot, Box::new(SetQuery(self.lower(clause)?))));
        }
        let should: Vec<(Occur, Boxed)> = query
            .should
            .iter()
            .map(|clause| Ok((Occur::Should, scoring(self.lower(clause)?))))
            .collect::<Result<_, EsError>>()?;
        let mut required = query.required_should();
        let has_required = clauses.iter().any(|(occur, _)| *occur == Occur::Must);
        if !has_required && !should.is_empty() {
            // Something must match, also when a share of one clause is none.
            required = required.max(1);
        }
        if required > should.len() {
            return Ok(Box::new(EmptyQuery));
        }
        if required > 0 {
            let inner = BooleanQuery::with_minimum_required_clauses(should, required);
            clauses.push((Occur::Must, Box::new(inner)));
        } else {
            clauses.extend(should);
        }
        // Without a positive clause everything is meant that is not excluded.
        if clauses.iter().all(|(occur, _)| *occur == Occur::MustNot)
            || required == 0 && clauses.iter().all(|(occur, _)| *occur != Occur::Must)
        {
            clauses.push((
                Occur::Must,
                Box::new(ConstScoreQuery::new(Box::new(AllQuery), 0.0)),
            ));
        }
        Ok(Box::new(BooleanQuery::new(clauses)))
    }

    fn ids(&self, ids: impl IntoIterator<Item = String>) -> Boxed {
        let field: Field = self.index.columns.id;
        let terms: Vec<Term> = ids
            .into_iter()
            .map(|id| Term::from_field_text(field, &id))
            .collect();
        Box::new(ConstScoreQuery::new(
            Box::new(TermSetQuery::new(terms)),
            1.0,
        ))
    }

    fn numbers(&self, path: &str, lower: Bound<FieldValue>, upper: Bound<FieldValue>) -> Boxed {
        Box::new(ColumnQuery {
            path: path.to_owned(),
            predicate: Predicate::Numbers { lower, upper },
        })
    }

    fn texts(&self, path: &str, test: impl Fn(&str) -> bool + Send + Sync + 'static) -> Boxed {
        Box::new(ColumnQuery {
            path: path.to_owned(),
            predicate: Predicate::Texts(Arc::new(test)),
        })
    }
}

/// Within the edits that are allowed, after a common beginning.
fn is_near(query: &FuzzyQuery, text: &str) -> bool {
    let begin = |text: &str| text.chars().take(query.prefix_length).collect::<String>();
    let distance = if query.transpositions {
        strsim::osa_distance
    } else {
        strsim::levenshtein
    };
    begin(text) == begin(&query.value) && distance(&query.value, text) <= query.distance
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn not_a_number(value: &Value) -> EsError {
    EsError::query_shard(format!(
        "failed to create query: For input string: \"{}\"",
        plain(value)
    ))
}

fn not_indexed(path: &str) -> EsError {
    EsError::illegal_argument(format!(
        "Cannot search on field [{path}] since it is not indexed."
    ))
}

/// A part of the addresses: `10.0.0.0/8`.
struct Network {
    address: u128,
    bits: u32,
    is_v4: bool,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let (address, is_v4) = number(address)?;
        let all = if is_v4 { 32 } else { 128 };
        let length: u32 = length.parse().ok().filter(|length| *length <= all)?;
        Some(Self {
            address,
            bits: all - length,
            is_v4,
        })
    }

    fn holds(&self, text: &str) -> bool {
        let same = |other: u128| {
            other.checked_shr(self.bits).unwrap_or(0)
                == self.address.checked_shr(self.bits).unwrap_or(0)
        };
        number(text).is_some_and(|(other, is_v4)| is_v4 == self.is_v4 && same(other))
    }
}

/// An address as a number, and whether it is one of version 4.
fn number(text: &str) -> Option<(u128, bool)> {
    Some(match text.parse().ok()? {
        std::net::IpAddr::V4(address) => (u128::from(u32::from(address)), true),
        std::net::IpAddr::V6(address) => (u128::from(address), false),
    })
}

fn opaque(path: &str) -> EsError {
    EsError::unsupported(&format!("a query for field [{path}] of its type"))
}

/// A regular expression over the whole of a text.
pub(crate) fn pattern(query: &RegexpQuery) -> Result<regex::Regex, EsError> {
    regex::RegexBuilder::new(&query.usual_pattern()?)
        .size_limit(MAX_REGEX_BYTES)
        .build()
        .map_err(|error| {
            EsError::illegal_argument(format!("[regexp] [{}]: {error}", query.pattern))
        })
}

/// Everything scores 1; tantivy leaves it out where other clauses decide what matches, and its score with it.
pub(super) fn scoring(query: Boxed) -> Boxed {
    if query.is::<AllQuery>() {
        Box::new(ConstScoreQuery::new(query, 1.0))
    } else {
        query
    }
}
