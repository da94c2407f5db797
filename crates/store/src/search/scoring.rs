//! How well words fit: BM25 over the texts of one field, as Lucene reckons it.
//!
//! tantivy keeps one length for all texts of a document; ours are a column for each field. Lengths are rounded as Lucene's
//! norms are, so that documents come in the same order.

use tantivy::{
    DocId, DocSet, Score, Searcher, SegmentReader, TantivyError, Term,
    columnar::Column,
    postings::{Postings, SegmentPostings},
    query::{EnableScoring, Explanation, Query, Scorer, Weight},
    schema::IndexRecordOption,
};

use super::{
    columns::{exact_values, lengths},
    filter::ColumnQuery,
};

const K1: f32 = 1.2;
const B: f32 = 0.75;

/// The documents of a query over words of one field, scored by these words.
#[derive(Debug)]
pub(crate) struct ScoredQuery {
    pub(crate) matching: Box<dyn Query>,
    pub(crate) words: Vec<Term>,
    /// An exact text that stands for a word: it is in columns only.
    pub(crate) exact: Option<ColumnQuery>,
    pub(crate) path: String,
    /// How far the words of a phrase may be apart.
    pub(crate) slop: u32,
}

impl Clone for ScoredQuery {
    fn clone(&self) -> Self {
        Self {
            matching: self.matching.box_clone(),
            words: self.words.clone(),
            exact: self.exact.clone(),
            path: self.path.clone(),
            slop: self.slop,
        }
    }
}

impl Query for ScoredQuery {
    fn weight(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        let EnableScoring::Enabled { searcher, .. } = scoring else {
            return self.matching.weight(scoring);
        };
        let field = Field::of(searcher, &self.path)?;
        let mut idf = 0.0;
        for word in &self.words {
            idf += field.idf(searcher.doc_freq(word)?);
        }
        if let Some(exact) = &self.exact {
            idf += field.idf(exact.count(searcher.segment_readers())?);
        }
        let unscored = EnableScoring::disabled_from_searcher(searcher);
        Ok(Box::new(ScoredWeight {
            matching: self.matching.weight(unscored)?,
            words: self.words.clone(),
            path: self.path.clone(),
            slop: self.slop,
            idf,
            average: field.average,
        }))
    }

    fn query_terms<'a>(&'a self, visitor: &mut dyn FnMut(&'a Term, bool)) {
        self.matching.query_terms(visitor);
    }
}

/// Of all documents with the field.
struct Field {
    documents: u64,
    /// Words of a document.
    average: f32,
}

impl Field {
    fn of(searcher: &Searcher, path: &str) -> tantivy::Result<Self> {
        let (mut documents, mut words) = (0, 0);
        for segment in searcher.segment_readers() {
            let Some(column) = lengths(segment, path)? else {
                let (with_value, values) = exact_values(segment, path)?;
                documents += with_value;
                words += values;
                continue;
            };
            let own = (0..column.values.num_vals()).map(|row| column.values.get_val(row));
            // A text without a word counts for nothing.
            for length in own.filter(|length| *length > 0) {
                documents += 1;
                words += length;
            }
        }
        Ok(Self {
            documents,
            average: words as f32 / documents.max(1) as f32,
        })
    }

    fn idf(&self, with_word: u64) -> f32 {
        let others = self.documents.saturating_sub(with_word) as f64;
        (1.0 + (others + 0.5) / (with_word as f64 + 0.5)).ln() as f32
    }
}

struct ScoredWeight {
    matching: Box<dyn Weight>,
    words: Vec<Term>,
    path: String,
    slop: u32,
    idf: f32,
    average: f32,
}

impl Weight for ScoredWeight {
    fn scorer(&self, segment: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let mut postings = Vec::new();
        for word in &self.words {
            let index = segment.inverted_index(word.field())?;
            let option = IndexRecordOption::WithFreqsAndPositions;
            postings.extend(index.read_postings(word, option)?);
        }
        Ok(Box::new(FieldScorer {
            matching: self.matching.scorer(segment, 1.0)?,
            is_whole: postings.len() == self.words.len(),
            postings,
            slop: self.slop,
            lengths: lengths(segment, &self.path)?,
            weight: boost * self.idf,
            average: self.average,
        }))
    }

    fn explain(&self, segment: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        explained("BM25", self.scorer(segment, 1.0)?, doc)
    }
}

/// The score of a document, by the name of what gave it.
pub(super) fn explained(
    name: &'static str,
    mut scorer: Box<dyn Scorer>,
    doc: DocId,
) -> tantivy::Result<Explanation> {
    if scorer.seek(doc) != doc {
        return Err(TantivyError::InvalidArgument(format!(
            "document {doc} does not match"
        )));
    }
    Ok(Explanation::new(name, scorer.score()))
}

struct FieldScorer {
    matching: Box<dyn Scorer>,
    postings: Vec<SegmentPostings>,
    is_whole: bool,
    slop: u32,
    lengths: Option<Column<i64>>,
    weight: f32,
    average: f32,
}

impl FieldScorer {
    /// How often the word, or the words one after another, are in the document.
    fn frequency(&mut self) -> f32 {
        let doc = self.matching.doc();
        for postings in &mut self.postings {
            if postings.doc() < doc {
                postings.seek(doc);
            }
        }
        if !self.is_whole || self.postings.iter().any(|postings| postings.doc() != doc) {
            return 1.0;
        }
        match self.postings.as_mut_slice() {
            [] => 1.0,
            [only] => only.term_freq() as f32,
            several => together(several, self.slop),
        }
    }
}

/// A phrase counts less the farther its words are apart.
fn together(postings: &mut [SegmentPostings], slop: u32) -> f32 {
    // Where the phrase would begin by each of its words.
    let mut starts: Vec<Vec<i64>> = Vec::new();
    for (offset, own) in (0..).zip(postings) {
        let mut positions = Vec::new();
        own.positions(&mut positions);
        starts.push(
            positions
                .into_iter()
                .map(|at| i64::from(at) - offset)
                .collect(),
        );
    }
    let Some((first, others)) = starts.split_first() else {
        return 1.0;
    };
    let mut frequency = 0.0;
    for start in first {
        let apart = others.iter().map(|own| {
            let near = own.iter().map(|other| start.abs_diff(*other)).min();
            near.unwrap_or(u64::MAX)
        });
        let apart = apart.max().unwrap_or(0);
        if apart <= u64::from(slop) {
            frequency += 1.0 / (1.0 + apart as f32);
        }
    }
    frequency
}

impl DocSet for FieldScorer {
    fn advance(&mut self) -> DocId {
        self.matching.advance()
    }

    fn seek(&mut self, target: DocId) -> DocId {
        self.matching.seek(target)
    }

    fn doc(&self) -> DocId {
        self.matching.doc()
    }

    fn size_hint(&self) -> u32 {
        self.matching.size_hint()
    }
}

impl Scorer for FieldScorer {
    fn score(&mut self) -> Score {
        let frequency = self.frequency();
        let doc = self.matching.doc();
        let length = self.lengths.as_ref().and_then(|column| column.first(doc));
        let length = rounded(
            length
                .and_then(|length| u32::try_from(length).ok())
                .unwrap_or(1),
        );
        let norm = 1.0 / (K1 * ((1.0 - B) + B * length as f32 / self.average));
        self.weight - self.weight / (1.0 + frequency * norm)
    }
}

/// Lengths below this are kept as they are.
const EXACT: u32 = 24;

/// A length as Lucene's norm of one byte tells it again: four significant bits beyond the first few numbers.
fn rounded(length: u32) -> u32 {
    if length < EXACT {
        return length;
    }
    let above = length - EXACT;
    let bits = u32::BITS - above.leading_zeros();
    let dropped = bits.saturating_sub(4);
    ((above >> dropped) << dropped) + EXACT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_rounded_as_norms_are() {
        let of = [0, 23, 24, 39, 40, 41, 42, 100, 1000].map(rounded);
        assert_eq!(of, [0, 23, 24, 39, 40, 40, 42, 96, 984]);
    }
}
