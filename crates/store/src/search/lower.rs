//! From the query DSL to tantivy's queries, by the mapping of an index.

use std::{ops::Bound, sync::Arc};

use canarytrace_es::{
    DateFormats, EsError,
    date::{self, Round},
    query::{BoolQuery, FuzzyQuery, Query, RangeQuery, RegexpQuery, wildcard_matches},
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;
use tantivy::{
    Term,
    query::{
        AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, DisjunctionMaxQuery, EmptyQuery,
        Occur, Query as TantivyQuery, TermQuery, TermSetQuery,
    },
    schema::{Field, IndexRecordOption},
};

use super::{
    filter::{ColumnQuery, Predicate, SetQuery},
    network::{self, Network},
    value::FieldValue,
};
use crate::{
    engine::Index,
    mapping::{FieldType, Mapping, decimal, unsigned_whole, whole},
};

pub(super) type Boxed = Box<dyn TantivyQuery>;

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
                    let own = query.clone();
                    Ok(self.texts(path, move |text| own.matches(text)))
                })
            }
            Query::Prefix(query) => {
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
                self.over_fields(&query.field, |path| {
                    let own = pattern.clone();
                    Ok(self.texts(path, move |text| own.is_match(text)))
                })
            }
            Query::Fuzzy(query) => self.over_fields(&query.field, |path| {
                let own = query.clone();
                Ok(self.texts(path, move |text| is_near(&own, text)))
            }),
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
            Query::CrossFields(query) => self.cross_fields(query),
            Query::Boost(query, boost) => Ok(Box::new(BoostQuery::new(self.lower(query)?, *boost))),
        }
    }

    /// The fields that a name with `*` stands for.
    pub(super) fn paths(&self, name: &str) -> Vec<String> {
        let all = self.mapping.searchable().map(|(path, _)| path);
        all.filter(|path| wildcard_matches(name, path)).collect()
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
        let paths = self.paths(field);
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

    pub(super) fn term(&self, path: &str, value: &Value) -> Result<Boxed, EsError> {
        let exact = |text: String| self.one_of(path, vec![text]);
        match self.mapping.kind(path) {
            None => Ok(Box::new(EmptyQuery)),
            Some(FieldType::Text { indexed: true, .. }) => Ok(self.word(path, &plain(value))),
            Some(FieldType::Text { indexed: false, .. }) => Err(not_indexed(path)),
            Some(FieldType::Opaque | FieldType::Flattened { .. }) => Err(opaque(path)),
            Some(FieldType::Keyword {
                lowercase: true, ..
            }) => Ok(exact(plain(value).to_lowercase())),
            Some(FieldType::Keyword { .. }) => Ok(exact(plain(value))),
            Some(FieldType::Boolean) => match plain(value).as_str() {
                flag @ ("true" | "false") => Ok(self.scored_flag(path, flag)),
                "" => Ok(self.scored_flag(path, "false")),
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
                Ok(exact(address.to_string()))
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
            Some(FieldType::Unsigned) => Ok(match unsigned_whole(value) {
                // Neither is a decimal, nor what is below zero.
                Some(number) if decimal(value).is_some_and(|number| number.fract() == 0.0) => {
                    let number = Bound::Included(FieldValue::of_unsigned(number));
                    self.numbers(path, number.clone(), number)
                }
                _ => Box::new(EmptyQuery),
            }),
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
            Some(FieldType::Date(formats)) => {
                let from = self.date(formats, value, &TimeZone::UTC, Round::Down)?;
                let to = self.date(formats, value, &TimeZone::UTC, Round::Up)?;
                Ok(self.numbers(path, Bound::Included(from), Bound::Included(to)))
            }
        }
    }

    fn terms(&self, path: &str, values: &[Value]) -> Result<Boxed, EsError> {
        if path == "_id" {
            return Ok(self.ids(values.iter().map(plain)));
        }
        if let Some(FieldType::Keyword { lowercase, .. }) = self.mapping.kind(path) {
            let text = |value| match lowercase {
                true => plain(value).to_lowercase(),
                false => plain(value),
            };
            return Ok(self.one_of(path, values.iter().map(text).collect()));
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
                    value.is_above(&lower) && value.is_below(&upper)
                }))
            }
            Some(FieldType::Text { indexed: false, .. }) => Err(not_indexed(path)),
            Some(FieldType::Text { indexed: true, .. }) => Ok(self.texts(path, move |text| {
                let value = FieldValue::Text(text.to_owned());
                value.is_above(&lower) && value.is_below(&upper)
            })),
            Some(FieldType::Opaque | FieldType::Flattened { .. }) => Err(opaque(path)),
            Some(FieldType::Ip) => {
                let (lower, upper) = (network::bound(&lower)?, network::bound(&upper)?);
                Ok(self.texts(path, move |text| network::is_between(text, &lower, &upper)))
            }
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
            Some(FieldType::Date(own)) => {
                let asked = query.format.as_deref().map(DateFormats::parse);
                let asked = asked.transpose()?;
                let formats = asked.as_ref().unwrap_or(own);
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
                self.date(formats, value, &zone, round)
            }
            Some(FieldType::Whole { .. } | FieldType::Unsigned | FieldType::Decimal { .. }) => {
                let text = plain(value);
                let whole = text.parse().map(FieldValue::Whole);
                let whole = whole.or_else(|_| text.parse().map(FieldValue::Unsigned));
                let number = whole
                    .ok()
                    .or_else(|| decimal(value).map(FieldValue::Decimal));
                number.ok_or_else(|| not_a_number(value))
            }
            _ => Ok(FieldValue::Text(plain(value))),
        }
    }

    fn date(
        &self,
        formats: &DateFormats,
        value: &Value,
        zone: &TimeZone,
        round: Round,
    ) -> Result<FieldValue, EsError> {
        match value {
            Value::Number(number) if formats.is_usual() => number
                .as_i64()
                .map(FieldValue::Whole)
                .ok_or_else(|| not_a_number(value)),
            _ => {
                let text = plain(value);
                date::parse_date_of(formats, &text, zone, round, self.now).map(FieldValue::Whole)
            }
        }
    }

    fn exists(&self, field: &str) -> Boxed {
        let name = |path: &str| -> Boxed {
            Box::new(ColumnQuery {
                path: path.to_owned(),
                predicate: Predicate::Present,
            })
        };
        // An object exists when one of its fields does; what is below a field are its multi-fields, which may have values that it
        // does not have itself.
        let is_object = self.mapping.kind(field).is_none();
        let below = format!("{field}.");
        let mut clauses: Vec<(Occur, Boxed)> = vec![(Occur::Should, name(field))];
        let inner = self.mapping.searchable().filter(|(path, _)| {
            (is_object && path.starts_with(&below))
                || (field.contains('*') && wildcard_matches(field, path))
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
        let terms = ids.into_iter().map(|id| Term::from_field_text(field, &id));
        any_of(terms.collect())
    }

    /// An exact value matches, or it does not: only words of a text do so more or less.
    fn one_of(&self, path: &str, texts: Vec<String>) -> Boxed {
        Box::new(ConstScoreQuery::new(
            Box::new(ColumnQuery {
                path: path.to_owned(),
                predicate: Predicate::OneOf(texts.into()),
            }),
            1.0,
        ))
    }

    fn numbers(&self, path: &str, lower: Bound<FieldValue>, upper: Bound<FieldValue>) -> Boxed {
        Box::new(ColumnQuery {
            path: path.to_owned(),
            predicate: Predicate::Numbers { lower, upper },
        })
    }

    /// Texts of a column, or words of an analysed text, that pass a test.
    pub(super) fn texts(
        &self,
        path: &str,
        test: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Boxed {
        let predicate = match self.mapping.kind(path) {
            Some(FieldType::Text { indexed: true, .. }) => Predicate::Words {
                field: self.index.columns.text,
                prefix: self.text_term(path, "").serialized_value_bytes().to_vec(),
                test: Arc::new(test),
            },
            _ => Predicate::Texts(Arc::new(test)),
        };
        Box::new(ColumnQuery {
            path: path.to_owned(),
            predicate,
        })
    }
}

/// Within the edits that are allowed, after a common beginning.
pub(super) fn is_near(query: &FuzzyQuery, text: &str) -> bool {
    let begin = |text: &str| text.chars().take(query.prefix_length).collect::<String>();
    let distance = if query.transpositions {
        strsim::osa_distance
    } else {
        strsim::levenshtein
    };
    begin(text) == begin(&query.value) && distance(&query.value, text) <= query.distance
}

pub(super) fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Building a set for each search costs more than so many terms looked up one by one.
const FEW_TERMS: usize = 16;

/// Documents with any of the terms; all of them fit as well.
fn any_of(terms: Vec<Term>) -> Boxed {
    let inner: Boxed = match terms.len() {
        0..=FEW_TERMS => Box::new(BooleanQuery::new(
            terms
                .into_iter()
                .map(|term| {
                    let query: Boxed = Box::new(TermQuery::new(term, IndexRecordOption::Basic));
                    (Occur::Should, query)
                })
                .collect(),
        )),
        _ => Box::new(TermSetQuery::new(terms)),
    };
    Box::new(ConstScoreQuery::new(inner, 1.0))
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
