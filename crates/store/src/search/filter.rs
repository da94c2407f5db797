//! A tantivy query over columns: ranges of numbers, and any test of texts.

use std::{fmt, ops::Bound, sync::Arc};

use tantivy::{
    BitSet, DocId, DocSet, Score, SegmentReader, TERMINATED, TantivyError,
    query::{
        AllScorer, BitSetDocSet, ConstScorer, EnableScoring, Explanation, Query, Scorer, Weight,
    },
    schema::{Field, IndexRecordOption},
};

use super::{
    columns::{FieldColumns, with_value},
    value::FieldValue,
};

/// What a value must be.
#[derive(Clone)]
pub(crate) enum Predicate {
    /// Numbers between bounds; compared as what they are.
    Numbers {
        lower: Bound<FieldValue>,
        upper: Bound<FieldValue>,
    },
    /// Anything.
    Present,
    /// Exact texts: one of these.
    OneOf(Arc<[String]>),
    /// Texts that pass a test; it is asked once for each term of the segment.
    Texts(Test),
    /// Words of an analysed text that pass a test.
    Words {
        field: Field,
        /// How the terms of the path begin.
        prefix: Vec<u8>,
        test: Test,
    },
}

type Test = Arc<dyn Fn(&str) -> bool + Send + Sync>;

impl fmt::Debug for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Predicate::Numbers { lower, upper } => write!(f, "Numbers({lower:?}, {upper:?})"),
            Predicate::Present => f.write_str("Present"),
            Predicate::OneOf(texts) => write!(f, "OneOf({texts:?})"),
            Predicate::Texts(_) => f.write_str("Texts"),
            Predicate::Words { .. } => f.write_str("Words"),
        }
    }
}

/// Documents with a value of the field that the predicate accepts.
#[derive(Clone, Debug)]
pub(crate) struct ColumnQuery {
    pub(crate) path: String,
    pub(crate) predicate: Predicate,
}

impl Query for ColumnQuery {
    fn weight(&self, _scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl ColumnQuery {
    fn matches(&self, segment: &SegmentReader) -> tantivy::Result<BitSet> {
        let columns = FieldColumns::open(segment, &self.path)?;
        let mut matching = BitSet::with_max_value(segment.max_doc());
        match &self.predicate {
            Predicate::Numbers { lower, upper } => {
                columns.between(lower, upper, &mut matching);
            }
            Predicate::Words {
                field,
                prefix,
                test,
            } => words(segment, *field, prefix, test.as_ref(), &mut matching)?,
            Predicate::Present => with_value(segment, &self.path, &mut matching)?,
            Predicate::OneOf(texts) => columns.one_of(texts, &mut matching)?,
            Predicate::Texts(test) => {
                let accepted = accepted_ordinals(&columns, test.as_ref())?;
                columns.with_accepted(&accepted, &mut matching);
            }
        }
        Ok(matching)
    }

    /// How many documents there are.
    pub(super) fn count(&self, segments: &[SegmentReader]) -> tantivy::Result<u64> {
        let own = |segment| Ok::<_, TantivyError>(self.matches(segment)?.len() as u64);
        segments.iter().map(own).sum()
    }
}

fn words(
    segment: &SegmentReader,
    field: Field,
    prefix: &[u8],
    test: &dyn Fn(&str) -> bool,
    matching: &mut BitSet,
) -> tantivy::Result<()> {
    let index = segment.inverted_index(field)?;
    let mut terms = index.terms().range().ge(prefix).into_stream()?;
    while terms.advance() {
        let Some(word) = terms.key().strip_prefix(prefix) else {
            break;
        };
        if std::str::from_utf8(word).is_ok_and(test) {
            let mut postings =
                index.read_postings_from_terminfo(terms.value(), IndexRecordOption::Basic)?;
            while postings.doc() != TERMINATED {
                matching.insert(postings.doc());
                postings.advance();
            }
        }
    }
    Ok(())
}

fn accepted_ordinals(
    columns: &FieldColumns,
    test: &dyn Fn(&str) -> bool,
) -> tantivy::Result<Vec<bool>> {
    let Some(column) = &columns.text else {
        return Ok(Vec::new());
    };
    let mut accepted = Vec::with_capacity(column.num_terms());
    let mut terms = column.dictionary().stream()?;
    while terms.advance() {
        accepted.push(std::str::from_utf8(terms.key()).is_ok_and(test));
    }
    Ok(accepted)
}

impl Weight for ColumnQuery {
    fn scorer(&self, segment: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let matching = self.matches(segment)?;
        // As a day's index in the range of a month: counting up is faster than looking for bits.
        if matching.len() == segment.max_doc() as usize {
            return Ok(Box::new(ConstScorer::new(
                AllScorer::new(segment.max_doc()),
                boost,
            )));
        }
        Ok(Box::new(ConstScorer::new(
            BitSetDocSet::from(matching),
            boost,
        )))
    }

    fn explain(&self, _segment: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        Err(TantivyError::InvalidArgument(format!(
            "document {doc} cannot be explained"
        )))
    }
}

/// The documents of another query, found all at once. What is excluded is asked for documents before its first one, which a
/// phrase does not bear.
#[derive(Debug)]
pub(crate) struct SetQuery(pub(crate) Box<dyn Query>);

impl Clone for SetQuery {
    fn clone(&self) -> Self {
        Self(self.0.box_clone())
    }
}

struct SetWeight(Box<dyn Weight>);

impl Query for SetQuery {
    fn weight(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(SetWeight(self.0.weight(scoring)?)))
    }
}

impl Weight for SetWeight {
    fn scorer(&self, segment: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let mut found = BitSet::with_max_value(segment.max_doc());
        self.0.for_each_no_score(segment, &mut |docs| {
            for doc in docs {
                found.insert(*doc);
            }
        })?;
        Ok(Box::new(ConstScorer::new(BitSetDocSet::from(found), boost)))
    }

    fn explain(&self, segment: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        self.0.explain(segment, doc)
    }
}
