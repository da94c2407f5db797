//! Queries over the words of a text.

use std::collections::BTreeSet;

use canarytrace_es::{
    EsError,
    query::{CrossFieldsQuery, MatchPhraseQuery, MatchQuery, Operator, Words},
};
use tantivy::{
    TantivyError, Term,
    query::{
        AllQuery, BooleanQuery, BoostQuery, DisjunctionMaxQuery, EmptyQuery, Occur,
        PhrasePrefixQuery, PhraseQuery, TermQuery,
    },
    schema::IndexRecordOption,
};

use super::{
    filter::{ColumnQuery, Predicate},
    lower::{Boxed, Lowering, is_near, plain, scoring},
    near::NearQuery,
    scoring::ScoredQuery,
};
use crate::{
    analysis::Analyzer,
    engine::{StoreError, columns::member},
    mapping::FieldType,
};

fn analyzer(name: &str) -> Result<Analyzer, EsError> {
    Analyzer::named(name)
        .ok_or_else(|| EsError::query_shard(format!("[match] analyzer [{name}] not found")))
}

impl Lowering<'_> {
    pub(super) fn text_term(&self, path: &str, token: &str) -> Term {
        let mut term = Term::from_field_json_path(self.index.columns.text, &member(path), false);
        term.append_type_and_str(token);
        term
    }

    pub(super) fn word(&self, path: &str, token: &str) -> Boxed {
        self.scored_word(path, self.text_term(path, token))
    }

    fn scored_word(&self, path: &str, term: Term) -> Boxed {
        let matching = Box::new(TermQuery::new(term.clone(), IndexRecordOption::Basic));
        self.scored(path, matching, vec![term], 0)
    }

    fn scored(&self, path: &str, matching: Boxed, words: Vec<Term>, slop: u32) -> Boxed {
        Box::new(ScoredQuery {
            matching,
            words,
            exact: None,
            path: path.to_owned(),
            slop,
        })
    }

    /// The rarer of true and false counts more, as the judge has it.
    pub(super) fn scored_flag(&self, path: &str, flag: &str) -> Boxed {
        let exact = ColumnQuery {
            path: path.to_owned(),
            predicate: Predicate::OneOf([flag.to_owned()].into()),
        };
        Box::new(ScoredQuery {
            matching: Box::new(exact.clone()),
            words: Vec::new(),
            exact: Some(exact),
            path: path.to_owned(),
            slop: 0,
        })
    }

    /// The beginning of a word; all that begin so fit equally well.
    fn word_begun(&self, path: &str, begin: &str) -> Boxed {
        let begin = begin.to_owned();
        self.texts(path, move |text| text.starts_with(&begin))
    }

    /// A word, or what is near to it.
    fn word_like(&self, path: &str, word: &str, words: &Words) -> Result<Boxed, EsError> {
        let near = words.fuzziness.as_ref().map(|own| own.near(path, word));
        match near.transpose()?.filter(|near| near.distance > 0) {
            Some(near) => Ok(self.texts(path, move |text| is_near(&near, text))),
            None if words.fuzziness.is_some() => self.term(path, &word.into()),
            None => Ok(self.word(path, word)),
        }
    }

    /// The words of a text as the field has them, or as another analyzer does.
    fn tokens(
        &self,
        path: &str,
        text: &str,
        other: Option<&String>,
    ) -> Result<Vec<String>, EsError> {
        Ok(match (other, self.mapping.kind(path)) {
            (Some(name), _) => analyzer(name)?.words(text),
            (None, Some(FieldType::Text { analyzer, .. })) => analyzer.words(text),
            (None, _) => vec![text.to_owned()],
        })
    }

    pub(super) fn match_text(&self, path: &str, query: &MatchQuery) -> Result<Boxed, EsError> {
        match self.mapping.kind(path) {
            Some(FieldType::Text { indexed: true, .. }) => {
                let occur = if query.operator == Operator::And {
                    Occur::Must
                } else {
                    Occur::Should
                };
                let analyzer = query.words.analyzer.as_ref();
                let mut terms = self.tokens(path, &plain(&query.value), analyzer)?;
                let begun = terms.pop_if(|_| query.words.is_last_prefix);
                let mut clauses = terms
                    .iter()
                    .map(|token| Ok((occur, self.word_like(path, token, &query.words)?)))
                    .collect::<Result<Vec<(Occur, Boxed)>, EsError>>()?;
                clauses.extend(begun.map(|begun| (occur, self.word_begun(path, &begun))));
                let required = query
                    .minimum_should_match
                    .map(|minimum| minimum.of(clauses.len()));
                Ok(match required {
                    _ if clauses.is_empty() && query.words.none_match_all => {
                        scoring(Box::new(AllQuery))
                    }
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
            Some(FieldType::Text { indexed: false, .. }) if query.lenient => {
                Ok(Box::new(EmptyQuery))
            }
            Some(FieldType::Keyword { .. }) if query.words.is_last_prefix => {
                Ok(self.word_begun(path, &plain(&query.value)))
            }
            Some(FieldType::Keyword { .. }) if query.words.fuzziness.is_some() => {
                self.word_like(path, &plain(&query.value), &query.words)
            }
            _ => match self.term(path, &query.value) {
                Err(_) if query.lenient => Ok(Box::new(EmptyQuery)),
                other => other,
            },
        }
    }

    /// Each word may be in any of the texts; a field of another kind is asked for the whole.
    pub(super) fn cross_fields(&self, query: &CrossFieldsQuery) -> Result<Boxed, EsError> {
        let (mut texts, mut groups) = (Vec::new(), Vec::new());
        for (name, boost) in &query.fields {
            let paths = match name.contains('*') {
                true => self.paths(name),
                false => vec![name.clone()],
            };
            for path in paths {
                match self.mapping.kind(&path) {
                    Some(FieldType::Text { indexed: true, .. }) => texts.push((path, *boost)),
                    Some(FieldType::Text { .. }) | None => {}
                    Some(_) => groups.extend(self.term(&path, &query.text.as_str().into()).ok()),
                }
            }
        }
        let words = match texts.first() {
            Some((path, _)) => self.tokens(path, &query.text, None)?,
            None => Vec::new(),
        };
        let in_any = |word: &String| -> Boxed {
            let own = texts.iter().map(|(path, boost)| -> Boxed {
                Box::new(BoostQuery::new(self.word(path, word), *boost))
            });
            Box::new(DisjunctionMaxQuery::new(own.collect()))
        };
        let occur = match query.operator {
            Operator::And => Occur::Must,
            Operator::Or => Occur::Should,
        };
        let clauses: Vec<_> = words.iter().map(|word| (occur, in_any(word))).collect();
        let required = query
            .minimum_should_match
            .map(|least| least.of(clauses.len()));
        if !clauses.is_empty() {
            groups.push(match required.filter(|required| *required > 1) {
                Some(required) if occur == Occur::Should => Box::new(
                    BooleanQuery::with_minimum_required_clauses(clauses, required),
                ),
                _ => Box::new(BooleanQuery::new(clauses)),
            });
        }
        Ok(Box::new(DisjunctionMaxQuery::new(groups)))
    }

    pub(super) fn match_phrase(
        &self,
        path: &str,
        query: &MatchPhraseQuery,
    ) -> Result<Boxed, EsError> {
        if !matches!(
            self.mapping.kind(path),
            Some(FieldType::Text { indexed: true, .. })
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
                words: Words::default(),
                lenient: query.lenient,
            };
            return self.match_text(path, &words);
        }
        let mut terms: Vec<Term> = self
            .tokens(path, &plain(&query.value), query.analyzer.as_ref())?
            .iter()
            .map(|token| self.text_term(path, token))
            .collect();
        Ok(match terms.len() {
            0 => Box::new(EmptyQuery),
            2.. if query.prefix && query.slop > 0 => self.loose_prefix(&terms, query.slop)?,
            _ if query.prefix => Box::new(PhrasePrefixQuery::new(terms)),
            1 => self.scored_word(path, terms.remove(0)),
            _ => {
                let matching: Boxed = match query.slop {
                    0 => Box::new(PhraseQuery::new(terms.clone())),
                    slop => Box::new(NearQuery {
                        words: terms.iter().map(|term| vec![term.clone()]).collect(),
                        slop,
                    }),
                };
                self.scored(path, matching, terms, query.slop)
            }
        })
    }

    /// Words near each other of which the last may go on: it is any of the first words that begin so.
    fn loose_prefix(&self, terms: &[Term], slop: u32) -> Result<Boxed, EsError> {
        let Some((last, before)) = terms.split_last() else {
            return Ok(Box::new(EmptyQuery));
        };
        let begin = last.serialized_value_bytes();
        let mut ends = BTreeSet::new();
        for segment in self.index.searcher()?.segment_readers() {
            let words = segment.inverted_index(last.field());
            let words = words.map_err(StoreError::from)?;
            let range = words.terms().range().ge(begin).into_stream();
            let mut stream = range.map_err(|error| StoreError::from(TantivyError::from(error)))?;
            let mut own = 0;
            while own < MAX_EXPANSIONS && stream.advance() && stream.key().starts_with(begin) {
                ends.insert(stream.key().to_vec());
                own += 1;
            }
        }
        let ends = ends.iter().take(MAX_EXPANSIONS).map(|end| {
            let mut word = last.clone();
            word.set_bytes(end);
            word
        });
        let mut words: Vec<Vec<Term>> = before.iter().map(|word| vec![word.clone()]).collect();
        words.push(ends.collect());
        Ok(Box::new(NearQuery { words, slop }))
    }
}

/// So many words stand for the beginning of one, as in Elasticsearch.
const MAX_EXPANSIONS: usize = 50;
