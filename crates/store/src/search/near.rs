//! Phrases whose words may be apart: as far as Lucene lets them, which counts how far all of them together would have to be moved.

use tantivy::{
    DocId, DocSet, Score, SegmentReader, TERMINATED, Term,
    postings::{Postings, SegmentPostings},
    query::{BooleanQuery, EnableScoring, Explanation, Occur, Query, Scorer, TermQuery, Weight},
    schema::IndexRecordOption,
};

use super::scoring::explained;

/// Words of one field near each other; each may be any of several.
#[derive(Clone, Debug)]
pub(crate) struct NearQuery {
    pub(crate) words: Vec<Vec<Term>>,
    pub(crate) slop: u32,
}

impl Query for NearQuery {
    fn weight(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        let one = |term: &Term| -> (Occur, Box<dyn Query>) {
            let word = TermQuery::new(term.clone(), IndexRecordOption::Basic);
            (Occur::Should, Box::new(word))
        };
        let all = self.words.iter().map(|any| -> (Occur, Box<dyn Query>) {
            let any = BooleanQuery::new(any.iter().map(one).collect());
            (Occur::Must, Box::new(any))
        });
        let unscored = match scoring {
            EnableScoring::Enabled { searcher, .. } => {
                EnableScoring::disabled_from_searcher(searcher)
            }
            disabled => disabled,
        };
        Ok(Box::new(NearWeight {
            together: BooleanQuery::new(all.collect()).weight(unscored)?,
            query: self.clone(),
        }))
    }

    fn query_terms<'a>(&'a self, visitor: &mut dyn FnMut(&'a Term, bool)) {
        self.words
            .iter()
            .flatten()
            .for_each(|term| visitor(term, true));
    }
}

struct NearWeight {
    /// The documents with all of the words, wherever.
    together: Box<dyn Weight>,
    query: NearQuery,
}

impl Weight for NearWeight {
    fn scorer(&self, segment: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let mut words = Vec::new();
        for any in &self.query.words {
            let mut postings = Vec::new();
            for term in any {
                let index = segment.inverted_index(term.field())?;
                let option = IndexRecordOption::WithFreqsAndPositions;
                postings.extend(index.read_postings(term, option)?);
            }
            words.push(postings);
        }
        let mut scorer = NearScorer {
            together: self.together.scorer(segment, 1.0)?,
            words,
            slop: self.query.slop,
            boost,
        };
        if scorer.doc() != TERMINATED && !scorer.fits() {
            scorer.advance();
        }
        Ok(Box::new(scorer))
    }

    fn explain(&self, segment: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        explained("near", self.scorer(segment, 1.0)?, doc)
    }
}

struct NearScorer {
    together: Box<dyn Scorer>,
    words: Vec<Vec<SegmentPostings>>,
    slop: u32,
    boost: Score,
}

impl NearScorer {
    /// Whether the words of the document are near enough.
    fn fits(&mut self) -> bool {
        let doc = self.together.doc();
        let mut places = Vec::with_capacity(self.words.len());
        for any in &mut self.words {
            let mut own = Vec::new();
            for postings in any {
                if postings.doc() < doc {
                    postings.seek(doc);
                }
                if postings.doc() == doc {
                    let mut positions = Vec::new();
                    postings.positions(&mut positions);
                    own.append(&mut positions);
                }
            }
            own.sort_unstable();
            places.push(own);
        }
        are_near(&places, self.slop)
    }
}

impl DocSet for NearScorer {
    fn advance(&mut self) -> DocId {
        loop {
            let doc = self.together.advance();
            if doc == TERMINATED || self.fits() {
                return doc;
            }
        }
    }

    fn seek(&mut self, target: DocId) -> DocId {
        let doc = self.together.seek(target);
        if doc == TERMINATED || self.fits() {
            return doc;
        }
        self.advance()
    }

    fn doc(&self) -> DocId {
        self.together.doc()
    }

    fn size_hint(&self) -> u32 {
        self.together.size_hint()
    }
}

impl Scorer for NearScorer {
    fn score(&mut self) -> Score {
        self.boost
    }
}

/// Whether there is a place for each word, none of them taken twice, so that the beginnings of the phrase which follow from them
/// are within the slop.
fn are_near(places: &[Vec<u32>], slop: u32) -> bool {
    let begin = |place: u32, word: usize| i64::from(place) - word as i64;
    let begins = places
        .iter()
        .enumerate()
        .flat_map(|(word, own)| own.iter().map(move |place| begin(*place, word)));
    let mut begins: Vec<i64> = begins.collect();
    begins.sort_unstable();
    begins.dedup();
    begins.into_iter().any(|least| {
        let mut taken: Vec<u32> = Vec::with_capacity(places.len());
        // A word further back may lie further back: the first place that is free leaves most to those that follow.
        places.iter().enumerate().all(|(word, own)| {
            let free = own.iter().find(|place| {
                let begin = begin(**place, word);
                begin >= least && begin <= least + i64::from(slop) && !taken.contains(place)
            });
            taken.extend(free);
            free.is_some()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_as_far_apart_as_all_would_have_to_be_moved() {
        let near = |places: &[&[u32]], slop| {
            let places: Vec<Vec<u32>> = places.iter().map(|own| own.to_vec()).collect();
            are_near(&places, slop)
        };
        // Two words that change places are two apart.
        assert!(!near(&[&[1], &[0]], 1));
        assert!(near(&[&[1], &[0]], 2));
        // Three in the reverse order are four apart.
        assert!(!near(&[&[2], &[1], &[0]], 3));
        assert!(near(&[&[2], &[1], &[0]], 4));
        // The same word twice needs two of them.
        assert!(!near(&[&[3], &[3]], 5));
        assert!(near(&[&[3, 5], &[3, 5]], 1));
        assert!(!near(&[&[], &[1]], 9));
    }
}
